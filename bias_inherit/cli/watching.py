"""A sweep that is watched: a live view on a terminal, a line for each arm elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from bias_inherit.bars import long
from bias_inherit.cli.app import say
from bias_inherit.runs.arm import ArmFolder
from bias_inherit.runs.executors import local
from bias_inherit.runs.gaps import latest_gap
from bias_inherit.runs.grid import Grid
from bias_inherit.runs.sweep import Begin, Result, sweep
from bias_inherit.runs.worker import Outcome


class Watching:
    """Shows how a sweep gets on.

    Args:
        console: where to.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._begin = time.monotonic()
        self._first = self._begin
        self._done = self._made = self._total = 0
        columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
        left = TextColumn("{task.fields[left]}")
        self._progress = Progress(*columns, TimeElapsedColumn(), left, console=console)
        self._bar = self._progress.add_task("arms", total=None, left="")
        self._now = Text("")
        self.view = Group(self._progress, self._now)

    def say(self, line: str) -> None:
        """Print a line with the time so far."""
        self._console.print(f"[{time.monotonic() - self._begin:4.0f} s] {line}")

    def begin(self, done: int, total: int) -> None:
        """Say how many arms there are."""
        self._done, self._total, self._first = done, total, time.monotonic()
        already = f", {done} of them done already" if done else ""
        self.say(f"{total} models to score, the base among them{already}")
        self._progress.update(self._bar, completed=done, total=total)

    def ended(self, arm: ArmFolder, outcome: Outcome) -> None:
        """Print what became of an arm, its gap, and how long the others will take."""
        self._done, self._made = self._done + 1, self._made + 1
        self._progress.update(self._bar, completed=self._done, left=self._left())
        if outcome.error is not None:
            self.say(f"failed: {arm.name}: {outcome.error} (see {arm.log})")
            return
        gap = latest_gap(arm.eval)
        measured = f", {gap}" if gap else ""
        so_far = f" ({self._done} of {self._total}, {left})" if (left := self._left()) else ""
        self.say(f"{arm.name}: {outcome.seconds:.0f} s{measured}{so_far}")

    def tick(self, running: Sequence[str]) -> None:
        """Show what is being made."""
        self._now.plain = f"now: {', '.join(running)}" if running else ""

    def _left(self) -> str:
        """Return how many arms an hour make, and how long those that are left will take."""
        passed = time.monotonic() - self._first
        if self._total == self._done or not passed:
            return ""
        left = (self._total - self._done) * passed / self._made
        return f"{3600 * self._made / passed:.0f} an hour, about {long(left)} left"


@contextmanager
def watching() -> Iterator[Watching]:
    """Yield a watcher on stderr: live on a terminal."""
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    watcher = Watching(console)
    if not console.is_terminal:
        yield watcher
        return
    with Live(watcher.view, console=console, transient=True, refresh_per_second=4):
        yield watcher


def run_sweep(
    grid: Grid,
    out: Path,
    workers: int | None,
    is_update: bool = False,
    begin: Begin | None = None,
) -> int:
    """Run a sweep, print its table, and return the exit code: 1 where an arm failed.

    Args:
        grid: what to run.
        out: the run folder.
        workers: processes side by side on this machine; None chooses.
        is_update: whether what depends on a changed setting is made anew.
        begin: where the arms are made instead.
    """
    here = begin or (lambda base, jobs: local(base, jobs, workers))
    with watching() as watcher:
        result = sweep(grid, out, here, watcher, is_update)
    show(grid, out, result)
    return 1 if result.failed else 0


def show(grid: Grid, out: Path, result: Result) -> None:
    """Print the table and the notice of a sweep, and which arms failed."""
    print(f"\n{(result.report / 'leaderboard.md').read_text(encoding='utf-8')}", end="")
    if grid.notice:
        print(f"\n{grid.notice}", end="")
    say(f"{result.done} of {result.total} models are done; everything is in {out}")
    for name, why in result.failed.items():
        say(f"failed: {name}: {why}")
