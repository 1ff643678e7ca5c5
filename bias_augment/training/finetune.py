"""Fine-tune a LoRA adapter on a mix, with transformers' Trainer and peft.

The same command runs on one device and, under `torchrun` or `accelerate launch`, on several.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from bias_inherit import manifests, store
from bias_inherit.arms import Arm
from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.data.examples import data_file, read_examples
from bias_inherit.bias_augment.data.lessons import teach
from bias_inherit.bias_augment.training.adapter_card import README, adapter_card
from bias_inherit.bias_augment.training.base_model import BaseTools, with_adapter
from bias_inherit.bias_augment.training.encode import (
    encode,
    encode_all,
    longest_input,
    use_chat_template,
)
from bias_inherit.bias_augment.training.kept_base import KeptBase
from bias_inherit.bias_augment.training.saving import (
    adapter_folder,
    checkpoints,
    disk_errors,
    settle_config,
)
from bias_inherit.bias_augment.training.settings import Settings, load_preset
from bias_inherit.chat import template_args
from bias_inherit.errors import InputError
from bias_inherit.mitigations import Mitigation
from bias_inherit.models import (
    adapter_sha256,
    check_causal,
    check_words,
    is_same_base,
)
from bias_inherit.rows import AUGMENTED, ORIGINAL, Example
from bias_inherit.threads import cpu_threads

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PretrainedConfig, PreTrainedModel, TrainingArguments

    from bias_inherit.bias_augment.training.trainer import TrainingRows

LOGGING_STEPS = 10


def finetune(
    base: str,
    data: Path,
    out: Path,
    mitigation: Mitigation,
    settings: Settings,
    start: Path | None = None,
    axis: Axis | None = None,
    preset: str | None = None,
) -> manifests.Adapter | None:
    """Train an adapter on a mix and return its manifest; None on every process but the first.

    Args:
        base: folder or hub id of a causal model.
        data: JSON lines of examples, or a dataset folder of ours.
        out: becomes a folder that peft and lm-eval's `peft=` take.
        mitigation: changes the rows, or adds to the loss.
        settings: how it is trained.
        start: an adapter to train on from, whose rank and targets then count; None begins a new
            one.
        axis: a user's own that the rows name, for mitigations that ask for it.
        preset: the name of the published settings that `settings` began with, for the record.

    Raises:
        InputError: the data is broken, the base is not a causal model, a target names no layer,
            `start` does not fit the base, a row is too long, a mitigation lacks what it needs,
            or the loss is not finite.
    """
    store.check_place(out, "adapter")
    published = None if preset is None else _recorded(preset)
    return prepare(KeptBase(base), data, mitigation, settings, start, axis).train(out, published)


@dataclass(frozen=True)
class Prepared:
    """A base and the rows that an adapter is to be trained on; see `prepare`."""

    kept: KeptBase
    model: PreTrainedModel
    given: TrainingRows
    mitigation: Mitigation
    settings: Settings
    start: Path | None
    bf16: bool
    described: manifests.Adapter
    """What is known before the training."""

    @property
    def sha256(self) -> str:
        """The hash of all that decides the adapter's weights: equal ones need one training."""
        penalty = (self.mitigation.name, self.mitigation.options, self.mitigation.layer)
        decided = {
            "base": self.described.base_fingerprint or self.kept.base,
            "rows": [vars(row) for row in (*self.given.train, *self.given.held_out)],
            "settings": asdict(self.settings),
            "penalty": penalty if self.mitigation.penalty is not None else None,
            "start": self.described.started_from,
        }
        return store.sha256_lines([json.dumps(decided, default=str)])

    def train(self, out: Path, preset: manifests.Preset | None = None) -> manifests.Adapter | None:
        """Train, and return the manifest; None on every process but the first.

        Args:
            out: becomes a folder that peft and lm-eval's `peft=` take.
            preset: for the record.

        Raises:
            InputError: a target names no layer, the start does not fit the base, or the loss is
                not finite.
        """
        from transformers import set_seed

        from bias_inherit.bias_augment.training.trainer import CompletionTrainer

        def adapt(model: PreTrainedModel) -> PeftModel:
            return with_adapter(model, self.kept.base, self.settings, self.start)

        set_seed(self.settings.seed)  # whatever was drawn since it was loaded
        with (
            self.kept.wearing(adapt) as adapted,
            adapter_folder(out) as folder,
            checkpoints(out, self.settings) as scratch,
            cpu_threads(self.kept.base) as threads,
        ):
            evaluates = bool(self.given.held_out)
            args = _arguments(self.settings, self.bf16, scratch, evaluates)
            trainer = CompletionTrainer(adapted, args, self.given, self.mitigation)
            with disk_errors():
                outcome = trainer.train()
            if not trainer.is_world_process_zero():
                return None
            assert folder is not None
            with disk_errors():
                trainer.model.save_pretrained(folder)
            settle_config(folder / "adapter_config.json")

            history = trainer.state.log_history
            manifest = self.described.model_copy(
                update={
                    "preset": preset,
                    "adapter_sha256": adapter_sha256(folder),
                    "training_sha256": self.sha256,
                    "processes": trainer.accelerator.num_processes,
                    "threads": threads,
                    "training_loss": outcome.training_loss,
                    "log": tuple(e for e in history if "loss" in e or "eval_loss" in e),
                }
            )
            store.write_text(folder / README, adapter_card(manifest))
            manifests.write(folder / store.MANIFEST, manifest)
        return manifest

    def adopt(self, other: Path, out: Path) -> bool:
        """Take another adapter that was trained on the same inputs, and return whether it was.

        Args:
            other: its folder.
            out: becomes a folder of the same weights, with a manifest of its own.
        """
        theirs = manifests.read(other, manifests.Adapter)
        if theirs is None or theirs.training_sha256 != self.sha256:
            return False
        if theirs.adapter_sha256 != adapter_sha256(other):
            return False

        manifest = self.described.model_copy(
            update={name: getattr(theirs, name) for name in _OF_THE_TRAINING}
        )
        with store.whole_folder(out, "adapter") as folder:
            shutil.copytree(other, folder, dirs_exist_ok=True)
            store.write_text(folder / README, adapter_card(manifest))
            manifests.write(folder / store.MANIFEST, manifest)
        return True


