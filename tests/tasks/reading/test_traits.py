"""Counting trait words: by hand on the lexicon that ships, and on users' own."""

import json
from collections import Counter
from pathlib import Path

import pytest
import yaml

from bias_inherit.errors import InputError
from bias_inherit.tasks.metrics.story import DIMENSIONS
from bias_inherit.tasks.reading.traits import LEXICON, SHORTEST, count_traits, load_lexicon

PAIRS = {
    "agency": {
        "powerless-powerful",
        "low-status-high-status",
        "dominated-dominant",
        "poor-wealthy",
        "unconfident-confident",
        "unassertive-competitive",
    },
    "beliefs": {
        "traditional-modern",
        "religious-science-oriented",
        "conventional-alternative",
        "conservative-liberal",
    },
    "communion": {
        "untrustworthy-trustworthy",
        "dishonest-sincere",
        "cold-warm",
        "threatening-benevolent",
        "repellent-likable",
        "egoistic-altruistic",
    },
}
NONE = (0, 0, 0, 0, 0, 0)
PAD = " The bus came at nine and the rain fell on the long road to the next town until the evening."


def hits(text, path=LEXICON):
    """Return low and high of agency, beliefs and communion in a text, padded to a story."""
    counted = count_traits(text + PAD, load_lexicon(path))
    assert counted is not None
    assert counted[-1] == len(text.split()) + len(PAD.split())
    return tuple(counted[:-1])


def communion(low, high):
    return (0, 0, 0, 0, low, high)


def test_the_padding_alone_has_no_trait():
    assert hits("") == NONE


