"""Find lm-eval's result files and read what they say, whoever made them.

A file of somebody else's holds values of any type: what is not understood is left out, and
never an error. Only a file that is no result file at all is one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bias_inherit import store
from bias_inherit.errors import InputError

NAMES = "results_*.json"
"""lm-eval's names of result files in a folder; they end in the date."""

_NEXT = re.compile(r",(?=\s*[A-Za-z_][\w.]*\s*=)")
_ERROR = "_stderr"


@dataclass(frozen=True)
class Measured:
    """One number of a task: a metric behind one of lm-eval's filters.

    Attributes:
        metric, filter: their names; the filter is "none" where there is none.
        value, stderr: None is no data, or unknown.
    """

    metric: str
    filter: str
    value: float | None
    stderr: float | None

    @property
    def name(self) -> str:
        """The metric, with its filter where it has one."""
        return self.metric if self.filter in ("none", "") else f"{self.metric},{self.filter}"


@dataclass(frozen=True)
class TaskEntry:
    """What a file says of one task, or of a group of tasks.

    Attributes:
        measured: its numbers in the file's order.
        config: the task's own configuration; empty for a group.
        version: of the task.
        shots: few-shot examples; None is unknown.
        n: documents scored; None is unknown.
        is_group: whether it is a row over other tasks.
    """

    task: str
    measured: tuple[Measured, ...]
    config: Mapping[str, Any]  # a YAML of anybody's
    version: str
    shots: int | None
    n: int | None
    is_group: bool


@dataclass(frozen=True)
class ResultFile:
    """A result file.

    Attributes:
        model_name: as lm-eval wrote it; "" where it wrote none.
        model_args: what the model was made from, as text by name.
        settings: what decided the answers beside the task: chat template, system instruction,
            generation settings; as text by what it is called.
        date: of the run, from the file's name, "" where it has none.
        adapter_sha256: of the adapter, where `bias-inherit score` wrote it.
    """

    path: Path
    model_name: str
    model_args: Mapping[str, str]
    settings: Mapping[str, str]
    tasks: tuple[TaskEntry, ...]
    date: str
    adapter_sha256: str | None


def find_files(path: Path) -> list[Path]:
    """Return the result files of a path: itself, or those in a folder, the oldest first.

    Raises:
        InputError: the path is absent, or the folder holds none.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if not path.is_dir():
        return [path]
    files = sorted(path.rglob(NAMES), key=lambda file: (str(file.parent), file.name))
    if not files:
        raise InputError(f"{path}: holds no {NAMES}; score something into it first")
    return files


def read_file(path: Path) -> ResultFile:
    """Return what a result file says.

    Raises:
        InputError: it is not JSON, or not a result file of lm-eval 0.4 or later.
    """
    content = store.read_json(path)
    given = content if isinstance(content, dict) else {}
    if not isinstance(given.get("results"), dict):
        raise InputError(f"{path}: is not an lm-eval result file (it has no 'results')")
    if not isinstance(given.get("configs"), dict):
        raise InputError(f"{path}: was written by lm-eval before 0.4 (it has no 'configs')")

    read = _Content.model_validate(given)
    return ResultFile(
        path=path,
        model_name=read.model_name,
        model_args=parse_args(read.config.model_args),
        settings=read.settings(),
        tasks=tuple(read.tasks()),
        date=path.stem.removeprefix("results_") if path.stem.startswith("results_") else "",
        adapter_sha256=read.config.adapter_sha256 or None,
    )


def parse_args(given: Any) -> dict[str, str]:  # whatever a file holds
    """Return lm-eval's `model_args` by name: a mapping, or a text such as "a=b,c=[1,2]"."""
    if isinstance(given, str):
        pairs = (part.partition("=") for part in _NEXT.split(given) if "=" in part)
        named = {name.strip(): value.strip() for name, _, value in pairs}
        return {name: value for name, value in named.items() if value not in ("", "None")}
    return {str(name): str(value) for name, value in _mapping(given).items() if value is not None}


def _measured(values: Mapping[str, Any]) -> Iterator[Measured]:
    """Yield a task's numbers; its keys are `metric,filter` and `metric_stderr,filter`."""
    for key, value in values.items():
        metric, comma, filter_ = key.partition(",")
        if comma and not metric.endswith(_ERROR):
            error = values.get(f"{metric}{_ERROR},{filter_}")
            yield Measured(metric, filter_, number(value), number(error))


def number(value: Any) -> float | None:  # whatever a file holds
    """Return a finite number; None for everything else, such as NaN and "N/A"."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None


def _count(value: Any) -> int | None:
    found = number(value)
    return None if found is None or found < 0 else int(found)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _canonical(value)


def _canonical(value: Any) -> str:
    """Return any value as text, the same for equal ones; "" for nothing."""
    return "" if value in (None, "", {}, []) else json.dumps(value, sort_keys=True, default=str)


Text = Annotated[str, BeforeValidator(_text)]
Table = Annotated[dict[str, Any], BeforeValidator(_mapping)]  # whatever a file holds


class _Config(BaseModel):
    """How the model was run (key `config`)."""

    model_config = ConfigDict(protected_namespaces=())

    model_args: Any = None
    gen_kwargs: Annotated[str, BeforeValidator(_canonical)] = ""
    adapter_sha256: Text = ""


class _Content(BaseModel):
    """A result file as lm-eval writes it; a value of another type counts as none."""

    model_config = ConfigDict(protected_namespaces=())

    results: Table
    configs: Table
    config: Annotated[_Config, BeforeValidator(_mapping)] = _Config()
    model_name: Text = ""
    versions: Table = {}
    samples: Table = Field(default={}, alias="n-samples")
    shots: Table = Field(default={}, alias="n-shot")
    chat_template_sha: Text = ""
    chat_template: Text = ""
    system_instruction_sha: Text = ""
    system_instruction: Text = ""
    fewshot_as_multiturn: object = None

    def settings(self) -> dict[str, str]:
        """Return what decided the answers beside the tasks, by what it is called."""
        return {
            "chat template": self.chat_template_sha or self.chat_template,
            "system instruction": self.system_instruction_sha or self.system_instruction,
            "few-shot as turns": "yes" if self.fewshot_as_multiturn is True else "",
            "generation settings": self.config.gen_kwargs,
        }

    def tasks(self) -> Iterator[TaskEntry]:
        """Yield what is said of each task."""
        for task, values in self.results.items():
            if not isinstance(values, dict):
                continue

            config = _mapping(self.configs.get(task))
            counted = _mapping(self.samples.get(task)).get("effective", values.get("sample_len"))
            yield TaskEntry(
                task=task,
                measured=tuple(_measured(values)),
                config=config,
                version=_canonical(self.versions.get(task)),
                shots=_count(self.shots.get(task, config.get("num_fewshot"))),
                n=_count(counted) or None,
                is_group=task not in self.configs,
            )


def leftovers(errors: Iterable[InputError]) -> Iterator[str]:
    """Yield a line for each file of a folder that could not be read."""
    return (f"left out: {error}" for error in errors)
