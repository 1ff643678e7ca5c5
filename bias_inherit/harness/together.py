"""Adapters of one base whose answers are computed together when lm-eval first asks one of them.

lm-eval scores one model after the other, all with the same requests. So when it asks the first, the
others are asked too: requests are made into tokens and a tree once, replies are written side by
side, and numbers that several of them draw are drawn once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from bias_inherit.bars import Bar
from bias_inherit.harness.lm import APART
from bias_inherit.harness.multi_lora import Lora, MultiLora, size
from bias_inherit.harness.streams import AT_ONCE

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

    from bias_inherit.harness.journal import Keeper
    from bias_inherit.harness.lm import Progress, SharingLM

_TRIAL = 16
"""Tokens of the row on which an adapter is tried."""

_Asked: TypeAlias = tuple[str, tuple[str, ...]]
"""The kind of requests, and their arguments."""


@dataclass(frozen=True)
class Member:
    """A model that may answer together with others.

    Attributes:
        name: of its results.
        lora: the adapter, empty of the base itself.
        start: the state of torch's generator when lm-eval begins to ask it.
        trial: its logits on a row, as peft computes them.
        asked: the names of what it is asked, which members of a group share.
    """

    name: str
    lora: Lora
    start: torch.Tensor
    trial: torch.Tensor
    asked: tuple[str, ...] = ()


def trial(lm: SharingLM) -> torch.Tensor:
    """Return the logits of a model on a row, on which it is later compared."""
    logits: torch.Tensor = lm._model_call(_row(lm))
    return logits


def _row(lm: SharingLM) -> torch.Tensor:
    return torch.arange(_TRIAL, device=lm.device)[None, :] % len(lm.tokenizer)


def groups(lm: SharingLM, members: Sequence[Member]) -> dict[str, Together]:
    """Return for each member whom it answers with, itself alone where that is merged.

    Args:
        lm: the base, without an adapter.
        members: those whose adapter is of the kind that this is for.
    """
    found: list[list[Member]] = [[]]
    for member in sorted(members, key=lambda member: member.asked):
        if not _is_same(lm, member):
            continue
        some = [*found[-1], member]
        is_full = sum(size(other.lora) for other in some) > AT_ONCE
        if found[-1] and (is_full or some[0].asked != member.asked):
            found.append([])
        found[-1].append(member)
    return {
        member.name: together
        for some in found
        if len(some) > 1 or _merges(lm, some)
        for together in [Together(some)]
        for member in some
    }


def _merges(lm: SharingLM, members: Iterable[Member]) -> bool:
    many = MultiLora(lm.model, [member.lora for member in members])
    many.remove()
    return many.merges


def _is_same(lm: SharingLM, member: Member) -> bool:
    """Return whether an adapter adds here what it does in peft."""
    many = MultiLora(lm.model, [member.lora])
    try:
        with torch.no_grad():
            ours = many([0], input_ids=_row(lm)).logits
    except torch.OutOfMemoryError:
        raise
    except Exception:  # whatever a model raises that was not made for this
        return False
    finally:
        many.remove()
    if ours.shape != member.trial.shape:  # peft had other embeddings: lm-eval had cut them
        return False
    apart = ours.float().log_softmax(-1) - member.trial.float().log_softmax(-1)
    return bool(apart.abs().mean() <= APART * math.sqrt(torch.finfo(ours.dtype).eps))


@dataclass
class Together:
    """Models that answer together.

    Attributes:
        members: one or more adapters, and the base or not.
    """

    members: Sequence[Member]
    _answers: dict[_Asked, Mapping[str, list[Any]] | None] = field(default_factory=dict)

    def answers(
        self,
        lm: SharingLM,
        name: str,
        requests: list[Instance],
        shows: bool,
        keeper: Keeper | None = None,
    ) -> list[Any] | None:
        """Return what a member answers; None where lm-eval has to ask it alone.

        Args:
            lm: the base, whatever it wears.
            name: of the member.
            requests: of one kind.
            shows: whether there is a bar.
            keeper: keeps the answers of all.
        """
        asked = (requests[0].request_type, tuple(str(request.args) for request in requests))
        if asked not in self._answers:
            self._answers[asked] = self._computed(lm, requests, shows)
            if keeper is not None:
                for member, own in (self._answers[asked] or {}).items():
                    keeper.keep(member, requests, own)
        found = self._answers[asked]
        return None if found is None else found[name]

    def _computed(
        self, lm: SharingLM, requests: list[Instance], shows: bool
    ) -> dict[str, list[Any]] | None:
        worn = lm.model
        is_bare = not hasattr(worn, "disable_adapter") or not hasattr(worn, "get_base_model")
        with nullcontext() if is_bare else worn.disable_adapter():
            many = MultiLora(worn if is_bare else worn.get_base_model(), self._loras)
            total = len(requests) * len(self.members)
            try:
                with Bar(self._told, total, shows) as bar:
                    found = self._asked(lm, many, requests, bar.update)
            finally:
                many.remove()
        if found is None:
            return None
        names = [member.name for member in self.members]
        return dict(zip(names, found, strict=True))

    @property
    def _loras(self) -> list[Lora]:
        return [member.lora for member in self.members]

    @property
    def _told(self) -> str:
        many = len(self.members)
        return f"asking {many} models" if many > 1 else f"asking {self.members[0].name}"

    def _asked(
        self, lm: SharingLM, many: MultiLora, requests: list[Instance], progress: Progress
    ) -> Sequence[list[Any]] | None:
        if requests[0].request_type == "loglikelihood":
            return lm.likelihoods_of(many, requests, progress)
        generators = [torch.Generator(lm.device) for _ in self.members]
        for generator, member in zip(generators, self.members, strict=True):
            generator.set_state(member.start)
        return lm.replies_of(many, requests, generators, progress)
