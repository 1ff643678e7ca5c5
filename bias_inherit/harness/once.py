"""What lm-eval does anew for each model although it is the same for all, done once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.task import Task


def keep_requests(tasks: Iterable[Task]) -> None:
    """Let tasks keep the requests that they build, for the models that are asked the same."""
    for task in tasks:
        task.build_all_requests = _Kept(task)


class _Kept:
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
        self._task._instances = [
            replace(instance, resps=[], filtered_resps={}) for instance in self._made
        ]


@contextmanager
def machine_asked_once() -> Iterator[None]:
    """Let torch look once for what lm-eval writes of the machine: it starts ten programs for it."""
    from torch.utils import collect_env

    plain = collect_env.get_pretty_env_info
    collect_env.get_pretty_env_info = cache(plain)
    try:
        yield
    finally:
        collect_env.get_pretty_env_info = plain
