"""Rows of anybody's in the forms that they come in; what cannot be read is one line."""

from __future__ import annotations

import gzip
import json
import re

import pytest

from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.data.own_data import parse_columns, read_own
from bias_inherit.errors import InputError

ROWS = [
    {"bio": f"Zoë {verb} nº {i}.", "sex": sex, "job": job}
    for i, (verb, sex, job) in enumerate(
        [("bakes", "female", "baker"), ("bakes", "male", "baker"), ("cooks", "female", "cook")]
    )
]
COLUMNS = "text=bio,group=sex,label=job"


def table(delimiter):
    lines = [delimiter.join(ROWS[0]), *(delimiter.join(row.values()) for row in ROWS)]
    return "\n".join(lines) + "\n"


LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
FORMS = {
    "rows.csv": table(",").encode(),
    "bom.csv": table(",").encode("utf-8-sig"),
    "UPPER.CSV": table(",").encode(),
    "semicolon.csv": table(";").encode("utf-8-sig"),
    "bar.csv": table("|").encode(),
    "tab.tsv": table("\t").encode(),
    "utf16.csv": table(",").encode("utf-16"),
    "packed.csv.gz": gzip.compress(table(",").encode()),
    "rows.jsonl": LINES.encode(),
    "bom.jsonl": LINES.encode("utf-8-sig"),
    "utf16.jsonl": LINES.encode("utf-16"),
    "packed.jsonl.gz": gzip.compress(LINES.encode()),
    "lines.json": LINES.encode(),
    "array.json": json.dumps(ROWS, indent=1).encode(),
    "bom-array.json": json.dumps(ROWS).encode("utf-8-sig"),
}


def read(path, columns=COLUMNS):
    return read_own(load_axis("gender"), str(path), parse_columns(columns)).rows


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_rows(tmp_path, name):
    (tmp_path / name).write_bytes(FORMS[name])
    rows = read(tmp_path / name)
    assert [row["text"] for row in rows] == [row["bio"] for row in ROWS]
    assert [row["label"] for row in rows] == ["baker", "baker", "cook"]


BAD = {
    "cp1252.csv": (table(",").encode("cp1252"), "iconv -f cp1252 -t utf-8"),
    "cut.csv.gz": (gzip.compress(b"bio,sex,job\n" * 90)[:-9], "is not a whole gzip file"),
    "other.csv": (b"biography;sex\nShe.;female\n", "bio, job is missing (found: biography, sex)"),
    "nested.json": (
        json.dumps({"data": ROWS}, indent=1).encode(),
        "an object goes over several lines: expected",
    ),
    "texts.json": (b'["a", "b"]', "expected an object with columns, found a text"),
    "short.json": (b'[{"bio": "She."}]', "[0]: column sex, job is missing (found: bio)"),
    "rows.xlsx": (b"PK", "expected a file of type .jsonl, .json, .csv, .tsv, .parquet"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_one_line_with_the_file(tmp_path, name):
    content, message = BAD[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as error:
        read(tmp_path / name)
    assert str(tmp_path / name) in str(error.value) and message in str(error.value)
    assert "\n" not in str(error.value)


def messages(*turns):
    return [{"role": role, "content": content} for role, content in turns]


def test_messages_of_one_turn_are_prompt_and_completion(tmp_path):
    rows = [
        {
            "prompt": messages(("system", "Answer."), ("user", f"What is job {i}?")),
            "completion": messages(("assistant", job)),
            "sex": "male",
        }
        for i, job in enumerate(["driver", "mechanic"])
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = read(path, "prompt=prompt,completion=completion,group=sex")
    assert [row["prompt"] for row in found] == [f"Answer.\n\nWhat is job {i}?" for i in (0, 1)]
    assert [row["completion"] for row in found] == [" driver", " mechanic"]
    assert [row["label"] for row in found] == ["driver", "mechanic"]
    assert all("role" not in str(row) for row in found)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("prompt", ["a", "b"], "column prompt holds a list, expected text"),
        ("prompt", {"text": "a"}, "column prompt holds an object, expected text"),
        (
            "completion",
            messages(("user", "a"), ("assistant", "b")),
            "holds a conversation (user, assistant)",
        ),
        ("sex", ["male"], "column sex holds a list, expected text"),
        ("prompt", messages(("user", None)), "column prompt holds a list, expected text"),
        ("prompt", [], "column prompt is empty"),
    ],
)
def test_a_cell_that_is_no_text_is_never_pythons_print_of_it(tmp_path, column, value, message):
    row = {"prompt": "p", "completion": "c", "sex": "male"} | {column: value}
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row) + "\n")
    with pytest.raises(InputError, match=re.escape(message)) as error:
        read(path, "prompt=prompt,completion=completion,group=sex")
    assert f"{path}:1" in str(error.value)


def test_labels_that_differ_in_case_alone_are_one_in_the_commonest_spelling(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = [*ROWS, ROWS[0] | {"job": "Baker"}, ROWS[0] | {"job": " BAKER "}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    own = read_own(load_axis("gender"), str(path), parse_columns(COLUMNS))
    assert [row["label"] for row in own.rows] == ["baker", "baker", "cook", "baker", "baker"]
    assert own.rows[0]["options"] == ["baker", "cook"]
    assert own.respelt == {"Baker as baker": 1, "BAKER as baker": 1}
    assert "labels that differ in case alone are one: 1 rows with Baker as baker" in own.notes
