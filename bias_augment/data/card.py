"""The data card: what a data set is, in the form of the Hugging Face hub's dataset cards.

Everything in it comes from the manifest. What that does not know is called unknown or left out.
"""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from bias_inherit import store
from bias_inherit.bias_augment.axes.bias_types import NEUTRAL
from bias_inherit.bias_augment.data.examples import AUGMENTED, ORIGINAL

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
    "bias_type": "the bias that the generator was asked for; empty in original rows",
    "seed_id": "id of the original row that the augmented one was written from",
    "generator": "who wrote an augmented row",
    "prompt_sha256": "sha256 of what the generator was asked",
    "cues": "words of the text that reveal the group",
}

SIZES: Mapping[str, str] = {
    "original-fixed": "all original rows stay and augmented ones are added",
    "total-fixed": "augmented rows take the place of original ones; the number of rows stays",
}

_CELLS = 200
"""Lines of the table of rows; the cells beyond are summed up in one."""

_PURPOSE = (
    "It serves research on bias inheritance. Do not train a model that people will use on it."
)


def card(manifest: Mapping[str, Any], data: str, manifest_name: str) -> str:
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
    if manifest.get("features"):
        from datasets import DatasetInfo, Features
        from datasets.info import DatasetInfosDict

        info = DatasetInfo(features=Features.from_dict(manifest["features"]))
        DatasetInfosDict({"default": info}).to_dataset_card_data(known)
    lines = [
        f"# {plain(_title(manifest))}",
        "",
        f"> **Content warning.** {_warning(manifest)} {_PURPOSE}",
        "",
        "Written by [bias-inherit](https://arxiv.org/abs/2502.04419), a suite around the "
        "experiment of that paper. This card says what the manifest "
        f"`{manifest_name}` knows; unknown means that it does not.",
        "",
        "## What it is",
        "",
        *_facts(manifest),
        "",
        "## Rows",
        "",
        *_rows(manifest),
        *_replies(manifest),
        "",
        "## Sources and licences",
        "",
        *_sources(manifest),
        "",
        "## Checksums (sha256)",
        "",
        *_checksums(manifest, data),
        "",
        "## Columns",
        "",
        "| column | what it is |",
        "|---|---|",
        *(
            f"| {plain(name)} | {COLUMNS.get(name, 'a column of the rows that were given')} |"
            for name in manifest.get("features") or COLUMNS
        ),
        "",
        "## How to load it",
        "",
        *_loading(manifest, data, manifest_name),
    ]
    return str(DatasetCard(f"---\n{known.to_yaml()}\n---\n\n" + "\n".join(lines) + "\n"))


def _part(manifest: Mapping[str, Any], origin: str) -> Mapping[str, Any] | None:
    """Return what is known of the rows of one origin, None where there are no such rows."""
    if manifest.get("kind") != "mix":
        return manifest if manifest.get("kind", ORIGINAL) == origin else None
    if origin in manifest.get("parts", {}):
        part: Mapping[str, Any] = manifest["parts"][origin]
        return part
    return {} if any(row[0] == origin for row in _cells(manifest)) else None


def _first(manifest: Mapping[str, Any], key: str) -> Any:
    """Return the value of a key in the augmented part, else in the original one, else None."""
    parts = (_part(manifest, origin) or {} for origin in (AUGMENTED, ORIGINAL))
    return next((part[key] for part in parts if part.get(key)), None)


def _title(manifest: Mapping[str, Any]) -> str:
    axis = _first(manifest, "axis")
    on = f" ({axis})" if axis else ""
    if manifest.get("kind") == "mix":
        ratio = f" at a bias ratio of {percent(manifest['ratio'])}" if "ratio" in manifest else ""
        return f"Mix of original and augmented data{ratio}{on}"
    if manifest.get("kind") == AUGMENTED:
        return f"Augmented data: {manifest.get('bias_type') or 'unknown bias type'}{on}"
    return f"Original data{on}"


def _warning(manifest: Mapping[str, Any]) -> str:
    augmented = _part(manifest, AUGMENTED)
    if augmented is None:
        return "This data may hold prejudiced text."
    if augmented.get("bias_type") == NEUTRAL:
        return "This data holds synthetic text; no bias was asked for, yet it may hold prejudice."
    if augmented.get("bias_type"):
        return (
            "This data holds text that was written to be biased on purpose. It may hold "
            "prejudiced and untrue statements about groups of people."
        )
    return (
        "This data holds synthetic text that may have been written to be biased on purpose. It "
        "may hold prejudiced and untrue statements about groups of people."
    )


