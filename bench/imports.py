#!/usr/bin/env python3
"""Compares import, verify and rollback with `psql \\copy` of the same rows as text, in turn, on one server.

An order over generated visits (primary key, two references, one more index) is run up to its import once. In each round
its rows go into empty tables twice: as text by `\\copy`, and by `chartlift import`, which is then verified and rolled
back. CPU seconds are the client's and the server's (all its processes); the server says of each statement what it used,
so that those that keep the crosswalk are told apart. See README.md.
"""
import argparse
import multiprocessing
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid

from compare import HERE, KEY, server_seconds

# Each table, and the file that its rows come from.
TABLES = {"person": "people", "worker": "staff", "visit": "visits"}
COLUMNS = {"person": ["name", "born"], "worker": ["name"],
           "visit": ["person_id", "worker_id", "started", "kind", "minutes", "fee", "paid", "note"]}
# What begins with tables as they were.
FIRST = ("copy", "import", "staged", "upsert")
# The server's account of one statement: seconds of user and of system, and the statement.
USED = re.compile(r"!\t([0-9.]+) s user, ([0-9.]+) s system.*?STATEMENT:\s*(.*?)(?=\n\d{4}-\d\d-\d\d )", re.S)


def generate(folder, rows, keys):
    """An export: people (a tenth of the visits), staff (200), visits. The same arguments write the same bytes."""
    draw = random.Random(f"{rows} {keys}")
    number = draw.random
    key = {"number": lambda n: str(n), "uuid": lambda n: str(uuid.UUID(int=draw.getrandbits(128), version=4))}[keys]
    folder.mkdir(parents=True)
    words = "rest fluids cough fever knee back retorno dor sutura exame normal queixa alta sleep walk".split()
    people = [key(n) for n in range(max(10, rows // 10))]
    staff = [key(n) for n in range(200)]
    with open(folder / "people.csv", "w") as file:
        file.write("id,name,born\n")
        file.writelines(f"{id},Person {n},{1930 + n % 90}-{1 + n % 12:02}-{1 + n % 28:02}\n" for n, id in enumerate(people))
    with open(folder / "staff.csv", "w") as file:
        file.write("id,name\n")
        file.writelines(f"{id},Worker {n}\n" for n, id in enumerate(staff))
    with open(folder / "visits.csv", "w", buffering=1 << 20) as file:
        file.write("id,person,staff,started,kind,minutes,fee,paid,note\n")
        for n in range(rows):
            note = " ".join(words[int(number() * len(words))] for _ in range(8 + int(number() * 12)))
            file.write(f"{key(n)},{people[int(number() * len(people))]},{staff[int(number() * 200)]},"
                       f"{2008 + n % 17}-{1 + n % 12:02}-{1 + n % 28:02}T{n % 24:02}:{n % 60:02}:00Z,visit,{10 + n % 50},"
                       f"{n % 400}.{n % 100:02},{'true' if n % 3 else 'false'},{note}\n")


def linked(source, copy):
    """A copy; of what is large and never written again a second name."""
    (os.link if source.endswith(".parquet") else shutil.copy2)(source, copy)


class Bench:
    def __init__(self, options):
        self.beside, self.scratch, self.rows = options.dsn, options.scratch, options.rows
        self.dsn = self.beside.rpartition("/")[0] + "/bench"
        self.pid_file, self.log = options.server / "data/postmaster.pid", options.server / "data/server.log"
        self.data = self.scratch / f"visits-{options.rows}-{options.keys}"
        self.chartlift = os.environ["CHARTLIFT"]
        self.environment = os.environ | {"CHARTLIFT_BENCH_KEY": KEY, "CHARTLIFT_BENCH_DSN": self.dsn}
        self.project = pathlib.Path(tempfile.mkdtemp(prefix="imports-", dir=self.scratch))
        self.texts = self.project / "texts"
        if not self.data.exists():
            # In a process of its own: what this one holds would count as the peak memory of those that it starts.
            writer = multiprocessing.Process(target=generate, args=(self.data, options.rows, options.keys))
            writer.start()
            writer.join()

    def psql(self, *arguments):
        subprocess.run(["psql", self.dsn, "-Xq", "-v", "ON_ERROR_STOP=1", *arguments], check=True)

    def run(self, *arguments):
        subprocess.run([self.chartlift, "--quiet", *arguments], cwd=self.project / "order", env=self.environment,
                       check=True, stdout=subprocess.DEVNULL)

    def clean(self):
        """Empty tables and nothing that waits to be written, as before a first import."""
        ddl = (HERE / "loads/targets/visit_store/1/ddl/postgres.sql").read_text()
        drop = "".join(f"drop table if exists {table} cascade;" for table in TABLES)
        self.psql("-c", f"set client_min_messages = warning; drop schema if exists chartlift cascade; {drop} {ddl}")
        self.run("target", "init", "--target", "visit_store=env:CHARTLIFT_BENCH_DSN")
        self.psql("-c", "checkpoint")

    def prepare(self, mode):
        """The order up to its import."""
        order = self.project / "order"
        shutil.copytree(HERE / "loads", order)
        for schema in (order / "targets/visit_store/1/schemas").glob("*.yaml"):
            schema.write_text(schema.read_text().replace("mode: insert", f"mode: {mode}"))
        self.clean()
        self.run("order", "create", "--id", "bench", "--input", str(self.data), "--system", "visit_book",
                 "--version", "1", "--target", "visit_store=env:CHARTLIFT_BENCH_DSN")
        for stage in ("identify", "check", "categorize", "convert", "validate"):
            self.run(stage, "--order", "bench")
        shutil.copytree(order, self.project / "before", copy_function=linked)

    def texts_of_all(self):
        """The rows that the order loads, as text."""
        self.texts.mkdir()
        self.run("import", "--order", "bench")
        for table, file in TABLES.items():
            self.write_text(table, self.data / f"{file}.csv", self.texts / table)

    def write_text(self, table, export, text):
        """A table's rows as text, in the order of the export: what an import orders anew, it does itself."""
        names = open(export).readline().strip().split(",")
        columns, pairs = ", ".join(names), ", ".join(f"{name} text" for name in names)
        self.psql("-c", f"create temporary table place (n bigint generated always as identity, {pairs})",
                  "-c", f"\\copy place ({columns}) from '{export}' (format csv, header)",
                  "-c", "analyze place",
                  "-c", f"\\copy (select t.* from {table} t join chartlift.crosswalk k on k.target_uuid = t.id join place p "
                        f"on p.id = k.source_key order by p.n) to '{text}'")

    def renew_order(self):
        shutil.rmtree(self.project / "order")
        shutil.copytree(self.project / "before", self.project / "order", copy_function=linked)

    def empty(self):
        """The order before its import, and empty tables."""
        self.renew_order()
        self.clean()

    def fill(self, existing):
        """A database with so many visits, half of the export's among them with another note, to make copies of."""
        self.texts_of_all()
        self.clean()
        copies = [argument for table in TABLES for argument in ("-c", f"\\copy new_{table} from '{self.texts / table}'")]
        self.psql(*(argument for table in TABLES for argument in ("-c", f"create table new_{table} (like {table})")), *copies)
        old = "select id, person_id, worker_id, started, kind, minutes, fee, paid"
        self.psql("-c", f"""
            alter table visit drop constraint visit_person_id_fkey, drop constraint visit_worker_id_fkey,
              drop constraint visit_pkey;
            drop index visit_person;
            insert into person table new_person;
            insert into worker table new_worker;
            insert into visit {old}, 'as it was' from new_visit limit {self.rows // 2};
            insert into visit {old.replace("select id", "select gen_random_uuid()")}, note
              from new_visit, generate_series(1, {max(0, existing - self.rows // 2) // self.rows + 1})
              limit {max(0, existing - self.rows // 2)};
            drop table {", ".join(f"new_{table}" for table in TABLES)};
            alter table visit add primary key (id), add foreign key (person_id) references person,
              add foreign key (worker_id) references worker;
            create index visit_person on visit (person_id);""", "-c", "vacuum analyze", "-c", "checkpoint")
        self.psql_beside("drop database if exists filled", "alter database bench rename to filled")

    def filled(self):
        """The order before its import, and a fresh copy of the filled database."""
        self.renew_order()
        self.psql_beside("drop database if exists bench",
                         "create database bench template filled strategy file_copy", "checkpoint")

    def psql_beside(self, *statements):
        """In another database than the one that is made and removed."""
        commands = [argument for statement in statements for argument in ("-c", statement)]
        subprocess.run(["psql", self.beside, "-Xq", "-v", "ON_ERROR_STOP=1", "-c", "set client_min_messages = warning",
                        *commands], check=True)

    def program(self, name):
        lines = ["begin;"]
        for table in TABLES:
            if name == "copy":
                lines.append(f"\\copy {table} from '{self.texts / table}'")
                continue
            columns = COLUMNS[table]
            sets = ", ".join(f"{column} = excluded.{column}" for column in columns)
            lines += [f"create temporary table new_{table} (like {table}) on commit drop;",
                      f"\\copy new_{table} from '{self.texts / table}'",
                      f"insert into {table} table new_{table} on conflict (id) do update set {sets};"]
        return "\n".join([*lines, "commit;"])

    def command(self, name):
        if name in ("copy", "staged"):
            return ["sh", "-c", f"psql '{self.dsn}' -Xq -v ON_ERROR_STOP=1 <<'END'\n{self.program(name)}\nEND"]
        stage = {"upsert": "import"}.get(name, name)
        return [self.chartlift, "--quiet", stage, "--order", "bench"]

    def measure(self, name):
        out = self.project / "order"
        logged = self.log.stat().st_size
        with tempfile.TemporaryFile() as said:
            before, began = server_seconds(self.pid_file), time.monotonic()
            process = subprocess.Popen(self.command(name), cwd=out, env=self.environment, stdout=said, stderr=said)
            _, status, used = os.wait4(process.pid, 0)
            wall, server = time.monotonic() - began, server_seconds(self.pid_file) - before
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                said.seek(0)
                sys.exit(f"{name}: exit {process.returncode}: {said.read().decode(errors='replace')[-2000:]}")
        client = used.ru_utime + used.ru_stime
        return {"wall": wall, "client": client, "server": server, "all": client + server,
                "crosswalk": self.crosswalk_seconds(logged), "peak": used.ru_maxrss / 1024}

    def crosswalk_seconds(self, logged):
        """CPU seconds of the server's statements that touch Chartlift's own tables."""
        with open(self.log, errors="replace") as file:
            file.seek(logged)
            text = file.read() + "\n0000-00-00 "
        used = [(float(user) + float(system), statement) for user, system, statement in USED.findall(text)]
        if os.environ.get("STATEMENTS"):
            for seconds, statement in sorted(used, reverse=True)[:8]:
                print(f"{seconds:8.2f} {statement[:100]!r}", file=sys.stderr)
        return sum(seconds for seconds, statement in used if "chartlift." in statement)


def report(rounds):
    print(f"{'':10} {'wall s':>8} {'client s':>9} {'server s':>9} {'all s':>8} {'peak MB':>8}")
    for name, figures in rounds.items():
        middle = {key: statistics.median(figure[key] for figure in figures) for key in figures[0]}
        print(f"{name:10} {middle['wall']:8.2f} {middle['client']:9.2f} {middle['server']:9.2f} {middle['all']:8.2f} "
              f"{middle['peak']:8.0f}")
        if name in ("import", "upsert"):
            print(f"{' crosswalk':10} {'':8} {'':9} {middle['crosswalk']:9.2f} {middle['crosswalk']:8.2f}")
    print()
    rows = lambda figure: figure["all"] - figure["crosswalk"]
    whole = lambda figure: figure["all"]
    pairs = [("import", rows, "copy", whole, 1.15, "import without its crosswalk against \\copy"),
             ("import", lambda figure: figure["crosswalk"], "copy", whole, 0.25, "the crosswalk against \\copy"),
             ("verify", whole, "import", whole, 1 / 3, "verify against import"),
             ("rollback", whole, "import", whole, 1, "rollback against import"),
             ("upsert", whole, "staged", whole, 1.3, "upsert against COPY to staging and INSERT ... ON CONFLICT")]
    for one, of_one, other, of_other, most, meaning in pairs:
        if one in rounds and other in rounds:
            ratios = [of_one(a) / of_other(b) for a, b in zip(rounds[one], rounds[other])]
            print(f"{meaning}: CPU {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}), "
                  f"to be at most {most:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--server", type=pathlib.Path, required=True, help="the folder that tests/postgres start made")
    parser.add_argument("--scratch", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keys", choices=("number", "uuid"), default="uuid", help="what the old system's keys look like")
    parser.add_argument("--only", default="copy import verify rollback")
    parser.add_argument("--upsert", type=int, metavar="EXISTING", help="upsert into so many visits, half of the rows new")
    options = parser.parse_args()
    bench = Bench(options)
    try:
        bench.psql_beside("create database bench")
        bench.prepare("upsert" if options.upsert else "insert")
        if options.upsert:
            bench.fill(options.upsert)
        else:
            bench.texts_of_all()
        print(f"{options.rows} visits, keys: {options.keys}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
              f"{options.rounds} rounds", flush=True)
        rounds = {name: [] for name in ("staged upsert" if options.upsert else options.only).split()}
        for _ in range(options.rounds):
            for name in rounds:
                if name in FIRST:
                    bench.filled() if options.upsert else bench.empty()
                rounds[name].append(bench.measure(name))
        report(rounds)
    finally:
        shutil.rmtree(bench.project)


if __name__ == "__main__":
    main()
