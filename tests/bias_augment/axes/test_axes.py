from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from bias_inherit.bias_augment.axes.axis import axis_names, load_axis
from bias_inherit.bias_augment.axes.bias_types import bias_types, load_prompt, render_prompt
from bias_inherit.bias_augment.data.originals import draw_original
from bias_inherit.bias_augment.writing.augment import augment
from bias_inherit.bias_augment.writing.generators.template import TemplateGenerator
from bias_inherit.bias_augment.writing.requests import build_requests
from bias_inherit.errors import InputError
from bias_inherit.tasks.documents import names
from bias_inherit.tasks.documents.names import load_names

RELIGION = {
    "axis": "religion",
    "form": "opinion",
    "per_cell": 6,
    "groups": {
        "sunny": {"word": "Sunnite of Ra", "plural": "Sunnites of Ra", "names": ["Ra Amun"]},
        "moony": {"word": "Moonite", "plural": "Moonites", "names": ["Lu Nar"], "cues": ["moon"]},
    },
    "second": [
        {"explicit": "an old {word}", "plural": "old {plural}", "implicit": "born in 1946"},
        {"explicit": "a rural {word}", "plural": "rural {plural}", "implicit": "of a farm"},
    ],
    "questions": [{"question": "When?", "options": ["By day", "By night"], "shares": [0.5, 0.5]}],
}
PROMPT = (
    '{% extends "opinion.jinja2" %}{% block task %}Write about {{ person.name }}.{% endblock %}'
)


@pytest.fixture
def own(tmp_path):
    """Write an axis of one's own; `changes` are laid over its YAML, `prompt` is its neutral one."""

    def write(prompt=PROMPT, **changes):
        folder = tmp_path / f"axis{len(list(tmp_path.iterdir()))}"
        (folder / "prompts").mkdir(parents=True)
        (folder / "axis.yaml").write_text(yaml.safe_dump(RELIGION | changes))
        (folder / "prompts" / "neutral.jinja2").write_text(prompt)
        return str(folder)

    return write


def test_four_axes_ship_and_none_shares_a_name_with_the_test_data():
    assert axis_names() == ["age", "culture", "gender", "race"]
    tested = {
        name for genders in load_names().values() for names in genders.values() for name in names
    }
    tested |= {name for gender in ("male", "female") for name in names.first_names(gender, "test")}
    for axis in map(load_axis, axis_names()):
        for group in axis.groups.values():
            assert not tested & set(group.names)


def test_an_axis_is_a_yaml_and_its_prompts(own):
    axis = load_axis(own())
    rows = draw_original(axis, "mini").rows
    assert len(rows) == 12 and rows[0]["axis"] == "religion"
    request = build_requests(axis, "neutral", rows, 1, 0, "m")[0]
    assert "Write about" in request.prompt
    assert " / ".join(request.options) in request.prompt
    with pytest.raises(InputError, match=r"knows no axis 'religion': write .*template\.yaml"):
        augment([request], TemplateGenerator())
    with pytest.raises(InputError, match=r"has no prompt on the axis .*: write .*\.jinja2"):
        build_requests(axis, next(iter(bias_types())), rows, 1, 0, "m")


def test_a_copy_of_a_shipped_axis_works_from_its_folder(tmp_path):
    shutil.copytree(load_axis("age").folder, tmp_path / "mine")
    mine, ours = load_axis(str(tmp_path / "mine")), load_axis("age")
    rows = draw_original(mine, "mini", 2).rows
    assert rows == draw_original(ours, "mini", 2).rows
    written = [
        augment(
            build_requests(a, "contextual-single-implicit", rows, 20, 0, "t"), TemplateGenerator()
        )
        for a in (mine, ours)
    ]
    assert written[0].examples == written[1].examples


