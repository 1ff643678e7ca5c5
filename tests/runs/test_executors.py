"""Processes of this machine: what they get, what they give back, and that none is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from bias_inherit import threads
from bias_inherit.runs import executors
from bias_inherit.runs.worker import Job
from tests.runs.conftest import SMALL, small

pytestmark = pytest.mark.slow

SWEEP = [str(Path(sys.executable).parent / "bias-inherit"), "sweep", "grid.yaml", "--workers", "2"]


def workers_of(process):
    return [
        one for one in psutil.Process(process.pid).children() if "spawn_main" in str(one.cmdline())
    ]


def test_what_begins_a_worker_does_not_import_torch():
    """Which reads its number of threads then; nor does what only looks at a run."""
    rooms = ("executors", "sweep", "status", "gaps", "plan")
    code = "import sys, bias_inherit.cli, " + ", ".join(f"bias_inherit.runs.{r}" for r in rooms)
    code += "; print([m for m in ('torch', 'transformers', 'lm_eval') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_two_workers_make_what_one_makes(tmp_path, run, monkeypatch):
    monkeypatch.delenv(threads.SET_BY_USER, raising=False)
    grid = small(grid__seeds=[0, 1])
    run(grid, tmp_path / "here")
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(grid.model_dump(mode="json")))
    done = subprocess.run(
        [*SWEEP, "--out", "two"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    reports = [
        (tmp_path / name / "report" / "leaderboard.json").read_bytes() for name in ("here", "two")
    ]
    assert reports[0] == reports[1]
    assert "of 5," in done.stderr and "left)" in done.stderr  # a line for each arm, with time left
    log = tmp_path / "two" / "arms" / "base" / "log.txt"
    assert "scoring base" in log.read_text()
    adapter = json.loads(
        (tmp_path / "two/arms/gender.original.r0.none.s1/adapter/bias_inherit.json").read_text()
    )
    assert adapter["threads"] == 1


def test_a_worker_that_is_killed_loses_its_arm_alone_which_is_made_again(tmp_path):
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(SMALL))
    process = subprocess.Popen(
        [*SWEEP, "--out", "run"], cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    base = tmp_path / "run" / "arms" / "base" / "log.txt"
    while not base.is_file():
        assert process.poll() is None
        time.sleep(0.05)
    for worker in workers_of(process):
        worker.send_signal(signal.SIGKILL)
    assert process.wait(300) == 0, process.stderr.read()
    assert (tmp_path / "run" / "report" / "leaderboard.md").is_file()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_a_sweep_and_a_stop_says_how_to_go_on(tmp_path, how):
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(SMALL))
    process = subprocess.Popen(
        [*SWEEP, "--out", "run"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        # tests in the background of a shell were begun with Ctrl-C ignored, and children inherit it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    base = tmp_path / "run" / "arms" / "base" / "log.txt"
    while not base.is_file():
        assert process.poll() is None
        time.sleep(0.05)
    workers = workers_of(process)
    assert len(workers) == 2
    os.killpg(process.pid, how) if how == signal.SIGINT else os.kill(process.pid, how)
    process.wait(60)
    deadline = time.monotonic() + 60
    while any(w.is_running() and w.status() != psutil.STATUS_ZOMBIE for w in workers):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    if how == signal.SIGINT:
        assert process.returncode == 130
        said = process.stderr.read().splitlines()
        assert said[-1].startswith("error: stopped: 0 of 3 arms are done")


def test_a_small_base_gets_a_thread_a_process_and_a_gpu_a_process(lab_base, monkeypatch):
    import torch

    made = []
    monkeypatch.setattr(executors, "LocalExecutor", lambda environments: made.append(environments))
    monkeypatch.delenv(threads.SET_BY_USER, raising=False)
    monkeypatch.setattr(threads, "cores", lambda: 4)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    executors.local(lab_base, 3)
    executors.local(lab_base, 9, workers=2)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv(executors.GPUS, raising=False)
    executors.local(lab_base, 9)
    executors.local(lab_base, 9, workers=4)
    monkeypatch.setenv(executors.GPUS, "5,7")
    executors.local(lab_base, 9)
    threads_of = [{threads.SET_BY_USER: "1"}]
    assert made[:2] == [threads_of * 3, threads_of * 2]
    assert [[each[executors.GPUS] for each in one] for one in made[2:]] == [
        ["0", "1"],
        ["0", "1", "0", "1"],
        ["5", "7"],
    ]


def test_a_job_is_done_in_a_process_that_keeps_its_base(tmp_path, run):
    run(small(grid__seeds=[0, 1, 2]), tmp_path / "run")
    executor = executors.LocalExecutor([{}])
    try:
        pids = set()
        for name in ("base", "gender.original.r0.none.s0", "gender.original.r0.none.s1"):
            executor.submit(Job(name, tmp_path / "run", small(grid__seeds=[0, 1, 2])))
            done = []
            while not done:
                done = executor.wait()
            assert done[0].outcome.error is None and done[0].outcome.name == name
            pids |= set(executor._pools[0]._processes)
        assert len(pids) == 1
    finally:
        executor.close()
