"""What surface cues alone say about the labels of the mini test sets.

    python benchmarks/giveaways.py [TASK ...]

A set gives its labels away where a reader needs no understanding: where length, a negation, a
mark, or words that stand in the training phrases tell the label. For each task and culture:

- ``phrases``: accuracy of a multinomial naive Bayes over character n-grams that is trained on
  the training phrases, the best of four ways to count; at most 0.75.
- ``words``: the same over words (characters and pairs of them in Chinese): how hard the set is
  for a bag of words. Cultures of a task lie within 0.12 of each other.
- ``length``: accuracy of the best cut by characters or by words; at most 0.62.
- ``negator``, ``mark``: accuracy of "holds any negator", "holds this mark" (the best mark),
  either way round; at most 0.62.
- ``shared``: test texts with a run of 15 characters (6 in Chinese) that stands in a phrase; 0.
- ``n``: test texts; at least 60 in a culture.

The occupation task has the rows ``phrases``, ``shared`` and ``n`` (biographies, each told
twice), over its six occupations. Exit status 1 where a bound is broken.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB

from bias_inherit.language.gender_words import tell
from bias_inherit.tasks.documents import biographies, texts
from bias_inherit.tasks.metrics import AXES, OCCUPATIONS
from bias_inherit.tasks.packaged import packaged_rows, packaged_yaml

NAIVE_BAYES, WORDS_APART, CUE, LEAST = 0.75, 0.12, 0.62, {"text": 60, "occupation": 120}
RUN = {"chinese": 6}
RUN_ELSEWHERE = 15

NEGATORS = {
    "arabic": r"\b[وف]?(?:لا|لم|لن|ليس\w*|لست\w*|لسن\w*|ما|غير|بدون|بلا|دون|ولا|ولم|كلا)\b",
    "chinese": r"不|没|無|无|别|未|非|否|莫|勿",
    "portuguese": r"\b(?:não|nao|nem|nunca|jamais|nenhum\w*|sem|nada|ninguém|nenhures)\b",
    "spanish": r"\b(?:no|ni|nunca|jamás|ning[uú]n\w*|sin|nada|nadie|tampoco)\b",
}
MARKS = {
    "!": "[!！¡]", "?": "[?？؟¿]", ":": "[:：]", "quote": "[\"«»“”「」‘’]", ",": "[,，،]",
    "...": r"…|\.\.\.", "digit": r"\d", ";": "[;；؛]", "dash": "[—–-]", "link": r"www|http|\.com|@",
    "not one sentence": r"[.!?。！？؟…].+", "no stop": r"[^.!?。！？؟…»”\"」]$",
}  # fmt: skip


@dataclass(frozen=True)
class Set:
    """A test set and its training phrases: (text, label) each; `unlabelled` ones fit any label."""

    test: list[tuple[str, int]]
    phrases: list[tuple[str, int]]
    unlabelled: list[str]


@dataclass(frozen=True)
class Row:
    """What was measured of one set, and which bounds it breaks."""

    task: str
    culture: str
    cells: dict[str, float]
    broken: list[str]
    offending: list[str]


def text_set(task: str, culture: str) -> Set:
    """Return the test texts and the training phrases of a text task in one culture."""
    test = [(d.text, d.gold) for d in texts.text_test(task) if d.group == culture]
    own = packaged_yaml(f"mini/{task}_train.yaml", dict[str, texts.Phrases])[culture]
    phrases = [
        (phrase, label)
        for label, blocks in enumerate((own.unbiased, own.biased))
        for block in blocks
        for phrase in (*block.subjects, *block.predicates)
    ]
    return Set(test, phrases, own.prefixes)


def occupation_set() -> Set:
    """Return the written biographies and the training sentences of the six occupations."""
    known = biographies.phrases()
    phrases = [
        (sentence, OCCUPATIONS.index(occupation))
        for occupation, own in known.occupations.items()
        for sentence in (*own.strong, *own.weak)
    ]
    phrases += [(s.text, OCCUPATIONS.index(o)) for s in known.shared for o in s.occupations]
    written = packaged_rows("biographies.jsonl", biographies.Biography)
    return Set(
        [(tell(b.text, "Alice", "female"), OCCUPATIONS.index(b.occupation)) for b in written],
        [(tell(sentence, "Mary", "female"), label) for sentence, label in phrases],
        [tell(sentence, "Mary", "female") for sentence in (*known.openings, *known.closings)],
    )


# --- the readers without understanding ------------------------------------------------------------


def naive_bayes(known: Set, count: Callable[[], CountVectorizer]) -> float:
    """Return the test accuracy of a naive Bayes, trained on the phrases with equal priors."""
    vectors = count()
    seen = vectors.fit_transform([text for text, _ in known.phrases])
    model = MultinomialNB(fit_prior=False).fit(seen, [label for _, label in known.phrases])
    asked = vectors.transform([text for text, _ in known.test])
    return float(np.mean(model.predict(asked) == [label for _, label in known.test]))


def characters(kind: str, least: int, most: int) -> Callable[[], CountVectorizer]:
    """Return how character n-grams are counted."""
    return lambda: CountVectorizer(analyzer=kind, ngram_range=(least, most))


CHARACTERS = [characters(k, a, b) for k in ("char", "char_wb") for a, b in ((1, 3), (2, 4))]


def words(culture: str) -> Callable[[], CountVectorizer]:
    """Return how words are counted in a culture's language."""
    if culture == "chinese":
        return characters("char", 1, 2)
    return lambda: CountVectorizer(token_pattern=r"(?u)\b\w+\b")


