from __future__ import annotations

from collections import Counter

import pytest

from bias_inherit.bias_augment.axes import load_axis
from bias_inherit.bias_augment.examples import read_examples, stratum
from bias_inherit.bias_augment.originals import draw_original
from bias_inherit.errors import InputError
from bias_inherit.experiment import write_examples
from bias_inherit.tasks.mini_data import occupation_test
from bias_inherit.tasks.prepare import prepare_biographies


def test_mini_is_balanced_and_shares_no_text_with_the_test_part():
    rows = draw_original(load_axis("gender"), per_cell=5)
    assert set(Counter(stratum(r) for r in rows).values()) == {5} and len(rows) == 60
    assert not {r["text"] for r in rows} & {d["text"] for d in occupation_test()}


def test_prepared_rows_are_drawn_by_hash_and_capped(public_data, tmp_path):
    prepare_biographies(str(public_data / "bias_in_bios" / "sample.jsonl"), tmp_path)
    axis = load_axis("gender")
    rows = draw_original(axis, str(tmp_path), per_cell=3)
    assert max(Counter(stratum(r) for r in rows).values()) == 3
    assert {r["id"] for r in rows} < {r["id"] for r in draw_original(axis, str(tmp_path), 300)}
    assert all(r["id"].startswith("bios-") and r["origin"] == "original" for r in rows)


def test_absent_prepared_data_says_what_to_run(tmp_path):
    with pytest.raises(InputError, match="bias-inherit data prepare"):
        draw_original(load_axis("gender"), str(tmp_path))


def test_written_examples_are_read_back_whole(original, tmp_path):
    write_examples(tmp_path / "d.jsonl", original, {"kind": "original"})
    assert read_examples(tmp_path / "d.jsonl") == original
    broken = [*original, original[0]]
    write_examples(tmp_path / "e.jsonl", broken, {})
    with pytest.raises(InputError, match=r"e\.jsonl:49: id .* occurs twice \(first at .*:1\)"):
        read_examples(tmp_path / "e.jsonl")
    write_examples(tmp_path / "f.jsonl", [original[0] | {"origin": "real"}], {})
    with pytest.raises(InputError, match=r"f\.jsonl:1: origin must be original or augmented"):
        read_examples(tmp_path / "f.jsonl")
