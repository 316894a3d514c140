"""Keeps results in a CSV file, and shows them: losing rows first, with the ratio to the best peer of each row."""

from __future__ import annotations

import csv
import math
import os
import platform
import statistics
from importlib import metadata
from pathlib import Path

import queries
from engines import TITLES

FIELDS = ["kind", "name", "order", "threads", "engine", "minimum", "median", "runs"]
KINDS = {
    "scan": "Queries, milliseconds",
    "pipeline": "Pipeline, milliseconds",
    "memory": "Peak memory of a query, MB",
    "own memory": "Peak memory of a query without pages of mapped files, MB",
    "storage": "Bytes a row",
}


class Results:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: dict[tuple, dict] = {}
        path = folder / "results.csv"
        if path.exists():
            with open(path, encoding="utf-8", newline="") as file:
                for row in csv.DictReader(file):
                    row["threads"] = int(row["threads"])
                    row["minimum"], row["median"] = float(row["minimum"]), float(row["median"])
                    self.rows[self.key(row)] = row

    @staticmethod
    def key(row: dict) -> tuple:
        return row["kind"], row["name"], row["order"], row["threads"], row["engine"]

    def add(self, kind: str, name: str, order: str, threads: int, engine: str, values: list[float]) -> None:
        if not values:
            return
        row = dict(
            zip(FIELDS, [kind, name, order, threads, engine, min(values), statistics.median(values), len(values)]))
        self.rows[self.key(row)] = row

    def save(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / "results.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, FIELDS)
            writer.writeheader()
            writer.writerows(self.rows.values())

    def show(self) -> None:
        text = "\n".join(self.lines()) + "\n"
        print(text, end="")
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "results.md").write_text(text, encoding="utf-8")
        if any(row["kind"] == "scan" for row in self.rows.values()):
            self.plot(self.folder / "results.png")
        print(f"\n{self.folder}/results.csv, results.md, results.png")

    def compared(self, kind: str, threads: int) -> list[tuple[float, str, dict[str, dict]]]:
        """Returns (how many times ahead of the best peer, title, row of each engine), the worst first."""
        groups: dict[tuple, dict[str, dict]] = {}
        for row in self.rows.values():
            if row["kind"] == kind and row["threads"] == threads:
                groups.setdefault((row["name"], row["order"]), {})[row["engine"]] = row
        result = []
        for (name, order), rows in groups.items():
            peers = [row["minimum"] for engine, row in rows.items() if not engine.startswith("pulsehouse")]
            ours = rows.get("pulsehouse")
            ratio = min(peers) / ours["minimum"] if peers and ours and ours["minimum"] > 0 else math.nan
            title = queries.title(name) if kind in ("scan", "memory", "own memory") else name
            result.append((ratio, f"{title} ({order})" if order else title, rows))
        return sorted(result, key=lambda entry: (math.isnan(entry[0]), entry[0]))

    def lines(self) -> list[str]:
        lines = [machine(), ""]
        for kind, words in KINDS.items():
            for threads in sorted({row["threads"] for row in self.rows.values() if row["kind"] == kind}):
                entries = self.compared(kind, threads)
                engines = [engine for engine in TITLES if any(engine in rows for _, _, rows in entries)]
                engines += sorted({e for _, _, rows in entries for e in rows} - set(engines))
                factor = 1000 if kind in ("scan", "pipeline") else 1
                on = f", {threads} thread{'s' if threads > 1 else ''}" if threads else ""
                lines += [f"### {words}{on}", ""]
                cells = [["", "times ahead", *[TITLES.get(engine, engine) for engine in engines]]]
                for ratio, title, rows in entries:
                    cells.append([
                        title, f"{ratio:.2f}" if not math.isnan(ratio) else "",
                        *[number(rows[engine]["minimum"] * factor) if engine in rows else "" for engine in engines],
                    ])
                ratios = [ratio for ratio, _, _ in entries if ratio > 0]
                if len(ratios) > 1:
                    mean = math.exp(sum(math.log(ratio) for ratio in ratios) / len(ratios))
                    cells.append(["geometric mean", f"{mean:.2f}", *[""] * len(engines)])
                lines += markdown(cells) + [""]
        return lines

    def plot(self, path: Path) -> None:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        counts = sorted({row["threads"] for row in self.rows.values() if row["kind"] == "scan"})
        height = max(len(self.compared("scan", threads)) for threads in counts)
        figure, axes = pyplot.subplots(
            1, len(counts), figsize=(9 * len(counts), 1.5 + 0.3 * height), squeeze=False, layout="constrained")
        for axis, threads in zip(axes[0], counts):
            entries = self.compared("scan", threads)
            places = range(len(entries))
            for engine, name in TITLES.items():
                points = [
                    (rows[engine]["minimum"] * 1000, place) for place, (_, _, rows) in zip(places, entries)
                    if engine in rows
                ]
                if points:
                    marker = "D" if engine == "pulsehouse" else "o"
                    axis.plot(*zip(*points), marker, label=name, markersize=7 if marker == "D" else 5)
            axis.set_xscale("log")
            axis.set_xlabel("milliseconds, fastest run")
            axis.set_yticks(list(places), [title for _, title, _ in entries])
            axis.invert_yaxis()
            axis.grid(axis="x", which="both", alpha=0.3)
            axis.set_title(f"{threads} thread{'s' if threads > 1 else ''}")
            axis.legend()
        figure.savefig(path, dpi=110)
        pyplot.close(figure)


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def markdown(cells: list[list[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = []
    for index, row in enumerate(cells):
        lines.append(
            "| " + " | ".join(
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths))
            ) + " |"
        )
        if index == 0:
            lines.append("|" + "|".join("-" * (w + 2) if c == 0 else "-" * (w + 1) + ":" for c, w in enumerate(widths)) + "|")
    return lines


def machine() -> str:
    model = next(
        (line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8") if "model name" in line),
        platform.machine())
    versions = ", ".join(
        f"{TITLES[engine]} {metadata.version(package)}"
        for engine, package in (
            ("duckdb", "duckdb"), ("clickhouse", "chdb-core"), ("polars", "polars"), ("datafusion", "datafusion")))
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{model}, {os.cpu_count()} processors, load {load}; {versions}"
