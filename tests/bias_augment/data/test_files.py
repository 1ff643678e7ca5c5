from __future__ import annotations

import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from bias_inherit import store
from bias_inherit.bias_augment.data.examples import read_examples
from bias_inherit.bias_augment.data.files import (
    places,
    write_augmented,
    write_examples,
    write_mix,
)
from bias_inherit.bias_augment.data.mix import mix
from bias_inherit.bias_augment.writing.augment import Augmented
from bias_inherit.errors import InputError
from bias_inherit.manifests import SCHEMA, Original

BIN = Path(sys.executable).parent
SOURCES = [{"name": "ours", "licence": "Apache-2.0", "rows": 12}]
HALF, FIXED = Fraction(1, 2), "original-fixed"


def rows(n, origin, **more):
    return [
        {
            "id": f"{origin}-{i}",
            "prompt": "Wer?\u2028",
            "completion": " c",
            "axis": "gender",
            "group": {"gender": "male" if i % 2 else "female"},
            "label": f"l{i % 3}",
            "origin": origin,
            "generator": "template" if origin == "augmented" else "",
            "cues": [],
        }
        | more
        for i in range(n)
    ]


def write_parts(folder, suffix=""):
    """Write D_o and D_a, as files or as folders."""
    o, a = folder / f"o{suffix}", folder / f"a{suffix}"
    manifest = Original(axis="gender", seed=3, sources=SOURCES)
    write_examples(o, rows(12, "original"), manifest)
    rejected = [{"id": f"r{i}", "attempt": 0, "kind": "refusal", "reply": "No."} for i in range(2)]
    result = Augmented(rows(24, "augmented"), rejected, asked=26)
    write_augmented(a, result, "neutral", original=o, seed=4, sampling={"temperature": 0.7})
    return o, a


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("suffix", ["", ".jsonl"])
def test_parts_and_mixes_carry_what_is_known(tmp_path, suffix):
    o, a = write_parts(tmp_path, suffix)
    out = tmp_path / f"mix{suffix}"
    counts = write_mix(out, o, a, HALF, FIXED, 5)
    assert (counts.original, counts.augmented) == (12, 12)
    assert read_examples(out) == mix(read_examples(o), read_examples(a), HALF, FIXED, 5)
    first, second, mixed = (store.read_json(store.manifest_path(path)) for path in (o, a, out))
    assert all(m["schema"] == SCHEMA for m in (first, second, mixed))
    for path, manifest in ((o, first), (a, second), (out, mixed)):
        assert manifest["sha256"] == store.sha256(places(path).data)
        assert manifest["rows"] == sum(n for _, n in manifest["cells"])
    assert second["original_sha256"] == first["sha256"]
    assert {key: second[key] for key in ("axis", "bias_type", "generator", "sampling", "seed")} == {
        "axis": "gender",
        "bias_type": "neutral",
        "generator": "template",
        "sampling": {"temperature": 0.7},
        "seed": 4,
    }
    assert (second["asked"], second["failed"], second["sources"]) == (26, {"refusal": 2}, SOURCES)
    assert (mixed["ratio"], mixed["ratio_exact"], mixed["size"], mixed["seed"]) == (
        0.5,
        "1/2",
        FIXED,
        5,
    )
    assert mixed["counts"] == {"original": 12, "augmented": 12, "total": 24}
    for name, manifest in (("original", first), ("augmented", second)):
        assert mixed["parts"][name] == {k: v for k, v in manifest.items() if k != "features"}
    assert mixed["sources"] == [{"name": "ours", "licence": "Apache-2.0"}]


def test_a_file_has_manifest_and_card_beside_it_and_a_folder_inside(tmp_path):
    write_examples(tmp_path / "f" / "x.jsonl", rows(3, "original"), Original())
    write_examples(tmp_path / "g" / "x", rows(3, "original"), Original())
    assert names(tmp_path / "f") == ["x.README.md", "x.jsonl", "x.manifest.json"]
    assert names(tmp_path / "g") == ["x"]
    assert names(tmp_path / "g" / "x") == ["README.md", "bias_inherit.json", "train.jsonl"]
    assert "# Original data" in (tmp_path / "g" / "x" / "README.md").read_text()


def test_a_manifest_counts_only_for_the_file_that_it_describes(tmp_path):
    o, a = write_parts(tmp_path, ".jsonl")
    changed = rows(12, "original", label="other")
    o.write_text("".join(json.dumps(row) + "\n" for row in changed))
    (tmp_path / "a.manifest.json").write_text(
        json.dumps({"kind": "augmented", "sha256": store.sha256(a)})  # an older one: few keys
    )
    write_mix(tmp_path / "mix", o, a, HALF, FIXED, 0)
    manifest = store.read_json(store.manifest_path(tmp_path / "mix"))
    part = manifest["parts"]["original"]
    assert (part["sha256"], part["rows"], part["cells"]) == (store.sha256(o), 12, [])
    assert manifest["sources"] == []
    assert "unknown" in (tmp_path / "mix" / "README.md").read_text()


