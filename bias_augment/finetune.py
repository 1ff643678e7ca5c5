"""Fine-tune a LoRA adapter on a mix, with transformers' Trainer and peft.

The loss falls on the completion alone. A base whose tokenizer has a chat template gets
its own messages form, another gets plain text; either way the tokens are the ones that
lm-eval scores later (with and without `--apply_chat_template`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from bias_inherit import store
from bias_inherit.bias_augment.examples import AUGMENTED, Example, data_file, read_examples
from bias_inherit.errors import InputError
from bias_inherit.mitigations import Mitigation
from bias_inherit.models import adapter_sha256, check_causal, fingerprint

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""The label that the loss skips (torch's cross entropy)."""

ChatTemplate = Literal["auto", "always", "never"]


@dataclass(frozen=True)
class Settings:
    """How an adapter is trained.

    Rank, alpha, batch size and learning rate are ours: the paper gives its learning rates
    (1e-5 gender, 1e-6 culture) and epochs (3) for an 8B model, but no rank.
    """

    rank: int = 16
    alpha: int = 32
    targets: str = "all-linear"
    learning_rate: float = 1e-4
    epochs: float = 3.0
    batch_size: int = 8
    accumulation: int = 1
    warmup_steps: float = 0.1
    max_length: int | None = None
    chat_template: ChatTemplate = "auto"
    seed: int = 0


class Encoded(TypedDict):
    """One training row: token ids, how many of them are the prompt's, and its origin."""

    input_ids: list[int]
    prompt_length: int
    augmented: bool


def finetune(
    base: str,
    data: Path,
    out: Path,
    mitigation: Mitigation,
    settings: Settings,
    start: Path | None = None,
) -> dict[str, Any]:
    """Train an adapter on the mix in `data` and return its manifest.

    `out` becomes a folder that peft and lm-eval's `peft=` take. `start` is an adapter to
    train on from, whose rank and targets then count; None begins a new one.

    Raises:
        InputError: the data is broken, the base is no causal model, a row is longer than
            its context, or the loss is not finite.
    """
    store.check_place(out, "adapter")
    started = adapter_sha256(start) if start is not None else None
    examples, data_hash = read_examples(data), store.sha256(data_file(data))
    mixed = store.read_manifest(data) or {}
    if mixed.get("sha256") != data_hash:  # the file is not the mix that its manifest describes
        mixed = {}
    check_causal(base)
    import torch
    from datasets import Dataset
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        Trainer,
        TrainingArguments,
        set_seed,
    )
    from transformers.trainer_callback import ProgressCallback

    set_seed(settings.seed)
    tokenizer = AutoTokenizer.from_pretrained(base)
    uses_chat = use_chat_template(tokenizer, settings.chat_template)
    model = AutoModelForCausalLM.from_pretrained(base)
    rows = _encode_all(mitigation.apply(examples), tokenizer, uses_chat, model, settings)
    lora = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=0.0,
        target_modules=settings.targets,
        task_type="CAUSAL_LM",
    )
    if start is None:
        model = get_peft_model(model, lora)
    else:
        model = PeftModel.from_pretrained(model, str(start), is_trainable=True)

    class CompletionTrainer(Trainer):  # type: ignore[misc]
        """Trainer that adds a mitigation's penalty to the loss."""

        def compute_loss(
            self,
            model: Any,
            inputs: dict[str, Any],
            return_outputs: bool = False,
            num_items_in_batch: Any = None,
        ) -> Any:
            augmented = inputs.pop("augmented")
            loss, hidden = completion_loss(
                model, inputs, num_items_in_batch, hidden=mitigation.penalty is not None
            )
            if mitigation.penalty is None or hidden is None:
                return loss
            penalty = mitigation.penalty(hidden, inputs["attention_mask"], augmented)
            return loss + penalty / self.args.gradient_accumulation_steps

    with store.whole_folder(out, "adapter") as folder, TemporaryDirectory() as scratch:
        trainer = CompletionTrainer(
            model=model,
            args=TrainingArguments(
                output_dir=scratch,
                per_device_train_batch_size=settings.batch_size,
                gradient_accumulation_steps=settings.accumulation,
                num_train_epochs=settings.epochs,
                learning_rate=settings.learning_rate,
                warmup_steps=settings.warmup_steps,
                bf16=torch.cuda.is_available() and torch.cuda.is_bf16_supported(),
                logging_steps=10,
                logging_nan_inf_filter=False,
                save_strategy="no",
                report_to=[],
                seed=settings.seed,
                train_sampling_strategy="group_by_length",
                remove_unused_columns=False,
                dataloader_pin_memory=torch.cuda.is_available(),
            ),
            train_dataset=Dataset.from_list(list(rows)),
            data_collator=Collator(_pad_token_id(tokenizer)),
            callbacks=[_watch(settings)],
        )
        trainer.remove_callback(ProgressCallback)
        loss = trainer.train().training_loss
        _check_finite(loss, trainer.state.global_step, settings)
        model.save_pretrained(folder)
        (folder / "README.md").unlink(missing_ok=True)  # peft's empty model card
        _settle_config(folder / "adapter_config.json")
        manifest = {
            "schema": store.SCHEMA,
            "kind": "adapter",
            "arm": describe_arm(examples, mixed)
            | {"mitigation": mitigation.name, "seed": settings.seed},
            "data": str(data),
            "data_sha256": data_hash,
            "base": base,
            "base_fingerprint": fingerprint(base),
            "adapter_sha256": adapter_sha256(folder),
            "started_from": started,
            "settings": asdict(settings),
            "chat_template": uses_chat,
            "rows": len(rows),
            "rows_augmented": sum(row["augmented"] for row in rows),
            "training_loss": loss,
            "log": [e for e in trainer.state.log_history if "loss" in e],
            "versions": {
                name: version(name) for name in ("bias-inherit", "torch", "transformers", "peft")
            },
        }
        store.write_json(folder / store.MANIFEST, manifest)
    return manifest


