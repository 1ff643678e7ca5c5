"""What the template generator knows of an axis is checked when the axis is loaded."""

from __future__ import annotations

import re
import shutil

import pytest
import yaml

from bias_inherit.bias_augment.axes.axis import HERE, axis_names, load_axis
from bias_inherit.errors import InputError


def changed(tmp_path, change, axis="culture"):
    folder = tmp_path / "own"
    shutil.copytree(HERE / axis, folder)
    own = yaml.safe_load((folder / "axis.yaml").read_text())
    for group, about in own["groups"].items():  # the mini names are of the axes that ship
        about["names"] = [f"{group.title()} One", f"{group.title()} Two"]
    (folder / "axis.yaml").write_text(yaml.safe_dump(own))

    path = folder / "template.yaml"
    world = yaml.safe_load(path.read_text())
    change(world)
    path.write_text(yaml.safe_dump(world))
    return folder


TYPE = "contrastive-single-explicit"
BROKEN = {
    "no section of a bias type": (lambda w: w["sentences"].pop(TYPE), f"no section '{TYPE}'"),
    "an empty section": (lambda w: w["sentences"].update({TYPE: []}), f"no section '{TYPE}'"),
    "no sentences": (lambda w: w.pop("sentences"), "sentences: field required"),
    "no openings": (lambda w: w.pop("openings"), "an axis of opinions needs some"),
    "a sentence of no bias type": (
        lambda w: w.update(says_so={"contextual": 0.5}),
        "says_so: there are no sentences of the bias type 'contextual'",
    ),
    "a share above 1": (
        lambda w: w.update(says_so={"contextual-single-explicit": 1.5}),
        "says_so, contextual-single-explicit",
    ),
    "no share of a group": (lambda w: w["follows_stereotype"].pop("arabic"), "group 'arabic'"),
    "a text for a number": (
        lambda w: w["follows_stereotype"].update(arabic="often"),
        "follows_stereotype, arabic",
    ),
    "an unknown placeholder": (
        lambda w: w["sentences"][TYPE].append("{nobody} knows."),
        "nothing fills {nobody}",
    ),
    "an open brace": (lambda w: w["sentences"][TYPE].append("{name knows."), f"{TYPE}: '{{name"),
    "a section too many": (lambda w: w.update(extra=[]), "extra: extra inputs"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_wrong_is_one_line_with_the_file_and_the_section(tmp_path, case):
    change, message = BROKEN[case]
    folder = changed(tmp_path, change)
    with pytest.raises(InputError, match=re.escape(message)) as error:
        load_axis(str(folder))
    assert "template.yaml" in str(error.value) and "\n" not in str(error.value)


def test_a_list_in_place_of_the_whole_is_one_line(tmp_path):
    folder = changed(tmp_path, lambda world: None)
    (folder / "template.yaml").write_text("- a\n")
    with pytest.raises(InputError, match="the file"):
        load_axis(str(folder))


def test_an_axis_without_one_loads_and_the_template_generator_says_what_it_needs(tmp_path):
    from bias_inherit.bias_augment.writing.generators.template import template_world

    folder = changed(tmp_path, lambda world: None)
    (folder / "template.yaml").unlink()
    axis = load_axis(str(folder))
    assert axis.world is None
    with pytest.raises(InputError, match=r"write .*template\.yaml"):
        template_world(axis)


def test_those_that_ship_have_worlds():
    assert all(load_axis(name).world is not None for name in axis_names())
