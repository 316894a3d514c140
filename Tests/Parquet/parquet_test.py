"""Holds our Parquet files against what pyarrow and DuckDB make of them, and theirs against what we make of them.

usage: parquet_test.py
"""

from __future__ import annotations

import csv
import io
import struct
import sys
import tempfile
from pathlib import Path

import duckdb
import pyarrow.parquet as parquet

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Differential"))
from program import pulsehouse  # noqa: E402

# Name, type, and an expression of the row's number g.
COLUMNS = [
    ("b", "boolean", "g % 3 = 0"),
    ("s", "smallint", "g % 30000 - 15000"),
    ("i", "integer", "g * 7919 - 2000000"),
    ("l", "bigint", "g::bigint * 123456789012 - 5000000000000000"),
    ("r", "real", "(g - 500)::real / 7"),
    ("d", "double precision", "(g - 500)::double precision / 7"),
    ("n4", "numeric(4,2)", "(g % 9999 - 5000)::numeric / 100"),
    ("n18", "numeric(18,6)", "(g - 3000)::numeric * 1234567 / 1000000"),
    ("n38", "numeric(38,10)", "(g - 3000)::numeric * 12345678901234567 / 1000"),
    ("t", "text", "'user ' || g % 40 || ' \"quoted\", größe'"),
    ("u", "text", "md5(g::text)"),
    ("x", "bytea", "('\\x' || md5(g::text))::bytea"),
    ("a", "date", "date '1969-12-01' + g % 20000"),
    ("c", "time", "time '00:00:00' + g * interval '7 seconds 13 microseconds'"),
    ("m", "timestamp", "timestamp '1960-01-01' + g * interval '1 day 3 seconds 17 microseconds'"),
    ("z", "timestamptz", "timestamptz '2024-01-01 00:00:00+00' + g * interval '61 seconds'"),
    ("q", "uuid", "md5(g::text)::uuid"),
]
ROWS = 5000


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))[1:]


def sql(data: Path, statement: str) -> list[list[str]]:
    return rows(pulsehouse(data, "sql", "--mode", "csv", "-c", statement))


def check(what: str, ours: object, theirs: object) -> None:
    if ours != theirs:
        pairs = zip(ours, theirs) if isinstance(ours, list) and isinstance(theirs, list) else [(ours, theirs)]
        for left, right in pairs:
            if left != right:
                raise SystemExit(f"{what}:\n  {left}\n  {right}")
        raise SystemExit(f"{what}: {len(ours)} rows and {len(theirs)}")
    print(f"  {what}: equal")


def as_text(type_name: str, column: str) -> str:
    """The expression that shows a value alike in DuckDB and pulsehouse."""
    if type_name in ("real", "double precision"):
        return column
    if type_name == "timestamptz":
        return f"extract(epoch from {column})::bigint"
    return f"{column}::text"


def duck_text(type_name: str, column: str) -> str:
    if type_name == "bytea":
        return f"'\\x' || lower(hex({column}))"
    if type_name == "timestamptz":
        return f"epoch({column})::bigint"
    if type_name in ("real", "double precision"):
        return column
    return f"{column}::varchar"


def number(value: object, type_name: str) -> object:
    if value is None or value == "":
        return None
    single = struct.unpack("f", struct.pack("f", float(value)))[0]
    return single if type_name == "real" else float(value)


def normal(table: list[list[str]]) -> list[list[object]]:
    types = [type_name for _, type_name, _ in COLUMNS]
    floats = ("real", "double precision")
    return [[number(v, t) if t in floats else (v or None) for t, v in zip(types, row)] for row in table]


def duck_rows(connection: duckdb.DuckDBPyConnection, path: Path) -> list[list[object]]:
    shown = ", ".join(f"{duck_text(type_name, name)} AS {name}" for name, type_name, _ in COLUMNS)
    found = connection.execute(f"SELECT {shown} FROM read_parquet('{path}') ORDER BY i NULLS LAST, l").fetchall()
    result = []
    for row in found:
        values: list[object] = []
        for (_, type_name, _), value in zip(COLUMNS, row):
            if value is None or type_name in ("real", "double precision"):
                values.append(number(value, type_name))
            else:
                values.append(str(value) or None)
        result.append(values)
    return result


