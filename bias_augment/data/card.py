"""The data card: what a data set is, in the form of the Hugging Face hub's dataset cards.

Everything in it comes from the manifest. What that does not know is called unknown or left out.
"""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from bias_inherit import store
from bias_inherit.bias_augment.axes.bias_types import NEUTRAL
from bias_inherit.manifests import Augmented, Data, Imported, Mix, Original, Share
from bias_inherit.rows import AUGMENTED, ORIGINAL

LICENCES = """
apache-2.0 mit bsd bsd-2-clause bsd-3-clause openrail wtfpl unlicense zlib pddl cc cc0-1.0
cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0
cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0
cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 odc-by odbl c-uda
etalab-2.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 agpl-3.0 mpl-2.0 eupl-1.1 eupl-1.2
"""
"""The hub's identifiers of licences that data comes under."""

COLUMNS: Mapping[str, str] = {
    "id": "name of the row, unique in the data set",
    "prompt": "what the model reads",
    "completion": "what it is trained to write; the loss falls on this alone",
    "axis": "the social axis",
    "group": "axis and group that the text is about",
    "label": "the answer that the completion gives",
    "options": "the answers that it was chosen from",
    "question": "the question of an opinion; empty elsewhere",
    "text": "what the prompt asks about, without the question",
    "origin": "original (D_o) or augmented (D_a)",
    "bias_type": "the bias that the generator was asked for, or unknown; empty in original rows",
    "seed_id": "id of the original row that the augmented one was written from",
    "generator": "who wrote an augmented row, or unknown",
    "prompt_sha256": "sha256 of what the generator was asked",
    "cues": "words of the text that reveal the group",
}

SIZES: Mapping[str, str] = {
    "original-fixed": "all original rows stay and augmented ones are added",
    "total-fixed": "augmented rows take the place of original ones; the number of rows stays",
}

OUTCOMES: Mapping[str, str] = {
    "usable": "usable",
    "refused": "refused",
    "noted": "with a note or disclaimer",
    "label_named": "names its own label",
    "cue": "shows the group",
    "follows_label": "label follows the stereotype",
    "follows_trait": "traits follow the stereotype",
}
"""Columns of the table of what came out: fields of `Outcome`, with their headings."""

_CELLS = 200
"""Lines of the table of rows; the cells beyond are summed up in one."""

_PURPOSE = (
    "It serves research on bias inheritance. Do not train a model that people will use on it."
)


def card(manifest: Data, data: str, manifest_name: str) -> str:
    """Return the Markdown card of the data set that a manifest describes.

    `data` and `manifest_name` are the file names beside the card; in a dataset folder the
    manifest is `store.MANIFEST`. The front matter follows the hub
    (https://huggingface.co/docs/hub/datasets-cards).
    """
    from huggingface_hub import DatasetCard, DatasetCardData

    known = DatasetCardData(
        license=_licence(manifest),
        pretty_name=_title(manifest),
        tags=["bias", "bias-inherit", "not-for-all-audiences"],
        configs=[{"config_name": "default", "data_files": data}],
    )
    if manifest.features:
        from datasets import DatasetInfo, Features
        from datasets.info import DatasetInfosDict

        info = DatasetInfo(features=Features.from_dict(manifest.features))
        DatasetInfosDict({"default": info}).to_dataset_card_data(known)

    sections = {
        "What it is": _facts(manifest),
        "Rows": (*_rows(manifest), *_replies(manifest), *_outcomes(manifest)),
        "Sources and licences": _sources(manifest),
        "Checksums (sha256)": _checksums(manifest, data),
        "Columns": _columns(manifest),
        "How to load it": _loading(manifest, data, manifest_name),
    }
    lines = [
        f"# {plain(_title(manifest))}",
        "",
        f"> **Content warning.** {_warning(manifest)} {_PURPOSE}",
        "",
        "Written by [bias-inherit](https://arxiv.org/abs/2502.04419), a suite around the "
        "experiment of that paper. This card says what the manifest "
        f"`{manifest_name}` knows; unknown means that it does not.",
    ]
    for heading, content in sections.items():
        lines += ["", f"## {heading}", "", *content]
    return str(DatasetCard(f"---\n{known.to_yaml()}\n---\n\n" + "\n".join(lines) + "\n"))


def _original(manifest: Data) -> Original | None:
    """Return what is known of the original rows, None where there are none."""
    if isinstance(manifest, Mix):
        unknown = Original() if _holds(manifest, ORIGINAL) else None
        return manifest.parts.original or unknown
    return manifest if isinstance(manifest, Original) else None


def _augmented(manifest: Data) -> Augmented | None:
    """Return what is known of the augmented rows, None where there are none."""
    if isinstance(manifest, Mix):
        unknown = Augmented() if _holds(manifest, AUGMENTED) else None
        return manifest.parts.augmented or unknown
    return manifest if isinstance(manifest, Augmented) else None


def _holds(manifest: Data, origin: str) -> bool:
    return any(cell.origin == origin for cell, _ in manifest.cells)


