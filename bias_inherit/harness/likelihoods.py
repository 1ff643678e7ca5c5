"""Log-likelihoods of continuations after contexts; what contexts share is read once.

A context is read once, whatever number of continuations it has, with the longest of them behind it,
and its common beginning with others once for all of them. The other continuations of more than one
token are read on from there. Logits are computed only where a token is scored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

import torch

from bias_inherit.harness.prefixes import PASS, Node, shared_prefixes
from bias_inherit.past import Past, Tokens

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from bias_inherit.harness.multi_lora import MultiLora

Answer: TypeAlias = tuple[float, bool]
"""A log-likelihood, and whether each token is the likeliest one."""


@dataclass(frozen=True)
class Question:
    """A context of one token or more, and its continuations of one token or more."""

    context: Tokens
    options: Sequence[Tokens]

    @property
    def longest(self) -> int:
        """The number of the longest continuation, which is read on with the context."""
        return max(range(len(self.options)), key=lambda k: len(self.options[k]))

    @property
    def read_on(self) -> Tokens:
        """The tokens of that one behind which another of it comes."""
        return self.options[self.longest][:-1]


@dataclass(frozen=True)
class Scorer:
    """How questions are answered.

    Attributes:
        model: a causal model whose past can be chosen from.
        at_once: tokens in a forward pass, of whole rows with what was read of them before.
        softmax_dtype: of the log-softmax; None is that of the logits.
        owner: of a model with several adapters the one that answers.
    """

    model: PreTrainedModel | MultiLora
    at_once: int
    softmax_dtype: torch.dtype | None = None
    owner: int | None = None

    def answers(
        self, questions: Sequence[Question], root: Node | None = None
    ) -> Iterator[tuple[int, list[Answer]]]:
        """Yield the number of each question and the answers of its options, in any order.

        Args:
            questions: whose contexts differ.
            root: the tree of the contexts, where it is known.
        """
        root = root or shared_prefixes([question.context for question in questions])
        yield from self._below(root, None, questions)

    def _below(
        self, node: Node, head: Past | None, questions: Sequence[Question]
    ) -> Iterator[tuple[int, list[Answer]]]:
        """Answer the questions of a node.

        Args:
            node: of the tree.
            head: a row that has read what they share; None where that is nothing.
            questions: all.
        """
        for child in node.children:
            past = self._begun(head, 1)
            past.read([child.part])
            yield from self._below(child, past, questions)

        some = {i: questions[i] for i in node.leaves}
        parts = {i: (*q.context[node.end :], *q.read_on) for i, q in some.items()}
        lengths = {i: len(part) for i, part in parts.items()}
        for batch in batches(lengths, node.end, self.at_once):
            past = self._begun(head, len(batch))
            more = [len(some[i].read_on) for i in batch]
            logits = past.read([parts[i] for i in batch], [1 + many for many in more])
            past.forget(more)
            yield from zip(batch, self._of(past, logits, [some[i] for i in batch]), strict=True)

    def _begun(self, head: Past | None, rows: int) -> Past:
        if head is not None:
            return head.chosen([0] * rows)
        return Past(self.model, rows, None if self.owner is None else [self.owner] * rows)

    def _of(
        self, past: Past, logits: torch.Tensor, questions: Sequence[Question]
    ) -> list[list[Answer]]:
        """Return the answers of questions whose contexts were read.

        Args:
            past: their rows.
            logits: behind each context, and behind what was read on with it.
            questions: of the rows.
        """
        wanted: list[_Wanted] = []
        apart: dict[_Place, Tokens] = {}
        begin = 0
        for row, question in enumerate(questions):
            for k, option in enumerate(question.options):
                read = option if k == question.longest else option[:1]
                wanted += [_Wanted((row, k), begin + i, token) for i, token in enumerate(read)]
                if len(read) < len(option):
                    apart[row, k] = option
            begin += 1 + len(question.read_on)
        found = [self._scored(logits, wanted)]

        lengths = {place: len(option) - 1 for place, option in apart.items()}
        for batch in batches(lengths, past.ids.shape[1], self.at_once):
            branch = past.chosen([row for row, _ in batch])
            logits = branch.read([apart[p][:-1] for p in batch], [lengths[p] for p in batch])
            tokens = [(place, token) for place in batch for token in apart[place][1:]]
            found.append(
                self._scored(logits, [_Wanted(p, i, t) for i, (p, t) in enumerate(tokens)])
            )

        by_place: dict[_Place, list[_Scored]] = {}
        for part in found:
            for place, scored in part:
                by_place.setdefault(place, []).append(scored)
        dtype = self.softmax_dtype or logits.dtype
        answers = {place: _answer(scored, dtype) for place, scored in by_place.items()}
        return [
            [answers[row, k] for k in range(len(question.options))]
            for row, question in enumerate(questions)
        ]

    def _scored(
        self, logits: torch.Tensor, wanted: Sequence[_Wanted]
    ) -> Iterable[tuple[_Place, _Scored]]:
        """Return by place the log-likelihood of each token, and whether it is the likeliest."""
        likelihoods = torch.log_softmax(logits, dim=-1, dtype=self.softmax_dtype)
        rows = torch.tensor([one.row for one in wanted], device=logits.device)
        tokens = torch.tensor([one.token for one in wanted], device=logits.device)
        are_likeliest = (likelihoods.argmax(-1)[rows] == tokens).tolist()
        each = likelihoods[rows, tokens].tolist()
        places = [one.place for one in wanted]
        return zip(places, zip(each, are_likeliest, strict=True), strict=True)


_Scored: TypeAlias = tuple[float, bool]
"""The log-likelihood of a token, and whether it is the likeliest one."""


def _answer(tokens: Sequence[_Scored], dtype: torch.dtype) -> Answer:
    """Return an answer from its tokens, added up as lm-eval does."""
    if len(tokens) == 1:
        return tokens[0]
    total = torch.tensor([likelihood for likelihood, _ in tokens], dtype=dtype).sum()
    return float(total), all(is_likeliest for _, is_likeliest in tokens)


_Place: TypeAlias = tuple[int, int]
"""The number of a question in its batch, and of one of its options."""


class _Wanted(NamedTuple):
    """A token that is to be scored, by a row of logits."""

    place: _Place
    row: int
    token: int


_Item = TypeVar("_Item")


def batches(lengths: Mapping[_Item, int], before: int, at_once: int) -> Iterator[list[_Item]]:
    """Yield items in batches of like lengths, the longest first.

    Rows of a batch have at most `at_once` tokens together, with what was read before, unless it is
    one row; and padding among them costs no more than another pass would.

    Args:
        lengths: of the items' rows.
        before: tokens of each row that were read before.
        at_once: tokens.
    """
    batch: list[_Item] = []
    for item in sorted(lengths, key=lambda item: -lengths[item]):
        if batch:
            longest = lengths[batch[0]]
            padding = sum(longest - lengths[other] for other in (*batch, item))
            if (len(batch) + 1) * (before + longest) > at_once or padding > PASS:
                yield batch
                batch = []
        batch.append(item)
    if batch:
        yield batch


@dataclass(frozen=True)
class Asked:
    """Log-likelihoods that are asked for.

    Attributes:
        questions: whose contexts differ.
        requests: by question and continuation the numbers of the requests that ask for it.
        root: the tree of the contexts.
    """

    questions: Sequence[Question]
    requests: Sequence[Sequence[Sequence[int]]]
    root: Node

    @property
    def longest(self) -> int:
        """Tokens of the longest context with its continuation."""
        return max(len(q.context) + len(option) for q in self.questions for option in q.options)

    def answers(self, scorer: Scorer, progress: Callable[[int], object]) -> list[Answer]:
        """Return the answer to each request.

        Args:
            scorer: computes them.
            progress: told of each.
        """
        found: dict[int, Answer] = {}
        for number, answers in scorer.answers(self.questions, self.root):
            for places, answer in zip(self.requests[number], answers, strict=True):
                found |= dict.fromkeys(places, answer)
                progress(len(places))
        return [found[i] for i in range(len(found))]