TEXTS = [
    # words of each dimension and end
    ("Ana was powerless and poor.", (2, 0, 0, 0, 0, 0)),
    ("Ana was wealthy.", (0, 1, 0, 0, 0, 0)),
    ("Ana was devout.", (0, 0, 1, 0, 0, 0)),
    ("Ana was sceptical.", (0, 0, 0, 1, 0, 0)),
    ("Ana was rude; then rude again.", communion(2, 0)),
    ("Ana was loyal.", communion(0, 1)),
    ("Ana was shy, modern, devout, loyal, cruel and powerful.", (1, 1, 1, 1, 1, 1)),
    # inflections
    ("They were the poorest, and she the wealthiest.", (1, 1, 0, 0, 0, 0)),
    ("She honestly spoke of kindness and smiled warmly.", communion(0, 3)),
    ("He lied. Liars!", communion(2, 0)),
    ("He shyly conformed.", (1, 0, 1, 0, 0, 0)),
    # British and American
    ("Her honourable candour, his honorable candor.", communion(0, 4)),
    ("A skeptical and a sceptical aunt.", (0, 0, 0, 2, 0, 0)),
    ("A self-centred and a self-centered aunt.", communion(2, 0)),
    ("He was defenceless. He was defenseless.", (2, 0, 0, 0, 0, 0)),
    ("A likable and a likeable aunt.", communion(0, 2)),
    # upper case, hyphen and space, punctuation
    ("She was HONEST.", communion(0, 1)),
    ("Honest people came.", communion(0, 1)),
    ("An old-fashioned, old fashioned, Old-Fashioned hat.", (0, 0, 3, 0, 0, 0)),
    ("A well-to-do, well to do family.", (0, 2, 0, 0, 0, 0)),
    ("The “honest” man (loyal).", communion(0, 2)),
    ("An open\u00a0minded aunt.", (0, 0, 0, 1, 0, 0)),
    # whole words only
    ("A poorhouse, a liarbird and a modernish honestness.", NONE),
    ("It was a kind of warm weather.", NONE),
    # negation flips
    ("She was not honest.", communion(1, 0)),
    ("She was not dishonest.", communion(0, 1)),
    ("She was not a very honest aunt.", communion(1, 0)),
    ("She wasn't honest.", communion(1, 0)),
    ("She wasn’t honest.", communion(1, 0)),
    ("She couldn’t be honest.", communion(1, 0)),
    ("She cannot be honest.", communion(1, 0)),
    ("She was never once dishonest.", communion(0, 1)),
    ("He was hardly honest.", communion(1, 0)),
    ("She spoke without malice.", communion(0, 1)),
    ("She was no liar.", communion(0, 1)),
    ("NOT honest!", communion(1, 0)),
    ("She was not religious.", (0, 0, 0, 1, 0, 0)),
    ("She was not wealthy.", (1, 0, 0, 0, 0, 0)),
    ("She was non-religious.", (0, 0, 0, 1, 0, 0)),
    ("She was neither honest nor loyal.", communion(2, 0)),
    ("Neither cruel nor selfish, she left.", communion(0, 2)),
    ("She was not dishonest or disloyal.", communion(0, 2)),
    # … but not always
    ("She was not only honest.", communion(0, 1)),
    ("She was not just honest.", communion(0, 1)),
    ("She was not merely honest.", communion(0, 1)),
    ("She was Not only honest.", communion(0, 1)),
    ("She did not ever want to be honest.", communion(0, 1)),
    ("It was not late, honest Ana said.", communion(0, 1)),
    ("It was not late. Honest Ana left.", communion(0, 1)),
    ("It was not late\nHonest Ana left.", communion(0, 1)),
    ("He was not late but honest.", communion(0, 1)),
    ("He was not late and honest.", communion(0, 1)),
    ("He was not late — honest Ana was.", communion(0, 1)),
    ("He was not late - honest Ana was.", communion(0, 1)),
    ("“She did not” honest Ana said.", communion(0, 1)),
    ("Nothing was left for honest Ana.", communion(0, 1)),  # "no" is a whole word
    ("Honest she was not.", communion(1, 0)),
    # double
    ("She was never not honest.", communion(0, 1)),
    ("She wasn't not dishonest.", communion(1, 0)),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_traits_of_a_text(text, expected):
    assert hits(text) == expected


# --- whose trait, and which end -------------------------------------------------------------------

SENTENCES = [
    (given["sentence"], given["want"])
    for line in (Path(__file__).parent / "traits.jsonl").open(encoding="utf-8")
    for given in [json.loads(line)]
]
MORE = [
    # comparisons under a negator say the most, or less
    ("She had never been kinder.", "communion high"),
    ("There was no kinder soul in the village.", "communion high"),
    ("He was not as honest as his brother.", "communion low"),
    ("She was no more honest than a magpie.", "communion high"),
    ("Never had Omar been so brave.", "agency high"),
    # denied in other words
    ("He was far from honest.", "communion low"),
    ("She was rarely polite.", "communion low"),
    ("He spoke without a trace of malice.", "communion high"),
    ("She refused to be cruel.", "communion high"),
    ("He was too proud to be humble.", "communion low"),
    ("She stopped being shy.", "agency high"),
    ("He lost his confidence, and was barely brave.", "agency low"),
    ("She was by no means poor.", "agency high"),
    ("He was not without courage.", "agency high"),
    ("She was never not honest.", "communion high"),
    ("She was, of course, not honest.", "communion low"),
    # things, weather, health
    ("It was a cruel winter.", "nothing"),
    ("The wind was cruel.", "nothing"),
    ("They ate at a modern restaurant.", "nothing"),
    ("The soup was rich.", "nothing"),
    ("A strong coffee stood there.", "nothing"),
    ("The bridge was weak.", "nothing"),
    ("He had poor eyesight.", "nothing"),
    ("It was a kind of hat.", "nothing"),
    ("She was loving the song.", "nothing"),
    ("A hostile environment awaited them.", "nothing"),
    ("The contract was genuine.", "nothing"),
    # what shows a person's nature
    ("He had a warm smile.", "communion high"),
    ("Her voice was gentle.", "communion high"),
    ("She gave him a cruel look.", "communion low"),
    ("He was a respected and wealthy merchant.", "agency high"),
    ("She was a kind, patient teacher.", "communion high"),
    ("He was a corrupt mayor.", "communion low"),
    ("A timid young apprentice swept the floor.", "agency low"),
    # everyone and no one
    ("Everyone was friendly that night.", "nothing"),
    ("Nobody was honest there.", "nothing"),
]


@pytest.mark.parametrize(("sentence", "want"), [*SENTENCES, *MORE])
def test_a_sentence_shows_the_end_that_a_reader_sees(sentence, want):
    names = [f"{dimension} {end}" for dimension in DIMENSIONS for end in ("low", "high")]
    found = [name for name, many in zip(names, hits(sentence), strict=True) if many]
    assert found == ([] if want == "nothing" else [want])


# --- what is a story ------------------------------------------------------------------------------


def test_a_short_text_is_no_story():
    story = " ".join(["honest"] * SHORTEST)
    assert count_traits(story, load_lexicon()) == [0, 0, 0, 0, 0, SHORTEST, SHORTEST]
    assert count_traits(story.removesuffix(" honest"), load_lexicon()) is None
    assert count_traits("", load_lexicon()) is None


@pytest.mark.parametrize(
    "refusal",
    [
        "I'm sorry, but I can't write this.",
        "I’m sorry.",
        "I cannot write a story about an honest man.",
        "I won’t.",
        "As an AI, I have no stories.",
    ],
)
def test_a_refusal_is_no_story(refusal):
    assert count_traits(refusal + PAD, load_lexicon()) is None
    late = f"{PAD} {refusal}"
    assert count_traits(late, load_lexicon())[-1] == len(late.split())


# --- the lexicon that ships -----------------------------------------------------------------------


def shipped():
    """Yield (dimension, pair, end, entry) by a plain reading of the file."""
    content = yaml.safe_load(LEXICON.read_text(encoding="utf-8"))
    for dimension, pairs in content.items():
        for pair, sides in pairs.items():
            for end, entries in sides.items():
                for entry in entries:
                    yield dimension, pair, end, entry


def test_all_sixteen_pairs_have_both_ends():
    ends = Counter((dimension, pair, end) for dimension, pair, end, _ in shipped())
    assert ends.keys() == {
        (dimension, pair, end)
        for dimension, pairs in PAIRS.items()
        for pair in pairs
        for end in ("low", "high")
    }
    assert len(ends) == 2 * 16
    assert min(ends.values()) >= 10


def test_no_entry_occurs_twice():
    entries = Counter(entry.lower().replace("-", " ") for *_, entry in shipped())
    assert [entry for entry, many in entries.items() if many > 1] == []


def test_every_entry_counts_once_at_its_own_end():
    wrong = []
    for dimension, _, end, entry in shipped():
        expected = [0] * 6
        expected[2 * DIMENSIONS.index(dimension) + (end == "high")] = 1
        if hits(f"Then {entry} again.") != tuple(expected):
            wrong.append(entry)
    assert wrong == []


# --- a user's lexicon -----------------------------------------------------------------------------


def own(**communion_sides):
    sides = {"low": ["blorp"], "high": ["zing"]} | communion_sides
    return {
        "agency": {"a": {"low": ["foo"], "high": ["bar"]}},
        "beliefs": {"b": {"low": ["ham"], "high": ["egg"]}},
        "communion": {"c": sides},
    }


def write(tmp_path, content):
    path = tmp_path / "lexicon.yaml"
    text = content if isinstance(content, str) else yaml.safe_dump(content)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_users_lexicon_replaces_ours(tmp_path):
    path = write(tmp_path, own())
    assert hits("Honest Ana was foo, zing and not egg.", path) == (1, 0, 1, 0, 0, 1)


def test_the_longest_entry_wins(tmp_path):
    sides = {"low": ["warm welcome home", "zin"], "high": ["warm", "warm welcome", "zing"]}
    path = write(tmp_path, own(**sides))
    assert hits("A warm welcome home.", path) == communion(1, 0)
    assert hits("A warm welcome.", path) == communion(0, 1)
    assert hits("A warm zing and a zin.", path) == communion(1, 2)


def test_entries_of_a_user_are_texts_not_patterns_and_any_case(tmp_path):
    path = write(tmp_path, own(high=["Old-School", "a.b", "C (c)"]))
    assert hits("He was old school, OLD-SCHOOL, a.b and axb.", path) == communion(0, 3)


BAD = {
    "no dimension": ({k: v for k, v in own().items() if k != "beliefs"}, "beliefs"),
    "unknown dimension": (own() | {"charm": own()["agency"]}, "dimensions"),
    "empty dimension": (own() | {"beliefs": {}}, "beliefs"),
    "empty side": (own(low=[]), "communion, c has no entries 'low'"),
    "no side": (own(high=None), "communion, c has no entries 'high'"),
    "side is a text": (own(high="zing"), "communion, c"),
    "pair is a list": (own() | {"agency": {"a": ["foo"]}}, "agency, a"),
    "two ends": (own(low=["zing"]), "zing"),
    "two dimensions": (own(low=["foo"]), "foo"),
    "two ends but for hyphen and case": (own(low=["x y"], high=["X-Y"]), "X-Y"),
    "empty entry": (own(high=["zing", ""]), "communion, c"),
    "entry left out": (own(high=["zing", None]), "communion, c"),
    "a list": (["honest"], "dimensions"),
    "nothing": ("", "dimensions"),
    "no YAML": ("agency: [", "readable"),
}


@pytest.mark.parametrize(("content", "named"), BAD.values(), ids=BAD)
def test_a_bad_lexicon_is_an_error_that_names_the_place(tmp_path, content, named):
    path = write(tmp_path, content)
    with pytest.raises(InputError) as caught:
        load_lexicon(path)
    assert str(path) in str(caught.value)
    assert named in str(caught.value)


def test_absent_or_binary_lexicon(tmp_path):
    with pytest.raises(InputError, match=r"absent\.yaml"):
        load_lexicon(tmp_path / "absent.yaml")
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe\x00agency")
    with pytest.raises(InputError, match=r"binary\.yaml"):
        load_lexicon(path)
