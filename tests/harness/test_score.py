from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from bias_inherit import manifests
from bias_inherit.errors import InputError
from bias_inherit.harness.score import Options, score
from bias_inherit.models import adapter_sha256, check_causal
from bias_inherit.reports.leaderboard import leaderboard
from bias_inherit.reports.results import read_runs
from bias_inherit.tasks.configs import task_names

BIN = Path(sys.executable).parent
SMALL = Options(limit=24, batch_size=8)


def results(folder):
    (path,) = folder.glob("results_*.json")
    return json.loads(path.read_text())


@pytest.fixture(scope="session")
def scored(tmp_path_factory, lab_base, adapters):
    out = tmp_path_factory.mktemp("scores")
    return {p.name: p for p in score(lab_base, adapters, lambda name: out / name, SMALL)}


@pytest.mark.slow
def test_each_model_has_lm_evals_own_files_and_its_hash(scored, adapters):
    assert list(scored) == ["base", "r0", "r50"]
    for name, folder in scored.items():
        content = results(folder)
        assert set(content["results"]) == {f"bias_inherit_{name}" for name in task_names()}
        assert len(list(folder.glob("samples_*.jsonl"))) == len(task_names())
        sha256 = None if name == "base" else adapter_sha256(adapters[name])
        assert content["config"]["adapter_sha256"] == sha256
        manifest = json.loads((folder / "bias_inherit.json").read_text())
        assert manifest.get("adapter_sha256") == sha256
        assert manifest["results"] == next(folder.glob("results_*.json")).name


@pytest.mark.slow
def test_stories_of_an_adapter_do_not_depend_on_what_was_scored_before(
    scored, adapters, lab_base, tmp_path
):
    options = replace(SMALL, tasks=("bias_inherit_story",))
    alone = {"r50": adapters["r50"]}
    (_, folder) = score(lab_base, alone, lambda name: tmp_path / name, options)
    story = "bias_inherit_story"
    found, before = (read_runs([f])[0].tasks[story].metrics for f in (folder, scored["r50"]))
    assert found == before and before["coverage"]


@pytest.mark.slow
def test_every_metric_has_an_error_and_every_headline_a_number(scored):
    run = read_runs([scored["base"]])[0]
    for task, values in results(scored["base"])["results"].items():
        for key, value in values.items():
            metric, comma, _ = key.partition(",")
            if not comma or metric.endswith("_stderr"):
                continue
            error = values[f"{metric}_stderr,none"]
            if value is None or metric.endswith("_null"):
                # no data (no story of a culture tells of a trait), or computed and not sampled
                assert error == "N/A", metric
            else:  # of a single text, or panel, there is a value and no error
                assert error == "N/A" or isinstance(error, float), metric

        headline = run.tasks[task].headline
        for part in filter(None, (headline.score, headline.gap)):
            few = (task, part.metric) == ("bias_inherit_hiring", "stereotype")
            error = values[f"{part.metric},{part.filter}".replace(",", "_stderr,")]
            assert few or isinstance(error, float), (task, part.metric)


def run_plain(scored_folder, out):
    """Run the plain command that a folder names, into another."""
    manifest = json.loads((scored_folder / "bias_inherit.json").read_text())
    words = shlex.split(manifest["command"].replace('"$(bias-inherit tasks)"', "FOLDER"))
    folder = subprocess.run(
        [BIN / "bias-inherit", "tasks"], capture_output=True, text=True, check=True
    ).stdout.strip()
    words = [folder if word == "FOLDER" else word for word in words]
    subprocess.run(
        [BIN / words[0], *words[1:], "--output_path", out, "--log_samples"],
        check=True,
        capture_output=True,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["base", "r50"])
