"""Check task YAMLs by doing what a run does: read strictly, build, render, score once.

`lm-eval validate` checks that names exist. Here every YAML of a folder is read (a broken
one is no longer skipped in silence), its keys are compared with those that lm-eval knows,
the task is built, its first document rendered, `process_results` run on a made-up answer,
and every metric aggregated. Works on any folder of lm-eval tasks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import yaml

from bias_inherit.errors import InputError
from bias_inherit.tasks.configs import ConfigLoader, documents_of, task_files
from bias_inherit.tasks.forms.form import DEFAULT, forms_of

if TYPE_CHECKING:
    from lm_eval.api.task import Task
    from lm_eval.tasks import TaskManager

Config: TypeAlias = dict[str, object]
"""A YAML's content, whoever wrote it."""

_GROUP_KEYS = {
    "group",
    "group_alias",
    "task",
    "aggregate_metric_list",
    "metadata",
    "tag",
    "include",
}
_MORE_TASK_KEYS = {"class", "recipe"}


@dataclass(frozen=True)
class Finding:
    """Something wrong with a file."""

    path: Path
    what: str

    def __str__(self) -> str:
        """Return it as a line."""
        return f"{self.path}: {self.what}"


class _StrictLoader(ConfigLoader):
    """Refuses a duplicate key."""


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[object, object]:
    seen: set[object] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key != "<<" and key in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"duplicate key '{key}'", key_node.start_mark
            )
        seen.add(key)

    loader.flatten_mapping(node)
    return dict(loader.construct_mapping(node, deep=True))


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def validate(
    folder: Path,
    metadata: Mapping[str, object] | None = None,
    announce: Callable[[str], None] = lambda line: None,
) -> tuple[list[str], list[Finding]]:
    """Return the names of the tasks and groups that were checked, and what is wrong.

    Args:
        folder: of task YAMLs, at any depth.
        metadata: what `lm_eval --metadata` would be given.
        announce: told the name of each task and group before it is checked.

    Raises:
        InputError: the folder is absent or holds no YAML.
    """
    paths = sorted(folder.rglob("*.yaml")) if folder.is_dir() else []
    if not paths:
        raise InputError(f"{folder}: is not a folder with task YAMLs")

    findings: list[Finding] = []
    tasks: dict[str, Path] = {}
    groups: dict[str, Path] = {}
    for path in paths:
        config, problem = _read(path)
        if problem:
            findings.append(Finding(path, problem))
        elif "group" in config:
            groups[str(config["group"])] = path
            findings += [Finding(path, what) for what in _group_problems(config)]
        elif "task" in config or "class" in config:
            name = str(config.get("task"))
            if name in tasks:
                findings.append(Finding(path, f"duplicate task '{name}', also in {tasks[name]}"))
            tasks[name] = path
            findings += [Finding(path, what) for what in _key_problems(config)]
    if not tasks and not groups and not findings:
        raise InputError(f"{folder}: none of {len(paths)} YAMLs names a task or a group")

    broken = {finding.path for finding in findings}
    manager = _manager(folder, metadata or {})
    managers: dict[int, TaskManager] = {}
    for name, path in tasks.items():
        if path not in broken:
            announce(name)
            findings += [Finding(path, what) for what in _task_problems(manager, name)]
            for form in _other_forms(path, name, metadata or {}):
                announce(f"{name}, form {form}")
                if form not in managers:
                    managers[form] = _manager(folder, {**(metadata or {}), "form": form})
                problems = _task_problems(managers[form], name)
                findings += [Finding(path, f"form {form} {what}") for what in problems]
        findings += [Finding(path, what) for what in _readme_problems(path, name)]

    for name, path in groups.items():
        if path not in broken:
            announce(name)
            findings += [Finding(path, what) for what in _member_problems(manager, path)]
    return [*tasks, *groups], findings


