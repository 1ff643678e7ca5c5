"""Progress on stderr: a bar with the time left on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bias_inherit.cli.app import say

EVERY = 20.0
"""Seconds between two lines where there is no terminal."""


@contextmanager
def progress_bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that takes how many of `total` are done."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(title, total)
        return

    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    columns += [TimeElapsedColumn(), TextColumn("left:"), TimeRemainingColumn()]
    with Progress(*columns, transient=True, console=console) as progress:
        bar = progress.add_task(title, total=total)
        yield lambda done: progress.update(bar, completed=done)


def _lines(title: str, total: int) -> Callable[[int], None]:
    begin = last = time.monotonic()

    def show(done: int) -> None:
        """Say how many are done, and how long the others will take."""
        nonlocal last
        now = time.monotonic()
        if now - last < EVERY or done <= 0:
            return
        last = now
        left = (total - done) * (now - begin) / done
        say(f"{title}: {done} of {total} ({now - begin:.0f} s, about {max(left, 0):.0f} s left)")

    return show
