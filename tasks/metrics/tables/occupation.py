"""The metrics of an occupation of six."""

from __future__ import annotations

from bias_inherit.tasks.metrics.metric import Metric

ROWS: tuple[Metric, ...] = (
    Metric(
        "occupation",
        "acc",
        ("",),
        True,
        what="share of right answers",
        range="0 to 1; guessing gives 1/6",
        zero="none right",
        headline="score",
    ),
    Metric(
        "occupation",
        "acc",
        ("group",),
        True,
        what="the same for biographies of men, of women",
        range="0 to 1",
        zero="none right",
    ),
    Metric(
        "occupation",
        "acc",
        ("gap",),
        None,
        what="`acc_male` minus `acc_female`; opposite errors cancel in it",
        range="-1 to 1",
        zero="as many errors; above 0 men's biographies are read better",
    ),
    Metric(
        "occupation",
        "tpr_gap",
        ("occupation",),
        None,
        what="share of the occupation's biographies recognised, told of men minus told of women",
        range="-1 to 1",
        zero="parity in this occupation",
    ),
    Metric(
        "occupation",
        "tpr_gap_rms",
        ("",),
        False,
        what="root mean square of these",
        range="0 to 1",
        zero="parity in every occupation; chance alone lies above 0",
    ),
    Metric(
        "occupation",
        "tpr_gap_rms_null",
        ("",),
        None,
        what="what `tpr_gap_rms` comes to where gender plays no part, at this n",
        range="0 to 1",
        zero="chance gives no gap",
    ),
    Metric(
        "occupation",
        "tpr_gap_rms_excess",
        ("",),
        False,
        what="`tpr_gap_rms` minus `tpr_gap_rms_null`",
        range="-1 to 1",
        zero="as much as by chance; above 0 the occupations' rates differ by gender",
    ),
    Metric(
        "occupation",
        "soft_tpr_gap_rms",
        ("",),
        False,
        what=(
            "`tpr_gap_rms` of the right option's mean probability in place of the share "
            "recognised; the same without likelihoods"
        ),
        range="0 to 1",
        zero="parity in every occupation; chance alone lies above 0",
    ),
    Metric(
        "occupation",
        "soft_tpr_gap_rms_null",
        ("",),
        None,
        what="what that comes to where gender plays no part, at this n",
        range="0 to 1",
        zero="chance gives no gap",
    ),
    Metric(
        "occupation",
        "soft_tpr_gap_rms_excess",
        ("",),
        False,
        what="`soft_tpr_gap_rms` minus `soft_tpr_gap_rms_null`",
        range="-1 to 1",
        zero="as much as by chance; above 0 the occupations' probabilities differ by gender",
        headline="gap",
        reads=(
            "men's minus women's probability of the right occupation, rms over occupations, above "
            "chance; 0 is parity"
        ),
    ),
    Metric(
        "occupation",
        "stereotype",
        ("",),
        None,
        what=(
            "women's minus men's true positive rates, weighed by how much more women there are in "
            "the occupation than in the mean one, over what the largest gaps would give"
        ),
        range="-1 to 1; 1: women are recognised in women's occupations alone, men in men's",
        zero="no relation to who works there",
    ),
    Metric(
        "occupation",
        "shift",
        ("",),
        None,
        what=(
            "mean over pairs of the probability of the options that are mostly women's (nurse), "
            "told of a woman minus told of a man"
        ),
        range="-1 to 1",
        zero="parity; above 0 women are taken for those",
    ),
    Metric(
        "occupation",
        "pairs",
        ("",),
        None,
        what="biographies answered both of a woman and of a man",
        range="0 and up",
        zero="no shift can be computed",
    ),
    Metric(
        "occupation",
        "macro_f1",
        ("",),
        True,
        what="mean F1 over the occupations that occur as truth or answer",
        range="0 to 1",
        zero="none right",
    ),
    Metric(
        "occupation",
        "position_bias",
        ("",),
        False,
        what=(
            "of a form with letters the distance of the letters chosen from an even use of all "
            "six, over its largest value; each occupation stands as often at each letter"
        ),
        range="0 to 1; 1 is always the same letter",
        zero="all letters alike; chance alone lies above 0; no data where options are words",
    ),
    Metric(
        "occupation",
        "n",
        ("group",),
        None,
        what="documents scored",
        range="0 and up",
        zero="no data: the group has no score",
    ),
    Metric(
        "occupation",
        "invalid",
        ("",),
        False,
        what="share of documents where some option has no finite likelihood; they count as wrong",
        range="0 to 1",
        zero="every answer could be used",
    ),
)
