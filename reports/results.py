"""Runs: whose results they are, which arm each is, and what decided them.

A run is keyed by model and task. Of several files of one model in a folder each gives its
tasks; of the same task under the same settings the newest counts, and the other is named.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from bias_inherit import manifests, store
from bias_inherit.arms import Arm
from bias_inherit.errors import InputError
from bias_inherit.manifests import Adapter, Score
from bias_inherit.models import adapter_name
from bias_inherit.reports.result_files import (
    Measured,
    ResultFile,
    TaskEntry,
    find_files,
    leftovers,
    read_file,
)
from bias_inherit.tasks.forms.form import DEFAULT
from bias_inherit.tasks.metrics.headline import Headline
from bias_inherit.tasks.metrics.table import group_counts

_MODEL_KEYS = ("pretrained", "model", "model_name", "path", "engine")
"""Arguments of lm-eval's models that name the model, in this order."""


@dataclass(frozen=True)
class TaskResult:
    """One task of one run: what its file says of it, and the settings that it was scored under.

    Attributes:
        entry: the numbers, with the task's configuration.
        settings: see `ResultFile.settings`.
        path: the result file.
    """

    entry: TaskEntry
    settings: Mapping[str, str]
    path: Path

    @property
    def task(self) -> str:
        """The task's name."""
        return self.entry.task

    @property
    def n(self) -> int | None:
        """Documents scored; None is unknown. Lm-eval's number counts baselines of a form too."""
        if self.headline is not None:
            counts = [self.metrics.get(name) for name in group_counts(self.metrics).values()]
            own = self.metrics.get("n") or sum(count or 0 for count in counts)
            if own:
                return int(own)
        return self.entry.n

    @cached_property
    def metrics(self) -> dict[str, float | None]:
        """Value by name; a name without a filter is that of its first filter too."""
        named = {m.metric: m.value for m in reversed(self.entry.measured)}
        return named | {m.name: m.value for m in self.entry.measured}

    @cached_property
    def errors(self) -> dict[str, float | None]:
        """Standard error by name, as `metrics`."""
        named = {m.metric: m.stderr for m in reversed(self.entry.measured)}
        return named | {m.name: m.stderr for m in self.entry.measured}

    @cached_property
    def headline(self) -> Headline | None:
        """The metrics that the task declares; None for a task that declares none."""
        return Headline.from_metadata(self.entry.config.get("metadata"))

    @property
    def provenance(self) -> Mapping[str, Any]:
        """What the task says of its documents; empty for a task that says nothing."""
        metadata = self.entry.config.get("metadata")
        told = metadata.get("provenance") if isinstance(metadata, dict) else None
        return told if isinstance(told, dict) else {}

    @property
    def form(self) -> int:
        """The form that the question was asked in; the default where nothing is said."""
        told = self.provenance.get("form")
        return told if isinstance(told, int) else DEFAULT

    @property
    def samples(self) -> Path | None:
        """The file of logged samples, if there is one."""
        date = self.path.stem.removeprefix("results_")
        file = self.path.with_name(f"samples_{self.task}_{date}.jsonl")
        return file if file.is_file() else None

    @cached_property
    def logged(self) -> list[Mapping[str, Any]]:  # samples of anybody's task
        """The logged samples; empty where none were kept. Read once for a result."""
        return [] if self.samples is None else list(store.read_jsonl(self.samples))

    def measured(self, name: str) -> Measured | None:
        """Return a number by its name."""
        found = (m for m in self.entry.measured if name in (m.name, m.metric))
        return next(found, None)


@dataclass(frozen=True)
class Run:
    """The results of one model or adapter.

    Attributes:
        name: of the model; rows of one name are told apart by `label`.
        label: the name, with what tells it from others where that is needed.
        path: its newest result file.
        arm: what an adapter was trained as; None for a model that is not an arm.
        base: fingerprint of the base model, where it is known.
        tasks: by name.
        file: what that result file says.
    """

    name: str
    label: str
    path: Path
    arm: Arm | None
    base: str | None
    tasks: Mapping[str, TaskResult]
    file: ResultFile = field(repr=False)

    @property
    def forms(self) -> set[int]:
        """The forms in which its tasks were asked."""
        return {result.form for result in self.tasks.values()}

    @property
    def ratio(self) -> float | None:
        """The bias ratio of the arm, None for a model that is not one."""
        if self.arm is None or self.arm.ratio is None:
            return None
        return float(self.arm.ratio)


def to_stderr(line: str) -> None:
    """Print a line beside the output proper."""
    print(line, file=sys.stderr)


