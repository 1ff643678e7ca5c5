"""Density-ratio mitigation: augmented rows count the more, the more they look like originals.

Ours, not the paper's. The loss of an augmented row is multiplied by an estimate of
p_o(phi) / p_a(phi) on the features of the loss mitigation, from a classifier that tells the two
origins apart (Sugiyama, Suzuki and Kanamori, Density Ratio Estimation in Machine Learning, 2012).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bias_inherit import store
from bias_inherit.errors import InputError
from bias_inherit.mitigations.contract import Mitigation, Tools
from bias_inherit.mitigations.options import Option, number
from bias_inherit.mitigations.registry import Recipe, register
from bias_inherit.rows import AUGMENTED, Example

if TYPE_CHECKING:
    import numpy as np

SUMMARY = "Weight each augmented row by how much it looks like an original (density ratio)."
CLIP = 10.0
LEAST = 10
"""Rows of each origin that an estimate needs."""
_FOLDS = 5

_log = logging.getLogger(__name__)


def density_weights(phi: np.ndarray, augmented: np.ndarray, clip: float) -> np.ndarray:
    """Return a weight for each augmented row, shape (augmented rows,), of mean 1.

    `phi` has shape (rows, width), `augmented` is True or False for each row. With
    probabilities from a logistic regression on standardised features, the ratio is
    p(o|phi) / p(a|phi) * n_a / n_o: the second factor takes the numbers of rows out. Each row is
    judged by a model that was fitted on the other folds alone. Ratios are clipped to
    [1 / clip, clip] and divided by their mean, so that the augmented rows' share of the loss
    stays. The fit's penalty grows with the width (C = 1 / width), so that the
    logit's scale before any data is that of one feature, however many there are.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import (
        StratifiedKFold,
        cross_val_predict,
    )
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = make_pipeline(
        StandardScaler(), LogisticRegression(C=1 / phi.shape[1], max_iter=1000)
    )
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    logits = cross_val_predict(
        classifier, phi.astype(np.float64), ~augmented, cv=folds, method="decision_function"
    )[augmented]
    prior = np.log((~augmented).sum() / augmented.sum())
    ratios = np.exp(np.clip(logits - prior, -np.log(clip), np.log(clip)))
    weights: np.ndarray = ratios / ratios.mean()
    return weights


def weigh(examples: list[Example], tools: Tools, clip: float) -> list[Example]:
    """Return the mix with a column `weight` on its augmented rows.

    Raises:
        InputError: there are fewer than `LEAST` rows of an origin, or phi is not finite.
    """
    import numpy as np

    # By a rank of the id, so that neither folds nor weights depend on the order of the rows.
    ranked = sorted(examples, key=lambda row: store.stable_rank(0, row["id"]))
    augmented = np.array([row["origin"] == AUGMENTED for row in ranked], dtype=bool)
    fewest = min(augmented.sum(), (~augmented).sum())
    if fewest < LEAST:
        raise InputError(
            f"the mitigation 'reweight' needs {LEAST} original and {LEAST} augmented rows; there "
            f"are {(~augmented).sum()} and {augmented.sum()}"
        )
    phi = tools.features(ranked)
    if not np.isfinite(phi).all():
        raise InputError("the mitigation 'reweight' cannot weigh rows: the base's states are nan")
    weights = density_weights(phi, augmented, clip)
    kept = weights.sum() ** 2 / np.square(weights).sum()
    _log.info("reweight: %d augmented rows count like %.0f equal ones", len(weights), kept)
    ids = (row["id"] for row in ranked if row["origin"] == AUGMENTED)
    by_id = dict(zip(ids, weights.tolist(), strict=True))
    return [
        row | {"weight": row.get("weight", 1.0) * by_id[row["id"]]} if row["id"] in by_id else row
        for row in examples
    ]


def make(options: Mapping[str, Any]) -> Mitigation:
    """Return the mitigation with option `clip`."""

    def transform(examples: list[Example], tools: Tools) -> list[Example]:
        return weigh(examples, tools, options["clip"])

    return Mitigation("reweight", SUMMARY, transform)


RECIPE = register(
    Recipe(
        "reweight",
        SUMMARY,
        make,
        (Option("clip", CLIP, "ratios are kept between 1 / clip and clip; 1 or more", number(1)),),
    )
)
