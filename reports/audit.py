"""An audit as Markdown and as JSON: rendering alone, nothing is computed here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bias_inherit import manifests
from bias_inherit.rows import UNKNOWN

if TYPE_CHECKING:  # the types alone: what an audit is made of imports numpy and scipy
    from bias_inherit.bias_augment.audit import Audit
    from bias_inherit.bias_augment.audit.counts import Cell
    from bias_inherit.bias_augment.audit.estimates import Estimate
    from bias_inherit.manifests import Share

NO_DATA = "no data"


def to_json(audit: Audit) -> dict[str, Any]:
    """Return the audit as plain values, with a schema version."""
    return {"schema": manifests.SCHEMA, "kind": "audit"} | asdict(audit)


def to_markdown(audit: Audit) -> str:
    """Return the audit as Markdown: remarks, then a table a subject, with n beside everything."""
    sections = [
        _head(audit),
        _unread(audit),
        _counts(audit),
        _cues(audit),
        _duplicates(audit),
        _texts(audit),
    ]
    sections += [_outcomes(audit), _traits(audit), _distances(audit), _tests(audit)]
    return "\n\n".join(section for section in sections if section) + "\n"


def _head(audit: Audit) -> str:
    parts = [f"# Audit of {audit.augmented.source}", ""]
    for name, data in (("D_a", audit.augmented), ("D_o", audit.original)):
        if data is None:
            parts.append(f"{name}: none given.")
            continue
        left, unread = sum(data.left_out.values()), sum(data.unread.values())
        out = f" ({left} more left out by the column map)" if left else ""
        out += f" ({unread} more could not be used)" if unread else ""
        parts.append(f"{name}: {data.rows} rows of {data.source}{out}.")
    parts.append(f"Axis: {audit.axis} ({', '.join(audit.groups)}). Seed {audit.seed}.")
    remarks = [f"- {line}" for line in audit.remarks] or ["- No threshold of ours is passed."]
    return "\n".join([*parts, "", "## Remarks", "", *remarks])


def _unread(audit: Audit) -> str:
    sides = {"D_a": audit.augmented, "D_o": audit.original}
    rows = [
        [name, f"with {kind}", part(n, data.rows + sum(data.unread.values()))]
        for name, data in sides.items()
        if data is not None
        for kind, n in sorted(data.unread.items())
    ]
    if not rows:
        return ""
    note = "Left out of everything below; the share is of these and the rows that could be used."
    return f"## Rows that could not be used\n\n{note}\n\n{_table(['of', 'rows', 'count'], rows)}"


def _counts(audit: Audit) -> str:
    counts = audit.counts
    labels = list(dict.fromkeys(cell.label for cell in counts.cells))
    cells = {(cell.label, cell.group): cell for cell in (*counts.cells, *counts.groups)}
    rows = [
        [label or "(no label)", *(_cell(cells.get((label, group))) for group in audit.groups)]
        for label in (labels if len(labels) > 1 or labels[0] else [])
    ]
    rows.append(["all", *(_cell(cells[None, group]) for group in audit.groups)])
    note = f"Rows; in brackets what the design gives ({counts.design})."
    return f"## Counts\n\n{note}\n\n{_table(['label', *audit.groups], rows)}"


def _cell(cell: Cell | None) -> str:
    if cell is None or (cell.n is None and cell.expected is None):
        return NO_DATA
    expected = "not in the design" if cell.expected is None else f"{cell.expected:.1f}"
    return f"{NO_DATA if cell.n is None else cell.n} ({expected})"


def _cues(audit: Audit) -> str:
    several = len({c.bias_type for c in audit.cues}) > 1
    rows = [
        [
            *([c.bias_type or "(none)"] if several else []),
            c.group,
            str(c.own.n),
            *map(_share, (c.own, c.word, c.name, c.other)),
        ]
        for c in audit.cues
    ]

    header = ["group", "n", "any own cue", "own word", "own name", "another group's cue"]
    if several:
        header = ["bias type", *header]
    one = audit.cues[0].bias_type
    named = "an unknown bias type" if one == UNKNOWN else one
    note = f" All rows are of {named}." if one and not several else ""
    return (
        "## Cues\n\nShare of texts with a cue [95 % Wilson interval]; names are those of the axis."
        f"{note}\n\n{_table(header, rows)}"
    )


def _duplicates(audit: Audit) -> str:
    found = audit.duplicates
    rows = [
        ["exact, within D_a", part(found.exact, found.n)],
        ["near (exact too), within D_a", part(found.near, found.n)],
    ]
    if found.copied is not None and found.near_copied is not None:
        rows += [
            ["exact, of a row of D_o", part(found.copied, found.n)],
            ["near (exact too), of a row of D_o", part(found.near_copied, found.n)],
        ]
    sizes = ", ".join(f"{many} of {size} rows" for size, many in found.clusters[:8])
    more = f" and {len(found.clusters) - 8} other sizes" if len(found.clusters) > 8 else ""
    note = f"\n\nClusters of near copies: {sizes}{more}." if sizes else ""
    return f"## Duplicates\n\n{_table(['copies', 'rows of D_a'], rows)}{note}"


def _texts(audit: Audit) -> str:
    header = ["group", "n", "words", "refusals"]
    if audit.original is not None:
        header[3:3] = ["n of D_o", "words of D_o", "difference"]
    rows = []
    for text in audit.texts:
        row = [text.group or "all", str(text.words.n), _estimate(text.words, 1)]
        if text.original_words is not None and text.difference is not None:
            row += [str(text.original_words.n), _estimate(text.original_words, 1)]
            row += [_estimate(text.difference, 1, signed=True)]
        rows.append([*row, f"{text.refusals.count}: {_share(text.refusals)}"])

    note = "Mean words a text [95 % bootstrap interval]; texts that begin with a refusal."
    kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(audit.failed.items()))
    of = f" of {audit.asked} replies" if audit.asked is not None else ""
    if kinds:
        note += f" The manifest beside D_a{of} counts as not usable: {kinds}."
    languages = Counter[str]()
    for found in audit.languages.values():
        languages.update(found)
    named = ", ".join(f"{n} {language}" for language, n in languages.most_common())
    note += f" Languages, by script and commonest words: {named}."
    return f"## Texts\n\n{note}\n\n{_table(header, rows)}"


def _outcomes(audit: Audit) -> str:
    header = ["bias type", "group", "refused", "with a note", "names its own label"]
    header += ["label follows the stereotype", "traits follow the stereotype"]
    rows = [
        [
            o.bias_type or "(none)",
            o.group,
            *map(_share_of, (o.refused, o.noted, o.label_named, o.follows_label, o.follows_trait)),
        ]
        for o in audit.outcomes
    ]
    note = (
        "Shares of texts [95 % Wilson interval] and their n. What follows the axis's stereotype of "
    )
    note += "the group is the dose that a model trained on the rows gets; where labels are as in "
    note += "D_o, what those follow is the base of it."
    return f"## What came out\n\n{note}\n\n{_table(header, rows)}"


def _share_of(share: Share) -> str:
    return NO_DATA if share.share is None else f"{_share(share)} of {share.n}"


def _traits(audit: Audit) -> str:
    rows = [
        [
            t.dimension,
            t.group,
            _estimate(t.low, 3),
            str(t.hits),
            f"{t.coverage.count} of {t.coverage.n}",
            str(t.too_short),
        ]
        for t in audit.traits
    ]

    header = ["dimension", "group", "low share", "hits", "texts with a hit", "not read"]
    gaps = [
        f"{g.dimension} {_estimate(g.difference, 3, signed=True)} ({' minus '.join(g.groups)})"
        for g in audit.trait_gaps
    ]
    note = "Low traits among all trait words, low / (low + high) [95 % bootstrap interval]."
    note += " Texts under 20 words, and refusals, are not read."
    found = f"\n\nLargest differences: {'; '.join(gaps)}." if gaps else ""
    return f"## Traits\n\n{note}\n\n{_table(header, rows)}{found}"


def _distances(audit: Audit) -> str:
    found = audit.distances
    if found is None:
        return ""
    rows = [
        [
            d.scope + (f" ({d.cells})" if d.scope == "within cells" else ""),
            str(d.augmented_n),
            str(d.original_n),
            f"{d.mean_difference:.3g}",
            NO_DATA if d.relative is None else f"{d.relative:.3f}",
            f"{d.energy:.3g}",
            f"{d.coefficient:.3f} ({d.by_chance:.3f})",
        ]
        for d in found.scopes
    ]

    header = ["scope", "n of D_a", "n of D_o", "mean difference", "relative", "energy distance"]
    header += ["coefficient (by chance)"]
    note = f"Encoder: {found.encoder}{' (a toy)' if found.is_toy else ''}. One text a seed"
    note += f" ({found.augmented_rows} rows of D_a, {found.original_rows} of D_o"
    note += "), at most 1,000 rows a side. V-statistics: 0 is no difference."
    return f"## Distance to D_o\n\n{note}\n\n" + (_table(header, rows) if rows else NO_DATA)


def _tests(audit: Audit) -> str:
    if not audit.tests:
        return ""

    rows = [
        [
            t.subject,
            t.statistic,
            f"{t.value:.4g}",
            str(t.n),
            t.null,
            t.method,
            show_p(t.p),
            show_p(t.p_holm),
        ]
        for t in audit.tests
    ]

    header = ["test of", "statistic", "value", "n", "null hypothesis", "p from", "p", "p (Holm)"]
    note = f"p (Holm) is corrected for the {len(rows)} tests of this audit."
    return f"## Tests\n\n{note}\n\n{_table(header, rows)}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    plain = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *plain, strict=True)]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([line(header), rule, *map(line, plain)])


def part(count: int, n: int) -> str:
    """Return a count of n, with its share."""
    return f"{count} of {n} ({100 * count / n:.1f} %)" if n else NO_DATA


def _share(share: Share) -> str:
    if share.share is None or share.low is None or share.high is None:
        return NO_DATA
    return f"{100 * share.share:.1f} % [{100 * share.low:.1f}, {100 * share.high:.1f}]"


def _estimate(estimate: Estimate, digits: int, signed: bool = False) -> str:
    def number(value: float) -> str:
        return f"{value:{'+' if signed else ''}.{digits}f}"

    if estimate.value is None:
        return NO_DATA
    if estimate.low is None or estimate.high is None:
        return f"{number(estimate.value)} (no spread)"
    return f"{number(estimate.value)} [{number(estimate.low)}, {number(estimate.high)}]"


def show_p(p: float | None) -> str:
    """Return a p value with four digits."""
    return "" if p is None else "< 0.0001" if p < 0.0001 else f"{p:.4f}"
