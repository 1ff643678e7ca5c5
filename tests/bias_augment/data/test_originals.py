from __future__ import annotations

import json
from collections import Counter, defaultdict

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.data.examples import read_examples
from bias_inherit.bias_augment.data.files import write_examples
from bias_inherit.bias_augment.data.originals import apportion, draw_original, draw_own
from bias_inherit.bias_augment.data.own_data import parse_columns, read_own
from bias_inherit.errors import InputError
from bias_inherit.manifests import Original
from bias_inherit.rows import Cell
from bias_inherit.store import write_jsonl
from bias_inherit.tasks.documents.biographies import (
    OCCUPATIONS,
    occupation_document,
    occupation_test,
)
from bias_inherit.tasks.public.prepared import prepare_biographies, prepare_culture
from bias_inherit.tasks.public.respondents import read_respondents

GENDER = load_axis("gender")
CULTURE = load_axis("culture")


def cells(rows):
    return Counter(f"{Cell.of(row).label}|{Cell.of(row).groups_text}" for row in rows)


def test_mini_is_balanced_and_shares_no_text_with_the_test_part():
    rows = draw_original(GENDER, "mini", per_cell=5).rows
    assert set(cells(rows).values()) == {5} and len(rows) == 60
    assert not {r["text"] for r in rows} & {d.text for d in occupation_test()}


def test_the_default_is_the_papers_3600():
    assert len(draw_original(GENDER, "mini").rows) == 3600


@pytest.mark.parametrize("axis", ["culture", "age", "race"])
def test_mini_opinions_tie_no_answer_to_a_group(axis):
    social = load_axis(axis)
    answers = defaultdict(Counter)
    for row in draw_original(social, "mini", 7).rows:
        answers[row["group"][axis]][row["question"], row["label"]] += 1
    assert set(answers) == set(social.groups)
    first = next(iter(answers.values()))
    assert all(counts == first for counts in answers.values())
    assert sum(first.values()) == 7 * len(social.questions)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any), st.integers(0, 50))
def test_apportion_sums_and_is_within_one_of_the_share(shares, total):
    counts = apportion([float(share) for share in shares], total)
    assert sum(counts) == total and min(counts) >= 0
    for count, share in zip(counts, shares, strict=True):
        assert abs(count - total * share / sum(shares)) < 1


def test_prepared_rows_are_drawn_by_hash_and_capped(public_data, tmp_path):
    prepare_biographies(str(public_data / "bias_in_bios" / "sample.jsonl"), tmp_path)
    drawn = draw_original(GENDER, str(tmp_path), per_cell=2, balanced=False)
    assert max(cells(drawn.rows).values()) == 2
    whole = draw_original(GENDER, str(tmp_path), balanced=False)
    assert {r["id"] for r in drawn.rows} < {r["id"] for r in whole.rows}
    assert all(r["id"].startswith("bios-") and r["origin"] == "original" for r in whole.rows)
    assert whole.source.licence == "mit"
    with pytest.raises(InputError, match="the label 'nurse' is missing for the group 'male'"):
        draw_original(GENDER, str(tmp_path))


def test_balanced_labels_are_cut_to_the_smallest_group(tmp_path):
    rows = [
        occupation_document(
            f"{occupation}-{gender}-{i}", "He paints.", gender, occupation, ""
        ).to_row()
        for occupation in OCCUPATIONS
        for gender, many in {"male": 5, "female": 2 if occupation == "dentist" else 5}.items()
        for i in range(many)
    ]
    write_jsonl(tmp_path / "occupation" / "train.jsonl", rows)
    drawn = draw_original(GENDER, str(tmp_path), per_cell=4)
    assert cells(drawn.rows) == {
        f"{o}|gender={g}": 2 if o == "dentist" else 4 for o in OCCUPATIONS for g in GENDER.groups
    }
    assert drawn.notes == ()
    assert draw_original(GENDER, str(tmp_path)).notes == (
        "cut to the rows of the smallest group: dentist 2",
    )


def test_absent_prepared_data_says_what_to_run(tmp_path):
    with pytest.raises(InputError, match="bias-inherit data prepare --bias-in-bios"):
        draw_original(GENDER, str(tmp_path))
    with pytest.raises(InputError, match="bias-inherit data prepare --culturellm"):
        draw_original(CULTURE, str(tmp_path))


# --- respondents -------------------------------------------------------------------------------


