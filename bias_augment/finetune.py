"""Fine-tune a LoRA adapter on a mix, with transformers' Trainer and peft.

The same command runs on one device and, under `torchrun` or `accelerate launch`, on several.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bias_inherit import store
from bias_inherit.bias_augment.adapter_card import README, adapter_card
from bias_inherit.bias_augment.axes import Axis, load_axis
from bias_inherit.bias_augment.encode import (
    Collator,
    Encoded,
    encode,
    encode_all,
    longest_input,
    pad_token_id,
    use_chat_template,
)
from bias_inherit.bias_augment.examples import (
    AUGMENTED,
    ORIGINAL,
    Example,
    data_file,
    read_examples,
)
from bias_inherit.bias_augment.settings import Settings
from bias_inherit.errors import InputError
from bias_inherit.mitigations import Mitigation
from bias_inherit.models import adapter_sha256, check_causal, fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

LOGGING_STEPS = 10
_FEATURE_ROWS = 16
"""Rows a forward pass where a mitigation asks for features."""


def finetune(
    base: str,
    data: Path,
    out: Path,
    mitigation: Mitigation,
    settings: Settings,
    start: Path | None = None,
    axis: Axis | None = None,
) -> dict[str, Any]:
    """Train an adapter on the mix in `data` and return its manifest.

    `out` becomes a folder that peft and lm-eval's `peft=` take. `start` is an adapter to
    train on from, whose rank and targets then count; None begins a new one. `axis` is one of
    a user's own that the rows name, for mitigations that ask for it.

    Raises:
        InputError: the data is broken, the base is no causal model, a target names no layer,
            a row is too long, a mitigation lacks what it needs, or the loss is not finite.
    """
    store.check_place(out, "adapter")
    started = adapter_sha256(start) if start is not None else None
    examples, data_hash = read_examples(data), store.sha256(data_file(data))
    mixed = store.read_manifest(data) or {}
    if mixed.get("sha256") != data_hash:  # the file is not the mix that its manifest describes
        mixed = {}
    _check_penalty(mitigation, examples)
    check_causal(base)
    from transformers import AutoTokenizer, set_seed

    set_seed(settings.seed)
    tokenizer = AutoTokenizer.from_pretrained(base)
    uses_chat = use_chat_template(tokenizer, settings.chat_template)
    model, bf16 = _load_base(base, settings)
    _check_layer(mitigation, model)
    tools = BaseTools(model, tokenizer, uses_chat, axis)
    told = mitigation.apply(examples, tools)
    train, held_out = _hold_out(told, settings)
    context = longest_input(model.config)
    rows, cut = encode_all(train, tokenizer, uses_chat, context, settings.max_length)
    kept_out, _ = encode_all(held_out, tokenizer, uses_chat, context, settings.max_length)
    model = _with_adapter(model, settings, start)
    with _folder(out) as folder, _checkpoints(out, settings) as scratch:
        args = _arguments(settings, bf16, scratch, bool(held_out))
        ids = [str(example["id"]) for example in train]
        trainer = _trainer(model, mitigation, args, ids, rows, kept_out, pad_token_id(tokenizer))
        with _explained():
            outcome = trainer.train()
        if not trainer.is_world_process_zero():
            return {}
        assert folder is not None
        with _explained():
            trainer.model.save_pretrained(folder)
        _settle_config(folder / "adapter_config.json")
        history = trainer.state.log_history
        manifest = {
            "schema": store.SCHEMA,
            "kind": "adapter",
            "arm": describe_arm(examples, mixed)
            | {"mitigation": mitigation.name, "seed": settings.seed},
            "mitigation_options": dict(mitigation.options),
            "data": str(data),
            "data_sha256": data_hash,
            "base": base,
            "base_fingerprint": fingerprint(base),
            "adapter_sha256": adapter_sha256(folder),
            "started_from": started,
            "settings": asdict(settings),
            "processes": trainer.accelerator.num_processes,
            "precision": "bf16" if bf16 else "fp32",
            "chat_template": uses_chat,
            "rows": len(train),
            "rows_augmented": sum(row["origin"] == AUGMENTED for row in train),
            "rows_held_out": len(held_out),
            "rows_cut": cut,
            "training_loss": outcome.training_loss,
            "log": [e for e in history if "loss" in e or "eval_loss" in e],
            "versions": {
                name: version(name) for name in ("bias-inherit", "torch", "transformers", "peft")
            },
        }
        store.write_text(folder / README, adapter_card(manifest))
        store.write_json(folder / store.MANIFEST, manifest)
    return manifest


class BaseTools:
    """What a mitigation's transform may ask for: axes, and phi of the untouched base."""

    def __init__(self, model: Any, tokenizer: Any, uses_chat: bool, own: Axis | None) -> None:
        self._model, self._tokenizer, self._uses_chat = model, tokenizer, uses_chat
        self._own = own

    def axis(self, name: str) -> Axis:
        """Return the axis of that name; InputError where there is none."""
        return self._own if self._own is not None and self._own.axis == name else load_axis(name)

    def features(self, examples: Sequence[Example]) -> np.ndarray[Any, Any]:
        """Return phi, float32 of shape (examples, width): see `penalty.mean_over_tokens`."""
        import numpy as np
        import torch

        from bias_inherit.bias_augment.penalty import mean_over_tokens

        rows = [encode(self._tokenizer, example, self._uses_chat) for example in examples]
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]["input_ids"]))
        found: dict[int, Any] = {}
        training = self._model.training
        self._model.eval()
        for i in range(0, len(order), _FEATURE_ROWS):
            part = order[i : i + _FEATURE_ROWS]
            batch = self._collator([rows[j] for j in part])
            mask = batch["attention_mask"].to(self._model.device)
            with torch.no_grad():
                hidden = self._model(
                    input_ids=batch["input_ids"].to(self._model.device),
                    attention_mask=mask,
                    output_hidden_states=True,
                    use_cache=False,
                    logits_to_keep=1,
                ).hidden_states[-1]
            found |= dict(zip(part, mean_over_tokens(hidden, mask).cpu().numpy(), strict=True))
        self._model.train(training)
        return np.stack([found[i] for i in range(len(rows))])

    @cached_property
    def _collator(self) -> Collator:
        return Collator(pad_token_id(self._tokenizer))


