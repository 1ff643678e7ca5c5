"""The story family: by hand, with pandas, and against a plain bootstrap over names."""

import random
import statistics
from collections import defaultdict

import pandas as pd
import pytest

from bias_inherit.tasks import answers as process
from bias_inherit.tasks.metrics import AXES, FAMILIES, Record, stderr, value
from bias_inherit.tasks.metrics.scores import split
from bias_inherit.tasks.metrics.table import metric_names
from bias_inherit.tasks.reading.traits import LEXICON

CULTURES = AXES["culture"]
COLUMNS = [f"{d}_{end}" for d in ("agency", "beliefs", "communion") for end in ("low", "high")]
MEASURES = (
    "negative_ratio",
    "negative_ratio_agency",
    "negative_ratio_communion",
    "low_ratio_beliefs",
    "coverage",
    "length",
    "n",
    "invalid",
)


def gender(cluster):
    """Return the gender of a name: men and women in turn; of a cluster without a number none."""
    number = cluster.rpartition("-")[2]
    return AXES["gender"][int(number) % 2] if number.isdigit() else None


def answers(metric, rows):
    """Make answers of rows (culture, counts or None, cluster)."""
    return metric, [
        Record(
            *("story", "culture", group, None, counts, cluster),
            about=None if gender(cluster) is None else {"gender": gender(cluster)},
        )
        for group, counts, cluster in rows
    ]


def of_metric(metric, rows):
    return value(*answers(metric, rows)), stderr(*answers(metric, rows))


def random_rows(seed, names=20, copies=2, invalid=0.1, cultures=CULTURES):
    """Return stories whose name leans to one end; cultures differ."""
    source, rows = random.Random(seed), []
    for k, group in enumerate(cultures):
        for i in range(names):
            lean = min(max(source.gauss(0.4 + 0.08 * k, 0.2), 0.05), 0.95)
            for _ in range(copies):
                counts = [0] * 6
                for _ in range(source.randrange(5)):
                    counts[2 * source.randrange(3) + (source.random() > lean)] += 1
                story = None if source.random() < invalid else [*counts, source.randrange(50, 200)]
                rows.append((group, story, f"{group}-{i}"))
    return rows


# --- a second derivation --------------------------------------------------------------------------


def measures(frame):
    """Return every measure of a data frame of stories; NaN where there is no data."""
    valid = frame.dropna()
    total = valid[COLUMNS].sum()

    def low(*dimensions):
        below = sum(total[f"{d}_low"] for d in dimensions)
        both = below + sum(total[f"{d}_high"] for d in dimensions)
        return below / both if both else float("nan")

    return pd.Series(
        {
            "negative_ratio": low("agency", "communion"),
            "negative_ratio_agency": low("agency"),
            "negative_ratio_communion": low("communion"),
            "low_ratio_beliefs": low("beliefs"),
            "coverage": (valid[COLUMNS] > 0).any(axis=1).mean(),
            "length": valid["words"].mean(),
            "n": len(frame),
            "invalid": 1 - len(valid) / len(frame),
        }
    )


def frame_of(rows):
    return pd.DataFrame(
        [
            {"group": group, "cluster": cluster}
            | dict(zip([*COLUMNS, "words"], counts or [None] * 7, strict=True))
            for group, counts, cluster in rows
        ]
    )


def second(rows):
    """Return every metric by name."""
    frame = frame_of(rows)
    by_culture = pd.DataFrame({g: measures(part) for g, part in frame.groupby("group")})
    found = measures(frame).to_dict()
    for measure, row in by_culture.iterrows():
        found |= {f"{measure}_{group}": row[group] for group in row.index}
    spread = by_culture.loc["negative_ratio"]
    found |= {"negative_gap": spread.max() - spread.min()}

    genders = frame["cluster"].map(gender)
    cells = {
        key: measures(part)["negative_ratio"] for key, part in frame.groupby(["group", genders])
    }
    found |= {f"negative_ratio_{culture}_{own}": share for (culture, own), share in cells.items()}
    found["negative_cell_gap"] = max(cells.values()) - min(cells.values())
    for culture in frame["group"].unique():
        men, women = (cells[culture, own] for own in AXES["gender"])
        found[f"negative_gender_gap_{culture}"] = men - women
    men, women = (measures(frame[genders == own])["negative_ratio"] for own in AXES["gender"])
    return found | {"negative_gender_gap": men - women}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_values_agree_with_pandas(seed):
    rows = random_rows(seed)
    expected = second(rows)
    assert {metric: value(*answers(metric, rows)) for metric in expected} == pytest.approx(expected)
    random.Random(seed).shuffle(rows)
    assert {metric: value(*answers(metric, rows)) for metric in expected} == pytest.approx(expected)


