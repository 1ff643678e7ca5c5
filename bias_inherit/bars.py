"""How far something long is: a bar on a terminal, and a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Never

    from tqdm import tqdm

EVERY = 10.0
"""Seconds between plain lines."""


def long(seconds: float) -> str:
    """Return a time in words, such as "2 h 5 min"."""
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


class Bar:
    """Shows on stderr how much of a number is done, and how long the rest will take.

    Args:
        what: is done, such as "training".
        total: the number.
        is_shown: whether anything is shown.
    """

    def __init__(self, what: str, total: int, is_shown: bool = True) -> None:
        self._what, self._total, self._done, self.note = what, total, 0, ""
        self._begin = self._last = time.monotonic()
        self._lines = is_shown and not sys.stderr.isatty()
        self._bar: tqdm[Never] | None = None
        if is_shown and not self._lines:
            from tqdm import tqdm

            self._bar = tqdm(total=total, desc=what, leave=False)

    def update(self, many: int = 1) -> None:
        """Count so many more."""
        self._done += many
        if self._bar is not None:
            self._bar.set_postfix_str(self.note, refresh=False)
            self._bar.update(many)
        now = time.monotonic()
        if self._lines and now - self._last >= EVERY and 0 < self._done < self._total:
            self._last = now
            left = (self._total - self._done) * (now - self._begin) / self._done
            note = f", {self.note}" if self.note else ""
            line = f"{self._what}: {self._done:,} of {self._total:,}{note}, about {long(left)} left"
            print(line, file=sys.stderr, flush=True)

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