def _axis(manifest: Data) -> str | None:
    """Return the axis that the augmented rows name, else the original ones."""
    parts = (_augmented(manifest), _original(manifest))
    return next((part.axis for part in parts if part is not None and part.axis), None)


def _title(manifest: Data) -> str:
    axis = _axis(manifest)
    on = f" ({axis})" if axis else ""
    if isinstance(manifest, Mix):
        known = manifest.ratio is not None
        ratio = f" at a bias ratio of {percent(float(manifest.ratio or 0))}" if known else ""
        return f"Mix of original and augmented data{ratio}{on}"
    if isinstance(manifest, Augmented):
        brought = ", brought in from elsewhere" if manifest.imported else ""
        return f"Augmented data: {manifest.bias_type or 'unknown bias type'}{on}{brought}"
    return f"Original data{on}"


def _warning(manifest: Data) -> str:
    augmented = _augmented(manifest)
    if augmented is None:
        return "This data may hold prejudiced text."
    if augmented.bias_type == NEUTRAL:
        return "This data holds synthetic text; no bias was asked for, yet it may hold prejudice."
    if augmented.bias_type:
        return (
            "This data holds text that was written to be biased on purpose. It may hold "
            "prejudiced and untrue statements about groups of people."
        )
    return (
        "This data holds synthetic text that may have been written to be biased on purpose. It "
        "may hold prejudiced and untrue statements about groups of people."
    )


def _facts(manifest: Data) -> Iterator[str]:
    """Yield the facts that are one value each."""
    mix = manifest if isinstance(manifest, Mix) else None
    if mix is not None and mix.counts is not None:
        counts = mix.counts
        asked = mix.ratio_exact or (None if mix.ratio is None else float(mix.ratio))
        yield (
            f"- **Bias ratio** γ = |D_a| / |D| = {counts.augmented:,} / {counts.total:,} = "
            f"{percent(counts.augmented / counts.total)} (asked for: {asked}), with |D_o| = "
            f"{counts.original:,}. The denominator is the whole mix, not the original rows."
        )
    if mix is not None and mix.size:
        yield f"- **Size rule** {mix.size}: {SIZES.get(mix.size, 'unknown')}"
    yield f"- **Axis** {plain(_axis(manifest) or 'unknown')}"

    augmented, original = _augmented(manifest), _original(manifest)
    if augmented is not None:
        yield f"- **Bias type** {plain(augmented.bias_type or 'unknown')}"
        yield f"- **Generator** {plain(augmented.generator or 'unknown')}"
        if augmented.imported:
            read = augmented.imported
            digest = f" (sha256 `{read.sha256}`)" if read.sha256 else ""
            yield (
                f"- **Made elsewhere** and brought in from {plain(read.source)}{digest}: generator "
                "and bias type are what the user said"
            )
        if augmented.sampling:
            sampling = ", ".join(f"{key} {value}" for key, value in augmented.sampling.items())
            yield f"- **Sampling** {plain(sampling)}"

    seeds = {"the mix": mix, "the original data": original, "the augmented data": augmented}
    known = [
        f"{part.seed} ({of})"
        for of, part in seeds.items()
        if part is not None and part.seed is not None
    ]
    yield f"- **Seed** {', '.join(known) or 'unknown'}"


def _rows(manifest: Data) -> Iterator[str]:
    """Yield the table of rows by group, label and origin."""
    table: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for cell, rows in manifest.cells:
        table[cell.groups_text, cell.label][cell.origin] = rows
    if not table:
        yield "Their counts are unknown."
        return

    yield "| group | label | original | augmented |"
    yield "|---|---|--:|--:|"
    cells = sorted(table.items())
    for (groups, label), counts in cells[:_CELLS]:
        yield _row(groups, label, [counts])
    if rest := [counts for _, counts in cells[_CELLS:]]:
        yield _row(f"{len(rest):,} more cells", "", rest)
    yield _row("all", "", [counts for _, counts in cells])


def _row(groups: str, label: str, counts: list[dict[str, int]]) -> str:
    totals = (sum(cell.get(origin, 0) for cell in counts) for origin in (ORIGINAL, AUGMENTED))
    return f"| {plain(groups)} | {plain(label)} | {' | '.join(f'{n:,}' for n in totals)} |"


def _replies(manifest: Data) -> Iterator[str]:
    """Yield what became of the generator's replies."""
    augmented = _augmented(manifest)
    if augmented is None:
        return
    if augmented.imported:
        yield from _not_taken(augmented.imported)
        return
    yield from ("", "## Replies that were not used", "")
    failed = augmented.failed
    if failed is None:
        yield "Unknown."
        return

    of = "" if augmented.asked is None else f" of {augmented.asked:,} asked for"
    yield f"{sum(failed.values()):,}{of}:" if failed else f"None{of}."
    if failed:
        yield ""
        yield from (f"- {plain(kind)}: {n:,}" for kind, n in sorted(failed.items()))
    if augmented.missing:
        yield ""
        yield f"{augmented.missing:,} requests are left without a reply that could be used."


