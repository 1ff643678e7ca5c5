"""Bias types: which exist, and the prompts that ask a generator for them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from bias_inherit.errors import InputError, unknown

HERE = Path(__file__).resolve().parent
NEUTRAL = "neutral"

_ENVIRONMENT = SandboxedEnvironment(
    loader=FileSystemLoader(HERE / "prompts"),
    undefined=StrictUndefined,
    trim_blocks=True,
    autoescape=False,
)


@lru_cache
def _registry() -> Mapping[str, Any]:
    registry: Mapping[str, Any] = yaml.safe_load((HERE / "bias_types.yaml").read_text("utf-8"))
    return registry


def bias_types() -> Mapping[str, str]:
    """Return each bias type with its one-line description."""
    types: Mapping[str, str] = _registry()["types"]
    return types


def bias_sets() -> Mapping[str, list[str]]:
    """Return the named sets of bias types."""
    sets: Mapping[str, list[str]] = _registry()["sets"]
    return sets


def expand(name: str) -> list[str]:
    """Return the bias types that a name stands for: a set's, or the type itself.

    Raises:
        InputError: there is neither such a type nor such a set; near names are suggested.
    """
    if name in bias_sets():
        return list(bias_sets()[name])
    if name not in bias_types():
        raise unknown("bias type", name, [*bias_types(), *bias_sets()])
    return [name]


def check_bias_type(axis: str, bias_type: str) -> None:
    """Check that the bias type exists and has a prompt on the axis.

    Raises:
        InputError: it has not; near names are suggested.
    """
    if bias_type not in bias_types():
        raise unknown("bias type", bias_type, bias_types())
    if not (HERE / "prompts" / axis / f"{bias_type}.jinja2").is_file():
        raise InputError(f"bias type '{bias_type}' has no prompt on the axis '{axis}'")


def render_prompt(axis: str, bias_type: str, variables: Mapping[str, Any]) -> str:
    """Return the prompt that asks a generator for one text of the bias type."""
    return _ENVIRONMENT.get_template(f"{axis}/{bias_type}.jinja2").render(**variables).strip()
