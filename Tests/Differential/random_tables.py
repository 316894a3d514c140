"""Random tables of every type, as SQL that PostgreSQL and pulsehouse both run."""

from __future__ import annotations

import random

# The columns of each table: name and type. Every table has all of them, so that any query fits any table.
COLUMNS = {
    "id": "integer",
    "b": "boolean",
    "i2": "smallint",
    "i4": "integer",
    "i8": "bigint",
    "f4": "real",
    "f8": "double precision",
    "n": "numeric(12,3)",
    "m": "numeric",
    "t": "text",
    "v": "varchar(20)",
    "c": "char(5)",
    "d": "date",
    "tm": "time",
    "ts": "timestamp",
    "tz": "timestamptz",
    "iv": "interval",
    "u": "uuid",
}

WORDS = ["", "a", "b", "abc", "Abc", "heart", "rate", "heart rate", "äöü", "%", "_", "a_b", "12", "-7", "3.5", "x" * 18]


def value(generator: random.Random, kind: str) -> str:
    """Returns a literal of a column's type, extremes included."""
    pick = generator.random()
    base = kind.split("(")[0]
    if base == "boolean":
        return generator.choice(["true", "false"])
    if base in ("smallint", "integer", "bigint"):
        bits = {"smallint": 15, "integer": 31, "bigint": 63}[base]
        if pick < 0.05:
            return str(generator.choice([2**bits - 1, -(2**bits) + 1]))
        return str(generator.randint(-10, 20) if pick < 0.7 else generator.randint(-1000, 1000))
    if base in ("real", "double precision"):
        if pick < 0.06:
            return generator.choice(["'NaN'", "'Infinity'", "'-Infinity'", "0"])
        # Eighths: sums of them are exact, in whatever order.
        return str(generator.randint(-400, 400) / 8 or 0.0)
    if base == "numeric":
        # One scale, since equal values of different scales are one group, shown as either.
        if kind == "numeric" and pick < 0.03:
            return generator.choice(["'NaN'", "123456789012345.123", "0.001"])
        return f"{generator.randint(-50000, 50000) / 10 ** generator.randint(0, 3):.3f}"
    if base in ("text", "varchar", "char"):
        words = [word for word in WORDS if base != "char" or len(word) <= 5]
        return "'" + generator.choice(words) + "'"
    if base == "date":
        if pick < 0.04:
            return generator.choice(["'infinity'", "'-infinity'", "'0001-01-01'", "'9999-12-31'"])
        return f"'{generator.randint(2019, 2025)}-{generator.randint(1, 12):02}-{generator.randint(1, 28):02}'"
    if base == "time":
        return f"'{generator.randint(0, 23):02}:{generator.randint(0, 59):02}:{generator.randint(0, 59):02}.{generator.choice(['0', '5', '123456'])}'"
    if base in ("timestamp", "timestamptz"):
        if pick < 0.03:
            return generator.choice(["'infinity'", "'-infinity'"])
        return (
            f"'{generator.randint(2019, 2025)}-{generator.randint(1, 12):02}-{generator.randint(1, 28):02} "
            f"{generator.randint(0, 23):02}:{generator.randint(0, 59):02}:{generator.randint(0, 59):02}'"
        )
    if base == "interval":
        return generator.choice(
            # No two are equal, as 30 days and a month are: they are one group, shown as either.
            ["'1 day'", "'-3 hours'", "'1 mon'", "'31 days'", "'1 year 2 mons'", "'90 minutes'", "'1.5 seconds'", "'0'"]
        )
    assert base == "uuid"
    return f"'00000000-0000-4000-8000-{generator.randint(0, 40):012x}'"


def row(generator: random.Random, number: int, nulls: float) -> str:
    values = [str(number)]
    for name, kind in list(COLUMNS.items())[1:]:
        values.append("NULL" if generator.random() < nulls else value(generator, kind))
    return "(" + ", ".join(values) + ")"


def tables(generator: random.Random) -> list[str]:
    """Returns the statements that make and fill the tables `filled`, `other`, `skewed`, `one` and `empty`."""
    statements: list[str] = []
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    for name, count, nulls in [("filled", 60, 0.12), ("other", 25, 0.3), ("skewed", 120, 0.05), ("one", 1, 0), ("empty", 0, 0)]:
        statements.append(f"CREATE TABLE {name} ({columns})")
        number = 0
        while number < count:
            # Several statements make several segments.
            size = min(count - number, generator.randint(1, 40))
            same = row(generator, number, nulls).split(", ", 1)[1]
            rows = [
                f"({index}, {same}" if name == "skewed" and generator.random() < 0.8 else row(generator, index, nulls)
                for index in range(number, number + size)
            ]
            statements.append(f"INSERT INTO {name} VALUES\n" + ",\n".join(rows))
            number += size
    return statements


TABLES = ["filled", "other", "skewed", "one", "empty"]
