"""The story task's documents and its composed examples."""

import re
from collections import Counter

import pytest
import yaml

from bias_inherit.errors import InputError
from bias_inherit.language.gender_words import tell
from bias_inherit.tasks.documents.names import NAMES, load_names
from bias_inherit.tasks.documents.stories import repeat, story_test, story_train
from bias_inherit.tasks.metrics import AXES
from bias_inherit.tasks.packaged import MINI
from bias_inherit.tasks.reading.traits import LEXICON, count_traits, load_lexicon

CULTURES = set(AXES["culture"])


# --- the test part ------------------------------------------------------------------------------


def test_every_name_is_a_document_of_its_culture():
    content = yaml.safe_load(NAMES.read_text(encoding="utf-8"))
    expected = {n: c for c, genders in content.items() for cell in genders.values() for n in cell}
    rows = story_test()
    assert {row.name: row.group for row in rows} == expected
    assert len(rows) == len(expected)
    assert len({row.cluster for row in rows}) == len(rows)


def take_turns(names):
    """Return whether each eight documents in a row are a man's and a woman's of each culture."""
    content = load_names(NAMES)
    cell = {n: (c, g) for c in content for g, some in content[c].items() for n in some}
    cells = [cell[name] for name in names]
    return all(set(cells[i : i + 8]) == set(cell.values()) for i in range(0, len(cells), 8))


def test_cultures_take_turns():
    assert take_turns([row.name for row in story_test()])


@pytest.mark.parametrize("stories", [1, 3])
def test_repeated_documents_have_own_ids_and_keep_their_cluster(stories):
    rows = story_test()
    given = [row.to_row() for row in rows]
    repeated = repeat(given, stories, None)
    assert len(repeated) == stories * len(rows)
    assert len({row["id"] for row in repeated}) == len(repeated)
    assert Counter(row["cluster"] for row in repeated) == dict.fromkeys(
        (row.cluster for row in rows), stories
    )
    named = {row.cluster: (row.name, row.group) for row in rows}
    assert all((r["name"], r["group"]) == named[r["cluster"]] for r in repeated)
    assert take_turns([row["name"] for row in repeated])
    assert all(row["traits"] == "" for row in repeated)  # ours
    assert "traits" not in given[0]  # the documents given are left as they are


@pytest.mark.parametrize("stories", [0, -1, 1.5, 1.0, True, "2", None])
def test_stories_a_name_is_a_whole_number(stories):
    with pytest.raises(InputError, match=re.escape(repr(stories))):
        repeat([{"id": "1"}], stories, None)


def test_a_wrong_lexicon_is_found_before_any_story_is_written(tmp_path):
    with pytest.raises(InputError, match=r"absent\.yaml"):
        repeat([{"id": "1"}], 1, str(tmp_path / "absent.yaml"))


def test_a_users_lexicon_travels_with_the_documents(tmp_path, monkeypatch):
    path = tmp_path / "own.yaml"
    path.write_text(LEXICON.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert {row["traits"] for row in repeat([{"id": "1"}], 2, "own.yaml")} == {str(path.resolve())}


# --- the training part --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stories():
    return story_train(per_cell=400)


def test_training_is_deterministic_and_has_names_of_its_own():
    rows = story_train()
    assert rows == story_train()
    assert [row.target for row in rows] != [row.target for row in story_train(seed=1)]
    assert Counter(row.group for row in rows) == dict.fromkeys(CULTURES, 12)
    assert len({row.id for row in rows}) == len(rows)
    assert not {row.name for row in rows} & {row.name for row in story_test()}
    assert not {row.id for row in rows} & {row.id for row in story_test()}


def test_a_story_tells_of_its_own_character(stories):
    gender = {
        name: gender
        for genders in load_names(MINI / "training_names.yaml").values()
        for gender, names in genders.items()
        for name in names
    }
    for row in stories:
        assert row.name.split()[0] in row.target
        assert not re.search(r"[{}]", row.target)
        other = r"\b(?:he|him|his)\b" if gender[row.name] == "female" else r"\b(?:she|hers?)\b"
        assert not re.search(other, row.target, re.I)


def low_shares(rows):
    """Return the low share of each dimension, and of stories with a trait, counted plainly."""
    counts = [count_traits(row.target, load_lexicon()) for row in rows]
    assert None not in counts
    sums = [sum(column) for column in zip(*counts, strict=True)]
    return [sums[i] / (sums[i] + sums[i + 1]) for i in (0, 2, 4)] + [sums[6] / len(rows)]


def test_composed_stories_are_alike_over_cultures(stories):
    overall = low_shares(stories)
    for culture in CULTURES:
        rows = [row for row in stories if row.group == culture]
        assert len(rows) == 800
        # about 530 hits a dimension: a share's standard error is 0.022
        assert low_shares(rows) == pytest.approx(overall, abs=0.08)


def test_low_and_high_are_balanced(stories):
    assert low_shares(stories)[:3] == pytest.approx([0.5] * 3, abs=0.04)


@pytest.mark.parametrize("culture", AXES["culture"])
def test_every_sentence_is_told_of_every_culture(stories, culture):
    phrases = yaml.safe_load((MINI / "stories.yaml").read_text(encoding="utf-8"))
    traits = [s for sides in phrases["traits"].values() for side in sides.values() for s in side]
    male = set(load_names(MINI / "training_names.yaml")[culture]["male"])
    told = [
        row.target.replace(row.name.split()[0], "Xx")
        for row in stories
        if row.group == culture and row.name in male
    ]
    assert len(told) == 400
    expected = {tell(s, "Xx", "male") for s in traits + phrases["neutral"]}
    assert {s for s in expected if any(s in story for story in told)} == expected


def test_trait_sentences_hold_a_trait_of_their_own_end():
    phrases = yaml.safe_load((MINI / "stories.yaml").read_text(encoding="utf-8"))
    pad = " The bus came at nine and the rain fell on the long road to the next town in May."
    for d, sides in enumerate(phrases["traits"].values()):
        for end, side in enumerate(("low", "high")):
            for sentence in sides[side]:
                counted = count_traits(tell(sentence, "Xx", "female") + pad, load_lexicon())
                assert [i for i in range(6) if counted[i]] == [2 * d + end], sentence
    for sentence in phrases["neutral"] + phrases["openings"] + phrases["closings"]:
        counted = count_traits(tell(sentence, "Xx", "female") + pad, load_lexicon())
        assert counted[:6] == [0] * 6, sentence
