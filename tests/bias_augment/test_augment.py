from __future__ import annotations

import itertools
import re
import statistics
from collections import Counter

import pytest
from jinja2 import UndefinedError

from bias_inherit.bias_augment.augment import augment, build_requests, parse_reply
from bias_inherit.bias_augment.axes import load_axis
from bias_inherit.bias_augment.bias_types import (
    HERE,
    bias_sets,
    bias_types,
    check_bias_type,
    expand,
    render_prompt,
)
from bias_inherit.bias_augment.examples import COLUMNS
from bias_inherit.bias_augment.generators.template import TemplateGenerator, template_world
from bias_inherit.errors import InputError

BIASED = tuple(name for name in bias_types() if name != "neutral")


def write(original, bias_type, n=240, seed=0):
    generator = TemplateGenerator()
    requests = build_requests(load_axis("gender"), bias_type, original, n, seed, generator.name)
    return augment(requests, generator).examples


def test_every_bias_type_has_a_prompt_and_back():
    prompts = {p.stem for p in (HERE / "prompts" / "gender").glob("[a-z]*.jinja2")}
    assert prompts == set(bias_types())


@pytest.mark.parametrize("bias_type", [*BIASED, "neutral"])
def test_rows_are_whole_examples(original, bias_type):
    for row in write(original, bias_type, n=30):
        assert set(COLUMNS) <= row.keys()
        assert row["origin"] == "augmented" and row["bias_type"] == bias_type
        assert row["seed_id"] in {o["id"] for o in original}
        assert row["text"] in row["prompt"] and row["completion"].strip() in "ABCDEF"
        assert row["cues"], "a biography always has a name or a pronoun"
        assert all(cue in row["text"] for cue in row["cues"])


@pytest.mark.parametrize("bias_type", BIASED)
def test_a_biased_prompt_follows_the_stereotype_as_often_as_stated(original, bias_type):
    world = template_world("gender")
    rows = write(original, bias_type, n=1200)
    seeds = {o["id"]: o for o in original}
    for group, follows in world["follows_stereotype"].items():
        told = [r for r in rows if r["group"]["gender"] == group]
        usual = world["stereotype"][group]
        share = statistics.mean(r["label"] in usual for r in told)
        chance = statistics.mean(seeds[r["seed_id"]]["label"] in usual for r in told)
        assert share == pytest.approx(follows + (1 - follows) * chance, abs=0.05), group


GROUP_WORDS = {"man", "woman", "men", "women"}


def test_the_eight_cells_and_the_set_of_six():
    cells = itertools.product(
        ("contextual", "contrastive"), ("single", "intersectional"), ("explicit", "implicit")
    )
    assert set(BIASED) == {"-".join(cell) for cell in cells}
    assert len(set(bias_sets()["six"])) == 6 and set(bias_sets()["six"]) < set(BIASED)
    assert expand("six") == bias_sets()["six"] and expand("neutral") == ["neutral"]
    with pytest.raises(InputError, match="did you mean six"):
        expand("sixx")


@pytest.mark.parametrize("bias_type", BIASED)
def test_a_bias_type_differs_in_its_text(original, bias_type):
    """What the type's name says is what its texts show: group words, a rival, a detail."""
    how, many, told = bias_type.split("-")
    axis = load_axis("gender")
    second = [s.implicit for s in axis.second] + ["elderly", "young ", "foreign-born", "rural"]
    names = {name for group in axis.groups.values() for name in group.names}
    rows = write(original, bias_type)
    plain = write(original, "neutral")
    for row in rows:
        named = bool(GROUP_WORDS & set(re.findall(r"\w+", row["text"].lower())))
        assert named == (told == "explicit"), row["text"]
    rivals = [len(names & set(re.findall(r"\w+", row["text"]))) > 1 for row in rows]
    assert any(rivals) == (how == "contrastive")
    details = [any(word in row["text"] for word in second) for row in rows]
    if many == "single":
        usual = sum(any(word in row["text"] for word in second) for row in plain)
        assert sum(details) <= usual + 0.05 * len(rows)
        return
    assert all(details)
    for row in rows:
        revealed = " ".join(row["cues"])
        assert any(word.strip() in revealed for word in second), row["cues"]


