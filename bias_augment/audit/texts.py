"""How long the texts of each group are, and how many are refusals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bias_inherit.bias_augment.audit.estimates import (
    Array,
    Estimate,
    difference_of,
    mean_of,
)
from bias_inherit.bias_augment.audit.words import words
from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.data.shares import wilson
from bias_inherit.language.refusals import opens_with_refusal
from bias_inherit.manifests import Share
from bias_inherit.rows import Example


@dataclass(frozen=True)
class Texts:
    """The texts of a group (None: of all).

    Attributes:
        refusals: texts with a phrase of refusal in their first 80 characters.
        words: mean length in words, with a bootstrap interval over rows.
        original_words: the same in D_o.
        difference: D_a's mean minus D_o's: above 0 D_a's texts are longer; None without D_o.
    """

    group: str | None
    refusals: Share
    words: Estimate
    original_words: Estimate | None
    difference: Estimate | None


def describe_texts(
    axis: Axis, rows: Sequence[Example], original: Sequence[Example] | None, seed: int = 0
) -> list[Texts]:
    """Return lengths and refusals of all texts and of each group's.

    Args:
        axis: of the rows.
        rows: of D_a.
        original: of D_o, where lengths are to be compared.
        seed: of the bootstrap.
    """
    lengths = _lengths(rows)
    original_lengths = _lengths(original) if original is not None else None
    refused = np.array([opens_with_refusal(row["text"]) for row in rows])
    groups = np.array([row["group"][axis.axis] for row in rows])

    described = []
    for group in (None, *axis.groups):
        picked = groups == group if group is not None else np.ones(len(rows), np.bool_)
        before = difference = None
        if original is not None and original_lengths is not None:
            there = [group in (None, row["group"][axis.axis]) for row in original]
            before = mean_of(original_lengths[there], seed)
            difference = difference_of(lengths[picked], original_lengths[there], seed)

        described.append(
            Texts(
                group,
                wilson(int(refused[picked].sum()), int(picked.sum())),
                mean_of(lengths[picked], seed),
                before,
                difference,
            )
        )
    return described


def _lengths(rows: Sequence[Example]) -> Array:
    return np.array([len(words(row["text"])) for row in rows], np.float64)
