"""What is left of a run: time and disk, from what its own arms took, or else from tokens.

seconds = operations / (the machine's rate x efficiency) + overhead, per arm; operations are
2 x parameters a token read, 3 times that a token trained on (forward, and backward through frozen
weights and activations), summed over rows, epochs and documents. The rate is that of one matrix
product on this machine. It is rough until the first arms are done.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

from bias_inherit.bars import long
from bias_inherit.bias_augment.data.mix import mix_counts
from bias_inherit.bias_augment.training.settings import Settings
from bias_inherit.errors import one_line
from bias_inherit.harness.evaluate import quiet_lm_eval
from bias_inherit.harness.loading import load_tasks
from bias_inherit.runs.arm import ArmFolder
from bias_inherit.runs.data import original_rows
from bias_inherit.runs.plan import Plan, Planned
from bias_inherit.runs.sweep import arm_folders
from bias_inherit.threads import side_by_side

if TYPE_CHECKING:
    import torch
    from lm_eval.api.task import Task
    from transformers import PreTrainedModel

CHARACTERS = 4
"""Of a token, about, in English."""
EFFICIENCY = 0.3
"""Share of a matrix product's rate that training and scoring reach: our guess, on the low side."""
WRITING = 10
"""A token that is written one by one costs about as much as so many that are read: our guess."""
OVERHEAD = 5.0
"""Seconds an arm takes whatever the model is: task files, metrics, logs."""
SAMPLE, ROW = 3300, 1050
"""Bytes of a document in lm-eval's logs, and of a row in a mix, about."""


@dataclass(frozen=True)
class Estimate:
    """What is left.

    Attributes:
        arms: models to train or to score.
        workers: processes side by side.
        seconds: with so many; None is unknown.
        size: bytes on disk; None is unknown.
        how: where the figures are from.
    """

    arms: int
    workers: int
    seconds: float | None
    size: float | None
    how: str

    def to_text(self) -> str:
        """Return it on a line."""
        if not self.arms:
            return "nothing is left to do"
        workers = "a worker" if self.workers == 1 else f"{self.workers} workers"
        took = "time unknown" if self.seconds is None else f"about {long(self.seconds)}"
        room = "" if self.size is None else f", about {_bytes(self.size)} of disk"
        return f"left: {self.arms} models, {took} with {workers}{room} ({self.how})"


def _bytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(1, round(size / 1e6))} MB"


def estimate(plan: Plan, out: Path, workers: int | None = None) -> Estimate:
    """Return what is left of a plan in a run folder, which need not be there.

    Args:
        plan: of the run.
        out: its folder.
        workers: processes side by side; None is as many as the sweep would take.
    """
    arms = arm_folders(plan, out)
    left = [arm for arm in arms.values() if arm.standing() is not None]
    many = workers or _workers(plan.base, len(left))
    done = [arm for arm in arms.values() if arm not in left and arm.planned is not None]
    if done or not left:
        each = [sum(arm.record.seconds(stage) or 0.0 for stage in arm.stages) for arm in done]
        size = mean(map(_size, done)) * len(left) if done else 0.0
        seconds = mean(each) * len(left) / many if done else 0.0
        return Estimate(len(left), many, seconds, size, f"as {len(done)} arms of this run took")
    try:
        model = _Model(plan.base)
        work = _Work(plan, model)
        seconds = sum(work.seconds(arm) for arm in left) / many
        size = sum(work.size(arm) for arm in left)
        how = f"rough: {model.parameters / 1e6:,.1f} million parameters, and this machine's speed"
        return Estimate(len(left), many, seconds, size, how)
    except OSError as error:
        return Estimate(len(left), many, None, None, f"the base is not at hand: {one_line(error)}")


def _workers(base: str, jobs: int) -> int:
    import torch

    return torch.cuda.device_count() or side_by_side(base, max(1, jobs))


def _size(arm: ArmFolder) -> int:
    return sum(path.stat().st_size for path in arm.folder.rglob("*") if path.is_file())


