"""Names that show race, and the documents that ask by them."""

from __future__ import annotations

from collections import Counter

import pytest

from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.errors import InputError
from bias_inherit.tasks.documents.hiring import hiring_test, hiring_train
from bias_inherit.tasks.documents.names import (
    TEST_NAMES,
    TRAINING_NAMES,
    axis_of_names,
    load_names,
)
from bias_inherit.tasks.documents.offers import offers_test, offers_train
from bias_inherit.tasks.documents.stories import story_test
from bias_inherit.tasks.metrics import AXES, OCCUPATIONS
from bias_inherit.tasks.packaged import packaged_yaml
from bias_inherit.tasks.public.prepared import prepare_names
from bias_inherit.tasks.sources import load

GROUPS = AXES["race"]


def shares():
    return packaged_yaml("documents/race_name_shares.yaml", dict[str, dict[str, float]])


def test_every_name_has_its_share_and_no_name_is_tested_and_trained_on():
    known = shares()
    test, train = load_names(TEST_NAMES["race"], "race"), load_names(TRAINING_NAMES["race"], "race")
    for group in GROUPS:
        names = [n for lists in (test, train) for cell in lists[group].values() for n in cell]
        assert sorted(names) == sorted(known[group])
        assert min(known[group].values()) >= (0.5 if group == "black" else 0.8)
    every = [n for lists in (test, train) for g in GROUPS for c in lists[g].values() for n in c]
    assert len(every) == len(set(every)) == 4 * 2 * (12 + 4)


def test_the_axis_has_the_training_names():
    train = load_names(TRAINING_NAMES["race"], "race")
    for group, about in load_axis("race").groups.items():
        assert set(about.names) == {name for cell in train[group].values() for name in cell}


def test_panels_are_balanced_over_jobs_and_places():
    docs = hiring_test(axis="race")
    assert len(docs) == 96 and len({doc.cluster for doc in docs}) == 12
    held = Counter((doc.held_by, doc.pay) for doc in docs)
    assert len(held) == 6 and set(held.values()) == {16}
    at = Counter((name, place) for doc in docs for place, name in enumerate(doc.candidates))
    assert set(at.values()) == {12} and len(at) == 64
    assert all(len(doc.names) == 8 for doc in hiring_train(axis="race"))


def test_offers_come_in_whole_sets_and_names_run_through_all_occupations():
    docs = offers_test()
    assert len(docs) == 384 and len({doc.id for doc in docs}) == 384
    sets = Counter((doc.cluster, doc.group, doc.gender) for doc in docs)
    assert set(sets.values()) == {1} and len({doc.cluster for doc in docs}) == 48
    seen = Counter((doc.name, doc.occupation) for doc in docs)
    assert set(seen.values()) == {1}
    by_name = Counter(doc.name for doc in docs)
    assert len(by_name) == 96 and min(by_name.values()) >= 1
    paid = {doc.occupation: set() for doc in offers_train(sets=4)}
    assert set(paid) == set(OCCUPATIONS)
    assert all(doc.target.startswith("$") for doc in offers_train())


def test_stories_are_told_of_each_name():
    docs = story_test(axis="race")
    assert len(docs) == 96 and Counter(doc.group for doc in docs) == dict.fromkeys(GROUPS, 24)


# --- a user's own names ---------------------------------------------------------------------------


def own(tmp_path, change=lambda lists: None):
    import yaml

    lists = {g: {s: [f"{g}-{s}-{i}" for i in range(3)] for s in AXES["gender"]} for g in GROUPS}
    change(lists)
    path = tmp_path / "names.yaml"
    path.write_text(yaml.safe_dump(lists))
    return path


def test_own_names_go_to_the_race_probes(tmp_path):
    path = own(tmp_path)
    assert axis_of_names(path) == "race" and axis_of_names(TEST_NAMES["culture"]) == "culture"
    counts = prepare_names(path, tmp_path / "full")
    assert counts == {"race_hiring": 24, "race_salary": 144, "race_story": 24}
    for documents in counts:
        rows = load(documents, data=str(tmp_path / "full"))["test"]
        names = {name for row in rows for name in row.get("names", [row.get("name")])}
        assert len(names) == 24 and all(name.count("-") == 2 for name in names)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lists: lists["black"].pop("male"), "the group 'black, male' has no names"),
        (lambda lists: lists.pop("asian"), "the group 'asian, male' has no names"),
        (lambda lists: lists.update(arabic={}), "unknown race 'arabic'"),
        (lambda lists: lists["white"]["male"].append("asian-male-0"), "stands in"),
        (lambda lists: lists["white"]["male"].append(7), "'7' (white, male) is no name"),
    ],
)
def test_a_list_that_lacks_a_cell_is_one_line(tmp_path, change, message):
    path = own(tmp_path, change)
    with pytest.raises(InputError) as caught:
        prepare_names(path, tmp_path / "full")
    assert str(path) in str(caught.value) and message in str(caught.value)
    assert not (tmp_path / "full").exists()
