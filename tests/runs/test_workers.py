"""Processes side by side: what they yield, what they raise, and that none is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from bias_inherit.runs.workers import done_in_processes

WAITING = """
import time
from bias_inherit.runs.workers import done_in_processes

if __name__ == "__main__":
    for _ in done_in_processes(time.sleep, [0.0, 300.0, 300.0], 2):
        print("one is done", flush=True)
"""


def test_every_value_is_done():
    assert sorted(done_in_processes(abs, [-3, 1, -2], 2)) == [-3, -2, 1]


def test_what_a_call_raises_is_raised():
    with pytest.raises(ValueError, match="invalid literal"):
        list(done_in_processes(int, ["1", "two"], 2))


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_one_that_was_killed(how, tmp_path):
    script = tmp_path / "waiting.py"
    script.write_text(WAITING)
    process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "one is done\n"
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len(workers) >= 2
    os.kill(process.pid, how)
    process.wait(30)
    deadline = time.monotonic() + 30
    while any(worker.is_running() for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = [w for w in workers if w.is_running() and w.status() != psutil.STATUS_ZOMBIE]
    assert left == []