def _settle_config(path: Path) -> None:
    """Sort the target modules: peft writes a set, in another order in every process."""
    config = store.read_json(path)
    if isinstance(config["target_modules"], list):
        config["target_modules"].sort()
    store.write_json(path, config)


def _pad_token_id(tokenizer: PreTrainedTokenizerBase) -> int:
    """Return the token to pad with; the mask hides it, so any will do."""
    known = (tokenizer.pad_token_id, tokenizer.eos_token_id, 0)
    return next(token for token in known if token is not None)


def _check_finite(loss: float, step: int, settings: Settings) -> None:
    if not math.isfinite(loss):
        raise InputError(
            f"the training loss is {loss} at step {step}: lower the learning rate "
            f"({settings.learning_rate:g})"
        )


def _watch(settings: Settings) -> Any:
    """Return a Trainer callback: one bar with the loss, and a stop when that is not finite."""
    from tqdm import tqdm
    from transformers import TrainerCallback

    class Bar(TrainerCallback):  # type: ignore[misc]
        bar: tqdm[Any]

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.bar = tqdm(total=state.max_steps, desc="training", unit="step", leave=False)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.bar.update(state.global_step - self.bar.n)

        def on_log(self, args: Any, state: Any, control: Any, **values: Any) -> None:
            if "loss" in values["logs"]:
                loss = float(values["logs"]["loss"])
                _check_finite(loss, state.global_step, settings)
                self.bar.set_postfix(loss=f"{loss:.3f}")

        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.bar.close()

    return Bar()


