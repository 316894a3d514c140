"""Runs a small project of SQLMesh's forms by SQLMesh on DuckDB and by pulsehouse, and compares every table row by row.

Macros, statements around a query, settings of seeds, variables of config.yaml, text as a time column, and properties
that change no rows: what both must read alike.

usage: forms.py
"""

from __future__ import annotations

import datetime
import json
import logging
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Differential"))
from program import PROGRAM  # noqa: E402

CONFIG = """gateways:
  duckdb:
    connection:
      type: duckdb
      database: {database}
default_gateway: duckdb
disable_anonymized_analytics: true
model_defaults:
  dialect: postgres
  start: 2024-01-01
  cron: '@daily'
variables:
  threshold: 15
  flavour: sweet
  wanted: [apple, pear]
  is_on: true
"""

FILES = {
    "seeds/fruits.csv": "id;name;weight;day\n1;apple;10;2024-01-01\n2;'semi;colon';20;2024-01-02\n3;pear;NONE;2024-01-03\n4;'it''s';40;2024-01-03\n",
    "models/fruits.sql": """MODEL (
  name raw.fruits,
  kind SEED (path '../seeds/fruits.csv', csv_settings (delimiter = ';', quotechar = '''', na_values = ('NONE'))),
  columns (id integer, name text, weight integer, day date)
);
""",
    "models/properties.sql": """MODEL (
  name made.properties, kind FULL, owner 'me', tags ('a', 'b'), description 'All there is', grains (id, (id, day)),
  references (id), column_descriptions (id = 'the key'), start '2024-01-01', cron_tz 'UTC', stamp '1', allow_partials true,
  enabled true, physical_properties (x = 1), virtual_properties (y = 2), session_properties (z = 3), optimize_query false,
  formatting false
);
SELECT id, day FROM raw.fruits
""",
    "models/conditions.sql": """MODEL (name made.conditions, kind FULL);
@DEF(limit_of_weight, @threshold);
@DEF(double, x -> x * 2);
SELECT
  id,
  @IF(@threshold > 10, name, id::text) AS named,
  @IF(@flavour = 'sour', weight AS sour, weight AS not_sour),
  @double(id) AS doubled,
  @EVAL(@threshold + 1) AS computed,
  1 AS is_@{flavour},
  @VAR('missing', 7) AS seven,
  @IF(@is_on, 1, 0) AS is_on
FROM raw.fruits
WHERE @AND(weight > @limit_of_weight, NULL, id < 100) OR @OR(name = 'apple', name = 'pear')
""",
    "models/lists.sql": """MODEL (name made.lists, kind FULL);
SELECT
  day,
  @EACH([id, weight], x -> SUM(x) AS total_@x),
  @EACH(@wanted, fruit -> COUNT(CASE WHEN name = fruit THEN 1 END) AS n_@fruit),
  @REDUCE([1, 2, 3], (x, y) -> x + y) AS six,
  @EACH(@FILTER([5, 10, 20], x -> x > 9), x -> MAX(weight + x) AS above_@x)
FROM raw.fruits
GROUP BY day
""",
    "models/helpers.sql": """MODEL (name made.helpers, kind FULL);
SELECT
  id,
  @GENERATE_SURROGATE_KEY(id, name) AS key,
  @SAFE_ADD(weight, id) AS added,
  @SAFE_SUB(weight, id) AS taken,
  @SAFE_DIV(id * 10, id - 1) AS ratio
FROM raw.fruits
""",
    "models/around.sql": """MODEL (name made.around, kind FULL);
CREATE SCHEMA IF NOT EXISTS logs;
CREATE TABLE IF NOT EXISTS logs.log_of_around (what text);
@IF(@is_on, CREATE TABLE IF NOT EXISTS logs.second (x integer));
SELECT id, name FROM raw.fruits WHERE id > 1;
DROP TABLE IF EXISTS logs.second;
""",
    "models/by_text.sql": """MODEL (
  name made.by_text, kind INCREMENTAL_BY_TIME_RANGE (time_column (ds, '%Y%m%d'))
);
SELECT id, to_char(day, 'YYYYMMDD') AS ds, @start_ds >= '2024-01-01' AS is_after
FROM raw.fruits WHERE day BETWEEN @start_date AND @end_date
""",
    "models/times.sql": """MODEL (name made.times, kind INCREMENTAL_BY_TIME_RANGE (time_column day), cron '@daily');
SELECT
  id, day, @start_epoch <= @end_epoch AS in_order, @end_millis - @start_millis > 86000000 AS is_a_day,
  @start_ts <= @end_ts AS texts, @start_date <= @end_date AS dates, @execution_ds > '2024-01-01' AS is_later,
  @start_hour AS start_hour
FROM raw.fruits WHERE day BETWEEN @start_ds::date AND @end_ds::date
""",
}
# Every row of audited fails some of these; all are asked as what blocks nothing.
AUDITS = """
  not_null(columns := (a, b)); unique_values(columns := (a)); unique_combination_of_columns(columns := (a, b));
  accepted_values(column := kind, is_in := ('x', 'y')); not_accepted_values(column := kind, is_in := ('z', 'y'));
  accepted_range(column := a, min_v := 2, max_v := 4); accepted_range(column := a, min_v := 2, inclusive := false);
  forall(criteria := (a > 1, b IS NOT NULL)); number_of_rows(threshold := 100); number_of_rows(threshold := 2);
  at_least_one(column := nothing); at_least_one(column := a); not_constant(column := same); not_constant(column := a);
  not_null_proportion(column := b, threshold := 0.9); not_null_proportion(column := b, threshold := 0.1);
  not_empty_string(column := kind); string_length_equal(column := kind, v := 1);
  string_length_between(column := mail, min_v := 5, max_v := 8); sequential_values(column := a, interval := 1);
  match_regex_pattern_list(column := mail, patterns := ('^a', 'com$')); valid_email(column := mail);
  not_match_regex_pattern_list(column := mail, patterns := ('^a', 'com$')); valid_http_method(column := verb);
  match_like_pattern_list(column := mail, patterns := ('a%', '%com')); valid_uuid(column := uuid);
  not_match_like_pattern_list(column := mail, patterns := ('a%', '%com')); valid_url(column := url);
  mean_in_range(column := a, min_v := 1, max_v := 2); mean_in_range(column := a, min_v := 1, max_v := 200);
  stddev_in_range(column := a, max_v := 1); stddev_in_range(column := a, min_v := 0.5, max_v := 100);
  z_score(column := a, threshold := 1); mutually_exclusive_ranges(lower_bound_column := a, upper_bound_column := b);
  chi_square(column_a := kind, column_b := same, dependent := true, critical_value := 3);
  not_null(columns := (b), condition := a > 2)
"""
CALLS = [" ".join(call.split()) for call in AUDITS.split(";")]
FILES["models/audited.sql"] = """MODEL (
  name made.audited, kind FULL,
  audits (%s)
);
SELECT a::int AS a, b::int AS b, kind::text AS kind, same::text AS same, nothing::int AS nothing, mail::text AS mail,
  verb::text AS verb, uuid::text AS uuid, url::text AS url
FROM (VALUES
  (1, 2, 'x', 's', NULL, 'a@b.com', 'GET', '123e4567-e89b-12d3-a456-426614174000', 'https://a.b'),
  (1, 2, 'y', 's', NULL, 'wrong', 'get', 'none', 'nowhere'),
  (2, NULL, 'z', 's', NULL, 'x@y.org', 'POST', NULL, 'ftp://x.y/z'),
  (4, 5, '', 's', NULL, NULL, NULL, '123e4567-e89b-92d3-a456-426614174000', NULL),
  (50, 40, NULL, 's', NULL, 'aaaa@bbbb.com', 'FETCH', '', 'http://')
) AS t(a, b, kind, same, nothing, mail, verb, uuid, url)
""" % ",\n    ".join(call.replace("(", "_non_blocking(", 1) for call in CALLS)
TABLES = ["raw.fruits"] + [f"made.{name}" for name in ("properties", "conditions", "lists", "helpers", "around", "by_text", "times", "audited")]


