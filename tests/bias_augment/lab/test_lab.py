from __future__ import annotations

import json

import pytest

from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.lab import build as lab
from bias_inherit.bias_augment.writing.augment import augment
from bias_inherit.bias_augment.writing.generators.local import LocalGenerator
from bias_inherit.bias_augment.writing.requests import build_requests
from bias_inherit.tasks.documents import biographies, texts


def test_the_shipped_model_saw_todays_training_data():
    manifest = json.loads((lab.FOLDER / "bias_inherit.json").read_text())
    assert manifest["training_sha256"] == lab.training_hash(), "run `make lab`"


def test_it_is_small():
    assert sum(path.stat().st_size for path in lab.FOLDER.iterdir()) <= 4_000_000


def test_its_training_data_holds_no_test_document():
    prompts = "\n".join(row["prompt"] + row["completion"] for row in lab.training_data())
    found = [
        d.text
        for docs in (biographies.occupation_test(), *map(texts.text_test, texts.TEXT_TASKS))
        for d in docs
    ]
    assert len(found) > 300
    assert not [text for text in found if text in prompts]


@pytest.mark.slow
def test_it_writes_biographies_as_a_local_generator(lab_base, original):
    generator = LocalGenerator(lab_base, batch_size=8, temperature=0.7)
    requests = build_requests(load_axis("gender"), "neutral", original, 24, 0, generator.name)
    result = augment(requests, generator)
    assert len(result.examples) + sum(result.failed.values()) == 24
    assert len(result.examples) >= 12, result.failed
    assert {row["generator"] for row in result.examples} == {"lab"}
    again = augment(requests, LocalGenerator(lab_base, batch_size=8, temperature=0.7))
    assert again.examples == result.examples, "sampling is seeded"