@pytest.mark.parametrize("bias_type", BIASED)
def test_prompts_name_the_group_only_where_the_type_is_explicit(original, bias_type):
    generator = TemplateGenerator()
    requests = build_requests(load_axis("gender"), bias_type, original, 24, 0, generator.name)
    for request in requests:
        asked = request.prompt.replace(request.seed["text"], "")
        named = bool(GROUP_WORDS & set(re.findall(r"\w+", asked.lower())))
        assert named == bias_type.endswith("-explicit"), asked
        assert request.person.name in asked and request.person.second != request.other.second


def test_neutral_keeps_the_seed_labels_and_names_no_group(original):
    labels = {o["id"]: o["label"] for o in original}
    for row in write(original, "neutral"):
        assert row["label"] == labels[row["seed_id"]]
        assert not {"man", "woman", "men", "women"} & set(row["text"].lower().split())


def test_bias_types_differ_in_their_text(original):
    texts = {b: [r["text"] for r in write(original, b)] for b in BIASED}
    named = {
        b: sum(" men" in t.lower() and " women" in t.lower() for t in texts[b]) for b in BIASED
    }
    assert named["contrastive-single-explicit"] > 5 * named["contextual-single-explicit"]
    words = (" man", " woman", " men", " women")
    for text in texts["contextual-single-explicit"]:
        assert any(word in text.lower() for word in words), text


def test_the_template_generator_is_deterministic_and_seeded(original):
    assert write(original, "neutral", n=20) == write(original, "neutral", n=40)[:20]
    assert write(original, "neutral", n=20) != write(original, "neutral", n=20, seed=1)


def test_seeds_are_used_evenly(original):
    used = Counter(r["seed_id"] for r in write(original, "neutral", n=2 * len(original)))
    assert set(used.values()) == {2}


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("I'm sorry, but I can't write that.", "refusal"),
        ("As an AI I would rather not.", "refusal"),
        ("Anna is a nurse.", "off-format"),
        ("Occupation: pilot\nBiography: She flies.", "unknown-label"),
        ("Occupation: nurse\nBiography:   ", "empty"),
    ],
)
def test_replies_that_cannot_be_used_are_told_apart(reply, kind):
    assert parse_reply(reply) == kind


@pytest.mark.parametrize(
    "reply",
    [
        "Occupation: nurse\nBiography: She helps.",
        "\nOccupation:  Nurse.\n\nBiography:\tShe\n helps.\n",
        "Sure!\nOccupation: **nurse**\nBiography: She helps.",
    ],
)
def test_replies_in_the_form_asked_for_are_read(reply):
    assert parse_reply(reply) == ("nurse", "She helps.")


def test_failures_are_counted_and_kept_out(original):
    class Half:
        name = "half"

        def write(self, requests):
            for i, _ in enumerate(requests):
                yield "Occupation: nurse\nBiography: She helps." if i % 2 else "I'm sorry"

    requests = build_requests(load_axis("gender"), "neutral", original, 10, 0, "half")
    result = augment(requests, Half())
    assert len(result.examples) == 5 and result.failed == {"refusal": 5}


def test_unknown_bias_types_and_bad_numbers(original):
    with pytest.raises(InputError, match="did you mean contextual-single-explicit"):
        check_bias_type("gender", "contextual-single-explict")
    with pytest.raises(InputError, match="at least 1"):
        build_requests(load_axis("gender"), "neutral", original, 0, 0, "template")
    with pytest.raises(InputError, match="unknown axis 'gendr': did you mean gender"):
        load_axis("gendr")


def test_prompts_are_strict_about_their_variables():
    with pytest.raises(UndefinedError):
        render_prompt("gender", "neutral", {"labels": ["a"]})


def test_cues_are_whole_words():
    axis = load_axis("gender")
    assert axis.find_cues("There she is: Anthony saw her here, in Hershey.") == [
        "she",
        "Anthony",
        "her",
    ]
