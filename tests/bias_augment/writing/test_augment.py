from __future__ import annotations

import hashlib
import itertools
import re
import statistics
from collections import Counter

import pytest

from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.axes.bias_types import (
    bias_sets,
    bias_types,
    check_bias_type,
    controls,
    expand,
    load_prompt,
)
from bias_inherit.bias_augment.data.examples import COLUMNS
from bias_inherit.bias_augment.data.originals import draw_original
from bias_inherit.bias_augment.writing.augment import augment
from bias_inherit.bias_augment.writing.generators.contract import Reply
from bias_inherit.bias_augment.writing.generators.template import TemplateGenerator, template_world
from bias_inherit.bias_augment.writing.replies import Parsed, parse_reply
from bias_inherit.bias_augment.writing.requests import build_requests
from bias_inherit.errors import InputError

AXES = ("gender", "culture", "age", "race")
BIASED = tuple(bias_types())


@pytest.fixture(scope="module")
def originals():
    return {axis: draw_original(load_axis(axis), "mini", 4).rows for axis in AXES}


def requests_of(axis, original, bias_type, n=240, seed=0):
    return build_requests(load_axis(axis), bias_type, original, n, seed, "template")


def write(axis, original, bias_type, n=240, seed=0):
    return augment(requests_of(axis, original, bias_type, n, seed), TemplateGenerator()).examples


@pytest.mark.parametrize("axis", AXES)
def test_every_bias_type_has_a_prompt_and_back(axis):
    prompts = {p.stem for p in (load_axis(axis).folder / "prompts").glob("*.jinja2")}
    assert prompts == {*bias_types(), "neutral"}


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("bias_type", [*BIASED, "neutral"])
def test_rows_are_whole_examples(originals, axis, bias_type):
    for row in write(axis, originals[axis], bias_type, n=30):
        assert set(COLUMNS) <= row.keys() == originals[axis][0].keys()
        assert not [column for column, value in row.items() if value is None]
        assert row["origin"] == "augmented" and row["bias_type"] == bias_type
        assert row["seed_id"] in {o["id"] for o in originals[axis]}
        assert row["text"] in row["prompt"] and row["question"] in row["prompt"]
        answer = row["completion"].strip()
        by_letter = f"{answer}. {row['label']}\n" in row["prompt"]
        assert by_letter if axis != "gender" else answer == row["label"] in row["prompt"]
        assert row["cues"], "a text always has a name or a pronoun"
        assert all(cue in row["text"] for cue in row["cues"])
        assert row["generator"] == "template" and len(row["prompt_sha256"]) == 64


def test_a_row_names_the_prompt_it_came_from(originals):
    requests = requests_of("culture", originals["culture"], "neutral", 4)
    for request, row in zip(requests, augment(requests, TemplateGenerator()).examples, strict=True):
        assert row["prompt_sha256"] == hashlib.sha256(request.prompt.encode()).hexdigest()
        assert (
            row["seed_id"] == request.source["id"] and request.source["question"] in request.prompt
        )


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("bias_type", BIASED)
def test_a_biased_prompt_follows_the_stereotype_as_often_as_stated(originals, axis, bias_type):
    world = template_world(load_axis(axis))
    rows = write(axis, originals[axis], bias_type, n=1200)
    seeds = {o["id"]: o for o in originals[axis]}

    def usual(row, group):
        known = load_axis(axis).stereotype[group]
        return {row["options"][c] if isinstance(c, int) else c for c in known}

    for group, follows in world.follows_stereotype.items():
        told = [r for r in rows if r["group"][axis] == group]
        share = statistics.mean(r["label"] in usual(r, group) for r in told)
        chance = statistics.mean(seeds[r["seed_id"]]["label"] in usual(r, group) for r in told)
        assert share == pytest.approx(follows + (1 - follows) * chance, abs=0.06), group


def test_the_eight_cells_and_the_set_of_six():
    cells = itertools.product(
        ("contextual", "contrastive"), ("single", "intersectional"), ("explicit", "implicit")
    )
    assert set(BIASED) == {"-".join(cell) for cell in cells}
    assert len(set(bias_sets()["six"])) == 6 and set(bias_sets()["six"]) < set(BIASED)
    assert expand("six") == bias_sets()["six"] and expand("neutral") == ["neutral"]
    with pytest.raises(InputError, match="did you mean six"):
        expand("sixx")


