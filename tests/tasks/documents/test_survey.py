"""The values probe: reading GlobalOpinionQA, the mini set, and the similarity family."""

import ast
import csv
import math
import random
import re
import statistics
from collections import Counter, defaultdict

import pandas as pd
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from bias_inherit.errors import InputError
from bias_inherit.tasks import answers as process
from bias_inherit.tasks.documents.survey import country_counts, survey_test, survey_train
from bias_inherit.tasks.metrics import AXES, Record, stderr, value
from bias_inherit.tasks.metrics.similarity import jensen_shannon_similarity
from bias_inherit.tasks.metrics.table import metric_names
from bias_inherit.tasks.public.global_opinions import read_survey

COUNTRIES = AXES["country"]


# --- the similarity -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([0.5, 0.5], [0.5, 0.5], 1.0),
        ([1, 0], [1, 0], 1.0),
        ([0.1, 0.2, 0.7], [0.1, 0.2, 0.7], 1.0),
        ([1, 0], [0, 1], 0.0),
        ([0.5, 0.5, 0, 0], [0, 0, 0.3, 0.7], 0.0),
        ([2, 2], [7, 7], 1.0),  # scaled
        # mean (3/4, 1/4): 1/2 log2(4/3) + 1/2 (1/2 log2(2/3) + 1/2 log2(2)) = 0.3113
        ([1, 0], [0.5, 0.5], 1 - math.sqrt(0.31127812445913283)),
    ],
)
def test_similarity_by_hand(first, second, expected):
    assert jensen_shannon_similarity(first, second) == pytest.approx(expected, abs=1e-7)
    assert jensen_shannon_similarity(second, first) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("seed", range(20))
def test_similarity_agrees_with_scipy_and_with_the_definition(seed):
    source = random.Random(seed)
    many = source.randrange(2, 9)
    first, second = (
        [source.random() ** 3 * (source.random() < 0.8) + 1e-9 for _ in range(many)]
        for _ in range(2)
    )
    found = jensen_shannon_similarity(first, second)
    assert found == pytest.approx(1 - jensenshannon(first, second, 2))
    p, q = ([x / sum(weights) for x in weights] for weights in (first, second))
    mean = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    divergence = (entropy(p, mean, base=2) + entropy(q, mean, base=2)) / 2
    assert found == pytest.approx(1 - math.sqrt(divergence))
    assert 0 <= found <= 1


@pytest.mark.parametrize("seed", range(50))
def test_nearly_equal_distributions_are_never_no_number(seed):
    source = random.Random(seed)
    first = [source.random() for _ in range(5)]
    found = jensen_shannon_similarity(first, [x * 3 for x in first])
    assert found == pytest.approx(1.0, abs=1e-6)


def test_likelihoods_of_the_letters_become_a_distribution():
    doc = {"group": "spain", "cluster": "q", "target": [0.25, 0.75]}
    doc |= {"order": [0, 1], "choices": ["A", "B"]}
    found = process.survey(doc, [(math.log(0.1) - 800, False), (math.log(0.3) - 800, True)])
    assert found["similarity"].prediction == pytest.approx(1.0, abs=1e-6)
    assert tuple(dict(found.items())) == metric_names("survey")
    far = process.survey(doc, [(-1.0, False), (-900.0, False)])["similarity"].prediction
    assert far == pytest.approx(1 - jensenshannon([1, 0], doc["target"], 2))
    for broken in (float("nan"), float("-inf")):
        assert process.survey(doc, [(broken, False), (-1.0, True)])["invalid"].prediction is None


# --- the family -----------------------------------------------------------------------------------


def answers(metric, rows):
    """Make answers of rows (country, similarity or None, question)."""
    return metric, [Record("similarity", "country", c, None, *rest) for c, *rest in rows]


def of_metric(metric, rows):
    return value(*answers(metric, rows)), stderr(*answers(metric, rows))


def random_rows(seed, questions=60, countries=("egypt", "china", "brazil", "spain")):
    source, rows = random.Random(seed), []
    for q in range(questions):
        hard = source.gauss(0, 0.1)
        for k, country in enumerate(countries):
            if source.random() < 0.7:
                near = min(max(source.gauss(0.6 + 0.03 * k + hard, 0.1), 0), 1)
                rows.append((country, None if source.random() < 0.05 else near, f"q{q}"))
    return rows


