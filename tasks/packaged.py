"""The files that ship with the tasks, and the mini data among them.

The mini data is what the suite runs on at once and offline, written for it. The *test* part is
written out, sentence by sentence (`mini/*.jsonl`). The *training* part is composed from phrase
lists (`mini/*.yaml`) that share no sentence with the test part; the lab's base model and the
mini D_o come from it. A toy world: its numbers say nothing about people or about real models.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent

MINI = HERE / "mini"

Row = dict[str, Any]  # a document; its columns stand where it is made


@lru_cache
def packaged_yaml(name: str) -> Any:
    """Return a YAML that stands in this folder or below it."""
    return yaml.safe_load((HERE / name).read_text(encoding="utf-8"))


@lru_cache
def packaged_jsonl(name: str) -> list[Row]:
    """Return the rows of a file of the mini data."""
    lines = (MINI / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