def test_the_unused_part_of_a_mix_is_not_named(tmp_path):
    o, a = write_parts(tmp_path)
    write_mix(tmp_path / "r0", o, a, Fraction(0), FIXED, 0)
    assert list(store.read_json(store.manifest_path(tmp_path / "r0"))["parts"]) == ["original"]


def test_a_folder_that_others_wrote_is_kept(tmp_path):
    o, a = write_parts(tmp_path)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "train.jsonl").write_text("years of work")
    before = names(tmp_path)
    with pytest.raises(InputError, match="was not written by bias-inherit"):
        write_mix(tmp_path / "thesis", o, a, HALF, FIXED, 0)
    with pytest.raises(InputError, match="24 more than the 24 there are"):
        write_mix(tmp_path / "new", o, a, Fraction(4, 5), FIXED, 0)
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / store.MANIFEST).write_text('{"kind": "adapter"}')
    with pytest.raises(InputError, match="holds an output of the kind 'adapter'"):
        write_mix(tmp_path / "adapter", o, a, HALF, FIXED, 0)
    assert names(tmp_path) == sorted([*before, "adapter"])
    assert (tmp_path / "thesis" / "train.jsonl").read_text() == "years of work"
    write_mix(tmp_path / "mine", o, a, HALF, FIXED, 0)
    write_mix(tmp_path / "mine", o, None, Fraction(0), FIXED, 0)
    assert len(read_examples(tmp_path / "mine")) == 12


LATE = {
    "lists": ({"cues": []}, {"cues": ["he"]}),
    "strings": ({"note": None}, {"note": "seen"}),
    "columns": ({}, {"note": {"by": ["me"]}}),
    "groups": ({}, {"group": {"gender": "male", "age": "old"}}),
    "numbers": ({"scores": [1]}, {"scores": [0.5]}),
}


@pytest.mark.parametrize(("early", "late"), LATE.values(), ids=LATE)
def test_datasets_loads_a_mix_whatever_comes_late(tmp_path, early, late):
    """Its first block has 10 MB: there the columns look empty, or are not there."""
    from datasets import Features, load_dataset

    wide = {"text": "x" * 200_000}
    parts = {"original": early, "augmented": late}
    for origin, more in parts.items():
        write_examples(tmp_path / origin, rows(60, origin, **(wide | more)), Original())
    paths = (tmp_path / "original", tmp_path / "augmented")
    for out in ("folder", "file.jsonl"):
        write_mix(tmp_path / out, *paths, HALF, FIXED, 0)
    expected = read_examples(tmp_path / "folder")
    columns = {key for row in expected for key in row}
    features = Features.from_dict(store.read_json(tmp_path / "file.manifest.json")["features"])
    cache = str(tmp_path / "cache")
    loaded = (
        load_dataset(str(tmp_path / "folder"), split="train", cache_dir=cache),
        load_dataset(
            "json",
            data_files=str(tmp_path / "file.jsonl"),
            features=features,
            split="train",
            cache_dir=cache,
        ),
    )
    for data in loaded:
        assert data.features == features and set(data.features) == columns
        for place in (0, 119):
            found, row = data[place], expected[place]
            for name in columns:
                assert plain(found[name]) == plain(row.get(name)), name


def plain(value):
    """A struct without the keys that are null: `datasets` gives each row all keys."""
    return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value


def command(*words, cwd):
    return subprocess.run(
        [BIN / "bias-inherit", *map(str, words)],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=os.environ,
    )


@pytest.mark.parametrize("suffix", ["", ".jsonl"])
def test_the_command_takes_and_writes_files_and_folders(tmp_path, suffix):
    o, a = write_parts(tmp_path, suffix)
    words = ["--original", o.name, "--augmented", a.name, "--ratio", "1/4", "--seed", "2"]
    done = command("mix", *words, "--out", f"m{suffix}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == f"16 rows in m{suffix}: 12 original, 4 augmented\n"
    found = read_examples(tmp_path / f"m{suffix}")
    assert found == mix(read_examples(o), read_examples(a), Fraction(1, 4), seed=2)
    assert "4 / 16 = 25 %" in places(tmp_path / f"m{suffix}").card.read_text()


def test_the_command_says_what_is_wrong_in_one_line_and_writes_nothing(tmp_path):
    _, a = write_parts(tmp_path, ".jsonl")
    with a.open("a") as stream:
        stream.write('{"id": \n')
    before = names(tmp_path)
    words = ["--original", "o.jsonl", "--augmented", "a.jsonl", "--ratio", "50%"]
    for out in ("m", "m.jsonl"):
        done = command("mix", *words, "--out", out, cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith("error: a.jsonl:25: broken JSON line")
        assert done.stderr.count("\n") == 1
    assert names(tmp_path) == before
