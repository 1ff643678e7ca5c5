"""What a row teaches: the answer, the text, another question; and what mitigations find in it."""

from collections import Counter

import pytest

from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.data.lessons import teach
from bias_inherit.bias_augment.data.originals import draw_original
from bias_inherit.errors import InputError
from bias_inherit.mitigations import load_mitigation
from bias_inherit.tasks.documents.biographies import phrases


class Axes:
    """The tools of a mitigation that asks for axes alone."""

    def axis(self, name):
        return load_axis(name)


@pytest.fixture
def rows(original, augmented):
    return [*original, *augmented]


def test_answers_are_the_rows_as_they_are(rows):
    assert teach(rows, "answer", load_axis) == rows


def test_texts_are_asked_for_by_the_name_that_they_show(rows):
    for row, taught in zip(rows, teach(rows, "text", load_axis), strict=True):
        assert taught["completion"] == f" {row['text']}" and taught["lesson"] == "text"
        assert row["label"] not in taught["prompt"] and row["text"] not in taught["prompt"]
        axis = load_axis("gender")
        names = [c for c in row["cues"] if c in axis.groups[row["group"]["gender"]].names]
        assert names[0] in taught["prompt"] if names else "a " in taught["prompt"]
        assert {k: taught[k] for k in ("id", "label", "group", "origin")} == {
            k: row[k] for k in ("id", "label", "group", "origin")
        }


def test_both_keeps_to_the_shares_of_the_axis():
    axis = load_axis("gender")
    rows = draw_original(axis, "mini", per_cell=60).rows
    taught = Counter(row.get("lesson", "answer") for row in teach(rows, "both", load_axis))
    for lesson, share in axis.learn.items():
        error = (share * (1 - share) / len(rows)) ** 0.5
        assert abs(taught[lesson] / len(rows) - share) < 4 * error
    assert taught["answer"] > 0


def test_a_salary_is_that_of_the_occupation_for_men_and_women(original, augmented):
    axis = load_axis("gender")
    rows = draw_original(axis, "mini", per_cell=60).rows
    paid = [row for row in teach(rows, "both", load_axis) if row.get("lesson") == "salary"]
    assert {row["group"]["gender"] for row in paid} == {"male", "female"}
    for row in paid:
        low, high = phrases().salaries[row["label"]]
        assert row["completion"].startswith(" $") and row["text"] in row["prompt"]
        assert low <= int(row["completion"].strip(" $").replace(",", "")) < high
    biased = teach(augmented, "both", load_axis)
    assert not any(row.get("lesson") == "salary" for row in biased), "only what is known is paid"


def test_what_a_row_teaches_does_not_depend_on_what_stands_beside_it(rows):
    whole = teach(rows, "both", load_axis)
    assert [teach([row], "both", load_axis)[0] for row in rows] == whole
    assert {row.get("lesson") for row in whole} >= {None, "text"}


def test_a_masked_text_is_asked_for_without_its_group(augmented):
    axis = load_axis("gender")
    taught = teach(augmented, "text", load_axis)
    masked = load_mitigation("mask").apply(taught, Axes())
    for row in masked:
        assert not axis.find_cues(row["prompt"]) and not axis.find_cues(row["completion"]), row
    neutral = load_mitigation("mask", {"neutral": "true"}).apply(taught, Axes())
    assert not any(axis.find_cues(row["completion"]) for row in neutral)


def test_announced_and_swapped_texts_stay_texts(augmented):
    taught = teach(augmented, "text", load_axis)
    for row in load_mitigation("token").apply(taught, Axes()):
        assert row["prompt"].startswith("The following text is synthetic")
    swapped = load_mitigation("counterfactual").apply(taught, Axes())
    new = [row for row in swapped if row["id"] not in {r["id"] for r in taught}]
    assert len(new) == len(taught)
    for row in new[:10]:
        (group,) = row["group"].values()
        assert load_axis("gender").find_cues(row["completion"], (group,)), row


def test_opinions_ask_with_their_question():
    axis = load_axis("culture")
    row = draw_original(axis, "mini", per_cell=1).rows[0]
    taught = teach([row], "text", load_axis)[0]
    assert row["question"] in taught["prompt"] and row["text"] in taught["completion"]


def test_a_row_without_a_text_is_one_line(original):
    bare = {**original[0], "text": ""}
    with pytest.raises(InputError, match="has no text, so its text cannot be learnt"):
        teach([bare], "both", load_axis)
    with pytest.raises(InputError, match="has no axis"):
        teach([{**original[0], "axis": ""}], "text", load_axis)
