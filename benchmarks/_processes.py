"""Whole processes, timed: what the benchmarks of commands share."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent


def seconds(*commands: list[str], cwd: Path) -> float:
    """Run commands of this environment one after the other; return how long they took."""
    begin = time.perf_counter()
    for command in commands:
        subprocess.run(
            [str(BIN / command[0]), *command[1:]], cwd=cwd, check=True, capture_output=True
        )
    return time.perf_counter() - begin


def output(*command: str) -> str:
    """Return what a command of this environment prints."""
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@dataclass(frozen=True)
class Spent:
    """What a process took: wall and CPU seconds, and its largest memory in bytes."""

    wall: float
    cpu: float
    memory: int


def spent(command: Sequence[str | Path], cwd: Path) -> tuple[Spent, str]:
    """Run a command and return what it took, and its standard output; its errors end this one."""
    with tempfile.TemporaryFile("w+") as told, tempfile.TemporaryFile("w+") as errors:
        begin = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, stdout=told, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        for file in (told, errors):
            file.seek(0)
        if process.returncode:
            sys.exit(errors.read())
        unit = 1 if sys.platform == "darwin" else 1024
        cpu = usage.ru_utime + usage.ru_stime
        return Spent(wall, cpu, usage.ru_maxrss * unit), told.read()
