"""An audit goes on past what it cannot read, and says what its numbers then mean."""

from __future__ import annotations

import json

import pytest

from bias_inherit.bias_augment.audit import audit, read_data
from bias_inherit.bias_augment.audit.languages import axis_language
from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.data.examples import to_example
from bias_inherit.errors import InputError
from bias_inherit.language.guess import guess_language

ENGLISH = "She repairs the roofs of {i} houses and likes it."
FRENCH = "Je répare les toits de {i} maisons et cela me plaît beaucoup."
COLUMNS = "text=bio,group=sex,label=job"
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
    assert found.augmented.unread == {"an empty bio": 3, "an unknown sex (x)": 2}
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


def test_a_part_in_another_language_is_told_too(tmp_path):
    given = rows(ENGLISH)
    for i, row in enumerate(given[:8]):
        row["bio"] = FRENCH.format(i=i)
    found = look(tmp_path, given)
    (remark,) = [line for line in found.remarks if "English" in line]
    assert "male 16 of 20, female 16 of 20; rather: 8 French" in remark
    assert found.languages["male"] == {"English": 16, "French": 4}


def test_an_axis_of_ones_own_has_cue_words_of_its_own_language(tmp_path):
    groups = {
        "femme": {
            "word": "femme",
            "plural": "femmes",
            "names": ["Zoé Roy"],
            "cues": ["elle", "la"],
        },
        "homme": {"word": "homme", "plural": "hommes", "names": ["Luc Roy"], "cues": ["il", "le"]},
    }
    second = [
        {"attribute": "a", "explicit": "{word}", "plural": "{plural}", "implicit": str(i)}
        for i in range(2)
    ]
    axis = {"axis": "genre", "form": "biography", "per_cell": 1, "groups": groups}
    (tmp_path / "genre").mkdir()
    (tmp_path / "genre" / "axis.yaml").write_text(json.dumps(axis | {"second": second}))

    def remarks(template):
        path = tmp_path / "d_a.jsonl"
        named = [row | {"sex": ("homme", "femme")[i % 2]} for i, row in enumerate(rows(template))]
        path.write_text("".join(json.dumps(row) + "\n" for row in named))
        own = str(tmp_path / "genre")
        found = audit(*read_data(str(path), "augmented", own, "text=bio,group=sex"))
        return [line for line in found.remarks if "texts look" in line]

    (lexicon,) = remarks(FRENCH)
    assert "the trait lexicon and the phrases of refusal are" in lexicon
    assert "cue words" not in lexicon
    (cues,) = remarks(ENGLISH)
    assert "texts look French" in cues and "the axis's cue words are" in cues


def test_one_label_and_none_are_said(tmp_path):
    found = look(tmp_path, rows(ENGLISH))
    assert "All rows have the label 'roofer': nothing is compared between labels." in found.remarks
    path = tmp_path / "d_a.jsonl"
    _, data = read_data(str(path), "augmented", "gender", "text=bio,group=sex")
    bare = audit(load_axis("gender"), data)
    assert "No row has a label: nothing is counted or compared by label." in bare.remarks


def test_labels_are_taken_as_d_o_writes_them(tmp_path):
    given = rows(ENGLISH)
    look(tmp_path, given)
    originals = [row | {"job": "Roofer"} for row in given]
    path = tmp_path / "d_o.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in originals))
    _, data = read_data(str(tmp_path / "d_a.jsonl"), "augmented", "gender", COLUMNS)
    _, others = read_data(str(path), "original", "gender", COLUMNS)
    found = audit(load_axis("gender"), data, others)
    assert found.counts.outside == 0
    (remark,) = [line for line in found.remarks if "in case alone" in line]
    assert "40 rows with roofer as Roofer" in remark


def test_odd_rows_of_a_file_of_ours_are_counted_too(tmp_path):
    gender = load_axis("gender")
    ours = [
        to_example(gender, f"r{i}", ("male", "female")[i % 2], ENGLISH.format(i=i), "a", ["a", "b"])
        | {"origin": "augmented"}
        for i in range(8)
    ]
    odd = [{"text": " "}, {"group": {"gender": "x"}}, {"prompt": None}, {"id": "r0"}]
    lines = [json.dumps(row) for row in ours]
    lines += [json.dumps(ours[0] | {"id": f"odd{i}"} | each) for i, each in enumerate(odd)]
    (tmp_path / "d_a.jsonl").write_text("\n".join([*lines, '{"id": "cut']))
    _, data = read_data(str(tmp_path / "d_a.jsonl"), "augmented", None, None)
    assert len(data.rows) == 8
    assert data.unread == {
        "a broken line": 1,
        "a repeated id": 1,
        "an empty text": 1,
        "an unknown group of gender": 1,
        "null in prompt": 1,
    }


def test_the_language_of_cue_words_is_that_of_the_axis():
    known = {name: axis_language(load_axis(name)) for name in ("gender", "age", "race", "culture")}
    assert known == {"gender": "English", "age": "English", "race": "English", "culture": None}
