"""Where the variance of models asked in several forms comes from.

A two-way layout of models and forms: a value is the mean, plus what the model adds, plus what the
form adds to all models, plus what the form adds to this model. The last is what a wording changes
in a comparison of models. Each part is a sum of squares without what the choice of documents alone
gives (the mean of the same sum over bootstrap deviations), so the four shares sum to 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Components:
    """Shares of the variance over models and forms, each 0 to 1, together 1.

    Attributes:
        models, forms: how many there are.
        model: between models, whatever the form.
        form: between forms, the same for every model.
        interaction: what a form changes between models.
        documents: what the choice of documents gives by chance.
        of_form: of the variance between models that chance does not give, the form's share:
            interaction / (model + interaction); None where there is none.
    """

    models: int
    forms: int
    model: float
    form: float
    interaction: float
    documents: float
    of_form: float | None


def components(values: Array, deviations: Array) -> Components | None:
    """Return the shares; None where all values are equal.

    Args:
        values: of each model in each form, shape (models, forms), at least 2 by 2.
        deviations: of the same in bootstrap samples drawn jointly, shape (models, forms, draws).
    """
    seen = _squares(values)
    whole = float(seen.sum())
    if whole == 0.0:
        return None

    chance = np.nanmean(_squares(deviations), axis=-1)
    kept = np.maximum(seen - chance, 0.0)
    model, form, interaction = (float(part) / whole for part in kept)
    between = model + interaction
    return Components(
        models=values.shape[0],
        forms=values.shape[1],
        model=model,
        form=form,
        interaction=interaction,
        documents=1.0 - model - form - interaction,
        of_form=interaction / between if between > 0.0 else None,
    )


def _squares(values: Array) -> Array:
    """Return the sums of squares of models, forms and both, shape (3, ...).

    Args:
        values: shape (models, forms, ...).
    """
    models, forms = values.shape[:2]
    whole = values.mean(axis=(0, 1))
    by_model, by_form = values.mean(axis=1) - whole, values.mean(axis=0) - whole
    rest = values - whole - by_model[:, np.newaxis] - by_form[np.newaxis]
    squares: Array = np.stack(
        [
            forms * (by_model**2).sum(axis=0),
            models * (by_form**2).sum(axis=0),
            (rest**2).sum(axis=(0, 1)),
        ]
    )
    return squares
