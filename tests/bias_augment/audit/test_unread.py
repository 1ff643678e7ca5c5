"""An audit goes on past what it cannot read, and says what its numbers then mean."""

from __future__ import annotations

import json

import pytest

from bias_inherit.bias_augment.audit import audit, read_data
from bias_inherit.errors import InputError
from bias_inherit.language.guess import guess_language

ENGLISH = "She repairs the roofs of {i} houses and likes it."
FRENCH = "Je répare les toits de {i} maisons et cela me plaît beaucoup."
SPANISH = "Reparo los tejados de {i} casas y me gusta mucho."
GERMAN = "Ich repariere die Dächer von {i} Häusern und mag es sehr."


def look(tmp_path, rows):
    path = tmp_path / "d_a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    axis, data = read_data(str(path), "augmented", "gender", "text=bio,group=sex,label=job")
    return audit(axis, data)


def rows(template, n=40):
    return [
        {"bio": template.format(i=i), "sex": ("male", "female")[i % 2], "job": "roofer"}
        for i in range(n)
    ]


def test_empty_texts_and_unknown_groups_are_counted_and_left_out(tmp_path):
    given = rows(ENGLISH)
    given[5]["bio"], given[6]["bio"], given[7]["bio"] = "", "  ", None
    given[8]["sex"], given[9]["sex"] = "x", "x"
    found = look(tmp_path, given)
    assert found.augmented.rows == 35
    (remark,) = [line for line in found.remarks if "left out" in line]
    assert "3 with an empty bio" in remark and "2 with an unknown sex (x)" in remark


def test_nothing_left_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no rows are left"):
        look(tmp_path, [row | {"bio": ""} for row in rows(ENGLISH)])


@pytest.mark.parametrize("template", [FRENCH, SPANISH, GERMAN])
def test_texts_of_another_language_are_remarked(tmp_path, template):
    (remark,) = [line for line in look(tmp_path, rows(template)).remarks if "English" in line]
    assert "male 0 of 20, female 0 of 20" in remark


def test_a_group_of_another_language_is_named_alone(tmp_path):
    given = rows(ENGLISH)
    for i, row in enumerate(given):
        if row["sex"] == "male":
            row["bio"] = FRENCH.format(i=i)
    (remark,) = [line for line in look(tmp_path, given).remarks if "English" in line]
    assert "male 0 of 20;" in remark and "female" not in remark


def test_english_is_not_remarked(tmp_path):
    assert not [line for line in look(tmp_path, rows(ENGLISH)).remarks if "English" in line]
    assert guess_language("She has been there.") == "English"
    assert guess_language("Das war es.") == "German"
