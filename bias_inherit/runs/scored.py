"""Score adapters into a folder, and tell their model cards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from bias_inherit.harness.score import Options, score
from bias_inherit.runs.adapter_scores import update_cards
from bias_inherit.tasks.forms.form import DEFAULT

FIRST_FORM = f"form-{DEFAULT}"


def score_into(
    out: Path,
    base: str,
    adapters: Mapping[str, Path],
    options: Options,
    announce: Callable[[str], None] = lambda line: None,
) -> list[Path]:
    """Score a base and adapters into `out`/<name>; the cards of adapters of ours get the scores.

    Args:
        out: folder for one results folder per model.
        base: folder or hub id of a causal model.
        adapters: by name.
        options: how they are scored; with a `limit`, and where the default form is not among
            several, no card is touched.
        announce: told which model begins.

    Raises:
        InputError: as `harness.score.score`.
    """

    def results_of(name: str) -> Path:
        return out / name

    folders = score(base, adapters, results_of, options, announce)
    if options.limit is None and options.forms is None:
        update_cards(adapters, results_of)
    elif options.limit is None and all((results_of(n) / FIRST_FORM).is_dir() for n in adapters):
        update_cards(adapters, lambda name: results_of(name) / FIRST_FORM)
    return folders