def plain(value: object) -> object:
    """What both sides write alike."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return int(value) if value == int(value) else round(value, 9)
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    text = str(value)
    try:
        number = float(text)
        return int(number) if number == int(number) else round(number, 9)
    except ValueError:
        return {"true": True, "false": False}.get(text, text)


def theirs(folder: Path) -> dict[str, tuple[list[str], list[tuple]]]:
    from sqlmesh import Context

    warnings.simplefilter("ignore")
    # Every audit that fails is told of.
    logging.disable(logging.CRITICAL)
    context = Context(paths=str(folder))
    context.plan(auto_apply=True, no_prompts=True)
    answer = {}
    for table in TABLES:
        cursor = context.engine_adapter.cursor
        cursor.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in cursor.description]
        answer[table] = (names, [tuple(plain(value) for value in row) for row in cursor.fetchall()])
    snapshot = next(entry for entry in context.snapshots.values() if "audited" in entry.name)
    results = context.snapshot_evaluator.audit(snapshot, snapshots=context.snapshots, start="2024-01-01", end="2024-01-05")
    answer["audits"] = (["failures"], [(call, result.count or 0) for call, result in zip(CALLS, results, strict=True)])
    return answer


def ours(folder: Path) -> dict[str, tuple[list[str], list[tuple]]]:
    options = ["--project", str(folder), "--data", str(folder / "data")]

    def call(*words: str) -> str:
        result = subprocess.run([PROGRAM, *words, *options], capture_output=True, check=False, encoding="utf-8")
        if result.returncode != 0:
            raise SystemExit(f"{' '.join(words)} ended with {result.returncode}:\n{result.stderr}{result.stdout}")
        return result.stdout

    report = json.loads(call("run", "--json"))
    answer = {}
    for table in TABLES:
        rows = json.loads(call("sql", "--mode", "json", "-c", f"SELECT * FROM {table}"))
        names = list(rows[0]) if rows else []
        answer[table] = (names, [tuple(plain(value) for value in row.values()) for row in rows])
    audited = next(entry for entry in report["models"] if entry["model"] == "made.audited")
    answer["audits"] = (["failures"], [(c, entry["failures"]) for c, entry in zip(CALLS, audited["audits"], strict=True)])
    # The second run finds nothing to do.
    if "nothing to do" not in call("run"):
        raise SystemExit("a second run found something to do")
    return answer


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="pulsehouse-forms-") as name:
        folder = Path(name)
        for path, text in (FILES | {"config.yaml": CONFIG.format(database=folder / "their.duckdb")}).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        mine = ours(folder)
        other = theirs(folder)
        failures = 0
        for table in [*TABLES, "audits"]:
            left, right = mine[table], other[table]
            order = lambda row: [str(value) for value in row]  # noqa: E731
            if [n.lower() for n in left[0]] != [n.lower() for n in right[0]]:
                failures += 1
                print(f"{table}: columns {left[0]} here, {right[0]} in SQLMesh")
            elif sorted(left[1], key=order) != sorted(right[1], key=order):
                failures += 1
                print(f"{table}:")
                for row in sorted(left[1], key=order):
                    if row not in right[1]:
                        print(f"  here    {row}")
                for row in sorted(right[1], key=order):
                    if row not in left[1]:
                        print(f"  SQLMesh {row}")
        if failures:
            raise SystemExit(f"{failures} of {len(TABLES) + 1} answers differ")
        print(f"  {len(TABLES)} tables of SQLMesh's forms are the same, and {len(CALLS)} audits fail in as many rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
