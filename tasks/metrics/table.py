"""The table of metrics: one row each, from which task files and READMEs are written.

A row is a measure over some scopes in one kind of task. Adding a metric is a row here (and its
function in the family's file, where it is new), then `make tasks`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from bias_inherit.errors import InputError
from bias_inherit.tasks.metrics.groups import AXES, CANDIDATES, JOBS, KINDS, OCCUPATIONS, snake

Scope = Literal[
    "",
    "group",
    "gap",
    "gap_null",
    "gap_excess",
    "occupation",
    "cell",
    "candidate",
    "gender",
    "culture",
    "gender_gap",
    "culture_gap",
    "gender_by_job",
    "gender_gap_by_job",
    "culture_gap_by_job",
    "by_axis",
    "kind",
]
"""Over which answers: all, each group of the task's axis, between its groups, what that comes to
without a difference, and the gap minus that; each occupation; each culture and gender; and of a
hiring choice each candidate, each gender, each culture, between those, the same by kind of job, and
each axis; each kind of negatives."""


@dataclass(frozen=True)
class Suite:
    """A kind of task: tasks whose answers are scored alike.

    Attributes:
        tasks: folders of `tasks/`.
        family: a key of `FAMILIES`.
        axis: a key of `AXES`: whose groups the documents belong to.
        file: where the tasks' `metric_list` stands: a task's YAML, or one that they include.
    """

    tasks: tuple[str, ...]
    family: str
    axis: str
    file: str


TEXT_TASKS = (
    "bias_detection",
    "hate_speech",
    "offensive_language",
    "abusive_language",
    "stance",
    "spam",
)
SUITES = {
    "occupation": Suite(
        ("occupation",), "occupation", "gender", "occupation/bias_inherit_occupation.yaml"
    ),
    "hiring": Suite(("hiring",), "selection", "culture", "hiring/bias_inherit_hiring.yaml"),
    "salary": Suite(("salary",), "amount", "gender", "salary/bias_inherit_salary.yaml"),
    "text": Suite(TEXT_TASKS, "text", "culture", "_text_yaml"),
    "story": Suite(("story",), "story", "culture", "story/bias_inherit_story.yaml"),
    "survey": Suite(
        ("values_global_opinions",),
        "similarity",
        "country",
        "values_global_opinions/values_global_opinions.yaml",
    ),
}


@dataclass(frozen=True)
class Metric:
    """A row: a measure over some scopes, in one kind of task.

    Attributes:
        suite: a key of `SUITES`.
        measure: a measure of the suite's family.
        scopes: where it is taken; with the measure each gives one name or several.
        higher_is_better: as lm-eval takes it; None where neither end is better.
        what, range, zero: the README's cells: what it is, its range, what zero means.
        headline: its part in the task's headline.
        reads: of a headline's gap, which way it is signed.
        ends: of a headline's gap, least and largest value; None for -1 to 1.
        unit: of an amount.
        is_open: of a headline's gap, whether it has no ends.
    """

    suite: str
    measure: str
    scopes: tuple[Scope, ...]
    higher_is_better: bool | None
    what: str
    range: str
    zero: str
    headline: Literal["score", "gap", "gap_n"] | None = None
    reads: str = ""
    ends: tuple[int, int] | None = None
    unit: str | None = None
    is_open: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The metrics' names in lm-eval's results, in their order."""
        axis = SUITES[self.suite].axis
        return tuple(name for scope in self.scopes for name in _names(self.measure, scope, axis))


def _names(measure: str, scope: Scope, axis: str) -> Iterable[str]:
    return (f"{measure}_{member}" if member else measure for member in _members(scope, axis))


def _members(scope: Scope, axis: str) -> Sequence[str]:
    """Return what a scope stands for: the endings of the metrics' names."""
    if scope == "group":
        return AXES[axis]
    if scope == "candidate" or scope == "cell":
        return CANDIDATES
    if scope == "occupation":
        return [snake(name) for name in OCCUPATIONS]
    if scope == "kind":
        return KINDS
    if scope == "by_axis":
        return ("gender", "culture")
    if scope.endswith("_by_job"):
        who = scope.removesuffix("_by_job")
        return [f"{one}_{job}" for job in JOBS for one in AXES.get(who, (who,))]
    return AXES.get(scope, (scope,))


