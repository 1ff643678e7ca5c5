"""Options declared once: a dataclass field with a help text is an option.

The command line, the listings and the Python API all read them from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache, reduce
from operator import or_
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from bias_inherit.errors import InputError, unknown

T = TypeVar("T")


@dataclass(frozen=True)
class Option:
    """An option as it is shown to users.

    Attributes:
        name: of the field; on the command line with "-" for "_".
        type: what a value is, without None; of a choice among texts it is `str`.
        default: None where there is none, and for a required option.
        required: whether it must be given.
        help: what it does, on a line.
        choices: the values there are, where they are few; else empty.
    """

    name: str
    type: type
    default: Any  # of any type that an option may have
    required: bool
    help: str
    choices: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        """The option on the command line, such as `--max-length`."""
        return "--" + self.name.replace("_", "-")


def option(help: str, default: Any = MISSING) -> Any:  # as `dataclasses.field` is typed
    """Return a dataclass field that users may set; without a default it must be given."""
    return field(default=default, metadata={"help": help})


def options_of(declared: type) -> tuple[Option, ...]:
    """Return the options of a dataclass: its fields with a help text, in their order."""
    return _options_of(declared)


@cache
def _options_of(declared: Any) -> tuple[Option, ...]:  # a class, which mypy does not take as a key
    hints = get_type_hints(declared)
    found = []
    for each in fields(declared):
        if "help" not in each.metadata:
            continue
        required = each.default is MISSING
        kind, choices = _plain(hints[each.name])
        default = None if required else each.default
        found.append(
            Option(each.name, kind, default, required, each.metadata["help"], choices),
        )
    return tuple(found)


def _plain(hint: Any) -> tuple[type, tuple[str, ...]]:
    """Return the type behind a hint without None, and the choices of a Literal."""
    if get_origin(hint) in (Union, UnionType):
        hint = reduce(or_, (part for part in get_args(hint) if part is not NoneType))
    if get_origin(hint) is Literal:
        return str, get_args(hint)
    return hint, ()


def check_choices(instance: object) -> None:
    """Check the options of a dataclass instance that are a choice among texts.

    Raises:
        InputError: a value is none of them; near ones are suggested.
    """
    for each in options_of(type(instance)):
        value = getattr(instance, each.name)
        if each.choices and value not in each.choices:
            raise unknown(each.name.replace("_", "-"), str(value), each.choices)


def make(declared: type[T], who: str, given: Mapping[str, Any]) -> T:
    """Return an instance of a dataclass with the options given; None is not given.

    Args:
        declared: the dataclass.
        who: names it in messages, such as "the generator 'local'".
        given: option name -> value.

    Raises:
        InputError: an option is unknown or a required one missing, or the class refuses a value.
    """
    known = {each.name: each for each in options_of(declared)}
    values = {name: value for name, value in given.items() if value is not None}
    for name in values:
        if name not in known:
            raise InputError(_not_an_option(who, name, known.values()))

    missing = [each for each in known.values() if each.required and each.name not in values]
    if missing:
        raise InputError(f"{who} needs {missing[0].flag}")
    return declared(**values)


def _not_an_option(who: str, name: str, known: Iterable[Option]) -> str:
    flags = ", ".join(each.flag for each in known)
    return f"{who} has no option --{name.replace('_', '-')} (it has {flags or 'none'})"