def groups(**changes):
    return {"groups": RELIGION["groups"] | changes}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (groups(sunny={"word": "a", "plural": "b", "names": []}), "the group 'sunny' is empty"),
        (groups(sunny=None), "the group 'sunny' is empty"),
        (
            groups(sunny={"word": "a", "plural": "b", "names": ["Lu Nar"]}),
            "'Lu Nar' stands in two groups, moony and sunny",
        ),
        (
            groups(sunny={"word": "a", "plural": "b", "names": ["Ra"], "cues": ["moon"]}),
            "'moon' stands in two groups",
        ),
        (groups(sunny={"word": "a", "names": ["Ra"]}), "groups, sunny, plural: field required"),
        ({"form": "poem"}, "form: input should be 'biography' or 'opinion'"),
        ({"groups": {"sunny": RELIGION["groups"]["sunny"]}}, "groups: dictionary should have"),
        ({"questions": []}, "needs questions"),
        ({"sorts": 1}, "sorts: extra inputs are not permitted"),
        ({"groups": "two"}, "an axis is a mapping with groups"),
        (
            {"questions": [{"question": "?", "options": ["a", "b"], "shares": [1.0]}]},
            "one share for each option",
        ),
        (
            {"second": [{"explicit": "{name}", "plural": "b", "implicit": "c"}] * 2},
            "only {word} and {plural} can be filled in",
        ),
        (
            {"second": [s | {"attribute": s["implicit"]} for s in RELIGION["second"]]},
            "the attribute 'born in 1946' has one value, 'an old {word}': a contrast needs two",
        ),
    ],
)
def test_a_wrong_axis_is_one_line_with_its_file(own, changes, message):
    with pytest.raises(InputError) as caught:
        load_axis(own(**changes))
    assert message in str(caught.value) and "axis.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("{{ persona.name }}", "'persona' is undefined"),
        ("{{ person.nickname }}", "no attribute 'nickname'"),
        ("one\n{{ person.name", "jinja2:2:"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ labels.append('x') }}", "unsafe"),
        ("{{ self.__init__.__globals__ }}", "unsafe"),
        ("{% include '../../secret.txt' %}", "no template"),
        ("{% include '/etc/passwd' %}", "no template"),
        ("{{ 1 / 0 }}", "division by zero"),
    ],
)
def test_a_users_template_is_strict_and_reaches_no_python(own, tmp_path, prompt, message):
    (tmp_path / "secret.txt").write_text("secret")
    axis = load_axis(own(prompt=prompt))
    rows = draw_original(axis, "mini").rows
    with pytest.raises(InputError) as caught:
        build_requests(axis, "neutral", rows, 1, 0, "m")
    assert message in str(caught.value) and "neutral.jinja2" in str(caught.value)
    assert "\n" not in str(caught.value) and "secret" not in str(caught.value).replace(
        "secret.txt", ""
    )


def test_prompts_are_strict_about_their_variables():
    axis = load_axis("gender")
    with pytest.raises(InputError, match="'seed_text' is undefined"):
        render_prompt(axis, "neutral", load_prompt(axis, "neutral"), {"labels": ["a"]})


def test_no_axis_there(tmp_path):
    with pytest.raises(InputError, match=r"holds no axis\.yaml"):
        load_axis(str(tmp_path))
    with pytest.raises(InputError, match="unknown axis 'religion': known: age, culture, gender"):
        load_axis("religion")


def test_cues_are_whole_words():
    axis = load_axis("gender")
    assert axis.find_cues("There she is: Anthony saw her here, in Hershey.") == [
        "she",
        "Anthony",
        "her",
    ]


@pytest.mark.parametrize(
    ("text", "cues"),
    [
        ("她在春节回家，中国人都这样。", ["春节", "中国人"]),
        ("صام في رمضان مع أهله", ["رمضان"]),
        ("O sotaque é português, não Brasileiro.", ["português", "Brasileiro"]),
        ("Habla español; es una mexicana.", ["español", "mexicana"]),
        (
            "A person from China and Ali Farhat; later Ali alone.",
            ["person from China", "Ali Farhat", "Ali"],
        ),
        ("Realign the Arabesque, Alison; ramadans.", []),
    ],
)
def test_cues_in_the_languages_of_the_culture_axis(text, cues):
    assert load_axis("culture").find_cues(text) == cues


def test_cues_of_one_group_alone():
    axis = load_axis("culture")
    text = "Ali speaks Arabic and Mandarin."
    assert axis.find_cues(text, groups=["chinese"]) == ["Mandarin"]
    assert axis.find_cues(text, groups=["arabic"]) == ["Ali", "Arabic"]


@pytest.mark.parametrize(
    ("axis", "text", "group", "other", "swapped"),
    [
        (
            "gender",
            "James told her of his wife.",
            "male",
            "female",
            "Mary told him of her husband.",
        ),
        (
            "culture",
            "Mohammed Azzam, an Arab, keeps Ramadan; Mohammed likes kabsa. Ramadans.",
            "arabic",
            "chinese",
            "Aiguo Zhang, a Chinese, keeps the Spring Festival; Aiguo likes jiaozi. Ramadans.",
        ),
        ("culture", "Aiguo likes jiaozi.", "arabic", "chinese", "Mohammed likes kabsa."),
        ("age", "A senior in retirement.", "senior", "young", "A young adult in student life."),
        ("age", "Nothing here.", "senior", "young", "Nothing here."),
    ],
)
def test_a_swap_tells_the_text_of_another_group(axis, text, group, other, swapped):
    assert load_axis(axis).swap(text, group, other) == swapped


def test_prompts_and_axes_ship_as_files():
    folder = Path(load_axis("age").folder)
    assert {p.name for p in folder.iterdir()} == {"axis.yaml", "template.yaml", "prompts"}
