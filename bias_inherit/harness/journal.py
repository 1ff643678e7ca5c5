"""Answers that are kept while models are scored, so that a run that was killed goes on from there.

They stand beside the results folder until that is whole: a file for each task of a model. A file
is found by the requests that it answers, so a document or prompt that has changed is asked anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bias_inherit import store

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

_SETTINGS = "settings.json"


class Journal:
    """The answers of one model.

    Args:
        results: the folder that its results are going to be written to.
        settings: what decides the answers beside the requests. Answers under others are dropped.
    """

    def __init__(self, results: Path, settings: Mapping[str, Any]) -> None:
        self._folder = results.with_name(f".{results.name}.partial")
        file = self._folder / _SETTINGS
        if not file.is_file() or store.read_json(file) != settings:
            self.drop()
        self._settings = settings

    def known(self, requests: Sequence[Instance]) -> list[Any] | None:
        """Return the answers to requests; None where they were not kept."""
        file = self._file(requests)
        if not file.is_file():
            return None
        return [tuple(one) if isinstance(one, list) else one for one in store.read_json(file)]

    def keep(self, requests: Sequence[Instance], answers: Sequence[Any]) -> None:
        """Write answers down."""
        if not (self._folder / _SETTINGS).is_file():
            store.write_json(self._folder / _SETTINGS, self._settings)
        store.write_json(self._file(requests), answers)

    def drop(self) -> None:
        """Remove what was kept."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _file(self, requests: Sequence[Instance]) -> Path:
        asked = store.sha256_lines(f"{one.request_type} {one.args!r}" for one in requests)
        return self._folder / f"{asked}.json"


class Keeper:
    """The journals of several models.

    Args:
        journals: by the model's name; a model whose results are whole is taken out of them.
    """

    def __init__(self, journals: Mapping[str, Journal]) -> None:
        self._journals = journals

    def known(self, name: str, requests: Sequence[Instance]) -> list[Any] | None:
        """Return a model's answers; None where they were not kept."""
        return self._journals[name].known(requests)

    def keep(self, name: str, requests: Sequence[Instance], answers: Sequence[Any]) -> None:
        """Write a model's answers down, unless its results are whole."""
        if name in self._journals:
            self._journals[name].keep(requests, answers)


def units(requests: Sequence[Instance]) -> list[list[int]]:
    """Return the numbers of requests that are answered by themselves: of a task each.

    What is drawn is one unit, whatever its tasks: its numbers come one after the other.
    """
    found: dict[str | None, list[int]] = {}
    for i, request in enumerate(requests):
        settings = request.args[1] if request.request_type == "generate_until" else {}
        is_drawn = bool(settings.get("do_sample"))
        found.setdefault(None if is_drawn else str(request.task_name), []).append(i)
    return list(found.values())
