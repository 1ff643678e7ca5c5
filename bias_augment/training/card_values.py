"""Values of a manifest as the text of a model card, without a machine's paths."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bias_inherit.bias_augment.data.card import plain


def number(value: Any) -> str:  # whatever a log holds
    """Return a number with four digits."""
    return f"{value:.4g}" if isinstance(value, float) else plain(value)


def value_text(value: Any) -> str:  # whatever a manifest holds
    """Return a value of a manifest as text; of a file's absolute path its name alone."""
    if isinstance(value, Mapping):
        return ", ".join(f"{plain(key)} {value_text(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(value_text, value))
    if isinstance(value, float):
        return f"{value:.6g}"
    return plain(without_folders(value))


def without_folders(value: Any) -> Any:  # of the same form as the value
    """Return a manifest's value with the last part alone of each absolute path in it."""
    if isinstance(value, Mapping):
        return {key: without_folders(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_folders(item) for item in value]
    is_path = isinstance(value, str) and re.match(r"~?[/\\]|[A-Za-z]:[/\\]", value)
    return last_part(value) if is_path else value


def last_part(path: str) -> str:
    """Return a path's last part, whichever system it is of."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]


def course(log: Sequence[Mapping[str, float]], key: str) -> Iterator[str]:
    """Yield the first and the last value of what was logged, where it was."""
    logged = [entry for entry in log if key in entry]
    if logged:
        first, last = (
            number(entry[key]) + (f" (step {number(entry['step'])})" if "step" in entry else "")
            for entry in (logged[0], logged[-1])
        )
        yield f"first logged {first}, last {last}"
