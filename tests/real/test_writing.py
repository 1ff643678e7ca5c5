"""A real model writes: here, and behind a server that keeps to the form."""

from __future__ import annotations

import json

import pytest

from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.writing.augment import augment
from bias_inherit.bias_augment.writing.generators.local import LocalGenerator
from bias_inherit.bias_augment.writing.generators.record import Recorded
from bias_inherit.bias_augment.writing.generators.server import ServerGenerator
from bias_inherit.bias_augment.writing.labels import Labels
from bias_inherit.bias_augment.writing.order import favoured
from bias_inherit.bias_augment.writing.requests import build_requests

pytestmark = [pytest.mark.real, pytest.mark.slow]
TYPE = "contextual-single-explicit"


def requests(d_o, n, labels):
    return build_requests(load_axis("gender"), TYPE, d_o, n, 0, "smollm", labels)


@pytest.fixture(scope="module")
def writer(smollm):
    return LocalGenerator(smollm, max_new_tokens=60)


def test_labels_that_are_given_are_kept_and_the_person_is_told_of(d_o, writer):
    asked = requests(d_o, 8, Labels("given"))
    result = augment(asked, writer)
    assert len(result.examples) >= 7, result.failures()
    assert set(result.ways) == {"given"} and result.asked <= 16
    known = {request.id: request for request in asked}
    for row in result.examples:
        request = known[row["id"]]
        assert row["label"] == request.label and row["text"].startswith(request.person.name)
        assert request.person.name in row["cues"]


def test_labels_that_it_chooses_follow_the_order_and_that_is_found(d_o, writer):
    result = augment(requests(d_o, 10, Labels()), writer)
    assert len(result.examples) >= 8, result.failures()
    found = favoured(result.places)
    assert found is not None and found.place == 1 and found.share > 0.6


def test_a_server_keeps_to_the_schema(d_o, structured_server, tmp_path):
    settings = {"concurrency": 2, "max_new_tokens": 120, "timeout": 120.0}
    server = ServerGenerator("SmolLM2", structured_server, **settings)
    record = tmp_path / "r.jsonl"
    asked = requests(d_o, 4, Labels())
    result = augment(asked, Recorded(server, record), retries=1)
    replies = [json.loads(line) for line in record.open()]
    whole = [reply for reply in replies if not reply.get("truncated")]
    assert whole and {reply["way"] for reply in whole} == {"json_schema"}
    for reply in whole:
        told = json.loads(reply["reply"])
        assert list(told) == ["Occupation", "Biography"]
        assert told["Occupation"] in asked[0].options
    assert "off-format" not in result.failed and "unknown-label" not in result.failed
    assert result.tokens is not None and min(result.tokens) > 0


def test_a_server_keeps_to_a_regex(d_o, structured_server, tmp_path):
    settings = {"structure": "guided_regex", "max_new_tokens": 120, "timeout": 120.0}
    server = ServerGenerator("SmolLM2", structured_server, **settings)
    result = augment(requests(d_o, 2, Labels("given")), Recorded(server, tmp_path / "r"), retries=1)
    assert set(result.ways) <= {"regex"} and "off-format" not in result.failed
