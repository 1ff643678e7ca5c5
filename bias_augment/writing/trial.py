"""A trial: a few rows of each prompt, to know what a run gives and costs before it is paid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bias_inherit.bias_augment.axes.axis import Axis
from bias_inherit.bias_augment.axes.bias_types import COUNTERFACTUAL, check_bias_type, expand
from bias_inherit.bias_augment.data.examples import read_examples
from bias_inherit.bias_augment.data.shares import wilson
from bias_inherit.bias_augment.writing.augment import RETRIES, Augmented
from bias_inherit.bias_augment.writing.generators.contract import Generator
from bias_inherit.bias_augment.writing.labels import CHOSEN, Labels
from bias_inherit.bias_augment.writing.outputs import Progress, no_progress
from bias_inherit.bias_augment.writing.produce import ask
from bias_inherit.errors import InputError
from bias_inherit.manifests import Share


@dataclass(frozen=True)
class Trial:
    """What a few requests of a bias type gave.

    Attributes:
        bias_type: of the prompt.
        tried: requests.
        wanted: rows of the whole run.
        result: what came of them, retries included.
    """

    bias_type: str
    tried: int
    wanted: int
    result: Augmented

    @property
    def usable(self) -> Share:
        """Usable replies of all that were asked, from 0 to 1."""
        return wilson(len(self.result.examples), self.result.asked)

    @property
    def tokens(self) -> tuple[float, float] | None:
        """Tokens of prompts and replies that the whole run is going to take.

        None where nobody counted.
        """
        if self.result.tokens is None:
            return None
        read, written = self.result.tokens
        return self.wanted * read / self.tried, self.wanted * written / self.tried


def try_types(
    axis: Axis,
    bias_type: str,
    original: Path,
    generator: Generator,
    tried: int,
    *,
    n: int | None = None,
    seed: int = 0,
    retries: int = RETRIES,
    labels: Labels = CHOSEN,
    keep_named: bool = True,
    progress: Progress = no_progress,
) -> Iterator[Trial]:
    """Ask for the first rows of each type; the whole run asks the same, so a record serves it.

    Args:
        axis: whose prompts are used.
        bias_type: as for `outputs.write_types`.
        original: file or folder of D_o.
        generator: who writes; recorded, so that nothing is asked twice.
        tried: rows of each type.
        n: rows of each type in the whole run; None takes as many as D_o has.
        seed: of the draws.
        retries: how often an unusable reply is asked for again.
        labels: who decides the labels.
        keep_named: whether texts that name their own label are used.
        progress: shows how far a type has come.

    Yields:
        each type's trial.

    Raises:
        InputError: a setting or D_o is wrong, or the generator cannot be used.
    """
    names = [name for name in expand(bias_type) if name != COUNTERFACTUAL]
    if not names:
        raise InputError("--try: the group swap asks nobody; leave it out")
    if tried < 1:
        raise InputError(f"--try needs at least 1 row, not {tried}")
    for name in names:
        check_bias_type(axis, name)

    rows = read_examples(original)
    wanted = len(rows) if n is None else n
    tried = min(tried, wanted)
    for name in names:
        with progress(f"trying {name}", tried) as show:
            result = ask(
                axis, name, rows, tried, seed, generator, retries, show, labels, keep_named
            )
        yield Trial(name, tried, wanted, result)


def cost(
    tokens: tuple[float, float], price_in: float | None, price_out: float | None
) -> float | None:
    """Return what tokens cost at prices per million; None where no price is known.

    Args:
        tokens: of prompts and replies.
        price_in: of a million tokens of prompts; None is 0 where the other is known.
        price_out: likewise of replies.
    """
    if price_in is None and price_out is None:
        return None
    return (tokens[0] * (price_in or 0.0) + tokens[1] * (price_out or 0.0)) / 1e6