def test_respondents_of_a_checkout(public_data, tmp_path):
    rows = read_respondents(public_data / "CultureLLM" / "data")
    by_id = {row.id: row for row in rows}
    assert by_id["China-Q27"].counts == [692, 1602, 671, 64], "counted by hand in the file"
    assert by_id["China-Q27"].n == 3036 - 7, "seven answers are the missing code -2"
    assert "China-Q132" not in by_id, "nobody was asked: every code is -4"
    assert len(by_id["China-Q158"].options) == 10 and by_id["China-Q158"].options[1] == "2"
    assert by_id["China-Q122"].options == ["Agree", "Hard to say", "Disagree"]
    assert by_id["China-Q122"].counts == [1645, 945, 426]
    assert by_id["China-Q31"].options[2:] == ["Disagree", "Strongly disagree"]
    prepare_culture(public_data / "CultureLLM", tmp_path)
    drawn = draw_original(CULTURE, str(tmp_path), per_cell=40)
    questions = {row["question"] for row in drawn.rows}
    assert len(questions) == 31 and len(drawn.rows) == 31 * 4 * 40
    assert drawn.notes == ("19 questions were not asked in every group, and are left out",)
    own = [
        r
        for r in drawn.rows
        if r["group"]["culture"] == "chinese" and "parents proud" in r["question"]
    ]
    share = sum(r["label"] == "Agree" for r in own) / 40
    assert share == pytest.approx(1602 / 3029, abs=0.2)
    assert drawn.rows == draw_original(CULTURE, str(tmp_path), per_cell=40).rows
    assert drawn.rows != draw_original(CULTURE, str(tmp_path), per_cell=40, seed=1).rows
    with pytest.raises(InputError, match="no answers for the axis 'age'"):
        draw_original(load_axis("age"), str(tmp_path))


@pytest.fixture
def checkout(tmp_path):
    """Write a small survey: one question, one country's CSV."""

    def write(option="1. Yes 2. No", lines=("XXX,1", "XXX,2", "XXX,-1", ",1.5")):
        (tmp_path / "China").mkdir(exist_ok=True)
        entry = {"q_id": "1", "q_content": "So?", "option": option}
        (tmp_path / "WVQ.jsonl").write_text(json.dumps(entry) + "\n")
        text = "\n".join(["B_COUNTRY_ALPHA,Q1", *lines, ""])
        (tmp_path / "China" / "Land.csv").write_text(text)
        return tmp_path

    return write


def test_missing_codes_and_lines_of_averages_are_no_answers(checkout):
    rows = read_respondents(checkout())
    assert [(r.options, r.counts, r.n) for r in rows] == [(["Yes", "No"], [1, 1], 2)]


@pytest.mark.parametrize(
    ("option", "lines", "message"),
    [
        ("1. Yes 2. No", ("XXX,7",), r"Land\.csv: Q1 has the code 7, which is none of"),
        ("1. Yes 2. No", ("XXX,one",), r"Land\.csv: 'one' is no code \(Q1\)"),
        ("yes or no", ("XXX,1",), r"WVQ\.jsonl:1: 'yes or no' are no options"),
    ],
)
def test_a_broken_survey_is_one_line(checkout, option, lines, message):
    with pytest.raises(InputError, match=message):
        read_respondents(checkout(option, lines))


# --- one's own data ----------------------------------------------------------------------------


@pytest.fixture
def bios(tmp_path):
    rows = [
        {"bio": f"{name} acts on stage {i}.", "sex": sex, "job": job, "n": i}
        for i, (name, sex, job) in enumerate(
            [("He", 0, 1), ("She", 1, 1), ("He", 0, 2), ("She", 1, 2), ("He", 0, 1), ("It", 1, 9)]
        )
    ]
    path = tmp_path / "bios.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    map_ = {"text": "bio", "group": "sex", "label": "job", "id": "n"}
    map_ |= {"groups": {0: "male", 1: "female"}, "labels": {1: "actor", 2: "dancer"}}
    (tmp_path / "map.yaml").write_text(yaml.safe_dump(map_))
    return path, str(tmp_path / "map.yaml")


def test_a_column_map_makes_anybodys_rows_examples(bios):
    path, map_ = bios
    own = read_own(GENDER, str(path), parse_columns(map_))
    rows = own.rows
    assert own.left_out == {"job 9": 1}
    assert [r["label"] for r in rows] == ["actor", "actor", "dancer", "dancer", "actor"]
    assert rows[1]["group"] == {"gender": "female"} and rows[1]["cues"] == ["She"]
    assert rows[1]["prompt"] == (
        "She acts on stage 1.\n\nWhat is the person's occupation?\nA. actor\nB. dancer\nAnswer:"
    )
    assert rows[2]["completion"] == " B" and rows[2]["id"] == "2"
    drawn = draw_own(GENDER, str(path), parse_columns(map_), per_cell=9, licence="cc-by-4.0")
    assert set(cells(drawn.rows).values()) == {1} and drawn.source.licence == "cc-by-4.0"
    assert drawn.notes[0] == "left out: 1 rows with job 9"
    whole = draw_own(GENDER, str(path), parse_columns(map_), balanced=False)
    assert len(whole.rows) == 5


