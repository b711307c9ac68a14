#!/usr/bin/env python3
"""duckdb_pipeline.py land|check|whole IN OUT DSN: the same work done by a script around DuckDB, for comparison.

land: CSV to Parquet. check: the same, with every cell's rule counted on the way. whole: check, both layers as Parquet,
COPY into the three tables, counts and lengths read back. It leaves out what Chartlift must do besides: rejects with
row numbers, unique keys, a log, cells compared one by one.
"""
import os
import subprocess
import sys

import duckdb

DAY, PHONE = "[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}", "[0-9]{3}-[0-9]{3}-[0-9]{4}"
TEXT, INTEGER = ("text", None), ("pattern", "[-+]?[0-9]+")
RULES = {
    "patients": {"name": TEXT, "address": TEXT, "email": ("pattern", ".+@.+\\..+"), "phone": ("pattern", PHONE),
                 "phone 2": ("pattern", PHONE), "phone 3": ("pattern", PHONE), "birth date": ("pattern", DAY),
                 "country": ("range", (1, 100)), "gender": ("list", ("m", "f", "o"))},
    "records": {"record_id": INTEGER, "patient_id": INTEGER, "date": ("pattern", DAY), "type": TEXT, "text": TEXT},
    "schedules": {"schedule_id": INTEGER, "patient_id": INTEGER, "date": ("pattern", DAY),
                  "time": ("pattern", "[0-9]{1,2}:[0-9]{1,2} [AP]M"), "procedure": TEXT,
                  "status": ("list", ("cp", "sc", "ca"))},
}
CATEGORIES = {
    "patients": {"source_key": "name", "address": "address", "phone": "concat_ws(';', phone, \"phone 2\", \"phone 3\")",
                 "birth_date": '"birth date"', "country": "country", "gender": "gender"},
    "records": {"source_key": "record_id", "patient": "patient_id", "date": "date", "subtext": "type", "text": "text"},
    "schedules": {"source_key": "schedule_id", "patient": "patient_id", "date": "date", "time": "time",
                  "status": "status", "text": "procedure"},
}


def broken(column, rule):
    """True where the cell breaks its rule; never null."""
    kind, argument = rule
    cell, blank = f'"{column}"', f"(\"{column}\" is null or trim(\"{column}\") = '')"
    if kind == "pattern":
        return f"({blank} or not regexp_full_match({cell}, '{argument}'))"
    if kind == "list":
        return f"({blank} or {cell} not in {argument!r})"
    if kind == "range":
        return f"({blank} or coalesce(try_cast({cell} as integer) not between {argument[0]} and {argument[1]}, true))"
    return blank


# One thread: with more, DuckDB starts in the middle of quoted line breaks of these files and refuses them. So compare CPU.
def source(folder, table):
    columns = ", ".join(f"'{column}': 'VARCHAR'" for column in RULES[table])
    return (f"read_csv('{folder}/{table}.csv', auto_detect=false, header=true, delim=',', quote='\"', escape='\"', "
            f"new_line='\\n', nullstr='', columns={{{columns}}}, max_line_size=8388608, parallel=false)")


def write(connection, query, path):
    connection.execute(f"copy ({query}) to '{path}' (format parquet)")
    return path


def load(connection, table, path, dsn):
    columns = ", ".join('"fullname"' if table == "patients" and name == "source_key" else
                        '"id"' if name == "source_key" else f'"{name}"' for name in CATEGORIES[table])
    reading, writing = os.pipe()
    command = f"copy {table} ({columns}) from stdin (format csv)"
    client = subprocess.Popen(["psql", dsn, "-Xq", "-v", "ON_ERROR_STOP=1", "-c", command], stdin=reading)
    os.close(reading)
    connection.execute(f"copy (select * from '{path}') to '/dev/fd/{writing}' (format csv, header false, use_tmp_file false)")
    os.close(writing)
    if client.wait():
        sys.exit(f"loading {table} failed")


def read_back(connection, table, path, dsn):
    key = "fullname" if table == "patients" else "id"
    sql = f"select count(*), sum(octet_length({key})) from {table}"
    there = subprocess.run(["psql", dsn, "-XqAt", "-F", " ", "-c", sql], check=True, capture_output=True, text=True)
    here = connection.execute(f"select count(*), sum(octet_length(encode(source_key))) from '{path}'").fetchone()
    if [int(part) for part in there.stdout.split()] != [int(part) for part in here]:
        sys.exit(f"{table} arrived different")


def main():
    part, folder, out, dsn = sys.argv[1:5]
    connection = duckdb.connect()
    connection.execute("set preserve_insertion_order = false")
    converted = {}
    for table, rules in RULES.items():
        if part == "land":
            write(connection, f"select * from {source(folder, table)}", f"{out}/{table}.parquet")
            continue
        bad = " + ".join(f"{broken(column, rule)}::utinyint" for column, rule in rules.items())
        fields = "*" if part == "check" else ", ".join(f'{sql} as "{name}"' for name, sql in CATEGORIES[table].items())
        layer = write(connection, f"select {fields}, ({bad}) as _bad from {source(folder, table)}", f"{out}/{table}.parquet")
        if connection.execute(f"select coalesce(sum(_bad), 0) from '{layer}'").fetchone()[0]:
            sys.exit(f"{table} has bad cells")
        if part == "whole":
            converted[table] = write(connection, f"select * exclude (_bad) from '{layer}'", f"{out}/{table}.converted.parquet")
    for table, path in converted.items():
        load(connection, table, path, dsn)
    for table, path in converted.items():
        read_back(connection, table, path, dsn)


if __name__ == "__main__":
    main()