def test_numbers_equal_the_plain_command_that_is_written_down(scored, name, tmp_path):
    run_plain(scored[name], tmp_path / "plain")
    (plain,) = read_runs([tmp_path / "plain"])
    (ours,) = read_runs([scored[name]])
    for task, result in ours.tasks.items():
        assert result.metrics == pytest.approx(plain.tasks[task].metrics, abs=1e-4)
        assert result.errors == pytest.approx(plain.tasks[task].errors, abs=1e-4)
    if name != "base":
        assert plain.name == "r50" and plain.arm.ratio == Fraction(1, 2), (
            "arm read from the adapter"
        )


@pytest.mark.slow
def test_exact_numbers_equal_the_plain_commands_to_the_bit(lab_base, adapters, tmp_path):
    options = replace(SMALL, limit=6, exact=True, progress=False)
    folders = score(lab_base, adapters, lambda name: tmp_path / name, options)
    run_plain(folders[-1], tmp_path / "plain")
    (plain,) = (tmp_path / "plain").iterdir()
    assert results(folders[-1])["results"] == results(plain)["results"]
    exact, expected = responses(folders[-1]), responses(plain)
    assert len(exact) > 150 and exact == expected

    quick = score(
        lab_base, adapters, lambda name: tmp_path / "quick" / name, replace(options, exact=False)
    )
    found = responses(quick[-1])
    assert found != exact, "the faster way rounds otherwise"
    for key, answer in found.items():
        if isinstance(answer, list):
            assert float(answer[0]) == pytest.approx(float(exact[key][0]), abs=1e-4)
        else:
            assert answer == exact[key]


def responses(folder):
    """Return the answers in a folder's logs, by task, document and request."""
    return {
        (path.name.rpartition("_")[0], sample["doc_id"], i): answer
        for path in folder.glob("samples_*.jsonl")
        for sample in map(json.loads, path.open(encoding="utf-8"))
        for i, (answer,) in enumerate(sample["resps"])
    }


@pytest.mark.slow
def test_swapping_adapters_equals_scoring_each_alone(scored, lab_base, adapters, tmp_path):
    score(lab_base, {"r50": adapters["r50"]}, lambda name: tmp_path / name, SMALL)
    first, second = results(scored["r50"]), results(tmp_path / "r50")
    assert first["results"] == second["results"]
    assert first["results"] != results(scored["r0"])["results"], "adapters do differ"


@pytest.mark.slow
def test_the_leaderboard_compares_with_ratio_0(scored):
    sections = leaderboard(read_runs(scored.values()))
    for section in sections:
        rows = {row.model: row for row in section.rows}
        assert rows["r50"].baseline == "r0" and rows["r50"].paired
        assert rows["base"].change is None and rows["base"].gap is not None