@pytest.mark.parametrize("seed", [0, 1])
def test_means_by_country_agree_with_pandas(seed):
    rows = random_rows(seed)
    frame = pd.DataFrame(rows, columns=["country", "near", "question"])
    means = frame.groupby("country")["near"].mean()
    expected = {"similarity": frame["near"].mean(), "similarity_gap": means.max() - means.min()}
    expected |= {f"similarity_{country}": mean for country, mean in means.items()}
    sizes = frame.groupby("country").size()
    expected |= {f"n_{country}": many for country, many in sizes.items()}
    expected["invalid"] = frame["near"].isna().mean()
    assert {metric: value(*answers(metric, rows)) for metric in expected} == pytest.approx(expected)
    assert of_metric("similarity_peru", rows) == (None, "N/A")
    assert of_metric("n_peru", rows) == (0.0, 0.0)


def test_ends_and_no_data():
    rows = [(c, float(c == "peru"), f"q{i}") for c in ("peru", "china") for i in range(4)]
    assert of_metric("similarity", rows) == (0.5, pytest.approx(0.0))
    assert of_metric("similarity_gap", rows) == (1.0, 0.0)
    invalid = [(country, None, question) for country, _, question in rows]
    for metric in ("similarity", "similarity_gap", "similarity_peru"):
        assert of_metric(metric, invalid) == (None, "N/A")
    assert of_metric("invalid", invalid) == (1.0, 0.0)


def plain(metric, rows):
    near = defaultdict(list)
    for country, similarity, _ in rows:
        if similarity is not None:
            near[country].append(similarity)
    if metric == "similarity_gap":
        means = [statistics.mean(each) for each in near.values()]
        return max(means) - min(means)
    scope = metric.removeprefix("similarity").removeprefix("_")
    return statistics.mean(near[scope] if scope else [x for each in near.values() for x in each])


@pytest.mark.parametrize("metric", ["similarity", "similarity_gap", "similarity_brazil"])
def test_error_equals_a_bootstrap_of_questions_in_plain_loops(metric):
    rows = random_rows(3)
    if metric == "similarity_brazil":
        rows = [row for row in rows if row[0] == "brazil"]
    members, source, results = defaultdict(list), random.Random(3), []
    for row in rows:
        members[row[2]].append(row)
    questions = list(members.values())
    for _ in range(600):
        drawn = [row for _ in questions for row in source.choice(questions)]
        results.append(plain(metric, drawn))
    found, error = of_metric(metric, random_rows(3))
    assert found == pytest.approx(plain(metric, rows))
    # Two bootstraps of 600 and 1,000 draws: 15 % is four standard errors of their ratio.
    assert error == pytest.approx(statistics.stdev(results), rel=0.15)


# --- the public sample ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample(public_data):
    return public_data / "global_opinions" / "sample.csv"


@pytest.fixture(scope="module")
def rows(sample):
    return read_survey(str(sample))


def test_sample_has_documents_of_the_probes_countries_only(rows):
    assert len(rows) > 100
    assert len({row.id for row in rows}) == len(rows)
    assert {row.group for row in rows} <= set(COUNTRIES)
    assert len({row.group for row in rows}) > 20
    assert country_counts(rows) == Counter(row.group for row in rows)
    assert not [row.country for row in rows if "sample" in row.country]


def test_sample_targets_are_distributions(rows):
    for row in rows:
        assert len(row.options) == len(row.target) >= 2
        assert sum(row.target) == pytest.approx(1)
        assert min(row.target) >= 0
        assert row.target[row.gold] == max(row.target)


@pytest.mark.parametrize(
    "left_out",
    ["don.?t know", "no answer", "refused", "missing", "not applicable", r"\bDK\b", r"\bINAP\b"],
)
def test_sample_keeps_no_answer_that_is_none(rows, left_out):
    kept = {option for row in rows for option in row.options}
    assert not [option for option in kept if re.search(left_out, option, re.I)]


def test_sample_questions_with_one_cluster_share_options(rows):
    options = defaultdict(set)
    for row in rows:
        options[row.cluster].add((row.question, *row.options))
    assert {len(each) for each in options.values()} == {1}