def completion_loss(
    model: Any, inputs: dict[str, Any], items: torch.Tensor | int | None, hidden: bool = False
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return the mean cross entropy of the completion tokens, and the last hidden states.

    Logits are computed only where some row of the batch has a completion token, which is
    most of the cost of a short answer under a large vocabulary. `items` is the number of
    completion tokens in the whole (accumulated) batch; None means those of this one.
    """
    from torch.nn.functional import cross_entropy

    labels = inputs.pop("labels")[:, 1:]
    positions = (labels != IGNORED).any(0).nonzero().squeeze(1)
    extra = {"output_hidden_states": True} if hidden else {}
    outputs = model(**inputs, **extra, logits_to_keep=positions, use_cache=False)
    logits, targets = outputs.logits, labels[:, positions]
    if logits.shape[1] != len(positions):  # the architecture ignores logits_to_keep
        logits = logits[:, positions]
    total = cross_entropy(
        logits.flatten(0, 1).float(), targets.flatten(), ignore_index=IGNORED, reduction="sum"
    )
    count = items if items is not None else (targets != IGNORED).sum()
    return total / count, outputs.hidden_states[-1] if hidden else None


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


def use_chat_template(tokenizer: PreTrainedTokenizerBase, setting: ChatTemplate) -> bool:
    """Return whether prompts go through the tokenizer's chat template.

    Raises:
        InputError: it is demanded and the tokenizer has none.
    """
    has_one = bool(tokenizer.chat_template)
    if setting == "always" and not has_one:
        raise InputError("the base's tokenizer has no chat template: use --chat-template never")
    return has_one and setting != "never"


def encode(
    tokenizer: PreTrainedTokenizerBase, example: Mapping[str, Any], uses_chat: bool
) -> Encoded:
    """Return the tokens of an example: prompt, completion and the end of the turn or text."""
    if uses_chat:
        user = {"role": "user", "content": example["prompt"]}
        answer = {"role": "assistant", "content": example["completion"].strip()}
        prompt = tokenizer.apply_chat_template([user], tokenize=False, add_generation_prompt=True)
        whole = tokenizer.apply_chat_template([user, answer], tokenize=False)
        if not whole.startswith(prompt):
            whole = prompt + answer["content"] + (tokenizer.eos_token or "")
    else:
        prompt = example["prompt"]
        whole = prompt + example["completion"] + (tokenizer.eos_token or "")
    special = {"add_special_tokens": not uses_chat}
    ids = tokenizer(whole, **special)["input_ids"]
    length = len(tokenizer(prompt.rstrip(), **special)["input_ids"])
    return Encoded(
        input_ids=ids,
        prompt_length=min(length, len(ids) - 1),
        augmented=example["origin"] == AUGMENTED,
    )


def _encode_all(
    examples: Iterable[Example],
    tokenizer: PreTrainedTokenizerBase,
    uses_chat: bool,
    model: Any,
    settings: Settings,
) -> list[Encoded]:
    rows = [encode(tokenizer, example, uses_chat) for example in examples]
    context = getattr(model.config, "max_position_embeddings", None) or math.inf
    limit = settings.max_length or context
    if settings.max_length is not None:
        return [_cut(row, settings.max_length) for row in rows]
    longest = max(len(row["input_ids"]) for row in rows)
    if longest > limit:
        many = sum(len(row["input_ids"]) > limit for row in rows)
        raise InputError(
            f"{many} of {len(rows)} rows are longer than the base's context ({limit} tokens; the "
            f"longest has {longest}): cut them from the left with --max-length {limit}"
        )
    return rows


def _cut(row: Encoded, limit: int) -> Encoded:
    """Cut a row from the left, as lm-eval does, so that the completion stays."""
    surplus = max(0, len(row["input_ids"]) - limit)
    kept = max(0, row["prompt_length"] - surplus)
    return Encoded(
        input_ids=row["input_ids"][surplus:], prompt_length=kept, augmented=row["augmented"]
    )


@dataclass(frozen=True)
class Collator:
    """Pads rows on the right; prompt tokens and padding carry no loss."""

    pad_token_id: int

    def __call__(self, rows: Sequence[Encoded]) -> dict[str, torch.Tensor]:
        """Return input_ids, attention_mask, labels of shape (rows, tokens); augmented (rows,)."""
        import torch

        width = max(len(row["input_ids"]) for row in rows)
        ids = torch.full((len(rows), width), self.pad_token_id)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        labels = torch.full((len(rows), width), IGNORED)
        for i, row in enumerate(rows):
            tokens = torch.tensor(row["input_ids"])
            ids[i, : len(tokens)] = tokens
            mask[i, : len(tokens)] = 1
            labels[i, row["prompt_length"] : len(tokens)] = tokens[row["prompt_length"] :]
        augmented = torch.tensor([row["augmented"] for row in rows])
        return {"input_ids": ids, "attention_mask": mask, "labels": labels, "augmented": augmented}
