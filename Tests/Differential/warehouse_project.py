"""Reads the warehouse project's SQL files without pulsehouse: headers are cut off, bodies are plain SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Model:
    """A SELECT under a MODEL header."""

    name: str
    kind: str
    body: str
    path: Path

    def statement(self) -> str:
        """The SQL that builds the whole model at once: all of time, and of every key its first version."""
        values = {
            "start_date": "CAST('2000-01-01' AS DATE)",
            "end_date": "CAST('2099-12-31' AS DATE)",
            "start_epoch": "946684800",
            "end_epoch": "4102444799.999",
        }
        text = re.sub(r"@(\w+)", lambda found: values[found.group(1)], self.body)
        if self.kind.startswith("SCD_TYPE_2"):
            text = (
                "SELECT versions.*, TIMESTAMP '1970-01-01 00:00:00' AS valid_from, CAST(NULL AS TIMESTAMP) AS valid_to"
                f" FROM ({text}) AS versions"
            )
        return text

    def upstream(self, names: set[str]) -> set[str]:
        code = re.sub(r"--[^\n]*", "", self.body)
        return {name for name in names if name != self.name and re.search(rf"\b{re.escape(name)}\b", code)}


def split_header(text: str) -> tuple[str, str]:
    """Returns the words inside the header's parentheses, and what follows its semicolon."""
    start = text.index("(")
    depth = 0
    quote = False
    for position in range(start, len(text)):
        character = text[position]
        if character == "'":
            quote = not quote
        elif not quote and character == "(":
            depth += 1
        elif not quote and character == ")":
            depth -= 1
            if depth == 0:
                return text[start + 1 : position], text[position + 1 :].lstrip().removeprefix(";").strip()
    raise ValueError("the header's parentheses do not close")


def load_models(project: Path) -> list[Model]:
    """Returns all models, each after those it reads."""
    models = []
    for path in sorted((project / "models").rglob("*.sql")):
        text = path.read_text(encoding="utf-8")
        header, body = split_header(text[text.index("MODEL") :])
        name = re.search(r"\bname\s+([\w.]+)", header).group(1)
        kind = re.search(r"\bkind\s+(\w+)", header).group(1)
        models.append(Model(name, kind, body.rstrip().removesuffix(";"), path))
    names = {model.name for model in models}
    ordered: list[Model] = []
    while len(ordered) < len(models):
        done = {model.name for model in ordered}
        ready = [model for model in models if model.name not in done and model.upstream(names) <= done]
        if not ready:
            raise ValueError("the models refer to each other in a circle")
        ordered += ready
    return ordered


def load_queries(project: Path) -> dict[str, str]:
    return {
        path.stem: path.read_text(encoding="utf-8").strip().removesuffix(";")
        for path in sorted((project / "queries").glob("*.sql"))
    }
