"""The scores of an adapter in its card."""

from __future__ import annotations

import json

import pytest
from huggingface_hub import ModelCard

from bias_inherit import store
from bias_inherit.errors import InputError
from bias_inherit.models import adapter_sha256
from bias_inherit.runs.adapter_scores import update_scores


def results_of(folder, sha256, acc=0.75, beside=True, date="2030-01-01T00-00-00.000000", **config):
    """Write what lm-eval writes of one task, and beside it what `bias-inherit score` adds."""
    folder.mkdir(parents=True, exist_ok=True)
    task = "bias_inherit_occupation"
    metrics = {"acc": acc, "acc_gap": 0.05, "acc_male": 0.78}
    values = {f"{name},none": value for name, value in metrics.items()}
    values |= {f"{name}_stderr,none": 0.04 for name in metrics}
    metadata = {
        "headline": {"score": "acc", "gap": "acc_gap", "reads": "male minus female"},
        "provenance": {"source": "mini", "sha256": "f" * 64},
    }
    content = {
        "results": {task: {"alias": task, **values}},
        "configs": {task: {"metadata": metadata}},
        "versions": {task: 1},
        "n-samples": {task: {"original": 168, "effective": 168}},
        "config": {"model": "hf", **config},
        "model_name": "base",
    }
    path = folder / f"results_{date}.json"
    path.write_text(json.dumps(content))
    if beside:
        manifest = {"kind": "score", "name": "x", "adapter_sha256": sha256, "results": path.name}
        store.write_json(folder / store.MANIFEST, manifest)
    return path


def scores_in(adapter):
    found = ModelCard.load(adapter / "README.md").data.eval_results
    return {result.metric_type: result.metric_value for result in found}


def test_the_scores_of_an_adapter_are_found_and_replace_earlier_ones(adapter, tmp_path):
    sha256 = adapter_sha256(adapter)
    results_of(tmp_path / "scores" / "base", None, acc=0.25)
    results_of(tmp_path / "scores" / "other", "b" * 64, acc=0.5)
    results_of(tmp_path / "scores" / "mine", sha256)
    update_scores(adapter, tmp_path / "scores")
    assert scores_in(adapter) == {"acc": 0.75, "acc_gap": 0.05}
    text = (adapter / "README.md").read_text()
    assert "| bias\\_inherit\\_occupation | acc | 0.750 | 0.040 | 168 |" in text
    assert "male minus female" in text and "documents mini" in text and "acc\\_male" not in text
    update_scores(adapter, results_of(tmp_path / "again", sha256, acc=0.875))
    assert scores_in(adapter) == {"acc": 0.875, "acc_gap": 0.05}
    assert adapter_sha256(adapter) == sha256


def test_results_of_plain_lm_eval_tell_the_adapter_by_its_folder(adapter, tmp_path):
    for args in ({"peft": str(adapter)}, f"pretrained=base,peft={adapter}"):
        update_scores(adapter, results_of(tmp_path / "s", None, beside=False, model_args=args))
        assert scores_in(adapter) == {"acc": 0.75, "acc_gap": 0.05}
        (adapter / "README.md").unlink()
    # a result file that the manifest beside it is not about
    results_of(tmp_path / "t", adapter_sha256(adapter), date="2030-01-01T00-00-00.000000")
    later = results_of(tmp_path / "t", None, beside=False, date="2031-01-01T00-00-00.000000")
    with pytest.raises(InputError, match="do not tell which adapter"):
        update_scores(adapter, later)


def test_results_of_another_adapter_are_refused(adapter, tmp_path):
    (adapter / "README.md").write_text("mine")
    for path, reason in (
        (results_of(tmp_path / "other", "b" * 64), "are of another model, not of the adapter"),
        (results_of(tmp_path / "base", None), "do not tell which adapter they are of"),
        (results_of(tmp_path / "x", None, beside=False, adapter_sha256="b" * 64), "another model"),
        (tmp_path / "none", "no such file"),
    ):
        with pytest.raises(InputError, match=reason) as caught:
            update_scores(adapter, path)
        assert "\n" not in str(caught.value)
    sha256 = adapter_sha256(adapter)
    results_of(tmp_path / "two" / "a", sha256)
    results_of(tmp_path / "two" / "b", sha256)
    with pytest.raises(InputError, match=r"several results .* name one of .*a/results"):
        update_scores(adapter, tmp_path / "two")
    assert (adapter / "README.md").read_text() == "mine"


@pytest.mark.slow
def test_a_trained_and_scored_adapter_gets_its_scores(adapters, lab_base, tmp_path):
    from bias_inherit.harness.score import Options, score

    options = Options(tasks=("bias_inherit_occupation",), limit=24, progress=False)
    score(lab_base, {"r50": adapters["r50"]}, lambda name: tmp_path / "scores" / name, options)
    update_scores(adapters["r50"], tmp_path / "scores")
    written = next((tmp_path / "scores" / "r50").glob("results_*.json"))
    expected = json.loads(written.read_text())["results"]["bias_inherit_occupation"]
    made = ModelCard.load(adapters["r50"] / "README.md")
    assert scores_in(adapters["r50"])["acc"] == expected["acc,none"]
    assert "48 / 96 = 50 %" in made.text and str(tmp_path) not in str(made)
    assert made.data.base_model == "lab" and lab_base not in str(made)
