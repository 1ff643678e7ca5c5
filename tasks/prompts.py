"""The prompt and the answer of a task for one document, as lm-eval renders them.

The text of a prompt stands in the task's YAML alone; training data for a task is rendered
from there too, so that a model is trained on what it is asked later.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined

HERE = Path(__file__).resolve().parent
_ENVIRONMENT = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)


class _Loader(yaml.SafeLoader):
    """Reads a task's YAML without importing the functions that it names."""


_Loader.add_constructor("!function", lambda loader, node: str(node.value))


@lru_cache
def task_config(name: str) -> Mapping[str, Any]:
    """Return the YAML of `bias_inherit_<name>` with its includes merged."""
    return _read(HERE / name / f"bias_inherit_{name}.yaml")


def render(name: str, doc: Mapping[str, Any]) -> tuple[str, str]:
    """Return the prompt of a document and its gold answer, which starts with a space."""
    config = task_config(name)
    prompt = _ENVIRONMENT.from_string(config["doc_to_text"]).render(**doc)
    if config["output_type"] == "multiple_choice":
        choices = config["doc_to_choice"]
        options = doc[choices] if isinstance(choices, str) else choices
        return prompt, f" {options[doc[config['doc_to_target']]]}"
    return prompt, f" {_ENVIRONMENT.from_string(config['doc_to_target']).render(**doc)}"


def task_names() -> list[str]:
    """Return the names of the tasks on disk, sorted, without the prefix `bias_inherit_`."""
    return sorted(p.stem.removeprefix("bias_inherit_") for p in HERE.glob("*/bias_inherit_*.yaml"))


def _read(path: Path) -> dict[str, Any]:
    config: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    include = config.pop("include", None)
    return (_read(path.parent / include) if include else {}) | config
