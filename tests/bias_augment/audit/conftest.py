"""Rows to audit, written out small."""

from __future__ import annotations

import pytest

from bias_inherit.bias_augment.axes.axis import load_axis


@pytest.fixture(scope="session")
def gender():
    return load_axis("gender")


@pytest.fixture(scope="session")
def culture():
    return load_axis("culture")


@pytest.fixture
def row():
    """Return a function that makes a row of the gender axis (or another one)."""
    made = []

    def make(group, label="nurse", text="A text.", axis="gender", **more):
        made.append(group)
        example = {"id": f"row-{len(made)}", "group": {axis: group}, "label": label, "text": text}
        return example | {"bias_type": "", "seed_id": ""} | more

    return make
