from __future__ import annotations

import pytest

from bias_inherit.errors import InputError
from bias_inherit.mitigations import Mitigation, load_mitigation, mitigations
from bias_inherit.mitigations.mask import mask_cues


def row(prompt, cues, origin="augmented"):
    return {"id": "x", "prompt": prompt, "completion": " A", "cues": cues, "origin": origin}


def test_cues_are_masked_as_whole_words_in_any_case():
    masked = mask_cues(row("She and her sister Ann live here. Hershey, HER", ["she", "her", "Ann"]))
    assert masked["prompt"] == "[MASK] and [MASK] sister [MASK] live here. Hershey, [MASK]"
    assert masked["completion"] == " A"


def test_longer_cues_win_and_scripts_without_case_work():
    assert mask_cues(row("Ann-Marie", ["Ann", "Ann-Marie"]))["prompt"] == "[MASK]"
    assert mask_cues(row("قالت فاطمة", ["فاطمة"]))["prompt"] == "قالت [MASK]"


def test_only_augmented_rows_change(augmented, original):
    mask = load_mitigation("mask")
    before = [*original, *augmented]
    after = mask.apply(before)
    assert after[: len(original)] == original
    for old, new in zip(augmented, after[len(original) :], strict=True):
        assert new["completion"] == old["completion"] and new["label"] == old["label"]
        shown = new["prompt"].split("Biography:")[1].lower()
        assert not {"he", "she", "his", "her", "man", "woman"} & set(shown.split())
        assert "[mask]" in shown


def test_rows_without_recorded_cues_are_refused():
    with pytest.raises(InputError, match="no column 'cues'"):
        mask_cues({"id": "x", "prompt": "p", "origin": "augmented"})


def test_names_are_known_and_suggested():
    assert {"none", "mask"} <= set(mitigations())
    with pytest.raises(InputError, match="did you mean mask"):
        load_mitigation("maks")


def test_a_mitigation_without_parts_changes_nothing(augmented):
    assert Mitigation("x", "").apply(augmented) == augmented
