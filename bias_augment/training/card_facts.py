"""What an adapter's manifest knows, as the lines of a model card; what it does not is "unknown"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bias_inherit.bias_augment.data.card import SIZES, percent, plain
from bias_inherit.bias_augment.training.card_values import course, last_part, number, value_text
from bias_inherit.manifests import Adapter


def base_name(manifest: Adapter) -> tuple[str | None, bool]:
    """Return the base's hub id, or the name alone of a local folder; and whether it is local.

    A folder's fingerprint is a sha256, a hub id's is a commit (see `models.fingerprint`).
    """
    base = manifest.base
    if not base:
        return None, False
    of_folder = re.fullmatch(r"[0-9a-f]{64}", str(manifest.base_fingerprint))
    if of_folder or not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", base):
        return last_part(base), True
    return base, False


def trained_ratio(manifest: Adapter) -> float | None:
    """Return the share of augmented rows that were trained on, else the mix's ratio."""
    if manifest.rows and manifest.rows_augmented is not None:
        return manifest.rows_augmented / manifest.rows
    ratio = manifest.arm.ratio
    return None if ratio is None else float(ratio)


def facts(manifest: Adapter) -> Iterator[str]:
    """Yield the facts that are one value each."""
    arm, (base, is_local) = manifest.arm, base_name(manifest)
    known = arm.model_fields_set
    where = " (a local folder)" if is_local else ""
    yield f"- **Base** {plain(base or 'unknown')}{where}; this is an adapter of it, not a model"
    if manifest.started_from:
        yield f"- **Trained on from** the adapter with the sha256 `{manifest.started_from}`"

    yield f"- **Axis** {plain(arm.axis or 'unknown')}"
    none = "none: no augmented rows" if arm.ratio == 0 else "unknown"
    yield f"- **Bias type** {plain(arm.bias_type or none)}"
    yield from _ratio_fact(manifest)
    if arm.size:
        yield f"- **Size rule** {arm.size}: {SIZES.get(arm.size, 'unknown')}"

    options = manifest.mitigation_options
    given = f" ({value_text(options)})" if options else ""
    yield f"- **Mitigation** {plain(arm.mitigation if 'mitigation' in known else 'unknown')}{given}"
    if manifest.preset:
        values = value_text(manifest.preset.values) or "no settings"
        published = value_text(manifest.preset.source)
        yield f"- **Preset** {plain(manifest.preset.name)}: {values} ({published})"
    if arm.round is not None:
        yield f"- **Round** {arm.round}"
    yield f"- **Seed** {arm.seed if 'seed' in known else 'unknown'}"

    data = last_part(manifest.data or "unknown")
    yield f"- **Data** {plain(data)}, sha256 `{manifest.data_sha256 or 'unknown'}`"
    for source in manifest.sources:
        licence = plain(source.licence or "licence unknown")
        yield f"- **Source** {value_text(source.name)}: {licence}"
    yield f"- **Versions** {value_text(manifest.versions) if manifest.versions else 'unknown'}"


def _ratio_fact(manifest: Adapter) -> Iterator[str]:
    rows, augmented = manifest.rows, manifest.rows_augmented
    asked, share = manifest.arm.ratio, trained_ratio(manifest)
    if share is None:
        yield "- **Bias ratio** γ = |D_a| / |D|: unknown"
        return
    if not rows or augmented is None:
        yield (
            f"- **Bias ratio** γ = |D_a| / |D| = {percent(share)}, as the mix was asked for; the "
            "numbers of rows are unknown. The denominator is the whole mix, not the original rows."
        )
        return

    mixed = "" if asked is None else f" (the mix: {percent(float(asked))})"
    yield (
        f"- **Bias ratio** γ = |D_a| / |D| = {augmented:,} / {rows:,} = {percent(share)}{mixed}, "
        "of the rows that it was trained on. The denominator is all of them, not the original ones."
    )


def training(manifest: Adapter) -> Iterator[str]:
    """Yield the settings as a table, and how the losses went."""
    settings = dict(manifest.settings)
    if manifest.precision is not None and "precision" in settings:
        settings["precision"] = manifest.precision  # what "auto" came to
    if manifest.processes is not None:
        settings["processes"] = manifest.processes

    if settings:
        yield from ("| setting | value |", "|---|---|")
        for name, value in settings.items():
            yield f"| {plain(name)} | {'not set' if value is None else value_text(value)} |"
    else:
        yield "Its settings are unknown."

    if manifest.rows_held_out:
        yield from ("", f"Rows held out of the training: {manifest.rows_held_out:,}.")
    if manifest.rows_cut:
        yield from ("", f"Rows cut to the maximum length: {manifest.rows_cut:,}.")

    told = [*course(manifest.log, "loss")]
    if manifest.training_loss is not None:
        told.append(f"mean over the training {number(manifest.training_loss)}")
    yield from ("", f"Training loss: {'; '.join(told) or 'unknown'}.")
    for name, key in {
        "Loss on held-out rows": "eval_loss",
        "Distance that the mitigation saw": "distance",
    }.items():
        for found in course(manifest.log, key):
            yield from ("", f"{name}: {found}.")


def checksums(manifest: Adapter) -> Iterator[str]:
    """Yield the sums that identify the adapter, its data and its base."""
    sums = {
        "this adapter, weights and configuration (sha256)": manifest.adapter_sha256,
        "the data (sha256)": manifest.data_sha256,
        "the base (sha256 of a folder, commit of a hub id)": manifest.base_fingerprint,
    }
    known = [f"- {name}: `{value}`" for name, value in sums.items() if value]
    yield from known or ["Unknown."]