class _Model:
    """The shapes of a base, without its weights.

    Raises:
        OSError: its configuration is not at hand.
    """

    def __init__(self, base: str) -> None:
        import torch
        from transformers import AutoConfig, AutoModelForCausalLM

        config = AutoConfig.from_pretrained(base)
        with torch.device("meta"):
            self._model: PreTrainedModel = AutoModelForCausalLM.from_config(config)
        self.parameters: int = self._model.num_parameters()

    def adapter(self, settings: Settings) -> int:
        """Return the parameters of an adapter: rank x (inputs + outputs) of each layer."""
        import torch

        named = None if settings.targets == "all-linear" else settings.targets.split(",")
        head = self._model.get_output_embeddings()
        return sum(
            settings.rank * (layer.in_features + layer.out_features)
            for name, layer in self._model.named_modules()
            if isinstance(layer, torch.nn.Linear)
            and layer is not head
            and (named is None or name.rpartition(".")[2] in named)
        )


class _Work:
    """What arms cost on this machine."""

    def __init__(self, plan: Plan, model: _Model) -> None:
        self._plan, self._model = plan, model
        self._rows: dict[str, tuple[int, float]] = {}

    def seconds(self, arm: ArmFolder) -> float:
        """Return the seconds that an arm takes."""
        read, written = self._scoring
        tokens = read + WRITING * written
        if arm.planned is not None:
            rows, each = self._mixed(arm.planned)
            tokens += 3 * rows * each * arm.planned.settings.epochs
        return 2 * self._model.parameters * tokens / (EFFICIENCY * self._rate) + OVERHEAD

    def size(self, arm: ArmFolder) -> float:
        """Return the bytes that an arm takes."""
        documents = sum(self._documents) * SAMPLE
        if arm.planned is None:
            return documents
        rows, _ = self._mixed(arm.planned)
        return documents + rows * ROW + 4 * self._model.adapter(arm.planned.settings)

    def _mixed(self, planned: Planned) -> tuple[int, float]:
        """Return the rows of an arm's mix, and the tokens of one."""
        name, data = planned.axis.axis, self._plan.grid.data
        if name not in self._rows:
            drawn = original_rows(planned.axis, data)
            characters = mean(len(row["prompt"]) + len(row["completion"]) for row in drawn)
            self._rows[name] = len(drawn), characters / CHARACTERS
        rows, tokens = self._rows[name]
        counts = mix_counts(rows, planned.ratio, data.size)
        return counts.original + counts.augmented, tokens

    @cached_property
    def _documents(self) -> list[int]:
        limit = self._plan.options.limit
        return [min(limit or len(d), len(d)) for d in (list(t.eval_docs) for t in self._tasks)]

    @cached_property
    def _tasks(self) -> Sequence[Task]:
        quiet_lm_eval()
        return load_tasks(self._plan.options)[1]

    @cached_property
    def _scoring(self) -> tuple[float, float]:
        """Return the tokens that scoring a model reads, and writes."""
        read = written = 0.0
        for task, many in zip(self._tasks, self._documents, strict=True):
            some = list(task.eval_docs)[:20]
            read += many * mean(len(str(task.doc_to_text(doc))) for doc in some) / CHARACTERS
            if task.OUTPUT_TYPE == "generate_until":
                longest = (task.config.generation_kwargs or {}).get("max_gen_toks", 256)
                written += many * longest / 2
        return read, written

    @cached_property
    def _rate(self) -> float:
        """The operations a second of a worker's matrix product."""
        return measured_rate()


def measured_rate() -> float:
    """Return operations a second of a matrix product: bf16 on a GPU, fp32 on a core."""
    import torch

    on_gpu = torch.cuda.is_available()
    side, dtype = (8192, torch.bfloat16) if on_gpu else (1024, torch.float32)
    device = "cuda" if on_gpu else "cpu"
    one = torch.ones((side, side), dtype=dtype, device=device)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        best = min(_timed(one, on_gpu) for _ in range(5))
    finally:
        torch.set_num_threads(before)
    return float(2 * side**3 / best)


def _timed(one: torch.Tensor, on_gpu: bool) -> float:
    import torch

    begin = time.perf_counter()
    product = one @ one
    if on_gpu:
        torch.cuda.synchronize()
    del product
    return time.perf_counter() - begin
