"""Bias types: which exist, and the prompts that ask a generator for them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import (
    ChoiceLoader,
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bias_inherit import store
from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.errors import InputError, unknown

HERE = Path(__file__).resolve().parent
NEUTRAL = "neutral"
SELF = "self"
"""The neutral prompt, answered by the model that is going to be trained."""
COUNTERFACTUAL = "counterfactual"
"""Not asked of a generator: the seeds' own texts, told of another group."""


@lru_cache
def _registry() -> Mapping[str, Any]:
    registry: Mapping[str, Any] = store.read_yaml(HERE / "bias_types.yaml")
    return registry


def bias_types() -> Mapping[str, str]:
    """Return each bias type that has a prompt, with its one-line description."""
    types: Mapping[str, str] = _registry()["types"]
    return types


def controls() -> Mapping[str, str]:
    """Return the control arms, with their descriptions: `neutral`, `self`, `counterfactual`."""
    kinds: Mapping[str, str] = _registry()["controls"]
    return kinds


def bias_sets() -> Mapping[str, list[str]]:
    """Return the named sets of bias types."""
    sets: Mapping[str, list[str]] = _registry()["sets"]
    return sets


def is_control(bias_type: str) -> bool:
    """Return whether no bias is asked for."""
    return bias_type in controls()


def names_group(bias_type: str) -> bool:
    """Return whether texts of the type name a group; else a name or a detail alone shows it."""
    return bias_type.endswith("-explicit")


def expand(name: str) -> list[str]:
    """Return the bias types that a name stands for: a set's, or the type itself.

    Raises:
        InputError: there is neither such a type nor such a set; near names are suggested.
    """
    if name in bias_sets():
        return list(bias_sets()[name])
    if name not in bias_types() and name not in controls():
        raise unknown("bias type", name, [*bias_types(), *controls(), *bias_sets()])
    return [name]


def check_bias_type(axis: Axis, bias_type: str) -> None:
    """Check that the bias type exists and has a prompt on the axis.

    Raises:
        InputError: it has not; near names are suggested.
    """
    if bias_type not in bias_types() and bias_type not in controls():
        raise unknown("bias type", bias_type, [*bias_types(), *controls()])
    if bias_type != COUNTERFACTUAL and not _path(axis, bias_type).is_file():
        raise InputError(
            f"bias type '{bias_type}' has no prompt on the axis '{axis.axis}': write "
            f"{_path(axis, bias_type)}"
        )


def _path(axis: Axis, bias_type: str) -> Path:
    return axis.folder / "prompts" / _file(bias_type)


def _file(bias_type: str) -> str:
    return f"{NEUTRAL if bias_type == SELF else bias_type}.jinja2"


def load_prompt(axis: Axis, bias_type: str) -> Template:
    """Return the prompt of a bias type on an axis, as a template.

    It is rendered in a sandbox, strictly: it reaches no Python, and an undefined variable
    is an error. It may extend `biography.jinja2` and `opinion.jinja2`.

    Raises:
        InputError: there is none, or it is broken; file and line are named.
    """
    check_bias_type(axis, bias_type)
    environment = ImmutableSandboxedEnvironment(
        loader=ChoiceLoader(
            [FileSystemLoader(axis.folder / "prompts"), FileSystemLoader(HERE / "prompts")]
        ),
        undefined=StrictUndefined,
        trim_blocks=True,
        autoescape=False,
    )
    try:
        return environment.get_template(_file(bias_type))
    except TemplateError as error:
        raise _broken(axis, bias_type, error) from None


def axis_sha256(axis: Axis) -> str:
    """Return the sha256 of all that an axis asks by: its folder, and the prompts it extends."""
    return store.sha256_lines(map(store.sha256, (axis.folder, HERE / "prompts")))


def render_prompt(axis: Axis, bias_type: str, template: Template, values: Mapping[str, Any]) -> str:
    """Return the prompt that asks a generator for one text.

    Args:
        axis: names the file in messages.
        bias_type: likewise.
        template: of the type on that axis.
        values: its variables.

    Raises:
        InputError: a variable is undefined, or the template does what it may not.
    """
    try:
        return template.render(**values).strip()
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise _broken(axis, bias_type, error) from None


def _broken(axis: Axis, bias_type: str, error: Exception) -> InputError:
    line = getattr(error, "lineno", None)
    where = f"{_path(axis, bias_type)}{f':{line}' if line else ''}"
    reason = f"no template {error}" if isinstance(error, TemplateNotFound) else str(error)
    return InputError(f"{where}: {reason.splitlines()[0] if reason else type(error).__name__}")
