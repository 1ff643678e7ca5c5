"""Options are declared once, and the command line shows and takes them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bias_inherit.bias_augment.training.settings import Settings
from bias_inherit.bias_augment.writing.generators.registry import generators
from bias_inherit.options import options_of

BIN = Path(sys.executable).parent


def run(*words, cwd="/", columns="200"):
    env = os.environ | {"COLUMNS": columns, "NO_COLOR": "1", "TERM": "dumb"}
    command = [BIN / "bias-inherit", *map(str, words)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=env)


@pytest.fixture(scope="module")
def helps():
    return {name: run(name, "--help").stdout for name in ("augment", "rounds", "finetune")}


@pytest.mark.parametrize("command", ["augment", "rounds"])
def test_help_shows_every_option_of_every_generator(helps, command):
    for entry in generators().values():
        for option in entry.options:
            assert re.search(rf"{option.flag}\b", helps[command]), option


def test_help_shows_every_setting_with_its_default(helps):
    plain = " ".join(helps["finetune"].split())
    for option in options_of(Settings):
        assert re.search(rf"{option.flag}\b", plain), option
        assert option.help.split(";")[0][:30] in plain, option
    assert "(default: 16)" in plain and "(default: linear)" in plain


def test_the_listing_tells_generators_with_their_options():
    listed = run("generators")
    assert listed.returncode == 0
    for name, entry in generators().items():
        assert name in listed.stdout
        for option in entry.options:
            assert option.flag in listed.stdout
    assert "--model (required)" in listed.stdout and "--concurrency (16)" in listed.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--generator template --temperature 0.1", "has no option --temperature"),
        ("--generator local", "the generator 'local' needs --model"),
        ("--generator openai --model m", "the generator 'openai' needs --base-url"),
        ("--generator nobody", "unknown generator 'nobody'"),
    ],
)
def test_a_wrong_option_is_one_line(tmp_path, words, message):
    words = ["augment", "--original", "o.jsonl", "--bias-type", "neutral", *words.split()]
    done = run(*words, "--out", "a.jsonl", cwd=tmp_path)
    assert done.returncode == 2 and message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--precision fp16", "unknown precision 'fp16'"),
        ("--chat-template sometimes", "unknown chat-template 'sometimes'"),
        ("--rank 0", "rank must be at least 1"),
        ("--preset paper", "unknown preset 'paper'"),
    ],
)
def test_a_wrong_setting_is_one_line(tmp_path, words, message):
    done = run("finetune", "--data", "x.jsonl", "--out", "a", *words.split(), cwd=tmp_path)
    assert done.returncode == 2 and message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
