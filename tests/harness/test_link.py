"""`bias-inherit link` on a copy of the harness's tasks folder, and through the real one."""

from __future__ import annotations

import json

import pytest

from bias_inherit.errors import InputError
from bias_inherit.harness.link import NAME, harness_tasks, link, unlink
from bias_inherit.tasks.configs import task_files, task_names


@pytest.fixture
def harness(tmp_path):
    (tmp_path / "tasks" / "arc").mkdir(parents=True)
    (tmp_path / "tasks" / "arc" / "arc.yaml").write_text("task: arc\n")
    return tmp_path / "tasks"


def files(folder):
    return sorted(p.relative_to(folder) for p in folder.rglob("*"))


def test_the_harness_sees_every_task_and_what_undo_leaves_is_what_was_there(harness):
    from lm_eval.tasks import TaskManager

    before = files(harness)
    folder, many = link(harness)
    assert folder == harness / NAME and many == len(task_files())
    manager = TaskManager(include_path=str(harness), include_defaults=False)
    every = [f"bias_inherit_{name}" for name in task_names()]
    assert sorted(manager.match_tasks(["bias_inherit_*"])) == every
    assert manager.all_groups == ["bias_inherit"] and "bias-inherit-direct" in manager.all_tags
    task = manager.load(["bias_inherit_stance"])["tasks"]["bias_inherit_stance"]
    assert len(task.dataset["test"]) == 240
    assert unlink(harness) == folder and files(harness) == before
    assert unlink(harness) is None


def test_linking_twice_is_linking_once(harness):
    link(harness)
    once = files(harness)
    link(harness)
    assert files(harness) == once


@pytest.mark.parametrize("action", [link, unlink])
def test_a_folder_of_others_is_left_alone(harness, action):
    (harness / NAME).mkdir()
    (harness / NAME / "mine.yaml").write_text("task: mine\n")
    with pytest.raises(InputError, match="was not made by `bias-inherit link`"):
        action(harness)
    assert (harness / NAME / "mine.yaml").read_text() == "task: mine\n"


def test_a_read_only_harness_is_one_line(harness, monkeypatch):
    from bias_inherit import store

    def refuse(path):
        raise PermissionError(path)

    monkeypatch.setattr(store, "whole_folder", refuse)  # root may write anywhere
    with pytest.raises(InputError, match="--include_path"):
        link(harness)


def test_the_installed_harness_is_where_lm_eval_keeps_its_own_tasks():
    assert (harness_tasks() / "arc" / "arc_easy.yaml").is_file()


def test_the_stubs_name_the_yamls_by_full_path(harness):
    folder, _ = link(harness)
    stub = (folder / "bias_inherit_spam.yaml").read_text()
    assert str(task_files()["bias_inherit_spam"]) in stub
    assert json.loads((folder / "bias_inherit.json").read_text())["kind"] == "link"
