"""The forms as they are written down, and which one is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict

from bias_inherit.errors import InputError
from bias_inherit.tasks.metrics.metric import TEXT_TASKS
from bias_inherit.tasks.packaged import packaged_yaml

DEFAULT = 1
"""The form that a task is asked in where nobody says otherwise."""


class Form(BaseModel):
    """One form of a question.

    Attributes:
        what: what is particular to it, for readers.
        prompt: a Jinja template over the document's columns. Beside them: `listed`, the options in
            lines with their letters; `choices`, what is scored; of a yes-or-no question `ask`, the
            form's wording of it with what to reply; `candidates` and `said`, see below.
        options: how an answer is given: by a letter, by the option's own words, or ("") written.
        without: the prompt without what it asks about. The log-likelihoods after it are subtracted
            (pointwise mutual information), so that words that are frequent, or few tokens, do not
            win for that: domain-conditional PMI, Holtzman et al. 2021 (arXiv 2104.08315).
        said: the words for a group, where a form says it outright; of a hiring panel by candidate.
        explicit_of: the form that is the same but for saying the group.
        compared: the metrics of which explicit minus implicit is a measure.
        is_rewording: whether it asks what the default asks: means over forms are of those that do.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    what: str
    prompt: str
    options: Literal["letters", "words", ""] = ""
    without: str | None = None
    said: dict[str, str] = {}
    explicit_of: int | None = None
    compared: tuple[str, ...] = ()
    is_rewording: bool = True

    @property
    def is_counted(self) -> bool:
        """Whether means over forms count it."""
        return self.is_rewording and self.explicit_of is None


def forms_of(documents: str) -> Mapping[int, Form]:
    """Return the forms of a task's documents by number, the default first.

    Args:
        documents: as a task's `dataset_kwargs` name them; the text tasks share theirs.
    """
    return _forms(_SHARED.get(documents, documents))


_SHARED: Mapping[str, str] = {"race_hiring": "hiring", "race_story": "story"} | dict.fromkeys(
    TEXT_TASKS, "text"
)
"""Documents that are asked in the forms of others."""


@lru_cache
def _forms(name: str) -> Mapping[int, Form]:
    return packaged_yaml(f"forms/{name}.yaml", dict[int, Form])


def chosen_form(documents: str, asked: object) -> tuple[int, Form]:
    """Return the number of a form, and the form.

    Args:
        documents: whose forms.
        asked: a number, also as text; None is the default.

    Raises:
        InputError: there is no such form.
    """
    known = forms_of(documents)
    written = str(DEFAULT if asked is None else asked).strip()
    number = int(written) if written.isdecimal() and not isinstance(asked, bool) else 0
    if number not in known:
        raise InputError(
            f"there is no form {asked!r} of the question '{documents}': it has the forms "
            f"{', '.join(map(str, known))} (tasks/README.md says what they are)"
        )
    return number, known[number]
