from __future__ import annotations

import pytest

from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.data.originals import draw_original
from bias_inherit.bias_augment.writing.counterfactual import counterfactual
from bias_inherit.bias_augment.writing.produce import produce, produce_enough
from bias_inherit.errors import InputError
from bias_inherit.language.gender_words import has_gender_words


def test_every_row_is_its_seed_told_of_the_other_gender(original):
    axis = load_axis("gender")
    result = counterfactual(axis, original, len(original), seed=0)
    seeds = {row["id"]: row for row in original}
    assert len({row["id"] for row in result.examples}) == len(original) and not result.failed
    for row in result.examples:
        seed = seeds[row["seed_id"]]
        assert {row["group"]["gender"], seed["group"]["gender"]} == {"male", "female"}
        assert row["label"] == seed["label"] and row["completion"] == seed["completion"]
        assert row["text"] != seed["text"] and has_gender_words(row["text"])
        assert (row["origin"], row["generator"]) == ("augmented", "swap")
        back = axis.swap(row["text"], row["group"]["gender"], seed["group"]["gender"])
        assert back.replace("hers", "his") == seed["text"].replace("hers", "his")


@pytest.mark.parametrize("name", ["culture", "age", "race"])
def test_more_groups_give_more_rows_and_no_pair_twice(name):
    axis = load_axis(name)
    rows = draw_original(axis, "mini", 2).rows
    others = len(axis.groups) - 1
    result = counterfactual(axis, rows, others * len(rows), seed=0)
    pairs = {(row["seed_id"], row["group"][name]) for row in result.examples}
    assert len(pairs) == others * len(rows)
    seeds = {row["id"]: row["group"][name] for row in rows}
    assert all(seeds[identity] != group for identity, group in pairs)
    for row in result.examples:
        about = axis.groups[row["group"][name]]
        assert about.word in row["text"] and any(n in row["text"] for n in about.names)
    with pytest.raises(InputError, match="group-swapped rows cannot be had"):
        counterfactual(axis, rows, others * len(rows) + 1, seed=0)


def test_a_text_that_shows_no_group_is_counted_and_passed_over(original):
    axis = load_axis("gender")
    blank = [row | {"text": "Draws houses.", "id": f"b{i}"} for i, row in enumerate(original[:3])]
    result = counterfactual(axis, [*blank, *original], len(original), seed=0)
    assert len(result.examples) == len(original) and set(result.failed) == {"unchanged"}
    assert result.asked == len(original) + result.failed["unchanged"]
    with pytest.raises(InputError, match=r"51 original rows give 48 \(3 show no group\)"):
        counterfactual(axis, [*blank, *original], 49, seed=0)


class Lame:
    """Writes a usable reply to every second request."""

    name, sampling = "lame", {}

    def __init__(self, every=2):
        self.every, self.asked = every, 0

    def write(self, requests, emit):
        from bias_inherit.bias_augment.writing.generators.contract import Reply

        for i, request in enumerate(requests):
            self.asked += 1
            good = int(request.id[-6:]) % self.every == 0
            emit(i, Reply(f"Occupation: nurse\nBiography: She {request.id}." if good else "Hm."))


def test_where_replies_fail_more_are_asked_for_or_it_says_so(original):
    axis = load_axis("gender")
    whole = produce_enough(axis, "neutral", original, 10, 0, Lame())
    assert len(whole.examples) == 10 and whole.missing == 0
    numbers = [int(row["id"][-6:]) for row in whole.examples]
    assert numbers == list(range(0, 20, 2))
    with pytest.raises(InputError, match=r"lame gave 7 usable rows of 10 \(\d+ off-format\)"):
        produce_enough(axis, "neutral", original, 10, 0, Lame(every=3))
    with pytest.raises(InputError, match=r"none of the 3 replies of lame .*One began: 'Hm\.'"):
        produce(axis, "neutral", original, 1, 0, Always())


class Always(Lame):
    def write(self, requests, emit):
        from bias_inherit.bias_augment.writing.generators.contract import Reply

        for i, _ in enumerate(requests):
            emit(i, Reply("Hm."))
