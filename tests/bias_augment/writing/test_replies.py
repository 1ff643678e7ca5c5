"""Replies as models write them: what is read off is the label and the text alone."""

import pytest

from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.writing.generators.contract import Reply
from bias_inherit.bias_augment.writing.labels import Labels
from bias_inherit.bias_augment.writing.replies import parse_reply, read_label
from bias_inherit.bias_augment.writing.requests import build_requests
from bias_inherit.language.notes import cut_notes

TEXT = "Anna works at night. She likes it."


@pytest.fixture
def chosen(original):
    return build_requests(load_axis("gender"), "neutral", original, 1, 0, "m")[0]


@pytest.fixture
def given(original):
    """A request whose label is given: a nurse."""
    nurses = [row for row in original if row["label"] == "nurse"]
    axis = load_axis("gender")
    return build_requests(axis, "neutral", nurses, 1, 0, "m", Labels("given"))[0]


WRAPPED = {
    "markdown": f"**Occupation:** Nurse\n\n**Biography:** {TEXT}",
    "marks around the colon": f"**Occupation**: nurse\n__Biography__: {TEXT}",
    "bullets": f"- Occupation: nurse\n- Biography: {TEXT}",
    "numbers": f"1. Occupation: nurse\n2) Biography: {TEXT}",
    "quotes": f'Occupation: "nurse"\nBiography: "{TEXT}"',
    "curly quotes": f"Occupation: \u201cnurse\u201d\nBiography: \u201c{TEXT}\u201d",
    "a quoted reply": f'"Occupation: nurse\nBiography: {TEXT}"',
    "headings": f"## Occupation\nnurse\n\n## Biography\n{TEXT}",
    "a list in the text": "Occupation: nurse\nBiography:\n- Anna works at night.\n- She likes it.",
    "a fence": f"```\nOccupation: nurse\nBiography: {TEXT}\n```",
    "JSON": f'{{"Occupation": "nurse", "Biography": "{TEXT}"}}',
    "JSON in a fence": f'```json\n{{"occupation": "Nurse", "biography": "{TEXT}"}}\n```',
    "JSON in a list": f'[{{"Occupation": "nurse", "Biography": "{TEXT}"}}]',
    "JSON after words": f'Here it is: {{"occupation": "nurse", "bio": "{TEXT}"}} Enjoy!',
    "a thought": f"<think>Occupation: dentist?</think>\nOccupation: nurse\nBiography: {TEXT}",
    "a thought that the prompt began": f"Hm.</think>Occupation: nurse\nBiography: {TEXT}",
    "a preamble": f"Sure! Here you are:\n\nOccupation: nurse\nBiography: {TEXT}",
    "one line": f"Occupation: nurse. Biography: {TEXT}",
    "no heading of the text": f"Occupation: nurse\n\n{TEXT}",
    "the text first": f"Biography: {TEXT}\nOccupation: nurse",
    "other headings": f"Profession: nurse\nBio: {TEXT}",
    "a sentence": f"The occupation is nurse.\nBiography: {TEXT}",
    "a full-width colon": f"Occupation\uff1anurse\nBiography\uff1a{TEXT}",
    "special tokens": f"<|assistant|>Occupation: nurse\nBiography: {TEXT}<|im_end|>",
    "a second one": f"Occupation: nurse\nBiography: {TEXT}\n\nOccupation: dentist\nBiography: B",
    "windows lines": f"Occupation: nurse\r\nBiography: {TEXT}\r\n",
}
NOTED = {
    "a note": f"Occupation: nurse\nBiography: {TEXT}\n\nNote: this is not a real person.",
    "a note in italics": f"Occupation: nurse\nBiography: {TEXT}\n\n*(Note that all is made up.)*",
    "a disclaimer": f"Occupation: nurse\nBiography: {TEXT} Disclaimer: stereotypes do harm.",
    "fiction": f"Occupation: nurse\nBiography: {TEXT} This biography is purely fictional. Ask me.",
    "an offer": f"Occupation: nurse\nBiography: {TEXT}\n\nLet me know if you need more!",
    "a rule": f"Occupation: nurse\nBiography: {TEXT}\n\n---\n\nNote: as asked, two sentences.",
    "morals": f"Occupation: nurse\nBiography: {TEXT} It is important to remember that people vary.",
    "in JSON": f'{{"Occupation": "nurse", "Biography": "{TEXT} Note: fictional."}}',
}


