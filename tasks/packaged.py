"""The files that ship with the tasks, and the mini data among them, each read as a type.

The mini data is what the suite runs on at once and offline, written for it. The *test* part is
written out, sentence by sentence (`mini/*.jsonl`). The *training* part is composed from phrase
lists (`mini/*.yaml`) that share no sentence with the test part; the lab's base model and the
mini D_o come from it. A toy world: its numbers say nothing about people or about real models.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from bias_inherit.store import read_yaml

T = TypeVar("T")

HERE = Path(__file__).resolve().parent

MINI = HERE / "mini"


def packaged_yaml(name: str | Path, kind: type[T]) -> T:
    """Return a YAML that stands in this folder or below it, as a type."""
    return TypeAdapter(kind).validate_python(read_yaml(HERE / name))


def packaged_rows(name: str, kind: type[T]) -> list[T]:
    """Return the rows of a JSON-lines file of the mini data, each as a type."""
    row = TypeAdapter(kind)
    lines = (MINI / name).read_text(encoding="utf-8").splitlines()
    return [row.validate_json(line) for line in lines]
