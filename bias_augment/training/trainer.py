"""transformers' Trainer with the loss on completions, row weights, and a mitigation's penalty.

Losses are sums over the completion tokens of the global batch (all micro-batches of all
processes) divided by their number, so neither accumulation nor the number of processes
changes a step. Rows are grouped by length over the global batch, under a penalty within each
origin, in an order that depends on the seed alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from transformers import Trainer, TrainerCallback
from transformers.trainer_callback import ProgressCallback
from transformers.trainer_pt_utils import LengthGroupedSampler

from bias_inherit.bars import Bar
from bias_inherit.bias_augment.training.batches import OriginSampler
from bias_inherit.bias_augment.training.encode import IGNORED, Collator, Encoded
from bias_inherit.bias_augment.training.penalty import (
    GlobalPenalty,
    mean_over_tokens,
    sums_by_origin,
)
from bias_inherit.errors import InputError

if TYPE_CHECKING:
    import torch
    from torch.utils.data import Sampler
    from transformers import (
        PreTrainedModel,
        TrainerControl,
        TrainerState,
        TrainingArguments,
    )

    from bias_inherit.mitigations import Mitigation

    Batch = dict[str, torch.Tensor]
    """What `Collator` returns."""

AT_ONCE = 2**27
"""Logits of a batch (half a gigabyte in fp32) that are not worth a second look: our choice."""
STATES = 2**23
"""Numbers of all hidden states of the rows that go through the model at once on a CPU, which is as
fast with a part of a batch as with the whole: our choice."""


@dataclass(frozen=True)
class TrainingRows:
    """What a trainer is given to train and to evaluate on.

    Attributes:
        train: the rows to train on.
        held_out: the rows of the evaluation loss; none for no evaluation.
        ids: names of the training rows, for the message about a loss that is not finite.
        pad: the token to pad with.
    """

    train: Sequence[Encoded]
    held_out: Sequence[Encoded]
    ids: Sequence[str]
    pad: int


class CompletionTrainer(Trainer):  # type: ignore[misc]  # transformers, untyped to mypy
    """See the module's text.

    Args:
        model: with the adapter to train.
        args: transformers' own.
        rows: what it is trained on.
        mitigation: its penalty and layer are used; its transform was applied before.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        args: TrainingArguments,
        rows: TrainingRows,
        mitigation: Mitigation,
    ) -> None:
        super().__init__(
            model=model,
            args=args,
            train_dataset=rows.train,
            eval_dataset=rows.held_out or None,
            data_collator=Collator(rows.pad),
            callbacks=[Progress()],
        )
        self.remove_callback(ProgressCallback)
        self.loss_is_scaled_for_ga = True  # by the tokens of the global batch

        self.layer, self.ids = mitigation.layer, rows.ids
        self.penalty = (
            GlobalPenalty(mitigation.penalty, self._add_up, self.accelerator.num_processes)
            if mitigation.penalty is not None
            else None
        )

    def _add_up(self, value: torch.Tensor) -> torch.Tensor:
        total: torch.Tensor = self.accelerator.reduce(value, reduction="sum")
        return total

    def _get_train_sampler(self, train_dataset: Sequence[Encoded] | None = None) -> Sampler[int]:
        import torch

        rows: Sequence[Encoded] = self.train_dataset if train_dataset is None else train_dataset
        args, processes = self.args, self.accelerator.num_processes
        whole = args.train_batch_size * args.gradient_accumulation_steps * processes
        lengths = [len(row.input_ids) for row in rows]

        generator = torch.Generator().manual_seed(args.seed)
        if self.penalty is not None:
            return OriginSampler(whole, lengths, [row.augmented for row in rows], generator)
        grouped: Sampler[int] = LengthGroupedSampler(whole, lengths=lengths, generator=generator)
        return grouped

    def get_batch_samples(
        self, epoch_iterator: Iterator[Batch], num_batches: int, device: torch.device
    ) -> tuple[list[Batch], torch.Tensor]:
        """Return the micro-batches of a step, and the completion tokens of the global batch."""
        import torch

        samples, _ = super().get_batch_samples(epoch_iterator, num_batches, device)
        tokens = sum(int((sample["labels"][:, 1:] != IGNORED).sum()) for sample in samples)
        items = self._add_up(torch.tensor(tokens, device=device))
        if self.penalty is not None and len(samples) > 1:
            sums = self._sums(samples[0])
            for sample in samples[1:]:
                sums = sums + self._sums(sample)
            self.penalty.begin(sums, len(samples))
        return samples, items

    def _sums(self, sample: Batch) -> torch.Tensor:
        """Return the sums of phi of a micro-batch, without gradients."""
        import torch

        inputs = self._prepare_inputs(dict(sample))
        with torch.no_grad(), self.compute_loss_context_manager():
            outputs = self.model(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                output_hidden_states=True,
                use_cache=False,
                logits_to_keep=1,
            )
            phi = mean_over_tokens(outputs.hidden_states[self.layer], inputs["attention_mask"])
        return sums_by_origin(phi, inputs["augmented"])

    def compute_loss(
        self,
        model: PreTrainedModel,
        inputs: Batch,
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, Batch]:
        """Return the loss of a micro-batch; in evaluation the mean over its tokens.

        Args:
            model: with its adapter.
            inputs: a batch, from which the columns that the model does not know are taken.
            return_outputs: whether to return the outputs (here the loss alone) too.
            num_items_in_batch: completion tokens of the global batch; None means of this one.
        """
        augmented, weight = inputs.pop("augmented"), inputs.pop("weight")
        inputs.pop("row")
        needs_hidden = self.penalty is not None and model.training
        loss, hidden = completion_loss(
            model, inputs, num_items_in_batch, weight, self.layer if needs_hidden else None
        )
        if model.training:
            loss = loss * self.accelerator.num_processes  # whose gradients are averaged
        if self.penalty is not None and hidden is not None:
            loss = loss + self.penalty.part(
                mean_over_tokens(hidden, inputs["attention_mask"]), augmented
            )
        return (loss, {"loss": loss}) if return_outputs else loss

    def prediction_step(
        self,
        model: PreTrainedModel,
        inputs: Batch,
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[torch.Tensor, None, None]:
        """Return the loss of a batch that is held out.

        Args:
            model: with its adapter.
            inputs: a batch.
            prediction_loss_only: always so here.
            ignore_keys: of outputs, of which there are none here.
        """
        import torch

        inputs = self._prepare_inputs(inputs)
        with torch.no_grad(), self.compute_loss_context_manager():
            loss = self.compute_loss(model, inputs)
        assert isinstance(loss, torch.Tensor)
        return loss.detach(), None, None

    def training_step(
        self,
        model: PreTrainedModel,
        inputs: Batch,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Run a micro-batch, in parts where that saves memory.

        Raises:
            InputError: the loss is not finite, which ends the training; step and rows are named.
        """
        rows = inputs["row"]  # the step takes it out
        many = 1 if num_items_in_batch is None else self._parts(inputs["input_ids"])
        parts = [inputs] if many == 1 else in_parts(inputs, many)
        run = super().training_step
        losses = [run(model, part, num_items_in_batch) for part in parts]
        loss: torch.Tensor = sum(losses[1:], start=losses[0])
        if not math.isfinite(float(loss)):
            some = [self.ids[i] for i in rows.tolist()[:3]]
            raise InputError(
                f"the training loss is {float(loss)} at step {self.state.global_step + 1} (batch "
                f"of the rows {', '.join(some)} …): lower the learning rate "
                f"({self.args.learning_rate:g})"
            )
        return loss

    def _parts(self, ids: torch.Tensor) -> int:
        """Return in how many parts a micro-batch goes through the model."""
        is_whole = self.penalty is not None or self.accelerator.num_processes > 1
        if is_whole or self.args.device.type != "cpu":
            return 1
        config = self.model.config.get_text_config()
        states = ids.numel() * config.num_hidden_layers * config.hidden_size
        return min(len(ids), math.ceil(int(states) / STATES))

    def log(self, logs: dict[str, float], *more: object, **named: object) -> None:
        """Log as Trainer does, with the distance that a penalty measured."""
        if self.penalty is not None and "loss" in logs:
            distance = self.penalty.distance()
            if distance is not None:
                logs = logs | {"distance": distance}
        super().log(logs, *more, **named)


def in_parts(inputs: Batch, many: int) -> list[Batch]:
    """Return a batch in parts of like lengths, each with the padding that it needs itself."""
    lengths = inputs["attention_mask"].sum(1)
    order = lengths.argsort(descending=True, stable=True)
    parts = []
    for rows in order.chunk(many):
        width = int(lengths[rows].max())
        parts.append(
            {
                name: column[rows, :width] if column.dim() > 1 else column[rows]
                for name, column in inputs.items()
            }
        )
    return parts


def completion_loss(
    model: PreTrainedModel,
    inputs: Batch,
    items: torch.Tensor | int | None,
    weight: torch.Tensor | None = None,
    layer: int | None = None,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return the weighted mean cross entropy of the completion tokens, and hidden states.

    Logits are computed only where some row of the batch has a completion token, which is
    most of the cost of a short answer under a large vocabulary; where they would still be more
    than `AT_ONCE`, only of the completion tokens themselves.

    Args:
        model: a causal model.
        inputs: input_ids, attention_mask and labels, each of shape (rows, tokens).
        items: completion tokens of the global batch; None means those of this one.
        weight: factors of the rows' losses, of shape (rows,).
        layer: which `hidden_states[layer]` to return; None returns none.
    """
    from torch.nn.functional import cross_entropy

    labels = inputs.pop("labels")[:, 1:]
    positions = (labels != IGNORED).any(0).nonzero().squeeze(1)
    targets = labels[:, positions]
    extra = {"output_hidden_states": True} if layer is not None else {}
    with _only(targets != IGNORED, positions, model):
        outputs = model(**inputs, **extra, logits_to_keep=positions, use_cache=False)

    logits, weights = outputs.logits, None if weight is None else weight.unsqueeze(1)
    learnt = (targets != IGNORED).nonzero(as_tuple=True)
    if logits.shape[:2] == (1, len(learnt[0])) and logits.shape[:2] != targets.shape:
        targets = targets[learnt].unsqueeze(0)
        weights = None if weight is None else weight[learnt[0]].unsqueeze(0)
    elif logits.shape[1] != len(positions):  # the architecture ignores logits_to_keep
        logits = logits[:, positions]

    losses = cross_entropy(
        logits.flatten(0, 1).float(), targets.flatten(), ignore_index=IGNORED, reduction="none"
    ).view(targets.shape)
    if weights is not None:
        losses = losses * weights.to(losses.dtype)
    count = items if items is not None else (targets != IGNORED).sum()
    return losses.sum() / count, outputs.hidden_states[layer] if layer is not None else None


@contextmanager
def _only(learnt: torch.Tensor, positions: torch.Tensor, model: PreTrainedModel) -> Iterator[None]:
    """Let a model compute logits of the tokens to learn alone, where all would be many.

    `logits_to_keep` takes the same positions of all rows, so rows of different lengths compute
    most of each other's: under 256,000 words that is gigabytes.

    Args:
        learnt: which tokens to learn, of shape (rows, positions).
        positions: of those tokens in the rows.
        model: a causal model, perhaps inside one that spreads it over processes.
    """
    head = getattr(model, "module", model).get_output_embeddings()
    if head is None or learnt.numel() * head.weight.shape[0] <= AT_ONCE:
        yield
        return

    def pick(_: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        hidden, *more = given
        if hidden.shape[1] != learnt.shape[1]:  # the architecture ignores logits_to_keep
            hidden = hidden[:, positions]
        return hidden[learnt].unsqueeze(0), *more

    hook = head.register_forward_pre_hook(pick)
    try:
        yield
    finally:
        hook.remove()


class Progress(TrainerCallback):  # type: ignore[misc]  # transformers, untyped to mypy
    """Shows the steps and the loss, on the first process."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Begin the bar."""
        self.bar = Bar("training, step", state.max_steps, state.is_world_process_zero)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """Advance it."""
        self.bar.at(state.global_step)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: object,
    ) -> None:
        """Show the loss.

        Args:
            args: of the training.
            state: where it is.
            control: what it does next.
            logs: what is logged.
        """
        if logs and "loss" in logs:
            self.bar.note = f"loss {float(logs['loss']):.3f}"

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        """End it."""
        self.bar.close()