_OF_THE_TRAINING = (
    "preset",
    "adapter_sha256",
    "training_sha256",
    "processes",
    "threads",
    "training_loss",
    "log",
    "versions",
)
"""What of an adapter's manifest is known after its training alone."""


def prepare(
    kept: KeptBase,
    data: Path,
    mitigation: Mitigation,
    settings: Settings,
    start: Path | None = None,
    axis: Axis | None = None,
) -> Prepared:
    """Read a mix, let the mitigation have it, and return what is to be trained on.

    Args:
        kept: the base.
        data, mitigation, settings, start, axis: as for `finetune`.

    Raises:
        InputError: as `finetune`.
    """
    base = kept.base
    started = adapter_sha256(start) if start is not None else None
    examples, data_hash = read_examples(data), store.sha256(data_file(data))
    mixed = manifests.read_data(data)
    if mixed is not None and mixed.sha256 != data_hash:  # it does not describe this file
        mixed = None
    _check_penalty(mitigation, examples)
    check_causal(base)
    base_print = kept.fingerprint
    if start is not None:
        _check_start(start, base, base_print)
    from transformers import set_seed

    from bias_inherit.bias_augment.training.trainer import TrainingRows

    set_seed(settings.seed)
    tokenizer = kept.tokenizer()
    uses_chat = use_chat_template(tokenizer, settings.chat_template)
    written = template_args(settings.chat_template_args) if uses_chat else {}
    model, bf16 = kept.lend(settings)
    first = encode(tokenizer, examples[0], uses_chat, template_args=written)
    check_words(tokenizer, model, base, first.input_ids)
    _check_layer(mitigation, model.config)

    tools = BaseTools(model, tokenizer, uses_chat, axis, written)
    taught = teach(examples, settings.learn, tools.axis)
    told = mitigation.apply(taught, tools)
    train, held_out = _hold_out(told, settings)
    context = longest_input(model.config)
    how = tokenizer, uses_chat, context, settings.max_length, written, kept.ids_of
    rows, cut = encode_all(train, *how)
    kept_out, _ = encode_all(held_out, *how)
    ids = [str(example["id"]) for example in train]
    described = manifests.Adapter(
        arm=describe_arm(examples, mixed, mitigation.name, settings.seed),
        mitigation_options=dict(mitigation.options),
        data=str(data),
        data_sha256=data_hash,
        sources=mixed.sources if mixed is not None else (),
        base=base,
        base_fingerprint=base_print,
        started_from=started,
        settings=asdict(settings),
        precision="bf16" if bf16 else "fp32",
        chat_template=uses_chat,
        chat_template_args=written,
        rows=len(train),
        rows_augmented=sum(row["origin"] == AUGMENTED for row in train),
        rows_held_out=len(held_out),
        rows_cut=cut,
        lessons=dict(Counter(str(row.get("lesson") or "answer") for row in train)),
        versions={
            name: version(name) for name in ("bias-inherit", "torch", "transformers", "peft")
        },
    )
    given = TrainingRows(rows, kept_out, ids, tokenizer.pad_token_id)
    return Prepared(kept, model, given, mitigation, settings, start, bf16, described)


