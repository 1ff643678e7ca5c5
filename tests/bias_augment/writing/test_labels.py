"""Who decides the labels: the generator, the source row, or shares that plant a stereotype."""

import re
from collections import Counter

import pytest
import yaml

from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.writing.augment import augment
from bias_inherit.bias_augment.writing.generators.template import TemplateGenerator
from bias_inherit.bias_augment.writing.labels import Labels, read_labels
from bias_inherit.bias_augment.writing.order import favoured
from bias_inherit.bias_augment.writing.produce import produce
from bias_inherit.bias_augment.writing.requests import build_requests
from bias_inherit.errors import InputError

SHARES = {"female": {"nurse": 9, "dentist": 1}, "male": {"dentist": 3, "architect": 1}}
TYPE = "contextual-single-explicit"


def share_file(tmp_path, content):
    path = tmp_path / "shares.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def planted(original, n, shares=SHARES):
    return build_requests(load_axis("gender"), TYPE, original, n, 0, "m", Labels("given", shares))


def test_shares_are_kept_as_nearly_as_whole_rows_allow(original, tmp_path):
    labels = read_labels(None, share_file(tmp_path, SHARES))
    rows = produce(
        load_axis("gender"), TYPE, original, 96, 0, TemplateGenerator(), labels=labels
    ).examples
    by_group = {
        group: Counter(row["label"] for row in rows if row["group"]["gender"] == group)
        for group in SHARES
    }
    assert by_group["female"] == {"nurse": 43, "dentist": 5}
    assert by_group["male"] == {"dentist": 36, "architect": 12}


def test_a_smaller_number_of_rows_is_the_beginning_of_a_larger(original):
    some, more = planted(original, 20), planted(original, 60)
    assert [r.label for r in some] == [r.label for r in more[:20]]
    assert [r.prompt for r in some] == [r.prompt for r in more[:20]]


def test_a_planted_label_says_nothing_of_the_source_row(original):
    even = {"female": {"nurse": 1, "dentist": 1}, "male": {"nurse": 1, "dentist": 1}}
    pairs = Counter((r.source["label"], r.label) for r in planted(original, 480, even))
    assert len(pairs) == 12, "each source occurs with each label"
    assert max(pairs.values()) < 2 * min(pairs.values())


def test_given_labels_are_the_source_rows_and_the_options_are_shuffled(original):
    requests = build_requests(
        load_axis("gender"), "neutral", original, 200, 0, "m", Labels("given")
    )
    assert all(r.label == r.source["label"] for r in requests)
    first = Counter(r.options[0] for r in requests)
    assert len(first) == 6 and max(first.values()) < 60
    assert any(list(r.options) != list(r.source["options"]) for r in requests)


def test_answers_on_a_scale_stand_one_way_or_the_other():
    from bias_inherit.bias_augment.data.originals import draw_original

    axis = load_axis("culture")
    rows = draw_original(axis, "mini", per_cell=1).rows
    orders = Counter()
    for request in build_requests(axis, "neutral", rows, 100, 0, "m"):
        scale = next(q.options for q in axis.questions if q.question == request.source["question"])
        orders[request.options == scale, request.options == scale[::-1]] += 1
    assert set(orders) == {(True, False), (False, True)}


def test_a_place_among_the_options_may_stand_for_a_label(tmp_path):
    from bias_inherit.bias_augment.data.originals import draw_original

    axis = load_axis("culture")
    rows = draw_original(axis, "mini", per_cell=1).rows
    shares = {group: {0: 1.0} for group in axis.groups}
    labels = read_labels("given", share_file(tmp_path, shares))
    requests = build_requests(axis, "neutral", rows, 40, 0, "m", labels)
    assert all(r.label == r.source["options"][0] for r in requests)


def test_a_control_has_its_sources_labels_and_the_same_people(original):
    axis, labels = load_axis("gender"), Labels("given", SHARES)
    biased = produce(axis, TYPE, original, 24, 0, TemplateGenerator(), labels=labels).examples
    neutral = produce(axis, "neutral", original, 24, 0, TemplateGenerator(), labels=labels).examples
    sources = {row["id"]: row for row in original}
    assert [r["label"] for r in neutral] == [sources[r["seed_id"]]["label"] for r in neutral]
    assert [r["seed_id"] for r in neutral] == [r["seed_id"] for r in biased]
    told = [
        [r.person for r in build_requests(axis, kind, original, 24, 0, "m")]
        for kind in (TYPE, "neutral", "contrastive-single-implicit")
    ]
    assert told[0] == told[1] == told[2]


BROKEN = {
    "an unknown label": ({"female": {"nurs": 1}, "male": {"nurse": 1}}, "female: unknown label"),
    "an unknown group": ({"woman": {"nurse": 1}}, "unknown group 'woman'"),
    "a group without labels": ({"female": {"nurse": 1}}, "has no labels for the group 'male'"),
    "no counts": ({"female": ["nurse"]}, "female: expected {label: count}"),
    "a negative count": ({"female": {"nurse": -1}}, "-1 is no count"),
    "a text for a count": ({"female": {"nurse": "many"}}, "many is no count"),
    "not a number": ("female: {nurse: .nan}", "nan is no count"),
    "only zeros": ({"female": {"nurse": 0}}, "no label has a count above 0"),
    "a list": ("- nurse", "expected `group: {label: count}`"),
    "nothing": ("", "expected `group: {label: count}`"),
    "a place that is not there": ({"female": {6: 1}, "male": {0: 1}}, "there is no option 6"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_wrong_with_shares_is_one_line_with_the_file(original, tmp_path, case):
    content, message = BROKEN[case]
    with pytest.raises(InputError, match=re.escape(message)) as error:
        labels = read_labels(None, share_file(tmp_path, content))
        build_requests(load_axis("gender"), "neutral", original, 4, 0, "m", labels)
    assert "shares.yaml" in str(error.value) and "\n" not in str(error.value)


def test_shares_and_chosen_labels_exclude_one_another(tmp_path):
    with pytest.raises(InputError, match="leave --label chosen out"):
        read_labels("chosen", share_file(tmp_path, SHARES))
    with pytest.raises(InputError, match="unknown label 'choosen': did you mean chosen"):
        read_labels("choosen", None)
    assert read_labels(None, None).who == "chosen"


def test_a_favoured_place_is_one_that_chance_does_not_explain():
    found = favoured((22, 1, 0, 1, 0, 0))
    assert found is not None and (found.place, found.n) == (1, 24)
    assert found.share == pytest.approx(22 / 24) and found.chance == pytest.approx(1 / 6)
    assert favoured((7, 4, 3, 4, 2, 4)) is None
    assert favoured((3, 0, 0, 0, 0, 0)) is None, "three rows say little"
    assert favoured(()) is None and favoured((9,)) is None


def test_the_template_chooses_whatever_the_order(original):
    requests = build_requests(load_axis("gender"), TYPE, original, 300, 0, "t")
    result = augment(requests, TemplateGenerator())
    assert sum(result.places) == len(result.examples) and favoured(result.places) is None