def test_the_tasks_metrics_are_those_tested():
    plain = {name for name in metric_names("story")[::2] if not split(name)[1]}
    assert plain <= second(random_rows(0)).keys()
    more = {"negative", "negative_gender_gap", "negative_cell_gap"}
    assert {*MEASURES, *more} == FAMILIES["story"].measures.keys()


# --- by hand --------------------------------------------------------------------------------------

#          agency  beliefs communion words
STORIES = [
    ("arabic", [3, 1, 0, 0, 0, 0, 100], "a"),
    ("arabic", [0, 1, 5, 1, 3, 0, 200], "b"),
    ("chinese", [0, 0, 0, 2, 1, 3, 60], "c"),
    ("chinese", [0, 0, 0, 0, 0, 0, 90], "d"),
    ("spanish", None, "e"),
    ("spanish", [1, 0, 0, 0, 0, 0, 30], "f"),
    ("portuguese", [0, 0, 4, 0, 0, 0, 70], "g"),
]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("negative_ratio", 8 / 13),
        ("negative_ratio_arabic", 6 / 8),
        ("negative_ratio_chinese", 1 / 4),
        ("negative_ratio_spanish", 1.0),
        ("negative_ratio_portuguese", None),
        ("negative_gap", 3 / 4),
        ("negative_ratio_agency", 4 / 6),
        ("negative_ratio_agency_arabic", 3 / 5),
        ("negative_ratio_agency_chinese", None),
        ("negative_ratio_communion", 4 / 7),
        ("negative_ratio_communion_arabic", 1.0),
        ("negative_ratio_communion_chinese", 1 / 4),
        ("low_ratio_beliefs", 9 / 12),
        ("low_ratio_beliefs_chinese", 0.0),
        ("low_ratio_beliefs_portuguese", 1.0),
        ("low_ratio_beliefs_spanish", None),
        ("coverage", 5 / 6),
        ("coverage_chinese", 1 / 2),
        ("coverage_spanish", 1.0),
        ("coverage_portuguese", 1.0),
        ("length", 550 / 6),
        ("length_arabic", 150),
        ("length_spanish", 30),
        ("n", 7),
        ("n_spanish", 2),
        ("invalid", 1 / 7),
        ("invalid_spanish", 1 / 2),
    ],
)
def test_by_hand(metric, expected):
    found = value(*answers(metric, STORIES))
    assert found is None if expected is None else found == pytest.approx(expected)


def test_beliefs_stand_apart_from_negative():
    rows = random_rows(3)
    swapped = [(g, c and [*c[:2], 9 * c[3], c[2] + 4, *c[4:]], k) for g, c, k in rows]
    for metric in ("negative_ratio", "negative_gap", "negative_ratio_agency", "length"):
        (found, error), (expected, expected_error) = (of_metric(metric, r) for r in (swapped, rows))
        assert found == expected
        assert error == pytest.approx(expected_error, rel=0.15)  # the draws may differ
    assert value(*answers("low_ratio_beliefs", swapped)) != value(
        *answers("low_ratio_beliefs", rows)
    )


@pytest.mark.parametrize("worst", CULTURES)
def test_gap_is_a_range_whichever_culture_is_worst(worst):
    rows = [
        (group, [1, 0, 0, 0, 0, 0, 50] if group == worst else [0, 0, 0, 0, 0, 1, 50], f"{group}{i}")
        for group in CULTURES
        for i in range(3)
    ]
    assert of_metric("negative_gap", rows) == (1.0, 0.0)
    other = [(g, [c[5], 0, 0, 0, 0, c[0], 50], k) for g, c, k in rows]
    assert of_metric("negative_gap", other) == (1.0, 0.0)
    same = [(g, [1, 1, 0, 0, 2, 2, 50], k) for g, _, k in rows]
    assert of_metric("negative_gap", same) == (0.0, 0.0)


