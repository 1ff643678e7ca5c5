"""A sweep that is killed again and again ends with the leaderboard of one that was not."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from tests.runs.conftest import SMALL, TYPE

pytestmark = pytest.mark.slow

KILLS = 20
LONGEST = 9.0
"""Seconds that a process lives at most: from before it has read its grid to some arms later."""


def start(grid, out):
    command = [str(Path(sys.executable).parent / "bias-inherit"), "sweep", str(grid)]
    return subprocess.Popen(
        [*command, "--out", str(out), "--workers", "2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def gone(processes):
    """Wait until processes have ended."""
    deadline = time.monotonic() + 60
    while any(map(is_alive, processes)):
        assert time.monotonic() < deadline, "a worker outlived the sweep that was killed"
        time.sleep(0.05)


def is_alive(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def report(out):
    return {path.name: path.read_bytes() for path in sorted((out / "report").iterdir())}


def test_killed_at_random_points_it_ends_as_if_it_had_not_been(tmp_path):
    grid = tmp_path / "grid.yaml"
    rounds = {"after": 1, "writer": "self", "writing": {"max_new_tokens": 24}}
    block = {"axes": "gender", "ratios": "50%"}
    blocks = [
        {
            "axes": "gender",
            "bias_types": TYPE,
            "ratios": [0, "50%"],
            "mitigations": ["none", "mask"],
        },
        block | {"bias_types": "neutral", "rounds": rounds},
    ]
    grid.write_text(yaml.safe_dump(SMALL | {"grid": blocks}))
    plain = start(grid, tmp_path / "plain")
    assert plain.wait(300) == 0, plain.stderr.read()
    expected = report(tmp_path / "plain")

    kills, ended, source = 0, 0, random.Random(14)
    while kills < KILLS or not ended:
        out = tmp_path / f"killed-{ended}"
        process = start(grid, out)
        try:
            code = process.wait(LONGEST * source.random() if kills < KILLS else 300)
        except subprocess.TimeoutExpired:
            workers = psutil.Process(process.pid).children(recursive=True)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            gone(workers)
            kills += 1
            continue
        assert code == 0, process.stderr.read()
        assert report(out) == expected
        ended += 1
