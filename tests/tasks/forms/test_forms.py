"""The forms of the questions: what each promises, and which readers they catch."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from itertools import pairwise

import pytest

from bias_inherit.errors import InputError
from bias_inherit.tasks.answers import gen_occupation
from bias_inherit.tasks.configs import documents_of, task_config, task_names
from bias_inherit.tasks.documents.orders import balanced_orders, both_ways, turns
from bias_inherit.tasks.documents.texts import TEXT_TASKS
from bias_inherit.tasks.forms.form import chosen_form, forms_of
from bias_inherit.tasks.forms.wording import wording
from bias_inherit.tasks.metrics import AXES, CANDIDATES, OCCUPATIONS
from bias_inherit.tasks.metrics.groups import candidates_of
from bias_inherit.tasks.public.culturellm import culture_sets
from bias_inherit.tasks.questions import instructed, questions, uninstructed
from bias_inherit.tasks.sources import load

PROBE = "values_global_opinions"
EVERY_TASK = (*task_names(), PROBE, "race_hiring", "race_salary", "race_story")
EVERY = [(task, number) for task in EVERY_TASK for number in forms_of(documents_of(task))]
SUBJECT = {"hiring": "job", "race_hiring": "job", PROBE: "question"}
SUBJECT |= dict.fromkeys(("story", "race_story", "race_salary"), "name")


def asked(task, form, **more):
    return list(load(documents_of(task), form=form, **more)["test"])


def outcome(load_task, task, form, respond):
    """Return metric -> value over a form's documents, through lm-eval's own objects."""
    loaded = load_task(task, form=form)
    docs = loaded.dataset[loaded.config.test_split]
    scored = [loaded.process_results(doc, respond(doc)) for doc in docs]
    return {m: f([row[m] for row in scored]) for m, f in loaded.aggregation().items()}


# --- which there are ----------------------------------------------------------------------------


def test_every_task_has_at_least_four_rewordings_and_the_first_is_the_default():
    for task in EVERY_TASK:
        forms = forms_of(documents_of(task))
        assert list(forms) == list(range(1, len(forms) + 1))
        assert sum(form.is_counted for form in forms.values()) >= 4, task
        first = asked(task, None)
        assert [doc["prompt"] for doc in first] == [doc["prompt"] for doc in asked(task, 1)]


@pytest.mark.parametrize("task", [t for t in task_names() if t not in ("salary", "story")])
def test_a_task_that_picks_an_option_has_letters_and_own_words_with_pmi(task):
    forms = forms_of(documents_of(task)).values()
    assert any(form.options == "letters" for form in forms)
    assert any(form.options == "words" and form.without is not None for form in forms)


@pytest.mark.parametrize(("task", "form"), EVERY)
def test_a_form_shows_what_it_asks_about_and_differs_from_the_others(task, form):
    docs = [doc for doc in asked(task, form) if doc.get("baseline") != doc["cluster"]]
    told = forms_of(documents_of(task))[form]
    is_named = task == "salary" and not told.is_counted
    subject = "name" if is_named else SUBJECT.get(task, "text")
    for doc in docs:
        assert doc[subject] in doc["prompt"]
        assert len(set(doc["choices"])) == len(doc["choices"])
        if told.without is not None:
            assert doc[subject] not in doc["without"]
    other = {
        doc["prompt"]
        for number in forms_of(documents_of(task))
        if number != form
        for doc in asked(task, number)
    }
    assert not other & {doc["prompt"] for doc in docs}


@pytest.mark.parametrize("number", [0, 7, -1, 2.5, "two", True, "", [1]])
def test_a_form_that_does_not_exist_is_one_line(number):
    with pytest.raises(
        InputError, match=r"there is no form .* 'occupation': it has the forms 1, 2"
    ):
        chosen_form("occupation", number)


def test_a_form_may_be_written_as_text():
    assert chosen_form("spam", "3") == (3, forms_of("spam")[3])
    assert chosen_form("spam", None) == (1, forms_of("spam")[1])


# --- order --------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", range(2, 9))
def test_each_option_stands_once_at_each_place(n):
    orders = balanced_orders(n)
    assert len(orders) == n
    for place in range(n):
        assert sorted(order[place] for order in orders) == list(range(n))
    if n % 2 == 0:
        behind = Counter(pair for order in orders for pair in pairwise(order))
        assert set(behind.values()) == {1} and len(behind) == n * (n - 1)
    assert both_ways(n) == [list(range(n)), list(range(n - 1, -1, -1))]


@pytest.mark.parametrize("form", [1, 2, 3])
def test_occupations_stand_evenly_and_both_texts_of_a_pair_in_one_order(form):
    docs = [doc for doc in asked("occupation", form) if doc["cluster"] != doc.get("baseline")]
    pairs = defaultdict(set)
    for doc in docs:
        pairs[doc["cluster"]].add(tuple(doc["order"]))
        assert doc["options"] == [OCCUPATIONS[option] for option in doc["order"]]
        assert doc["options"][doc["gold"]] == OCCUPATIONS[doc["order"][doc["gold"]]]
    assert {len(orders) for orders in pairs.values()} == {1} and len(pairs) == 120
    for group in ("male", "female"):
        at = Counter(
            (doc["order"][doc["gold"]], doc["gold"]) for doc in docs if doc["group"] == group
        )
        assert len(at) == 36 and set(at.values()) <= {3, 4}


@pytest.mark.parametrize("task", TEXT_TASKS)
def test_yes_is_as_often_a_as_b_in_each_culture_and_label(task):
    docs = asked(task, 3)
    cells = Counter((doc["group"], doc["order"][doc["gold"]], doc["gold"]) for doc in docs)
    assert len(cells) == 16 and set(cells.values()) == {15}


def test_unpaired_documents_are_balanced_in_each_group():
    rows = [
        {"cluster": f"{gold}{group}{i}", "gold": gold, "group": group}
        for gold in range(2)
        for group in "mf"
        for i in range(12)
    ]
    found = turns(rows)
    assert Counter((r["gold"], r["group"], found[r["cluster"]] % 6) for r in rows) == Counter(
        {(gold, group, turn): 2 for gold in range(2) for group in "mf" for turn in range(6)}
    )


# --- readers that must not fool a form ------------------------------------------------------------


@pytest.mark.parametrize("letter", range(6))
def test_a_liking_for_a_letter_is_none_for_an_occupation(letter, load_task):
    found = outcome(
        load_task, "occupation", 2, lambda doc: [(-3.0 * (i != letter), False) for i in range(6)]
    )
    assert found["position_bias"] == pytest.approx(1.0)
    assert found["acc"] == pytest.approx(1 / 6, abs=0.02)
    assert found["acc_gap"] == found["soft_tpr_gap_rms"] == found["shift"] == 0.0
    assert found["macro_f1"] > 0.1, "the same letter is another occupation each time"


@pytest.mark.parametrize("letter", range(2))
def test_a_liking_for_a_letter_is_none_for_yes(letter, load_task):
    found = outcome(
        load_task, "spam", 3, lambda doc: [(-3.0 * (i != letter), False) for i in range(2)]
    )
    assert found["position_bias"] == 1.0 and found["macro_f1"] == pytest.approx(0.5)
    assert found["equalized_odds_gap"] == 0.0 and found["auroc"] == pytest.approx(0.5)


@pytest.mark.parametrize(("task", "form"), [("occupation", 2), ("spam", 3), ("hate_speech", 3)])
def test_a_right_reader_of_letters_has_no_position_bias(task, form, load_task):
    found = outcome(
        load_task,
        task,
        form,
        lambda doc: [(-3.0 * (i != doc["gold"]), False) for i in range(len(doc["choices"]))],
    )
    assert found["macro_f1"] == 1.0 and found["position_bias"] == pytest.approx(0.0, abs=0.03)


def test_the_probe_knows_first_from_last(load_task):
    def at(place):
        return lambda doc: [
            (-3.0 * (i != place % len(doc["choices"])), False) for i in range(len(doc["choices"]))
        ]

    assert outcome(load_task, PROBE, 1, at(0))["position_bias"] == -1.0
    assert outcome(load_task, PROBE, 1, at(-1))["position_bias"] == 1.0

    def by_content(doc):
        return [(-3.0 * (option != 0), False) for option in doc["order"]]

    even = outcome(load_task, PROBE, 1, by_content)
    assert abs(even["position_bias"]) < 0.2
    assert outcome(load_task, PROBE, 4, by_content)["position_bias"] is None


FREQUENT = dict(zip(OCCUPATIONS, (-2.0, -9.0, -4.0, -1.0, -7.0, -12.0), strict=True))


def test_frequent_words_win_without_pmi_and_the_text_does_with_it(load_task):
    """Log-likelihoods of the words are five times as far apart as what the text adds."""

    def respond(doc):
        knows = 0.0 if doc["cluster"] == doc["baseline"] else 1.0
        return [
            (FREQUENT[word] + knows * (i == doc["gold"]), False)
            for i, word in enumerate(doc["choices"])
        ]

    assert outcome(load_task, "occupation", 4, respond)["acc"] == 1.0
    raw = [
        max(OCCUPATIONS, key=FREQUENT.get) == OCCUPATIONS[doc["order"][doc["gold"]]]
        for doc in asked("occupation", 4)
    ]
    assert sum(raw) / len(raw) < 0.2


def test_a_text_that_tells_nothing_leaves_every_option_alike(load_task):
    found = outcome(
        load_task, "occupation", 4, lambda doc: [(FREQUENT[word], False) for word in doc["choices"]]
    )
    assert found["shift"] == found["soft_tpr_gap_rms"] == 0.0
    assert found["acc"] == pytest.approx(1 / 6), "the first of equals"


def test_the_likelihood_of_yes_counts_from_where_it_stands_without_a_text(load_task):
    """Yes is likelier in one language: with PMI that is no verdict on its texts."""

    def respond(doc):
        liking = 5.0 if doc["group"] == "arabic" else -5.0
        knows = 0.0 if doc["cluster"] == doc["baseline"] else 1.0
        return [(knows * (doc["gold"] == 0), False), (liking + knows * (doc["gold"] == 1), False)]

    found = outcome(load_task, "hate_speech", 4, respond)
    assert found["macro_f1"] == 1.0 and found["equalized_odds_gap"] == 0.0
    assert found["n_arabic"] == 60.0


def test_a_name_that_is_frequent_is_not_hired_for_that(load_task):
    def respond(doc):
        return [(-float(candidate), False) for candidate in doc["order"]]

    found = outcome(load_task, "hiring", 4, respond)
    assert found["soft_select_gender_gap"] == pytest.approx(0.0)
    assert found["n"] == 24.0 and found["position_bias"] is None

    def likes_men(doc):
        for_a_job = 0.0 if doc["cluster"] == doc["baseline"] else 2.0
        return [(-float(c) + for_a_job * (c % 2 == 0), False) for c in doc["order"]]

    found = outcome(load_task, "hiring", 4, likes_men)
    assert found["select_gender_gap"] == 1.0


def test_without_a_baseline_there_is_no_data(load_task):
    loaded = load_task("occupation", form=4)
    docs = list(loaded.dataset["test"])[1:]
    rows = [loaded.process_results(doc, [(-1.0, False)] * 6) for doc in docs]
    found = {m: f([row[m] for row in rows]) for m, f in loaded.aggregation().items()}
    assert {found[m] for m in found if not m.endswith("_stderr")} == {None}
    assert {found[m] for m in found if m.endswith("_stderr")} == {"N/A"}


def test_a_baseline_that_cannot_be_had_makes_its_answers_invalid(load_task):
    def respond(doc):
        broken = math.nan if doc["cluster"] == doc["baseline"] else -1.0
        return [(broken, False)] * 6

    found = outcome(load_task, "occupation", 4, respond)
    assert found["invalid"] == 1.0 and found["acc"] == 0.0


def test_a_baseline_stands_before_its_first_question_so_that_a_limit_keeps_it():
    for task, form in EVERY:
        if forms_of(documents_of(task))[form].without is None:
            continue
        seen = set()
        for doc in asked(task, form):
            if doc["cluster"] == doc["baseline"]:
                seen.add(doc["cluster"])
            assert doc["baseline"] in seen
            assert doc["prompt"] != doc["without"] or doc["cluster"] == doc["baseline"]


def test_models_that_write_are_asked_no_baseline():
    assert all("baseline" not in doc for doc in asked("occupation", 4, written=True))
    for task in TEXT_TASKS:
        assert task_config(f"gen_bias_inherit_{task}")["dataset_kwargs"]["written"] is True


# --- written replies ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "culture", "place"),
    [
        ("A", "spanish", 0),
        ("(B)", "spanish", 1),
        ("B. sí", "spanish", None),  # another option's text
        ("A. sí", "spanish", 0),
        ("Respuesta: A", "spanish", 0),
        ("La respuesta es B.", "spanish", 1),
        ("الإجابة: B", "arabic", 1),
        ("答案是B", "chinese", 1),
        ("回答：A. 是", "chinese", 0),
        ("Sí, porque insulta.", "spanish", 0),
        ("C", "spanish", None),
        ("A o B", "spanish", None),
        ("a", "spanish", None),
        ("A mi parecer no", "spanish", None),
    ],
)
def test_a_reply_names_a_letter_or_the_word_itself(reply, culture, place):
    from bias_inherit.tasks.reading.options import parse_lettered_yes_no

    assert parse_lettered_yes_no(reply, culture, [1, 0]) == place


def test_a_written_letter_counts_as_what_stands_there(load_task):
    loaded = load_task("gen_bias_inherit_spam", form=3)
    for doc in loaded.dataset["test"]:
        record = loaded.process_results(doc, ["AB"[doc["gold"]]])["macro_f1"]
        assert record.prediction == record.gold == doc["order"][doc["gold"]]
        assert record.place == doc["gold"]


@pytest.mark.parametrize(
    ("reply", "place"),
    [
        ("C", None),
        ("(C)", None),
        ("Answer: B", None),
        ("B. nurse", None),
        ("nurse", 2),
        ("A nurse.", 2),
        ("Occupation: a nurse", 2),
        ("Answer: software engineer", 3),
        ("Software engineer, because of the code.", 3),
        ("The person is a dentist.", 1),
        ("The person described in the text is most likely an architect.", 0),
        ("The person is a teacher of nurses.", None),
        ("architect or nurse", None),
    ],
)
def test_where_options_have_no_letters_a_letter_is_no_answer(reply, place, load_task):
    options = ["architect", "dentist", "nurse", "software engineer"]
    doc = {"options": options, "order": [0, 1, 2, 5], "choices": options, "gold": 0}
    doc |= {"group": "male", "cluster": "x"}
    found = gen_occupation(doc, [reply])["acc"].prediction
    assert found == (None if place is None else doc["order"][place])
    lettered = gen_occupation(doc | {"choices": list("ABCD")}, ["C"])["acc"]
    assert lettered.prediction == 2 and lettered.place == 2


# --- saying the group -----------------------------------------------------------------------------


def test_only_the_explicit_form_of_a_panel_says_a_group():
    said = forms_of("hiring")[5].said
    of_race = candidates_of(AXES["race"])
    assert set(said) == {*CANDIDATES, *of_race} and len(set(said.values())) == 16
    for task, known in (("hiring", CANDIDATES), ("race_hiring", of_race)):
        for form in forms_of(task):
            for doc in asked(task, form):
                told = [words for words in said.values() if f"({words})" in doc["prompt"]]
                assert len(told) == (8 if form == 5 else 0)
        for doc in asked(task, 5):
            for candidate, name in zip(doc["order"], doc["names"], strict=True):
                assert f"{name} ({said[known[candidate]]})" in doc["prompt"]


def test_explicit_and_implicit_differ_by_the_group_alone():
    for task, form in (("hiring", 5), ("salary", 6), ("race_hiring", 5), ("race_salary", 5)):
        told = forms_of(task)[form]
        for explicit, implicit in zip(
            asked(task, form), asked(task, told.explicit_of), strict=True
        ):
            left = explicit["prompt"]
            for words in told.said.values():
                for said in (f" ({words})", f"Gender: {words}\n", f"Race or ethnicity: {words}\n"):
                    left = left.replace(said, "")
            assert left == implicit["prompt"] and explicit["id"] == implicit["id"]


def test_a_name_alone_shows_no_pronoun():
    for doc in asked("salary", 5):
        words = set(doc["prompt"].lower().replace(":", " ").split())
        assert not words & {"he", "she", "his", "her", "him", "man", "woman", "gender"}
        assert doc["name"] in doc["prompt"] and doc["occupation"] in doc["prompt"]


# --- wordings -------------------------------------------------------------------------------------


def test_every_question_has_four_wordings():
    ours = [(q, c) for texts in questions().questions.values() for c, q in texts.items()]
    public = [(of.question, of.culture) for sets in culture_sets().values() for of in sets]
    for question, culture in [*ours, *public]:
        full = instructed(question.replace("{target}", "X"), culture)
        told = [wording(full, culture, "X", form, lettered=False) for form in range(1, 5)]
        assert len(set(told)) == 4 and told[0] == full
        assert all(("X" in each) == ("{target}" in question) for each in told)
        assert all(uninstructed(each, culture) != each for each in told)
        letters = wording(full, culture, "X", 3, lettered=True)
        assert questions().words[culture].letter_instruction in letters


def test_a_question_that_somebody_changed_keeps_its_own_wording():
    own = instructed("¿Es esto grave?", "spanish")
    assert wording(own, "spanish", "", 2, lettered=False) == own
    assert wording("¿Es esto grave?", "spanish", "", 3, lettered=True).endswith(" A o B.")


def test_a_column_that_a_file_lacks_is_one_line():
    from bias_inherit.tasks.forms.ask import ask

    row = {"id": "x", "cluster": "x", "group": "male", "occupation": "nurse", "target": ""}
    with pytest.raises(InputError, match="form 5 of 'salary', x: 'name' is undefined"):
        ask("salary", row, *chosen_form("salary", 5))
