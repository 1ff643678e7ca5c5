"""Models of a real OpenAI-compatible server, scored as the local ones are."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bias_inherit.errors import InputError
from bias_inherit.harness.options import Options
from bias_inherit.harness.score import score
from bias_inherit.harness.server import KEY, Server, folder_name, score_server
from bias_inherit.reports.results import read_runs

sys.path.insert(0, str(Path(__file__).parent))
from completions_server import serving

CHOICES = ("bias_inherit_occupation", "bias_inherit_spam")
FEW = Options(tasks=CHOICES, limit=6, progress=False)


@pytest.fixture(scope="module")
def server(lab_base, adapters):
    with serving(lab_base, adapters, "secret") as found:
        yield found


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv(KEY, "secret")


@pytest.mark.slow
@pytest.mark.parametrize("concurrent", [1, 4])
@pytest.mark.parametrize("chat", [False, True])
def test_numbers_equal_those_of_the_local_models(
    server, lab_base, adapters, tmp_path, concurrent, chat
):
    options = replace(FEW, apply_chat_template=chat)
    asked = Server(server.address, ("base", "r50", "r0"), lab_base, concurrent)
    theirs = score_server(asked, lambda name: tmp_path / "server" / name, options)
    ours = score(lab_base, adapters, lambda name: tmp_path / "local" / name, options)
    assert [path.name for path in theirs] == ["base", "r50", "r0"]
    local = {run.name: run for run in read_runs(ours)}
    for run in read_runs(theirs):
        assert set(run.tasks) == set(CHOICES)
        for task, result in run.tasks.items():
            assert result.metrics == pytest.approx(local[run.name].tasks[task].metrics, abs=1e-3)
    mine, other = (likelihoods(folder) for folder in (theirs[1], ours[2]))
    assert len(mine) > 40 and mine == pytest.approx(other, abs=1e-3)


def likelihoods(folder):
    return {
        (path.name[:30], sample["doc_id"], i): float(answer[0])
        for path in folder.glob("samples_*.jsonl")
        for sample in map(json.loads, path.open(encoding="utf-8"))
        for i, (answer,) in enumerate(sample["resps"])
    }


@pytest.mark.slow
def test_without_a_tokenizer_models_write_in_a_chat(server, tmp_path):
    options = replace(FEW, tasks=("gen_bias_inherit_spam", "bias_inherit_salary"), limit=3)
    asked = Server(f"{server.address}/v1/chat/completions", ("r50",))
    server.seen.clear()
    (folder,) = score_server(asked, lambda name: tmp_path / name, options)
    content = json.loads(next(folder.glob("results_*.json")).read_text())
    assert set(content["results"]) == set(options.tasks)
    assert {path for path, _ in server.seen} == {"/v1/chat/completions"}
    manifest = json.loads((folder / "bias_inherit.json").read_text())
    assert manifest["command"].startswith(
        "lm_eval --model local-chat-completions --model_args model"
    )
    assert "secret" not in json.dumps([manifest, content])


@pytest.mark.slow
def test_the_plain_command_gives_the_same_numbers(server, lab_base, tmp_path):
    from bias_inherit.harness.loading import tasks_folder

    asked = Server(server.address, ("r50",), lab_base)
    (folder,) = score_server(asked, lambda name: tmp_path / name, replace(FEW, tasks=CHOICES[:1]))
    command = json.loads((folder / "bias_inherit.json").read_text())["command"]
    words = shlex.split(command.replace('"$(bias-inherit tasks)"', str(tasks_folder())))
    words[0] = str(Path(sys.executable).with_name("lm_eval"))
    words += ["--output_path", str(tmp_path / "plain")]
    subprocess.run(
        words, check=True, capture_output=True, env={**os.environ, "HF_HUB_OFFLINE": "1"}
    )
    (plain,), (ours,) = read_runs([tmp_path / "plain"]), read_runs([folder])
    assert ours.tasks[CHOICES[0]].metrics == plain.tasks[CHOICES[0]].metrics


@pytest.mark.parametrize(
    ("changed", "tasks", "told"),
    [
        ({"models": ("r0", "r60")}, CHOICES, r"has no model 'r60' \(it has base, r0, r50\)$"),
        ({"url": "http://127.0.0.1:9"}, CHOICES, r"127.0.0.1:9/v1/models: does not answer \("),
        (
            {"tokenizer": None},
            CHOICES,
            "needs log-likelihoods, and they need the model",
        ),
        ({}, ("bias_inherit_ocupation",), "did you mean bias_inherit_occupation"),
    ],
)
def test_what_cannot_be_asked_is_one_line_before_anything_is_scored(
    server, lab_base, tmp_path, changed, tasks, told
):
    asked = replace(Server(server.address, ("r0",), lab_base), **changed)
    with pytest.raises(InputError, match=told) as error:
        score_server(asked, lambda name: tmp_path / name, replace(FEW, tasks=tasks))
    assert "\n" not in str(error.value) and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("answer", ["an error", "no log-likelihoods"])
def test_a_server_without_log_likelihoods_is_one_line(
    server, lab_base, tmp_path, monkeypatch, answer
):
    if answer == "an error":
        monkeypatch.setattr(server, "echoes", False)
        told = r"/v1/completions: answers 400: .*echo is not supported"
    else:
        monkeypatch.setattr(type(server.models), "echoed", lambda self, ids: {"text": "a"})
        told = "'r0' gives no log-likelihoods of a prompt"
    with pytest.raises(InputError, match=told):
        score_server(Server(server.address, ("r0",), lab_base), lambda name: tmp_path / name, FEW)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_key_is_said_with_where_it_is_read_from(server, lab_base, tmp_path, monkeypatch):
    monkeypatch.setenv(KEY, "other")
    with pytest.raises(InputError, match=r"answers 401 \(the key is read from OPENAI_API_KEY\): "):
        score_server(Server(server.address, ("r0",), lab_base), lambda name: tmp_path / name, FEW)


@pytest.mark.slow
def test_a_server_that_fails_later_is_one_line_and_what_was_scored_stays(
    server, lab_base, tmp_path, monkeypatch
):
    import tenacity

    monkeypatch.setattr(tenacity.nap.time, "sleep", lambda _: None)
    completion = type(server.models).completion

    def fails(self, body):
        if body["model"] == "r50" and len(server.seen) > 40:
            raise ConnectionError
        return completion(self, body)

    server.seen.clear()
    monkeypatch.setattr(type(server.models), "completion", fails)
    asked = Server(server.address, ("r0", "r50"), lab_base, concurrent=1)
    with pytest.raises(InputError, match=r"'r50' could not be scored to the end .*is kept"):
        score_server(asked, lambda name: tmp_path / name, replace(FEW, tasks=CHOICES[:1]))
    assert [path.name for path in tmp_path.iterdir()] == ["r0"]


def test_names_of_models_become_names_of_folders():
    assert folder_name("org/name@v1") == "org__name@v1"
    assert folder_name("gender.six.r20.s0") == "gender.six.r20.s0"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("a0 --server http://127.0.0.1:9 --models a", "name no folders beside --server"),
        ("--server http://127.0.0.1:9", "--server needs --models"),
        ("--models a,b", "are of a server: say --server URL"),
    ],
)
def test_options_that_do_not_go_together(words, told):
    from typer.testing import CliRunner

    from bias_inherit.cli import app

    result = CliRunner().invoke(app, ["score", *words.split()])
    assert isinstance(result.exception, InputError) and told in str(result.exception)
