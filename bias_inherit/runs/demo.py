"""The demo: a preset's grid with another seed, fewer documents, or real data."""

from __future__ import annotations

from pathlib import Path

from bias_inherit.errors import InputError
from bias_inherit.runs.grid import Grid, read_grid
from bias_inherit.tasks.public.prepared import prepare_biographies, prepare_culture


def demo_grid(preset: str, data: Path | None, limit: int | None, seed: int) -> Grid:
    """Return the grid of a demo.

    Args:
        preset: whose grid it is.
        data: a folder of prepared data; None is the preset's own.
        limit: documents per task; None is the preset's own.
        seed: of the mixes and the training.
    """
    grid = read_grid(preset)
    blocks = [block.model_copy(update={"seeds": [seed]}) for block in grid.grid]
    grid = grid.model_copy(update={"grid": blocks})
    if limit is not None:
        scoring = grid.scoring.model_copy(update={"limit": limit})
        grid = grid.model_copy(update={"scoring": scoring})
    if data is not None:  # a sample of real data may lack a cell
        real = {"original": str(data), "balanced": False}
        grid = grid.model_copy(update={"data": grid.data.model_copy(update=real)})
    return grid


def prepare(data: Path, out: Path) -> Path:
    """Prepare real data laid out as bias_in_bios/<file> and CultureLLM/; return the folder.

    Raises:
        InputError: the folder holds no BiasinBios rows or no CultureLLM checkout.
    """
    biographies = [
        path
        for path in sorted((data / "bias_in_bios").glob("*"))
        if path.suffix in {".jsonl", ".csv", ".parquet"}
    ]
    if not biographies or not (data / "CultureLLM").is_dir():
        raise InputError(
            f"{data}: expected bias_in_bios/ with a .jsonl, .csv or .parquet file, and "
            "CultureLLM/, a checkout of that repository"
        )
    prepare_biographies(str(biographies[0]), out)
    prepare_culture(data / "CultureLLM", out)
    return out
