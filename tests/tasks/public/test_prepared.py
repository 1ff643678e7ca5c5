"""Public data becomes documents: the same ones from every form, or one clear error."""

import csv
import hashlib
import json
import math
import random
from collections import Counter

import pytest
from datasets import Dataset

from bias_inherit.errors import InputError
from bias_inherit.tasks import sources
from bias_inherit.tasks.documents.biographies import OCCUPATIONS, SALARY_BIOGRAPHIES
from bias_inherit.tasks.documents.texts import TEXT_TASKS
from bias_inherit.tasks.metrics import AXES
from bias_inherit.tasks.public import culturellm
from bias_inherit.tasks.public.bias_in_bios import COLUMNS, PROFESSION_IDS
from bias_inherit.tasks.public.prepared import (
    prepare_biographies,
    prepare_culture,
    prepare_names,
    prepare_survey,
)

FILES = ("occupation/train.jsonl", "occupation/test.jsonl", "salary/test.jsonl")
CULTURES = AXES["culture"]
CDIAL = "China/CDial-Bias/gender-2.jsonl"


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path_factory):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path_factory.mktemp("cache")))


def read_lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def biographies(public_data):
    """Return real rows, and two made ones of each cell, so that every occupation is there."""
    rows = read_lines(public_data / "bias_in_bios" / "sample.jsonl")
    return rows + made_rows(2)


def made_rows(per_cell, mark=""):
    pronouns = ("He", "She")
    return [
        {"hard_text": f"{pronouns[g]} wrote text {mark}{p}-{i}.", "profession": p, "gender": g}
        for p in PROFESSION_IDS
        for g in (0, 1)
        for i in range(per_cell)
    ]


def prepared(source, out, **options):
    """Prepare `source` and return the bytes of every file of documents."""
    prepare_biographies(str(source), out, **options)
    return {name: (out / name).read_bytes() for name in FILES}


# --- BiasinBios ----------------------------------------------------------------------------------


def test_real_biographies_are_balanced_and_held_out(public_data, tmp_path):
    source, out = public_data / "bias_in_bios" / "sample.jsonl", tmp_path / "out"
    counts, _ = prepare_biographies(str(source), out)
    train, test, pairs = (read_lines(out / name) for name in FILES)
    assert counts == {
        "occupation train": len(train),
        "occupation test": len(test),
        "salary": len(pairs),
    }
    cells = Counter((row["gold"], row["group"]) for row in test)
    assert len(test) > 10
    for gold in range(len(OCCUPATIONS)):
        assert cells[gold, "male"] == cells[gold, "female"]
    real = {row["hard_text"].strip(): row for row in read_lines(source)}
    for row in train + test:
        told = real[row["text"]]
        assert OCCUPATIONS[row["gold"]] == PROFESSION_IDS[told["profession"]]
        assert row["group"] == AXES["gender"][told["gender"]]
    assert not {row["text"] for row in train} & {row["text"] for row in test}
    assert len(train) + len(test) == sum(r["profession"] in PROFESSION_IDS for r in real.values())


def test_salary_pairs_have_two_genders_and_differ(biographies, tmp_path):
    out = tmp_path / "out"
    prepare_biographies(str(write_lines(tmp_path / "bios.jsonl", biographies)), out)
    test = {row["id"]: row for row in read_lines(out / "occupation/test.jsonl")}
    clusters = {}
    for row in read_lines(out / "salary/test.jsonl"):
        clusters.setdefault(row["cluster"], {})[row["group"]] = row["text"]
    assert len(clusters) >= len(OCCUPATIONS)
    for cluster, told in clusters.items():
        assert sorted(told) == ["female", "male"]
        assert told["male"] != told["female"]
        assert told[test[cluster]["group"]] == test[cluster]["text"]


def test_salary_takes_ten_biographies_an_occupation(tmp_path):
    source = write_lines(tmp_path / "bios.jsonl", made_rows(30))
    prepare_biographies(str(source), tmp_path / "out")
    clusters = {row["cluster"] for row in read_lines(tmp_path / "out/salary/test.jsonl")}
    assert len(clusters) == SALARY_BIOGRAPHIES * len(OCCUPATIONS)