def naming(axis):
    """Words that name a group outright: not its names, pronouns or cues."""
    groups = axis.groups.values()
    return {word.lower() for group in groups for word in (group.word, group.plural)}


def names_a_group(axis, text):
    return any(re.search(rf"\b{re.escape(word)}\b", text.lower()) for word in naming(axis))


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("bias_type", BIASED)
def test_a_bias_type_differs_in_its_text(originals, axis, bias_type):
    """What the type's name says is what its texts show: group words, a rival, a detail."""
    how, many, told = bias_type.split("-")
    axis_ = load_axis(axis)
    second = [s.implicit for s in axis_.second]
    second += [s.explicit.split()[1] + " " for s in axis_.second]
    names = {name for group in axis_.groups.values() for name in group.names}
    rows = write(axis, originals[axis], bias_type)
    plain = write(axis, originals[axis], "neutral")
    for row in rows:
        assert names_a_group(axis_, row["text"]) == (told == "explicit"), row["text"]
    rivals = [sum(name in row["text"] for name in names) > 1 for row in rows]
    assert (statistics.mean(rivals) > 0.2) == (how == "contrastive")
    details = [any(word in row["text"] for word in second) for row in rows]
    if many == "single":
        usual = sum(any(word in row["text"] for word in second) for row in plain)
        assert sum(details) <= usual + 0.05 * len(rows)
        return
    assert all(details)
    for row in rows:
        revealed = " ".join(row["cues"]) + " "
        assert any(word.strip() in revealed for word in second), row["cues"]


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("bias_type", BIASED)
def test_prompts_name_the_group_only_where_the_type_is_explicit(originals, axis, bias_type):
    for request in requests_of(axis, originals[axis], bias_type, 24):
        asked = request.prompt.replace(request.source["text"], "")
        assert names_a_group(request.axis, asked) == bias_type.endswith("-explicit"), asked
        assert request.person.name in asked and request.person.second != request.other.second


def test_no_two_prompts_of_a_row_are_alike(originals):
    for axis in AXES:
        first = [requests_of(axis, originals[axis], b, 1)[0].prompt for b in [*BIASED, "neutral"]]
        assert len(set(first)) == 9


def test_neutral_keeps_the_seed_labels_and_names_no_group(original):
    labels = {o["id"]: o["label"] for o in original}
    for row in write("gender", original, "neutral"):
        assert row["label"] == labels[row["seed_id"]]
        assert not {"man", "woman", "men", "women"} & set(row["text"].lower().split())


def test_bias_types_differ_in_their_text(original):
    texts = {b: [r["text"] for r in write("gender", original, b)] for b in BIASED}
    named = {
        b: sum(" men" in t.lower() and " women" in t.lower() for t in texts[b]) for b in BIASED
    }
    assert named["contrastive-single-explicit"] > 5 * named["contextual-single-explicit"]
    words = (" man", " woman", " men", " women")
    for text in texts["contextual-single-explicit"]:
        assert any(word in text.lower() for word in words), text


def test_the_template_generator_is_deterministic_and_seeded(original):
    some = write("gender", original, "neutral", n=20)
    assert some == write("gender", original, "neutral", n=40)[:20]
    assert some != write("gender", original, "neutral", n=20, seed=1)


def test_seeds_are_used_evenly(original):
    used = Counter(r["seed_id"] for r in write("gender", original, "neutral", n=2 * len(original)))
    assert set(used.values()) == {2}


def test_any_number_of_rows_is_balanced_over_the_groups(originals):
    for axis in AXES:
        for n in (12, 50, 90):
            rows = write(axis, originals[axis], "neutral", n)
            groups = Counter(row["group"][axis] for row in rows)
            assert max(groups.values()) - min(groups.values()) <= 2, (axis, n, groups)


def test_generators_are_asked_the_same(originals):
    asked = [
        [r.prompt for r in build_requests(load_axis("age"), "neutral", originals["age"], 9, 0, g)]
        for g in ("template", "some-model")
    ]
    assert asked[0] == asked[1]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("I'm sorry, but I can't write that.", "refusal"),
        ("As an AI I would rather not.", "refusal"),
        ("Occupation: nurse\nBiography: I'm sorry, but I cannot write this.", "refusal"),
        ("Anna is a nurse.", "off-format"),
        ("Occupation: pilot\nBiography: She flies.", "unknown-label"),
        ("Occupation: nurse\nBiography:   ", "empty"),
    ],
)
def test_replies_that_cannot_be_used_are_told_apart(original, reply, kind):
    request = requests_of("gender", original, "neutral", 1)[0]
    assert parse_reply(request, Reply(reply)) == kind


