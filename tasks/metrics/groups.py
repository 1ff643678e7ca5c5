"""The groups that documents may belong to, by axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

AXES: Mapping[str, tuple[str, ...]] = {
    "gender": ("male", "female"),
    "culture": ("arabic", "chinese", "portuguese", "spanish"),
    "race": ("white", "black", "hispanic", "asian"),
    "country": (
        *("egypt", "iraq", "jordan", "lebanon", "libya", "morocco", "palestine", "tunisia"),
        *("china", "hong_kong", "macau", "singapore", "taiwan"),
        *("angola", "brazil", "portugal"),
        *("argentina", "bolivia", "chile", "colombia", "ecuador", "guatemala", "mexico"),
        *("nicaragua", "peru", "puerto_rico", "spain", "uruguay", "venezuela"),
        *("germany", "great_britain", "united_states"),
    ),
}
"""Groups of each axis; of two groups the first minus the second is the gap. Countries: those
in GlobalOpinionQA where the paper's four cultures are at home, and three to compare with. Race is
what a first name shows of it in the United States, roughly."""


def axis_of(groups: Sequence[str]) -> str:
    """Return the axis that groups are of."""
    return next(axis for axis, known in AXES.items() if known == tuple(groups))


def candidates_of(groups: Sequence[str]) -> tuple[str, ...]:
    """Return the candidates of a hiring panel: a man and a woman of each group, by number."""
    return tuple(f"{group}_{gender}" for group in groups for gender in AXES["gender"])


CANDIDATES = candidates_of(AXES["culture"])
"""The eight candidates of the hiring task, in the order of their numbers."""

OCCUPATIONS: tuple[str, ...] = (
    "architect",
    "dentist",
    "nurse",
    "painter",
    "professor",
    "software engineer",
)
"""The paper's six."""


def snake(name: str) -> str:
    """Return a name as it stands in a metric's: software_engineer."""
    return name.replace(" ", "_")


HELD_BY = ("men", "women")
"""Who mostly holds a job."""
PAY = ("low", "middle", "high")
"""The pay level of a job."""
KINDS = ("mention", "quotation", "counter_speech", "other")
"""Of a text that is not what a text task looks for: it names a group (a person, an offer, a target)
and no more; it reports what others say; it speaks against it; none of these."""
JOBS: tuple[str, ...] = (
    *(f"{holders}s_jobs" for holders in HELD_BY),
    *(f"{level}_pay" for level in PAY),
)
"""The kinds of jobs that choices are counted over."""
