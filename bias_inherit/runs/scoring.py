"""Score the adapters of a run: one after the other, or small ones in processes side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bias_inherit.harness.adapters import BASE
from bias_inherit.harness.score import Options, score
from bias_inherit.runs.workers import done_in_processes
from bias_inherit.threads import side_by_side


def eval_folder(out: Path, name: str) -> Path:
    """Return where a run's folder holds the results of an arm, or of the base."""
    return out / "arms" / name / "eval"


@dataclass(frozen=True)
class _Share:
    """What one process scores: some adapters, and the base or not."""

    base: str
    adapters: Mapping[str, Path]
    out: Path
    options: Options
    with_base: bool


def score_arms(
    base: str,
    adapters: Mapping[str, Path],
    out: Path,
    options: Options,
    announce: Callable[[str], None],
) -> list[Path]:
    """Score a base and adapters on it; the same numbers (to 1e-4) in however many processes.

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
    shares = []
    for i in range(at_once):
        own = {name: adapters[name] for name in names[i::at_once]}
        # the last has the fewest adapters, and so the base as well
        shares.append(_Share(base, own, out, options, with_base=i == at_once - 1))

    announce(f"scoring {len(names) + 1} models, {at_once} at a time")
    for share in done_in_processes(_score, shares, at_once):
        announce(f"scored {', '.join([BASE] * share.with_base + list(share.adapters))}")
    return [results_of(name) for name in (BASE, *names)]


def _score(share: _Share) -> None:
    results_of = partial(eval_folder, share.out)
    score(share.base, share.adapters, results_of, share.options, with_base=share.with_base)
