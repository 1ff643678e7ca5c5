"""The arm: one cell of an experiment's grid, and what an adapter was trained as."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    model_serializer,
)

NO_BIAS = "original"
"""In the name of the ratio-0 arm, which no bias type and no mitigation touches."""
NO_MITIGATION = "none"
_LARGEST_DENOMINATOR = 1_000_000
"""A ratio that was written as a decimal is read back as the fraction that it was."""


def _as_fraction(value: Any) -> Any:
    if isinstance(value, float):
        return Fraction(value).limit_denominator(_LARGEST_DENOMINATOR)
    return Fraction(value) if isinstance(value, (int, str)) else value


Ratio = Annotated[Fraction, BeforeValidator(_as_fraction), PlainSerializer(float)]
"""The bias ratio gamma = |D_a| / |D|: exact in memory, a number in JSON."""


class Arm(BaseModel):
    """Axis, bias type, bias ratio, mitigation, seed: what tells one adapter from another.

    Attributes:
        axis: its name; several joined by "+" where a mix holds rows of several.
        bias_type: None where there are no augmented rows.
        ratio: exact; in JSON a number. None where nobody knows it.
        mitigation: its name, which comes from the mitigation and never from a file's path.
        options: the mitigation's options as they were written, "" for the defaults.
        size: the size rule of the mix (`data/mix.py`).
        round: the number within a run of rounds; None for an arm of a grid.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True)

    axis: str | None = None
    bias_type: str | None = None
    ratio: Ratio | None = None
    mitigation: str = NO_MITIGATION
    options: str = ""
    size: str | None = None
    seed: int = 0
    round: int | None = None

    @property
    def name(self) -> str:
        """The adapter's name, such as `gender.contextual-single-explicit.r20.mask.s0`.

        The ratio-0 arm is one for all bias types and mitigations.
        """
        percent = "unknown" if self.ratio is None else f"{float(100 * self.ratio):g}"
        biased = self.ratio is None or self.ratio > 0
        bias_type = (self.bias_type or "unknown") if biased else NO_BIAS
        mitigation = self.mitigation_label if biased else NO_MITIGATION
        of_round = "" if self.round is None else f".round{self.round}"
        return f"{self.axis}.{bias_type}.r{percent}.{mitigation}.s{self.seed}{of_round}"

    @property
    def mitigation_label(self) -> str:
        """The mitigation with its options, such as `loss:lambda=1`."""
        return f"{self.mitigation}:{self.options}" if self.options else self.mitigation

    def is_baseline_of(self, other: Arm) -> bool:
        """Whether this is the arm that `other` is compared with: ratio 0, same axis and seed.

        Both must be adapters of one base, which an arm does not know.
        """
        return self.ratio == 0 and (self.axis, self.seed) == (other.axis, other.seed)

    @model_serializer(mode="wrap")
    def _written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write a round and options only where there are some."""
        content: dict[str, Any] = handler(self)
        unset = {"round": None, "options": ""}
        return {k: v for k, v in content.items() if k not in unset or v != unset[k]}

    def to_json(self) -> dict[str, Any]:
        """Return what manifests hold."""
        return self.model_dump(mode="json")