def test_sample_agrees_with_a_plain_reading(sample, rows):
    """Every national sample of a country that is spelled as ours is a document, scaled."""
    by_place = {(row.question, row.country): row for row in rows}
    spelled = {c.replace("_", " ").title() for c in COUNTRIES}
    seen = 0
    with sample.open(encoding="utf-8", newline="") as stream:
        for entry in csv.DictReader(stream):
            printed = entry["selections"]
            shares = ast.literal_eval(printed[printed.index("{") : printed.rindex("}") + 1])
            options = [str(option) for option in ast.literal_eval(entry["options"])]
            for country in spelled & shares.keys():
                row = by_place.get((entry["question"].strip(), country))
                if row is None or len(row.options) < len(set(row.options)):
                    continue
                if not set(row.options) <= set(options):
                    continue  # numbers are written without ".0"
                of_option = dict(zip(options, shares[country], strict=True))
                kept = [of_option[option] for option in row.options]
                assert row.target == pytest.approx([x / sum(kept) for x in kept])
                seen += 1
    assert seen > 100


# --- files by hand --------------------------------------------------------------------------------

HEAD = ["question", "selections", "options"]


def write(tmp_path, *rows, head=HEAD):
    path = tmp_path / "opinions.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(head)
        writer.writerows(rows)
    return path


def printed(shares):
    return f"defaultdict(<class 'list'>, {shares!r})"


GOOD = ("Tea?", printed({"Spain": [0.2, 0.8]}), "['Yes', 'No']")


def test_answers_that_are_none_are_left_out_and_the_others_scaled(tmp_path):
    shares = {"Lebanon": [0.3, 0.1, 0.4, 0.2]}
    options = ["Yes", "No", "Don't know", "No answer"]
    (row,) = read_survey(str(write(tmp_path, (" Tea? ", printed(shares), str(options)))))
    assert row.question == "Tea?"
    assert row.options == ["Yes", "No"]
    assert row.target == pytest.approx([0.75, 0.25])
    assert (row.country, row.group, row.gold) == ("Lebanon", "lebanon", 0)


@pytest.mark.parametrize(
    ("country", "group"),
    [
        ("Spain", "spain"),
        ("United States", "united_states"),
        ("Britain", "great_britain"),
        ("Great Britain", "great_britain"),
        ("Hong Kong SAR", "hong_kong"),
        ("Macau SAR", "macau"),
        ("Taiwan ROC", "taiwan"),
        ("Palest. ter.", "palestine"),
        ("China (Current national sample)", "china"),
        ("China (Non-national sample)", None),
        ("China (Old national sample)", None),
        ("France", None),
        ("S. Korea", None),
        ("Northern Ireland", None),
    ],
)
def test_countries_of_the_probe(tmp_path, country, group):
    path = write(tmp_path, GOOD, ("Milk?", printed({country: [0.5, 0.5]}), "['Yes', 'No']"))
    found = [row.group for row in read_survey(str(path)) if row.question == "Milk?"]
    assert found == ([group] if group else [])


def test_numbers_are_written_plainly_and_lone_options_left_out(tmp_path):
    path = write(
        tmp_path,
        ("How often?", printed({"Peru": [0.5, 0.25, 0.25]}), "[1.0, 2.0, 2.5]"),
        ("Only one?", printed({"Peru": [0.5, 0.5]}), "['Yes', 'Refused']"),
        ("None said?", printed({"Peru": [0, 0, 1]}), "['Yes', 'No', 'Refused']"),
    )
    (row,) = read_survey(str(path))
    assert row.options == ["1", "2", "2.5"]


def test_countries_take_turns_and_a_question_is_a_cluster(tmp_path):
    shares = {"Spain": [0.5, 0.5], "Peru": [0.1, 0.9]}
    path = write(tmp_path, *((f"{q}?", printed(shares), "['Yes', 'No']") for q in "abc"))
    rows = read_survey(str(path))
    assert (
        {row.group for row in rows[:2]}
        == {row.group for row in rows[2:4]}
        == {
            "spain",
            "peru",
        }
    )
    assert Counter(row.cluster for row in rows) == dict.fromkeys({row.cluster for row in rows}, 2)
    assert len({row.cluster for row in rows}) == 3


