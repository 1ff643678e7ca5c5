"""How an adapter gets to the disk: its folder, its checkpoints, its configuration."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from bias_inherit import store
from bias_inherit.bias_augment.training.settings import Settings
from bias_inherit.errors import FullDiskError, InputError


@contextmanager
def checkpoints(out: Path, settings: Settings) -> Iterator[Path]:
    """Yield where checkpoints go: beside `out`, kept when training fails, or nowhere."""
    if not settings.checkpoint_every:
        with TemporaryDirectory() as scratch:
            yield Path(scratch)
        return
    folder = out.with_name(f"{out.name}.checkpoints")
    try:
        yield folder
    except InputError as error:
        saved = sorted(folder.glob("checkpoint-*"), key=lambda p: int(p.name.rpartition("-")[2]))
        good = [checkpoint for checkpoint in saved if _is_finite(checkpoint)]
        last = f"; the last good checkpoint is {good[-1]}" if good else ""
        raise InputError(f"{error}{last}") from None
    shutil.rmtree(folder, ignore_errors=True)


def _is_finite(checkpoint: Path) -> bool:
    """Return whether all weights are there and finite.

    A step can spoil them although its own loss was finite; a full disk cuts a file short.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights = load_file(checkpoint / "adapter_model.safetensors")
    except (OSError, SafetensorError):
        return False
    return all(bool(weight.isfinite().all()) for weight in weights.values())


@contextmanager
def adapter_folder(out: Path) -> Iterator[Path | None]:
    """Yield the folder to write on the first process, None on the others."""
    first = int(os.environ.get("RANK", "0")) == 0
    with store.whole_folder(out, "adapter") if first else nullcontext(None) as folder:
        yield folder


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turn a full disk that safetensors reports in a type of its own into one line.

    Raises:
        FullDiskError: the disk is full, or a file may not grow so large.
    """
    try:
        yield
    except (InputError, OSError):
        raise
    except Exception as error:
        if "No space left" in str(error) or "File too large" in str(error):
            raise FullDiskError(
                f"the adapter cannot be written: {str(error).splitlines()[0]}"
            ) from None
        raise


def settle_config(path: Path) -> None:
    """Sort the target modules: peft writes a set, in another order in every process."""
    config = store.read_json(path)
    targets = config.get("target_modules")  # a prompt that is trained on from has none
    if isinstance(targets, list):
        targets.sort()
    store.write_json(path, config)
