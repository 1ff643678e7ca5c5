"""How far something long is: a bar on a terminal, and a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tqdm import tqdm
    from typing_extensions import Never

EVERY = 10.0
"""Seconds between plain lines."""


def long(seconds: float) -> str:
    """Return a time in words, such as "2 h 5 min"."""
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class Lines:
    """Says now and then how much of a number is done, and how long the rest will take.

    Args:
        what: is done, such as "training".
        total: the number.
        say: told each line.
    """

    def __init__(self, what: str, total: int, say: Callable[[str], None] = _say) -> None:
        self._what, self._total, self._say = what, total, say
        self._begin = self._last = time.monotonic()

    def at(self, done: int, note: str = "") -> None:
        """Take how many are done, which may be more than was thought."""
        now, left = time.monotonic(), self._total - done
        if now - self._last < EVERY or done <= 0 or left <= 0:
            return
        self._last = now
        noted = f", {note}" if note else ""
        rest = long(left * (now - self._begin) / done)
        self._say(f"{self._what}: {done:,} of {self._total:,}{noted}, about {rest} left")


class Bar:
    """Shows it on stderr.

    Args:
        what: is done.
        total: the number.
        is_shown: whether anything is.

    Attributes:
        note: shown beside, such as a loss.
    """

    def __init__(self, what: str, total: int, is_shown: bool = True) -> None:
        self.note, self._done = "", 0
        self._lines: Lines | None = None
        self._bar: tqdm[Never] | None = None
        if is_shown and not sys.stderr.isatty():
            self._lines = Lines(what, total)
        elif is_shown:
            from tqdm import tqdm

            self._bar = tqdm(total=total, desc=what, leave=False)

    def update(self, many: int = 1) -> None:
        """Count so many more."""
        self.at(self._done + many)

    def at(self, done: int) -> None:
        """Take how many are done."""
        if self._lines is not None:
            self._lines.at(done, self.note)
        if self._bar is not None:
            self._bar.set_postfix_str(self.note, refresh=False)
            self._bar.update(done - self._done)
        self._done = done

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
