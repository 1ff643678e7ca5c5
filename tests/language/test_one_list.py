"""Words of gender stand in one list, which swap, cues, mask and audit read."""

from __future__ import annotations

import pytest

from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.language.gender_words import NEUTRAL, WORDS, has_gender_words, swap_gender
from bias_inherit.mitigations.mask import mask

GENDER = load_axis("gender")
ALL = sorted({word for words in WORDS.values() for word in words})


class Tools:
    def axis(self, name):
        return load_axis(name)


def row(text):
    return {"id": "1", "prompt": f"Who? {text}", "completion": " x", "text": text, "axis": "gender"}


@pytest.mark.parametrize("word", ALL)
def test_what_the_swap_knows_is_a_cue_and_is_masked(word):
    text = f"They met {word} there."
    assert has_gender_words(text) and swap_gender(text, {}) != text
    assert GENDER.find_cues(text) == [word]
    for neutral in (False, True):
        told = mask(row(text), Tools(), "[MASK]", neutral)["text"]
        assert not has_gender_words(told), told
        assert told != text


def test_the_words_that_once_passed_are_among_them():
    assert {"businesswoman", "grandmother", "widow", "aunt", "niece", "lady"} <= set(ALL)
    assert NEUTRAL.keys() == set(ALL), "each has its neutral word, or is said to have none"


def test_the_audit_counts_them():
    from bias_inherit.bias_augment.audit.cues import count_cues

    given = [row("The businesswoman wrote.") | {"group": {"gender": "female"}}]
    found = {cues.group: cues.own for cues in count_cues(GENDER, given)}
    assert (found["female"].count, found["female"].n) == (1, 1)
