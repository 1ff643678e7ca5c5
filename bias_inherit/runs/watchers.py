"""Who is told how a sweep gets on: what an arm took, its gap, and how long the others will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from bias_inherit.bars import long
from bias_inherit.runs.arm import ArmFolder
from bias_inherit.runs.gaps import latest_gap
from bias_inherit.runs.worker import Outcome


class Telling:
    """Tells it line by line.

    Args:
        say: told each line.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self._first = time.monotonic()
        self._done = self._made = self._total = 0

    def begin(self, done: int, total: int) -> None:
        """Tell how many arms there are."""
        self._done, self._total, self._first = done, total, time.monotonic()
        already = f", {done} of them done already" if done else ""
        self.say(f"{total} models to score, the base among them{already}")

    def ended(self, arm: ArmFolder, outcome: Outcome) -> None:
        """Tell what became of an arm."""
        self._done, self._made = self._done + 1, self._made + 1
        if outcome.error is not None:
            self.say(f"failed: {arm.name}: {outcome.error} (see {arm.log})")
            return
        gap = latest_gap(arm.eval)
        measured = f", {gap}" if gap else ""
        so_far = f" ({self._done} of {self._total}, {left})" if (left := self.left()) else ""
        self.say(f"{arm.name}: {outcome.seconds:.0f} s{measured}{so_far}")

    def tick(self, running: Sequence[str]) -> None:
        """Take what is being made now, which is no line."""

    def left(self) -> str:
        """Return how many arms an hour makes, and how long those that are left will take."""
        passed = time.monotonic() - self._first
        if self._total == self._done or not self._made or not passed:
            return ""
        left = (self._total - self._done) * passed / self._made
        return f"{3600 * self._made / passed:.0f} an hour, about {long(left)} left"
