"""Runs the pulsehouse program that the environment variable PULSEHOUSE names, else the release build."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PROJECT = REPOSITORY / "warehouse"
PROGRAM = os.environ.get("PULSEHOUSE") or str(REPOSITORY / ".build/release/pulsehouse")


def limit(seconds: float) -> float:
    """Returns how long something may take here: `seconds` on a machine with a processor for each who wants one."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def pulsehouse(data: Path, *arguments: str) -> str:
    """Runs a command on a data folder and returns its standard output; fails with what it said."""
    command = [PROGRAM, "--project", str(PROJECT), "--data", str(data), *arguments]
    result = subprocess.run(command, capture_output=True, check=False)
    if result.returncode != 0:
        raise SystemExit(
            f"{' '.join(command)}\nended with {result.returncode}:\n"
            + result.stderr.decode(errors="replace")
            + result.stdout.decode(errors="replace")
        )
    return result.stdout.decode("utf-8")
