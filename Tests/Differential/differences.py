"""Where pulsehouse differs from PostgreSQL on purpose, so that the comparison does not report it. README.md says why."""

from __future__ import annotations

import re


def allowed(sql: str, words: str) -> bool:
    """Tells whether a failing query is one of the differences that are meant."""
    return any(rule(sql, words) for rule in RULES)


def errors_of_rows_that_postgres_does_not_reach(sql: str, words: str) -> bool:
    """A value out of range where PostgreSQL stopped before it: which rows an expression sees is the plan's affair."""
    return "found:\nerror: 22" in words and " FROM " in sql and "expected:\nerror" not in words


def more_digits_than_a_numeric_holds(_: str, words: str) -> bool:
    return "found:\nerror: 22003 numeric value has more than 38 digits" in words


def which_of_equal_values_is_shown(sql: str, words: str) -> bool:
    """0 and -0, 1.0 and 1.00, a month and thirty days are equal: which of them a group or a set shows, and which of them
    comes first in an order, is either's choice."""
    _, _, rest = words.partition("\nexpected:\n")
    expected, _, found = rest.partition("\nfound:\n")
    theirs, ours = canonical(expected), canonical(found)
    if theirs == ours:
        return " ORDER BY " in sql
    return re.search(r"\b(GROUP BY|DISTINCT|UNION|INTERSECT|EXCEPT)\b", sql) is not None and sorted(theirs) == sorted(ours)


def canonical(rows: str) -> list[str]:
    """The rows with every value in one spelling."""
    lines = rows.split("\n\n")[0].strip().split("\n")
    return ["\t".join(spelled(cell) for cell in line.split("\t")) for line in lines]


def spelled(cell: str) -> str:
    if re.fullmatch(r"-?\d+(\.\d+)?", cell):
        shorter = cell.rstrip("0").rstrip(".") if "." in cell else cell
        return "0" if shorter in ("-0", "") else shorter
    parts = INTERVAL.fullmatch(cell)
    if not cell or parts is None:
        return cell
    years, months, days = (int(part or 0) for part in parts.group(1, 2, 3))
    time = parts.group(4) or ""
    seconds = 0.0
    if time:
        hours, minutes, rest = time.lstrip("+-").split(":")
        seconds = (int(hours) * 3600 + int(minutes) * 60 + float(rest)) * (-1 if time.startswith("-") else 1)
    return f"{((years * 12 + months) * 30 + days) * 86400 + round(seconds, 6)} s"


INTERVAL = re.compile(
    r"(?:([+-]?\d+) years?)? ?(?:([+-]?\d+) mons?)? ?(?:([+-]?\d+) days?)? ?([+-]?\d+:\d\d:\d\d(?:\.\d+)?)?"
)

RULES = [errors_of_rows_that_postgres_does_not_reach, more_digits_than_a_numeric_holds, which_of_equal_values_is_shown]
