"""Who of several workers trains on which inputs: arms that would be the same share an adapter."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


class Claims:
    """The claims of a run: a file each, named by the hash of the training's inputs.

    Args:
        out: the run folder.
    """

    def __init__(self, out: Path) -> None:
        self._folder = out / ".claims"

    def claim(self, sha256: str, name: str) -> str:
        """Return who trains on these inputs: the arm `name`, where none did before."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file, mine = self._folder / sha256, self._folder / f".{name}.{os.getpid()}"
        mine.write_text(name, encoding="utf-8")
        try:
            os.link(mine, file)  # whole, or not at all
        except FileExistsError:
            pass
        finally:
            mine.unlink()
        return file.read_text(encoding="utf-8")

    def drop(self, name: str) -> None:
        """Let go of what an arm claimed."""
        for file in self._folder.glob("[!.]*"):
            if file.read_text(encoding="utf-8") == name:
                file.unlink()

    def clear(self) -> None:
        """Let go of all claims: those of workers that are gone."""
        shutil.rmtree(self._folder, ignore_errors=True)
