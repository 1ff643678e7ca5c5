"""Processes of this machine that work side by side, and end when their parent does."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from threading import Thread


def processes(
    many: int,
    environment: Mapping[str, str],
    is_silent: bool = False,
    begin: Callable[[], None] | None = None,
) -> ProcessPoolExecutor:
    """Return so many processes, which begin with the first jobs.

    Args:
        many: their number.
        environment: variables of theirs beside this process's.
        is_silent: whether nothing that they say is shown.
        begin: done in each at first.
    """
    fresh = get_context("spawn")  # torch's threads do not survive a fork
    given = (dict(environment), is_silent, begin)
    return ProcessPoolExecutor(many, mp_context=fresh, initializer=_begin, initargs=given)


def end(pool: ProcessPoolExecutor, at_once: bool) -> None:
    """End processes: at once, or when what they do is done."""
    for process in (pool._processes or {}).values() if at_once else ():
        process.kill()
    pool.shutdown(wait=True, cancel_futures=True)  # so that nothing of it is left


def _begin(
    environment: Mapping[str, str], is_silent: bool, begin: Callable[[], None] | None
) -> None:
    """Set up a process: its environment, what it shows, and its end with its parent's."""
    os.environ.update(environment)  # read when torch is first imported
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this
    if is_silent:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
    Thread(target=_end_with_parent, daemon=True).start()
    if begin is not None:
        begin()


def _end_with_parent() -> None:
    """End this process when its parent has: a pool's worker waits for work for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
