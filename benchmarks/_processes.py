"""Whole processes, timed: what the benchmarks of commands share."""

from __future__ import annotations

import subprocess
import sys
import time
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
