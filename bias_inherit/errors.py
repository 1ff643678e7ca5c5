"""Errors that a user can mend: one line that says what, where and what to do now.

A command prints the message and ends with the error's `exit_code`. Anything else that
reaches the user as a traceback is our bug.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class BiasInheritError(Exception):
    """Root of every error that bias-inherit raises on purpose."""

    exit_code = 2


class InputError(BiasInheritError, ValueError):
    """Wrong use or bad input: an unknown name, a broken file, an impossible request."""


class FullDiskError(InputError):
    """There is no room to write."""


class RowError(InputError):
    """A row that cannot be used; `kind` is what a count of such rows calls it ("an empty bio")."""

    def __init__(self, kind: str, message: str) -> None:
        """Keep the kind beside the message."""
        super().__init__(message)
        self.kind = kind


def shown(value: object, most: int = 40) -> str:
    """Return a value that somebody else wrote so that it fits into a line."""
    text = " ".join(str(value).encode("utf-8", "replace").decode().split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def unknown(kind: str, name: str, known: Iterable[str]) -> InputError:
    """Return the error for a `name` that is not among the `known` ones, with near names."""
    names = sorted(known)
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names)}"
    return InputError(f"unknown {kind} '{name}': {hint}")


def one_line(error: Exception) -> str:
    """Return what an exception of another library says, on one line; its type where it helps."""
    text = " ".join(str(error).split())[:300]
    if isinstance(error, (OSError, ValueError)) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