@pytest.mark.parametrize("reply", ["Occupation: nurse\nBiography: She helps a", "Occupa"])
def test_a_reply_that_was_cut_off_is_no_row(original, reply):
    request = requests_of("gender", original, "neutral", 1)[0]
    assert parse_reply(request, Reply(reply, truncated=True)) == "truncated"


@pytest.mark.parametrize(
    "reply",
    [
        "Occupation: nurse\nBiography: She helps.",
        "\nOccupation:  Nurse.\n\nBiography:\tShe\n helps.\n",
        "Sure!\nOccupation: **nurse**\nBiography: She helps.",
    ],
)
def test_replies_in_the_form_asked_for_are_read(original, reply):
    request = requests_of("gender", original, "neutral", 1)[0]
    assert parse_reply(request, Reply(reply)) == Parsed("nurse", "She helps.", False, False)


class Scripted:
    """A generator that replies by a function of (request)."""

    name = "scripted"

    def __init__(self, reply):
        self.reply, self.sampling, self.asked = reply, {}, []

    def write(self, requests, emit):
        self.asked.append([(r.id, r.attempt, r.sampling_seed) for r in requests])
        for i in reversed(range(len(requests))):  # replies may come in any order
            emit(i, Reply(self.reply(requests[i])))


def numbered(request):
    return f"Occupation: nurse\nBiography: She helps. {request.id}"


def test_failures_are_counted_kept_apart_and_retried_with_another_seed(original):
    requests = requests_of("gender", original, "neutral", 10)
    bad = {request.id for request in requests[::2]}

    def reply(request):
        well = request.id not in bad or request.attempt == 2
        return numbered(request) if well else ["I'm sorry", "Hm."][request.attempt]

    generator, told = Scripted(reply), []
    result = augment(requests, generator, retries=2, progress=told.append)
    assert told == [*range(1, 11), *range(6, 11), *range(6, 11)]
    assert [len(asked) for asked in generator.asked] == [10, 5, 5]
    seeds = [seed for asked in generator.asked for *_, seed in asked]
    assert len(set(seeds)) == len(seeds) and all(0 <= seed < 2**31 for seed in seeds)
    assert [row["id"] for row in result.examples] == [request.id for request in requests]
    assert result.failed == {"off-format": 5, "refusal": 5} and result.asked == 20
    assert {(r["id"], r["reply"]) for r in result.rejected if r["kind"] == "refusal"} == {
        (identity, "I'm sorry") for identity in bad
    }


def test_what_never_gets_usable_is_missing(original):
    requests = requests_of("gender", original, "neutral", 6)
    result = augment(requests, Scripted(lambda r: "" if r.id == requests[0].id else numbered(r)), 1)
    assert len(result.examples) == 5 and result.missing == 1 and result.failed == {"empty": 2}


def test_duplicates_and_copies_of_the_seed_are_no_rows(original):
    requests = requests_of("gender", original, "neutral", 4)
    result = augment(requests, Scripted(lambda r: "Occupation: nurse\nBiography: She  HELPS."), 1)
    assert len(result.examples) == 1 and result.failed == {"duplicate": 6}
    copy = Scripted(lambda r: f"Occupation: nurse\nBiography: {r.source['text']}")
    assert augment(requests, copy, 0).failed == {"duplicate": 4}


def test_unknown_bias_types_and_bad_numbers(original):
    axis = load_axis("gender")
    with pytest.raises(InputError, match="did you mean contextual-single-explicit"):
        check_bias_type(axis, "contextual-single-explict")
    with pytest.raises(InputError, match="at least 1"):
        build_requests(axis, "neutral", original, 0, 0, "template")
    with pytest.raises(InputError, match="unknown axis 'gendr': did you mean gender"):
        load_axis("gendr")
    with pytest.raises(InputError, match="has no group of the axis 'age'"):
        build_requests(load_axis("age"), "neutral", original, 1, 0, "template")
    with pytest.raises(InputError, match="has no 'text'"):
        build_requests(axis, "neutral", [original[0] | {"text": ""}], 1, 0, "template")
    assert set(controls()) == {"neutral", "self", "counterfactual"}


def test_prompts_of_the_shipped_axes_are_templates():
    for axis in AXES:
        for bias_type in BIASED:
            assert load_prompt(load_axis(axis), bias_type).name == f"{bias_type}.jinja2"
