"""An audit as Markdown, as JSON and as a picture: rendering alone, nothing is computed here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bias_inherit import store

if TYPE_CHECKING:  # the types alone: what an audit is made of imports numpy and scipy
    from matplotlib.axes import Axes

    from bias_inherit.bias_augment.audit import Audit
    from bias_inherit.bias_augment.audit.counts import Cell
    from bias_inherit.bias_augment.audit.estimates import Estimate, Share

NO_DATA = "no data"
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
"""Okabe and Ito's palette, told apart with any colour vision."""
ORIGINAL_COLOUR = "#555555"
MOST_BARS = 12
"""Of more labels than fit, the picture shows those furthest from the design."""


def to_json(audit: Audit) -> dict[str, Any]:
    """Return the audit as plain values, with a schema version."""
    return {"schema": store.SCHEMA, "kind": "audit"} | asdict(audit)


def to_markdown(audit: Audit) -> str:
    """Return the audit as Markdown: remarks, then a table a subject, with n beside everything."""
    sections = [_head(audit), _counts(audit), _cues(audit), _duplicates(audit), _texts(audit)]
    sections += [_traits(audit), _distances(audit), _tests(audit)]
    return "\n\n".join(section for section in sections if section) + "\n"


def _head(audit: Audit) -> str:
    parts = [f"# Audit of {audit.augmented.source}", ""]
    for name, data in (("D_a", audit.augmented), ("D_o", audit.original)):
        if data is None:
            parts.append(f"{name}: none given.")
            continue
        left = sum(data.left_out.values())
        out = f" ({left} more left out by the column map)" if left else ""
        parts.append(f"{name}: {data.rows} rows of {data.source}{out}.")
    parts.append(f"Axis: {audit.axis} ({', '.join(audit.groups)}). Seed {audit.seed}.")
    remarks = [f"- {line}" for line in audit.remarks] or ["- No threshold of ours is passed."]
    return "\n".join([*parts, "", "## Remarks", "", *remarks])


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
    rows = [
        [
            *([c.bias_type or "(none)"] if len({x.bias_type for x in audit.cues}) > 1 else []),
            c.group,
            str(c.own.n),
            *map(_share, (c.own, c.word, c.name, c.other)),
        ]
        for c in audit.cues
    ]
    header = ["group", "n", "any own cue", "own word", "own name", "another group's cue"]
    if len(rows[0]) > len(header):
        header = ["bias type", *header]
    one = audit.cues[0].bias_type
    note = f" All rows are of {one}." if len(rows[0]) < 7 and one else ""
    return (
        "## Cues\n\nShare of texts with a cue [95 % Wilson interval]; names are those of the axis."
        f"{note}\n\n{_table(header, rows)}"
    )


def _duplicates(audit: Audit) -> str:
    found = audit.duplicates
    rows = [
        ["exact, within D_a", _part(found.exact, found.n)],
        ["near (exact too), within D_a", _part(found.near, found.n)],
    ]
    if found.copied is not None and found.near_copied is not None:
        rows += [
            ["exact, of a row of D_o", _part(found.copied, found.n)],
            ["near (exact too), of a row of D_o", _part(found.near_copied, found.n)],
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
    return f"## Texts\n\n{note}\n\n{_table(header, rows)}"


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
    rows = [
        [
            t.subject,
            t.statistic,
            f"{t.value:.4g}",
            str(t.n),
            t.null,
            t.method,
            _p(t.p),
            _p(t.p_holm),
        ]
        for t in audit.tests
    ]
    header = ["test of", "statistic", "value", "n", "null hypothesis", "p from", "p", "p (Holm)"]
    if not rows:
        return ""
    note = f"p (Holm) is corrected for the {len(rows)} tests of this audit."
    return f"## Tests\n\n{note}\n\n{_table(header, rows)}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    plain = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *plain, strict=True)]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([line(header), rule, *map(line, plain)])


def _part(count: int, n: int) -> str:
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


def _p(p: float | None) -> str:
    return "" if p is None else "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def draw(audit: Audit, path: Path) -> None:
    """Write the audit as a picture, a PNG 1,600 pixels wide, with n in every title."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    panels = [_draw_counts, _draw_cues, _draw_lengths, _draw_traits, _draw_copies, _draw_distances]
    bars = min(MOST_BARS, len({cell.label for cell in audit.counts.cells}))
    height = 4.2 + 0.1 * bars * len(audit.groups)
    figure = Figure(figsize=(16, height + 4.2 + 0.2 * len(audit.groups)), dpi=100)
    figure.set_layout_engine(
        "constrained", rect=(0.005, 0.005, 0.99, 0.99), hspace=0.06, wspace=0.04
    )
    FigureCanvasAgg(figure)
    original = f", {audit.original.rows} of D_o" if audit.original is not None else ""
    figure.suptitle(
        f"Audit of {Path(audit.augmented.source).name}: axis {audit.axis}, "
        f"{audit.augmented.rows} rows of D_a{original}",
        fontsize=17,
    )
    keys: list[Any] = [
        Patch(color=colour, label=f"{group}, {_total(audit, group)}")
        for group, colour in _colours(audit).items()
    ]
    keys.append(Line2D([], [], color="black", lw=2, label="rows by the design"))
    if audit.original is not None:
        keys.append(Line2D([], [], color=ORIGINAL_COLOUR, marker="D", label="D_o"))
    figure.legend(handles=keys, loc="outside lower center", ncols=len(keys), fontsize=12)
    rows = (height, 4.2 + 0.2 * len(audit.groups))
    places = figure.subplots(2, 3, height_ratios=rows).flat
    for place, panel in zip(places, panels, strict=True):
        place.spines[["top", "right"]].set_visible(False)
        panel(place, audit)
        place.title.set_fontsize(12.5)
    figure.savefig(path, format="png", metadata={"Software": None})


def _total(audit: Audit, group: str) -> str:
    n = next(cell.n for cell in audit.counts.groups if cell.group == group)
    return NO_DATA if n is None else f"n = {n}"


def _colours(audit: Audit) -> dict[str, str]:
    return {group: COLOURS[i % len(COLOURS)] for i, group in enumerate(audit.groups)}


def _rows(place: Axes, names: Sequence[str]) -> None:
    place.set_yticks(range(len(names)), names)
    place.set_ylim(len(names) - 0.4, -0.6)


def _offsets(many: int) -> list[float]:
    return [0.8 * (i - (many - 1) / 2) / many for i in range(many)]


def _draw_counts(place: Axes, audit: Audit) -> None:
    cells = {(cell.label, cell.group): cell for cell in audit.counts.cells}
    labels = list(dict.fromkeys(label for label, _ in cells))
    shown = sorted(labels, key=lambda label: -_off(audit, label))[:MOST_BARS]
    shown = [label for label in labels if label in shown]
    for (group, colour), offset in zip(
        _colours(audit).items(), _offsets(len(audit.groups)), strict=True
    ):
        for i, label in enumerate(shown):
            cell = cells.get((label, group))
            height = 0.8 / len(audit.groups)
            if cell is not None and cell.expected is not None:
                edges = [i + offset - height / 2, i + offset + height / 2]
                place.plot([cell.expected] * 2, edges, color="black", lw=2, zorder=3)
            if cell is None or cell.n is None:
                box = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
                word = f" {group}: {NO_DATA}"
                place.text(0, i + offset, word, va="center", fontsize=9, bbox=box, zorder=4)
            else:
                place.barh(i + offset, cell.n, 0.9 * height, color=colour)
    _rows(place, [_short(label or "all") for label in shown])
    place.set_xlim(left=0)
    place.set_xlabel("rows")
    many = f"the {len(shown)} of {len(labels)} labels furthest from the design"
    some = f"\n{many}" if len(shown) < len(labels) else ""
    place.set_title(f"Rows by label and group (n = {audit.augmented.rows}){some}")


def _off(audit: Audit, label: str | None) -> float:
    cells = [cell for cell in audit.counts.cells if cell.label == label]
    return sum(abs((cell.n or 0) - (cell.expected or 0)) for cell in cells)


def _draw_cues(place: Axes, audit: Audit) -> None:
    kinds: dict[str, Callable[[Any], Share]] = {
        "any own cue": lambda c: c.own,
        "own word": lambda c: c.word,
        "own name": lambda c: c.name,
        "another's cue": lambda c: c.other,
    }
    types = Counter[str]()
    for c in audit.cues:
        types[c.bias_type] += c.own.n
    largest, n = types.most_common(1)[0]
    for c, offset in zip(
        [c for c in audit.cues if c.bias_type == largest], _offsets(len(audit.groups)), strict=True
    ):
        for i, kind in enumerate(kinds.values()):
            share = kind(c)
            y = i + offset
            _point(place, share.share, share.low, share.high, y, _colours(audit)[c.group])
    _rows(place, list(kinds))
    place.set_xlim(-0.03, 1.03)
    place.set_xlabel("share of texts, 95 % Wilson interval")
    of = f"\n{largest or 'no bias type'}, 1 of {len(types)} types" if len(types) > 1 else ""
    place.set_title(f"Cues in the texts (n = {n}){of}")


def _draw_lengths(place: Axes, audit: Audit) -> None:
    colours = _colours(audit)
    names = []
    for i, text in enumerate(audit.texts):
        name = text.group or "all"
        n = f"n = {text.words.n}"
        _point(place, *_ends(text.words), i - 0.12, colours.get(name, "black"))
        if text.original_words is not None:
            n += f" and {text.original_words.n}"
            _point(place, *_ends(text.original_words), i + 0.12, ORIGINAL_COLOUR, "D")
        names.append(f"{name}\n{n}")
    _rows(place, names)
    place.set_xlim(left=0)
    place.set_xlabel("words a text, mean and 95 % interval")
    place.set_title(f"Length of the texts (n = {audit.texts[0].words.n})")


def _draw_traits(place: Axes, audit: Audit) -> None:
    dimensions = list(dict.fromkeys(t.dimension for t in audit.traits))
    read = sum({t.group: t.low.n for t in audit.traits}.values())
    for (group, colour), offset in zip(
        _colours(audit).items(), _offsets(len(audit.groups)), strict=True
    ):
        for t in audit.traits:
            if t.group == group:
                y = dimensions.index(t.dimension) + offset
                _point(place, *_ends(t.low), y, colour)
    _rows(place, dimensions)
    place.set_xlim(-0.03, 1.03)
    place.set_xlabel("low / (low + high), 95 % bootstrap interval")
    place.set_title(f"Low traits among trait words (n = {read} texts read)")


def _draw_copies(place: Axes, audit: Audit) -> None:
    found, refused = audit.duplicates, audit.texts[0].refusals
    shares = {"exact copies in D_a": found.exact, "near copies in D_a": found.near}
    if found.copied is not None and found.near_copied is not None:
        shares |= {"exact copies of D_o": found.copied, "near copies of D_o": found.near_copied}
    shares["refusals"] = refused.count
    top = max([*shares.values(), 1]) / found.n
    for i, count in enumerate(shares.values()):
        place.barh(i, count / found.n, 0.6, color=COLOURS[4])
        place.text(
            count / found.n + max(top, 0.03) * 0.03,
            i,
            _part(count, found.n),
            va="center",
            fontsize=11,
        )
    _rows(place, list(shares))
    place.set_xlim(0, max(1.6 * top, 0.05))
    place.locator_params(axis="x", nbins=5)
    place.set_xlabel("share of rows")
    place.set_title(f"Copies and refusals (n = {found.n})")


def _draw_distances(place: Axes, audit: Audit) -> None:
    found = audit.distances
    if found is None or not found.scopes:
        place.set_axis_off()
        place.text(0.5, 0.5, "no D_o to measure a distance to", ha="center", fontsize=12)
        return
    p = {t.subject: t.p_holm for t in audit.tests if t.statistic == "energy distance"}
    names = []
    for i, d in enumerate(found.scopes):
        place.plot([0, d.by_chance], [i, i], color="#BBBBBB", lw=11, solid_capstyle="butt")
        place.plot(d.coefficient, i, "o", color=COLOURS[5], ms=10)
        place.annotate(
            f"{d.coefficient:.3f}, p = {_p(p.get(f'distance, {d.scope}'))}",
            (max(d.coefficient, d.by_chance), i),
            (12, 0),
            textcoords="offset points",
            va="center",
            fontsize=11,
        )
        names.append(f"{d.scope}\nn = {d.augmented_n} and {d.original_n}")
    _rows(place, names)
    largest = max(max(d.coefficient, d.by_chance) for d in found.scopes)
    place.set_xlim(0, 1.7 * max(largest, 0.001))
    place.set_xlabel("energy coefficient, corrected p; grey: 95 % by chance")
    toy = ", a toy" if found.is_toy else ""
    place.set_title(f"Distance to D_o\nencoder {_short(Path(found.encoder).name)}{toy}")


def _ends(estimate: Estimate) -> tuple[float | None, float | None, float | None]:
    return estimate.value, estimate.low, estimate.high


def _point(
    place: Axes,
    value: float | None,
    low: float | None,
    high: float | None,
    y: float,
    colour: str,
    marker: str = "o",
) -> None:
    """Draw a value with its interval, or say that there is no data."""
    if value is None:
        place.text(0.01, y, NO_DATA, va="center", fontsize=9, color=colour)
        return
    if low is not None and high is not None:
        place.plot([low, high], [y, y], color=colour, lw=2.5)
    place.plot(value, y, marker, color=colour, ms=8)


def _short(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:22]}…"
