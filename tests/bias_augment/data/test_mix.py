from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bias_inherit.bias_augment.data import mix as mixing
from bias_inherit.bias_augment.data.examples import cell_key
from bias_inherit.bias_augment.data.mix import (
    mix,
    mix_counts,
    mix_files,
    nested_order,
    parse_ratio,
    summarise,
)
from bias_inherit.errors import InputError
from bias_inherit.rows import Cell
from bias_inherit.store import stable_rank

SIZES = st.sampled_from(["original-fixed", "total-fixed"])
RATIOS = st.fractions(0, Fraction(9, 10), max_denominator=40)


def rows(n, origin, labels=3):
    return [
        {
            "id": f"{origin}-{i}",
            "prompt": "p",
            "completion": " c",
            "label": f"l{i % labels}",
            "group": {"gender": "male" if i % 2 else "female"},
            "origin": origin,
        }
        for i in range(n)
    ]


@pytest.mark.parametrize(
    ("n", "ratio", "augmented"),
    [(3420, "5%", 180), (3600, "10%", 400), (3600, "0.2", 900), (3600, "1/2", 3600), (7, "0", 0)],
)
def test_original_fixed_counts_are_exact(n, ratio, augmented):
    counts = mix_counts(n, parse_ratio(ratio), "original-fixed")
    assert (counts.original, counts.augmented) == (n, augmented)


@pytest.mark.parametrize("ratio", ["5%", "10%", "20%", "50%"])
def test_total_fixed_keeps_the_total(ratio):
    counts = mix_counts(3600, parse_ratio(ratio), "total-fixed")
    assert counts.original + counts.augmented == 3600
    assert counts.ratio == float(parse_ratio(ratio))


@pytest.mark.parametrize("text", ["1", "1.0", "-0.1", "100%", "1.5", "two", "1/0", ""])
def test_a_ratio_outside_its_range_is_refused(text):
    with pytest.raises(InputError, match="bias ratio"):
        parse_ratio(text)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 60),
    SIZES,
    RATIOS,
    st.integers(0, 5),
    st.randoms(use_true_random=False),
)
def test_mix_holds_its_promises(n, size, ratio, seed, random):
    original, augmented = rows(n, "original"), rows(20 * n + 20, "augmented")
    mixed = mix(original, augmented, ratio, size, seed)
    counts = mix_counts(n, ratio, size)
    assert Counter(r["origin"] for r in mixed) == +Counter(
        original=counts.original, augmented=counts.augmented
    )
    assert len({r["id"] for r in mixed}) == len(mixed)
    random.shuffle(original)
    random.shuffle(augmented)
    assert mix(original, augmented, ratio, size, seed) == mixed
    smaller = mix(original, augmented, ratio / 2, size, seed)
    inside = {r["id"] for r in mixed if r["origin"] == "augmented"}
    assert {r["id"] for r in smaller if r["origin"] == "augmented"} <= inside


def test_every_prefix_is_stratified():
    order = nested_order(rows(60, "augmented"), seed=3)
    for n in range(6, 61, 6):
        cells = Counter((r["label"], r["group"]["gender"]) for r in order[:n])
        assert max(cells.values()) - min(cells.values()) <= 1, n


def test_another_seed_takes_other_rows():
    augmented = rows(600, "augmented")
    taken = [
        {r["id"] for r in mix(rows(60, "original"), augmented, Fraction(1, 2), seed=seed)}
        for seed in (0, 1)
    ]
    assert taken[0] != taken[1]


def test_a_shortfall_is_named():
    with pytest.raises(InputError, match="needs 100 augmented rows, 40 more than the 60 there are"):
        mix(rows(100, "original"), rows(60, "augmented"), Fraction(1, 2))


def test_parts_must_be_what_they_are_called():
    with pytest.raises(InputError, match="of the augmented data has the origin 'original'"):
        mix(rows(4, "original"), rows(4, "original"), Fraction(1, 2))
    clash = [r | {"origin": "augmented"} for r in rows(4, "original")]
    with pytest.raises(InputError, match="is in the original and in the augmented data"):
        mix(rows(4, "original"), clash, Fraction(1, 2))


def _text(cell):
    return f"{cell.label}|{cell.groups_text}"


def exact_order(rows, seed):
    """The order in fractions, as plain as it can be said."""
    strata = defaultdict(list)
    for row in sorted(rows, key=lambda row: (stable_rank(seed, row["id"]), row["id"])):
        strata[cell_key(row)].append(row)
    text = {key: _text(Cell.from_key("original", key)) for key in strata}
    keyed = [
        ((Fraction(2 * i + 1, 2 * len(members)), stable_rank(seed, text[key]), text[key]), row)
        for key, members in strata.items()
        for i, row in enumerate(members)
    ]
    return [row for _, row in sorted(keyed, key=lambda entry: entry[0])]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 6), max_size=200), st.integers(0, 3))
