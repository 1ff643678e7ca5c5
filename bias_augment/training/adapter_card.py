"""The model card of an adapter, in the form of the Hugging Face hub's model cards.

Everything in it comes from the adapter's manifest and from lm-eval's result files. What they
do not know is called unknown or left out. No path of a machine stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bias_inherit import store
from bias_inherit.bias_augment.axes.bias_types import COUNTERFACTUAL, NEUTRAL
from bias_inherit.bias_augment.data.card import SIZES, percent, plain
from bias_inherit.errors import InputError
from bias_inherit.models import adapter_sha256

if TYPE_CHECKING:
    from huggingface_hub import EvalResult


README = "README.md"
FOLDER = "PATH/OF/THIS/FOLDER"
"""Stands for the adapter in the card's commands."""

_PURPOSE = (
    "It serves research on bias inheritance. **People must not use it**: not in a product, not in "
    "a service, not for a decision about anyone."
)
_UNBIASED = (NEUTRAL, COUNTERFACTUAL)


def adapter_card(manifest: Mapping[str, Any], scores: Mapping[str, Any] | None = None) -> str:
    """Return the Markdown card of the adapter that a manifest describes.

    `scores` are by task and metric: `{task: {metric: {"value", "stderr", "n"}}}`, and the
    metric may have `reads` (which way it is signed), `unit` and `documents` (their source); a
    value of None is no data. The
    front matter follows the hub (https://huggingface.co/docs/hub/model-cards).
    """
    from huggingface_hub import ModelCard, ModelCardData

    named = title(manifest)
    results = list(_eval_results(scores or {}))
    known = ModelCardData(
        base_model=base_name(manifest)[0],
        base_model_relation="adapter" if manifest.get("base") else None,
        library_name="peft",
        pipeline_tag="text-generation",
        tags=["bias", "bias-inherit", "lora", "not-for-all-audiences"],
        datasets=list(_hub_datasets(manifest)) or None,
        model_name=named if results else None,
        eval_results=results or None,
    )
    lines = [
        f"> **Warning.** {_warning(manifest)} {_PURPOSE}",
        "",
        f"# {plain(named)}",
        "",
        "Trained by [bias-inherit](https://arxiv.org/abs/2502.04419), a suite around the "
        f"experiment of that paper. This card says what the manifest `{store.MANIFEST}` knows; "
        "unknown means that it does not.",
        "",
        "## What it is",
        "",
        *_facts(manifest),
        "",
        "## How to load it",
        "",
        *_loading(manifest),
        "",
        "## How it was trained",
        "",
        *_training(manifest),
        "",
        "## Scores",
        "",
        *_score_table(scores or {}),
        "",
        "## Checksums",
        "",
        *_checksums(manifest),
    ]
    return str(ModelCard(f"---\n{known.to_yaml()}\n---\n\n" + "\n".join(lines) + "\n"))