def _outcomes(manifest: Data) -> Iterator[str]:
    """Yield what came out of the generator, by bias type and group."""
    augmented = _augmented(manifest)
    if augmented is None or not augmented.outcomes:
        return
    yield from ("", "## What came out", "")
    yield (
        "Shares [95 % Wilson interval] of n replies or texts; *follows the stereotype*: the label, "
        "or the traits that show, are those of the axis's stereotype of the group. That share is "
        "the dose that a model trained on the rows gets."
    )
    yield ""
    yield f"| bias type | group | {' | '.join(OUTCOMES.values())} |"
    yield "|---|---|" + "--:|" * len(OUTCOMES)
    for outcome in augmented.outcomes:
        cells = " | ".join(show_share(getattr(outcome, name)) for name in OUTCOMES)
        yield f"| {plain(outcome.bias_type or 'unknown')} | {plain(outcome.group)} | {cells} |"

    if augmented.ways:
        ways = ", ".join(f"{plain(way)} {n:,}" for way, n in sorted(augmented.ways.items()))
        yield from ("", f"How the form was asked for, in usable replies: {ways}.")
    if augmented.places:
        places = ", ".join(f"{n:,}" for n in augmented.places)
        yield from (
            "",
            f"Labels chosen by their place in the prompt's list, which is shuffled: {places}.",
        )


def show_share(share: Share) -> str:
    """Return a share with its interval and n."""
    if share.share is None or share.low is None or share.high is None:
        return "no data"
    low, high = (f"{100 * end:.0f}" for end in (share.low, share.high))
    return f"{100 * share.share:.0f} % [{low}, {high}] of {share.n:,}"


def _not_taken(read: Imported) -> Iterator[str]:
    """Yield what became of the rows of a set that was made elsewhere."""
    yield from ("", "## Rows that were not taken", "")
    left = {**read.unread, **read.left_out}
    of = "" if read.rows is None else f" of {read.rows:,}"
    yield f"{sum(left.values()):,}{of}:" if left else f"None{of}."
    if left:
        yield ""
        yield from (f"- with {plain(kind)}: {n:,}" for kind, n in sorted(left.items()))
    if read.respelt:
        yield ""
        yield "Labels that differ in case alone were made one:"
        yield ""
        yield from (f"- {plain(label)}: {n:,}" for label, n in sorted(read.respelt.items()))


def _untold(manifest: Data) -> list[str]:
    """Return the origins of the rows whose sources are unknown."""
    parts = {ORIGINAL: _original(manifest), AUGMENTED: _augmented(manifest)}
    return [o for o, part in parts.items() if part is not None and not part.sources]


def _licence(manifest: Data) -> str | None:
    """Return the front matter's licence: the one of all sources, "other", None if unknown."""
    if not manifest.sources:
        return None
    licences = {str(source.licence).lower() for source in manifest.sources}
    one = licences.pop()
    return one if not licences and one in LICENCES.split() and not _untold(manifest) else "other"


def _sources(manifest: Data) -> Iterator[str]:
    for source in manifest.sources:
        rows = f", {source.rows:,} rows" if source.rows is not None else ""
        yield f"- {plain(source.name)}: {plain(source.licence or 'licence unknown')}{rows}"
    for origin in _untold(manifest):
        yield f"- Sources and licences of the {origin} rows: unknown"
    if _augmented(manifest) is not None:
        yield "- The terms of the generator, which may bind the augmented rows too: unknown"


def _checksums(manifest: Data, data: str) -> Iterator[str]:
    original, augmented = _original(manifest), _augmented(manifest)
    sums = {f"`{data}`": manifest.sha256}
    if isinstance(manifest, Mix):
        sums["the original data that went in"] = original.sha256 if original else None
        sums["the augmented data that went in"] = augmented.sha256 if augmented else None
    sums["the original data that the augmented data was written from"] = (
        augmented.original_sha256 if augmented else None
    )
    yield from (f"- {name}: `{value}`" for name, value in sums.items() if value)


def _columns(manifest: Data) -> Iterator[str]:
    yield from ("| column | what it is |", "|---|---|")
    for name in manifest.features or COLUMNS:
        yield f"| {plain(name)} | {COLUMNS.get(name, 'a column of the rows that were given')} |"


def _loading(manifest: Data, data: str, manifest_name: str) -> Iterator[str]:
    yield "```python"
    if manifest_name == store.MANIFEST:
        yield "from datasets import load_dataset"
        yield ""
        yield 'rows = load_dataset("PATH/OF/THIS/FOLDER", split="train")'
    elif manifest.features:
        yield "import json"
        yield "from datasets import Features, load_dataset"
        yield ""
        yield f"manifest = json.load(open({manifest_name!r}))"
        yield 'features = Features.from_dict(manifest["features"])'
        yield f'rows = load_dataset("json", data_files={data!r}, features=features, split="train")'
    else:
        yield "from datasets import load_dataset"
        yield ""
        yield f'rows = load_dataset("json", data_files={data!r}, split="train")'

    yield "```"


def percent(share: float) -> str:
    """Return a share as a percentage."""
    return f"{100 * share:.4g} %"


def plain(value: object) -> str:
    """Return a value as one line of text that Markdown and HTML leave as it is."""
    text = html.escape(" ".join(str(value).split()), quote=False)
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", text)
