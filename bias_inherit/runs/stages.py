"""What of a run folder is done: by stage, what went in and what came out.

A folder's `stages.json` is written last and whole, after each stage. A stage is done where it says
the same inputs as now, and its outputs are still what they were: their sizes and times, or else
their hashes. So a run that was killed anywhere goes on where it stopped, and what a changed setting
touches is done again, and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from bias_inherit import store
from bias_inherit.errors import InputError

FILE = "stages.json"
SCHEMA = 1

Inputs: TypeAlias = Mapping[str, Any]
"""What decides a stage's outputs: names and plain values of JSON."""


class State(Enum):
    """Of a stage: nothing is there; done; its inputs are others now; its outputs were changed."""

    ABSENT = "absent"
    DONE = "done"
    STALE = "stale"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class _File:
    """An output: its hash, and the size (bytes) and time (nanoseconds) that it was hashed at."""

    sha256: str
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> _File:
        """Return what a file is now."""
        status = path.stat()
        return cls(store.sha256(path), status.st_size, status.st_mtime_ns)

    def is_still(self, path: Path) -> bool:
        """Return whether a file is what it was; it is read only where its time is another."""
        try:
            status = path.stat()
        except OSError:
            return False
        if status.st_size != self.size:
            return False
        return status.st_mtime_ns == self.mtime_ns or store.sha256(path) == self.sha256


@dataclass(frozen=True)
class Stage:
    """A stage that was done: what went in, what came out, and how many seconds it took."""

    inputs: Inputs
    outputs: Mapping[str, _File]
    seconds: float


class Stages:
    """The stages of a folder.

    Args:
        folder: an arm's, or that of the data of an axis.

    Raises:
        InputError: its record is of another version, or broken.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._done: dict[str, Stage] = _read(folder / FILE)

    def state(self, name: str, inputs: Inputs) -> State:
        """Return how a stage stands, whose inputs are these now."""
        stage = self._done.get(name)
        if stage is None:
            return State.ABSENT
        if stage.inputs != _plain(inputs):
            return State.STALE
        if all(file.is_still(self.folder / path) for path, file in stage.outputs.items()):
            return State.DONE
        return State.DAMAGED

    def knows(self, name: str) -> bool:
        """Return whether a stage was ever done."""
        return name in self._done

    def is_done(self, name: str, inputs: Inputs) -> bool:
        """Return whether a stage is done with these inputs."""
        return self.state(name, inputs) is State.DONE

    def changed(self, name: str, inputs: Inputs) -> list[str]:
        """Return the names of the inputs of a stage that are others now."""
        stage = self._done.get(name)
        if stage is None:
            return []
        now = _plain(inputs)
        return [k for k in {**stage.inputs, **now} if stage.inputs.get(k) != now.get(k)]

    def fingerprint(self, name: str) -> str:
        """Return what identifies the outputs of a stage that is done."""
        outputs = self._done[name].outputs.items()
        return store.sha256_lines(f"{path} {file.sha256}" for path, file in outputs)

    def seconds(self, name: str) -> float | None:
        """Return how long a stage took, None where it was not done."""
        return self._done[name].seconds if name in self._done else None

    def finish(self, name: str, inputs: Inputs, outputs: Iterable[Path], seconds: float) -> None:
        """Say that a stage is done.

        Args:
            name: of the stage.
            inputs: what it was made from.
            outputs: files, or folders whose files are meant.
            seconds: how long it took.
        """
        files = {
            path.relative_to(self.folder).as_posix(): _File.of(path)
            for output in outputs
            for path in (sorted(output.rglob("*")) if output.is_dir() else [output])
            if path.is_file()
        }
        self._done[name] = Stage(_plain(inputs), files, round(seconds, 3))
        stages = {name: asdict(stage) for name, stage in self._done.items()}
        store.write_json(self.folder / FILE, {"schema": SCHEMA, "stages": stages})


def hash_of(path: Path) -> str:
    """Return the hash of a file, which is read again only where its size or time is another."""
    status = path.stat()
    return _hash(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=10_000)
def _hash(path: Path, size: int, mtime_ns: int) -> str:
    return store.sha256(path)


def _plain(inputs: Inputs) -> Inputs:
    """Return inputs as JSON gives them back."""
    plain: Inputs = json.loads(json.dumps(inputs))
    return plain


def _read(file: Path) -> dict[str, Stage]:
    if not file.is_file():
        return {}
    content = store.read_json(file)
    version = content.get("schema") if isinstance(content, dict) else None
    if version != SCHEMA:
        raise InputError(
            f"{file}: is of another version (schema {version}, this one reads {SCHEMA}): take "
            "another run folder, or that version of bias-inherit"
        )
    return {
        name: Stage(
            stage["inputs"],
            {path: _File(**file) for path, file in stage["outputs"].items()},
            stage["seconds"],
        )
        for name, stage in content["stages"].items()
    }
