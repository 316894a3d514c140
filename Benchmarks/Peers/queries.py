"""The timed queries: one text for all engines, and a file of its own where a dialect says it differently.

`queries/<name>.sql` opens with a comment, the query's title. `queries/<name>.<engine>.sql` replaces it for one engine.
Words in braces stand for what differs between the two orders in which the events lie, or between dialects.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "queries"
ORDERS = ("arrival", "clustered")
SCANS = [
    "filter_count", "whole_column", "by_activity", "by_user", "by_user_activity_day", "star_join", "one_day_by_hour",
    "one_user", "top_users", "distinct_users_per_day", "percentiles", "moving_average", "users_by_country",
]
# Queries that do not look at the events are asked in one order only.
WITHOUT_EVENTS = {"users_by_country"}


@dataclass(frozen=True)
class Constants:
    """What the queries ask for, taken from the data: a user, and a day in the middle of the span."""

    user: int
    day: str  # ISO
    day_start: int  # seconds since 1970


def title(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8").split("\n", 1)[0].removeprefix("-- ")


def text(name: str, engine: str, order: str, constants: Constants) -> str:
    """Returns the query in the dialect of `engine` over the events in `order`."""
    own = FOLDER / f"{name}.{engine}.sql"
    sql = (own if own.exists() else FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    lines = [line for line in sql.splitlines() if line and not line.startswith("--")]
    words = _arrival(engine, constants) if order == "arrival" else _clustered(engine, constants)
    words |= {
        "users": "gold.dim_users",
        "activities": "gold.dim_activities",
        "user": str(constants.user),
    }
    return "\n".join(lines).format(**words)


def _arrival(engine: str, constants: Constants) -> dict[str, str]:
    time = '"timestamp"'
    whole = {"clickhouse": "intDiv({}, {})", "duckdb": "{} // {}", "polars": "{} // {}"}.get(engine, "{} / {}")
    return {
        "events": "bronze.heart_rate",
        "time": time,
        "day": whole.format(time, 86400),
        "hour": whole.format(f"({time} % 86400)", 3600),
        "on_the_day": f"{time} >= {constants.day_start} AND {time} < {constants.day_start + 86400}",
    }


def _clustered(engine: str, constants: Constants) -> dict[str, str]:
    return {
        "events": "silver.heart_rate",
        # A DateTime of ClickHouse arrives in Arrow as a bare number.
        "time": "toDateTime64(event_ts, 6)" if engine == "clickhouse" else "event_ts",
        "day": "event_date",
        "hour": "extract(hour FROM event_ts)",
        "on_the_day": f"event_date = DATE '{constants.day}'",
    }
