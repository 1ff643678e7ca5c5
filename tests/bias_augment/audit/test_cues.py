from __future__ import annotations

from bias_inherit.bias_augment.audit.cues import count_cues
from bias_inherit.bias_augment.data.shares import wilson


def test_cues_are_told_apart_by_kind(gender, row):
    name = gender.groups["female"].names[0]
    texts = [
        f"{name} paints.",  # a name alone
        "The woman paints; she is good.",  # words alone
        f"{name} and her brother paint.",  # a name, a word, and a man's word
        "Somebody paints.",
    ]
    rows = [row("female", text=text, bias_type="contextual-single-implicit") for text in texts]
    rows.append(row("female", text="He paints.", bias_type="neutral"))
    found = {(c.bias_type, c.group): c for c in count_cues(gender, rows)}
    cues = found["contextual-single-implicit", "female"]
    assert (cues.own.count, cues.word.count, cues.name.count, cues.other.count) == (3, 2, 2, 1)
    assert cues.own.n == 4 and cues.own.share == 0.75
    neutral = found["neutral", "female"]
    assert (neutral.own.count, neutral.other.count, neutral.own.n) == (0, 1, 1)
    assert found["neutral", "male"].own == wilson(0, 0)


def test_a_given_name_of_two_groups_is_the_own_group_s(culture, row):
    spanish, portuguese = (set(culture.groups[g].first_names) for g in ("spanish", "portuguese"))
    shared = spanish & portuguese
    for name in shared or {next(iter(spanish))}:
        (cues,) = [
            c
            for c in count_cues(culture, [row("spanish", text=f"{name} ate.", axis="culture")])
            if c.group == "spanish"
        ]
        assert (cues.name.count, cues.other.count) == (1, 0)
