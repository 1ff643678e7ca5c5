"""A worker: it holds a base in memory, and makes one arm after the other on it."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bias_inherit import store
from bias_inherit.chat import template_args
from bias_inherit.errors import BiasInheritError, FullDiskError, one_line
from bias_inherit.harness.adapters import BASE
from bias_inherit.harness.options import Options
from bias_inherit.runs.arm import ADAPTER, AUGMENTED, EVAL, MIX, ArmFolder
from bias_inherit.runs.claims import Claims
from bias_inherit.runs.grid import Grid
from bias_inherit.runs.plan import Plan, Planned, make_plan


@dataclass(frozen=True)
class Job:
    """An arm to make, or the base to score.

    Attributes:
        name: of the arm, or `BASE`.
        out: the run folder.
        grid: of the run.
        twin: an arm with the same training inputs that is done; None where none is known.
    """

    name: str
    out: Path
    grid: Grid
    twin: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        name: of the arm.
        seconds: that it took.
        error: why it failed, on a line; None where it did not.
        twin: the arm that is being trained on the same inputs, so that this one was left.
        is_full: whether the disk is full.
    """

    name: str
    seconds: float
    error: str | None = None
    twin: str | None = None
    is_full: bool = False


def work(job: Job) -> Outcome:
    """Make an arm, in a process that keeps the base for the next one.

    What is said meanwhile goes into the arm's log.
    """
    begin = time.monotonic()
    arm = folder_of(job)
    arm.folder.mkdir(parents=True, exist_ok=True)
    with _told_to(arm.log):
        try:
            twin = _maker(job.grid).make(arm, job.twin)
            arm.failure.unlink(missing_ok=True)
            return Outcome(job.name, time.monotonic() - begin, twin=twin)
        except Exception as error:  # one arm's error does not stop the others
            traceback.print_exc()
            said = str(error) if isinstance(error, BiasInheritError) else one_line(error)
            is_full = isinstance(error, FullDiskError) or (
                isinstance(error, OSError) and error.errno in store.FULL
            )
            return Outcome(job.name, time.monotonic() - begin, said, is_full=is_full)


def folder_of(job: Job) -> ArmFolder:
    """Return the folder of a job's arm."""
    plan = _plan(job.grid)
    planned = {each.name: each for each in plan.arms}.get(job.name)
    return ArmFolder(plan, job.out, planned)


_PLANS: dict[str, Plan] = {}
_MAKERS: dict[str, Maker] = {}


def _plan(grid: Grid) -> Plan:
    key = grid.model_dump_json()
    if key not in _PLANS:
        _PLANS[key] = make_plan(grid)
    return _PLANS[key]


def _maker(grid: Grid) -> Maker:
    key = grid.model_dump_json()
    if key not in _MAKERS:
        _MAKERS.clear()
        _MAKERS[key] = Maker(_plan(grid))
    return _MAKERS[key]


@contextlib.contextmanager
def _told_to(log: Path) -> Iterator[None]:
    """Let what is written to the terminal go into a file instead, also by libraries in C."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with log.open("a", encoding="utf-8") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, old in zip((1, 2), kept, strict=True):
                os.dup2(old, number)
                os.close(old)


class Maker:
    """Makes the arms of a plan, on one base that stays in memory.

    Args:
        plan: of the run.
    """

    def __init__(self, plan: Plan) -> None:
        from bias_inherit.harness.score import Kept
        from bias_inherit.models import load_tokenizer
        from bias_inherit.runs.one_base import OneBase

        self.plan, self._scoring = plan, Kept()
        self._tokenizer = load_tokenizer(plan.base)
        options = self._options(plan.arms[0])
        written = template_args(options.chat_template_args or "")
        self._kept = OneBase(plan.base, self._scoring, options, written)

    def make(self, arm: ArmFolder, twin: str | None) -> str | None:
        """Do what of an arm is not done; return the arm that trains on the same inputs, if any.

        Args:
            arm: its folder.
            twin: an arm whose adapter is taken where it was trained on the same inputs.

        Raises:
            InputError: something of it is wrong.
        """
        for stage in arm.stages:
            inputs = arm.inputs(stage)
            if inputs is None:
                raise FileNotFoundError(
                    f"{arm.folder}: what the stage '{stage}' needs is not there"
                )
            if arm.record.is_done(stage, inputs):
                continue

            begin = time.monotonic()
            if stage == EVAL:
                self._score(arm)
            elif stage == ADAPTER:
                owner = self._train(arm, twin)
                if owner is not None:
                    return owner
            else:
                self._write(arm, stage)
            arm.finish(stage, inputs, time.monotonic() - begin)
        return None

    def _write(self, arm: ArmFolder, stage: str) -> None:
        from bias_inherit.bias_augment.data.files import write_mix
        from bias_inherit.runs.data import original_path
        from bias_inherit.runs.own_data import write_own

        planned = _known(arm)
        original = original_path(arm.out, planned)
        if stage == AUGMENTED:
            write_own(arm, planned)
            return
        assert stage == MIX
        size, seed, round_ = self.plan.grid.data.size, planned.arm.seed, planned.arm.round
        write_mix(arm.mix, original, arm.augmented, planned.ratio, size, seed, round_)

    def _train(self, arm: ArmFolder, twin: str | None) -> str | None:
        """Train an arm's adapter, or take a twin's; return who trains on the same inputs now."""
        from bias_inherit.bias_augment.training.finetune import prepare

        planned = _known(arm)
        goes_on = planned.rounds is not None and planned.rounds.start == "previous"
        prepared = prepare(
            self._kept,
            arm.mix,
            planned.mitigation,
            planned.settings,
            arm.previous if goes_on else None,
            planned.axis,
        )
        if twin is not None:
            theirs = arm.out / "arms" / twin / "adapter"
            if prepared.adopt(theirs, arm.adapter):
                return None
        else:
            owner = Claims(arm.out).claim(prepared.sha256, arm.name)
            if owner != arm.name:
                return owner
        prepared.train(arm.adapter)  # also where the twin's turned out to be another
        return None

    def _score(self, arm: ArmFolder) -> None:
        from bias_inherit.harness.score import score
        from bias_inherit.runs.adapter_scores import update_cards

        options = self._options(arm.planned or self.plan.arms[0])
        adapters = {} if arm.planned is None else {arm.name: arm.adapter}
        with_base = arm.name == BASE
        base, kept = self.plan.base, self._scoring
        score(base, adapters, lambda _: arm.eval, options, print, with_base, kept)
        if options.limit is None and options.forms is None:
            update_cards(adapters, lambda _: arm.eval)

    def _options(self, planned: Planned) -> Options:
        """Return how an arm is scored: its questions go through the chat template as its rows."""
        from bias_inherit.bias_augment.training.encode import use_chat_template

        asked = self.plan.options.apply_chat_template
        if asked is None:
            asked = use_chat_template(self._tokenizer, planned.settings.chat_template)
        given = planned.settings.chat_template_args or None
        return replace(
            self.plan.options,
            apply_chat_template=asked,
            chat_template_args=given if asked else None,
        )


def _known(arm: ArmFolder) -> Planned:
    assert arm.planned is not None, "the base is scored alone"
    return arm.planned
