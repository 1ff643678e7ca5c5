"""Score the adapters of a run: one after the other, or small ones in processes side by side."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path

from bias_inherit.harness.score import BASE, Options, score
from bias_inherit.runs.training import be_quiet
from bias_inherit.threads import side_by_side


def eval_folder(out: Path, name: str) -> Path:
    """Return where a run's folder holds the results of an arm, or of the base."""
    return out / "arms" / name / "eval"


def score_arms(
    base: str,
    adapters: Mapping[str, Path],
    out: Path,
    options: Options,
    announce: Callable[[str], None],
) -> list[Path]:
    """Score a base and adapters on it; the same numbers in whichever number of processes.

    Args:
        base: folder or hub id of a causal model.
        adapters: by name.
        out: the run's folder.
        options: how they are scored.
        announce: told what begins or is done.

    Returns:
        The results folders, the base's first.

    Raises:
        InputError: as `harness.score.score`.
    """
    at_once = side_by_side(base, len(adapters) + 1)
    results_of = partial(eval_folder, out)
    if at_once == 1:
        return score(base, adapters, results_of, options, announce)

    names = list(adapters)
    shares = [{name: adapters[name] for name in names[i::at_once]} for i in range(at_once)]
    announce(f"scoring {len(names) + 1} models, {at_once} at a time")
    fresh = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    with ProcessPoolExecutor(at_once, mp_context=fresh, initializer=be_quiet) as pool:
        # the last share has the fewest adapters, and so the base as well
        last = len(shares) - 1
        waiting = {
            pool.submit(_score, base, share, out, options, i == last): share
            for i, share in enumerate(shares)
        }
        try:
            for done in as_completed(waiting):
                done.result()
                announce(f"scored {', '.join(waiting[done])}")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [results_of(name) for name in (BASE, *names)]


def _score(
    base: str, adapters: Mapping[str, Path], out: Path, options: Options, with_base: bool
) -> None:
    score(base, adapters, partial(eval_folder, out), options, with_base=with_base)
