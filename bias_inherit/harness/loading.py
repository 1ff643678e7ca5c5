"""The tasks that models are scored on: ours, and any of lm-eval's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bias_inherit import store
from bias_inherit.errors import BiasInheritError, InputError, one_line, unknown
from bias_inherit.harness.once import keep_requests
from bias_inherit.harness.options import Options
from bias_inherit.tasks.configs import documents_of, task_files
from bias_inherit.tasks.forms.form import chosen_form, forms_of
from bias_inherit.tasks.spill_over import spill_over

if TYPE_CHECKING:
    from lm_eval.api.task import Task
    from lm_eval.tasks import TaskManager

_OURS = ("bias_inherit", "bias-inherit", "gen_bias_inherit")
"""What names of ours begin with: such a name is not looked for among lm-eval's own tasks."""


def tasks_folder() -> Path:
    """Return the folder for lm-eval's `--include_path`."""
    from bias_inherit import tasks

    return Path(tasks.__file__).resolve().parent


def _nobody(_: str) -> None:
    """Be told something that nobody wants to know."""


@dataclass(frozen=True)
class Asked:
    """Tasks whose questions are asked in one form; None is each task's default."""

    form: int | None
    tasks: Sequence[Task]
    manager: TaskManager
    digests: Mapping[str, str]
    """What each task is, by its name: its configuration, with where its documents are from."""

    @classmethod
    def of(
        cls, options: Options, form: int | None = None, announce: Callable[[str], None] = _nobody
    ) -> Asked:
        """Load them; as `load_tasks`."""
        manager, tasks = load_tasks(options, form, announce)
        return cls(form, tasks, manager, {task.task_name: _digest(task) for task in tasks})

    def only(self, names: Iterable[str]) -> Asked:
        """Return some of the tasks."""
        chosen = set(names)
        return replace(
            self,
            tasks=[task for task in self.tasks if task.task_name in chosen],
            digests={name: one for name, one in self.digests.items() if name in chosen},
        )


def _digest(task: Task) -> str:
    config = json.dumps(task.dump_config(), sort_keys=True, default=str)
    return store.sha256_lines([str(task.VERSION), config])


def load_forms(options: Options, announce: Callable[[str], None] = _nobody) -> list[Asked]:
    """Return the tasks in each form that was asked for.

    With "all" a task is asked in the forms that it has.

    Args:
        options: with the tasks and the forms.
        announce: told which tasks are left out.

    Raises:
        InputError: a pattern names nothing, or a task has not such a form.
    """
    if options.forms is None:
        return [Asked.of(options, announce=announce)]
    if options.spill_over:
        raise InputError(
            "lm-eval's own tasks have no forms: ask for --spill-over apart, or --forms"
        )

    named = [task.config.task for task in load_tasks(options)[1]]
    if others := sorted(set(named) - set(task_files())):
        raise InputError(f"task '{others[0]}' has no forms: score it apart, without --forms")
    known = {name: set(forms_of(documents_of(name))) for name in named}
    if options.forms == "all":
        numbers = sorted(set().union(*known.values()))
    else:
        numbers = _numbers(options.forms)
        for name in named:
            for number in numbers:
                chosen_form(documents_of(name), number)

    asked = []
    for number in numbers:
        some = tuple(name for name in named if number in known[name])
        asked.append(Asked.of(replace(options, tasks=some), number))
    return asked


def _numbers(written: str) -> list[int]:
    parts = [part.strip() for part in written.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise InputError(f"forms '{written}': write numbers, such as 2 or 1,3, or all")
    return sorted({int(part) for part in parts})


def load_tasks(
    options: Options, form: int | None = None, announce: Callable[[str], None] = _nobody
) -> tuple[TaskManager, list[Task]]:
    """Return the tasks that the patterns name, each once: of a group or a tag its members.

    Args:
        options: with the patterns.
        form: in which they are asked; None is the default.
        announce: told of tasks about spill-over whose data cannot be had.

    Raises:
        InputError: a pattern names nothing, the data of a task cannot be had, or of a kind of
            spill-over that of none.
    """
    from lm_eval.tasks import TaskManager

    ours = TaskManager(
        include_path=str(tasks_folder()), include_defaults=False, metadata=options.metadata(form)
    )
    theirs: TaskManager | None = None  # takes seconds to make
    tasks: dict[str, Task] = {}
    for pattern in options.tasks:
        manager = ours
        if not ours.match_tasks([pattern]) and not pattern.startswith(_OURS):
            theirs = theirs or TaskManager(metadata=options.metadata(form))
            manager = theirs
        for member, task in _matching(pattern, manager, tasks, ours.all_tasks):
            tasks.setdefault(member, task)
    for kind in options.spill_over:
        theirs = theirs or TaskManager(metadata=options.metadata(form))
        tasks |= _about(kind, theirs, tasks, announce)
    _check_runnable(tasks.values())
    keep_requests(tasks.values())
    return ours, list(tasks.values())


def _about(
    kind: str, manager: TaskManager, known: Iterable[str], announce: Callable[[str], None]
) -> dict[str, Task]:
    """Return the tasks about a kind of spill-over whose data can be had.

    Args:
        kind: "ability", say.
        manager: of lm-eval's tasks.
        known: names of tasks that are there already.
        announce: told of each task that is left out.

    Raises:
        InputError: there is no such kind, or no data of it.
    """
    if kind not in spill_over():
        raise unknown("kind of spill-over", kind, spill_over())
    found: dict[str, Task] = {}
    missing = []
    for name in spill_over()[kind]:
        try:
            found |= _matching(name, manager, known, ())
        except InputError as error:
            missing.append(str(error))
    if len(missing) == len(spill_over()[kind]):
        raise InputError(f"spill-over on {kind}: no task can be scored; the first: {missing[0]}")
    for line in missing:
        announce(f"left out: {line}")
    return found


def _matching(
    pattern: str, manager: TaskManager, known: Iterable[str], ours: Iterable[str]
) -> Iterator[tuple[str, Task]]:
    """Yield the tasks that a pattern names.

    Args:
        pattern: name or pattern of tasks, groups or tags.
        manager: of the tasks.
        known: names of tasks that are there already.
        ours: the names of all that is ours, for the message.

    Raises:
        InputError: it names nothing, or the data of one of lm-eval's own cannot be had.
    """
    matched = manager.match_tasks([pattern])
    if not matched:
        raise unknown("task", pattern, {*manager.all_tasks, *ours})
    # single tasks first: a group's members among them are not loaded twice
    for name in sorted(matched, key=lambda name: name in manager.all_groups):
        if name in known:
            continue
        try:
            yield from manager.load([name])["tasks"].items()
        except BiasInheritError:
            raise
        except Exception as error:  # of the network, of a package that it needs, of its own code
            if name in task_files():
                raise
            raise InputError(
                f"task '{name}': its data or code cannot be had here ({one_line(error)}); "
                "leave it out, or fetch it where there is a network"
            ) from None


def _check_runnable(tasks: Iterable[Task]) -> None:
    """Check that tasks neither run what a model writes nor show it pictures.

    Raises:
        InputError: one does: lm-eval refuses it later.
    """
    for task in tasks:
        if getattr(task, "UNSAFE_CODE", False):
            raise InputError(
                f"task '{task.task_name}' runs code that the model writes: leave it out"
            )
        if getattr(task, "MULTIMODAL", False):
            raise InputError(f"task '{task.task_name}' shows pictures or sounds: leave it out")
