"""The sweep: from a grid to a leaderboard, in one run folder that goes on where it stopped.

runs/<name>/
  grid.json                  what was asked for
  data/<axis>/               original.jsonl, <bias type>.jsonl (see `data.py`)
  arms/<arm>/                data/mix.jsonl, adapter/, eval/, log.txt (see `arm.py`)
  arms/base/eval/            the base's own scores
  report/leaderboard.{md,json}
"""

from __future__ import annotations

import re
import shutil
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from bias_inherit import __version__, manifests, store
from bias_inherit.errors import FullDiskError, InputError
from bias_inherit.harness.adapters import BASE
from bias_inherit.models import check_causal
from bias_inherit.reports.leaderboard import Section, leaderboard
from bias_inherit.reports.markdown import write_report
from bias_inherit.reports.results import read_runs
from bias_inherit.runs.arm import ADAPTER, EVAL, RUNNING, ArmFolder, Standing
from bias_inherit.runs.claims import Claims
from bias_inherit.runs.data import DataWriter, check_writers, data_sets
from bias_inherit.runs.executors import Done, Executor
from bias_inherit.runs.grid import Grid, parse_grid
from bias_inherit.runs.lock import held
from bias_inherit.runs.plan import Plan, make_plan
from bias_inherit.runs.stages import Stages, State
from bias_inherit.runs.worker import Job, Outcome

CONFIG = "grid.json"
SCHEMA = 1
ATTEMPTS = 3
"""How often an arm is begun whose process dies."""
_STRAY = re.compile(r"\.(?:adapter|eval|report)\.\w{8}|\..+\.\d+\.tmp")
"""What a killed process may leave behind beside its outputs."""

Begin = Callable[[str, int], Executor]
"""(base, how many jobs) -> where they are done."""


class Watcher(Protocol):
    """Who is told how a sweep gets on."""

    def say(self, line: str) -> None:
        """Take a line about what begins or was written."""

    def begin(self, done: int, total: int) -> None:
        """Take how many arms (the base is one) there are, and are done."""

    def ended(self, arm: ArmFolder, outcome: Outcome) -> None:
        """Take what became of an arm."""

    def tick(self, running: Sequence[str]) -> None:
        """Take what is being made now, about once a second."""


@dataclass(frozen=True)
class Result:
    """What a sweep ended with.

    Attributes:
        report: the folder of the leaderboard.
        failed: why an arm failed, by its name.
        done: how many arms are done, of `total`.
    """

    report: Path
    failed: Mapping[str, str]
    done: int
    total: int


class StoppedError(InputError):
    """The user stopped a sweep."""

    exit_code = 130


def sweep(grid: Grid, out: Path, begin: Begin, watcher: Watcher, is_update: bool = False) -> Result:
    """Make every arm of a grid that is not done, and the leaderboard of all that are.

    Args:
        grid: what to run.
        out: a new folder, or that of an earlier run of the grid, which goes on.
        begin: where the arms are made.
        watcher: told how it gets on.
        is_update: whether what another grid or version made is made anew, where it depends on
            what changed.

    Raises:
        InputError: the grid is wrong, the folder holds something else, another process holds it, or
            the disk is full.
        StoppedError: the user stopped it.
    """
    plan = make_plan(grid)
    check_writers(plan)
    _check_folder(out)
    with held(out):
        arms = arm_folders(plan, out)
        standings = {name: arm.standing() for name, arm in arms.items()}
        _check_run(plan, out, standings, is_update)
        if any(standings.values()):
            _check_models(plan, watcher)
        _sweep_up(out)
        store.write_json(out / CONFIG, _config(grid))
        if _write_data(plan, out, watcher):
            standings = {name: arm.standing() for name, arm in arms.items()}
        waiting = {name: arm for name, arm in arms.items() if standings[name] is not None}
        watcher.begin(len(arms) - len(waiting), len(arms))
        failed = _Run(plan, out, arms, watcher).make(waiting, begin) if waiting else {}
        report = _report(out, {name: arm for name, arm in arms.items() if name not in failed})
        return Result(report, failed, len(arms) - len(failed), len(arms))


def _check_models(plan: Plan, watcher: Watcher) -> None:
    """Check what is trained and scored with, before hours are spent.

    Raises:
        InputError: the base is not a causal model, or a task or a form does not exist.
    """
    from bias_inherit.harness.evaluate import quiet_lm_eval
    from bias_inherit.harness.loading import load_forms

    check_causal(plan.base)
    quiet_lm_eval()
    load_forms(plan.options, watcher.say)


