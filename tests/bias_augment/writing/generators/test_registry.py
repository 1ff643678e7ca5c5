"""Generators register themselves, with their options."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from bias_inherit.bias_augment.writing.generators import registry
from bias_inherit.bias_augment.writing.generators.local import LocalGenerator
from bias_inherit.bias_augment.writing.generators.registry import (
    generators,
    load_generator,
    register,
)
from bias_inherit.errors import InputError

GUIDE = Path(__file__).resolve().parents[4] / "docs" / "AUGMENT.md"


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    generators()
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))


def test_those_that_ship_are_there_with_their_options():
    assert list(generators()) == ["local", "openai", "template"]
    options = {option.name: option for option in generators()["openai"].options}
    assert options["model"].required and options["base_url"].required
    assert options["concurrency"].default == 16 and options["concurrency"].type is int
    assert generators()["template"].options == ()
    assert [entry.records for entry in generators().values()] == [True, True, False]


def test_a_generator_gets_the_options_given_and_the_defaults():
    made = load_generator("local", {"model": "lab", "temperature": 0.0, "adapter": None})
    assert isinstance(made, LocalGenerator)
    assert made.temperature == 0.0 and made.batch_size == 16
    assert Path(made.model, "config.json").is_file() and made.name == "lab"


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("lokal", {}, "unknown generator 'lokal': did you mean local?"),
        ("local", {}, "the generator 'local' needs --model"),
        ("openai", {"model": "m"}, "the generator 'openai' needs --base-url"),
        ("template", {"temperature": 0.5}, "the generator 'template' has no option --temperature"),
        ("local", {"model": "lab", "temperature": -1.0}, "temperature must be at least 0, not -1"),
        ("local", {"model": "lab", "batch_size": 0}, "batch-size must be at least 1, not 0"),
        ("openai", {"model": "m", "base_url": "u", "concurrency": 0}, "concurrency must be at"),
    ],
)
def test_a_wrong_choice_is_one_line(name, given, message):
    with pytest.raises(InputError, match=re.escape(message)) as error:
        load_generator(name, given)
    assert "\n" not in str(error.value)


def test_two_generators_of_one_name_are_refused():
    @register("twice", "The first.")
    @dataclass
    class First:
        pass

    with pytest.raises(InputError) as error:

        @register("twice", "The second.")
        @dataclass
        class Second:
            pass

    assert "two generators are registered as 'twice'" in str(error.value)
    assert "First" in str(error.value) and "Second" in str(error.value)
    assert generators()["twice"].made is First


def test_the_guides_generator_works_as_it_stands(original):
    from bias_inherit.bias_augment.axes.axis import load_axis
    from bias_inherit.bias_augment.writing.augment import augment
    from bias_inherit.bias_augment.writing.requests import build_requests

    code = re.search(
        r"```python\n(.*?)```", GUIDE.read_text().split("## Write a generator")[1], re.S
    )
    module = ModuleType("echo_of_the_guide")
    sys.modules[module.__name__] = module
    exec(compile(code[1], "AUGMENT.md", "exec"), module.__dict__)

    writer = load_generator("echo", {"suffix": " So it is."})
    requests = build_requests(load_axis("gender"), "neutral", original, 12, 0, writer.name)
    made = augment(requests, writer).examples
    assert len(made) == 12
    assert all(row["text"].endswith(" So it is.") for row in made)
    assert {row["generator"] for row in made} == {"echo"}
