"""Mitigations register themselves, each name once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bias_inherit.errors import InputError
from bias_inherit.mitigations import Mitigation, Recipe, mitigations, registry


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    mitigations()
    monkeypatch.setattr(registry, "_RECIPES", dict(registry._RECIPES))


def test_the_papers_come_first():
    names = ["none", "token", "mask", "loss", "counterfactual", "reweight"]
    assert list(mitigations()) == names


def test_a_new_one_is_listed_and_a_second_of_its_name_refused():
    def make(options):
        return Mitigation("mine", "")

    registry.register(Recipe("mine", "Mine.", make))
    assert list(mitigations())[-1] == "reweight" and "mine" in mitigations()
    with pytest.raises(InputError, match="two mitigations are registered as 'token'") as error:
        registry.register(Recipe("token", "Another.", make))
    assert "\n" not in str(error.value)


def test_importing_them_imports_no_torch():
    code = (
        "import sys, bias_inherit.mitigations as m; m.mitigations(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
