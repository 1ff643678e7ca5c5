"""Shared fixtures. No test reaches a network."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.pop("BIAS_INHERIT_DATA", None)

ROOT = Path(__file__).resolve().parents[1]
PUBLIC = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def public_data() -> Path:
    if not PUBLIC.is_dir():
        pytest.skip("the public data for tests is not beside this checkout (../shared/data)")
    return PUBLIC


@pytest.fixture(scope="session")
def lab_base() -> str:
    from bias_inherit.bias_augment.lab.build import lab_model

    return str(lab_model())


@pytest.fixture(scope="session")
def original():
    """D_o of the gender axis: 4 rows of each occupation and gender."""
    from bias_inherit.bias_augment.axes.axis import load_axis
    from bias_inherit.bias_augment.data.originals import draw_original

    return draw_original(load_axis("gender"), "mini", per_cell=4).rows


@pytest.fixture(scope="session")
def augmented(original):
    """48 biased rows by the template generator."""
    from bias_inherit.bias_augment.axes.axis import load_axis
    from bias_inherit.bias_augment.writing.augment import augment
    from bias_inherit.bias_augment.writing.generators.template import TemplateGenerator
    from bias_inherit.bias_augment.writing.requests import build_requests

    generator = TemplateGenerator()
    requests = build_requests(
        load_axis("gender"), "contextual-single-explicit", original, 48, 0, generator.name
    )
    return augment(requests, generator).examples


@pytest.fixture(scope="session")
def adapters(tmp_path_factory, lab_base, original, augmented) -> dict[str, Path]:
    """Two quickly trained adapters on the lab's model: ratio 0 and ratio 1/2."""
    from dataclasses import replace

    from bias_inherit.bias_augment.data.files import write_examples, write_mix
    from bias_inherit.bias_augment.lab.settings import SETTINGS
    from bias_inherit.bias_augment.training.finetune import finetune
    from bias_inherit.manifests import Original
    from bias_inherit.mitigations import NONE

    folder = tmp_path_factory.mktemp("adapters")
    parts = {"o": folder / "o.jsonl", "a": folder / "a.jsonl"}
    write_examples(parts["o"], original, Original())
    write_examples(parts["a"], augmented, Original())
    made = {}
    for name, ratio in {"r0": Fraction(0), "r50": Fraction(1, 2)}.items():
        data = folder / f"{name}.jsonl"
        write_mix(data, parts["o"], parts["a"], ratio, "original-fixed", 0)
        finetune(lab_base, data, folder / name, NONE, replace(SETTINGS, epochs=1))
        made[name] = folder / name
    return made


@pytest.fixture(scope="session")
def chat_server(tmp_path_factory, lab_base):
    """Address of a real OpenAI-compatible server on loopback that serves the lab's model."""
    import socket
    import subprocess
    import sys
    import time
    import urllib.request

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (tmp_path_factory.mktemp("server") / "log").open("w")
    command = [Path(sys.executable).parent / "transformers", "serve", lab_base]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    server = subprocess.Popen(
        command, stdout=log, stderr=subprocess.STDOUT, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/health", timeout=5).close()
                break
            except OSError:
                if server.poll() is not None:
                    break
                time.sleep(0.5)
        else:
            pytest.fail(f"no answer from {address}")
        assert server.poll() is None, Path(log.name).read_text()
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)
        log.close()


@pytest.fixture(scope="session")
def make_base(lab_base):
    """Make a base of small random weights, with the lab's tokenizer changed in some way."""
    import torch
    import transformers
    from tokenizers.processors import TemplateProcessing

    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    shape |= {"num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 4096}
    shape |= {"max_position_embeddings": 1024, "bos_token_id": 0, "eos_token_id": 1}

    def make(folder, config="LlamaConfig", of=None, single=None, **tokenizer_has):
        """`single` is the pattern of a text with special tokens, such as "<s> $A"."""
        tokenizer = transformers.AutoTokenizer.from_pretrained(lab_base)
        if single is not None:
            known = [("<s>", 0), ("</s>", 1)]
            pattern = TemplateProcessing(single=single, special_tokens=known)
            tokenizer.backend_tokenizer.post_processor = pattern
        for name, value in tokenizer_has.items():
            setattr(tokenizer, name, value)
        torch.manual_seed(0)
        made = getattr(transformers, config)(**shape | {"pad_token_id": None} | (of or {}))
        transformers.AutoModelForCausalLM.from_config(made).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return str(folder)

    return make


@pytest.fixture
def adapter(tmp_path) -> Path:
    """A folder such as `finetune` writes, with weights that no model could use."""
    from bias_inherit import store
    from bias_inherit.models import adapter_sha256

    folder = tmp_path / "r20"
    folder.mkdir()
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    (folder / "adapter_model.safetensors").write_bytes(bytes(range(256)))
    arm = {"axis": "gender", "bias_type": "contextual-single-explicit", "ratio": 0.2}
    manifest = {
        "kind": "adapter",
        "arm": arm | {"size": "original-fixed", "mitigation": "loss", "seed": 3},
        "adapter_sha256": adapter_sha256(folder),
        "base": "some-org/some-model",
        "base_fingerprint": "c" * 40,
        "rows": 4500,
        "rows_augmented": 900,
    }
    store.write_json(folder / store.MANIFEST, manifest)
    return folder
