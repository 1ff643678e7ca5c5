"""What an arm needs, and what it becomes, as bytes: for a machine without the run folder's disk."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

from bias_inherit.runs.arm import ArmFolder
from bias_inherit.runs.data import original_path


def needed(arm: ArmFolder, twin: str | None) -> list[Path]:
    """Return the files and folders that an arm is made from, inside the run folder.

    Args:
        arm: its folder.
        twin: an arm whose adapter it may take.
    """
    paths = [arm.folder]
    if arm.planned is not None:
        paths.append(original_path(arm.out, arm.planned))
        paths += [path for path in (arm.augmented, arm.previous) if path is not None]
    if twin is not None:
        paths.append(arm.out / "arms" / twin / "adapter")
    beside = [path.with_suffix(".manifest.json") for path in paths if path.suffix == ".jsonl"]
    return [path for path in (*paths, *beside) if path.exists() and path.is_relative_to(arm.out)]


def pack(out: Path, paths: Iterable[Path]) -> bytes:
    """Return files and folders of a run folder, by their places in it."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path in dict.fromkeys(paths):
            archive.add(path, path.relative_to(out).as_posix())
    return stream.getvalue()


def unpack(parcel: bytes, out: Path) -> None:
    """Write what was packed into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(parcel)) as archive:
        archive.extractall(out, filter="data")