def _check_penalty(mitigation: Mitigation, examples: Sequence[Example]) -> None:
    if mitigation.penalty is None:
        return
    if not any(example["origin"] == ORIGINAL for example in examples):
        raise InputError(
            f"the mitigation '{mitigation.name}' compares augmented rows with original ones, and "
            "the data has no original rows: mix some in"
        )


def _check_layer(mitigation: Mitigation, model: Any) -> None:
    layers = model.config.num_hidden_layers
    if mitigation.penalty is not None and not -layers - 1 <= mitigation.layer <= layers:
        raise InputError(
            f"the mitigation '{mitigation.name}' asks for layer {mitigation.layer}: the base has "
            f"{layers}, so it may be {-layers - 1} to {layers}"
        )


def _load_base(base: str, settings: Settings) -> tuple[Any, bool]:
    """Return the base on its device, and whether it computes in bf16."""
    import torch
    from transformers import AutoModelForCausalLM

    gpu = torch.cuda.is_available()
    bf16 = settings.precision == "bf16" or (
        settings.precision == "auto" and gpu and torch.cuda.is_bf16_supported()
    )
    dtype = torch.bfloat16 if bf16 else torch.float32
    extra: dict[str, Any] = {}
    if settings.quantize:
        extra["quantization_config"] = _four_bits(gpu, dtype)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=dtype, **extra)
    return (model if settings.quantize else model.to("cuda" if gpu else "cpu")), bf16


def _four_bits(gpu: bool, dtype: Any) -> Any:
    from importlib.util import find_spec

    if not gpu or find_spec("bitsandbytes") is None:
        raise InputError(
            "--quantize (QLoRA) needs a GPU and bitsandbytes: pip install bitsandbytes"
        )
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def _with_adapter(model: Any, settings: Settings, start: Path | None) -> Any:
    from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training

    if settings.quantize:
        model = prepare_model_for_kbit_training(
            model, use_gradient_checkpointing=settings.checkpointing
        )
    elif settings.checkpointing:
        model.enable_input_require_grads()
    if start is not None:
        return PeftModel.from_pretrained(model, str(start), is_trainable=True)
    targets = _targets(model, settings.targets)
    lora = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, lora)


def _targets(model: Any, targets: str) -> str | list[str]:
    """Return peft's target modules.

    Raises:
        InputError: a name is that of no linear layer; the names that there are are listed.
    """
    if targets == "all-linear":
        return targets
    named = [name.strip() for name in targets.split(",") if name.strip()]
    linear = linear_layers(model)
    absent = [name for name in named if name not in linear]
    if absent or not named:
        raise InputError(
            f"the base has no linear layer '{', '.join(absent)}': its linear layers are "
            f"{', '.join(linear)} (or all-linear)"
        )
    return named


def linear_layers(model: Any) -> list[str]:
    """Return the names of a model's linear layers, each once, but for the one of the logits."""
    import torch
    from transformers.pytorch_utils import Conv1D

    head = model.get_output_embeddings()
    kinds = (torch.nn.Linear, Conv1D)
    found = [n for n, m in model.named_modules() if isinstance(m, kinds) and m is not head]
    return list(dict.fromkeys(name.rpartition(".")[2] for name in found))


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


def _arguments(settings: Settings, bf16: bool, output: Path, evaluates: bool) -> Any:
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
    model: Any,
    mitigation: Mitigation,
    args: Any,
    ids: Sequence[str],
    rows: Sequence[Encoded],
    held_out: Sequence[Encoded],
    pad: int,
) -> Any:
    from datasets import Dataset

    from bias_inherit.bias_augment.trainer import Bar, CompletionTrainer

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
        last = f"; the last good checkpoint is {saved[-1]}" if saved else ""
        raise InputError(f"{error}{last}") from None
    shutil.rmtree(place, ignore_errors=True)


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


def describe_arm(examples: Sequence[Example], mix_manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return axis, bias type, ratio and size of a mix: as mixed, else read off its rows."""
    augmented = [e for e in examples if e["origin"] == AUGMENTED]
    types = sorted({str(e.get("bias_type")) for e in augmented})
    axes = sorted({str(e.get("axis")) for e in examples})
    return {
        "axis": "+".join(axes),
        "bias_type": "+".join(types) or None,
        "ratio": mix_manifest.get("ratio", len(augmented) / len(examples)),
        "size": mix_manifest.get("size"),
    } | {key: mix_manifest[key] for key in ("round",) if key in mix_manifest}