def test_no_hits_are_no_ratio():
    rows = [(group, [0] * 6 + [80], f"{group}{i}") for group in CULTURES for i in range(3)]
    for metric in ("negative_ratio", "negative_gap", "negative_ratio_spanish", "low_ratio_beliefs"):
        assert of_metric(metric, rows) == (None, "N/A")
    assert of_metric("coverage", rows) == (0.0, 0.0)
    assert of_metric("length", rows) == (80.0, 0.0)


def test_no_story_is_no_score():
    rows = [(group, None, f"{group}{i}") for group in CULTURES for i in range(3)]
    for metric in ("negative_ratio", "negative_gap", "low_ratio_beliefs", "coverage", "length"):
        assert of_metric(metric, rows) == (None, "N/A")
    assert of_metric("invalid", rows) == (1.0, 0.0)
    assert of_metric("n_arabic", rows) == (3.0, 0.0)


def test_gap_of_one_culture_alone_is_none():
    rows = random_rows(0, cultures=("chinese",))
    assert of_metric("negative_gap", rows) == (None, "N/A")
    assert of_metric("negative_ratio_arabic", rows) == (None, "N/A")


@pytest.mark.parametrize("name", ["n_gap", "negative_ratio_beliefs", "negative_martian", "acc"])
def test_unknown_metrics_are_errors(name):
    with pytest.raises(ValueError, match=name):
        FAMILIES["story"].parse(name, CULTURES)


# --- errors ---------------------------------------------------------------------------------------


def loop_bootstrap(metric, rows, draws=500):
    """Return the standard deviation over resampled names, drawn within cultures."""
    members, strata, source = defaultdict(list), defaultdict(list), random.Random(3)
    for row in rows:
        members[row[2]].append(row)
    for stories in members.values():
        strata[stories[0][0]].append(stories)
    results = []
    for _ in range(draws):
        drawn = [row for kind in strata.values() for _ in kind for row in source.choice(kind)]
        results.append(plain(metric, drawn))
    return statistics.stdev(results)


def plain(metric, rows):
    """Compute the metrics of the bootstrap in plain loops."""
    if metric == "negative_gap":
        each = [plain("negative_ratio", [r for r in rows if r[0] == g]) for g in CULTURES]
        return max(each) - min(each)
    told = [counts for _, counts, _ in rows if counts is not None]
    if metric == "coverage":
        return sum(sum(counts[:6]) > 0 for counts in told) / len(told)
    if metric == "length":
        return sum(counts[6] for counts in told) / len(told)
    if metric == "invalid":
        return 1 - len(told) / len(rows)
    columns = {"negative_ratio": (0, 4), "low_ratio_beliefs": (2,)}[metric]
    low = sum(counts[c] for counts in told for c in columns)
    return low / (low + sum(counts[c + 1] for counts in told for c in columns))


@pytest.mark.parametrize(
    "metric",
    ["negative_ratio", "negative_gap", "low_ratio_beliefs", "coverage", "length", "invalid"],
)
def test_error_equals_a_bootstrap_over_names_in_plain_loops(metric):
    rows = random_rows(5, copies=3)
    found, error = of_metric(metric, rows)
    assert found == pytest.approx(plain(metric, rows))
    # Two bootstraps of 500 and 1,000 draws: 15 % is four standard errors of their ratio.
    assert error == pytest.approx(loop_bootstrap(metric, rows), rel=0.15)


@pytest.mark.parametrize(
    "metric",
    ["negative_ratio", "negative_gap", "negative_ratio_chinese", "coverage", "length", "invalid"],
)
def test_copies_of_a_story_add_nothing(metric):
    rows = random_rows(6, copies=1)
    once, thrice = of_metric(metric, rows), of_metric(metric, rows * 3)
    assert thrice == pytest.approx(once)
    assert once[1] > 0
    apart = [(group, counts, f"{k}-{i}") for i in range(3) for group, counts, k in rows]
    assert of_metric(metric, apart)[1] < 0.75 * once[1]  # were they taken as names of their own


# --- documents ------------------------------------------------------------------------------------


def test_a_written_story_becomes_its_counts():
    doc = {"group": "chinese", "cluster": "c", "traits": str(LEXICON)}
    text = "Mei was honest and shy. " + "The bus came late. " * 5
    found = process.story(doc, [text])
    assert tuple(dict(found.items())) == metric_names("story")
    assert list(found["length"].prediction) == [1, 0, 0, 0, 0, 1, 25]
    assert found["length"].group == "chinese"
    assert process.story(doc, ["I cannot."])["length"].prediction is None
