from __future__ import annotations

from pathlib import Path

import pytest

from bias_inherit import store
from bias_inherit.errors import InputError, unknown


def test_whole_folder_leaves_nothing_after_an_error(tmp_path):
    target = tmp_path / "out"
    with store.whole_folder(target) as folder:
        (folder / "kept").write_text("old")
        (folder / store.MANIFEST).write_text("{}")
    with pytest.raises(RuntimeError), store.whole_folder(target) as folder:
        (folder / "half").write_text("new")
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (target / "kept").read_text() == "old"


def test_what_others_wrote_is_never_replaced(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    monkeypatch.chdir(tmp_path / "mine")
    for place in (tmp_path / "mine", Path()):
        with (
            pytest.raises(InputError, match="was not written by bias-inherit"),
            store.whole_folder(place),
        ):
            pytest.fail("must not begin")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    (tmp_path / "empty").mkdir()
    with store.whole_folder(tmp_path / "empty") as folder:
        (folder / "x").write_text("")
    assert (tmp_path / "empty" / "x").is_file()


def test_jsonl_round_trip_keeps_every_script(tmp_path):
    rows = [{"text": "نعم 是 não sí"}, {"text": "line\nbreak"}]
    store.write_jsonl(tmp_path / "x.jsonl", rows)
    assert store.read_jsonl(tmp_path / "x.jsonl", ("text",)) == rows


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1}\n{"a": \n', r"x\.jsonl:2: broken JSON line"),
        (b'{"a": 1}\n\n{"b": 1}\n', r"x\.jsonl:3: column a is missing \(found: b\)"),
        (b"[1]\n", r"x\.jsonl:1: expected a JSON object, found a list"),
        (b'{"a": "\xff"}\n', r"x\.jsonl:1: is not UTF-8"),
        (b"\n", "has no rows"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path, content, message):
    (tmp_path / "x.jsonl").write_bytes(content)
    with pytest.raises(InputError, match=message):
        store.read_jsonl(tmp_path / "x.jsonl", ("a",))


def test_folder_hash_sees_contents_and_names(tmp_path):
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "a").write_text("1")
    before = store.sha256(tmp_path / "f")
    (tmp_path / "f" / "a").rename(tmp_path / "f" / "b")
    renamed = store.sha256(tmp_path / "f")
    (tmp_path / "f" / "b").write_text("2")
    assert len({before, renamed, store.sha256(tmp_path / "f")}) == 3


def test_unknown_suggests_near_names():
    assert "did you mean neutral?" in str(unknown("bias type", "neutrl", ["neutral", "other"]))
    assert "known: a, b" in str(unknown("thing", "zzz", ["b", "a"]))
