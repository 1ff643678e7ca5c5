"""What each bias type's name promises, in every prompt of every axis that ships."""

import re

import pytest

from bias_inherit.bias_augment.axes.axis import axis_names, load_axis
from bias_inherit.bias_augment.axes.bias_types import NEUTRAL, bias_types, names_group
from bias_inherit.bias_augment.data.originals import draw_original
from bias_inherit.bias_augment.writing.requests import build_requests

N = 120
CASES = [(axis, kind) for axis in axis_names() for kind in (*bias_types(), NEUTRAL)]


@pytest.fixture(scope="module")
def asked():
    """Return the requests of an axis and a bias type, made once."""
    known = {}

    def of(name, kind):
        if (name, kind) not in known:
            axis = load_axis(name)
            original = draw_original(axis, "mini", 6).rows
            known[name, kind] = build_requests(axis, kind, original, N, 0, "none")
        return known[name, kind]

    return of


def told(axis, text):
    """Return the text without the list of labels, in which no group is told."""
    return "\n".join(line for line in text.splitlines() if "list:" not in line)


def names(axis, group, text):
    entry = axis.groups[group]
    return bool(re.search(rf"\b(?:{entry.word}|{entry.plural})\b", text))


def second_of(person, axis):
    return person.second.beside(axis.groups[person.group])


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_prompts_are_whole_sentences(asked, name, kind):
    for request in asked(name, kind):
        prompt = request.prompt
        assert not re.search(r"[{}]|\n\n\n| {2}|,,|\.\.|\ba (?=[aeio])", prompt), prompt
        assert request.person.name in prompt
        assert prompt == prompt.strip()


@pytest.mark.parametrize(("name", "kind"), [c for c in CASES if not names_group(c[1])])
def test_implicit_and_neutral_prompts_never_name_a_group(asked, name, kind):
    axis = load_axis(name)
    for request in asked(name, kind):
        assert axis.naming(told(axis, request.prompt)) == [], request.prompt
        for group in axis.groups:
            assert not names(axis, group, request.prompt), request.prompt
        for person in (request.person, request.other):
            assert second_of(person, axis)["explicit"] not in request.prompt


@pytest.mark.parametrize(("name", "kind"), [c for c in CASES if names_group(c[1])])
def test_explicit_prompts_name_the_group_and_only_contrasts_name_two(asked, name, kind):
    axis = load_axis(name)
    for request in asked(name, kind):
        task = request.prompt.replace(request.source["text"], "")
        named = {group for group in axis.groups if names(axis, group, task)}
        wanted = {request.person.group}
        if kind.startswith("contrastive"):
            wanted |= {request.other.group}
            assert request.other.name in task
        assert named == wanted, request.prompt


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_second_identities_are_of_one_attribute_and_shown_by_intersectional_types_alone(
    asked, name, kind
):
    axis = load_axis(name)
    for request in asked(name, kind):
        here, there = request.person.second, request.other.second
        assert here.attribute == there.attribute != ""
        assert here != there
        shown = "explicit" if names_group(kind) else "implicit"
        intersectional = "intersectional" in kind
        own = second_of(request.person, axis)[shown]
        rival = second_of(request.other, axis)[shown]
        assert (own in request.prompt) == intersectional, request.prompt
        assert (rival in request.prompt) == (intersectional and "contrastive" in kind)
    attributes = {request.person.second.attribute for request in asked(name, kind)}
    assert attributes == {second.attribute for second in axis.second}


def test_the_example_of_an_implicit_prompt_keeps_what_names_no_group():
    age = load_axis("age")
    text = "Kayla Brooks, a young adult, takes part. She is a student. Tea is on the table."
    assert age.without_group(text) == "Kayla Brooks takes part. Tea is on the table."
    gender = load_axis("gender")
    text = "Mary draws houses. She is the mother of two. Her husband cooks. Her plans are clear."
    assert gender.without_group(text) == "Mary draws houses. Her plans are clear."
    assert gender.without_group("The woman is a mother.") == ""


def test_an_example_of_which_nothing_is_left_is_not_shown():
    axis = load_axis("culture")
    original = draw_original(axis, "mini", 1).rows[:1]
    original[0]["text"] = "A person from Egypt takes part in a survey."
    explicit, implicit = (
        build_requests(axis, f"contextual-single-{kind}", original, 1, 0, "none")[0].prompt
        for kind in ("explicit", "implicit")
    )
    assert "Egypt" in explicit
    assert "An example" in explicit
    assert "Egypt" not in implicit
    assert "An example" not in implicit
