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

from bias_inherit.cli.app import say
from bias_inherit.runs.arm import ArmFolder
from bias_inherit.runs.executors import local
from bias_inherit.runs.grid import Grid
from bias_inherit.runs.sweep import Begin, Result, sweep
from bias_inherit.runs.watchers import Telling
from bias_inherit.runs.worker import Outcome


class Watching(Telling):
    """Shows how a sweep gets on.

    Args:
        console: where to.
    """

    def __init__(self, console: Console) -> None:
        begin = time.monotonic()
        super().__init__(lambda line: console.print(f"[{time.monotonic() - begin:4.0f} s] {line}"))
        columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
        left = TextColumn("{task.fields[left]}")
        self._progress = Progress(*columns, TimeElapsedColumn(), left, console=console)
        self._bar = self._progress.add_task("arms", total=None, left="")
        self._now = Text("")
        self.view = Group(self._progress, self._now)

    def begin(self, done: int, total: int) -> None:
        """Show how many arms there are."""
        super().begin(done, total)
        self._progress.update(self._bar, completed=done, total=total)

    def ended(self, arm: ArmFolder, outcome: Outcome) -> None:
        """Show what became of an arm."""
        super().ended(arm, outcome)
        self._progress.update(self._bar, completed=self._done, left=self.left())

    def tick(self, running: Sequence[str]) -> None:
        """Show what is being made."""
        self._now.plain = f"now: {', '.join(running)}" if running else ""


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
