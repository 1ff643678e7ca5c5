"""The picture of an audit: drawn by matplotlib without a window, in colours for any eye."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bias_inherit.reports.audit import NO_DATA, part, show_p

if TYPE_CHECKING:  # the types alone: what an audit is made of imports numpy and scipy
    from matplotlib.axes import Axes

    from bias_inherit.bias_augment.audit import Audit
    from bias_inherit.bias_augment.audit.estimates import Estimate
    from bias_inherit.manifests import Share

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
"""Okabe and Ito's palette, told apart with any colour vision."""
ORIGINAL_COLOUR = "#555555"
MOST_BARS = 12
"""Of more labels than fit, the picture shows those furthest from the design."""


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

    # cues of several types mean different things: the largest one is drawn
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
            part(count, found.n),
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
            f"{d.coefficient:.3f}, p = {show_p(p.get(f'distance, {d.scope}'))}",
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
