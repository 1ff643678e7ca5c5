"""The scores of an adapter in its model card, from lm-eval's results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bias_inherit import manifests, store
from bias_inherit.bias_augment.training.adapter_card import README, adapter_card, adapter_manifest
from bias_inherit.bias_augment.training.score_line import ScoreLine
from bias_inherit.errors import InputError
from bias_inherit.manifests import Adapter, Score
from bias_inherit.models import adapter_sha256
from bias_inherit.reports.results import Run, TaskResult, read_runs


def update_scores(adapter: Path, results: Path) -> None:
    """Write an adapter's card anew, with the headline scores and gaps of its results.

    `results` is one of lm-eval's result files, or a folder of them in which the adapter's own
    is looked for. The scores of an earlier call and changes by hand are replaced.

    Raises:
        InputError: the folder is not an adapter with a manifest of ours, its weights are not
            those that the manifest describes, or there are no results, or no single ones, of
            this adapter.
    """
    manifest = adapter_manifest(adapter)
    named = [(run, _adapter_of(run)) for run in read_runs([results])]
    mine = [run for run, sha256 in named if sha256 == manifest.adapter_sha256]
    if not mine:
        others = sum(sha256 is not None for _, sha256 in named)
        which = "are of another model" if others else "do not tell which adapter they are of"
        raise InputError(
            f"{results}: the results {which}, not of the adapter {adapter}; score it first: "
            f"bias-inherit score {adapter} --out DIR"
        )
    if len(mine) > 1:
        found = ", ".join(str(run.path) for run in mine)
        raise InputError(f"{results}: holds several results of {adapter}; name one of {found}")

    lines = [line for result in mine[0].tasks.values() for line in _lines(result)]
    store.write_text(adapter / README, adapter_card(manifest, lines))


def update_cards(adapters: Mapping[str, Path], results_of: Callable[[str], Path]) -> None:
    """Write the cards of those adapters anew that are ours and unchanged, with their scores.

    `results_of(name)` is the folder of an adapter's results.

    Raises:
        InputError: as `update_scores`.
    """
    for name, adapter in adapters.items():
        manifest = manifests.read(adapter, Adapter)
        if manifest is not None and manifest.adapter_sha256 == adapter_sha256(adapter):
            update_scores(adapter, results_of(name))


def _adapter_of(run: Run) -> str | None:
    """Return the sha256 of the adapter that results are of, None where they do not tell."""
    beside = manifests.read(run.path.parent, Score)
    if beside is not None and run.path.name in beside.files and beside.adapter_sha256:
        return beside.adapter_sha256
    if run.file.adapter_sha256:
        return run.file.adapter_sha256

    # by plain lm_eval: all it says is where the adapter stood
    folder = run.file.model_args.get("peft")
    return adapter_sha256(Path(folder)) if folder and Path(folder).is_dir() else None


def _lines(result: TaskResult) -> Iterator[ScoreLine]:
    """Yield the metrics that stand for a task of ours, with value, standard error and n."""
    headline = result.headline
    if headline is None:
        return

    pairs = result.metrics.get(headline.gap_n) if headline.gap_n else None
    source = result.provenance.get("source")
    for part in (headline.score, headline.gap):
        if part is None:
            continue

        is_gap = part is headline.gap
        yield ScoreLine(
            task=result.task,
            metric=part.metric,
            value=result.metrics.get(part.metric),
            stderr=result.errors.get(part.metric),
            n=int(pairs) if is_gap and pairs is not None else result.n,
            reads=headline.reads if is_gap else "",
            unit=headline.gap_unit if is_gap else headline.unit,
            documents=source if isinstance(source, str) else None,
        )
