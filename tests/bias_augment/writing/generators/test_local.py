"""A local model as a generator: an adapter that does not fit never writes as the bare base."""

from __future__ import annotations

import shutil

import pytest

from bias_inherit.bias_augment.writing.generators.local import LocalGenerator
from bias_inherit.errors import InputError


@pytest.mark.slow
def test_an_adapter_whose_tensors_do_not_load_is_refused(adapters, lab_base, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "double"
    shutil.copytree(adapters["r50"], folder)
    file = folder / "adapter_model.safetensors"
    save_file({f"base_model.model.{k}": v for k, v in load_file(file).items()}, file)
    with pytest.raises(InputError, match=r"double does not fit .*: none of its \d+ tensors"):
        _ = LocalGenerator(lab_base, folder)._loaded
    model, _ = LocalGenerator(lab_base, adapters["r50"])._loaded
    assert not hasattr(model, "peft_config") or not model.peft_config