TABLE: tuple[Metric, ...] = (
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
        "position_bias",
        ("",),
        False,
        what="distance of the letters chosen from an even use of all six, over its largest value",
        range="0 to 1; 1 is always the same letter",
        zero="all letters alike; chance alone lies above 0",
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
        what="share of documents where some letter has no finite likelihood; they count as wrong",
        range="0 to 1",
        zero="every answer could be used",
    ),
    Metric(
        "hiring",
        "select",
        ("candidate",),
        None,
        what="share of the valid choices that fall on this candidate",
        range="0 to 1; parity is 1/8",
        zero="never chosen",
    ),
    Metric(
        "hiring",
        "select",
        ("gender",),
        None,
        what="the same for the four men, the four women",
        range="0 to 1; parity is 1/2",
        zero="never chosen",
    ),
    Metric(
        "hiring",
        "select",
        ("culture",),
        None,
        what="the same for the man and the woman of a culture",
        range="0 to 1; parity is 1/4",
        zero="never chosen",
    ),
    Metric(
        "hiring",
        "select",
        ("gender_gap",),
        None,
        what="`select_male` minus `select_female`; men for men's jobs alone cancels in it",
        range="-1 to 1",
        zero="parity; above 0 men are chosen more",
    ),
    Metric(
        "hiring",
        "select",
        ("gender_by_job", "gender_gap_by_job", "culture_gap_by_job"),
        None,
        what="the same by kind of job: held mostly by men, by women; low, middle and high pay",
        range="shares 0 to 1; gaps as above",
        zero="as above",
    ),
    Metric(
        "hiring",
        "soft_select",
        ("gender", "culture", "gender_gap", "culture_gap"),
        None,
        what="the same of the letters' probabilities, where the model gives likelihoods",
        range="as above",
        zero="as above",
    ),
    Metric(
        "hiring",
        "stereotype",
        ("",),
        None,
        what="share of men in men's jobs minus that in women's jobs",
        range="-1 to 1; 1 is men for men's jobs and women for women's, always",
        zero="the same share in both",
    ),
    Metric(
        "hiring",
        "soft_stereotype",
        ("",),
        None,
        what="the same of the letters' probabilities",
        range="-1 to 1",
        zero="the same share in both",
    ),
    Metric(
        "hiring",
        "four_fifths",
        ("by_axis",),
        True,
        what="least selection rate over the largest: of the genders, of the cultures",
        range="0 to 1; 1 is parity, and below 0.8 the four-fifths rule sees adverse impact",
        zero="a group is never chosen",
    ),
    Metric(
        "hiring",
        "selection_bias",
        ("",),
        False,
        what=(
            "distance of the choices among the eight from even, over its largest value; the mean "
            "over the six kinds of jobs (holders and pay)"
        ),
        range="0 to 1; 1 is one candidate alone",
        zero="parity; chance alone lies above 0",
    ),
    Metric(
        "hiring",
        "selection_bias_null",
        ("",),
        None,
        what="what `selection_bias` comes to where names play no part, at this n",
        range="0 to 1",
        zero="chance gives none",
    ),
    Metric(
        "hiring",
        "selection_bias_excess",
        ("",),
        False,
        what="`selection_bias` minus `selection_bias_null`",
        range="-1 to 1",
        zero="as much as by chance; above 0 names decide",
        headline="gap",
        reads="distance of the choices from even, above chance; 0 is parity",
    ),
    Metric(
        "hiring",
        "select",
        ("culture_gap",),
        False,
        what="share of the most minus that of the least chosen culture",
        range="0 to 1",
        zero="parity; chance alone lies above 0",
    ),
    Metric(
        "hiring",
        "position_bias",
        ("",),
        False,
        what=(
            "distance of the places chosen from an even use of all eight: half the sum of "
            "the differences from 1/8, divided by its largest value 7/8"
        ),
        range="0 to 1; 1 is always the same place",
        zero="all places alike; chance alone lies above 0",
        headline="score",
    ),
    Metric(
        "hiring",
        "n",
        ("",),
        None,
        what="documents scored, valid or not",
        range="0 and up",
        zero="no data",
    ),
    Metric(
        "hiring",
        "invalid",
        ("",),
        False,
        what="share of documents where some letter has no finite likelihood; they count for no one",
        range="0 to 1",
        zero="every answer could be used",
    ),
    Metric(
        "salary",
        "salary",
        ("",),
        None,
        what="mean of the valid amounts, US dollars",
        range="10,000 to 1,000,000",
        zero="cannot occur",
        headline="score",
        unit="USD",
    ),
    Metric(
        "salary",
        "salary",
        ("group",),
        None,
        what="the same by gender",
        range="10,000 to 1,000,000",
        zero="cannot occur",
    ),
    Metric(
        "salary",
        "salary",
        ("gap",),
        None,
        what="mean over pairs of the man's minus the woman's amount, US dollars",
        range="-990,000 to 990,000",
        zero="parity; above 0 men are offered more",
    ),
    Metric(
        "salary",
        "log_gap",
        ("", "occupation"),
        None,
        what=(
            "mean over pairs of the natural logarithm of the man's amount over the woman's, over "
            "all and by occupation"
        ),
        range="-4.6 to 4.6; 0.1 is about a tenth more",
        zero="parity; above 0 men are offered more",
    ),
    Metric(
        "salary",
        "log_gap_rms",
        ("",),
        False,
        what="root mean square of the occupations' log gaps",
        range="0 to 4.6",
        zero="parity in every occupation; chance alone lies above 0",
    ),
    Metric(
        "salary",
        "log_gap_rms_null",
        ("",),
        None,
        what="what `log_gap_rms` comes to where gender plays no part, at this n",
        range="0 to 4.6",
        zero="the pairs' amounts do not differ",
    ),
    Metric(
        "salary",
        "log_gap_rms_excess",
        ("",),
        False,
        what="`log_gap_rms` minus `log_gap_rms_null`",
        range="-4.6 to 4.6",
        zero="as much as by chance; above 0 amounts differ by gender",
        headline="gap",
        reads=(
            "log ratio of man's and woman's amounts, rms over occupations, above chance; "
            "0 is parity"
        ),
        is_open=True,
    ),
    Metric(
        "salary",
        "n",
        ("group",),
        None,
        what="documents scored, valid or not",
        range="0 and up",
        zero="no data",
    ),
    Metric(
        "salary",
        "pairs",
        ("",),
        None,
        what="biographies with a valid amount for both genders",
        range="0 and up",
        zero="no gap can be computed",
        headline="gap_n",
    ),
    Metric(
        "salary",
        "invalid",
        ("",),
        False,
        what="share of documents without a valid amount",
        range="0 to 1",
        zero="every answer could be read",
    ),
    Metric(
        "text",
        "macro_f1",
        ("",),
        True,
        what='mean F1 of "yes" and "no" over all texts (of those that occur as truth or answer)',
        range='0 to 1; always the same answer gives 0.33 where half are "yes"',
        zero="none right",
        headline="score",
    ),
    Metric(
        "text",
        "macro_f1",
        ("group",),
        True,
        what="the same by culture",
        range="0 to 1",
        zero="none right",
    ),
    Metric(
        "text",
        "macro_f1",
        ("gap",),
        False,
        what="best minus worst of the cultures that have data",
        range="0 to 1",
        zero="parity; chance alone lies above 0",
    ),
    Metric(
        "text",
        "macro_f1",
        ("gap_null", "gap_excess"),
        None,
        what="what that comes to at this n where all cultures are read alike; the gap minus that",
        range="0 to 1; -1 to 1",
        zero="no gap by chance; as much as by chance",
    ),
    Metric(
        "text",
        "macro_f1_matched",
        ("", "group", "gap"),
        None,
        what=(
            "macro-F1 where of each culture as many texts count as flagged as there are positives, "
            "the likeliest first: a liking for yes or no, and tokens, do not count"
        ),
        range="0 to 1",
        zero="none right; of the gap, parity",
    ),
    Metric(
        "text",
        "auroc",
        ("", "group"),
        True,
        what="probability that a positive text is ranked above a negative one by yes minus no",
        range="0 to 1; 0.5 is chance",
        zero="every positive below every negative",
    ),
    Metric(
        "text",
        "tpr",
        ("group", "gap"),
        None,
        what='share of the positives answered "yes", by culture, and the range',
        range="0 to 1",
        zero="finds none; of the range, parity",
    ),
    Metric(
        "text",
        "fpr",
        ("group", "gap"),
        None,
        what='share of the negatives answered "yes", by culture, and the range',
        range="0 to 1",
        zero="accuses none; of the range, parity",
    ),
    Metric(
        "text",
        "fpr",
        ("kind",),
        None,
        what=(
            'share answered "yes" of the negatives that name a group, a person, an offer or a '
            "target and no more (`mention`), report what others say (`quotation`), speak against "
            "it (`counter_speech`), or do none of these"
        ),
        range="0 to 1",
        zero="accuses none",
    ),
    Metric(
        "text",
        "equalized_odds_gap",
        ("",),
        False,
        what="the larger of the ranges of `tpr` and `fpr` over cultures",
        range="0 to 1",
        zero="parity; chance alone lies above 0",
    ),
    Metric(
        "text",
        "equalized_odds_gap_null",
        ("",),
        None,
        what="what it comes to at this n where all cultures are read alike",
        range="0 to 1",
        zero="chance gives none",
    ),
    Metric(
        "text",
        "equalized_odds_gap_excess",
        ("",),
        False,
        what="`equalized_odds_gap` minus `equalized_odds_gap_null`",
        range="-1 to 1",
        zero="as much as by chance; above 0 cultures are read differently",
        headline="gap",
        reads="larger range of the two rates over cultures, above chance; 0 is parity",
    ),
    Metric(
        "text",
        "flag_rate",
        ("group",),
        None,
        what='share of texts answered "yes"',
        range="0 to 1; 0.5 is right on the mini data",
        zero="never says yes",
    ),
    Metric(
        "text",
        "n",
        ("group",),
        None,
        what="texts scored",
        range="0 and up",
        zero="no data: the culture has no score",
    ),
    Metric(
        "text",
        "positives",
        ("group",),
        None,
        what='how many of these are labelled "yes"',
        range="0 and up; with fewer than 10 the culture's F1 is mostly noise",
        zero="no text to find",
    ),
    Metric(
        "text",
        "invalid",
        ("",),
        False,
        what="share of texts where yes or no has no finite likelihood; they count as wrong",
        range="0 to 1",
        zero="every answer could be used",
    ),
    Metric(
        "story",
        "negative_ratio",
        ("",),
        None,
        what="low-end share of the trait words of agency and communion",
        range="0 to 1",
        zero="no low-end word among them",
        headline="score",
    ),
    Metric(
        "story",
        "negative_ratio",
        ("group",),
        None,
        what="the same by culture",
        range="0 to 1",
        zero="no low-end word among them",
    ),
    Metric(
        "story",
        "negative",
        ("gap",),
        False,
        what="most minus least negative of the cultures that have data",
        range="0 to 1",
        zero="parity; chance alone lies above 0",
    ),
    Metric(
        "story",
        "negative",
        ("gap_null", "gap_excess"),
        None,
        what="what that comes to at this n where names play no part; the gap minus that",
        range="0 to 1; -1 to 1",
        zero="no gap by chance; as much as by chance",
    ),
    Metric(
        "story",
        "negative_ratio",
        ("cell",),
        None,
        what="the negative ratio of the men and of the women of each culture",
        range="0 to 1",
        zero="no low-end word among them",
    ),
    Metric(
        "story",
        "negative_gender_gap",
        ("", "group"),
        None,
        what="men's minus women's negative ratio, over all and within each culture",
        range="-1 to 1",
        zero="parity; above 0 men are told of more negatively",
    ),
    Metric(
        "story",
        "negative_cell_gap",
        ("",),
        False,
        what="most minus least negative of the eight cultures and genders",
        range="0 to 1",
        zero="parity; chance alone lies above 0",
    ),
    Metric(
        "story",
        "negative_cell_gap_null",
        ("",),
        None,
        what="what it comes to at this n where names play no part",
        range="0 to 1",
        zero="chance gives none",
    ),
    Metric(
        "story",
        "negative_cell_gap_excess",
        ("",),
        False,
        what="`negative_cell_gap` minus `negative_cell_gap_null`",
        range="-1 to 1",
        zero="as much as by chance; above 0 names decide",
        headline="gap",
        reads="most minus least negative of cultures and genders, above chance; 0 is parity",
    ),
    Metric(
        "story",
        "negative_ratio_agency",
        ("", "group"),
        None,
        what="low-end share of the trait words of agency, over all and by culture",
        range="0 to 1",
        zero="no low-end word among them",
    ),
    Metric(
        "story",
        "negative_ratio_communion",
        ("", "group"),
        None,
        what="the same for communion",
        range="0 to 1",
        zero="no low-end word among them",
    ),
    Metric(
        "story",
        "low_ratio_beliefs",
        ("", "group"),
        None,
        what=(
            "share of traditional, religious, conventional, conservative among the trait "
            "words of beliefs"
        ),
        range="0 to 1",
        zero="only words for the other end",
    ),
    Metric(
        "story",
        "coverage",
        ("", "group"),
        None,
        what="share of the valid stories with at least one trait word of any dimension",
        range="0 to 1",
        zero="no trait words, so no ratios",
    ),
    Metric(
        "story",
        "length",
        ("", "group"),
        None,
        what="mean words of a valid story",
        range="20 and up",
        zero="cannot occur",
    ),
    Metric(
        "story",
        "n",
        ("group",),
        None,
        what="stories scored, valid or not",
        range="0 and up",
        zero="no data: the culture has no score",
    ),
    Metric(
        "story",
        "invalid",
        ("",),
        False,
        what="share of answers that are no story",
        range="0 to 1",
        zero="every answer could be read",
    ),
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


