"""One process at a time on a run folder."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from bias_inherit.errors import InputError

FILE = ".lock"


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Hold a run folder; a process that is killed lets the next one in.

    Raises:
        InputError: another process holds it: which, where, and since when.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (out / FILE).open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(f"{out}: {holder(out)}: wait for it, or end it") from None
        stream.truncate(0)
        said = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": f"{datetime.now():%Y-%m-%d %H:%M:%S}",
        }
        stream.write(json.dumps(said))
        stream.flush()
        yield


def holder(out: Path) -> str:
    """Return who holds a folder, or did last, in words."""
    try:
        said = json.loads((out / FILE).read_text(encoding="utf-8"))
        return f"is held by process {said['pid']} on {said['host']} since {said['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "is held by another process"


def is_held(out: Path) -> bool:
    """Return whether a process holds a run folder now."""
    file = out / FILE
    if not file.is_file():
        return False
    with file.open("r", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
