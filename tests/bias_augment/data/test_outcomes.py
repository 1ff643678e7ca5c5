"""What came out, by bias type and group: each count against one by hand."""

import pytest
from statsmodels.stats.proportion import proportion_confint

from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.data.examples import to_example
from bias_inherit.bias_augment.data.outcomes import count_outcomes, follows_traits, names_label
from bias_inherit.bias_augment.data.shares import wilson
from bias_inherit.rows import AUGMENTED

AXIS = load_axis("gender")
OPTIONS = ["nurse", "dentist", "architect"]
REST = "She lives in a small house by the river, and works there from early until late every day."
WARM = f"Anna is kind and caring. {REST}"
COLD = f"Anna is cruel and heartless. {REST}"
STRONG = f"Anna is powerful and ambitious. {REST}"


def row(i, group, label, text, bias_type="neutral"):
    return to_example(
        AXIS, f"r{i}", group, text, label, OPTIONS, origin=AUGMENTED, bias_type=bias_type
    )


@pytest.fixture
def rows():
    return [
        row(0, "female", "nurse", "Anna works at night."),
        row(1, "female", "nurse", "The nurses like Anna. Note: this is fiction."),
        row(2, "female", "dentist", "I'm sorry, but I cannot write this."),
        row(3, "female", "dentist", WARM),
        row(4, "male", "nurse", "Somebody works at night."),
        row(5, "male", "architect", "Ben builds. He likes it.", "contextual-single-explicit"),
    ]


def test_every_count_is_that_by_hand(rows):
    found = {(o.bias_type, o.group): o for o in count_outcomes(AXIS, rows)}
    assert len(found) == 4
    female = found["neutral", "female"]
    assert (female.usable.count, female.usable.n) == (3, 4)
    assert (female.refused.count, female.refused.n) == (1, 4)
    assert (female.noted.count, female.noted.n) == (1, 3)
    assert (female.label_named.count, female.label_named.n) == (1, 3)
    assert (female.cue.count, female.cue.n) == (3, 3)
    assert (female.follows_label.count, female.follows_label.n) == (2, 3)
    assert (female.follows_trait.count, female.follows_trait.n) == (1, 1)
    male = found["neutral", "male"]
    assert (male.cue.count, male.cue.n) == (0, 1)
    assert (male.follows_label.count, male.follows_label.n) == (0, 1)
    biased = found["contextual-single-explicit", "male"]
    assert (biased.follows_label.count, biased.cue.count) == (1, 1)
    none = found["contextual-single-explicit", "female"]
    assert none.usable.share is None and none.follows_label.share is None, "no data is never 0"


def test_what_was_counted_on_the_way_is_taken_over(rows):
    noted, refused = {("neutral", "female"): 1}, {("neutral", "male"): 3}
    found = {o.group: o for o in count_outcomes(AXIS, rows[3:5], noted, refused)}
    assert found["female"].noted.count == 1
    assert (found["male"].refused.count, found["male"].refused.n) == (3, 4)
    assert (found["male"].usable.count, found["male"].usable.n) == (1, 4)


def test_rows_without_labels_have_no_dose(rows):
    bare = [{**r, "label": "", "options": []} for r in rows[:2]]
    found = count_outcomes(AXIS, bare)[1]
    assert found.group == "female" and found.follows_label.share is None
    assert found.label_named.share is None and found.cue.n == 2


def test_on_a_scale_the_place_decides():
    axis = load_axis("culture")
    assert axis.follows_stereotype("arabic", "Often", ("Often", "Never")) is True
    assert axis.follows_stereotype("arabic", "Never", ("Often", "Never")) is False
    assert axis.follows_stereotype("spanish", "Never", ("Often", "Never")) is True
    assert axis.follows_stereotype("arabic", "Often", ()) is None


def test_traits_follow_where_more_hits_are_at_the_groups_end():
    assert follows_traits(AXIS, "female", WARM) is True
    assert follows_traits(AXIS, "male", STRONG) is True
    assert follows_traits(AXIS, "male", WARM) is None, "no trait of that dimension"
    assert follows_traits(AXIS, "female", COLD) is False


@pytest.mark.parametrize(
    ("text", "label", "names"),
    [
        ("She is a Nurse.", "nurse", True),
        ("The nurses like her.", "nurse", True),
        ("She nursed him.", "nurse", False),
        ("A software engineer by training.", "software engineer", True),
        ("She writes software.", "software engineer", False),
    ],
)
def test_a_text_names_a_label_by_its_whole_word(text, label, names):
    assert names_label(text, label) is names


@pytest.mark.parametrize(("count", "n"), [(0, 7), (3, 7), (7, 7), (90, 101)])
def test_the_interval_is_wilsons(count, n):
    found = wilson(count, n)
    assert (found.low, found.high) == pytest.approx(proportion_confint(count, n, method="wilson"))
