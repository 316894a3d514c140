"""Reads random CSV and JSON files by `read_csv` and `read_json` and by DuckDB's functions of that name: equal rows.

Delimiter, header and types are found by each in its own way. Files are made so that there is one right answer: columns whose
values are plainly of one type, dates in ISO form, quotes where a value needs them. What is found is compared by the rows as
text, types by the family they are of.

usage: compare_files_with_duckdb.py [--files N] [--seed N]
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parent))
from program import PROGRAM  # noqa: E402

WORDS = ["red", "green", "déjà vu", "a b", "it's", 'say "x"', "x,y", "x;y", "x|y", "two\nlines", "日本", "N/A", "#", "-"]
FAMILIES = {
    "smallint": "whole", "integer": "whole", "bigint": "whole", "double precision": "real", "numeric": "real", "real": "real",
    "text": "text", "boolean": "boolean", "date": "date", "timestamp without time zone": "timestamp",
    "timestamp": "timestamp", "time": "time", "time without time zone": "time", "json": "json",
    "TINYINT": "whole", "SMALLINT": "whole", "INTEGER": "whole", "BIGINT": "whole", "HUGEINT": "whole", "UBIGINT": "whole", "DOUBLE": "real", "VARCHAR": "text",
    "BOOLEAN": "boolean", "DATE": "date", "TIMESTAMP": "timestamp", "TIME": "time", "JSON": "json",
}  # fmt: skip


def column(chance: random.Random, rows: int) -> tuple[str, list[object]]:
    kind = chance.choice(["whole", "big", "real", "text", "boolean", "date", "timestamp"])
    # At least one value tells the type.
    gaps = chance.choice([0.0, 0.0, 0.2])

    def one() -> object:
        match kind:
            case "whole":
                return chance.randint(-1000, 1000)
            case "big":
                return chance.randint(3_000_000_000, 9_000_000_000_000)
            case "real":
                return chance.randint(-100_000, 100_000) / 8 + 0.125
            case "text":
                return chance.choice(WORDS) + str(chance.randint(0, 9)) + "q"
            case "boolean":
                return chance.random() < 0.5
            case "date":
                return f"20{chance.randint(10, 39)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
            case _:
                return f"2024-{chance.randint(1, 12):02}-{chance.randint(1, 28):02} {chance.randint(0, 23):02}:{chance.randint(0, 59):02}:{chance.randint(0, 59):02}"

    values = [None if chance.random() < gaps else one() for _ in range(rows)]
    if all(value is None for value in values):
        values[0] = one()
    return kind, values


def table(chance: random.Random) -> tuple[list[str], list[list[object]]]:
    rows = chance.choice([1, 2, 7, 100, 3000])
    # The first column has no gaps, so that no row of CSV is an empty line.
    columns = [("whole", [chance.randint(0, 99) for _ in range(rows)])]
    columns += [column(chance, rows) for _ in range(chance.randint(1, 5))]
    names = [f"c{number}" for number in range(len(columns))]
    return names, [list(row) for row in zip(*(values for _, values in columns), strict=True)]


def text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def write_csv(chance: random.Random, path: Path, names: list[str], rows: list[list[object]]) -> None:
    buffer = io.StringIO()
    # Line ends inside of values are \n whatever ends the lines.
    writer = csv.writer(buffer, delimiter=chance.choice([",", ";", "\t", "|"]), lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([text(value) for value in row])
    path.write_text(buffer.getvalue(), encoding="utf-8", newline="")


def write_json(chance: random.Random, path: Path, names: list[str], rows: list[list[object]]) -> None:
    records: list[dict[str, object]] = []
    for row in rows:
        record = dict(zip(names, row, strict=True))
        # A value that is missing and one that is null are the same.
        records.append({name: value for name, value in record.items() if value is not None or chance.random() < 0.5})
    form = chance.choice(["lines", "array"])
    body = "\n".join(json.dumps(record, ensure_ascii=chance.random() < 0.5) for record in records)
    path.write_text(body + "\n" if form == "lines" else json.dumps(records, indent=chance.choice([None, 2])), encoding="utf-8")


def ours(data: Path, function: str, path: Path) -> tuple[list[str], list[tuple[str | None, ...]]]:
    def ask(sql: str) -> list[list[str | None]]:
        command = [PROGRAM, "--data", str(data), "--quiet", "sql", "--mode", "json", "-c", sql]
        result = subprocess.run(command, capture_output=True, check=False, encoding="utf-8")
        if result.returncode != 0:
            raise SystemExit(f"{path}: {sql}\n{result.stderr}\n{path.read_text(encoding='utf-8')[:2000]}")
        return [list(row.values()) for row in json.loads(result.stdout)]

    source = f"{function}('{path}')"
    names = list(duckdb.sql(f"SELECT * FROM {function}_auto('{path}') LIMIT 0").columns)
    types = ask("SELECT " + ", ".join(f"pg_typeof({name})::text AS {name}" for name in names) + f" FROM {source} LIMIT 1")[0]
    rows = ask("SELECT " + ", ".join(f"{name}::text AS {name}" for name in names) + f" FROM {source}")
    return [str(kind) for kind in types], [tuple(row) for row in rows]


def theirs(function: str, path: Path) -> tuple[list[str], list[tuple[str | None, ...]]]:
    relation = duckdb.sql(f"SELECT * FROM {function}_auto('{path}')")
    types = [str(kind) for kind in relation.types]
    shown = ", ".join(f"{name}::varchar" for name in relation.columns)
    return types, duckdb.sql(f"SELECT {shown} FROM {function}_auto('{path}')").fetchall()


def plain(value: str | None) -> str | None:
    """A double's last zero is a matter of taste."""
    return value[:-2] if value is not None and value.endswith(".0") else value


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=60, help="of each format")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"  seed {options.seed}")
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="pulsehouse-files-") as folder:
        data = Path(folder) / "data"
        subprocess.run([PROGRAM, "--data", str(data), "sql", "-c", "SELECT 1"], capture_output=True, check=True)
        for number in range(options.files):
            names, rows = table(chance)
            for function, write, suffix in (("read_csv", write_csv, "csv"), ("read_json", write_json, "json")):
                path = Path(folder) / f"f{number}.{suffix}"
                write(chance, path, names, rows)
                our_types, our_rows = ours(data, function, path)
                their_types, their_rows = theirs(function, path)
                families = [[FAMILIES.get(kind, kind) for kind in kinds] for kinds in (our_types, their_types)]
                if families[0] != families[1]:
                    raise SystemExit(f"file {number}, {suffix}: types {our_types} and {their_types}\n{path.read_text()[:1500]}")
                left = sorted(tuple(plain(value) or "" for value in row) for row in our_rows)
                right = sorted(tuple(plain(value) or "" for value in row) for row in their_rows)
                if left != right:
                    apart = [pair for pair in zip(left, right) if pair[0] != pair[1]][:3]
                    raise SystemExit(f"file {number}, {suffix}: {len(left)} and {len(right)} rows; {apart}\n{path.read_text()[:1500]}")
    print(f"  {options.files} CSV and {options.files} JSON files are read to the same types and rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