def _recorded(name: str) -> manifests.Preset:
    """Return a preset as the manifest has it."""
    preset = load_preset(name)
    return manifests.Preset(name=name, source=preset.source, values=dict(preset.values))


def _check_start(start: Path, base: str, base_print: str | None) -> None:
    """Check that an adapter is not of another base, where both are known."""
    manifest = manifests.read(start, manifests.Adapter)
    if manifest is not None and is_same_base(manifest.base_fingerprint, base_print) is False:
        raise InputError(
            f"adapter {start} belongs to another base ({manifest.base}), not to {base}: name the "
            "base that it was trained on"
        )


def _check_penalty(mitigation: Mitigation, examples: Sequence[Example]) -> None:
    if mitigation.penalty is None:
        return
    if not any(example["origin"] == ORIGINAL for example in examples):
        raise InputError(
            f"the mitigation '{mitigation.name}' compares augmented rows with original ones, and "
            "the data has no original rows: mix some in"
        )


def _check_layer(mitigation: Mitigation, config: PretrainedConfig) -> None:
    layers: int = config.get_text_config().num_hidden_layers
    if mitigation.penalty is not None and not -layers - 1 <= mitigation.layer <= layers:
        raise InputError(
            f"the mitigation '{mitigation.name}' asks for layer {mitigation.layer}: the base has "
            f"{layers}, so it may be {-layers - 1} to {layers}"
        )


def _hold_out(
    examples: Sequence[Example], settings: Settings
) -> tuple[list[Example], list[Example]]:
    """Split off a share of the original rows, by hash, for the evaluation loss.

    Raises:
        InputError: the share leaves no original row in one of the parts.
    """
    if not settings.held_out:
        return list(examples), []

    original = [e for e in examples if e["origin"] == ORIGINAL]
    many = round(settings.held_out * len(original))
    if not 0 < many < len(original):
        raise InputError(
            f"held-out {settings.held_out:g} of {len(original)} original rows leaves {many} to "
            "evaluate on and the rest to train on: neither may be 0"
        )

    ranked = sorted(original, key=lambda e: (store.stable_rank(settings.seed, e["id"]), e["id"]))
    held = {example["id"] for example in ranked[:many]}
    return (
        [e for e in examples if e["id"] not in held],
        [e for e in original if e["id"] in held],
    )


def _arguments(settings: Settings, bf16: bool, output: Path, evaluates: bool) -> TrainingArguments:
    import torch
    from transformers import TrainingArguments

    gpu = torch.cuda.is_available()
    every = settings.checkpoint_every
    # named only where it is wanted: transformers is renaming it
    memory = {"gradient_checkpointing": True} if settings.checkpointing else {}
    return TrainingArguments(
        output_dir=str(output),
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.batch_size,
        gradient_accumulation_steps=settings.accumulation,
        num_train_epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        warmup_steps=settings.warmup,
        lr_scheduler_type=settings.schedule,
        weight_decay=settings.weight_decay,
        bf16=bf16 and gpu,
        use_cpu=not gpu,
        logging_steps=LOGGING_STEPS,
        logging_first_step=True,
        logging_nan_inf_filter=False,
        eval_strategy="epoch" if evaluates else "no",
        save_strategy="steps" if every else "no",
        save_steps=every or 1,
        save_total_limit=2,
        report_to=[],
        seed=settings.seed,
        remove_unused_columns=False,
        label_names=["labels"],
        ddp_find_unused_parameters=False,
        dataloader_pin_memory=gpu,
        **memory,
    )


def describe_arm(
    examples: Sequence[Example], mixed: manifests.Data | None, mitigation: str, seed: int
) -> Arm:
    """Return what an adapter is trained as: as mixed, else read off the rows.

    Args:
        examples: the rows before the mitigation.
        mixed: the manifest of their file; None where there is none that describes it.
        mitigation: its name.
        seed: of the training.
    """
    augmented = [e for e in examples if e.get("origin") == AUGMENTED]
    types = sorted({str(e.get("bias_type")) for e in augmented})
    axes = sorted({str(e.get("axis")) for e in examples})

    mix = mixed if isinstance(mixed, manifests.Mix) else manifests.Mix()
    seen = Fraction(len(augmented), len(examples))
    return Arm(
        axis="+".join(axes),
        bias_type="+".join(types) or None,
        ratio=seen if mix.ratio is None else mix.ratio,
        mitigation=mitigation,
        size=mix.size,
        seed=seed,
        round=mix.round,
    )