def test_the_order_is_that_of_exact_fractions(labels, seed):
    made = [
        {"id": str(i), "label": label, "group": {"gender": "male"}}
        for i, label in enumerate(labels)
    ]
    assert nested_order(made, seed) == exact_order(made, seed)


def test_hashes_that_agree_leave_the_order_to_the_ids(monkeypatch):
    monkeypatch.setattr(mixing, "stable_rank", lambda seed, key: 7)
    made = rows(40, "original")
    order = nested_order(made, 0)
    assert nested_order(made[::-1], 0) == order
    first = [r["id"] for r in order if cell_key(r) == cell_key(made[0])]
    assert first == sorted(first) and len(first) > 2


TEXTS = st.text(st.sampled_from('aé中\u2028\u2029\x85\x0b\x1c\t\n\r"\\{}[]\U0001f600'), max_size=8)
EXTRAS = st.one_of(
    st.none(), TEXTS, st.integers(), st.lists(TEXTS, max_size=2), st.just({"id": "inner"})
)
LINES = st.fixed_dictionaries(
    {"label": TEXTS, "group": st.sampled_from(["male", "female"]), "prompt": TEXTS},
    optional={"cues": st.lists(TEXTS, max_size=2), "note": EXTRAS, "axis": st.just("gender")},
)
ENDS = st.sampled_from([b"\n", b"\n", b"\r\n", b"\n\n", b"\n \r\n"])


@st.composite
def files(draw, origin):
    """(rows, their lines, the bytes of the file): any content, line ends and blank lines."""
    made = [
        {"id": f"{origin}-{i}", "completion": " c", "origin": origin}
        | line
        | {"group": {"gender": line["group"]}}
        for i, line in enumerate(draw(st.lists(LINES, min_size=1, max_size=12)))
    ]
    is_ascii, dense = draw(st.booleans()), draw(st.booleans())
    separators = (",", ":") if dense else None
    lines = [json.dumps(row, ensure_ascii=is_ascii, separators=separators).encode() for row in made]
    end = draw(st.one_of(st.just(None), ENDS))
    ends = [end or draw(ENDS) for _ in lines]
    if draw(st.booleans()):
        ends[-1] = b""
    return made, lines, b"".join(map(bytes.__add__, lines, ends))


@settings(max_examples=150, deadline=None)
@given(files("original"), files("augmented"), SIZES, RATIOS, st.integers(0, 5), st.booleans())
def test_files_mix_as_their_rows_do_byte_for_byte(original, augmented, size, ratio, seed, small):
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        if small:
            patch.setattr("bias_inherit.bias_augment.data.scan.BLOCK", 100)
            patch.setattr(mixing, "_LINES", 2)
        o, a, out = (Path(folder) / name for name in ("o.jsonl", "a.jsonl", "out.jsonl"))
        o.write_bytes(original[2])
        a.write_bytes(augmented[2])
        try:
            mixed = mix(original[0], augmented[0], ratio, size, seed)
        except InputError as error:
            with pytest.raises(InputError) as caught:
                mix_files(o, a, ratio, size, seed, out)
            assert str(caught.value) == str(error) and not out.exists()
            return
        found = mix_files(o, a, ratio, size, seed, out)
        written = out.read_bytes()
        assert sorted(p.name for p in Path(folder).iterdir()) == ["a.jsonl", "o.jsonl", "out.jsonl"]
    raw = {
        row["id"]: line
        for part in (original, augmented)
        for row, line in zip(*part[:2], strict=True)
    }
    assert written == b"".join(raw[row["id"]] + b"\n" for row in mixed)
    assert found.sha256 == hashlib.sha256(written).hexdigest()
    assert found.cells == summarise(mixed)
    assert (found.counts.original, found.counts.augmented) == tuple(
        sum(row["origin"] == origin for row in mixed) for origin in ("original", "augmented")
    )


def test_ratio_0_of_files_needs_no_augmented_file(tmp_path):
    content = "".join(json.dumps(row) + "\n" for row in rows(9, "original"))
    (tmp_path / "o.jsonl").write_text(content)
    found = mix_files(
        tmp_path / "o.jsonl", None, Fraction(0), "original-fixed", 0, tmp_path / "out.jsonl"
    )
    assert sorted((tmp_path / "out.jsonl").read_text().splitlines()) == sorted(content.splitlines())
    assert list(found.parts) == ["original"]
