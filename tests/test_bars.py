"""Long work says how far it is: on a terminal by a bar, elsewhere by lines with the time left."""

from __future__ import annotations

import io
import sys

import pytest

from bias_inherit import bars
from bias_inherit.bars import Bar, long


@pytest.mark.parametrize(
    ("seconds", "words"), [(7, "7 s"), (99, "99 s"), (100, "2 min"), (3600, "1 h 0 min")]
)
def test_a_time_in_words(seconds, words):
    assert long(seconds) == words


def test_without_a_terminal_a_line_every_ten_seconds(monkeypatch, capsys):
    times = iter([0.0, 4.0, 12.0, 15.0, 24.0, 40.0])
    monkeypatch.setattr(bars.time, "monotonic", lambda: next(times))
    with Bar("asking 3 models", 2000) as bar:
        for note in ("", "", "loss 1.500", "loss 1.400", ""):
            bar.note = note
            bar.update(400)
    assert capsys.readouterr().err.splitlines() == [
        "asking 3 models: 800 of 2,000, about 18 s left",
        "asking 3 models: 1,600 of 2,000, loss 1.400, about 6 s left",
    ]


def test_on_a_terminal_a_bar_and_no_line(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(bars, "EVERY", 0.0)
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Bar("training", 2) as bar:
        bar.note = "loss 1.5"
        bar.update(2)
    shown = sys.stderr.getvalue()
    assert "training:   0%" in shown and "left" not in shown


def test_what_is_not_shown_says_nothing(monkeypatch, capsys):
    monkeypatch.setattr(bars, "EVERY", 0.0)
    with Bar("training", 9, is_shown=False) as bar:
        bar.update(3)
    assert capsys.readouterr() == ("", "")
