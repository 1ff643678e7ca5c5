"""The sweep: what it makes, what it does again, and what it does not."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from pathlib import Path

import pytest

from bias_inherit import manifests
from bias_inherit.errors import FullDiskError, InputError
from bias_inherit.manifests import Adapter
from bias_inherit.runs import sweep as module
from bias_inherit.runs.executors import Done
from bias_inherit.runs.lock import held
from bias_inherit.runs.plan import make_plan
from bias_inherit.runs.status import survey
from bias_inherit.runs.sweep import StoppedError, differing
from bias_inherit.runs.worker import Outcome, work
from tests.runs.conftest import TYPE, Here, Quiet, small

pytestmark = pytest.mark.slow

NONE0, NONE50 = "gender.original.r0.none.s0", f"gender.{TYPE}.r50.none.s0"
OWN = """
from bias_inherit.mitigations import Mitigation, Recipe


def change(rows, tools):
    {what}


RECIPE = Recipe("{name}", "One's own.", lambda options: Mitigation("{name}", "", transform=change))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run that is done."""
    out = tmp_path_factory.mktemp("made") / "run"
    here = Here()
    result = module.sweep(small(), out, lambda base, jobs: here, Quiet())
    assert [job.name for job in here.asked] == ["base", NONE0, NONE50] and not result.failed
    assert here.is_closed
    return out


@pytest.fixture
def copy(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "copy"))


def contents(out):
    files = (path for path in out.rglob("*") if path.is_file() and path.name != ".lock")
    return {path: path.read_bytes() for path in files}


def own(tmp_path, name, what):
    path = tmp_path / f"{name}.py"
    path.write_text(OWN.format(name=name, what=what))
    return str(path)


def test_the_run_folder_has_what_the_design_promises(made):
    for name in (NONE0, NONE50):
        arm = made / "arms" / name
        mix = [json.loads(line) for line in (arm / "data" / "mix.jsonl").open()]
        ratio = manifests.read(arm / "adapter", Adapter).arm.ratio
        assert sum(row["origin"] == "augmented" for row in mix) == ratio * len(mix)
        assert list((arm / "eval").glob("results_*.json"))
        assert (arm / "log.txt").is_file()
    assert {path.name for path in made.iterdir()} == {
        *("grid.json", "stages.json", ".lock", ".claims", "data", "arms", "report")
    }
    table = (made / "report" / "leaderboard.md").read_text()
    assert all(name in table for name in ("base", NONE0, NONE50))


def test_what_is_done_is_not_done_again(copy, run):
    before = (copy / "report" / "leaderboard.json").stat().st_mtime_ns
    result, jobs = run(small(), copy)
    assert jobs == [] and result.done == result.total == 3
    assert (copy / "report" / "leaderboard.json").stat().st_mtime_ns == before
    assert survey(make_plan(small()), copy).named("done") == ["base", NONE0, NONE50]


def test_more_arms_are_made_beside_those_that_are_there(copy, run):
    result, jobs = run(small(grid__seeds=[0, 1]), copy)
    assert jobs == [NONE0.replace("s0", "s1"), NONE50.replace("s0", "s1")]
    assert result.total == 5 and not result.failed


@pytest.mark.parametrize(
    ("changes", "said", "again"),
    [
        ({"scoring__limit": 5}, "scoring.limit was 4, is 5", ["base", NONE0, NONE50]),
        ({"training__epochs": 2}, "training.epochs was 1, is 2", [NONE0, NONE50]),
        ({"writing__label": "given"}, "writing.label was None, is given", [NONE50]),
    ],
)
def test_a_changed_setting_is_said_and_made_anew_where_it_counts(copy, run, changes, said, again):
    grid = small(**changes)
    before = contents(copy)
    with pytest.raises(InputError, match=said) as caught:
        run(grid, copy)
    assert "\n" not in str(caught.value) and "--update" in str(caught.value)
    assert before == contents(copy)

    trained = {name: (copy / "arms" / name / "adapter").stat().st_mtime_ns for name in (NONE0,)}
    _, jobs = run(grid, copy, is_update=True)
    assert jobs == again
    is_scored_only = "scoring__limit" in changes
    after = (copy / "arms" / NONE0 / "adapter").stat().st_mtime_ns
    assert (after == trained[NONE0]) == (is_scored_only or NONE0 not in again)
    assert run(grid, copy)[1] == []


def test_an_output_that_was_changed_is_made_anew(copy, run):
    (copy / "arms" / NONE50 / "adapter" / "adapter_model.safetensors").write_bytes(b"no")
    os.utime(copy / "arms" / NONE0 / "data" / "mix.jsonl")  # another time, the same content
    _, jobs = run(small(), copy)
    assert jobs == [NONE50]


def test_a_failed_arm_does_not_stop_the_others_and_is_tried_again(tmp_path, run):
    fault = own(tmp_path, "fault", "raise ValueError('two\\nlines')")
    grid = small(grid__mitigations=["none", fault])
    result, jobs = run(grid)
    name = f"gender.{TYPE}.r50.fault.s0"
    assert jobs == ["base", NONE0, NONE50, name]
    assert result.failed == {name: "two lines"} and result.done == 3
    found = survey(make_plan(grid), tmp_path / "run")
    assert found.named("failed") == [name] and f"{name}: two lines" in found.to_text()
    assert NONE50 in (tmp_path / "run" / "report" / "leaderboard.md").read_text()

    own(tmp_path, "fault", "return rows")
    result, jobs = run(grid)
    assert set(jobs) == {name} and not result.failed


class Dying(Here):
    """Loses each job so often."""

    def __init__(self, often):
        super().__init__()
        self.often = often

    def wait(self):
        job = self.waiting.pop(0)
        if [one.name for one in self.asked].count(job.name) <= self.often:
            return [Done(job, None)]
        return [Done(job, work(job))]


def test_an_arm_whose_process_dies_is_begun_again_and_given_up_at_last(copy, run):
    shutil.rmtree(copy / "arms" / NONE50)
    result, jobs = run(small(), copy, Dying(2))
    assert jobs == [NONE50] * 3 and not result.failed
    shutil.rmtree(copy / "arms" / NONE50)
    result, jobs = run(small(), copy, Dying(9))
    assert jobs == [NONE50] * 3 and "died 3 times" in result.failed[NONE50]
    assert survey(make_plan(small()), copy).named("failed") == [NONE50]


def test_arms_of_equal_trainings_share_an_adapter(tmp_path, run, monkeypatch):
    from bias_inherit.bias_augment.training import finetune

    trained = []
    plain = finetune.Prepared.train

    def train(self, out, *more):
        trained.append(out.parent.name)
        return plain(self, out, *more)

    monkeypatch.setattr(finetune.Prepared, "train", train)
    same = own(tmp_path, "same", "return rows")
    result, _ = run(small(grid__mitigations=["none", same]))
    twin = f"gender.{TYPE}.r50.same.s0"
    assert not result.failed and trained == [NONE0, NONE50]
    theirs, its = (
        manifests.read(tmp_path / "run" / "arms" / name / "adapter", Adapter)
        for name in (NONE50, twin)
    )
    assert its.adapter_sha256 == theirs.adapter_sha256 and its.log == theirs.log
    assert its.arm.mitigation == "same" and theirs.arm.mitigation == "none"
    assert f"| {twin} " in (tmp_path / "run" / "report" / "leaderboard.md").read_text()


def test_a_twin_waits_for_one_that_fails_and_is_then_trained_itself(tmp_path, run):
    """Two workers: the second finds the first at it, which then dies for good."""
    grid = small(grid__mitigations=["none", own(tmp_path, "same", "return rows")])
    twin = f"gender.{TYPE}.r50.same.s0"

    class Two(Here):
        slots = 2

        def wait(self):
            job = self.waiting.pop()  # the last one first
            if job.name == NONE50 and job.twin is None:
                return [Done(job, Outcome(job.name, 0.0, "no luck"))]
            if job.name == twin and [one.name for one in self.asked].count(twin) == 1:
                return [Done(job, Outcome(job.name, 0.0, twin=NONE50))]
            return [Done(job, work(job))]

    result, jobs = run(grid, executor=Two())
    assert result.failed == {NONE50: "no luck"} and jobs.count(twin) == 2
    assert (tmp_path / "run" / "arms" / twin / "adapter").is_dir()


def test_an_adapter_of_other_inputs_lends_nothing(tmp_path, run):
    """What was trained before on what a new arm asks for is now to be trained otherwise."""
    same = own(tmp_path, "same", "return rows")
    run(small())
    blocks = [
        small().grid[0].model_dump(mode="json") | change
        for change in ({"training": {"epochs": 2}}, {"ratios": ["1/2"], "mitigations": [same]})
    ]
    result, jobs = run(small(grid=blocks), is_update=True)
    twin = f"gender.{TYPE}.r50.same.s0"
    assert not result.failed and jobs.count(twin) == 1


def test_a_twin_that_turns_out_to_be_another_is_not_waited_for_for_ever(tmp_path, run):
    same = own(tmp_path, "same", "return rows")
    run(small())
    twin = f"gender.{TYPE}.r50.same.s0"

    class Spoiling(Here):
        """Spoils the adapter that a twin is about to take."""

        def submit(self, job):
            if job.twin is not None:
                weights = (
                    tmp_path / "run" / "arms" / job.twin / "adapter" / "adapter_model.safetensors"
                )
                weights.write_bytes(b"no")
            assert len(self.asked) < 5, "for ever"
            super().submit(job)

    result, jobs = run(small(grid__mitigations=["none", same]), executor=Spoiling())
    assert not result.failed and jobs == [twin, twin]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scoring__tasks": "bias_inherit_ocupation"}, "unknown task 'bias_inherit_ocupation'"),
        ({"scoring__forms": "99"}, "99"),
        ({"base": "some/model-that-nobody-has"}, "some/model-that-nobody-has"),
    ],
)
def test_what_every_arm_would_fail_of_is_said_before_any_is_made(tmp_path, run, changes, said):
    with pytest.raises((InputError, OSError), match=said):
        run(small(**changes))
    assert not (tmp_path / "run" / "arms").exists() and not (tmp_path / "run" / "data").exists()


def test_rounds_wait_for_one_another_and_fail_together(tmp_path, run):
    fault = own(tmp_path, "fault", "raise ValueError('no luck')")
    rounds = {"after": 2, "writer": "generator"}
    grid = small(grid__ratios="50%", grid__rounds=rounds, grid__mitigations=fault)
    result, jobs = run(grid)
    first, second = (f"gender.{TYPE}.r50.fault.s0.round{k}" for k in (1, 2))
    assert jobs == ["base", "gender.original.r0.none.s0.round0", first]
    assert result.failed == {first: "no luck", second: f"the round before it failed ({first})"}


def test_a_full_disk_and_a_stop_leave_what_is_done(copy, run):
    shutil.rmtree(copy / "arms" / NONE50)

    class Full(Here):
        def wait(self):
            job = self.waiting.pop()
            return [Done(job, Outcome(job.name, 0.0, "No space left on device", is_full=True))]

    class Stopped(Here):
        def wait(self):
            raise KeyboardInterrupt

    for executor, error, said in (
        (Full(), FullDiskError, "make room"),
        (Stopped(), StoppedError, "2 of 3 arms are done"),
    ):
        with pytest.raises(error, match=said):
            run(small(), copy, executor)
        assert executor.is_closed
    assert run(small(), copy)[1] == [NONE50]


def test_a_stop_while_data_are_written_says_how_to_go_on(tmp_path, run, monkeypatch):
    def stop(self, one):
        raise KeyboardInterrupt

    monkeypatch.setattr(module.DataWriter, "write", stop)
    with pytest.raises(StoppedError, match="the same command goes on from there"):
        run(small())


def _hold(out, ready, over):
    with held(out):
        ready.set()
        over.wait(60)


def test_the_second_of_two_processes_says_who_holds_the_folder(copy, run):
    fresh = multiprocessing.get_context("spawn")
    ready, over = fresh.Event(), fresh.Event()
    other = fresh.Process(target=_hold, args=(copy, ready, over))
    other.start()
    try:
        assert ready.wait(60)
        with pytest.raises(InputError, match=f"held by process {other.pid} on .* since"):
            run(small(), copy)
        assert f"process {other.pid}" in survey(make_plan(small()), copy).to_text()
    finally:
        over.set()
        other.join()
    assert run(small(), copy)[1] == []


def test_what_killed_processes_left_is_removed(copy, run):
    arm = copy / "arms" / NONE0
    (arm / ".adapter.abcd1234").mkdir()
    (arm / "data" / ".mix.jsonl.4711.tmp").write_text("half")
    (arm / "running").touch()
    (arm / ".mine").touch()
    run(small(), copy)
    assert not list(copy.rglob("*.tmp")) and not list(copy.rglob(".adapter*"))
    assert not (arm / "running").exists() and (arm / ".mine").exists()


def test_a_folder_of_something_else_or_of_another_version_is_refused(copy, run, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").touch()
    with pytest.raises(InputError, match="is not empty"):
        run(small(), tmp_path / "notes")
    content = json.loads((copy / "grid.json").read_text())
    (copy / "grid.json").write_text(json.dumps(content | {"version": "0.0.1"}))
    with pytest.raises(InputError, match=r"was made by bias-inherit 0\.0\.1, this is"):
        run(small(), copy)
    (copy / "grid.json").write_text(json.dumps(content | {"schema": 99}))
    with pytest.raises(InputError, match="of another version"):
        run(small(), copy)


def test_differences_are_said_by_their_names():
    before, now = {"a": {"b": 1, "c": 2}, "d": []}, {"a": {"b": 1, "c": 3}, "d": []}
    assert differing(before, now) == ["a.c was 2, is 3"]
