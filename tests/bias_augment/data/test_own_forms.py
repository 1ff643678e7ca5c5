"""Rows of anybody's in the forms that they come in; what cannot be read is one line."""

from __future__ import annotations

import gzip
import io
import json
import re

import pyarrow as pa
import pytest
from pyarrow import parquet

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
    "array.jsonl": json.dumps(ROWS).encode(),
    "packed-array.json.gz": gzip.compress(json.dumps(ROWS).encode()),
    "packed-unsaid.csv": gzip.compress(table(",").encode()),
    "utf32.csv": table(",").encode("utf-32"),
    "excel.csv": ("sep=;\r\n" + table(";")).encode(),
    "old-mac.csv": table(",").replace("\n", "\r").encode(),
    "spaced.csv": table(",").replace(",", ", ").encode(),
    "blank-lines.csv": (table(",").replace("\n", "\n,,\n\n")).encode(),
    "columns-more.csv": table(",").replace("\n", ",x,x\n").encode(),
    "numbered.ndjson": LINES.encode(),
    "windows.jsonl": LINES.replace("\n", "\r\n").encode(),
}


def read(path, columns=COLUMNS):
    return read_own(load_axis("gender"), str(path), parse_columns(columns)).rows


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_rows(tmp_path, name):
    (tmp_path / name).write_bytes(FORMS[name])
    rows = read(tmp_path / name)
    assert [row["text"] for row in rows] == [row["bio"] for row in ROWS]
    assert [row["label"] for row in rows] == ["baker", "baker", "cook"]


def test_quoted_cells_hold_line_breaks_separators_quotes_and_any_length(tmp_path):
    text = 'She said "so",\nand left; ' + "very " * 40_000
    for name, quoted in (
        ("doubled.csv", text.replace('"', '""')),
        ("escaped.csv", text.replace('"', '\\"')),
    ):
        path = tmp_path / name
        path.write_text(f'bio,sex,job\n"{quoted}",female,cook\nHe left.,male,baker\n')
        assert [row["text"] for row in read(path)] == [" ".join(text.split()), "He left."]


def test_a_line_of_json_ends_with_a_line_feed_alone(tmp_path):
    rows = [row | {"bio": f"She\u2028and\x85{i}"} for i, row in enumerate(ROWS)]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "rows.jsonl").write_text(lines, "utf-16")
    assert [row["text"] for row in read(tmp_path / "rows.jsonl")] == [
        f"She and {i}" for i in range(3)
    ]


@pytest.mark.parametrize("name", ["rows.parquet", "rows.parquet.gz"])
def test_parquet_with_a_dictionary_column(tmp_path, name):
    found = pa.Table.from_pylist(ROWS)
    found = found.set_column(1, "sex", found["sex"].dictionary_encode())
    stream = io.BytesIO()
    parquet.write_table(found, stream)
    packed = name.endswith(".gz")
    (tmp_path / name).write_bytes(gzip.compress(stream.getvalue()) if packed else stream.getvalue())
    rows = read(tmp_path / name)
    assert [row["text"] for row in rows] == [row["bio"] for row in ROWS]
    assert [row["group"]["gender"] for row in rows] == [row["sex"] for row in ROWS]


def test_what_datasets_saved_to_disk_is_read(tmp_path):
    from datasets import Dataset

    Dataset.from_list(ROWS).save_to_disk(tmp_path / "saved")
    assert len(read(tmp_path / "saved")) == 3


