"""Telling a biography of a man or a woman, and turning one into the other."""

import pytest

from bias_inherit.language.gender_words import has_gender_words, swap_gender, tell

NAMES = {"Anna": "Peter", "Peter": "Anna"}


def test_tell_fills_every_form():
    template = (
        "{They} met {name}; {they} trust {them}, {their} word and {themself}. {Their}; {theirs}."
    )
    assert tell(template, "Anna", "female") == (
        "She met Anna; she trust her, her word and herself. Her; hers."
    )
    assert tell(template, "Peter", "male") == (
        "He met Peter; he trust him, his word and himself. His; his."
    )
    assert tell("{name} in {place}", "Anna", "female", place="Rome") == "Anna in Rome"


@pytest.mark.parametrize(
    ("text", "swapped"),
    [
        # her: by its role
        ("She lost her keys.", "He lost his keys."),
        ("They met her.", "They met him."),
        ("We told her that it rained.", "We told him that it rained."),
        ("I saw her and left.", "I saw him and left."),
        ("It is her most recent and her next book.", "It is his most recent and his next book."),
        ("Her dog follows her everywhere.", "His dog follows him everywhere."),
        ("The prize is hers.", "The prize is his."),
        # his: her or hers
        ("He lost his keys.", "She lost her keys."),
        ("The prize is his.", "The prize is hers."),
        ("The idea was his and it worked.", "The idea was hers and it worked."),
        ("They met him.", "They met her."),
        # case and punctuation
        ("HE and She. HIS!", "SHE and He. HERS!"),
        ("Himself, (she) 'him'", "Herself, (he) 'her'"),
        # nouns, titles, names
        ("Mr. Lee, a husband and father", "Ms. Lee, a wife and mother"),
        ("Mrs. Lee and Miss Ray", "Mr. Lee and Mr Ray"),
        ("Anna met Peter's sister.", "Peter met Anna's brother."),
        ("Annabel and Ann stay.", "Annabel and Ann stay."),
        # words inside other words, and other words, stay as they are
        ("The theme: other shells, mankind, human, person.", None),
        ("A PhD on APIs at McGill; eBay and iPhone", None),
        ("We never miss a deadline.", None),
        ("", None),
    ],
)
def test_swap_gender(text, swapped):
    assert swap_gender(text, NAMES) == (text if swapped is None else swapped)


@pytest.mark.parametrize(
    "text",
    [
        "Anna lost her keys, and she blames herself.",
        "HE knows that Peter met his brother and his uncle at the Man's house.",
        "The woman told the boys; her daughter, a businesswoman, smiled.",
        "The prize is hers. She met him.",
    ],
)
def test_swapping_twice_gives_the_start_back(text):
    once = swap_gender(text, NAMES)
    assert once != text
    assert swap_gender(once, NAMES) == text


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("We met her.", True),
        ("HIS desk", True),
        ("Miss Ray", True),
        ("a grandmother", True),
        ("They never miss a theme.", False),
        ("Anna works there.", False),
        ("", False),
    ],
)
def test_has_gender_words(text, has):
    assert has_gender_words(text) is has
    assert (swap_gender(text, {}) != text) is has


@pytest.mark.parametrize(
    ("of_her", "of_him"),
    [
        ("Two cats keep her company.", "Two cats keep him company."),
        ("She runs her company.", "He runs his company."),
        ("A choir has her among its altos.", "A choir has him among its altos."),
        ("They give her most of the work.", "They give him most of the work."),
        ("She gives her most recent book away.", "He gives his most recent book away."),
        ("The faculty gave her tenure.", "The faculty gave him tenure."),
        ("Friends bring her their printers.", "Friends bring him their printers."),
        ("They call her strict and generous.", "They call him strict and generous."),
        ("They call her mother and wait.", "They call his mother and wait."),
        ("She called her publisher and waited.", "He called his publisher and waited."),
        ("She kept her company afloat.", "He kept his company afloat."),
        ("They gave her credit card back.", "They gave his credit card back."),
        ("They asked her first about it.", "They asked him first about it."),
        ("They asked her first patient.", "They asked his first patient."),
        (
            "They know her past and her outside interests.",
            "They know his past and his outside interests.",
        ),
        ("They ask her something.", "They ask him something."),
        ("They ask her patients.", "They ask his patients."),
    ],
)
def test_her_is_read_by_the_verb_before_it_and_the_word_after_it(of_her, of_him):
    assert swap_gender(of_her, {}).replace("father", "mother") == of_him
