from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from bias_inherit.bias_augment.data import scan as scanning
from bias_inherit.bias_augment.data.scan import scan, schema_of
from bias_inherit.errors import InputError


def row(i, **more):
    return {
        "id": f"r{i}",
        "prompt": "Was?\nيا 😀\u2028",
        "completion": " c",
        "label": f"l{i % 2}",
        "group": {"gender": "male", "age": "old"},
        "origin": "original",
    } | more


def write(path, rows):
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), "utf-8")
    return path


def same(one, other):
    return all(
        np.array_equal(value, getattr(other, name))
        if isinstance(value, np.ndarray)
        else value == getattr(other, name)
        for name, value in vars(one).items()
    )


ORDINARY = {
    "plain": [row(i) for i in range(50)],
    "a column that comes late": [row(i, **({"note": "x"} if i > 30 else {})) for i in range(50)],
    "only empty lists at first": [row(i, cues=["he"] if i > 30 else []) for i in range(50)],
    "whole and broken numbers": [row(i, n=i if i < 30 else i / 2) for i in range(50)],
    "null everywhere": [row(i, note=None) for i in range(3)],
    "no groups": [row(i, group={}) for i in range(3)],
}


@pytest.mark.parametrize("rows", ORDINARY.values(), ids=ORDINARY)
def test_blocks_give_what_rows_give(rows, tmp_path, monkeypatch):
    monkeypatch.setattr(scanning, "BLOCK", 1000)
    path = write(tmp_path / "x.jsonl", rows)
    quick, slow = scanning._scan_blocks(path, "original"), scanning._scan_rows(path, "original")
    names = {field.name: field.type for field in quick.schema}
    assert names == {field.name: field.type for field in slow.schema}
    assert same(quick, replace(slow, schema=quick.schema))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_and_empty_lines_are_ordinary(end, tmp_path):
    lines = ["", json.dumps(row(0)), "", "", json.dumps(row(1)), "", ""]
    path = tmp_path / "x.jsonl"
    for content in (end.join(lines), end.join(lines[1:-2])):
        path.write_bytes(content.encode())
        quick, slow = scanning._scan_blocks(path, "original"), scanning._scan_rows(path, "original")
        assert same(quick, slow) and len(quick.ids) == 2


ODD = {
    "a line of spaces": json.dumps(row(0)) + "\n \n" + json.dumps(row(1)) + "\n",
    "a number as id": json.dumps(row(0) | {"id": 5}) + "\n",
    "a number as label": json.dumps(row(0) | {"label": 5}) + "\n",
    "a label that is null": json.dumps(row(0) | {"label": None}) + "\n",
    "a group more": json.dumps(row(0)) + "\n" + json.dumps(row(1, group={"gender": "male"})) + "\n",
    "a label that is a date": json.dumps(row(0, label="2000-01-01")),
    "a group that is a date": json.dumps(row(0, group={"born": "2000-01-01"})),
    "half a character elsewhere": json.dumps(row(0, note="\ud800")),
    "a doubled key": json.dumps(row(0))[:-1] + ', "label": "other"}',
    "a space before": " " + json.dumps(row(0)),
    "no common type": json.dumps(row(0, n=1)) + "\n" + json.dumps(row(1, n="1")) + "\n",
}


@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
def test_what_is_out_of_the_ordinary_is_read_exactly(content, tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text(content, "utf-8")
    assert scanning._scan_blocks(path, "original") is None
    part = scan(path, "original")
    rows = [json.loads(line) for line in content.splitlines() if line.strip()]
    assert part.ids == [str(r["id"]) for r in rows]
    assert part.strata[-1].startswith(f"{rows[-1]['label']}\x1f")
    raw = path.read_bytes()
    spans = zip(part.starts.tolist(), part.lengths.tolist(), strict=True)
    assert [json.loads(raw[start : start + length]) for start, length in spans] == rows


GOOD = json.dumps(row(0)).encode()
BAD = {
    "broken": (GOOD + b'\n{"id": \n', r"x\.jsonl:2: broken JSON line"),
    "latin-1": (GOOD + b"\n" + GOOD.replace(b"Was", b"\xff"), r"x\.jsonl:2: is not UTF-8"),
    "two on a line": (GOOD + GOOD, r"x\.jsonl:1: broken JSON line"),
    "one over two lines": (
        GOOD.replace(b'{"gender"', b'\n{"gender"') + b"\n" + GOOD + GOOD,
        r"x\.jsonl:1: broken JSON line",
    ),
    "no column": (
        b'{"id": "r0"}\n',
        r"x\.jsonl:1: column prompt, completion, label, group, origin",
    ),
    "one row lacks a column": (
        GOOD + b"\n" + GOOD.replace(b"completion", b"answer"),
        r"x\.jsonl:2: column completion is missing",
    ),
    "twice": (GOOD + b"\n\n" + GOOD, r"x\.jsonl:3: id 'r0' occurs twice \(first at .*x\.jsonl:1\)"),
    "other origin": (
        GOOD.replace(b"original", b"augmented"),
        "row 'r0' of the original data has the origin 'augmented'",
    ),
    "no origin": (GOOD.replace(b"original", b"real"), r"x\.jsonl:1: origin must be original or"),
    "no groups": (
        json.dumps(row(0, group="male")).encode(),
        r"x\.jsonl:1: group must be an object",
    ),
    "half a character": (
        json.dumps(row(0) | {"id": "\ud800"}).encode(),
        r"x\.jsonl:1: .* surrogate",
    ),
    "a prompt that is null": (
        json.dumps(row(0) | {"prompt": None}).encode(),
        r"x\.jsonl:1: column prompt holds null, expected text",
    ),
    "messages": (
        json.dumps(row(0) | {"completion": [{"role": "assistant", "content": "c"}]}).encode(),
        r"x\.jsonl:1: column completion holds a list, expected text: bring such rows in with",
    ),
    "NaN": (
        GOOD + b"\n" + json.dumps(row(1, score=float("nan"))).encode(),
        r"x\.jsonl:2: column score holds nan, which JSON does not have: write null",
    ),
    "nothing": (b"", r"x\.jsonl: has no rows"),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_a_mistake_is_named_with_file_and_line(content, message, tmp_path):
    (tmp_path / "x.jsonl").write_bytes(content)
    with pytest.raises(InputError, match=message):
        scan(tmp_path / "x.jsonl", "original")


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"x\.jsonl: no such file"):
        scan(tmp_path / "x.jsonl", "original")


def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is a pipe"):
        scan(tmp_path / "pipe", "original")


def test_columns_without_a_common_type_have_no_schema():
    assert schema_of([row(0, n=1), row(1, n="1")]) is None
    assert schema_of([row(0, n=10**30)]) is None
    kinds = {field.name: field.type for field in schema_of([row(0, n=1), row(1, n=0.5, m=[])])}
    assert kinds["n"] == pa.float64() and kinds["m"] == pa.list_(pa.null())
