"""What lm-eval does anew for each model although it is the same for all, done once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from functools import cache
from typing import TYPE_CHECKING, Any

from bias_inherit.tasks.configs import task_files

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.task import Task


def keep_requests(tasks: Iterable[Task]) -> None:
    """Let tasks keep the requests that they build, for the models that are asked the same.

    Ours keep their documents too, which nothing changes, and what is right of each.
    """
    ours = task_files()
    for task in tasks:
        task.build_all_requests = _Requests(task)
        if task.config.task in ours:
            task.doc_iterator = _Documents(task)
            task.doc_to_target = _Targets(task)


class _Requests:
    """Builds the requests of a task, and gives them again where nothing of it has changed."""

    def __init__(self, task: Task) -> None:
        self._task, self._build = task, task.build_all_requests
        self._how: dict[str, Any] | None = None  # lm-eval's arguments
        self._made: list[Instance] = []

    def __call__(self, **how: Any) -> None:
        """Build them, or give them again, without the answers of the model before."""
        if how != self._how:
            self._build(**how)
            self._how, self._made = how, self._task.instances
        self._task._instances = [_unanswered(instance) for instance in self._made]


def _unanswered(instance: Instance) -> Instance:
    fresh = copy(instance)
    fresh.resps, fresh.filtered_resps = [], {}
    return fresh


class _Documents:
    """Reads the documents of a task, and gives the same ones again."""

    def __init__(self, task: Task) -> None:
        self._read = task.doc_iterator
        self._known: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}

    def __call__(self, **how: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Return them with their numbers."""
        key = repr(sorted(how.items()))
        if key not in self._known:
            self._known[key] = list(self._read(**how))
        return iter(self._known[key])


class _Targets:
    """Tells what is right of a document that is kept, by which object it is."""

    def __init__(self, task: Task) -> None:
        self._find = task.doc_to_target
        self._known: dict[int, tuple[Mapping[str, Any], Any]] = {}  # with it, so that it stays

    def __call__(self, doc: Mapping[str, Any], *more: Any) -> Any:
        """Return it, as lm-eval reads it from the task's file."""
        if more:
            return self._find(doc, *more)
        if id(doc) not in self._known:
            self._known[id(doc)] = doc, self._find(doc)
        return self._known[id(doc)][1]


@contextmanager
def machine_asked_once() -> Iterator[None]:
    """Let torch look once for what lm-eval writes of the machine: it starts ten programs for it."""
    from torch.utils import collect_env

    plain = collect_env.get_pretty_env_info
    collect_env.get_pretty_env_info = _asked_once(plain)
    try:
        yield
    finally:
        collect_env.get_pretty_env_info = plain


@cache
def _asked_once(ask: Callable[[], str]) -> Callable[[], str]:
    """Return what asks once in the life of the process."""
    return cache(ask)
