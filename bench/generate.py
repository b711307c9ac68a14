#!/usr/bin/env python3
"""generate.py OUT ROWS [--note-bytes LOW HIGH] [--seed N] [--damage CELLS]

Writes the export of a clinic that keeps long notes: patients.csv (ROWS / 10, at least 100), records.csv and
schedules.csv (ROWS each), UTF-8, quoted where needed, and manifest.json with the counts. The same arguments always
write the same bytes. Nobody real is described: names and notes are drawn from word lists. About one note in three
holds a line break, half hold commas, some hold doubled quotes and accents.

--damage makes so many cells break their rule, evenly spread over the three files, and lists them in manifest.json.
"""
import argparse
import bisect
import json
import pathlib
import random

GIVEN = "Alice Bento Clara Diego Elisa Flávio Glória Heitor Inês João Kátia Leandro Marta Nuno Olga Pedro".split()
FAMILY = "Alves Barros Cardoso Duarte Esteves Freitas Guimarães Lopes Moreira Nunes O'Neill Prado Queirós Teixeira".split()
STREETS = ["Rua da Praia", "Avenida Central", "Travessa do Campo", "Station Road", "Mill Lane"]
TOWNS = ["Olinda", "Goiânia", "Niterói", "Fairview", "Ashford"]
KINDS = ["evolution", "first visit", "prescription", "exam", "referral"]
PROCEDURES = ["consultation", "cleaning", '"filling, lower right"', '"film, ""bite wing"""', "avaliação", "blood draw"]
PHRASES = """reports dull pain in the lower back for three days|denies fever, cough or weight loss|sleeps badly and wakes early
pressão arterial dentro da normalidade|retorno em trinta dias|sem queixas no momento|lungs clear on both sides
heart sounds regular, no murmur|abdomen soft and not tender|prescribed rest and plenty of fluids|metformin continued
says ""it comes and goes""|the patient's brother has asthma|asked for a blood count and urine culture|no known allergies
wound dry, edges well closed|sutures removed without trouble|walks with a cane|vaccines up to date|orientado a retornar se piorar
exame físico sem alterações|reflexes present and equal|skin warm, good colour|will call if symptoms return""".replace("\n", "|").split("|")


def sentences(draw, size=8 << 20):
    """A long run of sentences, already escaped for a quoted field, and where each begins."""
    parts, starts, length = [], [0], 0
    while length < size:
        some = [PHRASES[int(draw() * len(PHRASES))] for _ in range(1 + int(draw() * 3))]
        end = ".\n" if draw() < 0.04 else ". "
        part = (", ".join(some).capitalize() + f" ({int(draw() * 1000)})" + end).encode()
        parts.append(part)
        length += len(part)
        starts.append(length)
    return b"".join(parts), starts


def damaged(rows, cells):
    return {int((index + 0.5) * rows / cells) for index in range(min(cells, rows))} if cells else set()


def patients(path, rows, draw, bad):
    phone = lambda: f"{int(draw() * 1000):03}-{int(draw() * 1000):03}-{int(draw() * 10000):04}"
    with open(path, "w", encoding="utf-8", newline="", buffering=1 << 20) as file:
        file.write("name,address,email,phone,phone 2,phone 3,birth date,country,gender\n")
        for row in range(rows):
            name = f"{GIVEN[int(draw() * len(GIVEN))]} {FAMILY[int(draw() * len(FAMILY))]} {row}"
            address = f'"{STREETS[int(draw() * 5)]}, {1 + int(draw() * 900)}, {TOWNS[int(draw() * 5)]}"'
            born = f"{1 + int(draw() * 12):02}/{1 + int(draw() * 28):02}/{1930 + int(draw() * 90)}"
            country = 900 if row in bad else 1 + int(draw() * 100)
            file.write(f"{name},{address},m{row}@example.org,{phone()},{phone()},{phone()},{born},{country},"
                       f"{'mfo'[int(draw() * 3)]}\n")


def days():
    return [b"%02d/%02d/%d" % (month, day, year) for year in range(2008, 2026) for month in range(1, 13) for day in range(1, 29)]


def write(path, header, lines):
    with open(path, "wb", buffering=4 << 20) as file:
        file.write(header)
        held = []
        for line in lines:
            held.append(line)
            if len(held) == 4096:
                file.write(b"".join(held))
                held.clear()
        file.write(b"".join(held))


def records(rows, people, draw, bad, low, high):
    text, starts = sentences(draw)
    last = bisect.bisect_left(starts, len(text) - high - 4096) - 1
    dates, kinds = days(), [kind.encode() for kind in KINDS]
    for row in range(rows):
        first = int(draw() * last)
        end = starts[bisect.bisect_right(starts, starts[first] + low + int(draw() * (high - low)), first)]
        date = b"31 January" if row in bad else dates[int(draw() * len(dates))]
        yield b'%d,%d,%b,%b,"%bnote %d"\n' % (row + 1, 1 + int(draw() * people), date, kinds[int(draw() * len(kinds))],
                                              text[starts[first]:end], row + 1)


def schedules(rows, people, draw, bad):
    dates, procedures = days(), [procedure.encode() for procedure in PROCEDURES]
    times = [b"%d:%02d %cM" % (hour, minute, half) for hour in range(1, 13) for minute in range(0, 60, 10) for half in b"AP"]
    for row in range(rows):
        status = b"zz" if row in bad else (b"cp", b"sc", b"ca")[int(draw() * 3)]
        yield b"%d,%d,%b,%b,%b,%b\n" % (row + 1, 1 + int(draw() * people), dates[int(draw() * len(dates))],
                                        times[int(draw() * len(times))], procedures[int(draw() * len(procedures))], status)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("rows", type=int)
    parser.add_argument("--note-bytes", type=int, nargs=2, default=[320, 1980], metavar=("LOW", "HIGH"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--damage", type=int, default=0, metavar="CELLS")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    people, rows = max(100, options.rows // 10), options.rows
    draw = lambda name: random.Random(f"{options.seed} {name}").random
    bad = {name: damaged(count, options.damage // 3) for name, count in
           [("patients", people), ("records", rows), ("schedules", rows)]}
    patients(options.out / "patients.csv", people, draw("patients"), bad["patients"])
    write(options.out / "records.csv", b"record_id,patient_id,date,type,text\n",
          records(rows, people, draw("records"), bad["records"], *options.note_bytes))
    write(options.out / "schedules.csv", b"schedule_id,patient_id,date,time,procedure,status\n",
          schedules(rows, people, draw("schedules"), bad["schedules"]))
    tables = {name: {"rows": people if name == "patients" else rows, "bad_cells": len(cells),
                     "bad_rows": sorted(row + 1 for row in cells),
                     "bytes": (options.out / f"{name}.csv").stat().st_size} for name, cells in bad.items()}
    (options.out / "manifest.json").write_text(json.dumps({"rows": rows, "seed": options.seed, "tables": tables}, indent=1))


if __name__ == "__main__":
    main()