def test_an_adapter_for_another_base_is_refused(lab_base, adapters, tmp_path):
    stranger = tmp_path / "stranger"
    shutil.copytree(adapters["r0"], stranger)
    manifest = json.loads((stranger / "bias_inherit.json").read_text())
    manifest |= {"base_fingerprint": "0" * 64, "base": "some/other-model"}
    (stranger / "bias_inherit.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"belongs to another base \(some/other-model\)"):
        score(lab_base, {"stranger": stranger}, lambda name: tmp_path / "out" / name, SMALL)
    assert not (tmp_path / "out").exists()


def test_an_adapter_of_another_schema_is_refused(lab_base, adapters, tmp_path):
    later = tmp_path / "later"
    shutil.copytree(adapters["r0"], later)
    manifest = json.loads((later / "bias_inherit.json").read_text())
    (later / "bias_inherit.json").write_text(json.dumps(manifest | {"schema": 99}))
    with pytest.raises(InputError, match="is of schema 99, and this bias-inherit reads 1 and 2"):
        score(lab_base, {"later": later}, lambda name: tmp_path / "out" / name, SMALL)


@pytest.mark.slow
def test_an_adapter_of_the_first_schema_is_scored_and_its_arm_kept(lab_base, adapters, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(adapters["r50"], old)
    manifest = json.loads((old / "bias_inherit.json").read_text())
    (old / "bias_inherit.json").write_text(json.dumps(manifest | {"schema": 1}))
    options = replace(SMALL, tasks=("bias_inherit_spam",), limit=2)
    _, folder = score(lab_base, {"old": old}, lambda name: tmp_path / "out" / name, options)
    written = manifests.read(folder, manifests.Score)
    assert written.schema_version == 2
    assert (written.arm.axis, written.arm.ratio) == ("gender", Fraction(1, 2))
    assert written.adapter_sha256 == adapter_sha256(old)


@pytest.mark.slow
def test_an_adapter_of_another_shape_is_refused(lab_base, adapters, tmp_path):
    from safetensors.torch import load_file, save_file

    misfit = tmp_path / "misfit"
    shutil.copytree(adapters["r0"], misfit)
    (misfit / "bias_inherit.json").unlink()
    weights = load_file(misfit / "adapter_model.safetensors")
    save_file(
        {k: v[:, :-1].contiguous() for k, v in weights.items()},
        misfit / "adapter_model.safetensors",
    )
    with pytest.raises(InputError, match=r"does not fit .*: 42 tensors have another shape"):
        score(lab_base, {"misfit": misfit}, lambda name: tmp_path / "out" / name, Options(limit=1))
    assert not (tmp_path / "out" / "misfit").exists()


def test_a_base_that_is_not_a_causal_model(tmp_path):
    with pytest.raises(InputError, match="cannot be loaded"):
        check_causal(str(tmp_path / "absent"))
    with pytest.raises(InputError, match=r"has no config\.json"):
        check_causal(str(tmp_path))
    config = {"model_type": "t5", "architectures": ["T5ForConditionalGeneration"]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"is not a causal language model \(T5ForConditional"):
        check_causal(str(tmp_path))


def test_unknown_tasks_are_suggested(lab_base, tmp_path):
    options = Options(tasks=("bias_inherit_ocupation",))
    with pytest.raises(InputError, match="did you mean bias_inherit_occupation"):
        score(lab_base, {}, lambda name: tmp_path / name, options)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("org/lab", "lab"),
        ("/home/me/models/lab/", "lab"),
        ("/cache/hub/models--org--lab/snapshots/0a1b2c3d", "lab"),
        ("/cache/hub/models--org--lab/snapshots/0a1b2c3d/", "lab"),
        (None, ""),
        ("", ""),
    ],
)
def test_a_snapshot_is_called_by_its_model(model, name):
    from bias_inherit.harness.subjects import model_name

    assert model_name(model) == name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("named", "warns"),
    [
        ("/cache/models--org--lab/snapshots/0a1b", False),
        ("org/lab", False),
        (None, True),
        ("", True),
        ("org/other-bnb-4bit", True),
    ],
)
def test_names_alone_speak_against_an_adapter_in_a_warning(
    adapters, lab_base, tmp_path, named, warns
):
    from bias_inherit.harness.score import Options, score

    folder = tmp_path / "adapter"
    shutil.copytree(adapters["r0"], folder)
    (folder / "bias_inherit.json").unlink()  # which knows the base by its fingerprint
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = named
    (folder / "adapter_config.json").write_text(json.dumps(config))
    said = []
    options = Options(tasks=("bias_inherit_occupation",), limit=2, progress=False)
    score(lab_base, {"a": folder}, lambda name: tmp_path / "out" / name, options, said.append)
    assert any(line.startswith("warning: adapter") for line in said) == warns
    assert (tmp_path / "out" / "a" / "bias_inherit.json").is_file()


def test_a_pattern_that_takes_groups_and_tags_too_gives_each_task_once():
    from bias_inherit.harness.score import Options, load_tasks

    _, once = load_tasks(Options(tasks=("bias_inherit_*",)))
    _, more = load_tasks(Options(tasks=("bias_inherit*", "bias-inherit-gender")))
    names = [task.config.task for task in once]
    assert len(names) == 10 and sorted(task.config.task for task in more) == sorted(names)
