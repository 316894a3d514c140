"""Holds pulsehouse against itself: queries that must give the same rows, after SQLancer's TLP and NoREC.

TLP: a table's rows are those for which a condition is true, those for which it is false and those for which it is NULL.
NoREC: as many rows pass a WHERE as have a true condition when it stands in the select list, where no rule can use it.
Written as a sqllogictest script of queries that give no rows, and run by the script runner.

usage: metamorphic.py [--queries N] [--seed N]
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import tempfile
from pathlib import Path

from program import REPOSITORY
from random_queries import ORDERED, QueryGenerator
from random_tables import tables

RUNNER = os.environ.get("SQL_LOGIC_RUNNER") or str(REPOSITORY / ".build/release/SQLLogicRunner")


def partitioned(generator: QueryGenerator) -> str:
    """TLP: what the whole has and its three parts have not, or the other way round."""
    source = generator.source()
    items = ", ".join(
        f"{generator.expression(generator.pick(ORDERED), 1)} AS k{index}" for index in range(generator.random.randint(1, 2))
    )
    condition = generator.expression("boolean", 2)
    whole = f"SELECT {items} FROM {source}"
    parts = " UNION ALL ".join(
        f"({whole} WHERE {form})" for form in (condition, f"NOT ({condition})", f"({condition}) IS NULL")
    )
    return f"(({whole}) EXCEPT ALL ({parts})) UNION ALL (({parts}) EXCEPT ALL ({whole}))"


def counted(generator: QueryGenerator) -> str:
    """NoREC: the two counts, where they differ."""
    source = generator.source()
    condition = generator.expression("boolean", 3)
    return (
        f"SELECT a.n, b.n FROM (SELECT count(*) AS n FROM {source} WHERE {condition}) AS a, "
        f"(SELECT count(*) FILTER (WHERE t.c) AS n FROM (SELECT {condition} AS c FROM {source}) AS t) AS b "
        "WHERE a.n <> b.n"
    )


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    options = parser.parse_args()
    generator = QueryGenerator(options.seed)
    parts = [f"statement ok\n{statement}\n" for statement in tables(random.Random(options.seed))]
    for index in range(options.queries):
        text = (partitioned if index % 2 else counted)(generator)
        width = 2 if index % 2 == 0 else text.split(" FROM ")[0].count(" AS k")
        parts.append(f"query {'T' * max(1, width)} rowsort\n{text}\n----\n")
    with tempfile.TemporaryDirectory(prefix="pulsehouse-metamorphic-") as folder:
        path = Path(folder) / "metamorphic.slt"
        path.write_text("\n".join(parts))
        run = subprocess.run([RUNNER, "--verbose", str(path)], capture_output=True, text=True, check=False)
    blocks = run.stdout.split("  FAILED ")[1:]
    # A query that is refused, or fails on its data, says nothing about the other one.
    wrong = [block for block in blocks if "\nerror: " not in block.split("found:")[-1]]
    print(f"seed {options.seed}: {run.stdout.strip().splitlines()[-1]}; {len(blocks) - len(wrong)} ended with an error")
    for block in sorted(wrong, key=len)[:5]:
        print(block)
    return 1 if wrong or run.returncode not in (0, 1) else 0


if __name__ == "__main__":
    raise SystemExit(main())
