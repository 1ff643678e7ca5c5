"""What `augment --try` prints: what a few rows of each prompt gave, and what all will cost."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bias_inherit.bias_augment.writing.trial import Trial

SHOWN = 3
"""Rows of each prompt that are shown."""


def told(trials: Iterable[Trial], price_in: float | None, price_out: float | None) -> Iterator[str]:
    """Yield the lines: each prompt's as soon as it was tried, then the cost of the whole.

    Args:
        trials: one a prompt.
        price_in: of a million tokens of prompts.
        price_out: of a million tokens of replies.
    """
    wanted, tokens, is_counted = 0, (0.0, 0.0), True
    for trial in trials:
        yield from _one(trial)
        wanted += trial.wanted
        more = trial.tokens
        if more is None:
            is_counted = False
        else:
            tokens = tokens[0] + more[0], tokens[1] + more[1]

    yield f"The whole: {wanted:,} rows"
    if not is_counted:
        yield "  tokens: not counted by this generator, so no cost can be told"
        return
    from bias_inherit.bias_augment.writing.trial import cost

    yield f"  tokens, by these rows: about {tokens[0]:,.0f} to read and {tokens[1]:,.0f} to write"
    price = cost(tokens, price_in, price_out)
    yield (
        f"  cost: about {price:,.2f}, in the currency of the prices"
        if price is not None
        else "  cost: give --price-in and --price-out, per million tokens"
    )


def _one(trial: Trial) -> Iterator[str]:
    result, usable = trial.result, trial.usable
    share = "no data"
    if usable.share is not None and usable.low is not None and usable.high is not None:
        share = f"{100 * usable.share:.0f} % [{100 * usable.low:.0f}, {100 * usable.high:.0f}]"
    yield f"{trial.bias_type}: {usable.count} of {usable.n} replies usable, {share}"
    if result.failed:
        yield f"  not usable: {result.failures()}"
    if result.ways:
        yield f"  form: {', '.join(f'{way} {n}' for way, n in sorted(result.ways.items()))}"
    for row in result.examples[:SHOWN]:
        text = f"  {'/'.join(row['group'].values())}, {row['label']}: {row['text']}"
        yield textwrap.fill(text, 100, subsequent_indent="    ")