def read_runs(paths: Iterable[Path], tell: Callable[[str], None] = to_stderr) -> list[Run]:
    """Return the runs of result files and folders.

    Args:
        paths: files, or folders of them.
        tell: told in a line of each file that is left out, and of each result that a newer one
            supersedes.

    Raises:
        InputError: a path is absent, a file that was named cannot be read, or a folder holds
            none that can.
    """
    runs: list[Run] = []
    seen: set[Path] = set()
    for path in paths:
        files, errors = _readable(path)
        for line in leftovers(errors):
            tell(line)
        new = [file for file in files if file.path.resolve() not in seen]
        seen.update(file.path.resolve() for file in new)
        runs += _of_one_path(new, tell)
    return _labelled(runs)


def _readable(path: Path) -> tuple[list[ResultFile], list[InputError]]:
    files: list[ResultFile] = []
    errors: list[InputError] = []
    for file in find_files(path):
        try:
            files.append(read_file(file))
        except InputError as error:
            if not path.is_dir():
                raise
            errors.append(error)
    if errors and not files:
        raise errors[0]
    return files, errors


def _of_one_path(files: Iterable[ResultFile], tell: Callable[[str], None]) -> list[Run]:
    """Return the runs of the files of a path, the oldest first."""
    models: dict[tuple[object, ...], list[Run]] = {}
    for file in files:
        name, arm, base = _whose(file)
        # another adapter on the same base is another model: all arguments count
        args = tuple(sorted(file.model_args.items()))
        known = models.setdefault((file.path.parent, name, args), [])
        for entry in file.tasks:
            result = TaskResult(entry, file.settings, file.path)
            _place(known, result, Run(name, name, file.path, arm, base, {}, file), tell)
    return [run for known in models.values() for run in known]


def _place(known: list[Run], result: TaskResult, new: Run, tell: Callable[[str], None]) -> None:
    """Put a task's result into the first run of a model that has it not, or has an older one."""
    for i, run in enumerate(known):
        there = run.tasks.get(result.task)
        if there is not None and conditions(there) != conditions(result):
            continue
        if there is not None:
            tell(f"{there.path}: {result.task} is superseded by the newer {result.path.name}")
        known[i] = replace(new, tasks={**run.tasks, result.task: result})
        return
    known.append(replace(new, tasks={result.task: result}))


def conditions(result: TaskResult) -> dict[str, str]:
    """Return what two results must share to be comparable, documents apart, by its name."""
    entry = result.entry
    config = entry.config
    filters = sorted({m.filter for m in entry.measured})
    return {
        **result.settings,
        "shots": "" if entry.shots is None else str(entry.shots),
        "task version": entry.version,
        "task's generation settings": str(config.get("generation_kwargs") or ""),
        "filters": ", ".join(filters),
        "form": str(result.form),
    }


def _whose(file: ResultFile) -> tuple[str, Arm | None, str | None]:
    """Return name, arm and base of a file's model: from the manifests, else from lm-eval."""
    beside = _manifest(file.path.parent, Score)
    if beside is not None and file.path.name in beside.files:
        return beside.name or _model(file), beside.arm, beside.base_fingerprint

    adapter = file.model_args.get("peft")
    if adapter:
        folder = Path(adapter)
        manifest = _manifest(folder, Adapter) if folder.is_dir() else None
        arm = None if manifest is None else manifest.arm
        return adapter_name(folder), arm, manifest.base_fingerprint if manifest else None
    return _model(file), None, None


def _manifest(path: Path, kind: type[manifests.M]) -> manifests.M | None:
    return manifests.read(path, kind)


def _model(file: ResultFile) -> str:
    named = (file.model_args.get(key) for key in _MODEL_KEYS)
    model = file.model_name or next((name for name in named if name), "") or file.path.parent.name
    return Path(model).name if Path(model).is_absolute() else model


def _labelled(runs: list[Run]) -> list[Run]:
    """Tell runs of one name apart: by their folder, else their date, else the settings."""
    for tell_apart in (_by_folder, _by_settings, _by_date, lambda run: str(run.path)):
        many = Counter(run.label for run in runs)
        if max(many.values(), default=1) == 1:
            break
        runs = [
            replace(run, label=_with(run, tell_apart(run))) if many[run.label] > 1 else run
            for run in runs
        ]
    return runs


def _with(run: Run, remark: str) -> str:
    if not remark or remark in run.label:
        return run.label
    return (
        f"{run.label.removesuffix(')')}, {remark})"
        if "(" in run.label
        else (f"{run.label} ({remark})")
    )


def _by_folder(run: Run) -> str:
    return run.path.parent.name if run.path.parent.name not in ("", run.name) else ""


def _by_settings(run: Run) -> str:
    shots = {result.entry.shots for result in run.tasks.values()} - {None}
    said = [f"{shots.pop()}-shot"] if len(shots) == 1 else []
    said += [f"form {form}" for form in sorted(run.forms - {DEFAULT})]
    said += ["chat template"] if run.file.settings.get("chat template") else []
    return ", ".join(said)


def _by_date(run: Run) -> str:
    return run.file.date