def main() -> None:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        # Every eleventh value of each column is NULL, each column's others.
        values = ", ".join(
            f"CASE WHEN (g + {index}) % 11 = 4 THEN NULL ELSE {expression} END::{type_name}"
            for index, (_, type_name, expression) in enumerate(COLUMNS)
        )
        columns = ", ".join(f"{name} {type_name}" for name, type_name, _ in COLUMNS)
        pulsehouse(
            data, "sql", "-c",
            f"CREATE TABLE v ({columns}); INSERT INTO v SELECT {values} FROM generate_series(1, {ROWS}) AS g",
        )
        shown = ", ".join(f"{as_text(type_name, name)} AS {name}" for name, type_name, _ in COLUMNS)
        expected = normal(sql(data, f"SELECT {shown} FROM v ORDER BY i NULLS LAST, l"))

        print("what we write, read by others")
        for compression in ("zstd", "none"):
            path = Path(folder) / f"ours-{compression}.parquet"
            pulsehouse(
                data, "sql", "-c",
                f"COPY v TO '{path}' WITH (FORMAT parquet, COMPRESSION {compression}, ROW_GROUP_SIZE 1500)",
            )
            check(f"DuckDB, {compression}", duck_rows(connection, path), expected)
            table = parquet.read_table(path)
            check(f"pyarrow's rows, {compression}", table.num_rows, ROWS)
            again = Path(folder) / "again.parquet"
            parquet.write_table(table, again)
            check(f"pyarrow and DuckDB, {compression}", duck_rows(connection, again), expected)
            statistics = parquet.ParquetFile(path).metadata.row_group(0).column(2).statistics
            check("statistics", statistics.has_min_max and statistics.null_count > 0, True)

        print("what others write, read by us")
        table = parquet.read_table(Path(folder) / "ours-zstd.parquet")
        ours = f"SELECT {shown} FROM read_parquet('%s') ORDER BY i NULLS LAST, l"

        def read(path: Path) -> list[list[object]]:
            return normal(sql(data, ours % path))

        variants: dict[str, dict] = {
            "snappy": {"compression": "snappy"},
            "zstd": {"compression": "zstd"},
            "none, no dictionary": {"compression": "none", "use_dictionary": False},
            "pages of version 2": {"compression": "snappy", "data_page_version": "2.0", "data_page_size": 2000},
            "format 1.0": {"version": "1.0", "compression": "none"},
            "many row groups": {"row_group_size": 333},
            "delta encodings": {
                "use_dictionary": False,
                "column_encoding": {
                    "i": "DELTA_BINARY_PACKED", "l": "DELTA_BINARY_PACKED", "t": "DELTA_LENGTH_BYTE_ARRAY",
                    "u": "DELTA_BYTE_ARRAY", "r": "BYTE_STREAM_SPLIT", "d": "BYTE_STREAM_SPLIT",
                },
            },
        }
        for name, options in variants.items():
            path = Path(folder) / "theirs.parquet"
            parquet.write_table(table, path, **options)
            check(f"pyarrow, {name}", read(path), expected)
        path = Path(folder) / "duck.parquet"
        for codec in ("snappy", "zstd", "uncompressed"):
            connection.execute(
                f"COPY (SELECT * FROM read_parquet('{folder}/ours-zstd.parquet')) TO '{path}' "
                f"(FORMAT parquet, COMPRESSION {codec})"
            )
            check(f"DuckDB, {codec}", read(path), expected)

        old = Path(folder) / "old.parquet"
        parquet.write_table(table.select(["i", "m"]), old, use_deprecated_int96_timestamps=True)
        check(
            "times of 96 bits",
            sql(data, f"SELECT m FROM read_parquet('{old}') ORDER BY i NULLS LAST, m"),
            sql(data, "SELECT m FROM v ORDER BY i NULLS LAST, m"),
        )

        print("folders and tables")
        connection.execute(
            f"COPY (SELECT s, t, i % 3 AS third FROM read_parquet('{folder}/ours-zstd.parquet')) "
            f"TO '{folder}/hive' (FORMAT parquet, PARTITION_BY (third))"
        )
        check(
            "Hive partitions",
            sql(data, f"SELECT third, count(*), sum(s) FROM read_parquet('{folder}/hive') GROUP BY 1 ORDER BY 1"),
            sql(data, "SELECT (i % 3)::text, count(*), sum(s) FROM v GROUP BY 1 ORDER BY 1"),
        )
        pulsehouse(
            data, "sql", "-c",
            f"CREATE TABLE w ({columns}); COPY w FROM '{folder}/theirs.parquet' WITH (FORMAT parquet)",
        )
        check("COPY FROM", sql(data, "SELECT * FROM w EXCEPT ALL SELECT * FROM v"), [])
        check("rows of COPY FROM", sql(data, "SELECT count(*) FROM w"), [[str(ROWS)]])
    print("Parquet: all equal")


main()
