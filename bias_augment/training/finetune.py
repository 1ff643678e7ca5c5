"""Fine-tune a LoRA adapter on a mix, with transformers' Trainer and peft.

The same command runs on one device and, under `torchrun` or `accelerate launch`, on several.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
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
from bias_inherit.bias_augment.training.base_model import BaseTools, load_base, with_adapter
from bias_inherit.bias_augment.training.encode import (
    encode,
    encode_all,
    longest_input,
    use_chat_template,
)
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
    fingerprint,
    is_same_base,
    load_tokenizer,
)
from bias_inherit.rows import AUGMENTED, ORIGINAL, Example
from bias_inherit.threads import cpu_threads

if TYPE_CHECKING:
    from transformers import PretrainedConfig, TrainingArguments

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
    started = adapter_sha256(start) if start is not None else None
    published = None if preset is None else _recorded(preset)
    examples, data_hash = read_examples(data), store.sha256(data_file(data))
    mixed = manifests.read_data(data)
    if mixed is not None and mixed.sha256 != data_hash:  # it does not describe this file
        mixed = None
    _check_penalty(mitigation, examples)
    check_causal(base)
    base_print = fingerprint(base)
    if start is not None:
        _check_start(start, base, base_print)
    from transformers import set_seed

    from bias_inherit.bias_augment.training.trainer import CompletionTrainer, TrainingRows

    set_seed(settings.seed)
    tokenizer = load_tokenizer(base)
    uses_chat = use_chat_template(tokenizer, settings.chat_template)
    written = template_args(settings.chat_template_args) if uses_chat else {}
    model, bf16 = load_base(base, settings)
    first = encode(tokenizer, examples[0], uses_chat, template_args=written)
    check_words(tokenizer, model, base, first.input_ids)
    _check_layer(mitigation, model.config)

    tools = BaseTools(model, tokenizer, uses_chat, axis, written)
    taught = teach(examples, settings.learn, tools.axis)
    told = mitigation.apply(taught, tools)
    train, held_out = _hold_out(told, settings)
    context = longest_input(model.config)
    rows, cut = encode_all(train, tokenizer, uses_chat, context, settings.max_length, written)
    kept_out, _ = encode_all(held_out, tokenizer, uses_chat, context, settings.max_length, written)
    ids = [str(example["id"]) for example in train]
    given = TrainingRows(rows, kept_out, ids, tokenizer.pad_token_id)
    adapted = with_adapter(model, base, settings, start)

    with (
        adapter_folder(out) as folder,
        checkpoints(out, settings) as scratch,
        cpu_threads(base) as threads,
    ):
        args = _arguments(settings, bf16, scratch, bool(held_out))
        trainer = CompletionTrainer(adapted, args, given, mitigation)
        with disk_errors():
            outcome = trainer.train()
        if not trainer.is_world_process_zero():
            return None
        assert folder is not None
        with disk_errors():
            trainer.model.save_pretrained(folder)
        settle_config(folder / "adapter_config.json")

        history = trainer.state.log_history
        manifest = manifests.Adapter(
            arm=describe_arm(examples, mixed, mitigation.name, settings.seed),
            mitigation_options=dict(mitigation.options),
            preset=published,
            data=str(data),
            data_sha256=data_hash,
            sources=mixed.sources if mixed is not None else (),
            base=base,
            base_fingerprint=base_print,
            adapter_sha256=adapter_sha256(folder),
            started_from=started,
            settings=asdict(settings),
            processes=trainer.accelerator.num_processes,
            threads=threads,
            precision="bf16" if bf16 else "fp32",
            chat_template=uses_chat,
            chat_template_args=written,
            rows=len(train),
            rows_augmented=sum(row["origin"] == AUGMENTED for row in train),
            rows_held_out=len(held_out),
            rows_cut=cut,
            lessons=dict(Counter(str(row.get("lesson") or "answer") for row in train)),
            training_loss=outcome.training_loss,
            log=tuple(e for e in history if "loss" in e or "eval_loss" in e),
            versions={
                name: version(name) for name in ("bias-inherit", "torch", "transformers", "peft")
            },
        )
        store.write_text(folder / README, adapter_card(manifest))
        manifests.write(folder / store.MANIFEST, manifest)
    return manifest


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
