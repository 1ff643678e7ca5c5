from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, spearmanr

from bias_inherit.errors import InputError
from bias_inherit.mitigations import load_mitigation
from bias_inherit.mitigations.reweight import density_weights


class Given:
    """Tools with features by id."""

    def __init__(self, phi):
        self.phi = phi

    def features(self, examples):
        return np.stack([self.phi[row["id"]] for row in examples]).astype("float32")


def weigh(original, augmented, shuffle=0, **options):
    """Return the weights of the augmented rows, in order, by way of a mix."""
    phi, rows = {}, []
    for origin, points in (("original", original), ("augmented", augmented)):
        for i, point in enumerate(points):
            phi[f"{origin}-{i:04d}"] = point
            row = {"id": f"{origin}-{i:04d}", "origin": origin, "prompt": "", "completion": ""}
            rows.append(row)
    if shuffle:
        np.random.default_rng(shuffle).shuffle(rows)
    told = load_mitigation("reweight", options).apply(rows, Given(phi))
    weights = {row["id"]: row["weight"] for row in told if row["origin"] == "augmented"}
    return np.array([weights[key] for key in sorted(weights)])


def test_one_distribution_gives_weights_near_one():
    draw = np.random.default_rng(0)
    for n_original, n_augmented in ((600, 600), (1000, 200)):
        weights = weigh(draw.normal(size=(n_original, 6)), draw.normal(size=(n_augmented, 6)))
        assert weights.mean() == pytest.approx(1) and np.abs(weights - 1).mean() < 0.25


def test_rows_that_overlap_the_originals_count_more():
    draw = np.random.default_rng(1)
    near, far = draw.normal(size=(100, 3)), draw.normal(size=(100, 3)) + 4
    weights = weigh(draw.normal(size=(300, 3)), np.concatenate([near, far]))
    assert np.quantile(weights[:100], 0.1) > 3 * np.quantile(weights[100:], 0.9)


def test_two_gaussians_give_their_analytic_ratio():
    draw = np.random.default_rng(2)
    original, augmented = draw.normal(0, 1, (3000, 1)), draw.normal(1, 1, (1500, 1))
    weights = weigh(original, augmented, clip="1000")
    ratio = norm.pdf(augmented[:, 0], 0) / norm.pdf(augmented[:, 0], 1)
    ratio /= ratio.mean()
    assert spearmanr(weights, ratio).statistic > 0.99
    assert np.median(np.abs(np.log(weights / ratio))) < 0.15


def test_the_numbers_of_rows_are_taken_out():
    draw = np.random.default_rng(3)
    phi = np.concatenate([draw.normal(0, 1, (2000, 1)), draw.normal(1, 1, (400, 1))])
    augmented = np.arange(len(phi)) >= 2000
    found = density_weights(phi, augmented, clip=1.05)
    # Half of the ratios lie above 1 and half below, whatever the numbers of rows, so both ends
    # of a narrow clip are met.
    low, high = np.isclose(found, found.min()).mean(), np.isclose(found, found.max()).mean()
    assert found.max() / found.min() == pytest.approx(1.05**2)
    assert low > 0.3 and high > 0.2


def test_clip_bounds_the_ratios_and_one_is_no_weighting():
    draw = np.random.default_rng(4)
    original, augmented = draw.normal(0, 1, (200, 1)), draw.normal(6, 1, (100, 1))
    weights = weigh(original, augmented, clip="3")
    assert weights.max() / weights.min() <= 9 * (1 + 1e-9)
    assert weigh(original, augmented, clip="1") == pytest.approx(np.ones(100))


def test_weights_are_deterministic_and_do_not_know_the_order_of_rows():
    draw = np.random.default_rng(5)
    original, augmented = draw.normal(0, 1, (60, 8)), draw.normal(0.5, 1, (40, 8))
    first = weigh(original, augmented)
    assert (weigh(original, augmented) == first).all()
    assert (weigh(original, augmented, shuffle=1) == first).all()


def test_wide_and_few_features_do_not_run_away():
    """More features than rows, one distribution: a fit without a penalty would separate them."""
    draw = np.random.default_rng(6)
    weights = weigh(draw.normal(size=(60, 1000)), draw.normal(size=(60, 1000)))
    assert weights.max() < 4 and weights.min() > 0.2


def test_features_that_never_change_are_no_obstacle():
    assert weigh(np.ones((20, 2)), np.ones((20, 2))) == pytest.approx(np.ones(20))


def test_a_weight_that_a_row_has_is_kept_as_a_factor():
    rows = [
        {"id": f"{o}-{i}", "origin": o, "prompt": "", "completion": ""}
        for o in ("original", "augmented")
        for i in range(10)
    ]
    rows[-1]["weight"] = 0.25
    told = load_mitigation("reweight").apply(rows, Given({r["id"]: np.ones(1) for r in rows}))
    assert told[-1]["weight"] == pytest.approx(0.25) and told[-2]["weight"] == pytest.approx(1)


@pytest.mark.parametrize(("n_original", "n_augmented"), [(9, 50), (50, 9), (50, 0)])
def test_too_few_rows_are_an_error(n_original, n_augmented):
    with pytest.raises(InputError, match=f"there are {n_original} and {n_augmented}"):
        weigh(np.zeros((n_original, 2)), np.zeros((n_augmented, 2)))


def test_features_that_are_not_finite_are_an_error():
    with pytest.raises(InputError, match="cannot weigh rows"):
        weigh(np.full((20, 2), np.nan), np.zeros((20, 2)))
