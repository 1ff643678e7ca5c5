"""Counterfactual mitigation: each augmented row is joined by itself, told of another group.

Ours, not the paper's; counterfactual data augmentation (Lu et al. 2020, arXiv 1807.11714) of the
synthetic rows alone. What a row says of one group its twin says of another, with the same
answer, so that group and answer come apart.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from bias_inherit import store
from bias_inherit.errors import InputError, unknown
from bias_inherit.mitigations.contract import Mitigation, Tools
from bias_inherit.mitigations.options import Option, yes_no
from bias_inherit.mitigations.registry import Recipe, register
from bias_inherit.mitigations.transforms import axis_of, retell
from bias_inherit.rows import AUGMENTED, Example

SUMMARY = "Give each augmented row a twin that tells the same of another group."

_log = logging.getLogger(__name__)


def twin(row: Example, tools: Tools) -> Example | None:
    """Return the row told of another group, or None where no word of it changes.

    Of several other groups one is chosen by the row's id. Question, options, label and
    completion stay.

    Raises:
        InputError: the row names no axis, or no group of it.
    """
    axis = axis_of(row, tools)
    groups = row.get("group")
    groups = groups if isinstance(groups, Mapping) else {}
    group = groups.get(row["axis"])
    if not group:
        raise InputError(f"row '{row['id']}' names no group on its axis '{row['axis']}'")
    if group not in axis.groups:
        problem = unknown(f"group of the axis '{row['axis']}'", str(group), axis.groups)
        raise InputError(f"row '{row['id']}': {problem}")

    others = sorted(set(axis.groups) - {group})
    other = others[store.stable_rank(0, row["id"]) % len(others)]
    told = retell(row, lambda text: axis.swap(text, group, other))
    if told == row:
        return None

    told |= {"id": f"{row['id']}.twin", "group": {**groups, row["axis"]: other}}
    cues = axis.find_cues(told.get("text") or told["prompt"])
    return told | ({"cues": cues} if "cues" in row else {})


def pair(examples: list[Example], tools: Tools, halve: bool) -> list[Example]:
    """Return the mix with a twin after each augmented row that has one.

    With `halve` the two have half the row's weight each, so that the augmented rows' share
    of the loss stays what the mix's ratio says, though there are up to twice as many.
    """
    told: list[Example] = []
    alone = 0
    for row in examples:
        other = twin(row, tools) if row["origin"] == AUGMENTED else None
        alone += row["origin"] == AUGMENTED and other is None
        both = [row] if other is None else [row, other]
        if halve and other is not None:
            both = [each | {"weight": each.get("weight", 1.0) / 2} for each in both]
        told += both
    if alone:
        _log.info("counterfactual: %d augmented rows show no group and have no twin", alone)
    return told


def make(options: Mapping[str, Any]) -> Mitigation:
    """Return the mitigation with option `halve`."""

    def transform(examples: list[Example], tools: Tools) -> list[Example]:
        return pair(examples, tools, options["halve"])

    return Mitigation("counterfactual", SUMMARY, transform)


RECIPE = register(
    Recipe(
        "counterfactual",
        SUMMARY,
        make,
        (Option("halve", True, "half the weight for a row and for its twin", yes_no),),
    )
)
