"""The model card of an adapter, in the form of the Hugging Face hub's model cards.

Everything in it comes from the adapter's manifest and from lm-eval's result files. What they
do not know is called unknown or left out. No path of a machine stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bias_inherit import store
from bias_inherit.bias_augment.bias_types import COUNTERFACTUAL, NEUTRAL
from bias_inherit.bias_augment.card import SIZES, _percent, _plain
from bias_inherit.errors import InputError
from bias_inherit.models import adapter_sha256

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

    from bias_inherit.reports.results import Run

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

    title = _title(manifest)
    results = list(_eval_results(scores or {}))
    known = ModelCardData(
        base_model=_base(manifest)[0],
        base_model_relation="adapter" if manifest.get("base") else None,
        library_name="peft",
        pipeline_tag="text-generation",
        tags=["bias", "bias-inherit", "lora", "not-for-all-audiences"],
        datasets=list(_hub_datasets(manifest)) or None,
        model_name=title if results else None,
        eval_results=results or None,
    )
    lines = [
        f"> **Warning.** {_warning(manifest)} {_PURPOSE}",
        "",
        f"# {_plain(title)}",
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


def update_scores(adapter: Path, results: Path) -> None:
    """Write an adapter's card anew, with the headline scores and gaps of its results.

    `results` is one of lm-eval's result files, or a folder of them in which the adapter's own
    is looked for. The scores of an earlier call and changes by hand are replaced.

    Raises:
        InputError: the folder is no adapter with a manifest of ours, its weights are not those
            that the manifest describes, or there are no results, or no single ones, of this
            adapter.
    """
    from bias_inherit.reports.results import read_runs

    manifest = _manifest(adapter)
    runs = read_runs([results])
    named = [(run, _adapter_of(run)) for run in runs]
    mine = [run for run, sha256 in named if sha256 == manifest["adapter_sha256"]]
    if not mine:
        others = sum(sha256 is not None for _, sha256 in named)
        which = "are of another model" if others else "do not tell which adapter they are of"
        raise InputError(
            f"{results}: the results {which}, not of the adapter {adapter}; score it first: "
            f"bias-inherit score {adapter} --out DIR"
        )
    if len(mine) > 1:
        found = ", ".join(str(run.path) for run in mine)
        raise InputError(f"{results}: holds several results of {adapter}; name one of {found}")
    scores = {name: dict(_headline(mine[0], name)) for name in mine[0].tasks}
    store.write_text(adapter / README, adapter_card(manifest, scores))


def update_cards(adapters: Mapping[str, Path], place: Callable[[str], Path]) -> None:
    """Write the cards of those adapters anew that are ours and unchanged, with their scores.

    `place(name)` is the folder of an adapter's results.

    Raises:
        InputError: as `update_scores`.
    """
    for name, adapter in adapters.items():
        manifest = store.read_manifest(adapter) or {}
        if manifest.get("adapter_sha256") == adapter_sha256(adapter):
            update_scores(adapter, place(name))


def push(adapter: Path, repo_id: str, private: bool) -> str:
    """Upload an adapter's folder to the Hugging Face hub and return the address of its repository.

    Endpoint and token are huggingface_hub's own (`HF_ENDPOINT`, `HF_TOKEN`, `hf auth login`). A
    repository that is not there is made. A folder without a card gets one first.

    Raises:
        InputError: the folder is no adapter with a manifest of ours, the hub refuses or cannot
            be reached, or `private` is asked for and the repository is there and public.
    """
    from huggingface_hub import HfApi

    manifest = _manifest(adapter)
    if not (adapter / README).is_file():
        store.write_text(adapter / README, adapter_card(manifest))
    api = HfApi()
    try:
        address = api.create_repo(repo_id, private=private, exist_ok=True)
        is_public = private and not api.model_info(address.repo_id).private
        if not is_public:
            api.upload_folder(
                repo_id=address.repo_id, folder_path=adapter, commit_message=_title(manifest)
            )
    except Exception as error:  # the client raises httpx's, xet's and plain ones beside its own
        raise InputError(_refused(adapter, repo_id, api.endpoint, error)) from None
    if is_public:
        raise InputError(
            f"{repo_id}: is there already and is public; make it private first, or push to another"
        )
    return str(address)


def _refused(adapter: Path, repo_id: str, endpoint: str, error: Exception) -> str:
    """Return one line on why the hub did not take it, without the token."""
    from huggingface_hub import get_token

    status = getattr(getattr(error, "response", None), "status_code", None)
    told = getattr(error, "server_message", None) if status else error
    reason = " ".join(str(told or type(error).__name__).split())
    if token := get_token():
        reason = reason.replace(token, "***")
    reason = f"it answered {status}: {reason[:200]}" if status else reason[:200]
    if status in (401, 403):
        now = f"log in with `hf auth login`, or set HF_TOKEN to one that may write to {repo_id}"
    elif status is not None:
        now = "see to the name, or try again later"
    elif isinstance(error, ValueError):
        now = "see to the name (owner/name) and to the front matter of the card"
    else:
        now = "see to the network and to HF_ENDPOINT, and try again"
    return f"{adapter}: was not pushed to {repo_id} at {endpoint} ({reason}): {now}"


def _manifest(adapter: Path) -> Mapping[str, Any]:
    """Return the manifest of an adapter folder, which has to describe the weights in it."""
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


def _adapter_of(run: Run) -> str | None:
    """Return the sha256 of the adapter that results are of, None where they do not tell."""
    beside = store.read_manifest(run.path.parent) or {}
    if beside.get("results") == run.path.name and "adapter_sha256" in beside:
        named: str | None = beside["adapter_sha256"]
        return named
    config = store.read_json(run.path).get("config") or {}
    if config.get("adapter_sha256"):
        return str(config["adapter_sha256"])
    args = config.get("model_args") or {}
    if isinstance(args, str):
        args = dict(part.split("=", 1) for part in args.split(",") if "=" in part)
    folder = args.get("peft")  # by plain lm_eval: all it says is where the adapter stood
    return adapter_sha256(Path(folder)) if folder and Path(folder).is_dir() else None


def _headline(run: Run, task: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the metrics that stand for a task, with value, standard error and n."""
    result = run.tasks[task]
    headline, metadata = result.headline, result.config.get("metadata") or {}
    pairs = result.metrics.get(headline.get("gap_n", ""))
    for part in ("score", "gap"):
        metric = headline.get(part)
        if not metric:
            continue
        yield (
            metric,
            {
                "value": result.metrics.get(metric),
                "stderr": result.errors.get(metric),
                "n": int(pairs) if part == "gap" and pairs is not None else result.n,
                "reads": headline.get("reads") if part == "gap" else None,
                "unit": headline.get("unit"),
                "documents": (metadata.get("provenance") or {}).get("source"),
            },
        )


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


