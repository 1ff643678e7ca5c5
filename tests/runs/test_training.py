"""Adapters of a run are the same, trained one after the other or side by side."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from bias_inherit import manifests, threads
from bias_inherit.arms import Arm
from bias_inherit.bias_augment.lab.settings import SETTINGS
from bias_inherit.errors import InputError
from bias_inherit.manifests import Adapter
from bias_inherit.runs import training
from bias_inherit.runs.training import Job, train


@pytest.fixture
def jobs(tmp_path, lab_base, original):
    from bias_inherit.bias_augment.data.files import write_examples
    from bias_inherit.manifests import Original

    data = tmp_path / "o.jsonl"
    write_examples(data, original[:24], Original())

    def make(folder, many=2):
        settings = replace(SETTINGS, epochs=1)
        return [
            Job(
                f"s{seed}",
                lab_base,
                data,
                tmp_path / folder / f"s{seed}",
                Arm(axis="gender", ratio=Fraction(0), mitigation="none", seed=seed),
                replace(settings, seed=seed),
            )
            for seed in range(many)
        ]

    return make


@pytest.mark.slow
def test_side_by_side_or_in_turn_the_adapters_are_the_same(jobs, monkeypatch):
    said = {}
    for at_once, folder in ((1, "turn"), (2, "side")):
        said[folder] = []
        monkeypatch.setattr(training, "side_by_side", lambda base, models, n=at_once: n)
        train(jobs(folder), said[folder].append)
    found = {
        folder: [manifests.read(job.adapter, Adapter) for job in jobs(folder)]
        for folder in ("turn", "side")
    }
    hashes = [[each.adapter_sha256 for each in found[folder]] for folder in ("turn", "side")]
    assert hashes[0] == hashes[1] and len(set(hashes[0])) == 2
    assert {each.threads for each in found["side"]} == {1}
    assert said["turn"] == ["training s0 (1 of 2)", "training s1 (2 of 2)"]
    assert said["side"][0] == "training 2 adapters, 2 at a time" and len(said["side"]) == 3


@pytest.mark.slow
def test_an_error_of_one_is_the_error_of_the_run(jobs, monkeypatch):
    monkeypatch.setattr(training, "side_by_side", lambda base, models: 2)
    first, second = jobs("broken")
    gone = replace(second, data=second.data.with_name("gone.jsonl"))
    with pytest.raises(InputError, match=r"gone\.jsonl"):
        train([first, gone], lambda line: None)


def test_a_small_model_gets_one_thread_and_the_user_is_asked_first(lab_base, tmp_path, monkeypatch):
    import torch

    monkeypatch.delenv(threads.SET_BY_USER, raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert threads.is_small(lab_base) and not threads.is_small(str(tmp_path))
        with threads.cpu_threads(lab_base) as many:
            assert many == torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
        with threads.cpu_threads(str(tmp_path)) as many:
            assert many == 2
        monkeypatch.setenv(threads.SET_BY_USER, "2")
        with threads.cpu_threads(lab_base) as many:
            assert many == 2
        monkeypatch.setattr(threads, "_cores", lambda: 8)
        on_gpu = torch.cuda.is_available()
        for set_to, at_once in (("2", 4), ("3", 2), ("16", 1), ("", 5), ("some", 5)):
            monkeypatch.setenv(threads.SET_BY_USER, set_to)
            assert threads.side_by_side(lab_base, 5) == (1 if on_gpu else at_once)
        assert threads.side_by_side(str(tmp_path), 5) == 1
    finally:
        torch.set_num_threads(before)
