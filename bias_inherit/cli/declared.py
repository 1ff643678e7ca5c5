"""Options of a command that a dataclass declares (see `bias_inherit.options`)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from bias_inherit.options import Option

R = TypeVar("R")
GIVEN = "given"
"""The parameter of a command that receives the options which were given, by name."""


def with_options(
    declared: Mapping[str, Iterable[Option]], panel: str
) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Add declared options to a command, whose parameter `given` receives those that were given.

    Args:
        declared: options by their owner, such as a generator's name; "" needs no naming.
        panel: the heading in the help that they stand under.
    """
    owners: dict[str, list[tuple[str, Option]]] = {}
    for owner, options in declared.items():
        for each in options:
            owners.setdefault(each.name, []).append((owner, each))

    def add(command: Callable[..., R]) -> Callable[..., R]:
        @wraps(command)
        def wrapper(**values: Any) -> R:
            given = {name: values.pop(name) for name in owners}
            known = {name: value for name, value in given.items() if value is not None}
            return command(**values, **{GIVEN: known})

        hints = get_type_hints(command, include_extras=True)
        own = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[name])
            for name, parameter in inspect.signature(command).parameters.items()
            if name != GIVEN
        ]
        parameters = [*own, *(_parameter(of, panel) for of in owners.values())]

        # typer reads both; `inspect` looks for the first among a function's own attributes
        vars(wrapper)["__signature__"] = inspect.Signature(parameters)
        wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
        return wrapper

    return add


def _parameter(of: Sequence[tuple[str, Option]], panel: str) -> inspect.Parameter:
    first = of[0][1]
    flags = [first.flag] if first.type is bool else []  # without a --no- twin
    shown = typer.Option(*flags, help=_help(of), show_default=False, rich_help_panel=panel)
    return inspect.Parameter(
        first.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[first.type | None, shown],
    )


def _help(of: Sequence[tuple[str, Option]]) -> str:
    """Return the help of an option: who has it, what it does there, and its default."""
    by_text: dict[str, list[str]] = {}
    for owner, option in of:
        usual = option.default is not None and option.default is not False
        text = f"{option.help} (default: {option.default})" if usual else option.help
        by_text.setdefault(text, []).append(owner)
    return " ".join(
        f"{', '.join(owners)}: {text}" if owners != [""] else text
        for text, owners in by_text.items()
    )
