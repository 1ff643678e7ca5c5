"""The hiring task's panels, and the names lists that they are made of."""

from collections import Counter, defaultdict
from itertools import pairwise

import pytest
import yaml

from bias_inherit.errors import InputError
from bias_inherit.tasks.documents.hiring import hiring_test, hiring_train
from bias_inherit.tasks.documents.names import NAMES, load_names
from bias_inherit.tasks.documents.orders import balanced_orders
from bias_inherit.tasks.metrics import AXES, CANDIDATES
from bias_inherit.tasks.packaged import MINI

GROUPS = [(culture, gender) for culture in AXES["culture"] for gender in AXES["gender"]]
EIGHT = list(range(8))


# --- orders -------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 4, 6, 8])
def test_orders_are_a_balanced_latin_square(n):
    orders = balanced_orders(n)
    everyone = list(range(n))
    assert [sorted(order) for order in orders] == [everyone] * n
    assert [sorted(place) for place in zip(*orders, strict=True)] == [everyone] * n
    neighbours = [pair for order in orders for pair in pairwise(order)]
    assert sorted(neighbours) == [(a, b) for a in everyone for b in everyone if a != b]


# --- the test part ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def panels():
    found = defaultdict(list)
    for doc in hiring_test():
        found[doc.cluster].append(doc)
    return found