WHOLE = gzip.compress(table(",").encode())
BAD = {
    "header.csv": (b"bio,sex,job\n", "has no rows"),
    "empty.csv": (b"", "has no rows"),
    "empty.json": (b"[]", "has no rows"),
    "twice.csv": (b"bio,sex,job,bio\nHe.,male,cook,x\n", "bio stands twice in the header"),
    "open.csv": (b'bio,sex,job\n"He.,male,cook\n', "line 2: unexpected end of data"),
    "wide.csv": (b"bio,sex,job\nHe, so,male,cook\n", ":2: has 4 cells, and the header 3"),
    "narrow.csv": (b"bio;sex;job\nHe.,male,cook\n", ":2: has 1 cells, and the header 3"),
    "unmarked.csv": (table(",").encode("utf-16-le"), "iconv -f utf-16le -t utf-8"),
    "bent.csv.gz": (WHOLE[:20] + bytes(4) + WHOLE[24:], "is not a whole gzip file"),
    "comma.jsonl": (LINES.replace("}\n", "},\n").encode(), "a comma ends the line: remove it"),
    "trailing.json": (json.dumps(ROWS)[:-1].encode() + b",]", "is not valid JSON"),
    "deep.jsonl": (b"[" * 100_000, "is not valid JSON (maximum recursion depth"),
    "digits.jsonl": (b'{"bio": ' + b"9" * 5000 + b"}\n", "broken JSON line (Exceeds the limit"),
    "cp1252.jsonl": (LINES.encode("cp1252"), ":1: is not UTF-8; if it is an older Windows file"),
    "infinite.json": (b'[{"bio": Infinity, "sex": "male", "job": "a"}]', "bio holds Infinity"),
    "half.jsonl": (b'{"bio": "\\ud800", "sex": "male", "job": "a"}\n', "half a character"),
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


def test_numbers_and_truth_are_written_as_in_json(tmp_path):
    path = tmp_path / "rows.jsonl"
    for given, expected in (
        ([1, 2, 2], ["1", "2", "2"]),
        ([1.0, 0.5, 1.0], ["1", "0.5", "1"]),
        ([True, False, True], ["true", "false", "true"]),
    ):
        rows = [row | {"job": job} for row, job in zip(ROWS, given, strict=True)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        assert [row["label"] for row in read(path)] == expected


def test_a_yes_that_yaml_reads_as_true_names_the_cells_that_say_yes(tmp_path):
    (tmp_path / "rows.csv").write_text("bio,woman,job\nShe.,Yes,a\nHe.,no,b\nShe.,TRUE,a\n")
    (tmp_path / "map.yaml").write_text(
        "text: bio\ngroup: woman\nlabel: job\ngroups: {yes: female, no: male}\n"
    )
    rows = read(tmp_path / "rows.csv", str(tmp_path / "map.yaml"))
    assert [row["group"]["gender"] for row in rows] == ["female", "male", "female"]


def test_rows_that_cannot_be_used_are_counted_by_kind(tmp_path):
    odd = [
        {"bio": float("nan")},
        {"job": ["a"]},
        {"job": {"a": 1}},
        {"bio": "half \ud800"},
        {"job": "a\x1fb"},
        {"sex": "x"},
        {"bio": "bio", "sex": "sex", "job": "job"},
    ]
    lines = [json.dumps(row) for row in (*ROWS, *(ROWS[0] | each for each in odd))]
    lines += [json.dumps({"bio": "She."}), '{"bio": "cut']
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    own = read_own(
        load_axis("gender"), str(tmp_path / "rows.jsonl"), parse_columns(COLUMNS), skips=True
    )
    assert len(own.rows) == 3
    assert own.unread == {
        "an empty bio": 1,
        "a list in job": 1,
        "an object in job": 1,
        "half a character in bio": 1,
        "a control character in job": 1,
        "an unknown sex (x)": 1,
        "the header once more": 1,
        "no sex": 1,
        "a broken line": 1,
    }


def test_of_many_unknown_values_a_few_are_named(tmp_path):
    rows = [*ROWS, *(ROWS[0] | {"sex": f"x{i}"} for i in range(30))]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    own = read_own(
        load_axis("gender"), str(tmp_path / "rows.jsonl"), parse_columns(COLUMNS), skips=True
    )
    assert len(own.unread) == 6 and own.unread["an unknown sex (other values)"] == 25


def test_one_label_is_nothing_to_choose_from(tmp_path):
    rows = [row | {"job": job} for row, job in zip(ROWS, ("cook", "Cook", "cook"), strict=True)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match=r"the label 'cook' \(Cook as cook: they differ in case"):
        read(tmp_path / "rows.jsonl")


def test_an_id_that_is_no_column_is_told(tmp_path):
    (tmp_path / "rows.csv").write_text(table(","))
    with pytest.raises(InputError, match=r"column n is missing \(found: bio, sex, job\)"):
        read(tmp_path / "rows.csv", f"{COLUMNS},id=n")