def _write_data(plan: Plan, out: Path, watcher: Watcher) -> bool:
    """Write the data that are not there; return whether there were such.

    Raises:
        StoppedError: the user stopped it.
    """
    writer = DataWriter(plan, out, watcher.say)
    try:
        written = [writer.write(one) for one in data_sets(plan, out)]
    except KeyboardInterrupt:
        raise StoppedError(
            f"stopped while the data of {out} were written; the same command goes on from there"
        ) from None
    return any(written)


def arm_folders(plan: Plan, out: Path) -> dict[str, ArmFolder]:
    """Return the folders of a plan's arms by name, the base's first."""
    found = {BASE: ArmFolder(plan, out, None)}
    return found | {each.name: ArmFolder(plan, out, each) for each in plan.arms}


def _config(grid: Grid) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "kind": "sweep",
        "version": __version__,
        "grid": grid.model_dump(mode="json"),
    }


def read_run(out: Path) -> Grid:
    """Return the grid of a run folder.

    Raises:
        InputError: it is none, or of another version.
    """
    if not (out / CONFIG).is_file():
        raise InputError(f"{out}: is no run folder: {CONFIG} is not there")
    content = store.read_json(out / CONFIG)
    if content.get("schema") != SCHEMA or content.get("kind") != "sweep":
        raise InputError(
            f"{out}: is of another version (schema {content.get('schema')}, this one reads "
            f"{SCHEMA}): take another run folder, or that version of bias-inherit"
        )
    return parse_grid(content["grid"], str(out / CONFIG))


def _check_folder(out: Path) -> None:
    """Check that a folder is new, or a run's.

    Raises:
        InputError: it holds something else.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is not a folder")
    there = {path.name for path in out.iterdir()} if out.is_dir() else set()
    if there - {".lock", "prepared"} and CONFIG not in there:
        raise InputError(f"{out}: is not empty; a run starts in a folder of its own")


def _check_run(
    plan: Plan, out: Path, standings: Mapping[str, Standing | None], is_update: bool
) -> None:
    """Check that what is done of a run was made from what the grid says now.

    Raises:
        InputError: it was not, and is not to be made anew.
    """
    if not (out / CONFIG).is_file() or is_update:
        return
    before = read_run(out)
    made = store.read_json(out / CONFIG)["version"]
    if made != __version__:
        raise InputError(
            f"{out}: was made by bias-inherit {made}, this is {__version__}: take another folder, "
            "or make it anew with --update"
        )
    stale = _stale_stages(plan, out, standings)
    if stale:
        differences = differing(before.model_dump(mode="json"), plan.grid.model_dump(mode="json"))
        said = "; ".join(differences[:3]) or next(iter(stale.values()))
        raise InputError(
            f"{out}: {len(stale)} of its stages were made from something else ({said}): go on with "
            "--update, which makes anew what depends on it, or take another folder"
        )


def _stale_stages(
    plan: Plan, out: Path, standings: Mapping[str, Standing | None]
) -> dict[str, str]:
    """Return what was made from other inputs than now, and which changed, by arm or data."""
    found = {}
    writer = DataWriter(plan, out, lambda line: None)
    for one in data_sets(plan, out):
        state, changed = writer.state(one)
        if state is State.STALE:
            found[f"data of {one.axis.axis}: {one.stage}"] = ", ".join(changed)
    for name, standing in standings.items():
        if standing is not None and standing.state is State.STALE:
            found[name] = f"{standing.stage}: {', '.join(standing.changed)}"
    return found


def differing(before: Any, now: Any, name: str = "") -> list[str]:
    """Return in words where two JSON values differ, such as "training.epochs was 3, is 4"."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            line
            for key in {**before, **now}
            for line in differing(before.get(key), now.get(key), f"{name}.{key}".lstrip("."))
        ]
    return [] if before == now else [f"{name} was {before}, is {now}"]


def _sweep_up(out: Path) -> None:
    """Remove what killed processes left of half-written outputs."""
    for part in ("arms", "data", "report"):
        for path in (out / part).rglob(".*"):
            _remove(path)
    for path in out.glob(".*"):
        _remove(path)
    for path in out.glob(f"arms/*/{RUNNING}"):
        path.unlink(missing_ok=True)