def test_prompt_and_completion_are_used_as_they_are(tmp_path):
    row = {"prompt": "Who is she?", "completion": " A nurse.", "g": "Female", "text": "She."}
    other = row | {"prompt": "Who is he?", "g": "MALE"}
    (tmp_path / "p.jsonl").write_text(f"{json.dumps(row)}\n{json.dumps(other)}\n")
    columns = parse_columns("prompt=prompt,completion=completion,group=g")
    rows = read_own(GENDER, str(tmp_path / "p.jsonl"), columns).rows
    assert (rows[0]["prompt"], rows[0]["completion"]) == ("Who is she?", " A nurse.")
    assert rows[0]["label"] == "A nurse." and rows[1]["group"] == {"gender": "male"}


def test_a_hub_data_sets_train_split_is_read(bios, tmp_path):
    from datasets import load_dataset

    path, map_ = bios
    folder = tmp_path / "hub"
    folder.mkdir()
    (folder / "train.jsonl").write_text(path.read_text())
    (folder / "test.jsonl").write_text(path.read_text().replace("stage", "screen"))
    assert set(load_dataset(str(folder))) == {"train", "test"}
    rows = read_own(GENDER, str(folder), parse_columns(map_)).rows
    assert len(rows) == 5 and all("stage" in r["text"] for r in rows)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("text=bio,group=job", "'1' is not a group of the axis 'gender'"),
        ("text=bio,group=sex,label=work", "bios.jsonl:1: column work is missing"),
        ("text=bio", "group: field required"),
        ("group=sex", "name the column of the text"),
        ("text=bio,group=sex,labl=job", "unknown key of a column map 'labl': did you mean label"),
        ("prompt=bio,group=sex", "prompt and completion go together"),
        ("absent.yaml", "absent.yaml: no such file"),
    ],
)
def test_a_wrong_column_map_is_one_line(bios, columns, message):
    with pytest.raises(InputError) as caught:
        read_own(GENDER, str(bios[0]), parse_columns(columns))
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_label_that_is_missing_for_a_group_is_named(bios, tmp_path):
    path, map_ = bios
    lines = path.read_text().splitlines()
    (tmp_path / "few.jsonl").write_text("\n".join([*lines[:3], lines[4]]) + "\n")
    with pytest.raises(InputError, match="the label 'dancer' is missing for the group 'female'"):
        draw_own(GENDER, str(tmp_path / "few.jsonl"), parse_columns(map_))
    blank = json.loads(lines[0]) | {"job": " "}
    (tmp_path / "blank.jsonl").write_text(json.dumps(blank) + "\n")
    with pytest.raises(InputError, match=r"blank\.jsonl:1: column job is empty"):
        draw_own(
            GENDER, str(tmp_path / "blank.jsonl"), parse_columns("text=bio,group=sex,label=job")
        )
    with pytest.raises(InputError, match="original data needs labels"):
        draw_own(GENDER, str(path), parse_columns("text=bio,group=sex"))


def test_the_hub_columns_of_biasinbios_by_a_map(public_data, tmp_path):
    map_ = {"text": "hard_text", "group": "gender", "label": "profession"}
    map_ |= {"groups": {0: "male", 1: "female"}, "labels": {4: "comedian", 12: "model"}}
    (tmp_path / "map.yaml").write_text(yaml.safe_dump(map_))
    source = str(public_data / "bias_in_bios" / "sample.jsonl")
    own = read_own(GENDER, source, parse_columns(str(tmp_path / "map.yaml")))
    assert Counter(r["label"] for r in own.rows) == {"comedian": 10, "model": 10}
    assert sum(own.left_out.values()) == 260 and len(own.left_out) <= 6


def test_written_examples_are_read_back_whole(original, tmp_path):
    write_examples(tmp_path / "d.jsonl", original, Original())
    assert read_examples(tmp_path / "d.jsonl") == original
    broken = [*original, original[0]]
    write_examples(tmp_path / "e.jsonl", broken, Original())
    with pytest.raises(InputError, match=r"e\.jsonl:49: id .* occurs twice \(first at .*:1\)"):
        read_examples(tmp_path / "e.jsonl")
    write_examples(tmp_path / "f.jsonl", [original[0] | {"origin": "real"}], Original())
    with pytest.raises(InputError, match=r"f\.jsonl:1: origin must be original or augmented"):
        read_examples(tmp_path / "f.jsonl")
