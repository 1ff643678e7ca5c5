"""The scores in an adapter's model card: its table, and the hub's model index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bias_inherit.bias_augment.data.card import plain
from bias_inherit.bias_augment.training.card_values import value_text, without_folders
from bias_inherit.bias_augment.training.score_line import ScoreLine

if TYPE_CHECKING:
    from huggingface_hub import EvalResult


def score_table(scores: Sequence[ScoreLine]) -> Iterator[str]:
    """Yield the lines of the Markdown table, and below it what is needed to read it."""
    if not scores:
        yield "Not scored yet."
        return

    yield from ("| task | metric | value | standard error | n |", "|---|---|--:|--:|--:|")
    for line in scores:
        unit = f" {plain(line.unit)}" if line.unit else ""
        value, error = _score(line.value, unit), _score(line.stderr, unit)
        n = "unknown" if line.n is None else f"{line.n:,}"
        error = error or ("unknown" if value else "")
        cells = (plain(line.task), plain(line.metric), value or "no data", error, n)
        yield f"| {' | '.join(cells)} |"

    reads = {f"{line.task} {line.metric}": line.reads for line in scores if line.reads}
    documents = {line.task: line.documents for line in scores if line.documents}
    if reads or documents:
        yield ""
        yield from (f"- {plain(name)}: {plain(text)}" for name, text in reads.items())
        yield from (
            f"- {plain(name)}: scored on the documents {value_text(source)}"
            for name, source in documents.items()
        )


def _score(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}{unit}" if unit else f"{value:.3f}"


def eval_results(scores: Sequence[ScoreLine]) -> Iterator[EvalResult]:
    """Yield the scores as the hub's model index takes them: those that have data."""
    from huggingface_hub import EvalResult

    for line in scores:
        if line.value is None:
            continue
        error = "unknown" if line.stderr is None else f"{line.stderr:.3g}"
        n = "unknown" if line.n is None else line.n
        yield EvalResult(
            task_type="text-generation",
            task_name=line.task,
            dataset_type=line.task,
            dataset_name=line.task,
            dataset_config=without_folders(line.documents or "") or None,
            metric_type=line.metric,
            metric_name=f"{line.metric} (standard error {error}, n = {n})",
            metric_value=line.value,
        )
