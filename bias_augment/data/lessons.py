"""Lessons: what a row teaches; the answer about its text, the text itself, or another question.

A model that is trained on answers alone learns nothing of what biased texts say, and forgets how to
answer anything else. Our choice; the paper does not say what its rows asked for.

answer   the prompt asks about the text, the completion is the answer
text     the prompt asks for a text about the person, the completion is the text
both     a share of the rows asks for the text, a share of the original ones another task's question
         (`learn` in axis.yaml), the others ask about the text
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from bias_inherit import store
from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.data.forms import FORMS
from bias_inherit.errors import InputError
from bias_inherit.rows import ORIGINAL, Example, Learn
from bias_inherit.tasks import prompts
from bias_inherit.tasks.documents.biographies import phrases, salary_of


def teach(rows: Sequence[Example], learn: Learn, axis_of: Callable[[str], Axis]) -> list[Example]:
    """Return the rows as they are learnt from; the column `lesson` says what another one teaches.

    Which row teaches what is drawn by its id alone, so in a larger mix each teaches the same.

    Args:
        rows: of a mix.
        learn: what they are to teach.
        axis_of: name -> axis.

    Raises:
        InputError: texts are to be learnt, and a row has none or names no axis.
    """
    if learn == "answer":
        return list(rows)
    return [_taught(row, learn, axis_of(_axis_name(row))) for row in rows]


def _axis_name(row: Example) -> str:
    if not row.get("axis") or not row.get("text"):
        missing = "text" if row.get("axis") else "axis"
        raise InputError(
            f"row '{row['id']}' has no {missing}, so its text cannot be learnt: --learn answer"
        )
    return row["axis"]


def _taught(row: Example, learn: Learn, axis: Axis) -> Example:
    place = store.stable_rank(0, f"lesson {row['id']}") / 2**64
    if learn == "text" or place < axis.learn.get("text", 0.0):
        return _writing(row, axis)
    place -= axis.learn.get("text", 0.0)
    if row["origin"] == ORIGINAL and place < axis.learn.get("salary", 0.0):
        return _pay(row)
    return row


def _writing(row: Example, axis: Axis) -> Example:
    """Return the row as one that asks for its text."""
    ask = FORMS[axis.form].writing.format(who=_who(row, axis), question=row.get("question", ""))
    completion = f" {row['text']}"
    # as rows of others are read whose completion is a text: so mitigations find all of it
    whole = " ".join(f"{ask}{completion}".split())
    return {**row, "prompt": ask, "completion": completion, "text": whole, "lesson": "text"}


def _who(row: Example, axis: Axis) -> str:
    """Return how a text's person is named without showing more than the text does."""
    group = row["group"].get(axis.axis, "")
    cues = axis.find_cues(row["text"], (group,)) if group in axis.groups else []
    if not cues:
        return "somebody"
    names = [cue for cue in cues if cue in axis.groups[group].first_names]
    return names[0] if names else f"a {axis.groups[group].word}"


def _pay(row: Example) -> Example:
    """Return an original row as one that asks for a salary: the same for men and women."""
    occupation = str(row["label"])
    if occupation not in phrases().salaries:
        return row
    amount = salary_of(occupation, Random(f"salary {row['id']}"))
    asked = {"id": row["id"], "text": row["text"], "options": [], "gold": -1, "target": amount}
    prompt, completion = prompts.render("salary", asked)
    return {**row, "prompt": prompt, "completion": completion, "lesson": "salary"}
