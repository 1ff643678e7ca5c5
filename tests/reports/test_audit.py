from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from bias_inherit import manifests
from bias_inherit.bias_augment.audit import Data, Encoder, audit
from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.manifests import Augmented
from bias_inherit.reports.audit import to_json, to_markdown
from bias_inherit.reports.audit_picture import draw

WIDTH = 1600


def encode(texts):
    return np.array([[len(text), len(text.split())] for text in texts], float)


ENCODER = Encoder("some-encoder", False, encode)


def row(i, group, label, text, origin="augmented", **more):
    example = {"id": f"{origin}-{i}", "group": {"gender": group}, "label": label, "text": text}
    return example | {"origin": origin, "bias_type": "", "seed_id": ""} | more


def filled(i, words):
    return " ".join(f"w{i}x{k}" for k in range(words))


@pytest.fixture(scope="module")
def found():
    """An audit in which every threshold is passed."""
    rows = [
        row(i, "male", "nurse", filled(i, 30), bias_type="contextual-single-explicit")
        for i in range(12)
    ]
    rows += [row(20, "male", "poet", "I'm sorry, but no."), row(21, "male", "poet", filled(3, 30))]
    rows += [row(30 + i, "male", "poet", filled(40 + min(i, 26), 3)) for i in range(30)]
    original = [
        row(i, group, "nurse", filled(i, 60 if i else 30), "original")
        for i, group in enumerate(["male"] * 20 + ["female"] * 20)
    ]
    original += [row(90 + i, "male", "poet", filled(90 + i, 5), "original") for i in range(20)]
    manifest = Augmented(asked=100, failed={"refusal": 4, "off-format": 9})
    unread = {"an empty bio": 2}
    given = Data("d_a.jsonl", rows, {"label x": 7}, manifest, unread), Data("d_o.jsonl", original)
    return audit(load_axis("gender"), *given, ENCODER)


def test_the_remarks_are_sentences_with_their_figures(found):
    text = "\n".join(found.remarks)
    for sentence in (
        "No data in 1 of 3 cells: nurse / female.",
        "Groups are more than 20% off the design (D_o's shares, in brackets): male 44 (29.3), "
        "female no data (14.7); p = ",
        "Labels and groups are off the design, furthest: poet / male 32 (14.7)",
        "Only 0 of 12 texts of contextual-single-explicit (0.0 %) show any cue of their group.",
        "6 of 44 rows (13.6 %) have a near copy in D_a, 6 an exact one.",
        "1 of 44 texts are refusals (2.3 %).",
        "13 of the 100 replies that the generator gave could not be used (13.0 %).",
        "Few rows of D_o in a group (fewer than 30): female 20;",
        "31 of 44 texts (70.5 %) are too short for the trait lexicon",
        "D_a and D_o are apart in the embedding (within cells:",
    ):
        assert sentence in text
    assert "toy" not in text


def test_the_tables_hold_n_and_no_data_and_never_a_made_up_0(found):
    text = to_markdown(found)
    head = (
        "D_a: 44 rows of d_a.jsonl (7 more left out by the column map) (2 more could not be used)."
    )
    assert head in text
    assert re.search(r"\| D_a \| with an empty bio \| 2 of 46 \(4\.3 %\) \|", text)
    assert re.search(r"\| nurse +\| 12 \(14\.7\) +\| no data \(14\.7\) +\|", text)
    assert re.search(r"\| poet +\| 32 \(14\.7\) +\| no data +\|", text)
    assert re.search(r"\| female +\| 0 +\| no data +\| 20 ", text)
    assert (
        "The manifest beside D_a of 100 replies counts as not usable: 9 off-format, 4 refusal."
        in text
    )
    tests = text.split("## Tests")[1]
    assert "p (Holm) is corrected for the 6 tests" in tests
    assert tests.count("2,000 permutations") == 4
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert all(len(line) - 1 == line.rindex("|") for line in lines)


def test_words_that_promise_too_much_never_occur(found):
    alone = audit(load_axis("gender"), Data("x", [row(1, "male", "nurse", filled(1, 25))]))
    for one in (found, alone):
        text = to_markdown(one) + json.dumps(to_json(one))
        assert not re.search(r"debias|\bsafe|\bclean", text, re.I)
    assert "Distance" not in to_markdown(alone)
    assert to_json(alone)["distances"] is None


def test_the_json_is_plain_versioned_and_complete(found):
    content = json.loads(json.dumps(to_json(found), allow_nan=False))
    assert (content["schema"], content["kind"]) == (manifests.SCHEMA, "audit")
    assert content["augmented"] == {
        "source": "d_a.jsonl",
        "rows": 44,
        "left_out": {"label x": 7},
        "unread": {"an empty bio": 2},
    }
    assert content["languages"]["female"] == {}
    assert content["duplicates"]["n"] == 44
    female = next(c for c in content["counts"]["groups"] if c["group"] == "female")
    assert female["n"] is None
    assert all(0 < test["p"] <= test["p_holm"] <= 1 for test in content["tests"])
    assert len({(test["subject"], test["statistic"]) for test in content["tests"]}) == 6


def test_no_remark_is_said_too():
    rows = [
        row(i, group, ("nurse", "poet")[i // 2 % 2], f"{who} is at {filled(i, 30)}")
        for i, (group, who) in enumerate([("male", "He"), ("female", "She")] * 40)
    ]
    found = audit(load_axis("gender"), Data("x", rows))
    assert found.remarks == []
    assert "No threshold of ours is passed." in to_markdown(found)


@pytest.mark.parametrize("with_original", [True, False])
def test_the_picture_is_a_png_of_1600_pixels(found, tmp_path, with_original):
    from PIL import Image

    if not with_original:
        rows = [row(i, "male", f"label {i}", filled(i, 25)) for i in range(28)]
        found = audit(load_axis("gender"), Data("x.jsonl", rows))
    draw(found, tmp_path / "audit.png")
    with Image.open(tmp_path / "audit.png") as image:
        assert image.format == "PNG" and image.width == WIDTH
        assert 800 < image.height < 2500
        assert len(image.convert("RGB").getcolors(1 << 20)) > 50  # something is drawn
    assert [path.name for path in Path(tmp_path).iterdir()] == ["audit.png"]
