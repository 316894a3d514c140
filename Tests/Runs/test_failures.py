"""What `pulsehouse run` says and leaves behind when something is wrong: file, line, what to do, exit code.

Each case is a small project with one mistake. A second part runs a diamond of models of which one fails, resumes it, and
looks at the lines and the history a user sees.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Differential"))
from program import PROGRAM  # noqa: E402

GOOD = {"models/good.sql": "MODEL (name gold.good, kind FULL);\nSELECT 1 AS x\n"}


def model(name: str, sql: str, more: str = "") -> str:
    return f"MODEL (\n  name {name},\n  kind FULL{', ' + more if more else ''}\n);\n\n{sql}\n"


# Name, files, exit code, the place that the message must begin with, words it must hold. Without a place the mistake has
# none in a file.
CASES: list[tuple[str, dict[str, str], int, str, list[str]]] = [
    (
        "a cycle",
        {
            "models/a.sql": model("gold.a", "SELECT * FROM gold.b"),
            "models/b.sql": model("gold.b", "SELECT * FROM gold.c"),
            "models/c.sql": model("gold.c", "SELECT * FROM gold.a"),
        },
        3,
        "models/a.sql:2:",
        ["models depend on themselves", "gold.a reads gold.b reads gold.c reads gold.a"],
    ),
    (
        "a missing upstream",
        {"models/a.sql": model("gold.a", "SELECT x\nFROM bronze.nothing")},
        3,
        "models/a.sql:7:",
        ["gold.a reads bronze.nothing, which does not exist", "hint: ", "pulsehouse ingest"],
    ),
    (
        "a wrong column",
        {"models/a.sql": model("gold.a", "SELECT g.x,\n  g.wrong\nFROM gold.good AS g")},
        3,
        "models/a.sql:7:",
        ["column g.wrong does not exist"],
    ),
    (
        "a wrong type",
        {"models/a.sql": model("gold.a", "SELECT g.x\nFROM gold.good AS g\nWHERE g.x LIKE 'a%'")},
        3,
        "models/a.sql:8:",
        ["operator does not exist"],
    ),
    (
        "no SQL",
        {"models/a.sql": model("gold.a", "SELEC x FROM gold.good")},
        3,
        "models/a.sql:6:",
        ["syntax error"],
    ),
    (
        "an unknown audit",
        {"models/a.sql": model("gold.a", "SELECT 1 AS x", "audits (\n    not_nul(columns := (x))\n  )")},
        3,
        "models/a.sql:4:",
        ['there is no audit "not_nul"', "hint: There are ", "not_null"],
    ),
    (
        "an audit of a wrong column",
        {"models/a.sql": model("gold.a", "SELECT 1 AS x", "audits (not_null(columns := (y)))")},
        3,
        "models/a.sql:",
        ["audit not_null(columns := (y))", 'column "y" does not exist'],
    ),
    (
        "a blocking audit",
        {"models/a.sql": model("gold.a", "SELECT NULL::int AS x", "audits (not_null(columns := (x)))")},
        3,
        "models/a.sql:",
        ["gold.a fails the audit not_null(columns := (x)) in 1 rows", "SELECT * FROM audits.gold_a_1_not_null"],
    ),
    (
        "a Python model",
        {"models/a.py": "from sqlmesh import model\n"},
        7,
        "models/a.py:1:",
        ["a Python model is not supported natively", "hint: Write it in SQL, or run this project with SQLMesh."],
    ),
    (
        "a Jinja model",
        {"models/a.sql": model("gold.a", "JINJA_QUERY_BEGIN;\nSELECT {{ x }} AS x\nJINJA_END;")},
        7,
        "models/a.sql:6:",
        ["Jinja", "hint: "],
    ),
    (
        "Jinja in the query",
        {"models/a.sql": model("gold.a", "SELECT 1 AS x\nFROM {{ ref('good') }}")},
        7,
        "models/a.sql:7:",
        ["Jinja", "hint: "],
    ),
    (
        "an unknown kind",
        {"models/a.sql": "MODEL (\n  name gold.a,\n  kind SOMETIMES\n);\nSELECT 1 AS x\n"},
        7,
        "models/a.sql:3:",
        ["SOMETIMES"],
    ),
    (
        "an unknown property",
        {"models/a.sql": model("gold.a", "SELECT 1 AS x", "colour blue")},
        3,
        "models/a.sql:3:",
        ['a model has no property "colour"', "hint: There are audits"],
    ),
    (
        "no YAML",
        {"config.yaml": "model_defaults:\n  dialect: postgres\n  cron: [unfinished\n"},
        3,
        "config.yaml:",
        [],
    ),
    (
        "a wrong cron in YAML",
        {"config.yaml": "model_defaults:\n  dialect: postgres\n  cron: 'every day'\n"},
        3,
        "config.yaml:3:",
        ["every day"],
    ),
    (
        "a seed without its file",
        {"models/a.sql": "MODEL (\n  name gold.a,\n  kind SEED (path '../seeds/none.csv'),\n  columns (x int)\n);\n"},
        5,
        "",
        ["none.csv", "No such file"],
    ),
    (
        "two models of one name",
        {"models/a.sql": model("gold.a", "SELECT 1 AS x"), "models/b.sql": model("gold.a", "SELECT 2 AS x")},
        3,
        "models/b.sql:2:",
        ["there are two models called gold.a", "models/a.sql"],
    ),
    (
        "a statement after the query that fails",
        {"models/a.sql": model("gold.a", "SELECT 1 AS x;\n\nDROP TABLE gold.nothing;")},
        3,
        "models/a.sql:8:",
        ["nothing"],
    ),
    (
        "a transaction in a model",
        {"models/a.sql": model("gold.a", "SELECT 1 AS x;\nCOMMIT;")},
        3,
        "models/a.sql:7:",
        ["part of the run's transaction", "hint: Leave BEGIN, COMMIT"],
    ),
    (
        "two queries",
        {"models/a.sql": model("gold.a", "SELECT 1 AS x;\nSELECT 2 AS x;")},
        3,
        "models/a.sql:7:",
        ["a model has one query"],
    ),
    (
        "a macro that asks a column",
        {"models/a.sql": model("gold.a", "SELECT\n  @IF(g.x > 1, 1, 2) AS x\nFROM gold.good AS g")},
        3,
        "models/a.sql:7:",
        ["cannot compute g.x > 1 for a macro", "hint: Macros compute with constants"],
    ),
    (
        "a macro of SQLMesh's that is not there",
        {"models/a.sql": model("gold.a", "SELECT @STAR(gold.good) FROM gold.good")},
        7,
        "models/a.sql:6:",
        ["the macro @STAR is not supported natively"],
    ),
    (
        "CSV settings that COPY has no words for",
        {"models/a.sql": "MODEL (\n  name gold.a,\n  kind SEED (\n    path 'x.csv',\n    csv_settings (skipinitialspace true)\n  ),\n  columns (x int)\n);\n"},
        7,
        "models/a.sql:5:",
        ["csv_settings: skipinitialspace true is not supported natively"],
    ),
    (
        "a time format whose text is not in order",
        {"models/a.sql": "MODEL (\n  name gold.a,\n  kind INCREMENTAL_BY_TIME_RANGE (\n    time_column (ds, '%d.%m.%Y')\n  )\n);\nSELECT 'x' AS ds\n"},
        7,
        "models/a.sql:4:",
        ["the format '%d.%m.%Y'"],
    ),
    (
        "a snapshot_ttl that is none",
        {"config.yaml": "model_defaults:\n  dialect: postgres\nsnapshot_ttl: a while\n"},
        3,
        "config.yaml:3:",
        ["does not say how long snapshots are kept"],
    ),
    (
        "a division by zero in the rows",
        {"models/a.sql": model("gold.a", "SELECT 1 / (x - 1) AS x FROM gold.good")},
        3,
        "models/a.sql:6:",
        ["division by zero", "The others were published."],
    ),
]


class House:
    def __init__(self, folder: Path, files: dict[str, str]):
        self.folder = folder
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [PROGRAM, *words, "--project", str(self.folder), "--data", str(self.folder / "data")]
        return subprocess.run(command, capture_output=True, check=False, encoding="utf-8", timeout=60)


def fail(name: str, result: subprocess.CompletedProcess[str], what: str) -> None:
    raise SystemExit(f"{name}: {what}\nexit code {result.returncode}\n{result.stdout}{result.stderr}")


def mistakes() -> None:
    for name, files, code, place, words in CASES:
        with tempfile.TemporaryDirectory(prefix="pulsehouse-mistake-") as folder:
            house = House(Path(folder), GOOD | files)
            result = house("run")
            if result.returncode != code:
                fail(name, result, f"expected exit code {code}")
            if place and f"{folder}/{place}" not in result.stderr:
                fail(name, result, f"expected the place {place}")
            for word in words:
                if word not in result.stderr:
                    fail(name, result, f"expected the words {word!r}")
            # One mistake is told once, and as a message, not as a trace.
            if result.stderr.count("\n") > 8:
                fail(name, result, "too many lines")
    print(f"  {len(CASES)} mistakes are answered with their place and an exit code")


def diamond() -> None:
    files = {
        "models/top.sql": model("gold.top", "SELECT g AS id, g AS value FROM generate_series(0, 2) AS g"),
        "models/left.sql": model("gold.left", "SELECT id, 10 / value AS share FROM gold.top"),
        "models/right.sql": model("gold.right", "SELECT id, value + 1 AS value FROM gold.top"),
        "models/bottom.sql": model("gold.bottom", "SELECT l.share FROM gold.left AS l JOIN gold.right AS r USING (id)"),
        "models/aside.sql": model("gold.aside", "SELECT 1 AS x"),
    }
    with tempfile.TemporaryDirectory(prefix="pulsehouse-diamond-") as folder:
        house = House(Path(folder), files)
        result = house("run", "--all-or-nothing")
        if result.returncode != 3 or "nothing published; 1 failed, 1 not built" not in result.stdout:
            fail("all or nothing", result, "expected nothing to be published")
        if house("sql", "-c", "SELECT * FROM gold.aside").returncode != 3:
            fail("all or nothing", result, "gold.aside is there")
        result = house("run")
        expected = ["gold.left                   FAILED      division by zero", "gold.bottom                 skipped     gold.left failed"]
        if result.returncode != 3 or any(line not in result.stdout for line in expected):
            fail("a diamond", result, "expected one failure and one model not built")
        if "published 3 of 5 models in one commit (1 failed, 1 not built because of that)" not in result.stdout:
            fail("a diamond", result, "expected the others to be published")
        record = json.loads(house("history", "2", "--json").stdout)
        outcomes = {entry["model"]: entry["outcome"] for entry in record["models"]}
        if record["outcome"] != "partial" or outcomes != {
            "gold.top": "done", "gold.left": "failed", "gold.right": "done", "gold.bottom": "skipped", "gold.aside": "done",
        }:
            fail("a diamond", result, f"history says {record}")
        House(Path(folder), {"models/left.sql": model("gold.left", "SELECT id, 10 / (value + 1) AS share FROM gold.top")})
        result = house("run", "--json")
        report = json.loads(result.stdout)
        built = sorted(entry["model"] for entry in report["models"] if entry["action"] != "unchanged")
        if result.returncode != 0 or built != ["gold.bottom", "gold.left"]:
            fail("a diamond", result, "expected the run to resume with what is missing")
        result = house("run")
        if result.returncode != 0 or "nothing to do" not in result.stdout:
            fail("a diamond", result, "expected nothing to be left")
    print("  a failure in a diamond stops what depends on it, and the next run does the rest")


def killed() -> None:
    """A run that is killed at its last model: the next one takes over the others."""
    files = {
        "models/first.sql": model("gold.first", "SELECT g AS id FROM generate_series(1, 200000) AS g"),
        "models/second.sql": model("gold.second", "SELECT id * 2 AS id FROM gold.first"),
        "models/slow.sql": model(
            "gold.slow",
            "SELECT COUNT(*) AS pairs FROM gold.second AS a JOIN generate_series(1, 400000) AS b ON a.id % 1000003 < b % 7 - 100",
        ),
    }
    with tempfile.TemporaryDirectory(prefix="pulsehouse-killed-") as folder:
        house = House(Path(folder), files)
        command = [PROGRAM, "run", "--save-every", "0", "--project", folder, "--data", f"{folder}/data"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
        assert process.stdout is not None
        lines = [process.stdout.readline(), process.stdout.readline()]
        process.kill()
        process.wait()
        if not lines[0].startswith("gold.first") or not lines[1].startswith("gold.second"):
            raise SystemExit(f"the run said {lines}")
        result = house("sql", "--mode", "csv", "-c", "SELECT count(*) FROM unfinished.\"gold.second\"")
        if result.stdout.splitlines()[1:] != ["200000"]:
            fail("a killed run", result, "expected what it had finished to be there")
        if house("sql", "-c", "SELECT * FROM gold.first").returncode != 3:
            fail("a killed run", result, "gold.first is published")
        result = house("plan")
        if result.returncode != 0 or result.stdout.count("resumed") != 2 or "which did not end" not in result.stdout:
            fail("a killed run", result, "expected the plan to take over two models")
        House(Path(folder), {"models/slow.sql": model("gold.slow", "SELECT count(*) AS ids FROM gold.second")})
        result = house("run")
        if result.returncode != 0 or result.stdout.count(" resumed ") != 2 or "published 3 of 3" not in result.stdout:
            fail("a killed run", result, "expected the run to take over two models")
        result = house("sql", "--mode", "csv", "-c", "SELECT (SELECT sum(id) FROM gold.second), (SELECT ids FROM gold.slow)")
        if result.stdout.splitlines()[1:] != ["40000200000,200000"]:
            fail("a killed run", result, "expected other rows")
        result = house("status")
        if "unfinished" in result.stdout or house("verify").returncode != 0:
            fail("a killed run", result, "something is left")
        if "nothing to do" not in house("run").stdout:
            fail("a killed run", result, "expected nothing to be left to do")
    print("  a killed run leaves what it finished to the next")


if __name__ == "__main__":
    mistakes()
    diamond()
    killed()