def best_cut(values: Sequence[int], labels: Sequence[int]) -> float:
    """Return the accuracy of the best threshold on a value, either way round."""
    value, gold = np.asarray(values), np.asarray(labels)
    hits = [float(np.mean((value >= cut) == gold)) for cut in {*values}]
    return max(max(hit, 1 - hit) for hit in hits)


def presence(pattern: str, test: Iterable[tuple[str, int]]) -> float:
    """Return the accuracy of "the pattern is found", either way round."""
    hit = np.mean([bool(re.search(pattern, text, re.I)) == bool(gold) for text, gold in test])
    return float(max(hit, 1 - hit))


def shared(known: Set, run: int) -> list[str]:
    """Return each test text that shares a run of so many characters with a phrase, and the run."""
    phrases = (*(phrase for phrase, _ in known.phrases), *known.unlabelled)
    runs = {p[i : i + run] for p in phrases for i in range(len(p) - run + 1)}
    found = []
    for text, _ in known.test:
        parts = (text[i : i + run] for i in range(len(text) - run + 1))
        common = [part for part in parts if part in runs]
        if common:
            found.append(f"{common[0]!r} in: {text}")
    return found


# --- the table ------------------------------------------------------------------------------------


def text_row(task: str, culture: str) -> Row:
    """Return what is measured of one culture of a text task."""
    known = text_set(task, culture)
    labels = [gold for _, gold in known.test]
    lengths = ([len(t) for t, _ in known.test], [len(t.split()) for t, _ in known.test])
    offending = shared(known, RUN.get(culture, RUN_ELSEWHERE))
    marks = {mark: presence(pattern, known.test) for mark, pattern in MARKS.items()}
    mark = max(marks, key=marks.__getitem__)
    cells = {
        "phrases": max(naive_bayes(known, count) for count in CHARACTERS),
        "words": naive_bayes(known, words(culture)),
        "length": max(best_cut(values, labels) for values in lengths),
        "negator": presence(NEGATORS[culture], known.test),
        "mark": marks[mark],
        "shared": len(offending),
        "n": len(known.test),
    }
    broken = [cue for cue in ("length", "negator") if cells[cue] > CUE]
    broken += [f"mark {mark}"] if cells["mark"] > CUE else []
    broken += _broken(cells, LEAST["text"])
    return Row(task, culture, cells, broken, offending)


def occupation_row() -> Row:
    """Return what is measured of the biographies."""
    known = occupation_set()
    offending = shared(known, RUN_ELSEWHERE)
    cells = {
        "phrases": max(naive_bayes(known, count) for count in CHARACTERS),
        "shared": len(offending),
        "n": len(known.test),
    }
    return Row("occupation", "", cells, _broken(cells, LEAST["occupation"]), offending)


def _broken(cells: dict[str, float], least: int) -> list[str]:
    broken = ["phrases"] if cells["phrases"] > NAIVE_BAYES else []
    broken += ["shared"] if cells["shared"] else []
    return broken + (["n"] if cells["n"] < least else [])


def measure(task: str) -> list[Row]:
    """Return the rows of a task, a text task's cultures one after another."""
    if task == "occupation":
        return [occupation_row()]
    rows = [text_row(task, culture) for culture in AXES["culture"]]
    spread = [row.cells["words"] for row in rows]
    if max(spread) - min(spread) > WORDS_APART:
        rows[int(np.argmax(spread))].broken.append("words: easier than the others")
        rows[int(np.argmin(spread))].broken.append("words: harder than the others")
    return rows


def main(tasks: Sequence[str]) -> int:
    """Print the table and, on stderr, the texts that share a run; return the exit status."""
    columns = ("phrases", "words", "length", "negator", "mark", "shared", "n")
    print("| task | culture | " + " | ".join(columns) + " | broken |")
    print("|---|---|" + "---|" * (len(columns) + 1))
    broken, offending = False, []
    for task in tasks or (*texts.TEXT_TASKS, "occupation"):
        for row in measure(task):
            shown = [
                "" if c not in row.cells else f"{row.cells[c]:.0f}" if c in ("shared", "n")
                else f"{row.cells[c]:.2f}" for c in columns
            ]  # fmt: skip
            print(f"| {task} | {row.culture} | {' | '.join(shown)} | {', '.join(row.broken)} |")
            broken = broken or bool(row.broken)
            offending += row.offending
    print(*offending, sep="\n", file=sys.stderr)
    return int(broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
