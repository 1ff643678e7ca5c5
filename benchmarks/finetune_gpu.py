"""Recorded: tokens a second and share of the card's peak when a large Llama is fine-tuned on a GPU.

A Llama of random weights in the shape of Llama 3.1 8B (with the lab's small vocabulary) is written
to disk in bf16, and `finetune` trains LoRA of rank 16 on all its linear layers: the rows and the
clock are those of finetune_trl.py, so that only `Trainer.train()` is timed. The first run of two
warms up; the second counts.

Counted as work are 4 N floating point operations a token, N the weights of the linear layers: 2 N
forward and 2 N for the gradients of the activations. Frozen weights need no gradients of their
own, and attention, LoRA and the few logits are left out. The peak is the card's dense bf16 rate by
its data sheet, or --peak.

Without a GPU it says so and measures nothing; `--shape tiny` tries the script on a CPU, where the
share has no meaning.

    python benchmarks/finetune_gpu.py [--batch 32] [--rows 1024] [--peak TFLOPS] [--base FOLDER]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from finetune_trl import watch_trainer, write_data

SHAPES = {
    "8b": {
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
    },
    "tiny": {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
    },
}
PEAKS = {"H100": 989.0, "H200": 989.0, "A100": 312.0, "L40S": 362.0}
"""Dense bf16 TFLOP/s by NVIDIA's data sheets (SXM versions where there are several)."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--shape", choices=sorted(SHAPES), default="8b")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rows", type=int, default=1024, help="a multiple of 24")
    parser.add_argument("--base", type=Path, help="where the base is, or is written to")
    parser.add_argument("--peak", type=float, help="the card's dense bf16 TFLOP/s")
    options = parser.parse_args()
    import torch

    card = card_for(options.shape)
    if card is None:
        return
    gpu = torch.cuda.is_available()
    peak = options.peak or next((rate for name, rate in PEAKS.items() if name in card), None)
    found = watch_trainer()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        data = write_data(work, options.rows)
        base, weights = kept_base(options.base or work / "base", options.shape, gpu)
        for name in ("warm-up", "measured"):
            train(base, data, work / name, options.batch)
    rate = found["tokens"] / found["seconds"]
    memory = f", {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB at most" if gpu else ""
    print(f"{card}, torch {torch.__version__}: {weights / 1e6:,.0f} million linear weights{memory}")
    print(f"{found['steps']} steps of {options.batch}: {rate:,.0f} tokens/s")
    done = 4 * weights * rate / 1e12
    share = "" if peak is None else f", {100 * done / peak:.1f} % of {peak:g}"
    print(f"{done:.2f} TFLOP/s{share}")


def card_for(shape: str) -> str | None:
    """Return the name of the GPU, or "CPU" for the tiny shape; None, and say so, where none is."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    if shape == "tiny":
        return "CPU"
    print("no GPU: nothing is measured (--shape tiny tries the script on a CPU)")
    return None


def kept_base(path: Path, shape: str, gpu: bool) -> tuple[Path, int]:
    """Return a Llama of random weights with the lab's tokenizer, and its linear weights.

    Args:
        path: its folder, which is written where it is not there.
        shape: of SHAPES.
        gpu: whether to make it there, in bf16.
    """
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    from bias_inherit.bias_augment.lab.build import lab_model
    from bias_inherit.bias_augment.training.base_model import linear_layers

    tokenizer = AutoTokenizer.from_pretrained(str(lab_model()))
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=2048,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        dtype=torch.bfloat16 if gpu else torch.float32,
        **SHAPES[shape],
    )
    with torch.device("meta"):
        empty: Any = LlamaForCausalLM(config)
    names = linear_layers(empty)
    weights = sum(
        parameter.numel()
        for name, parameter in empty.named_parameters()
        if any(f".{layer}." in name for layer in names)
    )
    if not (path / "tokenizer_config.json").is_file():  # which is written last
        torch.manual_seed(0)
        with torch.device("cuda" if gpu else "cpu"):
            model: Any = LlamaForCausalLM(config).to(config.dtype)
        model.save_pretrained(path)
        tokenizer.save_pretrained(path)
        del model
        torch.cuda.empty_cache()
    return path, weights


def train(base: Path, data: Path, out: Path, batch: int) -> None:
    from bias_inherit.bias_augment.training.finetune import finetune
    from bias_inherit.bias_augment.training.settings import Settings
    from bias_inherit.mitigations import load_mitigation

    settings = Settings(epochs=1, batch_size=batch, learning_rate=1e-5, chat_template="never")
    finetune(str(base), data, out, load_mitigation("none"), settings)


if __name__ == "__main__":
    main()
