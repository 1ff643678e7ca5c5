"""Read lm-eval's result files, whoever made them, and find out which arm each one is."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bias_inherit import store
from bias_inherit.errors import InputError
from bias_inherit.models import adapter_name
from bias_inherit.tasks.metrics import Answer

USUAL_SCORES = ("acc_norm", "acc", "exact_match", "f1", "macro_f1")
"""Which metric stands for a task that names no headline, in this order."""


@dataclass(frozen=True)
class TaskResult:
    """One task of one run.

    Attributes:
        metrics: value of each metric, None where there is no data.
        errors: standard error of each metric, None where there is none.
        config: the task's configuration as lm-eval wrote it.
        n: documents scored.
        samples: the file of logged samples, if there is one.
    """

    task: str
    metrics: Mapping[str, float | None]
    errors: Mapping[str, float | None]
    config: Mapping[str, Any]
    version: str
    n: int
    samples: Path | None

    @property
    def headline(self) -> Mapping[str, Any]:
        """The metrics that stand for the task: `score`, and `gap` where it has one."""
        metadata = self.config.get("metadata") or {}
        named = metadata.get("headline")
        if named:
            return dict(named)
        usual = [name for name in USUAL_SCORES if name in self.metrics]
        return {"score": (usual or list(self.metrics) or [""])[0]}

    @property
    def documents(self) -> tuple[Any, ...]:
        """What must agree for two results to be comparable: version and source of documents."""
        metadata = self.config.get("metadata") or {}
        provenance = metadata.get("provenance") or {}
        return self.version, provenance.get("source"), provenance.get("sha256"), self.n

    @cached_property
    def _rows(self) -> list[dict[str, Any]]:
        return store.read_jsonl(self.samples) if self.samples else []

    def answers(self, metric: str) -> list[Answer]:
        """Return the logged answers of a metric; empty where samples were not kept."""
        return [Answer(*row[metric]) for row in self._rows if isinstance(row.get(metric), list)]


@dataclass(frozen=True)
class Run:
    """One result file: a model or adapter, its arm if it has one, and its tasks."""

    name: str
    path: Path
    arm: Mapping[str, Any] | None
    base: str | None
    tasks: Mapping[str, TaskResult]

    @property
    def ratio(self) -> float | None:
        """The bias ratio of the arm, None for a model that is no arm."""
        return None if self.arm is None else self.arm.get("ratio")


def read_runs(paths: Iterable[Path]) -> list[Run]:
    """Return the runs of result files and folders; of one model in a folder the newest.

    Raises:
        InputError: a path is absent, a file is no lm-eval result, or a folder holds none.
    """
    runs: list[Run] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: no such file or folder")
        files = sorted(path.rglob("results_*.json")) if path.is_dir() else [path]
        if not files:
            raise InputError(f"{path}: holds no results_*.json; score something into it first")
        newest = {file.parent: file for file in files}  # names end in the date
        runs += [_read_run(file) for file in newest.values()]
    return runs


def _read_run(path: Path) -> Run:
    content = store.read_json(path)
    if not isinstance(content, dict) or not {"results", "configs"} <= content.keys():
        raise InputError(f"{path}: is no lm-eval result file (no 'results' and 'configs')")
    manifest = store.read_manifest(path.parent)
    if manifest is None or manifest.get("results") != path.name:
        manifest = _manifest_of_adapter(content)
    tasks = {
        task: _task_result(task, values, content, path)
        for task, values in content["results"].items()
        if task in content["configs"]
    }
    model = str(content.get("model_name") or path.parent.name)
    name = manifest.get("name") or (Path(model).name if Path(model).is_absolute() else model)
    return Run(name, path, manifest.get("arm"), manifest.get("base_fingerprint"), tasks)


def _manifest_of_adapter(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return name and arm of a run by plain lm_eval, from the adapter folder it names."""
    args = (content.get("config") or {}).get("model_args") or {}
    if isinstance(args, str):
        args = dict(part.split("=", 1) for part in args.split(",") if "=" in part)
    adapter = args.get("peft")
    if not adapter:
        return {}
    manifest = store.read_manifest(Path(adapter)) if Path(adapter).is_dir() else None
    return {"name": adapter_name(Path(adapter))} | (manifest or {})


def _task_result(
    task: str, values: Mapping[str, Any], content: Mapping[str, Any], path: Path
) -> TaskResult:
    metrics: dict[str, float | None] = {}
    errors: dict[str, float | None] = {}
    for key, value in values.items():
        name, comma, _ = key.partition(",")
        if not comma or name.endswith("_stderr_stderr"):
            continue
        if name.endswith("_stderr"):
            errors.setdefault(name.removesuffix("_stderr"), _number(value))
        else:
            metrics.setdefault(name, _number(value))
    date = path.stem.removeprefix("results_")
    samples = path.with_name(f"samples_{task}_{date}.jsonl")
    counts = (content.get("n-samples") or {}).get(task) or {}
    return TaskResult(
        task=task,
        metrics=metrics,
        errors=errors,
        config=content["configs"][task],
        version=json.dumps((content.get("versions") or {}).get(task)),
        n=int(counts.get("effective") or values.get("sample_len") or 0),
        samples=samples if samples.is_file() else None,
    )


def _number(value: Any) -> float | None:
    if isinstance(value, (int, float)) and math.isfinite(value):
        return float(value)
    return None