def _read(path: Path) -> tuple[Config, str | None]:
    """Return the YAML's content with its includes, or what is wrong with it."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        return {}, f"is not valid YAML{where}: {reason}"
    if not isinstance(content, dict):
        return {}, "is not a mapping"

    merged: Config = {}
    includes = content.pop("include", [])
    for include in [includes] if isinstance(includes, str) else includes:
        base, problem = _read((path.parent / include).resolve())
        if problem:
            return {}, f"includes {include}, which {problem}"
        merged |= base
    return merged | content, None


def _key_problems(config: Config) -> Iterator[str]:
    from lm_eval.api.task import TaskConfig

    known = {field.name for field in fields(TaskConfig)} | _MORE_TASK_KEYS
    for key in config.keys() - known:
        yield f"unknown key '{key}': lm-eval would refuse or ignore it"
    metadata = config.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("version") is None:
        yield "metadata.version is missing: results could not be compared"


def _group_problems(config: Config) -> Iterator[str]:
    for key in config.keys() - _GROUP_KEYS:
        yield f"unknown key '{key}' in a group"
    if not config.get("task"):
        yield "the group has no tasks"


def _readme_problems(path: Path, name: str) -> Iterator[str]:
    for folder in (path.parent, path.parent.parent):
        readme = folder / "README.md"
        if readme.is_file():
            if name not in readme.read_text(encoding="utf-8", errors="replace"):
                yield f"{readme} does not name the task '{name}'"
            return
    yield "no README.md beside it"


def _other_forms(path: Path, name: str, metadata: Mapping[str, object]) -> list[int]:
    """Return the forms beside the default of a task of ours; none where one was asked for."""
    if "form" in metadata or task_files().get(name) != path.resolve():
        return []
    return [form for form in forms_of(documents_of(name)) if form != DEFAULT]


def _manager(folder: Path, metadata: Mapping[str, object]) -> TaskManager:
    from lm_eval.tasks import TaskManager

    return TaskManager(include_path=str(folder), include_defaults=False, metadata=dict(metadata))


def _member_problems(manager: TaskManager, path: Path) -> Iterator[str]:
    members = _read(path)[0].get("task")
    for member in members if isinstance(members, list) else [members]:
        name = member.get("task", member.get("group")) if isinstance(member, dict) else member
        if name not in manager.all_tasks:
            yield f"the group names '{name}', which is not a task in this folder"


def _task_problems(manager: TaskManager, name: str) -> list[str]:
    """Return what is wrong with a task, stopping at the first step that fails."""
    steps: list[tuple[str, Callable[[Task], str | None]]] = [
        ("render its first document", _render),
        ("score a made-up answer", _score),
    ]
    try:
        task = manager.load([name])["tasks"][name]
    except (Exception, SystemExit) as error:  # a task may run any code
        return [f"cannot be built ({_reason(error)})"]

    for step, function in steps:
        try:
            problem = function(task)
        except Exception as error:
            problem = _reason(error)
        if problem:
            return [f"cannot {step} ({problem})"]
    return []


def _reason(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


def _first(task: Task) -> Config:
    first: Config = next(iter(task.eval_docs))
    return first


def _render(task: Task) -> str | None:
    doc = _first(task)
    if not str(task.doc_to_text(doc)).strip():
        return "the prompt is empty"
    task.doc_to_target(doc)
    if task.OUTPUT_TYPE == "multiple_choice":
        choices = task.doc_to_choice(doc)
        if len(choices) < 2 or not all(str(choice).strip() for choice in choices):
            return "fewer than two choices, or an empty one"
    return None


def _score(task: Task) -> str | None:
    doc = _first(task)
    # what is aggregated: our tasks log less than that (see tasks/metrics/record.py)
    returned = dict(task.process_results(doc, _made_up(task, doc)).items())
    listed = set(task.aggregation())
    missing, unlisted = listed - returned.keys(), returned.keys() - listed
    if missing:
        return f"process_results returns no '{min(missing)}', which metric_list names"
    if unlisted:
        return f"process_results returns '{min(unlisted)}', which metric_list does not name"
    for metric, function in task.aggregation().items():
        value = function([returned[metric]])
        if isinstance(value, float) and math.isinf(value):
            return f"the metric '{metric}' is infinite"
    return None


def _made_up(task: Task, doc: Config) -> Sequence[object]:
    """Return an answer in the form that lm-eval gives one of the task's kind."""
    kind = task.OUTPUT_TYPE
    if kind == "multiple_choice":
        return [(-1.0 - i, i == 0) for i in range(len(task.doc_to_choice(doc)))]
    if kind == "loglikelihood":
        return [(-1.0, True)]
    if kind == "loglikelihood_rolling":
        return [-1.0]
    return ["A made-up answer."]
