"""The metric table, and the files that are written from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bias_inherit.errors import InputError
from bias_inherit.tasks.configs import task_config
from bias_inherit.tasks.metrics import FAMILIES
from bias_inherit.tasks.metrics.groups import AXES
from bias_inherit.tasks.metrics.headline import Headline
from bias_inherit.tasks.metrics.metric import SUITES
from bias_inherit.tasks.metrics.scores import split
from bias_inherit.tasks.metrics.table import TABLE, check, group_counts
from bias_inherit.tasks.written import written


def test_the_files_on_disk_are_what_the_table_gives():
    paths = [path for path, text in written() if path.read_text(encoding="utf-8") != text]
    assert paths == [], "run `make tasks`"


def test_every_name_is_one_of_its_family():
    for row in TABLE:
        suite = SUITES[row.suite]
        for name in row.names:
            FAMILIES[suite.family].parse(split(name)[0], AXES[suite.axis])


def test_a_duplicate_name_is_one_line():
    twice = replace(TABLE[0], headline=None)
    with pytest.raises(InputError, match="metric table: duplicate name 'acc'"):
        check([*TABLE, twice])
    with pytest.raises(InputError, match="unknown suite 'other'"):
        check([*TABLE, replace(TABLE[0], suite="other")])


def test_one_row_adds_a_metric_to_the_six_text_tasks(monkeypatch):
    from bias_inherit.tasks import written as module
    from bias_inherit.tasks.metrics import table

    acc = replace(TABLE[0], suite="text", measure="acc", scopes=("", "gap"), headline=None)
    check([*TABLE, acc])
    monkeypatch.setattr(table, "TABLE", (*TABLE, acc))
    changed = {path.parent.name for path, text in module.written() if path.read_text() != text}
    assert changed == {"tasks", *SUITES["text"].tasks}
    assert "metric: acc_gap_stderr," in module.metric_list("text")


def test_a_metric_of_others_that_begins_with_n_is_no_group():
    assert group_counts(["n_something", "n_male", "n_female", "n"]) == {
        "male": "n_male",
        "female": "n_female",
    }


def test_what_a_gap_means_is_read_back_whole():
    for suite in SUITES.values():
        declared = task_config(suite.tasks[0])["metadata"]["headline"]
        (row,) = [r for r in TABLE if SUITES[r.suite] is suite and r.headline == "gap"]
        found = Headline.from_metadata({"headline": declared})
        assert found is not None and found.gap is not None
        assert (found.reads, found.gap.metric) == (row.reads, row.names[0])
        assert found.gap.ends == (None if row.is_open else row.ends or (-1, 1))
        assert row.is_open == (found.gap.kind == "unknown")
