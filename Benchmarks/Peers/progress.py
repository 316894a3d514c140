"""What of a long benchmark is done already: which answers were compared, and which times belong to this very program.

A change of Pulsehouse's program, of a peer's version or of the data makes what was compared and timed count no more.
"""

from __future__ import annotations

import hashlib
import json
import time
from importlib import metadata
from pathlib import Path

from processes import PROGRAM

PACKAGES = {"duckdb": "duckdb", "clickhouse": "chdb-core", "polars": "polars", "datafusion": "datafusion"}


def version(engine: str) -> str:
    if engine in PACKAGES:
        return metadata.version(PACKAGES[engine])
    with open(PROGRAM, "rb") as program:
        return hashlib.file_digest(program, "sha256").hexdigest()[:16]


class Progress:
    def __init__(self, folder: Path, data: Path, engines: list[str], seconds: float | None) -> None:
        self.path = folder / "progress.json"
        self.deadline = time.monotonic() + seconds if seconds else None
        self.is_cut = False
        self.versions = {engine: version(engine) for engine in engines}
        made = max(path.stat().st_mtime_ns for path in data.glob(".*.done"))
        self.data = f"{data.resolve()} of {made}"
        kept = json.loads(self.path.read_text(encoding="utf-8")) if self.path.exists() else []
        self.done = {tuple(entry) for entry in kept}

    def is_late(self) -> bool:
        """Asked before a piece of work that is still to do: whether the time that the user gave has passed."""
        is_late = self.deadline is not None and time.monotonic() > self.deadline
        self.is_cut = self.is_cut or is_late
        return is_late

    def is_done(self, engines: list[str], *work: str) -> bool:
        return all((self.data, *work, engine, self.versions[engine]) in self.done for engine in engines)

    def add(self, engines: list[str], *work: str) -> None:
        self.done |= {(self.data, *work, engine, self.versions[engine]) for engine in engines}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(sorted(self.done), indent=0), encoding="utf-8")
