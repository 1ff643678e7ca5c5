from __future__ import annotations

import shutil

import pytest

from bias_inherit.errors import InputError
from bias_inherit.harness.adapters import find_adapters

SHA = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"


@pytest.fixture
def runs(tmp_path, adapter, monkeypatch):
    """Two runs, the second of which has an arm of the first's name; arms without an adapter."""
    monkeypatch.chdir(tmp_path)
    for arm in ("one/arms/r0", "one/arms/r20", "two/arms/r20", "two/arms/r50"):
        shutil.copytree(adapter, tmp_path / "runs" / arm / "adapter")
    (tmp_path / "runs/two/arms/unfinished/data").mkdir(parents=True)
    return tmp_path / "runs"


@pytest.fixture
def hub(tmp_path, adapter, monkeypatch):
    """A cache in the hub's layout that holds an adapter."""
    folder = tmp_path / "hub" / "models--org--tuned"
    shutil.copytree(adapter, folder / "snapshots" / SHA)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(SHA)
    (folder / "refs" / "v2").write_text(SHA)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return folder / "snapshots" / SHA


def test_an_adapter_in_an_arm_is_called_as_the_arm(runs):
    found = find_adapters(["runs/one/arms/*/adapter"])
    assert {name: str(path) for name, path in found.items()} == {
        "r0": "runs/one/arms/r0/adapter",
        "r20": "runs/one/arms/r20/adapter",
    }


def test_several_patterns_take_each_adapter_once_and_the_run_tells_arms_of_one_name_apart(runs):
    found = find_adapters(["runs/*/arms/*/adapter", "runs/two/**"])
    assert list(found) == ["r0", "one.r20", "two.r20", "r50"]


def test_a_pattern_that_matches_no_adapter(runs):
    with pytest.raises(InputError, match=r"runs/\*: matches no adapter folder .*, 2 others$"):
        find_adapters(["runs/*"])


def test_a_hub_id_is_fetched_in_its_revision(hub):
    found = find_adapters(["org/tuned", "org/tuned@v2", f"org/tuned@{SHA}"])
    assert list(found) == ["tuned", "tuned@v2", f"tuned@{SHA}"]
    assert {path.resolve() for path in found.values()} == {hub.resolve()}


@pytest.mark.parametrize("named", ["org/tuned@v3", "org/other", "runs/one"])
def test_what_is_neither_here_nor_on_the_hub_is_one_line(hub, named):
    with pytest.raises(InputError, match=f"{named}: no such folder here, and the hub") as error:
        find_adapters([named])
    assert "\n" not in str(error.value)


def test_names_must_differ(adapter, tmp_path):
    twin = tmp_path / "other" / "r20" / "adapter"
    shutil.copytree(adapter, twin)
    assert find_adapters([twin]) == {"r20": twin}
    with pytest.raises(InputError, match="two models are called 'r20'"):
        find_adapters([adapter, twin])
    shutil.copytree(adapter, tmp_path / "base")
    with pytest.raises(InputError, match="two models are called 'base'"):
        find_adapters([tmp_path / "base"])
