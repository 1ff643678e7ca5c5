"""Who is told how a sweep gets on, where that is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bias_inherit.runs.arm import ArmFolder
from bias_inherit.runs.worker import Outcome


class Lines:
    """Tells it line by line.

    Args:
        announce: told each line.
    """

    def __init__(self, announce: Callable[[str], None]) -> None:
        self.say = announce
        self._done = self._total = 0

    def begin(self, done: int, total: int) -> None:
        """Take how many arms there are, and are done."""
        self._done, self._total = done, total
        self.say(f"{done} of {total} models are done")

    def ended(self, arm: ArmFolder, outcome: Outcome) -> None:
        """Tell what became of an arm."""
        self._done += 1
        became = f"{outcome.seconds:.0f} s" if outcome.error is None else outcome.error
        self.say(f"{arm.name}: {became} ({self._done} of {self._total})")

    def tick(self, running: Sequence[str]) -> None:
        """Take what is being made, which is not told."""
