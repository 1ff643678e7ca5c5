"""The scores of an adapter in its model card, from lm-eval's results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bias_inherit import store
from bias_inherit.bias_augment.training.adapter_card import README, adapter_card, adapter_manifest
from bias_inherit.errors import InputError
from bias_inherit.models import adapter_sha256
from bias_inherit.reports.results import Run, read_runs


def update_scores(adapter: Path, results: Path) -> None:
    """Write an adapter's card anew, with the headline scores and gaps of its results.

    `results` is one of lm-eval's result files, or a folder of them in which the adapter's own
    is looked for. The scores of an earlier call and changes by hand are replaced.

    Raises:
        InputError: the folder is no adapter with a manifest of ours, its weights are not those
            that the manifest describes, or there are no results, or no single ones, of this
            adapter.
    """
    manifest = adapter_manifest(adapter)
    runs = read_runs([results])
    named = [(run, _adapter_of(run)) for run in runs]
    mine = [run for run, sha256 in named if sha256 == manifest["adapter_sha256"]]
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
    scores = {name: dict(_headline(mine[0], name)) for name in mine[0].tasks}
    store.write_text(adapter / README, adapter_card(manifest, scores))


def update_cards(adapters: Mapping[str, Path], place: Callable[[str], Path]) -> None:
    """Write the cards of those adapters anew that are ours and unchanged, with their scores.

    `place(name)` is the folder of an adapter's results.

    Raises:
        InputError: as `update_scores`.
    """
    for name, adapter in adapters.items():
        manifest = store.read_manifest(adapter) or {}
        if manifest.get("adapter_sha256") == adapter_sha256(adapter):
            update_scores(adapter, place(name))


def _adapter_of(run: Run) -> str | None:
    """Return the sha256 of the adapter that results are of, None where they do not tell."""
    beside = store.read_manifest(run.path.parent) or {}
    if beside.get("results") == run.path.name and "adapter_sha256" in beside:
        named: str | None = beside["adapter_sha256"]
        return named
    config = store.read_json(run.path).get("config") or {}
    if config.get("adapter_sha256"):
        return str(config["adapter_sha256"])
    args = config.get("model_args") or {}
    if isinstance(args, str):
        args = dict(part.split("=", 1) for part in args.split(",") if "=" in part)
    folder = args.get("peft")  # by plain lm_eval: all it says is where the adapter stood
    return adapter_sha256(Path(folder)) if folder and Path(folder).is_dir() else None


def _headline(run: Run, task: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the metrics that stand for a task, with value, standard error and n."""
    result = run.tasks[task]
    headline, metadata = result.headline, result.config.get("metadata") or {}
    pairs = result.metrics.get(headline.get("gap_n", ""))
    for part in ("score", "gap"):
        metric = headline.get(part)
        if not metric:
            continue
        yield (
            metric,
            {
                "value": result.metrics.get(metric),
                "stderr": result.errors.get(metric),
                "n": int(pairs) if part == "gap" and pairs is not None else result.n,
                "reads": headline.get("reads") if part == "gap" else None,
                "unit": headline.get("unit"),
                "documents": (metadata.get("provenance") or {}).get("source"),
            },
        )
