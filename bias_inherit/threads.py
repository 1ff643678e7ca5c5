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
LARGEST = 2_000_000_000
"""Bytes of weights on disk up to which models are trained side by side on a CPU: our choice."""
MEMORY = 7
"""Memory that training takes, in bytes a byte of float32 weights: 6.3 were seen at 135 million
parameters and 8 rows of 170 tokens."""
SET_BY_USER = "OMP_NUM_THREADS"


def is_small(base: str) -> bool:
    """Return whether a base is a folder with less than `SMALL` bytes of weights."""
    return 0 < _size(base) < SMALL


def _size(base: str) -> int:
    """Return the bytes of a folder's weights, 0 for a hub id."""
    folder = Path(base)
    weights = [path for pattern in ("*.safetensors", "*.bin") for path in folder.glob(pattern)]
    return sum(path.stat().st_size for path in weights)


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

    Without a GPU, and with weights of at most `LARGEST` bytes, as many as the cores hold with one
    thread each (or as many as `OMP_NUM_THREADS` gives each), and as the free memory does.
    """
    import psutil
    import torch

    size = _size(base)
    if not 0 < size <= LARGEST or torch.cuda.is_available():
        return 1
    threads = os.environ.get(SET_BY_USER, "")
    each = int(threads) if threads.isdigit() and int(threads) else 1
    fitting = int(psutil.virtual_memory().available // (MEMORY * size))
    return max(1, min(models, cores() // each, fitting))


def cores() -> int:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
