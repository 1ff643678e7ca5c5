"""Which model it is: bases and adapters by what identifies them."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a" * 64, "a" * 64, True),
        ("a" * 64, "b" * 64, False),
        ("c" * 40, "d" * 40, False),
        ("c" * 40, "a" * 64, None),  # a commit says nothing of the files of a folder
        (None, "a" * 64, None),
        ("a" * 64, None, None),
    ],
)
def test_fingerprints_tell_only_of_their_own_kind(one, other, expected):
    from bias_inherit.models import is_same_base

    assert is_same_base(one, other) is expected
