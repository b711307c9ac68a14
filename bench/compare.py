#!/usr/bin/env python3
"""Runs contestants in turn (A B C, A B C, ...) and compares them round by round, so that a drift of the machine cancels.

CPU seconds are the processes' own and their children's (wait4); the server's are those of all its processes during the
run. Their sum is the steadiest figure on a machine that is shared. Peak memory is the largest process's. See README.md.
"""
import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TICKS = os.sysconf("SC_CLK_TCK")
KEY = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"


def server_seconds(pid_file):
    """CPU seconds of the server so far: its first process with the children it has buried, and those that live."""
    first, ticks = int(open(pid_file).readline()), 0
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = open(f"/proc/{entry}/stat").read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(entry) == first:
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) == first:
            ticks += sum(map(int, fields[11:13]))
    return ticks / TICKS


class Bench:
    def __init__(self, options):
        self.data, self.dsn, self.server, self.scratch = options.data, options.dsn, options.server, options.scratch
        self.chartlift = os.environ["CHARTLIFT"]
        self.environment = os.environ | {"CHARTLIFT_BENCH_KEY": KEY, "CHARTLIFT_BENCH_DSN": self.dsn}
        self.converted = self.scratch / f"converted-{self.data.name}"

    def psql(self, *arguments):
        done = subprocess.run(["psql", self.dsn, "-XqAt", "-v", "ON_ERROR_STOP=1", *arguments], check=True,
                              capture_output=True, text=True)
        return done.stdout

    def clean(self):
        """Empty tables, as before a first import; never timed."""
        ddl = (HERE / "packs/targets/note_store/1/ddl/postgres.sql").read_text()
        drop = "".join(f"drop table if exists {table};" for table in ("patients", "records", "schedules"))
        quiet = "set client_min_messages = warning;"
        self.psql("-c", quiet + "drop schema if exists chartlift cascade;" + drop + ddl, "-c", "checkpoint")

    def project(self, out, constraints):
        """A project with an order in it; without constraints every field is just text."""
        shutil.copytree(HERE / "packs", out, dirs_exist_ok=True)
        if not constraints:
            for schema in (out / "systems/clinic_notes/1/schemas").glob("*.yaml"):
                lines = schema.read_text().splitlines()
                bare = [line.split(", type:")[0] + ", type: string }" if ", type:" in line else line for line in lines]
                schema.write_text("\n".join(line for line in bare if not line.startswith("primaryKey")) + "\n")
        self.run(out, "order", "create", "--id", "bench", "--input", str(self.data), "--system", "clinic_notes",
                 "--version", "1", "--target", "note_store=env:CHARTLIFT_BENCH_DSN")
        self.run(out, "identify", "--order", "bench")

    def run(self, out, *arguments):
        subprocess.run([self.chartlift, "--quiet", *arguments], cwd=out, env=self.environment, check=True,
                       stdout=subprocess.DEVNULL)

    def prepare_converted(self):
        """The rows as they end up, for the import alone: written once, from a whole run."""
        if (self.converted / "schedules.csv").exists():
            return
        self.clean()
        out = pathlib.Path(tempfile.mkdtemp(dir=self.scratch))
        subprocess.run([HERE / "candidate", self.data, out, self.dsn], check=True, env=self.environment)
        self.converted.mkdir(exist_ok=True)
        for table in ("patients", "records", "schedules"):
            self.psql("-c", f"\\copy {table} to '{self.converted / table}.csv' (format csv)")
        shutil.rmtree(out)