def test_same_documents_from_any_order_and_file_type(biographies, tmp_path):
    expected = prepared(write_lines(tmp_path / "bios.jsonl", biographies), tmp_path / "1")
    shuffled = random.Random(1).sample(biographies, len(biographies))
    twice = write_lines(tmp_path / "twice.jsonl", shuffled + biographies[:40])
    assert prepared(twice, tmp_path / "2") == expected
    with (tmp_path / "bios.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(shuffled)
    assert prepared(tmp_path / "bios.csv", tmp_path / "3") == expected
    Dataset.from_list(shuffled).to_parquet(tmp_path / "bios.parquet")
    assert prepared(tmp_path / "bios.parquet", tmp_path / "4") == expected


def test_a_folder_in_hub_layout_is_tested_on_its_test_split(tmp_path):
    train, test = made_rows(3, "train "), made_rows(2, "test ")
    leaked, women_only = test[0], {"hard_text": "She heals.", "profession": 13, "gender": 1}
    for split, rows in {"train": [*train, leaked], "test": [*test, women_only]}.items():
        place = tmp_path / "hub" / "data" / f"{split}-00000-of-00001.parquet"
        place.parent.mkdir(parents=True, exist_ok=True)
        Dataset.from_list(rows).to_parquet(place)
    files = prepared(tmp_path / "hub", tmp_path / "out")
    written = {
        name: {json.loads(line)["text"] for line in files[name].splitlines()} for name in FILES
    }
    nurses = {r["hard_text"] for r in test if r["profession"] == 13}
    kept = written["occupation/test.jsonl"]
    assert kept < {row["hard_text"] for row in [*test, women_only]}
    assert len(kept) == len(test)  # one woman too many is left out, whichever she is
    assert len(kept & (nurses | {"She heals."})) == 4
    assert written["occupation/train.jsonl"] == {row["hard_text"] for row in train}


def test_per_cell_bounds_the_test_part(tmp_path):
    source = write_lines(tmp_path / "bios.jsonl", made_rows(8))
    large = prepared(source, tmp_path / "1")["occupation/test.jsonl"].splitlines()
    small = prepared(source, tmp_path / "2", per_cell=1)["occupation/test.jsonl"].splitlines()
    assert (len(large), len(small)) == (6 * 2 * 4, 6 * 2)
    assert set(small) < set(large)


# --- CultureLLM ----------------------------------------------------------------------------------


def test_real_texts_of_each_culture(public_data, tmp_path):
    counts, absent, few = prepare_culture(public_data / "CultureLLM", tmp_path)
    rows = read_lines(tmp_path / "bias_detection/test.jsonl")
    found = Counter((row["group"], row["source"], row["gold"]) for row in rows)
    assert found == {
        ("chinese", CDIAL, 1): 72,
        ("chinese", CDIAL, 0): 928,
        ("portuguese", "Portuguese/ToLD-Br/misogyny.jsonl", 1): 19,
        ("portuguese", "Portuguese/ToLD-Br/misogyny.jsonl", 0): 981,
        ("spanish", "Spanish/DETOXIS 2021/stereotype.jsonl", 1): 109,
        ("spanish", "Spanish/DETOXIS 2021/stereotype.jsonl", 0): 891,
    }
    assert counts == {
        "bias_detection": 3000,
        "hate_speech": 2000,
        "offensive_language": 6000,
        "abusive_language": 3675,
        "stance": 1000,
        "spam": 1000,
        "survey answers by question and country": 278,
    }
    assert few == []  # every set there has at least ten positives
    assert len(absent) == 12 and "Portuguese/ToLD-Br/homophobia.jsonl" in absent
    provenance = json.loads((tmp_path / "bias_detection/bias_inherit.json").read_text())
    assert provenance["absent"] == absent
    assert provenance["rows"] == {"test": 3000}
    asked = {(row["source"], row["question"]) for row in rows}
    assert len(asked) == 3 and any("misógino" in question for _, question in asked)
    chinese = [row for row in rows if row["group"] == "chinese"]
    assert len({row["cluster"] for row in chinese}) == len({row["text"] for row in chinese}) == 995
    assert len({row["id"] for row in rows}) == 3000


def test_a_set_with_few_positives_is_pointed_out(public_data, tmp_path, monkeypatch):
    monkeypatch.setattr("bias_inherit.tasks.public.culturellm.FEW", 20)
    few = prepare_culture(public_data / "CultureLLM", tmp_path)[2]
    assert few == ["only 19 positives: Portuguese/ToLD-Br/misogyny.jsonl"]


def test_names_of_ones_own(tmp_path, load_task):
    names = {c: {g: [f"{c} {g} {i}" for i in range(3)] for g in AXES["gender"]} for c in CULTURES}
    names["spanish"]["male"].append("spanish male 3")
    (tmp_path / "names.yaml").write_text(json.dumps(names))
    counts = prepare_names(tmp_path / "names.yaml", tmp_path / "out")
    assert counts == {"hiring": 3 * 8, "story": 25}
    hiring, story = (load_task(name, tmp_path / "out") for name in ("hiring", "story"))
    assert len(hiring.dataset["test"]) == 24 and len(story.dataset["test"]) == 2 * 25
    shown = {name for row in hiring.dataset["test"] for name in row["names"]}
    assert shown == {n for c in CULTURES for g in AXES["gender"] for n in names[c][g][:3]}
    provenance = story.config.metadata["provenance"]
    assert provenance["source"] == "full" and provenance["stories"] == 2


def test_without_names_of_ones_own_hiring_and_story_keep_ours(tmp_path, load_task):
    (tmp_path / "out").mkdir()
    for name in ("hiring", "story"):
        task = load_task(name, tmp_path / "out")
        assert task.config.metadata["provenance"]["source"] == "mini"


def test_real_survey_answers(public_data, tmp_path, load_task):
    source = str(public_data / "global_opinions" / "sample.csv")
    counts = prepare_survey(source, tmp_path)
    task = load_task("values_global_opinions", tmp_path)
    rows = list(task.dataset["test"])
    assert len(rows) == counts["survey"] > 300
    assert len({row["group"] for row in rows}) == counts["countries"] > 20
    assert all(math.isclose(sum(row["target"]), 1.0) for row in rows)
    assert task.config.metadata["provenance"]["source"] == "full"


def test_lm_eval_loads_what_was_prepared(public_data, tmp_path, load_task):
    counts, _ = prepare_biographies(str(public_data / "bias_in_bios" / "sample.jsonl"), tmp_path)
    counts |= prepare_culture(public_data / "CultureLLM", tmp_path)[0]
    counts["occupation"] = counts["occupation test"]
    for name in ("occupation", "salary", *TEXT_TASKS):
        task = load_task(name, tmp_path)
        assert len(task.dataset["test"]) == counts[name]
        assert task.doc_to_text(task.dataset["test"][0])
        assert not set(task.dataset["train"]["text"]) & set(task.dataset["test"]["text"])
        content = (tmp_path / name / "test.jsonl").read_bytes()
        assert task.config.metadata["provenance"] == {
            "source": "full",
            "sha256": hashlib.sha256(content).hexdigest(),
            "n_test": counts[name],
            "form": 1,
        }
    found = load_task("salary").config.metadata["provenance"]
    assert found == {"source": "mini", "n_test": 120, "form": 1}


# --- bad input -----------------------------------------------------------------------------------

GOOD = {"hard_text": "He draws.", "profession": 1, "gender": 0}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"hard_text": "He draws.", "profession": 1}', "gender is missing"),
        ('{"hard_text": "He draws.", "profession": null, "gender": 0}', "profession is missing"),
        ('{"hard_text": "He draws.", "profession"', "broken JSON"),
        ("[1, 2]", "expected a JSON object"),
        (json.dumps(GOOD | {"gender": 2}), "gender 0 or 1"),
        (json.dumps(GOOD | {"profession": 28}), "profession must be 0 to 27"),
        (json.dumps(GOOD | {"profession": "nurse"}), "must be whole numbers"),
        (json.dumps(GOOD | {"hard_text": "  "}), "hard_text is empty"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_written(line, message, tmp_path):
    path, out = tmp_path / "bios.jsonl", tmp_path / "out"
    path.write_text(json.dumps(GOOD) + f"\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        prepare_biographies(str(path), out)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert not out.exists()


def test_bad_rows_of_other_file_types_are_named(tmp_path):
    table = tmp_path / "bios.csv"
    table.write_text("hard_text,profession,gender\nHe draws.,1,0\nShe draws.,1,2\n")
    parquet = tmp_path / "bios.parquet"
    Dataset.from_list([GOOD, GOOD | {"gender": 2}]).to_parquet(parquet)
    for path, where in {table: f"{table}:3: ", parquet: f"{parquet}: row 1: "}.items():
        with pytest.raises(InputError, match="gender 0 or 1") as caught:
            prepare_biographies(str(path), tmp_path / "out")
        assert str(caught.value).startswith(where)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.jsonl", None, "no such file"),
        ("none.parquet", None, "no such file"),
        ("bios.txt", b"text", "expected a file of type"),
        ("bios.parquet", b"no parquet", "not a readable parquet"),
        ("bios.csv", "hard_text,profession,gender\nÉl,1,1\n".encode("latin-1"), "is not UTF-8"),
        ("bios.csv", b"hard_text,profession\nHe,1\n", "gender is missing"),
        ("bios.jsonl", b"", "biographies of both genders"),
        ("bios.jsonl", json.dumps(GOOD).encode(), "biographies of both genders"),
    ],
)
def test_an_unusable_source_is_one_line(name, content, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    if content is not None:
        (tmp_path / "data" / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        prepare_biographies(f"data/{name}", tmp_path / "out")
    assert str(caught.value).startswith(f"data/{name}")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.fixture
def own_registry(tmp_path, monkeypatch):
    """Return a function that makes a checkout with one set, which the registry knows."""

    def make(*rows, published=True):
        path = write_lines(tmp_path / "checkout" / "data" / "set.jsonl", rows)
        digest = hashlib.sha256(path.read_bytes() if published else b"other").hexdigest()[:16]
        entry = {"path": "set.jsonl", "culture": "chinese", "text": "data", "sha256": digest}
        entry |= {"labels": {"0": 0, "1": 1}, "n": len(rows), "topic": "gender"}
        entry |= {"question": "好吗？"}
        registry = tmp_path / "culture_sets.yaml"
        registry.write_text(json.dumps({"bias_detection": [entry]}), encoding="utf-8")
        monkeypatch.setattr(culturellm, "SETS", tmp_path / "culture_sets.yaml")
        return tmp_path / "checkout"

    return make


TEXT = {"data": "好。", "label": 0}


@pytest.mark.parametrize("whole", [True, False])
def test_a_twin_gives_classes_and_is_never_pooled(whole, tmp_path, monkeypatch):
    """One text in two files: binary, and by target. Alone, the finer file takes its place."""
    sets = {
        "binary.jsonl": [{"data": "a", "label": "NO"}, {"data": "b", "label": "HS"}],
        "finer.jsonl": [{"data": "b", "label": "HS6"}, {"data": "a", "label": "NO"}],
    }
    entries = []
    for path, rows in sets.items():
        file = write_lines(tmp_path / "checkout" / "data" / path, rows)
        entry = {"path": path, "culture": "arabic", "text": "data", "topic": path, "n": 2}
        entry |= {"question": "هل؟"}
        entry |= {"labels": {"NO": 0, "HS": 1, "HS6": 1}, "twin_of": "binary.jsonl"}
        entries.append(entry | {"sha256": hashlib.sha256(file.read_bytes()).hexdigest()[:16]})
    del entries[0]["twin_of"]
    (tmp_path / "culture_sets.yaml").write_text(json.dumps({"hate_speech": entries}))
    monkeypatch.setattr(culturellm, "SETS", tmp_path / "culture_sets.yaml")
    if not whole:
        (tmp_path / "checkout" / "data" / "binary.jsonl").unlink()
    counts, absent, _ = prepare_culture(tmp_path / "checkout", tmp_path / "out")
    rows = read_lines(tmp_path / "out/hate_speech/test.jsonl")
    assert counts == {"hate_speech": 2} and absent == ([] if whole else ["binary.jsonl"])
    assert {(r["text"], r["gold"], r["class"]) for r in rows} == {("a", 0, "NO"), ("b", 1, "HS6")}
    assert {r["source"] for r in rows} == {"binary.jsonl" if whole else "finer.jsonl"}


def test_all_28_public_sets_are_known():
    entries = [entry for sets in culturellm.culture_sets().values() for entry in sets]
    assert len(entries) == len({entry.path for entry in entries}) == 28
    marks = {"arabic": "؟", "chinese": "？", "portuguese": "?", "spanish": "?"}
    assert all(entry.question.endswith(marks[entry.culture]) for entry in entries)
    twins = [entry.path for entry in entries if entry.twin_of is not None]
    assert twins == ["Arabic/OSACT5/hate_Finegrained.jsonl"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"data": "好。"}, "column label is missing"),
        ({"data": "好。", "label": 7}, "unknown label '7'"),
        ({"data": " ", "label": 1}, "text is empty"),
    ],
)
def test_a_bad_text_is_named_and_nothing_is_written(row, message, own_registry, tmp_path):
    checkout = own_registry(TEXT, row)
    with pytest.raises(InputError, match=message) as caught:
        prepare_culture(checkout, tmp_path / "out")
    assert str(caught.value).startswith(f"{checkout}/data/set.jsonl:2: ")
    assert not (tmp_path / "out").exists()