@pytest.mark.parametrize("case", [*WRAPPED, *NOTED])
def test_label_and_text_are_read_off_whatever_is_around_them(chosen, case):
    found = parse_reply(chosen, Reply((WRAPPED | NOTED)[case]))
    assert not isinstance(found, str), found
    assert (found.label, found.text, found.noted) == ("nurse", TEXT, case in NOTED)


def test_what_a_text_itself_says_is_no_note():
    told = "Ben noted the time. He took note of it. Remember that day, he says, and goes on."
    assert cut_notes(told) == (told, False)
    assert cut_notes("Note: fiction. Ben works.") == ("Ben works.", True)
    assert cut_notes("Note: nothing but this.") == ("Note: nothing but this.", False)
    assert cut_notes("") == ("", False)


@pytest.mark.parametrize(
    ("named", "label"),
    [
        ("Registered Nurse", "nurse"),
        ("RN", "nurse"),
        ("Nurse (RN)", "nurse"),
        ("a nurse", "nurse"),
        ("B. nurse", "nurse"),
        ("Nurses", "nurse"),
        ("Senior Software Engineer", "software engineer"),
        ("software developer", "software engineer"),
        ("Professor of history", "professor"),
        ("Landscape painter", "painter"),
        ("Dentist, in a small town", "dentist"),
        ("**Architect**", "architect"),
        ("teacher", None),
        ("nurse and dentist", None),
        ("nurse or professor", None),
        ("not a nurse", None),
        ("<one of the list>", None),
        ("", None),
    ],
)
def test_labels_are_told_by_the_list_and_the_axis_table(chosen, named, label):
    assert read_label(named, chosen.source["options"], load_axis("gender")) == label


def test_a_scale_is_read_by_its_own_words_alone():
    options = ["Very important", "Rather important", "Not very important", "Not at all important"]
    axis = load_axis("culture")
    for option in options:
        assert read_label(f"{option.upper()}.", options, axis) == option
    assert read_label("important", options, axis) is None


def test_where_the_label_is_given_the_text_may_stand_alone(given):
    assert given.label == "nurse" and "from this list: nurse." in given.prompt
    for reply in (TEXT, f"Biography: {TEXT}", f"Here is a biography: {TEXT}", *WRAPPED.values()):
        found = parse_reply(given, Reply(reply))
        assert not isinstance(found, str) and (found.label, found.text) == ("nurse", TEXT), reply
    assert parse_reply(given, Reply(f"Occupation: dentist\nBiography: {TEXT}")) == "other-label"
    assert parse_reply(given, Reply('{"Occupation": "nurse", "Biog')) == "off-format"


def test_a_text_that_names_its_label_is_told_and_may_be_kept_out(chosen):
    reply = Reply("Occupation: nurse\nBiography: Anna is among the best nurses of the house.")
    found = parse_reply(chosen, reply)
    assert not isinstance(found, str) and found.named
    assert parse_reply(chosen, reply, keep_named=False) == "label-named"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("<think>It should be a nurse", "empty"),
        ("Occupation: nurse\nBiography: <two to four sentences>", "echo"),
        ("Occupation: nurse\nBiography: painter", "echo"),
        ("Occupation: nurse\nBiography: Deborah", "echo"),
        ("Occupation: nurse\nBiography: Deborah is a nurse.", "echo"),
        ("Occupation: nurse\nBiography: Deborah Fields", "echo"),
        ("Occupation: nurse\nBiography: Write another short biography", "echo"),
        ("```json\n```", "off-format"),
        ("{" * 5000, "off-format"),
        ("-" * 100_000, "off-format"),
    ],
)
def test_what_holds_nothing_is_said_by_kind_and_soon(chosen, reply, kind):
    assert parse_reply(chosen, Reply(reply)) == kind
