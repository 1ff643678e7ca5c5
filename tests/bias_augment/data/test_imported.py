"""A synthetic set that was made elsewhere becomes D_a, which all that follows takes."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from bias_inherit import manifests, store
from bias_inherit.bias_augment.audit import audit, read_data
from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.data.column_map import parse_columns
from bias_inherit.bias_augment.data.examples import read_examples
from bias_inherit.bias_augment.data.files import write_examples, write_mix
from bias_inherit.bias_augment.data.imported import Provenance, import_augmented
from bias_inherit.errors import InputError
from bias_inherit.manifests import Augmented, Original

GENDER = load_axis("gender")
SAID = Provenance("some/model", "neutral", "cc-by-4.0")
COLUMNS = "text=bio,group=sex,label=job"


def rows(n=24, **more):
    who = (("male", "He"), ("female", "She"))
    return [
        {"bio": f"{who[i % 2][1]} runs the ward {i}.", "sex": who[i % 2][0], "job": "nurse"} | more
        for i in range(n)
    ]


def bring_in(folder, given, columns=COLUMNS, out="a.jsonl", said=SAID, original=None):
    path = folder / "theirs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in given))
    notes = import_augmented(
        GENDER, str(path), parse_columns(columns), folder / out, said, original
    )
    return read_examples(folder / out), notes


def test_a_set_says_where_it_is_from_and_what_was_left_out(tmp_path):
    given = [*rows(6), *rows(6, job="poet"), *rows(1, job="Poet"), *rows(1, bio=" ")]
    found, notes = bring_in(tmp_path, given)
    assert len(found) == 13 and "not used: 1 rows with an empty bio" in notes
    assert {(r["origin"], r["generator"], r["bias_type"]) for r in found} == {
        ("augmented", "some/model", "neutral")
    }
    assert found[0]["prompt"].endswith("A. nurse\nB. poet\nAnswer:")

    manifest = manifests.read(tmp_path / "a.jsonl", Augmented)
    read = manifest.imported
    assert (manifest.generator, manifest.bias_type) == ("some/model", "neutral")
    assert read.sha256 == store.sha256(tmp_path / "theirs.jsonl")
    assert (read.rows, read.unread, read.respelt) == (
        14,
        {"an empty bio": 1},
        {"Poet as poet": 1},
    )
    assert manifest.sources[0].licence == "cc-by-4.0" and manifest.sources[0].rows == 13
    card = (tmp_path / "a.README.md").read_text()
    for told in ("brought in from", read.sha256, "1 of 14:", "with an empty bio: 1", "some/model"):
        assert told in card


def test_what_nobody_said_is_unknown(tmp_path):
    found, _ = bring_in(tmp_path, [*rows(2), *rows(2, job="poet")], said=Provenance())
    assert (found[0]["generator"], found[0]["bias_type"]) == ("unknown", "unknown")
    manifest = manifests.read(tmp_path / "a.jsonl", Augmented)
    assert manifest.generator is None and manifest.bias_type is None
    card = (tmp_path / "a.README.md").read_text()
    assert "**Generator** unknown" in card and "**Bias type** unknown" in card
    assert "may have been written to be biased on purpose" in card


@pytest.mark.parametrize("columns", ["text=bio,group=sex", COLUMNS])
def test_without_two_labels_the_text_is_what_is_written(tmp_path, columns):
    found, notes = bring_in(tmp_path, rows(4), columns)
    assert [(r["prompt"], r["completion"]) for r in found] == [("", row["bio"]) for row in rows(4)]
    assert any("the texts themselves are what is trained on" in note for note in notes)


def test_the_labels_of_d_o_are_options_in_its_spelling(tmp_path, original):
    write_examples(tmp_path / "o.jsonl", original, Original())
    found, _ = bring_in(tmp_path, rows(2, job="NURSE"), original=tmp_path / "o.jsonl")
    assert {r["label"] for r in found} == {"nurse"} and len(found[0]["options"]) == 6
    manifest = manifests.read(tmp_path / "a.jsonl", Augmented)
    assert manifest.original_sha256 == store.sha256(tmp_path / "o.jsonl")


def test_completions_are_labels_where_they_are_answers_and_else_text(tmp_path):
    columns = "prompt=prompt,completion=completion,group=sex"
    short = [row | {"prompt": "Who?", "completion": f" {i % 2}"} for i, row in enumerate(rows(4))]
    found, _ = bring_in(tmp_path, short, columns)
    assert [(r["label"], r["text"]) for r in found[:2]] == [("0", "Who?"), ("1", "Who?")]

    long = [row | {"prompt": "Who?", "completion": f" {row['bio']} So."} for row in rows(4)]
    found, _ = bring_in(tmp_path, long, columns)
    assert (found[0]["label"], found[0]["options"]) == ("", [])
    assert found[0]["text"] == "Who? He runs the ward 0. So." and found[0]["cues"] == ["He"]


def test_a_text_without_a_prompt_is_trained_on_whole(tmp_path, lab_base):
    from transformers import AutoTokenizer

    from bias_inherit.bias_augment.training.encode import encode

    found, _ = bring_in(tmp_path, rows(2), "text=bio,group=sex")
    tokenizer = AutoTokenizer.from_pretrained(lab_base)
    encoded = encode(tokenizer, found[0], uses_chat=False)
    trained = tokenizer.decode(encoded.input_ids[encoded.prompt_length :])
    assert "".join(trained.split()) == "Herunstheward0." + (tokenizer.eos_token or "")


@pytest.mark.parametrize("out", ["a.jsonl", "a"])
def test_a_mix_and_an_audit_take_what_was_brought_in(tmp_path, original, out):
    write_examples(tmp_path / "o.jsonl", original, Original())
    bring_in(tmp_path, rows(24), "text=bio,group=sex", out)
    counts = write_mix(
        tmp_path / "mix", tmp_path / "o.jsonl", tmp_path / out, Fraction(1, 5), "original-fixed", 0
    )
    assert (counts.original, counts.augmented) == (48, 12)
    mixed = manifests.read(tmp_path / "mix", manifests.Mix)
    assert mixed.parts.augmented.imported.source == str(tmp_path / "theirs.jsonl")

    axis, data = read_data(str(tmp_path / out), "augmented", None, None)
    _, others = read_data(str(tmp_path / "o.jsonl"), "original", "gender", None)
    found = audit(axis, data, others)
    assert "D_a has no labels: the two are compared by group alone." in found.remarks
    assert [(cell.label, cell.n) for cell in found.counts.cells] == [("", 12), ("", 12)]
    assert not any("unknown" in remark for remark in found.remarks)


def test_d_o_and_d_a_of_files_of_one_name_can_be_mixed(tmp_path):
    from bias_inherit.bias_augment.data.originals import draw_own

    given = [*rows(4), *rows(4, job="poet")]
    found, _ = bring_in(tmp_path, given)
    drawn = draw_own(GENDER, str(tmp_path / "theirs.jsonl"), parse_columns(COLUMNS))
    write_examples(tmp_path / "o.jsonl", drawn.rows, Original())
    assert not {r["id"] for r in found} & {r["id"] for r in drawn.rows}
    half = Fraction(1, 2)
    counts = write_mix(
        tmp_path / "m", tmp_path / "o.jsonl", tmp_path / "a.jsonl", half, "original-fixed", 0
    )
    assert counts.augmented == 8


def test_the_set_itself_is_never_written_over(tmp_path):
    with pytest.raises(InputError, match="is what is read; choose another path"):
        bring_in(tmp_path, rows(4), out="theirs.jsonl")
    assert len((tmp_path / "theirs.jsonl").read_text().splitlines()) == 4


def test_nothing_is_written_where_no_row_can_be_used(tmp_path):
    with pytest.raises(InputError, match="no rows are left") as error:
        bring_in(tmp_path, rows(4, bio=["a", "b"]), out="new")
    assert "column bio holds a list, expected text" in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.jsonl"]


def test_a_bias_type_is_one_that_there_is():
    with pytest.raises(InputError, match="did you mean neutral"):
        Provenance(bias_type="neutrel")


def test_biographies_by_a_real_model_are_brought_in_whole(public_data, tmp_path):
    source = public_data / "llm_written_bios" / "chatgpt_comedian_model.jsonl"
    columns = parse_columns("text=chatgpt_gen,group=gender,label=occupation")
    import_augmented(GENDER, str(source), columns, tmp_path / "a", Provenance("ChatGPT"))
    found = read_examples(tmp_path / "a")
    theirs = [json.loads(line) for line in source.read_text().splitlines()]
    assert [r["text"] for r in found] == [" ".join(r["chatgpt_gen"].split()) for r in theirs]
    assert {r["completion"] for r in found} == {" A", " B"}