def _remove(path: Path) -> None:
    if not _STRAY.fullmatch(path.name):
        return
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@dataclass
class _Run:
    """The arms that are being made."""

    plan: Plan
    out: Path
    arms: Mapping[str, ArmFolder]
    watcher: Watcher
    failed: dict[str, str] = field(default_factory=dict)
    _pending: deque[Job] = field(default_factory=deque)
    _running: set[str] = field(default_factory=set)
    _left: set[str] = field(default_factory=set)
    """Arms that are not done, and have not failed."""
    _twins: dict[str, list[str]] = field(default_factory=dict)
    """By the arm that is being trained: those that wait for its adapter."""
    _died: Counter[str] = field(default_factory=Counter)

    def make(self, waiting: Mapping[str, ArmFolder], begin: Begin) -> Mapping[str, str]:
        """Make these arms; return why some failed."""
        self._claim_done()
        self._left = set(waiting)
        self._pending.extend(Job(name, self.out, self.plan.grid) for name in waiting)
        executor = begin(self.plan.base, len(waiting))
        try:
            while self._left:
                self._submit(executor)
                for done in executor.wait():
                    self._take(done)
                self.watcher.tick(sorted(self._running))
        except KeyboardInterrupt:
            made = len(self.arms) - len(self._left) - len(self.failed)
            raise StoppedError(
                f"stopped: {made} of {len(self.arms)} arms are done in {self.out}; the same "
                "command goes on from there"
            ) from None
        finally:
            executor.close()
            for name in list(self._running):
                self._stop(name)
        return self.failed

    def _claim_done(self) -> None:
        """Let arms that are trained already lend their adapters."""
        claims = Claims(self.out)
        claims.clear()
        for name, arm in self.arms.items():
            if not arm.has(ADAPTER):  # what is there may be of other inputs, or damaged
                continue
            manifest = manifests.read(arm.adapter, manifests.Adapter)
            if manifest is not None and manifest.training_sha256 is not None:
                claims.claim(manifest.training_sha256, name)

    def _submit(self, executor: Executor) -> None:
        for job in list(self._pending):
            if len(self._running) >= executor.slots:
                return
            if not self._is_ready(job):
                continue
            self._pending.remove(job)
            self._start(job.name)
            executor.submit(job)

    def _start(self, name: str) -> None:
        self._running.add(name)
        self.arms[name].folder.mkdir(parents=True, exist_ok=True)
        self.arms[name].mark.touch()

    def _stop(self, name: str) -> None:
        self._running.discard(name)
        self.arms[name].mark.unlink(missing_ok=True)

    def _is_ready(self, job: Job) -> bool:
        planned = self.arms[job.name].planned
        return planned is None or planned.after is None or planned.after not in self._left

    def _take(self, done: Done) -> None:
        name, outcome = done.job.name, done.outcome
        self._stop(name)
        if outcome is None:
            self._died[name] += 1
            Claims(self.out).drop(name)
            if self._died[name] < ATTEMPTS:
                self._pending.appendleft(done.job)
                return
            said = f"its process died {ATTEMPTS} times (too little memory?)"
            outcome = Outcome(name, 0.0, said)
        if outcome.is_full:
            raise FullDiskError(
                f"{self.out}: {outcome.error}; make room, and the same command goes on from there"
            )
        if outcome.twin is not None:
            self._wait_for(done.job, outcome.twin)
            return
        self._end(outcome)

    def _wait_for(self, job: Job, twin: str) -> None:
        """Let an arm take the adapter of a twin, once that is trained."""
        if twin in self._left:
            self._twins.setdefault(twin, []).append(job.name)
        elif twin in self.failed:
            Claims(self.out).drop(twin)
            self._pending.appendleft(Job(job.name, job.out, job.grid))
        else:
            self._pending.appendleft(Job(job.name, job.out, job.grid, twin))

    def _end(self, outcome: Outcome) -> None:
        name = outcome.name
        self._left.discard(name)
        self.arms[name].refresh()
        if outcome.error is not None:
            self.failed[name] = outcome.error
            Claims(self.out).drop(name)
            store.write_json(self.arms[name].failure, {"error": outcome.error})
        self.watcher.ended(self.arms[name], outcome)
        for other in self._twins.pop(name, []):
            self._wait_for(Job(other, self.out, self.plan.grid), name)
        if outcome.error is not None:
            for job in [job for job in self._pending if self._follows(job, name)]:
                self._pending.remove(job)
                self._end(Outcome(job.name, 0.0, f"the round before it failed ({name})"))

    def _follows(self, job: Job, name: str) -> bool:
        planned = self.arms[job.name].planned
        return planned is not None and planned.after == name


def _report(out: Path, arms: Mapping[str, ArmFolder]) -> Path:
    """Write the leaderboard of these arms, unless it is there; return its folder."""
    folder, stages = out / "report", Stages(out)
    inputs = {name: arm.record.fingerprint(EVAL) for name, arm in arms.items()}
    inputs |= {"version": __version__}
    if not stages.is_done("report", inputs):
        sections = leaderboard(read_runs([arm.eval for arm in arms.values()]))
        write_report(folder, [_of_the_run(section, out) for section in sections])
        stages.finish("report", inputs, [folder], 0.0)
    return folder


def _of_the_run(section: Section, out: Path) -> Section:
    """Return a section whose paths are folders of the run: a file's name holds when it was made."""
    rows = [
        replace(row, path=Path(row.path).parent.relative_to(out).as_posix()) for row in section.rows
    ]
    return replace(section, rows=rows)
