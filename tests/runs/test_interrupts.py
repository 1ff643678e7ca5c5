"""Ctrl-C stops a sweep, also where Python loses its exception."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from bias_inherit.runs.interrupts import interrupts
from bias_inherit.runs.sweep import StoppedError, sweep
from tests.runs.conftest import Here, Quiet, small


class Loses:
    """Is there when Ctrl-C is pressed, and forgets it."""

    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_sweep_stops_where_a_destructor_swallows_it(tmp_path):
    class Pressing(Quiet):
        def tick(self, running):
            Loses()

    here = Here()
    with pytest.raises(StoppedError, match="1 of 3 arms are done"):
        sweep(small(), tmp_path / "run", lambda base, jobs: here, Pressing())
    assert here.is_closed and len(here.asked) == 1


def test_the_handler_of_before_comes_back():
    before = signal.getsignal(signal.SIGINT)
    with interrupts() as is_stopped:
        assert not is_stopped()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert is_stopped()
    assert signal.getsignal(signal.SIGINT) is before


def test_in_a_thread_and_where_it_is_ignored_nothing_is_set():
    def look():
        with interrupts() as is_stopped:
            found.append(is_stopped())

    found = []
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        look()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert found == [False, False]
