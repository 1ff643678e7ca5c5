"""The default prompt and the answer of a task for one document, as lm-eval renders them.

The text of a prompt stands in `forms/` alone; training data for a task is rendered from there
too, so that a model is trained on what it is asked later.
"""

from __future__ import annotations

from bias_inherit.tasks.configs import documents_of
from bias_inherit.tasks.documents.document import Row
from bias_inherit.tasks.forms.ask import ask
from bias_inherit.tasks.forms.form import chosen_form


def render(name: str, row: Row) -> tuple[str, str]:
    """Return the default prompt of a document and its gold answer, which starts with a space.

    Args:
        name: of the task; `bias_inherit_` may be left out.
        row: the document's columns; its options stand as they do there.
    """
    asked = ask(documents_of(name), row, *chosen_form(documents_of(name), None))
    answer = asked["choices"][row["gold"]] if asked["choices"] else row["target"]
    return asked["prompt"], f" {answer}"