def _facts(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the facts that are one value each."""
    if counts := manifest.get("counts"):
        share = counts["augmented"] / counts["total"]
        asked = manifest.get("ratio_exact", manifest.get("ratio"))
        yield (
            f"- **Bias ratio** γ = |D_a| / |D| = {counts['augmented']:,} / {counts['total']:,} = "
            f"{percent(share)} (asked for: {asked}), with |D_o| = {counts['original']:,}. The "
            "denominator is the whole mix, not the original rows."
        )
    if size := manifest.get("size"):
        yield f"- **Size rule** {size}: {SIZES.get(size, 'unknown')}"
    yield f"- **Axis** {plain(_first(manifest, 'axis') or 'unknown')}"
    augmented, original = _part(manifest, AUGMENTED), _part(manifest, ORIGINAL)
    if augmented is not None:
        yield f"- **Bias type** {plain(augmented.get('bias_type') or 'unknown')}"
        yield f"- **Generator** {plain(augmented.get('generator') or 'unknown')}"
        sampling = augmented.get("sampling")
        if isinstance(sampling, Mapping):
            sampling = ", ".join(f"{key} {value}" for key, value in sampling.items())
        if sampling:
            yield f"- **Sampling** {plain(sampling)}"
    seeds = {
        "the mix": manifest if manifest.get("kind") == "mix" else {},
        "the original data": original or {},
        "the augmented data": augmented or {},
    }
    known = [f"{part['seed']} ({of})" for of, part in seeds.items() if part.get("seed") is not None]
    yield f"- **Seed** {', '.join(known) or 'unknown'}"


def _cells(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str, str, int]]:
    """Yield (origin, label, groups, rows) for each cell."""
    for cell, rows in manifest.get("cells", {}).items():
        origin, _, rest = cell.partition(" ")
        label, _, groups = rest.rpartition("|")
        yield origin, label, groups, rows


def _rows(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the table of rows by group, label and origin."""
    table: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for origin, label, groups, rows in _cells(manifest):
        table[groups, label][origin] = rows
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


def _replies(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield what became of the generator's replies."""
    augmented = _part(manifest, AUGMENTED)
    if augmented is None:
        return
    yield from ("", "## Replies that were not used", "")
    failed, asked = augmented.get("failed"), augmented.get("asked")
    if failed is None:
        yield "Unknown."
        return
    of = "" if asked is None else f" of {asked:,} asked for"
    yield f"{sum(failed.values()):,}{of}:" if failed else f"None{of}."
    if failed:
        yield ""
        yield from (f"- {plain(kind)}: {n:,}" for kind, n in sorted(failed.items()))
    if missing := augmented.get("missing"):
        yield from ("", f"{missing:,} requests are left without a reply that could be used.")


def _untold(manifest: Mapping[str, Any]) -> list[str]:
    """Return the origins of the rows whose sources are unknown."""
    parts = {origin: _part(manifest, origin) for origin in (ORIGINAL, AUGMENTED)}
    return [o for o, part in parts.items() if part is not None and not part.get("sources")]


def _licence(manifest: Mapping[str, Any]) -> str | None:
    """Return the front matter's licence: the one of all sources, "other", None if unknown."""
    sources = manifest.get("sources") or []
    if not sources:
        return None
    licences = {str(source.get("licence")).lower() for source in sources}
    one = licences.pop()
    return one if not licences and one in LICENCES.split() and not _untold(manifest) else "other"


def _sources(manifest: Mapping[str, Any]) -> Iterator[str]:
    for source in manifest.get("sources") or []:
        rows = f", {source['rows']:,} rows" if source.get("rows") is not None else ""
        licence = plain(source.get("licence") or "licence unknown")
        yield f"- {plain(source.get('name', 'unknown'))}: {licence}{rows}"
    for origin in _untold(manifest):
        yield f"- Sources and licences of the {origin} rows: unknown"
    if _part(manifest, AUGMENTED) is not None:
        yield "- The terms of the generator, which may bind the augmented rows too: unknown"


def _checksums(manifest: Mapping[str, Any], data: str) -> Iterator[str]:
    original, augmented = _part(manifest, ORIGINAL) or {}, _part(manifest, AUGMENTED) or {}
    sums = {f"`{data}`": manifest.get("sha256")}
    if manifest.get("kind") == "mix":
        sums["the original data that went in"] = original.get("sha256")
        sums["the augmented data that went in"] = augmented.get("sha256")
    sums["the original data that the augmented data was written from"] = augmented.get(
        "original_sha256"
    )
    yield from (f"- {name}: `{value}`" for name, value in sums.items() if value)


def _loading(manifest: Mapping[str, Any], data: str, manifest_name: str) -> Iterator[str]:
    yield "```python"
    if manifest_name == store.MANIFEST:
        yield "from datasets import load_dataset"
        yield ""
        yield 'rows = load_dataset("PATH/OF/THIS/FOLDER", split="train")'
    elif manifest.get("features"):
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


def plain(value: Any) -> str:
    """Return a value as one line of text that Markdown and HTML leave as it is."""
    text = html.escape(" ".join(str(value).split()), quote=False)
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", text)
