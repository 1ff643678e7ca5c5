"""How many threads a model is computed with on a CPU: results do not hang on a default.

Threads of a small model wait for each other more than they compute, above all beside another busy
process (benchmarks/threads.py), and another number of threads rounds in another order: training
then ends elsewhere. So a small model gets one, whatever the machine has, and several models are
trained side by side instead. A larger one gets what torch chose. `OMP_NUM_THREADS` decides where it
is set.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SMALL = 200_000_000
"""Bytes of weights on disk under which a model is small: our choice."""
SET_BY_USER = "OMP_NUM_THREADS"


def is_small(base: str) -> bool:
    """Return whether a base is a folder with less than `SMALL` bytes of weights."""
    folder = Path(base)
    weights = [path for pattern in ("*.safetensors", "*.bin") for path in folder.glob(pattern)]
    return bool(weights) and sum(path.stat().st_size for path in weights) < SMALL


@contextmanager
def cpu_threads(base: str) -> Iterator[int]:
    """Compute with the threads for that base, and yield how many; those of before come back."""
    import torch

    before = torch.get_num_threads()
    if not os.environ.get(SET_BY_USER) and is_small(base):
        torch.set_num_threads(1)
    try:
        yield torch.get_num_threads()
    finally:
        torch.set_num_threads(before)


def side_by_side(base: str, models: int) -> int:
    """Return how many models are trained at once.

    Small ones without a GPU, as many as the cores hold with one thread each, or with as many as
    `OMP_NUM_THREADS` gives each.
    """
    import torch

    if not is_small(base) or torch.cuda.is_available():
        return 1
    threads = os.environ.get(SET_BY_USER, "")
    each = int(threads) if threads.isdigit() and int(threads) else 1
    return max(1, min(models, _cores() // each))


def _cores() -> int:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
