"""Languages by script and commonest words: whole texts, and short ones that cannot be told."""

from __future__ import annotations

import json

import pytest

from bias_inherit.language.guess import OTHER, guess_language

TEXTS = {
    "English": "She is a nurse who has worked in the town for many years.",
    "German": "Sie arbeitet seit vielen Jahren als Krankenschwester und hilft den Menschen.",
    "Dutch": "Ze werkt al jaren als verpleegkundige in het ziekenhuis, of ze nu wil of niet.",
    "Danish, Norwegian or Swedish": "Hun har arbejdet her i mange år, og alle kender hende.",
    "French": "Je suis infirmière dans la ville et je travaille avec les enfants.",
    "Spanish": "Trabaja como enfermera en la ciudad y todos la conocen.",
    "Portuguese": "Ela trabalha como enfermeira há muitos anos e todos na cidade a conhecem.",
    "Italian": "Lavora come infermiera da molti anni e tutti in città la conoscono.",
    "Polish": "Ona pracuje jako pielęgniarka od wielu lat i wszyscy w mieście ją znają.",
    "Finnish": "Hän on työskennellyt monta vuotta ja kaikki kaupungissa tuntevat hänet.",
    "Turkish": "Uzun yıllardır hemşire olarak çalışıyor ve herkes onu tanıyor.",
    "Chinese or Japanese": "她当护士很多年了",
    "Japanese": "とてもやさしいひとです",
    "Arabic script": "تعمل ممرضة منذ سنوات عديدة",
    "Cyrillic script": "Она много лет работает медсестрой",
    OTHER: "Emakume hau erizaina eta urte asko daramatza ospitalean lanean denek ezagutzen hirian",
}


@pytest.mark.parametrize("language", TEXTS)
def test_a_sentence_is_told_by_its_words_or_script(language):
    assert guess_language(TEXTS[language]) == language


@pytest.mark.parametrize("text", ["", "Nurse.", "12 34", "w1x2 w3x4", "Person repairs roofs."])
def test_what_is_too_short_is_not_told(text):
    assert guess_language(text) is None


def test_real_biographies_are_english(public_data):
    for name, column in (
        ("llm_written_bios/chatgpt_comedian_model.jsonl", "chatgpt_gen"),
        ("bias_in_bios/sample.jsonl", "hard_text"),
    ):
        rows = [json.loads(line) for line in (public_data / name).read_text().splitlines()]
        assert {guess_language(row[column]) for row in rows} == {"English"}
