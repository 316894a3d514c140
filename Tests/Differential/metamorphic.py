"""Holds pulsehouse against itself: queries that must give the same rows, after SQLancer's TLP and NoREC.

TLP: a table's rows are those for which a condition is true, those for which it is false and those for which it is NULL.
NoREC: as many rows pass a WHERE as have a true condition when it stands in the select list, where no rule can use it.
Written as a sqllogictest script of queries that give no rows, and run by the script runner.

Then random queries must give the same rows on one thread, on three, with hardly any memory, without pruning, from tiny row
groups, and from blocks of each encoding.

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


# What must not change an answer: threads, memory, what zone maps and joins' keys rule out, and how tables are written.
ENCODINGS = ["constant", "plain", "packed", "delta", "run-length", "dictionary", "decimal", "keyed delta",
             "linked"]
SETTINGS = [
    ["threads = 3"],
    ["threads = 1", "memory = '1MB'"],
    ["threads = 2", "memory = '2MB'"],
    ["threads = 2", "pruning = off"],
    ["threads = 2", "row_group_size = 64"],
    ["threads = 3", "row_group_size = 128", "memory = '1MB'", "pruning = off"],
    *(["threads = 2", f"encoding = '{encoding}'"] for encoding in ENCODINGS),
    *(["threads = 1", "row_group_size = 64", f"encoding = '{encoding}'"] for encoding in ENCODINGS),
]


def run_script(text: str, settings: list[str]) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory(prefix="pulsehouse-metamorphic-") as folder:
        path = Path(folder) / "queries.slt"
        path.write_text(text)
        options = [part for setting in settings for part in ("--set", setting)]
        return subprocess.run([RUNNER, "--verbose", *options, str(path)], capture_output=True, text=True, check=False)


def answers(output: str) -> dict[str, str]:
    """What each failing query was found to give."""
    result = {}
    for block in output.split("  FAILED ")[1:]:
        head, _, found = block.partition("\nfound:\n")
        query = head.partition("\nexpected:\n")[0].split("\n", 1)[1]
        result[query] = found.split("\n\n")[0].strip("\n")
    return result


def differing(seed: int, count: int) -> list[str]:
    """Random queries whose rows change with the settings."""
    generator = QueryGenerator(seed)
    made = "".join(f"statement ok\n{statement}\n\n" for statement in tables(random.Random(seed)))
    queries = [generator.next()[:2] for _ in range(count)]
    # Which rows a limit takes without a whole order is nobody's business.
    queries = [(text, width) for text, width in queries if " LIMIT " not in text or " ORDER BY " in text]
    asked = made + "".join(f"query {'T' * width} rowsort\n{text}\n----\nno such row\n\n" for text, width in queries)
    known = answers(run_script(asked, ["threads = 1"]).stdout)
    told = made + "".join(
        f"query {'T' * width} rowsort\n{text}\n----\n{known[text]}\n\n"
        for text, width in queries
        # A line of blanks ends the rows that a script expects.
        if text in known and not known[text].startswith("error: ") and all(map(str.strip, known[text].splitlines()))
    )
    wrong = []
    for settings in SETTINGS:
        run = run_script(told, settings)
        if run.returncode not in (0, 1):
            wrong.append(f"{settings}: ended with {run.returncode}\n{run.stdout[-500:]}{run.stderr[-500:]}")
        found = answers(run.stdout)
        # Too little memory is an answer; an error of a value depends on which rows come first.
        wrong += [f"{settings}: {query}\n{rows[:500]}" for query, rows in found.items() if not rows.startswith("error: ")]
    return wrong


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
    differences = differing(options.seed, options.queries // 2)
    print(f"{options.queries // 2} queries under {len(SETTINGS)} settings: {len(differences)} differ")
    for difference in differences[:5]:
        print(difference)
    return 1 if wrong or differences or run.returncode not in (0, 1) else 0


if __name__ == "__main__":
    raise SystemExit(main())
