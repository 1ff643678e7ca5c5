"""Log-likelihoods of continuations after contexts; what contexts share is read once.

Each context is read once, whatever number of continuations it has, and its common beginning with
others once for all of them. Logits are computed only where a token is scored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import torch

from bias_inherit.harness.prefixes import WORTH, Node, shared_prefixes
from bias_inherit.past import Past, Tokens

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Answer: TypeAlias = tuple[float, bool]
"""A log-likelihood, and whether each token is the likeliest one."""


@dataclass(frozen=True)
class Question:
    """A context of one token or more, and its continuations of one token or more."""

    context: Tokens
    options: Sequence[Tokens]


@dataclass(frozen=True)
class Scorer:
    """How questions are answered.

    Attributes:
        model: a causal model whose past can be chosen from.
        at_once: tokens in a forward pass, of whole rows with what was read of them before.
        softmax_dtype: of the log-softmax; None is that of the logits.
        worth: tokens that a common beginning has to save.
    """

    model: PreTrainedModel
    at_once: int
    softmax_dtype: torch.dtype | None = None
    worth: int = WORTH

    def answers(self, questions: Sequence[Question]) -> Iterator[tuple[int, list[Answer]]]:
        """Yield the number of each question and the answers of its options, in any order.

        Args:
            questions: whose contexts differ.
        """
        root = shared_prefixes([question.context for question in questions], self.worth)
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

        lengths = {i: len(questions[i].context) for i in node.leaves}
        for batch in batches(sorted(node.leaves, key=lambda i: -lengths[i]), lengths, self.at_once):
            past = self._begun(head, len(batch))
            logits = past.read([questions[i].context[node.end :] for i in batch])
            yield from zip(
                batch, self._of(past, logits, [questions[i] for i in batch]), strict=True
            )

    def _begun(self, head: Past | None, rows: int) -> Past:
        return Past(self.model, rows) if head is None else head.chosen([0] * rows)

    def _of(
        self, past: Past, logits: torch.Tensor, questions: Sequence[Question]
    ) -> list[list[Answer]]:
        """Return the answers of questions whose contexts were read.

        Args:
            past: their rows.
            logits: behind the contexts.
            questions: of the rows.
        """
        asked = [(i, option) for i, question in enumerate(questions) for option in question.options]
        first = self._found(logits, [i for i, _ in asked], [option[0] for _, option in asked])
        found = [[pair] for pair in first]

        longer = [i for i, (_, option) in enumerate(asked) if len(option) > 1]
        lengths = {i: past.ids.shape[1] + len(asked[i][1]) for i in longer}
        for batch in batches(sorted(longer, key=lambda i: -lengths[i]), lengths, self.at_once):
            branch = past.chosen([asked[i][0] for i in batch])
            logits = branch.read([asked[i][1][:-1] for i in batch], last=False)
            tokens = [(i, token) for i in batch for token in asked[i][1][1:]]
            more = self._found(logits, range(len(tokens)), [token for _, token in tokens])
            for (i, _), pair in zip(tokens, more, strict=True):
                found[i].append(pair)

        answers: list[list[Answer]] = [[] for _ in questions]
        for (i, _), pairs in zip(asked, found, strict=True):
            total = torch.stack([likelihood for likelihood, _ in pairs]).sum()
            answers[i].append((float(total), all(is_likeliest for _, is_likeliest in pairs)))
        return answers

    def _found(
        self, logits: torch.Tensor, rows: Sequence[int], tokens: Sequence[int]
    ) -> list[tuple[torch.Tensor, bool]]:
        """Return the log-likelihood of each token in its row, and whether it is the likeliest."""
        likelihoods = torch.log_softmax(logits, dim=-1, dtype=self.softmax_dtype)
        index = torch.tensor(rows, device=logits.device)
        wanted = torch.tensor(tokens, device=logits.device)
        is_likeliest = likelihoods.argmax(-1)[index] == wanted
        return list(zip(likelihoods[index, wanted].cpu(), is_likeliest.tolist(), strict=True))


def batches(items: Iterable[int], lengths: Mapping[int, int], at_once: int) -> Iterator[list[int]]:
    """Yield items in batches whose rows are together no longer than `at_once`, or that have one.

    Args:
        items: longest first.
        lengths: of their rows.
        at_once: tokens, with padding.
    """
    batch: list[int] = []
    for item in items:
        if batch and (len(batch) + 1) * lengths[batch[0]] > at_once:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch
