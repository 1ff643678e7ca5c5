"""Options of a command that a dataclass declares (see `bias_inherit.options`)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from bias_inherit.options import Option

R = TypeVar("R")
GIVEN = "given"
"""The parameter of a command that receives the options which were given, by name."""


def with_options(options: Iterable[Option]) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Add declared options to a command, whose parameter `given` receives those that were given.

    They stand where `given` stands. Of several of one name the first counts; its help says which
    defaults the others have.
    """
    declared: dict[str, list[Option]] = {}
    for each in options:
        declared.setdefault(each.name, []).append(each)

    def add(command: Callable[..., R]) -> Callable[..., R]:
        @wraps(command)
        def wrapper(**values: Any) -> R:
            given = {name: values.pop(name) for name in declared}
            known = {name: value for name, value in given.items() if value is not None}
            return command(**values, **{GIVEN: known})

        hints = get_type_hints(command, include_extras=True)
        parameters: list[inspect.Parameter] = []
        for name, parameter in inspect.signature(command).parameters.items():
            if name == GIVEN:
                parameters += [_parameter(alike) for alike in declared.values()]
            else:
                parameters.append(parameter.replace(annotation=hints[name]))

        # typer reads both
        signature = inspect.Signature(
            [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
        )
        wrapper.__signature__ = signature  # type: ignore[attr-defined]
        wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
        return wrapper

    return add


def _parameter(alike: list[Option]) -> inspect.Parameter:
    first = alike[0]
    flags = [first.flag] if first.type is bool else []  # without a --no- twin
    shown = typer.Option(*flags, help=_help(alike), show_default=False)
    return inspect.Parameter(
        first.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[first.type | None, shown],
    )


def _help(alike: list[Option]) -> str:
    """Return the help of an option with its default."""
    texts = list(dict.fromkeys(each.help for each in alike))
    default = alike[0].default
    shown = default is not None and default is not False
    return f"{' Or: '.join(texts)} (default: {default})" if shown else " Or: ".join(texts)
