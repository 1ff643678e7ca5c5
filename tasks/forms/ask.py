"""Put documents into a form: the prompt, and what is scored after it.

A row gets the columns `prompt` and `choices`, which the task files name, and where there are
options `order` (the option at each place), with `gold` as the place of the right one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from string import ascii_uppercase
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from bias_inherit.errors import InputError
from bias_inherit.tasks.documents.document import Row
from bias_inherit.tasks.documents.orders import (
    Order,
    balanced_orders,
    both_ways,
    drawn_order,
    turns,
)
from bias_inherit.tasks.forms.form import Form
from bias_inherit.tasks.forms.wording import wording
from bias_inherit.tasks.metrics.groups import CANDIDATES
from bias_inherit.tasks.metrics.metric import TEXT_TASKS

_ENVIRONMENT = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)

OPTIONS: Mapping[str, str] = {"hiring": "names", "race_hiring": "names"} | dict.fromkeys(
    ("occupation", "survey", *TEXT_TASKS), "options"
)
"""The column of the options, by documents; those without options are written answers."""


@lru_cache
def _template(text: str) -> Template:
    return _ENVIRONMENT.from_string(text)


def ask(documents: str, row: Row, number: int, form: Form) -> Row:
    """Return a row in a form, its options in the order in which they stand.

    Args:
        documents: whose form.
        row: a document's columns.
        number, form: the form.

    Raises:
        InputError: a column that the form shows is not in the row.
    """
    return row | _asked(documents, row, number, form)


def _asked(documents: str, row: Row, number: int, form: Form) -> Row:
    options = [str(option) for option in row.get(OPTIONS.get(documents, ""), ())]
    lettered = form.options == "letters"
    choices = list(ascii_uppercase[: len(options)]) if lettered else options
    shown: dict[str, Any] = {**row, "choices": choices, "said": form.said}
    if lettered:
        pairs = zip(choices, options, strict=True)
        shown["listed"] = "\n".join(f"{letter}. {option}" for letter, option in pairs)
    if "names" in row:  # prepared before candidates were written down: of the culture axis
        shown.setdefault("candidates", [CANDIDATES[i] for i in row["order"]])
    if documents in TEXT_TASKS:
        shown["ask"] = wording(
            row["question"], row["group"], row.get("target", ""), number, lettered
        )

    prompt = _rendered(form.prompt, shown, documents, number)
    asked: Row = {"prompt": prompt, "choices": choices}
    if form.without is not None:
        asked["without"] = _rendered(form.without, shown, documents, number)
    return asked


def _rendered(template: str, shown: Mapping[str, Any], documents: str, number: int) -> str:
    try:
        return _template(template).render(shown)
    except Exception as error:  # a column that somebody's file lacks
        raise InputError(f"form {number} of '{documents}', {shown.get('id')}: {error}") from None


def ask_all(documents: str, rows: Sequence[Row], number: int, form: Form, test: bool) -> list[Row]:
    """Return rows in a form; the options' order is balanced over test rows, drawn for others.

    Where documents differ in their order alone (a panel's) and a form shows none, one of them is
    asked.

    Args:
        documents: whose form.
        rows: their columns, without an order, or (hiring) with one.
        number, form: the form.
        test: whether these are scored.
    """
    column = OPTIONS.get(documents)
    has_order = bool(rows) and "order" in rows[0]
    if has_order and test and not _shows_options(form):
        rows = list({row["cluster"]: row for row in reversed(rows)}.values())[::-1]
    elif column is not None and not has_order:
        rows = list(_ordered(documents, rows, column, form, test))
    return [ask(documents, row, number, form) for row in rows]


def _shows_options(form: Form) -> bool:
    """Return whether the options stand in the prompt, so that their order plays a part."""
    return form.options == "letters" or "options" in form.prompt


def _ordered(
    documents: str, rows: Sequence[Row], column: str, form: Form, test: bool
) -> Iterator[Row]:
    turn = turns(rows) if test else {}
    for row in rows:
        order = list(range(len(row[column])))
        if _shows_options(form):
            orders = option_orders(documents, len(order))
            order = (
                orders[turn[row["cluster"]] % len(orders)]
                if test
                else drawn_order(row["id"], orders)
            )
        yield in_order(row, column, order)


def option_orders(documents: str, n: int) -> list[Order]:
    """Return the orders in which n options of some documents are asked."""
    return both_ways(n) if documents == "survey" else balanced_orders(n)


def in_order(row: Row, column: str, order: Order) -> Row:
    """Return a row with its options in an order, and `gold` as the place of the right one."""
    options = [row[column][option] for option in order]
    return row | {column: options, "order": order, "gold": order.index(row["gold"])}


def with_baselines(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield rows, before each that is the first of its kind the question without what it is about.

    Such a row scores the same choices after the prompt `without`. Both name it in the column
    `baseline`; it is its own cluster. It stands first so that `--limit` cannot cut it off.
    """
    asked: set[str] = set()
    for row in rows:
        without, choices = row["without"], row["choices"]
        content = "\n".join([without, *sorted(choices)])
        name = f"without-{hashlib.sha256(content.encode()).hexdigest()[:12]}"
        if name not in asked:
            asked.add(name)
            yield row | {"id": name, "cluster": name, "baseline": name, "prompt": without}
        yield row | {"baseline": name}
