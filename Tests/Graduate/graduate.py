"""Runs the warehouse project by SQLMesh on another engine and compares every table with ours.

Bronze leaves as Parquet; SQLMesh runs the very same folder of models on DuckDB or on Spark; of each table of silver and gold
the number of rows, the sums of its numbers and an order-free hash of its rows are compared.

usage: graduate.py --data DIR [--engine duckdb|spark] [--out DIR]
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Differential"))
from program import PROJECT, pulsehouse  # noqa: E402

import duckdb  # noqa: E402


def gateway(engine: str, out: Path):
    """The configuration under which SQLMesh runs the project; also written down, for whoever goes on from here."""
    from sqlmesh.core.config import (
        Config, DuckDBConnectionConfig, GatewayConfig, ModelDefaultsConfig, SparkConnectionConfig,
    )

    state = DuckDBConnectionConfig(database=str(out / "state.duckdb"))
    if engine == "duckdb":
        connection = DuckDBConnectionConfig(database=str(out / "warehouse.duckdb"))
    else:
        connection = SparkConnectionConfig(
            config={
                "spark.master": "local[2]",
                "spark.sql.warehouse.dir": str(out / "spark-warehouse"),
                "spark.driver.extraJavaOptions": f"-Dderby.system.home={out}",
                "spark.sql.session.timeZone": "UTC",
                "spark.ui.enabled": "false",
                "spark.driver.bindAddress": "127.0.0.1",
                "spark.driver.host": "127.0.0.1",
            }
        )
    return Config(
        gateways={engine: GatewayConfig(connection=connection, state_connection=state)},
        default_gateway=engine,
        model_defaults=ModelDefaultsConfig(dialect="postgres", start="2024-01-01", cron="@hourly"),
        disable_anonymized_analytics=True,
    )


def export(data: Path, schema: str, out: Path) -> dict[str, Path]:
    """Writes the tables of a schema as Parquet; returns their files by name."""
    folder = out / "parquet"
    folder.mkdir(parents=True, exist_ok=True)
    answer = json.loads(pulsehouse(data, "export", schema, "--format", "parquet", "--to", str(folder), "--json"))
    return {entry["name"]: Path(entry["file"]) for entry in answer}


class DuckDBSide:
    """Bronze in, models out, by DuckDB."""

    def __init__(self, context) -> None:
        self.context = context

    def load(self, name: str, path: Path) -> None:
        adapter = self.context.engine_adapter
        adapter.create_schema(name.split(".")[0])
        adapter.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM read_parquet('{path}')", quote_identifiers=False)

    def save(self, name: str, path: Path) -> None:
        self.context.engine_adapter.execute(f"COPY (SELECT * FROM {name}) TO '{path}' (FORMAT parquet)")


class SparkSide:
    """Bronze in, models out, by Spark."""

    def __init__(self, context) -> None:
        self.context = context
        self.spark = context.engine_adapter.spark

    def load(self, name: str, path: Path) -> None:
        self.spark.sql(f"CREATE DATABASE IF NOT EXISTS {name.split('.')[0]}")
        self.spark.read.parquet(str(path)).write.mode("overwrite").saveAsTable(name)

    def save(self, name: str, path: Path) -> None:
        self.spark.table(name).coalesce(1).write.mode("overwrite").parquet(str(path))


def digest(path: str) -> dict[str, object]:
    """What tables with the same rows share, whatever the order of rows and of columns, and columns' exact types: Spark keeps
    the columns that a table is partitioned by at its end."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    source = f"read_parquet('{path}')"
    columns = sorted(connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall())
    result: dict[str, object] = {"columns": [name for name, *_ in columns]}
    shown = []
    sums = ["count(*)"]
    for name, kind, *_ in columns:
        quoted = '"' + name + '"'
        if kind in ("DOUBLE", "FLOAT"):
            # Sums of doubles may differ in their last digits by the order they were added in.
            shown.append(f"round({quoted}::double, 6)::varchar")
            sums.append(f"round(sum({quoted}), 3)")
        elif kind.startswith(("DECIMAL", "BIGINT", "INTEGER", "SMALLINT", "HUGEINT", "TINYINT")):
            shown.append(f"{quoted}::decimal(38, 6)::varchar")
            sums.append(f"sum({quoted}::decimal(38, 6))")
        elif kind.startswith("TIMESTAMP"):
            shown.append(f"epoch_us({quoted}::timestamp)::varchar")
        else:
            shown.append(f"{quoted}::varchar")
    row = " || '|' || ".join(f"coalesce({text}, '<null>')" for text in shown)
    sums.append(f"sum((('0x' || substr(md5({row}), 1, 15))::bigint)::hugeint)")
    result["sums"] = [str(value) for value in connection.execute(f"SELECT {', '.join(sums)} FROM {source}").fetchone()]
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the data folder of a warehouse that was ingested and run")
    parser.add_argument("--engine", choices=("duckdb", "spark"), default="duckdb")
    parser.add_argument("--out", type=Path, help="keep what is made here (default: a folder that is removed)")
    arguments = parser.parse_args()
    out = arguments.out.resolve() if arguments.out else Path(tempfile.mkdtemp(prefix="graduate-"))
    out.mkdir(parents=True, exist_ok=True)
    data = arguments.data.resolve()
    logging.disable(logging.WARNING)
    try:
        print(f"bronze as Parquet, to {out / 'parquet'}")
        bronze = export(data, "bronze", out)
        ours = {**export(data, "silver", out), **export(data, "gold", out)}
        from sqlmesh import Context

        # SQLMesh leaves a cache beside the models; it works on a copy, so that the project stays as it is.
        project = out / "project"
        shutil.rmtree(project, ignore_errors=True)
        shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("data", "config.yaml", ".cache", "logs"))
        os.chdir(out)
        context = Context(paths=[str(project)], config=gateway(arguments.engine, out))
        side = DuckDBSide(context) if arguments.engine == "duckdb" else SparkSide(context)
        for name, path in bronze.items():
            side.load(name, path)
        print(f"the models, by SQLMesh on {arguments.engine}")
        context.plan(auto_apply=True, no_prompts=True, skip_tests=True)
        failures = 0
        for name, path in sorted(ours.items()):
            theirs = out / "theirs" / f"{name}.parquet"
            theirs.parent.mkdir(exist_ok=True)
            side.save(name, theirs)
            left = digest(str(path))
            right = digest(str(theirs / "*.parquet" if theirs.is_dir() else theirs))
            if left == right:
                print(f"  {name}: equal, {left['sums'][0]} rows")
            else:
                failures += 1
                print(f"  {name}: DIFFERENT\n    pulsehouse {left}\n    {arguments.engine} {right}")
        print(f"{len(ours) - failures} of {len(ours)} tables equal")
        return 1 if failures else 0
    finally:
        if not arguments.out:
            os.chdir("/")
            shutil.rmtree(out, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