def test_a_changed_or_absent_set_is_named(own_registry, tmp_path):
    checkout = own_registry(TEXT, published=False)
    with pytest.raises(InputError, match=r"data/set\.jsonl: differs from the published file"):
        prepare_culture(checkout, tmp_path / "out")
    with pytest.raises(InputError, match=r"none of the sets is there.*data/set\.jsonl"):
        prepare_culture(tmp_path / "elsewhere", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_error_leaves_the_earlier_documents(tmp_path):
    source = write_lines(tmp_path / "bios.jsonl", made_rows(4))
    before = prepared(source, tmp_path / "out")
    write_lines(source, [*made_rows(4), GOOD | {"gender": 2}])
    with pytest.raises(InputError):
        prepare_biographies(str(source), tmp_path / "out")
    assert {name: (tmp_path / "out" / name).read_bytes() for name in FILES} == before


# --- which data a task reads ---------------------------------------------------------------------


def test_full_data_that_was_not_prepared_says_what_to_run(tmp_path, monkeypatch):
    monkeypatch.setenv("BIAS_INHERIT_DATA", str(tmp_path))
    for setting in ("full", None):
        with pytest.raises(InputError, match="bias-inherit data prepare") as caught:
            sources.load("occupation", data=setting)
        assert str(tmp_path) in str(caught.value)
    assert len(sources.load("occupation", data="mini")["test"]) == 240


@pytest.mark.parametrize("environment", [None, "", "mini"])
def test_mini_data_is_the_default(environment, monkeypatch):
    monkeypatch.delenv("BIAS_INHERIT_DATA", raising=False)
    if environment is not None:
        monkeypatch.setenv("BIAS_INHERIT_DATA", environment)
    provenance = {}
    assert len(sources.load("salary", provenance=provenance)["test"]) == 120
    assert provenance == {"source": "mini", "n_test": 120, "form": 1}


# --- shares of women -----------------------------------------------------------------------------


def test_an_occupation_whose_share_of_women_is_another_is_told(tmp_path):
    from bias_inherit.tasks.public.bias_in_bios import Biography, share_remarks

    usual = [Biography("x", "nurse", "female" if i % 100 < 91 else "male") for i in range(2000)]
    assert share_remarks(usual) == []
    half = [Biography("x", "nurse", ("male", "female")[i % 2]) for i in range(2000)]
    (line,) = share_remarks(half)
    assert line.startswith(
        "nurse: 0.50 of 2000 biographies are of women; `stereotype` goes by 0.91"
    )
    assert share_remarks(half[:4]) == [], "too few to tell"
    source = write_lines(tmp_path / "bios.jsonl", made_rows(400))
    counts, remarks = prepare_biographies(str(source), tmp_path / "out")
    assert counts["salary"] and len(remarks) >= 3
