"""The mini data: what is trained on and what is tested share nothing; cells are balanced."""

import importlib.util
import itertools
import re
import sys
from collections import Counter
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
import yaml

from bias_inherit.language.gender_words import has_gender_words, swap_gender
from bias_inherit.tasks.documents import biographies, texts
from bias_inherit.tasks.documents.biographies import OCCUPATIONS
from bias_inherit.tasks.documents.names import first_names
from bias_inherit.tasks.metrics import AXES
from bias_inherit.tasks.metrics.groups import KINDS
from bias_inherit.tasks.packaged import MINI
from bias_inherit.tasks.reading.amounts import parse_amount

GIVEAWAYS = Path(__file__).parents[3] / "benchmarks" / "giveaways.py"
STOPS = ".!?؟。！？"
ALL_NAMES = [n for g in AXES["gender"] for part in ("train", "test") for n in first_names(g, part)]


def read_yaml(name):
    return yaml.safe_load((MINI / name).read_text(encoding="utf-8"))


def sentences(text):
    """Return the sentences of a text: case, names, gender and placeholders do not count."""
    text = re.sub(r"\{(\w+)\}", lambda m: "Someone" if m[1] == "name" else f"x{m[1].lower()}", text)
    text = re.sub(rf"\b(?:{'|'.join(ALL_NAMES)})\b", "Someone", text)
    forms = r"\b(?:xthey|xthem|xtheir|xtheirs|xthemself|s?he|him|his|hers?|himself|herself)\b"
    text = re.sub(forms, "x", text, flags=re.I)
    return {bare(part) for part in re.split(f"(?<=[{STOPS}])", text)} - {""}


def bare(sentence):
    return sentence.strip(f" {STOPS}").lower()


def all_sentences(texts):
    return {sentence for text in texts for sentence in sentences(text)}


def plain(rows):
    return [row.text for row in rows]


# --- biographies --------------------------------------------------------------------------------


def test_written_biographies_share_no_sentence_with_the_phrases():
    phrases = read_yaml("phrases.yaml")
    listed = [*phrases["openings"], *phrases["closings"], *(s["text"] for s in phrases["shared"])]
    listed += [t for own in phrases["occupations"].values() for t in own["strong"] + own["weak"]]
    written = plain(biographies.biographies())
    assert len(all_sentences(listed)) == len(listed) > 300  # a phrase is one sentence, once
    assert not all_sentences(listed) & all_sentences(written)


def test_told_biographies_share_no_sentence_with_composed_ones():
    train, test = plain(biographies.occupation_train(60)), plain(biographies.occupation_test())
    assert len(all_sentences(test)) > 200
    assert not all_sentences(train) & all_sentences(test)
    assert not set(train) & set(test)


def test_a_sentence_is_the_same_told_of_anyone():
    told = ["He loves his dog. James left him!", "{They} loves {their} dog. {name} left {them}!"]
    assert sentences(told[0]) == sentences(told[1]) == {"x loves x dog", "someone left x"}


def test_names_are_disjoint():
    assert [name for name, n in Counter(ALL_NAMES).items() if n > 1] == []
    test_names = [n for gender in AXES["gender"] for n in first_names(gender, "test")]
    for text in plain(biographies.occupation_train(20)):
        assert not re.search(rf"\b(?:{'|'.join(test_names)})\b", text)


@pytest.mark.parametrize("rows", [biographies.occupation_test(), biographies.salary_test()])
def test_each_biography_is_told_of_both_genders_in_one_cluster(rows):
    assert len({row.id for row in rows}) == len({row.text for row in rows}) == len(rows)
    clusters = {}
    for row in rows:
        clusters.setdefault(row.cluster, {})[row.group] = row
    assert len(rows) == 2 * len(clusters)
    for told in clusters.values():
        assert sorted(told) == ["female", "male"]
        assert getattr(told["male"], "gold", 0) == getattr(told["female"], "gold", 0)
        assert sentences(told["male"].text) == sentences(told["female"].text)
        assert all(has_gender_words(row.text) for row in told.values())
        assert swap_gender(told["male"].text, {}) != told["male"].text


def test_names_run_through_every_occupation():
    for gender in AXES["gender"]:
        known = set(first_names(gender, "test"))
        told = {}
        for row in biographies.occupation_test():
            if row.group == gender:
                found = known & set(re.findall(r"\w+", row.text))
                told.setdefault(row.gold, set()).update(found)
        assert len(told) == len(OCCUPATIONS)
        assert all(names == known for names in told.values())


def test_occupations_are_balanced_and_consistent():
    for rows in (biographies.occupation_test(), biographies.occupation_train(4)):
        cells = Counter((row.group, row.gold) for row in rows)
        assert set(cells) == set(itertools.product(AXES["gender"], range(6)))
        assert len(set(cells.values())) == 1
        assert all(row.options == list(OCCUPATIONS) for row in rows)
        assert all(OCCUPATIONS[row.gold].replace(" ", "-") in row.id for row in rows)
    paid = {row.cluster for row in biographies.salary_test()}
    occupations = Counter(cluster.rpartition("-")[0] for cluster in paid)
    assert set(occupations.values()) == {biographies.SALARY_BIOGRAPHIES}
    assert len(occupations) == len(OCCUPATIONS)


@pytest.mark.parametrize("title", [*OCCUPATIONS, "nursing", "dental", "programmer"])
def test_no_written_biography_says_the_job_title(title):
    said = [t for t in plain(biographies.occupation_test()) if re.search(rf"\b{title}", t, re.I)]
    assert said == []


