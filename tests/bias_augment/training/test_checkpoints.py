"""What a training that goes wrong leaves: its last good checkpoint, and a line."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bias_inherit.bias_augment.lab.settings import SETTINGS
from bias_inherit.bias_augment.training.finetune import finetune
from bias_inherit.errors import InputError
from bias_inherit.mitigations import NONE, Mitigation
from bias_inherit.models import adapter_sha256

QUICK = replace(SETTINGS, epochs=1)


def test_a_loss_that_is_not_finite_stops_and_the_last_checkpoint_stays(data, lab_base, tmp_path):
    calls = []

    def penalty(original, augmented):
        calls.append(1)
        return (original - augmented).sum() * (torch.nan if len(calls) > 5 else 0.0)

    bad = Mitigation("nan", "", penalty=penalty)
    settings = replace(QUICK, epochs=3, batch_size=8, checkpoint_every=2)
    with pytest.raises(InputError) as caught:
        finetune(lab_base, data, tmp_path / "out", bad, settings)
    message = str(caught.value)
    assert "the training loss is nan at step 6 (batch of the rows " in message
    assert "mini-0-" in message or "template-" in message
    last = tmp_path / "out.checkpoints" / "checkpoint-4"
    assert f"the last good checkpoint is {last}" in message and "\n" not in message
    assert adapter_sha256(last) and not (tmp_path / "out").exists()
    weights = {p.suffix for p in last.iterdir() if "adapter_model" in p.name}
    assert weights == {".safetensors"}
    finetune(lab_base, data, tmp_path / "on", NONE, QUICK, start=last)
    finetune(lab_base, data, tmp_path / "out", NONE, settings)
    assert not (tmp_path / "out.checkpoints").exists(), "a run that ends well keeps none"


def test_a_checkpoint_with_broken_weights_is_not_called_good(data, lab_base, tmp_path):
    """A step beyond the range of float32 spoils the weights; its own loss was still finite."""
    settings = replace(QUICK, learning_rate=1e45, checkpoint_every=1)
    with pytest.raises(InputError, match=r"nan at step 3 .* good checkpoint is .*/checkpoint-1$"):
        finetune(lab_base, data, tmp_path / "out", NONE, settings)
    assert (tmp_path / "out.checkpoints" / "checkpoint-2").is_dir()


def test_a_checkpoint_that_was_cut_short_is_not_called_good(tmp_path):
    from safetensors.torch import save_file

    folders = [tmp_path / "out.checkpoints" / f"checkpoint-{n}" for n in (1, 2, 3)]
    for folder in folders:
        folder.mkdir(parents=True)
    whole, cut = (folder / "adapter_model.safetensors" for folder in folders[:2])
    save_file({"a": torch.ones(64)}, whole)
    cut.write_bytes(whole.read_bytes()[:100])
    from bias_inherit.bias_augment.training.saving import checkpoints

    settings = replace(QUICK, checkpoint_every=1)
    with (
        pytest.raises(InputError, match=r"^full; the last good checkpoint is .*/checkpoint-1$"),
        checkpoints(tmp_path / "out", settings),
    ):
        raise InputError("full")


@pytest.mark.parametrize("more", ["", "--checkpoint-every 1"])
def test_a_full_disk_is_one_line(data, lab_base, tmp_path, more):
    words = f"finetune --data {data} --out {tmp_path / 'out'} --epochs 1 {more}"
    limited = f"ulimit -f 64; exec {Path(sys.executable).parent / 'bias-inherit'} {words}"
    done = subprocess.run(["bash", "-c", limited], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr[-2000:]
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and "Traceback" not in done.stderr, done.stderr[-2000:]
    assert not (tmp_path / "out").exists()
