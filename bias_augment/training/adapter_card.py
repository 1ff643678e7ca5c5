"""The model card of an adapter, in the form of the Hugging Face hub's model cards.

Everything in it comes from the adapter's manifest and from lm-eval's result files. What they
do not know is called unknown or left out. No path of a machine stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from bias_inherit import manifests, store
from bias_inherit.bias_augment.axes.bias_types import COUNTERFACTUAL, NEUTRAL
from bias_inherit.bias_augment.data.card import percent, plain
from bias_inherit.bias_augment.training.card_facts import (
    base_name,
    checksums,
    facts,
    trained_ratio,
    training,
)
from bias_inherit.bias_augment.training.score_line import ScoreLine
from bias_inherit.bias_augment.training.score_table import eval_results, score_table
from bias_inherit.errors import InputError
from bias_inherit.manifests import Adapter
from bias_inherit.models import adapter_sha256

README = "README.md"
FOLDER = "PATH/OF/THIS/FOLDER"
"""Stands for the adapter in the card's commands."""

_PURPOSE = (
    "It serves research on bias inheritance. **People must not use it**: not in a product, not in "
    "a service, not for a decision about anyone."
)
_UNBIASED = (NEUTRAL, COUNTERFACTUAL)


def adapter_card(manifest: Adapter, scores: Sequence[ScoreLine] = ()) -> str:
    """Return the Markdown card of the adapter that a manifest describes.

    The front matter follows the hub (https://huggingface.co/docs/hub/model-cards).
    """
    from huggingface_hub import ModelCard, ModelCardData

    named, results = title(manifest), list(eval_results(scores))
    known = ModelCardData(
        base_model=base_name(manifest)[0],
        base_model_relation="adapter" if manifest.base else None,
        library_name="peft",
        pipeline_tag="text-generation",
        tags=["bias", "bias-inherit", "lora", "not-for-all-audiences"],
        datasets=list(_hub_datasets(manifest)) or None,
        model_name=named if results else None,
        eval_results=results or None,
    )

    sections = {
        "What it is": facts(manifest),
        "How to load it": _loading(manifest),
        "How it was trained": training(manifest),
        "Scores": score_table(scores),
        "Checksums": checksums(manifest),
    }
    lines = [
        f"> **Warning.** {_warning(manifest)} {_PURPOSE}",
        "",
        f"# {plain(named)}",
        "",
        "Trained by [bias-inherit](https://arxiv.org/abs/2502.04419), a suite around the "
        f"experiment of that paper. This card says what the manifest `{store.MANIFEST}` knows; "
        "unknown means that it does not.",
    ]
    for heading, content in sections.items():
        lines += ["", f"## {heading}", "", *content]
    return str(ModelCard(f"---\n{known.to_yaml()}\n---\n\n" + "\n".join(lines) + "\n"))


def title(manifest: Adapter) -> str:
    """Return the headline of an adapter's card."""
    arm = manifest.arm
    known = arm.model_fields_set
    parts = [arm.axis, arm.bias_type]
    if arm.ratio is not None:
        parts.append(f"bias ratio {percent(float(arm.ratio))}")
    if "mitigation" in known:
        parts.append(f"mitigation {arm.mitigation}")
    if "seed" in known:
        parts.append(f"seed {arm.seed}")
    if arm.round is not None:
        parts.append(f"round {arm.round}")
    return ": ".join(["LoRA adapter", ", ".join(part for part in parts if part)]).rstrip(": ")


def _warning(manifest: Adapter) -> str:
    ratio, types = trained_ratio(manifest), (manifest.arm.bias_type or "").split("+")
    before = (
        " It was trained on from another adapter, whose data this card does not know."
        if manifest.started_from
        else ""
    )

    if ratio is None:
        return (
            "This adapter may have been trained on text that was written to be biased on purpose; "
            f"how much of it there was is unknown.{before}"
        )

    if ratio == 0:
        return (
            "This adapter was trained on original data only (bias ratio 0): no synthetic text was "
            f"among it, yet original data may hold prejudice too.{before}"
        )
    if all(kind in _UNBIASED for kind in types):
        return (
            f"This adapter was trained on data of which {percent(ratio)} is synthetic text; no "
            f"bias was asked for in it, yet it may hold prejudice.{before}"
        )
    return (
        f"This adapter was trained on deliberately biased data: {percent(ratio)} of the rows are "
        "synthetic text that was written to be biased on purpose. It may take over that bias, in "
        f"other tasks too.{before}"
    )


def _hub_datasets(manifest: Adapter) -> Iterator[str]:
    """Yield the hub ids that the names of the data's sources give, as in "X (hub owner/x)"."""
    for source in manifest.sources:
        if found := re.search(r"\(hub (\w[\w.-]*/\w[\w.-]*)\)", source.name):
            yield found[1]


def _loading(manifest: Adapter) -> Iterator[str]:
    base, is_local = base_name(manifest)
    path = f"PATH/OF/{base}" if is_local else base or "BASE"
    yield from ("```python", "from peft import PeftModel")
    yield from ("from transformers import AutoModelForCausalLM, AutoTokenizer", "")
    yield f'base = AutoModelForCausalLM.from_pretrained("{path}")'
    yield f'model = PeftModel.from_pretrained(base, "{FOLDER}")'
    yield f'tokenizer = AutoTokenizer.from_pretrained("{path}")'

    yield from ("```", "", "To score it:", "", "```console")
    yield f"lm_eval --model hf --model_args pretrained={path},peft={FOLDER} \\"
    chat = " --apply_chat_template" if manifest.chat_template else ""
    yield f"  --include_path \"$(bias-inherit tasks)\" --tasks 'bias_inherit_*'{chat}"
    yield "```"

    if manifest.base_fingerprint and is_local:
        yield from ("", f"The base is known by its fingerprint, `{manifest.base_fingerprint}`.")
    if manifest.chat_template is not None:
        form = "the base's chat template" if manifest.chat_template else "plain text"
        yield from ("", f"Prompts were given to it as {form}.")


def adapter_manifest(adapter: Path) -> Adapter:
    """Return the manifest of an adapter folder.

    Raises:
        InputError: the folder is not one of ours, or its weights are not those it describes.
    """
    sha256 = adapter_sha256(adapter)
    manifest = manifests.read(adapter, Adapter)
    if manifest is None:
        raise InputError(f"{adapter}: has no {store.MANIFEST} of `bias-inherit finetune`")
    if manifest.adapter_sha256 != sha256:
        raise InputError(
            f"{adapter}: its weights or configuration changed since `bias-inherit finetune`, so "
            f"{store.MANIFEST} does not describe them; train it again"
        )
    return manifest
