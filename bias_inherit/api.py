"""The Python API: what a notebook needs, under one name each.

`import bias_inherit` gives these names lazily: a room is imported when one of its functions is
called, and torch only by those that train, score or embed. Axes, generators, mitigations and
models are named as on the command line; an own one is a folder or file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from bias_inherit.bias_augment.audit import Audit
    from bias_inherit.bias_augment.data.mix import Size
    from bias_inherit.manifests import Adapter
    from bias_inherit.reports.leaderboard import Section
    from bias_inherit.rows import Example

StrPath = str | Path


def load_results(*paths: StrPath) -> pd.DataFrame:
    """Return lm-eval's results as a table: one row per model, task, form, metric and filter.

    Args:
        paths: result files, or folders of them; of anyone's runs.

    Returns:
        Columns model, axis, bias_type, ratio, mitigation, seed, round (of an arm; else None),
        task, form, metric, filter, value, stderr, n, path. A missing value is no data.

    Raises:
        InputError: a path is absent or holds no results.
    """
    import pandas as pd

    from bias_inherit.reports.results import read_runs
    from bias_inherit.reports.table import COLUMNS, result_rows

    runs = read_runs([Path(path) for path in paths])
    return pd.DataFrame.from_records(list(result_rows(runs)), columns=COLUMNS)


@dataclass(frozen=True)
class Leaderboard:
    """Models side by side, a section per task; a notebook shows it as tables."""

    sections: Sequence[Section]

    def to_markdown(self) -> str:
        """Return one Markdown table per task."""
        from bias_inherit.reports.markdown import to_markdown

        return to_markdown(self.sections)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, with a schema version."""
        from bias_inherit.reports.markdown import to_json

        return to_json(self.sections)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per task and model: value, 95 % interval and n of each estimate."""
        import pandas as pd

        from bias_inherit.reports.table import board_rows

        return pd.DataFrame.from_records(list(board_rows(self.sections)))

    def _repr_markdown_(self) -> str:
        return self.to_markdown()


def leaderboard(*paths: StrPath, baseline: str | None = None) -> Leaderboard:
    """Compare models: scores and bias gaps with intervals, and their change from ratio 0.

    Args:
        paths: result files, or folders of them.
        baseline: compare with this model instead of each arm's ratio 0.

    Raises:
        InputError: a path is absent or holds no results, or no model has that name.
    """
    from bias_inherit.reports.leaderboard import leaderboard as compare
    from bias_inherit.reports.results import read_runs

    return Leaderboard(compare(read_runs([Path(path) for path in paths]), baseline))


def draw_original(
    axis: str = "gender",
    data: str | None = None,
    per_cell: int | None = None,
    seed: int = 0,
    *,
    balanced: bool = True,
) -> list[Example]:
    """Draw the original data D_o of an axis.

    Args:
        axis: gender, culture, age, race, or a folder of your own.
        data: None (the mini data), "full", or a folder of prepared data.
        per_cell: rows per label (or question) and group; None: the axis's.
        seed: of the draw.
        balanced: refuse a cell with fewer rows; False takes what is there.

    Raises:
        InputError: the axis or the data is not there, or a cell has too few rows.
    """
    from bias_inherit.bias_augment.axes.axis import load_axis
    from bias_inherit.bias_augment.data import originals

    return originals.draw_original(load_axis(axis), data, per_cell, seed, balanced).rows


def augment(
    original: Sequence[Example],
    bias_type: str,
    *,
    axis: str = "gender",
    n: int | None = None,
    generator: str = "template",
    seed: int = 0,
    retries: int = 2,
    label: str | None = None,
    label_share: StrPath | None = None,
    replies: StrPath | None = None,
    progress: Callable[[int], None] = lambda done: None,
    **options: Any,
) -> list[Example]:
    """Write augmented data D_a.

    Args:
        original: D_o, whose rows are written from.
        bias_type: one of the eight, or a control: "neutral", "self", "counterfactual".
        axis: as for `draw_original`.
        n: rows; None: as many as D_o has.
        generator: who writes (`bias-inherit generators`).
        seed: of the draws.
        retries: how often an unusable reply is asked for again.
        label: "chosen" (the generator decides) or "given" (the source row, or the shares).
        label_share: a YAML or JSON file, group -> label -> how often it is given.
        replies: a file that keeps the replies, so that none is asked for twice.
        progress: called with the number of requests answered; those asked again count anew.
        options: of the generator, such as `model="DIR"`.

    Returns:
        The usable rows: fewer than `n` where replies could not be used.

    Raises:
        InputError: a name or an option is unknown, or none of the replies can be used.
    """
    from bias_inherit.bias_augment.axes.axis import load_axis
    from bias_inherit.bias_augment.axes.bias_types import check_bias_type
    from bias_inherit.bias_augment.writing.generators.record import Recorded
    from bias_inherit.bias_augment.writing.generators.registry import load_generator
    from bias_inherit.bias_augment.writing.labels import read_labels
    from bias_inherit.bias_augment.writing.produce import produce

    social = load_axis(axis)
    check_bias_type(social, bias_type)
    writer = load_generator(generator, options)
    if replies is not None:
        writer = Recorded(writer, Path(replies))
    wanted = len(original) if n is None else n
    labels = read_labels(label, None if label_share is None else Path(label_share))
    return produce(
        social, bias_type, original, wanted, seed, writer, retries, progress, labels
    ).examples


def mix(
    original: Sequence[Example],
    augmented: Sequence[Example],
    ratio: float | str | Fraction,
    size: Size = "original-fixed",
    seed: int = 0,
) -> list[Example]:
    """Mix original and augmented data at an exact bias ratio |D_a| / |D|.

    Args:
        original: D_o.
        augmented: D_a.
        ratio: 0.2, "20%" or "1/5".
        size: "original-fixed" keeps D_o and adds; "total-fixed" keeps the number of rows.
        seed: of the draw; for one seed a larger mix holds every augmented row of a smaller.

    Raises:
        InputError: the ratio is not in [0, 1), or there are too few augmented rows.
    """
    from bias_inherit.bias_augment.data import mix as mixing

    return mixing.mix(original, augmented, mixing.parse_ratio(str(ratio)), size, seed)


def finetune(
    data: StrPath | Sequence[Example],
    out: StrPath,
    *,
    base: str = "lab",
    mitigation: str = "none",
    mitigation_options: Mapping[str, Any] | None = None,
    preset: str | None = None,
    start: StrPath | None = None,
    axis: str | None = None,
    **settings: Any,
) -> Adapter | None:
    """Fine-tune a LoRA adapter; the loss falls on the completions alone.

    Args:
        data: a file or dataset folder, or rows, which are written beside `out`.
        out: the adapter folder to write.
        base: folder, hub id or .gguf file of a causal model, or "lab".
        mitigation: a name (`bias-inherit mitigations`), or a .py file of your own.
        mitigation_options: its options by name.
        preset: published settings: "paper-gender" or "paper-culture".
        start: an adapter to train on from.
        axis: folder of an axis of your own that the rows are of.
        settings: see `Settings`, such as `epochs=3, seed=1`.

    Returns:
        The adapter's manifest; None on every process but the first.

    Raises:
        InputError: the data is broken, a name or value is wrong, or the loss is not finite.
    """
    from bias_inherit.bias_augment.axes.axis import load_axis
    from bias_inherit.bias_augment.lab.settings import settings_for
    from bias_inherit.bias_augment.training.finetune import finetune as train
    from bias_inherit.mitigations import load_mitigation
    from bias_inherit.models import resolve_model

    written = {name: str(value) for name, value in (mitigation_options or {}).items()}
    return train(
        resolve_model(base),
        _as_file(data, Path(out)),
        Path(out),
        load_mitigation(mitigation, written),
        settings_for(base, preset, settings),
        None if start is None else Path(start),
        None if axis is None else load_axis(axis),
        preset,
    )


def _as_file(data: StrPath | Sequence[Example], out: Path) -> Path:
    """Return the file of the rows; those that are in memory are written beside the adapter."""
    if isinstance(data, (str, Path)):
        return Path(data)
    from bias_inherit import store

    path = out.with_name(f"{out.name}.data.jsonl")
    store.write_jsonl(path, data)
    return path


def score(
    adapters: Iterable[StrPath] | Mapping[str, StrPath] = (),
    out: StrPath = "scores",
    *,
    base: str = "lab",
    tasks: str | Sequence[str] = "bias_inherit_*",
    announce: Callable[[str], None] = lambda line: None,
    **options: Any,
) -> list[Path]:
    """Score a base and its adapters with lm-eval; the base is loaded once.

    Args:
        adapters: folders, patterns of them and hub ids ("org/name@revision"), or folders by
            name; the base is always scored.
        out: folder for one results folder per model.
        base: folder, hub id or .gguf file of a causal model, or "lab".
        tasks: task names or patterns.
        announce: told which model begins.
        options: see `harness.options.Options`, such as `limit=8`; `resume` is True here.

    Returns:
        The results folders, the base's first.

    Raises:
        InputError: the base is not a causal model, an adapter does not fit, or a task is unknown.
    """
    from bias_inherit.harness.adapters import find_adapters
    from bias_inherit.harness.score import Options
    from bias_inherit.models import resolve_model
    from bias_inherit.runs.scored import score_into

    if isinstance(adapters, Mapping):
        named = {name: Path(path) for name, path in adapters.items()}
    else:
        named = find_adapters([str(path) for path in adapters])
    patterns = tuple(tasks.split(",")) if isinstance(tasks, str) else tuple(tasks)
    chosen = Options(**{"tasks": patterns, "resume": True, **options})
    return score_into(Path(out), resolve_model(base), named, chosen, announce)


def sweep(
    grid: StrPath | Mapping[str, Any],
    out: StrPath,
    *,
    workers: int | None = None,
    update: bool = False,
    announce: Callable[[str], None] = lambda line: None,
) -> Leaderboard:
    """Train and score every arm of a grid; what is done in its run folder is not done again.

    The arms are made in processes of their own, so a script calls it below
    `if __name__ == "__main__":`.

    Args:
        grid: a YAML file, the name of a preset, or what such a file holds (docs/SWEEP.md).
        out: the run folder, which goes on where it stopped.
        workers: processes side by side; None is what cores, memory and GPUs hold.
        update: whether what depends on a changed setting is made anew.
        announce: told what is made, and what an arm took.

    Raises:
        InputError: the grid is wrong, the folder holds something else or another process holds it;
            or arms failed, which are named after the others are done.
    """
    from bias_inherit.errors import InputError
    from bias_inherit.runs.executors import local
    from bias_inherit.runs.grid import parse_grid, read_grid
    from bias_inherit.runs.plan import make_plan
    from bias_inherit.runs.sweep import arm_folders
    from bias_inherit.runs.sweep import sweep as run
    from bias_inherit.runs.watchers import Telling

    asked = parse_grid(grid, "grid") if isinstance(grid, Mapping) else read_grid(str(grid))
    result = run(
        asked, Path(out), lambda base, jobs: local(base, jobs, workers), Telling(announce), update
    )
    if result.failed:
        told = "; ".join(f"{name}: {why}" for name, why in list(result.failed.items())[:3])
        raise InputError(f"{len(result.failed)} of {result.total} models failed: {told}")
    # the folder may hold arms of a larger grid that was run before
    return leaderboard(*(arm.eval for arm in arm_folders(make_plan(asked), Path(out)).values()))


def audit(
    augmented: StrPath,
    original: StrPath | None = None,
    *,
    axis: str | None = None,
    columns: str | None = None,
    original_columns: str | None = None,
    encoder: str = "lab",
    seed: int = 0,
) -> Audit:
    """Tell what is in a synthetic data set: counts, cues, copies, traits, distance to D_o.

    Args:
        augmented: D_a: a file of ours; with `columns` any file or hub id.
        original: D_o, to compare with.
        axis: a name or a folder; None: what the rows of D_a say.
        columns: of D_a, such as "text=bio,group=sex,label=job".
        original_columns: the same of D_o.
        encoder: of the distance: a transformers model, or "lab".
        seed: of the resampling.

    Raises:
        InputError: a file is broken, or the axis unknown.
    """
    from bias_inherit.bias_augment.audit import audit as look
    from bias_inherit.bias_augment.audit import read_data
    from bias_inherit.rows import AUGMENTED, ORIGINAL

    social, rows = read_data(str(augmented), AUGMENTED, axis, columns)
    if original is None:
        return look(social, rows, None, None, seed)

    from bias_inherit.bias_augment.audit.embed import load_encoder

    _, others = read_data(str(original), ORIGINAL, axis or social.axis, original_columns)
    return look(social, rows, others, load_encoder(encoder), seed)
