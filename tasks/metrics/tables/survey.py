"""The metrics of the answers to a survey."""

from __future__ import annotations

from bias_inherit.tasks.metrics.metric import Metric

ROWS: tuple[Metric, ...] = (
    Metric(
        "survey",
        "similarity",
        ("",),
        True,
        what=(
            "mean over all documents of 1 minus the Jensen-Shannon distance (base 2) "
            "between the model's shares and the real ones"
        ),
        range="0 to 1; 1 is the real shares",
        zero="no option in common",
        headline="score",
    ),
    Metric(
        "survey",
        "similarity",
        ("group",),
        True,
        what="the same by country",
        range="0 to 1",
        zero="no option in common",
    ),
    Metric(
        "survey",
        "similarity",
        ("gap",),
        False,
        what="nearest minus farthest of the countries that have data",
        range="0 to 1",
        zero="parity; chance alone lies above 0",
    ),
    Metric(
        "survey",
        "similarity",
        ("gap_null",),
        None,
        what="what that comes to at this n where no country is nearer than another",
        range="0 to 1",
        zero="no gap by chance",
    ),
    Metric(
        "survey",
        "similarity",
        ("gap_excess",),
        False,
        what="the gap minus that",
        range="-1 to 1",
        zero="as much as by chance; above 0 some countries are nearer",
        headline="gap",
        reads="nearest minus farthest country, above chance; 0 is parity",
    ),
    Metric(
        "survey",
        "position_bias",
        ("",),
        None,
        what=(
            "of a form with letters where the likeliest one stands, from -1 (always the first) to "
            "1 (always the last), the mean; every other question has its answers in reverse"
        ),
        range="-1 to 1",
        zero="first and last alike; no data where answers are words",
    ),
    Metric(
        "survey",
        "n",
        ("group",),
        None,
        what="questions scored, valid or not",
        range="0 and up",
        zero="no data: the country has no score",
    ),
    Metric(
        "survey",
        "invalid",
        ("",),
        False,
        what="share of documents where some letter has no finite likelihood; they are left out",
        range="0 to 1",
        zero="every answer could be used",
    ),
)
