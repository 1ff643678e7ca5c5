from __future__ import annotations

import pytest

from bias_inherit.errors import InputError
from bias_inherit.mitigations import load_mitigation
from bias_inherit.mitigations.token import SENTENCE


def test_the_sentence_stands_before_the_text_alone(row, tools):
    old = row("She works.")
    (new,) = load_mitigation("token").apply([old], tools)
    assert new["text"] == f"{SENTENCE} She works."
    assert new["prompt"] == old["prompt"].replace("She works.", f"{SENTENCE} She works.")
    assert "bias" in SENTENCE and {k for k in old if old[k] != new[k]} == {"text", "prompt"}


def test_the_wording_is_an_option(row, tools):
    (new,) = load_mitigation("token", {"sentence": "Beware."}).apply([row("她。")], tools)
    assert new["text"] == "Beware. 她。" and "Text: Beware. 她。\n" in new["prompt"]


def test_prompts_of_ones_own_begin_with_it(row, tools):
    token = load_mitigation("token", {"sentence": "Beware."})
    own = row("Bio: She. Who?", prompt="Bio: She.\nWho?")
    (new,) = token.apply([own], tools)
    assert (new["prompt"], new["text"]) == ("Beware.\nBio: She.\nWho?", "Beware. Bio: She. Who?")
    with pytest.raises(InputError, match="row 'a-1' has no text and no prompt"):
        token.apply([row("", prompt=" ")], tools)
    (new,) = token.apply([row("", prompt="Who?")], tools)
    assert (new["prompt"], new["text"]) == ("Beware.\nWho?", "")


def test_in_a_mix_every_augmented_row_says_so_and_no_other(mix, tools):
    told = load_mitigation("token").apply(mix, tools)
    assert [SENTENCE in r["prompt"] for r in told] == [r["origin"] == "augmented" for r in mix]
