"""The metric families: scores by group, each with a bootstrap standard error.

Every document of a task yields one `Record`, from which all of its metrics are computed. The
name of a metric says what is computed over which answers: `<measure>` (all), `<measure>_<group>`
(one group) or `<measure>_gap` (between groups). lm-eval calls `value` and `stderr` (through
`aggregate.py`) with all records; reports call `paired_change` with the records of two runs on
the same documents. Which measures there are depends on the kind of answers: `occupation`, `text`,
`amount`, `selection`, `story`, `similarity`, one file each; which of them a task has stands in
`table.py`.

Gap, sign and zero: on an axis with two groups it is first minus second (gender: male
minus female), zero means parity; on an axis with more it is the largest minus the
smallest value of the groups that have data, never negative, zero means parity. A range
over few documents lies above zero by chance alone: `<range>_null` is what it comes to on average
where the groups do not differ (`null.py`), `<range>_excess` the range minus that.

Standard errors: the standard deviation over `DRAWS` bootstrap samples with a fixed seed.
Clusters are resampled whole (documents that share a source, such as one biography told
of a man and of a woman), within strata of the groups that a cluster touches, because
the number of documents a group is fixed by design. No data gives None, never 0.
"""

from bias_inherit.tasks.metrics.groups import AXES, CANDIDATES, OCCUPATIONS
from bias_inherit.tasks.metrics.record import Record, Scored
from bias_inherit.tasks.metrics.scores import FAMILIES, deviations, paired_change, stderr, value

__all__ = [
    "AXES",
    "CANDIDATES",
    "FAMILIES",
    "OCCUPATIONS",
    "Record",
    "Scored",
    "deviations",
    "paired_change",
    "stderr",
    "value",
]
