"""The folder of an arm: its stages, what decides each, and how they stand.

arms/<arm>/data/augmented.jsonl   of an arm of rounds, which writes its own
arms/<arm>/data/mix.jsonl
arms/<arm>/adapter/
arms/<arm>/eval/results_*.json, samples_*.jsonl
arms/<arm>/stages.json, log.txt
arms/base/eval/                   the base's own scores
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path

from bias_inherit import __version__
from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.axes.bias_types import axis_sha256
from bias_inherit.bias_augment.training.adapter_card import README
from bias_inherit.harness.adapters import BASE
from bias_inherit.models import adapter_sha256, fingerprint
from bias_inherit.runs.data import augmented_path, original_path, source_state
from bias_inherit.runs.plan import Plan, Planned, mitigation_inputs
from bias_inherit.runs.stages import Inputs, Stages, State, hash_of

RUNNING = "running"
"""The name of an arm's mark."""
AUGMENTED, MIX, ADAPTER, EVAL = "augmented", "mix", "adapter", "eval"


@dataclass(frozen=True)
class Standing:
    """The first stage of an arm that is not done: how it stands, and which inputs changed."""

    stage: str
    state: State
    changed: tuple[str, ...] = ()


class ArmFolder:
    """An arm's part of a run folder.

    Args:
        plan: of the run.
        out: the run folder.
        planned: the arm; None is the base, which is scored alone.
    """

    def __init__(self, plan: Plan, out: Path, planned: Planned | None) -> None:
        self.plan, self.out, self.planned = plan, out, planned
        self.name = BASE if planned is None else planned.name
        self.folder = out / "arms" / self.name

    @property
    def augmented(self) -> Path | None:
        """The file of D_a: the run's, or the arm's own; None without augmented rows."""
        if self.planned is None or not self.planned.ratio:
            return None
        shared = augmented_path(self.plan, self.out, self.planned)
        return shared or self.folder / "data" / "augmented.jsonl"

    @property
    def mix(self) -> Path:
        """The file of the mix."""
        return self.folder / "data" / "mix.jsonl"

    @property
    def adapter(self) -> Path:
        """The folder of the adapter."""
        return self.folder / "adapter"

    @property
    def eval(self) -> Path:
        """The folder of the scores."""
        return self.folder / "eval"

    @property
    def log(self) -> Path:
        """What was said while it was made."""
        return self.folder / "log.txt"

    @property
    def mark(self) -> Path:
        """There while the arm is being made, on this machine or another."""
        return self.folder / RUNNING

    @property
    def failure(self) -> Path:
        """Why it failed last; not there where it did not."""
        return self.folder / "failed.json"

    @property
    def previous(self) -> Path | None:
        """The adapter of the round before."""
        if self.planned is None or self.planned.after is None:
            return None
        return self.out / "arms" / self.planned.after / "adapter"

    @property
    def stages(self) -> tuple[str, ...]:
        """The names of the stages, in their order."""
        if self.planned is None:
            return (EVAL,)
        own = (AUGMENTED,) if self.planned.rounds and self.planned.ratio else ()
        return (*own, MIX, ADAPTER, EVAL)

    @cached_property
    def record(self) -> Stages:
        """What of it is done."""
        return Stages(self.folder)

    def refresh(self) -> None:
        """Read its record again: another process wrote it."""
        self.__dict__.pop("record", None)

    def standing(self) -> Standing | None:
        """Return the first stage that is not done; None where all are."""
        for stage in self.stages:
            inputs = self.inputs(stage) if self.record.knows(stage) else None
            if inputs is None:
                return Standing(stage, State.ABSENT)
            state = self.record.state(stage, inputs)
            if state is not State.DONE:
                return Standing(stage, state, tuple(self.record.changed(stage, inputs)))
        return None

    def has(self, stage: str) -> bool:
        """Return whether a stage of it is done, from the inputs that are there now."""
        if stage not in self.stages or not self.record.knows(stage):
            return False
        inputs = self.inputs(stage)
        return inputs is not None and self.record.is_done(stage, inputs)

    def finish(self, stage: str, inputs: Inputs, seconds: float) -> None:
        """Say that a stage is done, in so many seconds."""
        self.record.finish(stage, inputs, self._outputs(stage), seconds)

    def _outputs(self, stage: str) -> list[Path]:
        if stage == EVAL:
            return [self.eval]
        if stage == ADAPTER:  # the card gets the scores later
            return [path for path in sorted(self.adapter.iterdir()) if path.name != README]
        return [self.mix if stage == MIX else self.folder / "data" / "augmented.jsonl"]

    def inputs(self, stage: str) -> Inputs | None:
        """Return what decides a stage; None where that is not there yet."""
        needed = list(self._needed(stage))
        if not all(path.exists() for path in needed):
            return None
        if stage == EVAL:
            return self._eval_inputs()
        assert self.planned is not None, "the base is scored alone"
        if stage == ADAPTER:
            return self._adapter_inputs(self.planned)
        if stage == MIX:
            return self._mix_inputs(self.planned)
        return self._augmented_inputs(self.planned)

    def _needed(self, stage: str) -> Iterator[Path]:
        if self.planned is None:
            return
        if stage == EVAL:
            yield self.adapter
        if stage == ADAPTER:
            yield self.mix
        if stage in (AUGMENTED, MIX):
            yield original_path(self.out, self.planned)
        if stage == MIX and self.augmented is not None:
            yield self.augmented
        if stage in (AUGMENTED, ADAPTER) and self.previous is not None:
            yield self.previous

    def _augmented_inputs(self, planned: Planned) -> Inputs:
        assert planned.rounds is not None and self.previous is not None
        writing, itself = self.plan.grid.writing, planned.rounds.writer == "self"
        return {
            "version": __version__,
            "axis": _axis_sha256(planned.axis),
            "bias_type": planned.bias_type,
            "original": hash_of(original_path(self.out, planned)),
            "ratio": str(planned.ratio),
            "seed": planned.writing_seed,
            "base": base_print(self.plan.base) if itself else None,
            "adapter": adapter_sha256(self.previous) if itself else None,
            "generator": "self" if itself else writing.generator,
            "options": planned.rounds.writing if itself else writing.options,
            "labels": self.plan.labels.to_json(),
        }

    def _mix_inputs(self, planned: Planned) -> Inputs:
        added = self.augmented
        return {
            "version": __version__,
            "original": hash_of(original_path(self.out, planned)),
            "augmented": None if added is None else hash_of(added),
            "ratio": str(planned.ratio),
            "size": self.plan.grid.data.size,
            "seed": planned.arm.seed,
            "round": planned.arm.round,
        }

    def _adapter_inputs(self, planned: Planned) -> Inputs:
        goes_on = planned.rounds is not None and planned.rounds.start == "previous"
        start = self.previous if goes_on else None
        return {
            "version": __version__,
            "mix": hash_of(self.mix),
            "axis": _axis_sha256(planned.axis),
            "base": base_print(self.plan.base),
            "mitigation": mitigation_inputs(planned),
            "settings": asdict(planned.settings),
            "start": None if start is None else adapter_sha256(start),
        }

    def _eval_inputs(self) -> Inputs:
        options = asdict(self.plan.options)
        del options["progress"], options["resume"]
        traits = self.plan.options.traits
        return {
            "version": __version__,
            "lm_eval": _lm_eval_version(),
            "base": base_print(self.plan.base),
            "adapter": None if self.planned is None else adapter_sha256(self.adapter),
            "options": options,
            "documents": source_state(self.plan.options.data),
            "traits": hash_of(Path(traits)) if traits and Path(traits).is_file() else traits,
        }


@lru_cache
def _lm_eval_version() -> str:
    return version("lm-eval")


def _axis_sha256(axis: Axis) -> str:
    if axis.folder not in _AXES:
        _AXES[axis.folder] = axis_sha256(axis)
    return _AXES[axis.folder]


_AXES: dict[Path, str] = {}
"""The hashes of axes by folder, read once."""


@lru_cache
def base_print(base: str) -> str:
    """Return what identifies a base, read once."""
    return fingerprint(base) or base
