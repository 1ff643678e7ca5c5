"""What is there under the same settings is kept; a run that was killed goes on."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from bias_inherit import manifests
from bias_inherit.harness import journal, score
from bias_inherit.harness.options import Options
from bias_inherit.manifests import Score
from bias_inherit.reports.results import read_runs

OCCUPATION, STORY, SPAM = (f"bias_inherit_{name}" for name in ("occupation", "story", "spam"))
FEW = Options(tasks=(OCCUPATION, STORY), limit=8, batch_size=4, progress=False, resume=True)


@pytest.fixture(scope="module")
def once(lab_base, adapters, tmp_path_factory):
    """Scored in one go."""
    out = tmp_path_factory.mktemp("once")
    score.score(lab_base, adapters, lambda name: out / name, FEW)
    return out


@pytest.fixture
def there(once, tmp_path):
    """A copy of it."""
    shutil.copytree(once, tmp_path / "there")
    return tmp_path / "there"


def again(lab_base, adapters, out, options=FEW):
    """Score into a folder once more; return what was said."""
    said = []
    score.score(lab_base, adapters, lambda name: out / name, options, said.append)
    return said


def numbers(folder):
    return {
        task: (result.metrics, result.errors)
        for run in read_runs([folder])
        for task, result in run.tasks.items()
    }


def files(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.slow
def test_what_is_there_is_kept_and_no_model_is_loaded(there, lab_base, adapters, monkeypatch):
    monkeypatch.setattr(score, "Wardrobe", None)  # would be an error if it were called
    before = {path: path.read_bytes() for path in there.rglob("*.json*")}
    said = again(lab_base, adapters, there)
    assert [line for line in said if line.endswith("2 of 2 tasks are there already, and kept")]
    assert {path: path.read_bytes() for path in there.rglob("*.json*")} == before


@pytest.mark.slow
def test_more_tasks_get_a_result_file_of_their_own_beside_the_first(there, lab_base, adapters):
    said = again(lab_base, adapters, there, replace(FEW, tasks=(OCCUPATION, SPAM)))
    assert sum("1 of 2 tasks are there already, and kept" in line for line in said) == 3
    for name in ("base", "r50"):
        manifest = manifests.read(there / name, Score)
        assert set(manifest.tasks) == {OCCUPATION, STORY, SPAM}
        contents = [json.loads((there / name / file).read_text()) for file in manifest.files]
        assert SPAM in manifest.command and OCCUPATION in manifest.earlier[0].command
        tasks = [set(content["results"]) for content in contents]
        assert tasks == [{OCCUPATION, STORY}, {SPAM}]
        (run,) = read_runs([there / name])
        assert run.name == name and set(run.tasks) == {OCCUPATION, STORY, SPAM}
        assert (run.arm is not None) == (name == "r50")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "named"), [({"limit": 6}, "limit"), ({"exact": True}, "exact")]
)
def test_under_other_settings_all_is_scored_anew_and_that_is_said(
    there, lab_base, adapters, changed, named
):
    options = replace(FEW, **changed)
    said = again(lab_base, adapters, there, options)
    assert f"{there / 'base'}: was scored otherwise ({named}), and is scored anew" in said
    assert manifests.read(there / "base", Score).earlier == ()
    assert len(list((there / "base").glob("results_*.json"))) == 1
    assert all("kept" in line for line in again(lab_base, adapters, there, options))


@pytest.mark.slow
def test_another_adapter_of_that_name_is_scored_anew(there, lab_base, adapters):
    said = again(lab_base, {"r50": adapters["r0"]}, there)
    assert any("was scored otherwise (adapter), and is scored anew" in line for line in said)
    mine, other = (numbers(there / name)[OCCUPATION][0] for name in ("r50", "r0"))
    assert mine == pytest.approx(other, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("exact", "kept", "rest"), [(False, 3, 3), (False, 4, 2), (True, 4, 2)])
def test_a_run_that_was_killed_goes_on_where_it_was(
    once, lab_base, adapters, tmp_path, monkeypatch, exact, kept, rest
):
    options = replace(FEW, exact=exact)
    if exact:
        again(lab_base, adapters, tmp_path / "once", options)
        once = tmp_path / "once"
    out, count = tmp_path / "out", [0]
    keep = journal.Journal.keep

    def killed(self, *args):
        if count[0] == kept:
            raise KeyboardInterrupt
        count[0] += 1
        keep(self, *args)

    monkeypatch.setattr(journal.Journal, "keep", killed)
    with pytest.raises(KeyboardInterrupt):
        again(lab_base, adapters, out, options)
    assert len(list(out.rglob(".*.partial/[0-9a-f]*.json"))) <= kept

    asked = []

    def counted(self, *args):
        asked.append(args)
        keep(self, *args)

    monkeypatch.setattr(journal.Journal, "keep", counted)
    again(lab_base, adapters, out, options)
    assert len(asked) == rest, "of two units of three models"
    assert files(out) == ["base", "r0", "r50"]
    for name in files(out):
        for task, (metrics, errors) in numbers(out / name).items():
            expected = numbers(once / name)[task]
            assert metrics == pytest.approx(expected[0], abs=0 if exact else 1e-4)
            assert errors == pytest.approx(expected[1], abs=0 if exact else 1e-4)


def test_answers_under_other_settings_are_dropped(tmp_path):
    from lm_eval.api.instance import Instance

    requests = [Instance("loglikelihood", {}, ("a", " b"), 0, ("task", 0, 1))]
    first = journal.Journal(tmp_path / "r0", {"limit": 8})
    assert first.known(requests) is None
    first.keep(requests, [(-1.25, True)])
    assert journal.Journal(tmp_path / "r0", {"limit": 8}).known(requests) == [(-1.25, True)]
    other = [Instance("loglikelihood", {}, ("a", " c"), 0, ("task", 0, 1))]
    assert first.known(other) is None, "another document"
    assert journal.Journal(tmp_path / "r0", {"limit": 9}).known(requests) is None
    assert list(tmp_path.iterdir()) == []