SELECTIONS = {
    "call": "__import__('os').system('touch {mark}')",
    "call in a dict": "{{'Spain': [0.5, __import__('os').system('touch {mark}')]}}",
    "call in a defaultdict": (
        "defaultdict(<class 'list'>, {{'Spain': __import__('os').system('touch {mark}')}})"
    ),
    "call after": "defaultdict(<class 'list'>, {{}}) or open('{mark}', 'w')",
    "truncated": "defaultdict(<class 'list'>, {{'Spain': [0.2, 0.",
    "half": "defaultdict(<class 'list'>",
    "empty": "",
    "list": "[0.5, 0.5]",
    "word": "nan",
    "deep": "(" * 5000,
    "unhashable": "{{['Spain']: [0.5, 0.5]}}",
    "too few shares": "{{'Spain': [1.0]}}",
    "too many shares": "{{'Spain': [0.2, 0.3, 0.5]}}",
    "text": "{{'Spain': ['a', 'b']}}",
    "negative": "{{'Spain': [1.5, -0.5]}}",
    "infinite": "{{'Spain': [1e999, 0.5]}}",
    "number": "{{'Spain': 0.5}}",
    "no name": "{{1: [0.5, 0.5]}}",
}


@pytest.mark.parametrize("broken", SELECTIONS.values(), ids=SELECTIONS)
def test_broken_selections_are_errors_with_their_line_and_run_nothing(tmp_path, broken):
    mark = tmp_path / "ran"
    path = write(tmp_path, GOOD, ("Milk?", broken.format(mark=mark), "['Yes', 'No']"))
    with pytest.raises(InputError) as caught:
        read_survey(str(path))
    assert f"{path}:3" in str(caught.value)
    assert not mark.exists()


@pytest.mark.parametrize("broken", ["", "['Yes', 'No", "{'Yes': 1}", "open('ran', 'w')", "Yes, No"])
def test_broken_options_are_errors_with_their_line(tmp_path, monkeypatch, broken):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, GOOD, ("Milk?", printed({"Spain": [0.5, 0.5]}), broken))
    with pytest.raises(InputError, match="options") as caught:
        read_survey(str(path))
    assert f"{path}:3" in str(caught.value)
    assert not (tmp_path / "ran").exists()


def test_other_broken_files(tmp_path):
    with pytest.raises(InputError, match="question is empty") as caught:
        read_survey(str(write(tmp_path, GOOD, (" ", *GOOD[1:]))))
    assert ":3" in str(caught.value)
    with pytest.raises(InputError, match=r"selections.* is missing"):
        read_survey(str(write(tmp_path, GOOD, head=["question", "answers", "options"])))
    with pytest.raises(InputError, match="no question"):
        read_survey(str(write(tmp_path)))
    with pytest.raises(InputError, match="no question"):
        read_survey(str(write(tmp_path, ("Tea?", printed({"France": [1, 0]}), "['a', 'b']"))))
    with pytest.raises(InputError, match="no such file or folder, and not a hub id"):
        read_survey(str(tmp_path / "absent.csv"))
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(InputError, match="has no rows"):
        read_survey(str(tmp_path / "empty.csv"))


@pytest.mark.parametrize("start", [b"\xff\xfe", b"question,selections,options\n" + b"x" * 20_000])
def test_a_file_that_is_no_utf8(tmp_path, start):
    path = tmp_path / "latin.csv"
    path.write_bytes(start + b"\xe9,\xe8,\xe0\n")
    with pytest.raises(InputError, match=r"latin\.csv"):
        read_survey(str(path))


# --- the mini set ---------------------------------------------------------------------------------


def test_mini_set():
    train, test = survey_train(), survey_test()
    questions = Counter(row.cluster for row in train + test)
    assert len(questions) == 24
    assert not {row.cluster for row in train} & {row.cluster for row in test}
    assert len({row.id for row in train + test}) == len(train + test)
    groups = {row.group for row in train + test}
    assert set(questions.values()) == {len(groups)}  # every question in every country
    assert groups <= set(COUNTRIES)
    for row in train + test:
        assert len(row.options) == len(row.target) >= 2
        assert sum(row.target) == pytest.approx(1)
        assert row.target[row.gold] == max(row.target)


def test_mini_questions_differ_between_countries():
    by_question = defaultdict(set)
    for row in survey_test():
        by_question[row.cluster].add(tuple(row.target))
    assert all(len(targets) > 1 for targets in by_question.values())
