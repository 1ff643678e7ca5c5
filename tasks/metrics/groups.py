"""The groups that documents may belong to, by axis."""

from __future__ import annotations

from collections.abc import Mapping

AXES: Mapping[str, tuple[str, ...]] = {
    "gender": ("male", "female"),
    "culture": ("arabic", "chinese", "portuguese", "spanish"),
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
in GlobalOpinionQA where the paper's four cultures are at home, and three to compare with."""

CANDIDATES: tuple[str, ...] = tuple(
    f"{culture}_{gender}" for culture in AXES["culture"] for gender in AXES["gender"]
)
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
