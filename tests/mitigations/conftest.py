from __future__ import annotations

import zlib

import numpy as np
import pytest

from bias_inherit.bias_augment.axes.axis import load_axis


class RealTools:
    """The axes that ship, and features that depend on a row's text alone."""

    def axis(self, name):
        return load_axis(name)

    def features(self, examples):
        seeds = [zlib.crc32(row["prompt"].encode()) for row in examples]
        return np.stack([np.random.default_rng(s).normal(size=4) for s in seeds]).astype("float32")


@pytest.fixture(scope="session")
def tools():
    return RealTools()


@pytest.fixture(scope="session")
def mix(original, augmented):
    return [*original, *augmented]


@pytest.fixture
def row():
    """Make an augmented row: a prompt around a text, as the axes' forms render it."""

    def make(text, axis="gender", group="female", **more):
        return {
            "id": "a-1",
            "prompt": f"Read the text.\n\nText: {text}\n\nWho is she?\nA. nurse\nB. man\nAnswer:",
            "completion": " B",
            "axis": axis,
            "group": {axis: group},
            "label": "man",
            "options": ["nurse", "man"],
            "question": "Who is she?",
            "text": text,
            "origin": "augmented",
        } | more

    return make
