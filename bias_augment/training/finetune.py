"""Fine-tune a LoRA adapter on a mix, with transformers' Trainer and peft.

The same command runs on one device and, under `torchrun` or `accelerate launch`, on several.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bias_inherit import manifests, store
from bias_inherit.arms import Arm
from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.data.examples import data_file, read_examples
from bias_inherit.bias_augment.training.adapter_card import README, adapter_card
from bias_inherit.bias_augment.training.base_model import BaseTools, load_base, with_adapter
from bias_inherit.bias_augment.training.encode import (
    Collator,
    Encoded,
    encode_all,
    longest_input,
    pad_token_id,
    use_chat_template,
)
from bias_inherit.bias_augment.training.settings import Settings, load_preset
from bias_inherit.errors import InputError
from bias_inherit.mitigations import Mitigation
from bias_inherit.models import adapter_sha256, check_causal, fingerprint
from bias_inherit.rows import AUGMENTED, ORIGINAL, Example

if TYPE_CHECKING:
    from collections.abc import Iterator

    from peft import PeftModel
    from transformers import PreTrainedModel, TrainingArguments

    from bias_inherit.bias_augment.training.trainer import CompletionTrainer


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
            a row is too long, a mitigation lacks what it needs, or the loss is not finite.
    """
    store.check_place(out, "adapter")
    started = adapter_sha256(start) if start is not None else None
    published = None if preset is None else load_preset(preset)
    examples, data_hash = read_examples(data), store.sha256(data_file(data))
    mixed = manifests.read_data(data)
    if mixed is not None and mixed.sha256 != data_hash:  # it does not describe this file
        mixed = None
    _check_penalty(mitigation, examples)
    check_causal(base)
    from transformers import AutoTokenizer, set_seed

    set_seed(settings.seed)
    tokenizer = AutoTokenizer.from_pretrained(base)
    uses_chat = use_chat_template(tokenizer, settings.chat_template)
    model, bf16 = load_base(base, settings)
    _check_layer(mitigation, model)

    tools = BaseTools(model, tokenizer, uses_chat, axis)
    told = mitigation.apply(examples, tools)
    train, held_out = _hold_out(told, settings)
    context = longest_input(model.config)
    rows, cut = encode_all(train, tokenizer, uses_chat, context, settings.max_length)
    kept_out, _ = encode_all(held_out, tokenizer, uses_chat, context, settings.max_length)
    model = with_adapter(model, settings, start)

    with _folder(out) as folder, _checkpoints(out, settings) as scratch:
        args = _arguments(settings, bf16, scratch, bool(held_out))
        ids = [str(example["id"]) for example in train]
        trainer = _trainer(model, mitigation, args, ids, rows, kept_out, pad_token_id(tokenizer))
        with _explained():
            outcome = trainer.train()
        if not trainer.is_world_process_zero():
            return None
        assert folder is not None
        with _explained():
            trainer.model.save_pretrained(folder)
        _settle_config(folder / "adapter_config.json")

        history = trainer.state.log_history
        manifest = manifests.Adapter(
            arm=describe_arm(examples, mixed, mitigation.name, settings.seed),
            mitigation_options=dict(mitigation.options),
            preset=None if published is None else {"name": preset, "source": published.source},
            data=str(data),
            data_sha256=data_hash,
            sources=mixed.sources if mixed is not None else (),
            base=base,
            base_fingerprint=fingerprint(base),
            adapter_sha256=adapter_sha256(folder),
            started_from=started,
            settings=asdict(settings),
            processes=trainer.accelerator.num_processes,
            precision="bf16" if bf16 else "fp32",
            chat_template=uses_chat,
            rows=len(train),
            rows_augmented=sum(row["origin"] == AUGMENTED for row in train),
            rows_held_out=len(held_out),
            rows_cut=cut,
            training_loss=outcome.training_loss,
            log=tuple(e for e in history if "loss" in e or "eval_loss" in e),
            versions={
                name: version(name) for name in ("bias-inherit", "torch", "transformers", "peft")
            },
        )
        store.write_text(folder / README, adapter_card(manifest))
        manifests.write(folder / store.MANIFEST, manifest)
    return manifest


def _check_penalty(mitigation: Mitigation, examples: Sequence[Example]) -> None:
    if mitigation.penalty is None:
        return
    if not any(example["origin"] == ORIGINAL for example in examples):
        raise InputError(
            f"the mitigation '{mitigation.name}' compares augmented rows with original ones, and "
            "the data has no original rows: mix some in"
        )


def _check_layer(mitigation: Mitigation, model: PreTrainedModel) -> None:
    layers = model.config.num_hidden_layers
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


def _trainer(
    model: PeftModel,
    mitigation: Mitigation,
    args: TrainingArguments,
    ids: Sequence[str],
    rows: Sequence[Encoded],
    held_out: Sequence[Encoded],
    pad: int,
) -> CompletionTrainer:
    from datasets import Dataset

    from bias_inherit.bias_augment.training.trainer import Bar, CompletionTrainer

    return CompletionTrainer(
        mitigation=mitigation,
        ids=ids,
        model=model,
        args=args,
        train_dataset=Dataset.from_list([dict(row) for row in rows]),
        eval_dataset=Dataset.from_list([dict(row) for row in held_out]) if held_out else None,
        data_collator=Collator(pad),
        callbacks=[Bar()],
    )


@contextmanager
def _checkpoints(out: Path, settings: Settings) -> Iterator[Path]:
    """Yield where checkpoints go: beside `out`, kept when training fails, or nowhere."""
    if not settings.checkpoint_every:
        with TemporaryDirectory() as scratch:
            yield Path(scratch)
        return
    place = out.with_name(f"{out.name}.checkpoints")
    try:
        yield place
    except InputError as error:
        saved = sorted(place.glob("checkpoint-*"), key=lambda p: int(p.name.rpartition("-")[2]))
        good = [checkpoint for checkpoint in saved if _is_finite(checkpoint)]
        last = f"; the last good checkpoint is {good[-1]}" if good else ""
        raise InputError(f"{error}{last}") from None
    shutil.rmtree(place, ignore_errors=True)


def _is_finite(checkpoint: Path) -> bool:
    """Return whether all weights are there and finite.

    A step can spoil them although its own loss was finite; a full disk cuts a file short.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights = load_file(checkpoint / "adapter_model.safetensors")
    except (OSError, SafetensorError):
        return False
    return all(bool(weight.isfinite().all()) for weight in weights.values())


@contextmanager
def _folder(out: Path) -> Iterator[Path | None]:
    """Yield the folder to write on the first process, None on the others."""
    first = int(os.environ.get("RANK", "0")) == 0
    with store.whole_folder(out, "adapter") if first else nullcontext(None) as folder:
        yield folder


@contextmanager
def _explained() -> Iterator[None]:
    """Turn a full disk that safetensors reports in a type of its own into one line."""
    try:
        yield
    except (InputError, OSError):
        raise
    except Exception as error:
        if "No space left" in str(error) or "File too large" in str(error):
            raise InputError(
                f"the adapter cannot be written: {str(error).splitlines()[0]}"
            ) from None
        raise


def _settle_config(path: Path) -> None:
    """Sort the target modules: peft writes a set, in another order in every process."""
    config = store.read_json(path)
    if isinstance(config["target_modules"], list):
        config["target_modules"].sort()
    store.write_json(path, config)


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
