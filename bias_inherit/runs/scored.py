"""Score adapters into a folder, in one process or several, and tell their model cards."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from threading import BrokenBarrierError
from typing import TYPE_CHECKING

from bias_inherit.errors import InputError
from bias_inherit.harness.adapters import BASE
from bias_inherit.harness.options import Options
from bias_inherit.runs.processes import end, processes
from bias_inherit.tasks.forms.form import DEFAULT
from bias_inherit.threads import SET_BY_USER, cores, is_small, side_by_side

if TYPE_CHECKING:
    from multiprocessing.synchronize import Barrier

FIRST_FORM = f"form-{DEFAULT}"
EACH = 3
"""Models of a process at the least: its start takes as long as one of the lab's: our choice."""


def score_into(
    out: Path,
    base: str,
    adapters: Mapping[str, Path],
    options: Options,
    announce: Callable[[str], None] = lambda line: None,
    workers: int | None = 1,
) -> list[Path]:
    """Score a base and adapters into `out`/<name>; the cards of adapters of ours get the scores.

    Args:
        out: folder for one results folder per model.
        base: folder or hub id of a causal model.
        adapters: by name.
        options: how they are scored; with a `limit`, and where the default form is not among
            several, no card is touched.
        announce: told which model begins; several processes say it on standard error.
        workers: processes side by side; None is as many as cores and memory hold, where the models
            are small and many.

    Raises:
        InputError: as `harness.score.score`, or a process died.
    """
    from bias_inherit.harness.score import score
    from bias_inherit.runs.adapter_scores import update_cards

    def results_of(name: str) -> Path:
        return out / name

    models = (BASE, *adapters)
    many = min(_fitting(base, len(models)) if workers is None else workers, len(models))
    if many == 1:
        folders = score(base, adapters, results_of, options, announce)
    else:
        found = _scored(out, base, adapters, options, [models[i::many] for i in range(many)])
        folders = [folder for name in models for folder in found[name]]
    if options.limit is None and options.forms is None:
        update_cards(adapters, results_of)
    elif options.limit is None and all((results_of(n) / FIRST_FORM).is_dir() for n in adapters):
        update_cards(adapters, lambda name: results_of(name) / FIRST_FORM)
    return folders


def _fitting(base: str, models: int) -> int:
    """Return how many processes pay: one where torch would take several threads for a model."""
    is_one_thread = is_small(base) or SET_BY_USER in os.environ
    return max(1, min(side_by_side(base, models), models // EACH)) if is_one_thread else 1


def _scored(
    out: Path,
    base: str,
    adapters: Mapping[str, Path],
    options: Options,
    shares: Sequence[Sequence[str]],
) -> dict[str, list[Path]]:
    """Score shares of the models in a process each; return the folders of results by model."""
    from bias_inherit.harness.subjects import settled

    options = settled(base, adapters, options)
    gate = get_context("spawn").Barrier(len(shares))
    is_set = is_small(base) or SET_BY_USER in os.environ
    threads = {} if is_set else {SET_BY_USER: str(max(1, cores() // len(shares)))}
    pool = processes(len(shares), threads, begin=partial(_know, gate))
    is_whole = False
    try:
        jobs = {
            pool.submit(
                _score_share, out, base, adapters, _shown(options, i), share, f"[{i + 1}] "
            ): share
            for i, share in enumerate(shares)
        }
        found: dict[str, list[Path]] = {}
        for job in as_completed(jobs):
            error, share = job.exception(), jobs[job]
            if isinstance(error, BrokenBarrierError):  # another's error, which comes
                continue
            each = len(job.result()) // len(share)
            found |= {name: job.result()[i * each :][:each] for i, name in enumerate(share)}
        is_whole = True
        return found
    except BrokenProcessPool:
        raise InputError(
            "a process of the scoring died (too little memory?): what is whole is kept; the same "
            "command with --workers 1 goes on"
        ) from None
    finally:
        end(pool, at_once=not is_whole)


def _shown(options: Options, number: int) -> Options:
    """Return the options of a process: bars of several would write over each other."""
    return replace(options, progress=options.progress and number == 0)


_GATES: list[Barrier] = []
"""Of a process: where it waits until the others have found nothing wrong either."""


def _know(gate: Barrier) -> None:
    _GATES.append(gate)


def _score_share(
    out: Path,
    base: str,
    adapters: Mapping[str, Path],
    options: Options,
    share: Sequence[str],
    who: str,
) -> list[Path]:
    from bias_inherit.harness.score import score

    def say(line: str) -> None:
        print(f"{who}{line}", file=sys.stderr, flush=True)

    own = {name: adapters[name] for name in share if name != BASE}
    (gate,) = _GATES
    try:
        return score(
            base, own, lambda name: out / name, options, say, BASE in share, checked=gate.wait
        )
    except BaseException:
        gate.abort()
        raise