def cells(path):
    """Return name -> candidate, by a plain reading of the file."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: f"{c}_{g}" for c, g in GROUPS for name in content[c][g]}


def test_panels_are_many_and_whole(panels):
    assert len(panels) >= 20
    for docs in panels.values():
        assert len(docs) == 8
        assert len({tuple(doc.order) for doc in docs}) == 8
        assert len({frozenset(doc.names) for doc in docs}) == 1
        assert len({(doc.job, doc.qualification) for doc in docs}) == 1
    ids = [doc.id for docs in panels.values() for doc in docs]
    assert len(set(ids)) == len(ids)


def test_every_candidate_stands_at_every_place_equally_often(panels):
    at = Counter(
        (candidate, place)
        for docs in panels.values()
        for doc in docs
        for place, candidate in enumerate(doc.order)
    )
    assert at == dict.fromkeys([(c, p) for c in EIGHT for p in EIGHT], len(panels))


def test_a_name_at_a_place_is_of_the_candidate_in_the_order(panels):
    belongs = cells(NAMES)
    for docs in panels.values():
        for doc in docs:
            found = [belongs[name] for name in doc.names]
            assert found == [CANDIDATES[candidate] for candidate in doc.order]


def test_no_name_is_in_two_panels(panels):
    used = Counter(name for docs in panels.values() for name in docs[0].names)
    assert set(used.values()) == {1}


def test_occupations_are_several_and_evenly_used(panels):
    jobs = Counter(docs[0].job for docs in panels.values())
    assert len(jobs) >= 8
    assert max(jobs.values()) - min(jobs.values()) <= 1
    by_job = {(docs[0].job, docs[0].qualification) for docs in panels.values()}
    assert len(by_job) == len(jobs)


# --- the training part --------------------------------------------------------------------------


def test_training_shares_no_name_and_no_job_with_the_test(panels):
    tests = [doc for docs in panels.values() for doc in docs]
    train = hiring_train()
    for key in ("job", "qualification", "id", "cluster"):
        assert not {getattr(doc, key) for doc in train} & {getattr(doc, key) for doc in tests}
    assert not {n for doc in train for n in doc.names} & {n for d in tests for n in d.names}


@pytest.mark.parametrize("culture", AXES["culture"])
def test_training_names_share_no_part_with_the_test_names_of_the_culture(culture):
    parts = []
    for path in (NAMES, MINI / "training_names.yaml"):
        names = [name for gender in load_names(path)[culture].values() for name in gender]
        parts.append({part for name in names for part in name.split()})
    assert not parts[0] & parts[1]


def test_training_is_deterministic_and_teaches_no_one():
    rows = hiring_train(panels=300, seed=1)
    assert rows == hiring_train(panels=300, seed=1)
    assert rows != hiring_train(panels=300, seed=2)
    assert all(sorted(row.order) == EIGHT for row in rows)
    belongs = cells(MINI / "training_names.yaml")
    for row in rows[:80]:
        assert [belongs[n] for n in row.names] == [CANDIDATES[c] for c in row.order]
    for chosen in (
        Counter(row.gold for row in rows),
        Counter(row.order[row.gold] for row in rows),
    ):
        # 2,400 rows: a share of 1/8 has a standard error of 0.007
        assert [chosen[i] / len(rows) for i in EIGHT] == pytest.approx([1 / 8] * 8, abs=0.03)


# --- names lists --------------------------------------------------------------------------------


def lists(many=2):
    return {
        culture: {
            gender: [f"{culture.title()} {gender.title()}{i}" for i in range(many)]
            for gender in AXES["gender"]
        }
        for culture in AXES["culture"]
    }


def write(tmp_path, content):
    path = tmp_path / "own.yaml"
    text = content if isinstance(content, str) else yaml.safe_dump(content)
    path.write_text(text, encoding="utf-8")
    return path


def test_own_names_make_as_many_panels_as_the_shortest_group_has_names(tmp_path):
    content = lists(3)
    content["chinese"]["female"] = ["Only One", "And Two"]
    docs = hiring_test(write(tmp_path, content))
    assert len(docs) == 2 * 8
    assert {name for doc in docs for name in doc.names} == {
        name for genders in content.values() for cell in genders.values() for name in cell[:2]
    }


def without(culture, gender=None):
    content = lists()
    if gender:
        del content[culture][gender]
    else:
        del content[culture]
    return content


def with_cell(cell, culture="spanish", gender="female"):
    content = lists()
    content[culture][gender] = cell
    return content


BAD = {
    "no gender": (without("spanish", "female"), ["spanish, female"]),
    "no culture": (without("portuguese"), ["portuguese, male"]),
    "empty": (with_cell([]), ["spanish, female"]),
    "null": (with_cell(None), ["spanish, female"]),
    "one text": (with_cell("Ana Paz"), ["spanish, female"]),
    "blank name": (with_cell(["Ana Paz", " "]), ["spanish, female"]),
    "number": (with_cell(["Ana Paz", 7]), ["7", "spanish, female"]),
    "two groups": (
        with_cell(["Arabic Male0"]),
        ["Arabic Male0", "arabic, male", "spanish, female"],
    ),
    "twice in a group": (with_cell(["Ana Paz", "Ana Paz"]), ["Ana Paz", "spanish, female"]),
    "unknown culture": (lists() | {"klingon": {"male": ["Worf Mogh"]}}, ["klingon"]),
    "unknown gender": (with_cell(["Alex Paz"], gender="other"), ["other"]),
    "culture is a list": (lists() | {"chinese": ["Li Na"]}, ["chinese, male"]),
    "a list": (["Ana Paz"], ["arabic, male"]),
    "nothing": ("", ["arabic, male"]),
    "no YAML": ("arabic: [Omar", ["readable"]),
}


@pytest.mark.parametrize(("content", "named"), BAD.values(), ids=BAD)
def test_a_bad_names_list_is_an_error_that_names_file_and_group(tmp_path, content, named):
    path = write(tmp_path, content)
    with pytest.raises(InputError) as caught:
        hiring_test(path)
    for part in [str(path), *named]:
        assert part in str(caught.value)


def test_absent_or_binary_names_list(tmp_path):
    with pytest.raises(InputError, match=r"absent\.yaml"):
        load_names(tmp_path / "absent.yaml")
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe\x00arabic")
    with pytest.raises(InputError, match=r"binary\.yaml"):
        load_names(path)
