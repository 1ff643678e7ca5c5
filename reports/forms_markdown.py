"""What a comparison of forms found, as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bias_inherit import manifests, store
from bias_inherit.reports.components import Components
from bias_inherit.reports.forms import Claim, Explicit, FormRow, FormSection
from bias_inherit.reports.markdown import show, table


def to_json(sections: Sequence[FormSection], explicit: Sequence[Explicit]) -> dict[str, Any]:
    """Return plain values, with a schema version."""
    told = [asdict(section) for section in sections]
    for section, entry in zip(sections, told, strict=True):
        for row, values in zip(section.rows, entry["rows"], strict=True):
            values["arm"] = None if row.arm is None else row.arm.to_json()
    return {
        "schema": manifests.SCHEMA,
        "kind": "forms",
        "metrics": told,
        "explicit_minus_implicit": [asdict(one) for one in explicit],
    }


def write_forms(
    folder: Path, sections: Sequence[FormSection], explicit: Sequence[Explicit]
) -> None:
    """Write `forms.md` and `forms.json`."""
    store.write_text(folder / "forms.md", to_markdown(sections, explicit))
    store.write_json(folder / "forms.json", to_json(sections, explicit))


def to_markdown(sections: Sequence[FormSection], explicit: Sequence[Explicit]) -> str:
    """Return a table for each metric, and one of explicit minus implicit."""
    parts = [_section(section) for section in sections]
    if explicit:
        parts.append(_explicit(explicit))
    return "\n\n".join(parts) + "\n"


def _section(section: FormSection) -> str:
    signed = section.is_gap
    unit = section.unit
    header = ["model", *(f"form {form}" for form in section.forms), "mean [95 % CI]", "spread"]
    changed = any(row.mean_change is not None for row in section.rows)
    if changed:
        header += ["mean change from baseline [95 % CI]", "in every form?"]
    lines = []
    for row in section.rows:
        cells = [row.model.replace("|", "\\|")]
        cells += [_value(row, form, unit, signed) for form in section.forms]
        cells += [show(row.mean, unit, signed), _number(row.spread, unit)]
        if changed:
            change = row.mean_change
            cells += ["" if change is None else show(change, unit, signed=True), _told(row.claim)]
        lines.append(cells)
    told = f"### {section.task}: {section.metric} by form"
    return "\n".join([told, "", table(header, lines), "", _shares(section.components)]).rstrip()


def _value(row: FormRow, form: int, unit: str | None, signed: bool) -> str:
    return show(row.values[form], unit, signed) if form in row.values else "not asked"


def _number(value: float | None, unit: str | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f} {unit}" if unit else f"{value:.3f}"


def _told(claim: Claim | None) -> str:
    if claim is None:
        return ""
    if not claim.against:
        return "yes"
    forms = ", ".join(
        f"{form}{' (clearly)' if form in claim.clearly else ''}" for form in claim.against
    )
    return f"**reversed in form {forms}**"


def _shares(found: Components | None) -> str:
    if found is None:
        return ""
    text = (
        f"Variance over {found.models} models and {found.forms} forms: models "
        f"{found.model:.0%}, forms {found.form:.0%}, what a form changes between models "
        f"{found.interaction:.0%}, choice of documents {found.documents:.0%}."
    )
    if found.of_form is not None:
        text += (
            " Of the variance between models that is not chance, "
            f"{found.of_form:.0%} is the form's."
        )
    return text


def _explicit(explicit: Sequence[Explicit]) -> str:
    header = ["task", "model", "metric", "forms", "explicit minus implicit [95 % CI]"]
    lines = [
        [
            one.task,
            one.model.replace("|", "\\|"),
            one.metric,
            f"{one.forms[0]} minus {one.forms[1]}",
            show(one.estimate, one.unit, signed=True) + ("" if one.paired else " (unpaired)"),
        ]
        for one in explicit
    ]
    return "\n".join(["### Said outright minus left to the name", "", table(header, lines)])
