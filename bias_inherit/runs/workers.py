"""Small models side by side: a function over some values, in a process each."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from threading import Thread
from typing import TypeVar

from bias_inherit.threads import SET_BY_USER

T = TypeVar("T")


def done_in_processes(
    function: Callable[[T], object], values: Sequence[T], at_once: int
) -> Iterator[T]:
    """Call a function with each value, `at_once` at a time; yield a value when its call is done.

    The processes say nothing, and end when this one does, however it ends.

    Args:
        function: at the top level of a module.
        values: what can be sent to a process.
        at_once: how many processes.

    Raises:
        Exception: what a call raised; the others are not begun.
    """
    fresh = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    with ProcessPoolExecutor(at_once, mp_context=fresh, initializer=_begin) as pool:
        waiting = {pool.submit(function, value): value for value in values}
        try:
            for done in as_completed(waiting):
                done.result()
                yield waiting[done]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _begin() -> None:
    """Keep the bars and notices of several processes out of one terminal; errors are raised.

    Each computes with one thread, unless the user says otherwise.
    """
    os.environ.setdefault(SET_BY_USER, "1")  # read when torch is first imported
    sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  for the process's life
    sys.stdout = sys.stderr
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent has: a pool's worker waits for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