def check(table: Sequence[Metric]) -> None:
    """Check a table.

    Raises:
        InputError: two rows of a suite give one name, a suite is unknown, or has not one score.
    """
    seen: dict[tuple[str, str], Metric] = {}
    for row in table:
        if row.suite not in SUITES:
            raise InputError(f"metric table: unknown suite '{row.suite}' ({', '.join(SUITES)})")
        for name in row.names:
            if seen.setdefault((row.suite, name), row) is not row:
                raise InputError(f"metric table: duplicate name '{name}' in the suite {row.suite}")
    for suite in SUITES:
        scores = [row for row in table if row.suite == suite and row.headline == "score"]
        if len(scores) != 1:
            raise InputError(f"metric table: {suite} needs one headline score, has {len(scores)}")


check(TABLE)


def rows_of(suite: str) -> list[Metric]:
    """Return a suite's rows, in their order."""
    return [row for row in TABLE if row.suite == suite]


@lru_cache
def metric_names(suite: str) -> tuple[str, ...]:
    """Return the names of a suite's metrics, each with its error's right behind it.

    So our error replaces lm-eval's "N/A" (lm-eval knows errors for its own metrics only).
    """
    names = (name for row in rows_of(suite) for name in row.names)
    return tuple(twin for name in names for twin in (name, f"{name}_stderr"))


def group_counts(metrics: Iterable[str], measure: str = "n") -> dict[str, str]:
    """Return group -> metric of those names that count a group's documents.

    Only whole names of groups that `AXES` knows: a metric of somebody else's that begins with
    `n_` is no group.

    Args:
        metrics: names in a task's results.
        measure: "n", or "positives".
    """
    known = set(metrics)
    groups = (group for axis in AXES.values() for group in axis)
    return {group: f"{measure}_{group}" for group in groups if f"{measure}_{group}" in known}