def contestants(bench):
    """name -> (prepare(out), command(out)); only the command is measured."""
    check = lambda out: [bench.chartlift, "--quiet", "check", "--order", "bench"]
    found = {
        "land": (lambda out: bench.project(out, constraints=False), check),
        "check": (lambda out: bench.project(out, constraints=True), check),
        "whole": (lambda out: None, lambda out: [str(HERE / "candidate"), str(bench.data), str(out), bench.dsn]),
        "copy": (lambda out: bench.prepare_converted() or bench.clean(), lambda out: copy_command(bench)),
    }
    if subprocess.run([sys.executable, "-c", "import duckdb"], capture_output=True).returncode == 0:
        script = [sys.executable, str(HERE / "duckdb_pipeline.py")]
        for name in ("land", "check", "whole"):
            found[f"duckdb-{name}"] = (lambda out: None, lambda out, name=name: [
                *script, name, str(bench.data), str(out), bench.dsn])
    else:
        print("no duckdb for this Python: its part is left out")
    return found


def copy_command(bench):
    lines = [f"\\copy {table} from '{bench.converted / table}.csv' (format csv)"
             for table in ("patients", "records", "schedules")]
    program = "\n".join(["begin;", *lines, "commit;"])
    return ["sh", "-c", f"psql '{bench.dsn}' -Xq -v ON_ERROR_STOP=1 <<'END'\n{program}\nEND"]


def measure(bench, name, prepare, command):
    bench.clean()
    out = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir=bench.scratch))
    prepare(out)
    with tempfile.TemporaryFile() as log:
        before, began = server_seconds(bench.server), time.monotonic()
        process = subprocess.Popen(command(out), cwd=out, env=bench.environment, stdout=log, stderr=log)
        _, status, used = os.wait4(process.pid, 0)
        wall, server = time.monotonic() - began, server_seconds(bench.server) - before
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            log.seek(0)
            sys.exit(f"{name}: exit {process.returncode}: {log.read().decode(errors='replace')[-2000:]}")
    written = sum(file.stat().st_size for file in out.rglob("*") if file.is_file()) / 1e6
    shutil.rmtree(out)
    client = used.ru_utime + used.ru_stime
    return {"wall": wall, "client": client, "server": server, "all": client + server,
            "peak": used.ru_maxrss / 1024, "written": written}


# Which two figures a reader wants to see side by side.
PAIRS = [("check", "land", "checks against landing alone"), ("land", "duckdb-land", "landing against DuckDB"),
         ("check", "duckdb-check", "checks against DuckDB"), ("whole", "duckdb-whole", "whole pipeline against DuckDB"),
         ("whole", "copy", "whole pipeline against \\copy of finished rows")]


def report(rounds):
    print(f"{'':14} {'wall s':>8} {'client s':>9} {'server s':>9} {'all s':>8} {'peak MB':>8} {'written MB':>10}")
    for name, figures in rounds.items():
        middle = {key: statistics.median(figure[key] for figure in figures) for key in figures[0]}
        print(f"{name:14} {middle['wall']:8.2f} {middle['client']:9.2f} {middle['server']:9.2f} {middle['all']:8.2f} "
              f"{middle['peak']:8.0f} {middle['written']:10.0f}")
    print()
    for one, other, meaning in PAIRS:
        if one in rounds and other in rounds:
            ratios = lambda key: [a[key] / max(b[key], 1e-3) for a, b in zip(rounds[one], rounds[other])]
            cpu, wall = ratios("all"), ratios("wall")
            print(f"{meaning}: all CPU {statistics.median(cpu):.2f} ({min(cpu):.2f}-{max(cpu):.2f}), "
                  f"wall {statistics.median(wall):.2f} ({min(wall):.2f}-{max(wall):.2f})")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--server", required=True, help="the server's postmaster.pid")
    parser.add_argument("--scratch", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    bench = Bench(options)
    chosen = {name: pair for name, pair in contestants(bench).items() if not options.only or name in options.only.split()}
    size = sum(file.stat().st_size for file in options.data.glob("*.csv")) / 1e6
    print(f"{options.data.name}: {size:.0f} MB, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
          f"{options.rounds} rounds after one to warm up")
    rounds = {name: [] for name in chosen}
    for turn in range(options.rounds + 1):
        for name, (prepare, command) in chosen.items():
            figures = measure(bench, name, prepare, command)
            if turn:
                rounds[name].append(figures)
    report(rounds)


if __name__ == "__main__":
    main()