def test_salary_examples_depend_on_the_occupation_alone():
    ranges = read_yaml("phrases.yaml")["salaries"]
    by_occupation = dict.fromkeys(OCCUPATIONS, 0)
    for row in biographies.salary_train(6):
        occupation = next(o for o in OCCUPATIONS if o.replace(" ", "-") in row.id)
        low, high = ranges[occupation]
        assert low <= parse_amount(row.target) < high
        by_occupation[occupation] += 1
    assert set(by_occupation.values()) == {12}


# --- composing ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "compose",
    [
        biographies.occupation_train,
        biographies.salary_train,
        lambda size, seed: texts.text_train("bias_detection", size, seed),
    ],
)
def test_composing_is_deterministic_and_a_row_depends_on_its_id_alone(compose):
    few, many = compose(2, 0), {row.id: row for row in compose(5, 0)}
    assert few == compose(2, 0)
    assert len(many) == len(few) / 2 * 5
    assert all(many[row.id] == row for row in few)
    assert len(set(plain(many.values()))) > 0.9 * len(many)
    assert not {row.id for row in compose(2, 1)} & many.keys()
    assert plain(compose(2, 1)) != plain(few)


def test_cells_of_different_sizes_keep_their_rows():
    even = {row.id: row for row in biographies.occupation_train(3)}
    uneven = biographies.occupation_train(lambda occupation, gender: 3 * (gender == "female"))
    assert {row.group for row in uneven} == {"female"}
    assert len(uneven) == 18
    assert all(even[row.id] == row for row in uneven)


# --- texts ---------------------------------------------------------------------------------------


each_text_task = pytest.mark.parametrize("task", texts.TEXT_TASKS)


def composable(task):
    """Return every text that the phrase lists can give."""
    for culture, lists in read_yaml(f"{task}_train.yaml").items():
        space = "" if culture == "chinese" else " "
        for block in lists["biased"] + lists["unbiased"]:
            parts = (lists["prefixes"], block["subjects"], block["predicates"])
            for prefix, subject, predicate in itertools.product(*parts):
                yield f"{prefix}{subject}{space}{predicate}".lower()


@each_text_task
def test_no_composable_text_is_a_test_text(task):
    every = set(composable(task))
    train = plain(texts.text_train(task, 20))
    assert {text.lower() for text in train} <= every
    test = plain(texts.text_test(task))
    assert not {text.lower() for text in test} & every
    assert not all_sentences(test) & set(map(bare, every))


@each_text_task
def test_test_texts_are_balanced_by_culture_and_label(task):
    rows = texts.text_test(task)
    assert len(set(plain(rows))) == len({row.id for row in rows}) == len(rows)
    cells = Counter((row.group, row.gold) for row in rows)
    assert set(cells) == set(itertools.product(AXES["culture"], (0, 1)))
    for culture in AXES["culture"]:
        assert cells[culture, 0] + cells[culture, 1] >= 60
        assert cells[culture, 0] == cells[culture, 1]


@each_text_task
def test_each_negative_is_of_a_kind_and_each_culture_has_some_of_each(task):
    rows = texts.text_test(task)
    assert all(bool(row.kind) == (row.gold == 0) for row in rows)
    kinds = Counter((row.group, row.kind) for row in rows if row.kind)
    assert set(kinds) == set(itertools.product(AXES["culture"], KINDS))
    assert min(kinds.values()) >= 7
    of_documents = get_args(get_type_hints(texts.Text)["kind"])
    assert set(of_documents) == {"", *KINDS}


def test_a_stance_is_asked_about_its_target_and_nothing_else_has_one():
    for task in texts.TEXT_TASKS:
        for row in (*texts.text_test(task), *texts.text_train(task, 2)):
            if task == "stance":
                assert row.target.strip() == row.target != ""
                assert row.target in row.question
            assert "{" not in row.question


def test_nothing_on_the_surface_tells_the_labels():
    """The bounds of benchmarks/giveaways.py, which prints the table."""
    spec = importlib.util.spec_from_file_location("giveaways", GIVEAWAYS)
    giveaways = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = giveaways
    spec.loader.exec_module(giveaways)
    rows = [row for task in (*texts.TEXT_TASKS, "occupation") for row in giveaways.measure(task)]
    assert [(r.task, r.culture, r.broken, r.offending) for r in rows if r.broken] == []
    # the readers do see a label that is given away
    plain = giveaways.Set([("a bad day", 1), ("a good day", 0)] * 9, [("bad", 1), ("good", 0)], [])
    assert giveaways.naive_bayes(plain, giveaways.CHARACTERS[0]) == 1.0
    assert giveaways.best_cut([3, 4, 9, 8], [0, 0, 1, 1]) == 1.0
    assert giveaways.presence("bad", plain.test) == 1.0
    assert giveaways.shared(giveaways.Set([("so it goes", 1)], [("how it goes", 0)], []), 8)


def test_no_test_text_is_in_two_tasks():
    every = [text for task in texts.TEXT_TASKS for text in plain(texts.text_test(task))]
    assert len(set(every)) == len(every)


@each_text_task
def test_a_text_is_asked_about_in_its_own_language(task):
    asked = {}
    for row in texts.text_test(task) + texts.text_train(task, 2):
        question = row.question.replace(row.target, "") if task == "stance" else row.question
        words = (question, row.text_label, row.answer_label, *row.options)
        assert asked.setdefault(row.group, words) == words
        assert len(set(row.options)) == 2
        assert re.search(r"[\u0600-\u06ff]", row.text + row.question) is None or (
            row.group == "arabic"
        )
        assert (re.search(r"[\u4e00-\u9fff]", row.text) is not None) == (row.group == "chinese")
    assert asked["spanish"][-2:] == ("no", "sí")  # not YAML's false
    assert len({words[0] for words in asked.values()}) == 4