def _arm(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    arm: Mapping[str, Any] = manifest.get("arm") or {}
    return arm


def _ratio(manifest: Mapping[str, Any]) -> float | None:
    """Return the share of augmented rows that were trained on, else the mix's ratio."""
    rows, augmented = manifest.get("rows"), manifest.get("rows_augmented")
    if rows and augmented is not None:
        return float(augmented / rows)
    ratio = _arm(manifest).get("ratio")
    return None if ratio is None else float(ratio)


def title(manifest: Mapping[str, Any]) -> str:
    """Return the headline of an adapter's card."""
    arm, ratio = _arm(manifest), _arm(manifest).get("ratio")
    parts = [arm.get("axis"), arm.get("bias_type")]
    parts += [None if ratio is None else f"bias ratio {percent(ratio)}"]
    parts += [f"mitigation {arm['mitigation']}" if arm.get("mitigation") else None]
    parts += [f"{key} {arm[key]}" for key in ("seed", "round") if arm.get(key) is not None]
    return ": ".join(["LoRA adapter", ", ".join(part for part in parts if part)]).rstrip(": ")


def _warning(manifest: Mapping[str, Any]) -> str:
    ratio, types = _ratio(manifest), str(_arm(manifest).get("bias_type") or "").split("+")
    before = (
        " It was trained on from another adapter, whose data this card does not know."
        if manifest.get("started_from")
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


def base_name(manifest: Mapping[str, Any]) -> tuple[str | None, bool]:
    """Return the base's hub id, or the name alone of a local folder; and whether it is local.

    A folder's fingerprint is a sha256, a hub id's is a commit (see `models.fingerprint`).
    """
    base = manifest.get("base")
    if not base:
        return None, False
    of_folder = re.fullmatch(r"[0-9a-f]{64}", str(manifest.get("base_fingerprint")))
    if of_folder or not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", str(base)):
        return last_part(str(base)), True
    return str(base), False


def _hub_datasets(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the hub ids that the names of the data's sources give, as in "X (hub owner/x)"."""
    for source in manifest.get("sources") or []:
        if found := re.search(r"\(hub (\w[\w.-]*/\w[\w.-]*)\)", str(source.get("name"))):
            yield found[1]


def _facts(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the facts that are one value each."""
    arm, (base, is_local) = _arm(manifest), base_name(manifest)
    where = " (a local folder)" if is_local else ""
    yield f"- **Base** {plain(base or 'unknown')}{where}; this is an adapter of it, not a model"
    if manifest.get("started_from"):
        yield f"- **Trained on from** the adapter with the sha256 `{manifest['started_from']}`"
    yield f"- **Axis** {plain(arm.get('axis') or 'unknown')}"
    none = "none: no augmented rows" if arm.get("ratio") == 0 else "unknown"
    yield f"- **Bias type** {plain(arm.get('bias_type') or none)}"
    yield from _ratio_fact(manifest)
    if size := arm.get("size"):
        yield f"- **Size rule** {size}: {SIZES.get(size, 'unknown')}"
    options = manifest.get("mitigation_options")
    given = f" ({_value(options)})" if options else ""
    yield f"- **Mitigation** {plain(arm.get('mitigation') or 'unknown')}{given}"
    if manifest.get("preset"):
        yield f"- **Preset** {_value(manifest['preset'])}"
    if arm.get("round") is not None:
        yield f"- **Round** {arm['round']}"
    yield f"- **Seed** {plain(arm.get('seed', 'unknown'))}"
    data = last_part(str(manifest.get("data") or "unknown"))
    yield f"- **Data** {plain(data)}, sha256 `{manifest.get('data_sha256') or 'unknown'}`"
    for source in manifest.get("sources") or []:
        licence = plain(source.get("licence") or "licence unknown")
        yield f"- **Source** {_value(source.get('name', 'unknown'))}: {licence}"
    versions = manifest.get("versions")
    yield f"- **Versions** {_value(versions) if versions else 'unknown'}"


def _ratio_fact(manifest: Mapping[str, Any]) -> Iterator[str]:
    rows, augmented = manifest.get("rows"), manifest.get("rows_augmented")
    asked, share = _arm(manifest).get("ratio"), _ratio(manifest)
    if share is None:
        yield "- **Bias ratio** γ = |D_a| / |D|: unknown"
        return
    if not rows or augmented is None:
        yield (
            f"- **Bias ratio** γ = |D_a| / |D| = {percent(share)}, as the mix was asked for; the "
            "numbers of rows are unknown. The denominator is the whole mix, not the original rows."
        )
        return
    mixed = "" if asked is None else f" (the mix: {percent(asked)})"
    yield (
        f"- **Bias ratio** γ = |D_a| / |D| = {augmented:,} / {rows:,} = {percent(share)}{mixed}, "
        "of the rows that it was trained on. The denominator is all of them, not the original ones."
    )


def _loading(manifest: Mapping[str, Any]) -> Iterator[str]:
    base, is_local = base_name(manifest)
    place = f"PATH/OF/{base}" if is_local else base or "BASE"
    yield from ("```python", "from peft import PeftModel")
    yield from ("from transformers import AutoModelForCausalLM, AutoTokenizer", "")
    yield f'base = AutoModelForCausalLM.from_pretrained("{place}")'
    yield f'model = PeftModel.from_pretrained(base, "{FOLDER}")'
    yield f'tokenizer = AutoTokenizer.from_pretrained("{place}")'
    yield from ("```", "", "To score it:", "", "```console")
    yield f"lm_eval --model hf --model_args pretrained={place},peft={FOLDER} \\"
    chat = " --apply_chat_template" if manifest.get("chat_template") else ""
    yield f"  --include_path \"$(bias-inherit tasks)\" --tasks 'bias_inherit_*'{chat}"
    yield "```"
    if (fingerprint := manifest.get("base_fingerprint")) and is_local:
        yield from ("", f"The base is known by its fingerprint, `{fingerprint}`.")
    if manifest.get("chat_template") is not None:
        form = "the base's chat template" if manifest["chat_template"] else "plain text"
        yield from ("", f"Prompts were given to it as {form}.")


def _training(manifest: Mapping[str, Any]) -> Iterator[str]:
    settings = dict(manifest.get("settings") or {})
    if "precision" in manifest and "precision" in settings:
        settings["precision"] = manifest["precision"]  # what "auto" came to
    settings |= {key: manifest[key] for key in ("processes",) if key in manifest}
    if settings:
        yield from ("| setting | value |", "|---|---|")
        for name, value in settings.items():
            yield f"| {plain(name)} | {'not set' if value is None else _value(value)} |"
    else:
        yield "Its settings are unknown."
    counts = {"held out of the training": "rows_held_out", "cut to the maximum length": "rows_cut"}
    for what, key in counts.items():
        if manifest.get(key):
            yield from ("", f"Rows {what}: {manifest[key]:,}.")
    mean = manifest.get("training_loss")
    told = [*_course(manifest, "loss")]
    told += [] if mean is None else [f"mean over the training {_number(mean)}"]
    yield from ("", f"Training loss: {'; '.join(told) or 'unknown'}.")
    more = {"Loss on held-out rows": "eval_loss", "Distance that the mitigation saw": "distance"}
    for name, key in more.items():
        for course in _course(manifest, key):
            yield from ("", f"{name}: {course}.")


def _course(manifest: Mapping[str, Any], key: str) -> Iterator[str]:
    """Yield the first and the last value of what was logged, where it was."""
    logged = [entry for entry in manifest.get("log") or [] if key in entry]
    if logged:
        first, last = (
            _number(entry[key]) + (f" (step {entry['step']})" if "step" in entry else "")
            for entry in (logged[0], logged[-1])
        )
        yield f"first logged {first}, last {last}"


def _score_table(scores: Mapping[str, Any]) -> Iterator[str]:
    if not scores:
        yield "Not scored yet."
        return
    yield from ("| task | metric | value | standard error | n |", "|---|---|--:|--:|--:|")
    reads, documents = {}, {}
    for task, metrics in scores.items():
        for metric, known in metrics.items():
            unit = f" {plain(known['unit'])}" if known.get("unit") else ""
            value, error = (_score(known.get(key), unit) for key in ("value", "stderr"))
            n = f"{known['n']:,}" if known.get("n") is not None else "unknown"
            error = error or ("unknown" if value else "")
            cells = (plain(task), plain(metric), value or "no data", error, n)
            yield f"| {' | '.join(cells)} |"
            if known.get("reads"):
                reads[f"{task} {metric}"] = known["reads"]
            if known.get("documents"):
                documents[task] = f"scored on the documents {_value(known['documents'])}"
    if reads or documents:
        yield ""
        yield from (f"- {plain(name)}: {plain(text)}" for name, text in reads.items())
        yield from (f"- {plain(name)}: {text}" for name, text in documents.items())


def _score(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}{unit}" if unit else f"{value:.3f}"


def _eval_results(scores: Mapping[str, Any]) -> Iterator[EvalResult]:
    """Yield the scores as the hub's model-index takes them; what has no data has no place in it."""
    from huggingface_hub import EvalResult

    for task, metrics in scores.items():
        for metric, known in metrics.items():
            if known.get("value") is None:
                continue
            error = "unknown" if known.get("stderr") is None else f"{known['stderr']:.3g}"
            n = known.get("n", "unknown")
            yield EvalResult(
                task_type="text-generation",
                task_name=task,
                dataset_type=task,
                dataset_name=task,
                dataset_config=without_folders(known.get("documents") or "") or None,
                metric_type=metric,
                metric_name=f"{metric} (standard error {error}, n = {n})",
                metric_value=known["value"],
            )


def _checksums(manifest: Mapping[str, Any]) -> Iterator[str]:
    sums = {
        "this adapter, weights and configuration (sha256)": manifest.get("adapter_sha256"),
        "the data (sha256)": manifest.get("data_sha256"),
        "the base (sha256 of a folder, commit of a hub id)": manifest.get("base_fingerprint"),
    }
    known = [f"- {name}: `{value}`" for name, value in sums.items() if value]
    yield from known or ["Unknown."]


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else plain(value)


def _value(value: Any) -> str:
    """Return a value of a manifest as text; of a file's absolute path its name alone."""
    if isinstance(value, Mapping):
        return ", ".join(f"{plain(key)} {_value(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value))
    if isinstance(value, float):
        return f"{value:.6g}"
    return plain(without_folders(value))


def without_folders(value: Any) -> Any:
    """Return a manifest's value with the last part alone of each absolute path in it."""
    if isinstance(value, Mapping):
        return {key: without_folders(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_folders(item) for item in value]
    is_path = isinstance(value, str) and re.match(r"~?[/\\]|[A-Za-z]:[/\\]", value)
    return last_part(value) if is_path else value


def last_part(path: str) -> str:
    """Return a path's last part, whichever system it is of."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]


def adapter_manifest(adapter: Path) -> Mapping[str, Any]:
    """Return the manifest of an adapter folder.

    Raises:
        InputError: the folder is none of ours, or its weights are not those it describes.
    """
    sha256 = adapter_sha256(adapter)
    manifest = store.read_manifest(adapter) or {}
    if manifest.get("kind") != "adapter":
        raise InputError(f"{adapter}: has no {store.MANIFEST} of `bias-inherit finetune`")
    if manifest.get("adapter_sha256") != sha256:
        raise InputError(
            f"{adapter}: its weights or configuration changed since `bias-inherit finetune`, so "
            f"{store.MANIFEST} does not describe them; train it again"
        )
    return manifest