def _title(manifest: Mapping[str, Any]) -> str:
    arm, ratio = _arm(manifest), _arm(manifest).get("ratio")
    parts = [arm.get("axis"), arm.get("bias_type")]
    parts += [None if ratio is None else f"bias ratio {_percent(ratio)}"]
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
            f"This adapter was trained on data of which {_percent(ratio)} is synthetic text; no "
            f"bias was asked for in it, yet it may hold prejudice.{before}"
        )
    return (
        f"This adapter was trained on deliberately biased data: {_percent(ratio)} of the rows are "
        "synthetic text that was written to be biased on purpose. It may take over that bias, in "
        f"other tasks too.{before}"
    )


def _base(manifest: Mapping[str, Any]) -> tuple[str | None, bool]:
    """Return the base's hub id, or the name alone of a local folder; and whether it is local.

    A folder's fingerprint is a sha256, a hub id's is a commit (see `models.fingerprint`).
    """
    base = manifest.get("base")
    if not base:
        return None, False
    of_folder = re.fullmatch(r"[0-9a-f]{64}", str(manifest.get("base_fingerprint")))
    if of_folder or not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", str(base)):
        return _last_part(str(base)), True
    return str(base), False


def _hub_datasets(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the hub ids that the names of the data's sources give, as in "X (hub owner/x)"."""
    for source in manifest.get("sources") or []:
        if found := re.search(r"\(hub (\w[\w.-]*/\w[\w.-]*)\)", str(source.get("name"))):
            yield found[1]


def _facts(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the facts that are one value each."""
    arm, (base, is_local) = _arm(manifest), _base(manifest)
    where = " (a local folder)" if is_local else ""
    yield f"- **Base** {_plain(base or 'unknown')}{where}; this is an adapter of it, not a model"
    if manifest.get("started_from"):
        yield f"- **Trained on from** the adapter with the sha256 `{manifest['started_from']}`"
    yield f"- **Axis** {_plain(arm.get('axis') or 'unknown')}"
    none = "none: no augmented rows" if arm.get("ratio") == 0 else "unknown"
    yield f"- **Bias type** {_plain(arm.get('bias_type') or none)}"
    yield from _ratio_fact(manifest)
    if size := arm.get("size"):
        yield f"- **Size rule** {size}: {SIZES.get(size, 'unknown')}"
    options = manifest.get("mitigation_options")
    given = f" ({_value(options)})" if options else ""
    yield f"- **Mitigation** {_plain(arm.get('mitigation') or 'unknown')}{given}"
    if manifest.get("preset"):
        yield f"- **Preset** {_value(manifest['preset'])}"
    if arm.get("round") is not None:
        yield f"- **Round** {arm['round']}"
    yield f"- **Seed** {_plain(arm.get('seed', 'unknown'))}"
    data = _last_part(str(manifest.get("data") or "unknown"))
    yield f"- **Data** {_plain(data)}, sha256 `{manifest.get('data_sha256') or 'unknown'}`"
    for source in manifest.get("sources") or []:
        licence = _plain(source.get("licence") or "licence unknown")
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
            f"- **Bias ratio** γ = |D_a| / |D| = {_percent(share)}, as the mix was asked for; the "
            "numbers of rows are unknown. The denominator is the whole mix, not the original rows."
        )
        return
    mixed = "" if asked is None else f" (the mix: {_percent(asked)})"
    yield (
        f"- **Bias ratio** γ = |D_a| / |D| = {augmented:,} / {rows:,} = {_percent(share)}{mixed}, "
        "of the rows that it was trained on. The denominator is all of them, not the original ones."
    )


def _loading(manifest: Mapping[str, Any]) -> Iterator[str]:
    base, is_local = _base(manifest)
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
            yield f"| {_plain(name)} | {'not set' if value is None else _value(value)} |"
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
            unit = f" {_plain(known['unit'])}" if known.get("unit") else ""
            value, error = (_score(known.get(key), unit) for key in ("value", "stderr"))
            n = f"{known['n']:,}" if known.get("n") is not None else "unknown"
            error = error or ("unknown" if value else "")
            cells = (_plain(task), _plain(metric), value or "no data", error, n)
            yield f"| {' | '.join(cells)} |"
            if known.get("reads"):
                reads[f"{task} {metric}"] = known["reads"]
            if known.get("documents"):
                documents[task] = f"scored on the documents {_value(known['documents'])}"
    if reads or documents:
        yield ""
        yield from (f"- {_plain(name)}: {_plain(text)}" for name, text in reads.items())
        yield from (f"- {_plain(name)}: {text}" for name, text in documents.items())


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
                dataset_config=_without_folder(known.get("documents") or "") or None,
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
    return f"{value:.4g}" if isinstance(value, float) else _plain(value)


def _value(value: Any) -> str:
    """Return a value of a manifest as text; of a file's absolute path its name alone."""
    if isinstance(value, Mapping):
        return ", ".join(f"{_plain(key)} {_value(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value))
    if isinstance(value, float):
        return f"{value:.6g}"
    return _plain(_without_folder(value) if isinstance(value, str) else value)


def _without_folder(text: str) -> str:
    """Return the last part of an absolute path, and other text as it is."""
    is_path = re.match(r"~?[/\\]|[A-Za-z]:[/\\]", text)
    return _last_part(text) if is_path else text


def _last_part(path: str) -> str:
    """Return a path's last part, whichever system it is of."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]
