"""Recorded: ten adapters of a large Llama scored in one process on a GPU, and arms an hour.

The Llama of finetune_gpu.py (random weights, bf16, the shape of Llama 3.1 8B) and ten LoRA adapters
of rank 16 of noise. Timed are whole processes: `bias-inherit score` of the base and the ten, before
it one plain `lm_eval` command of the first adapter, which stands for eleven. Random weights seldom
end a reply, so replies are as long as a task lets them be: the dearest case for both.

Then a sweep (gender axis, published settings, ratio 0, two ratios with and without the mask) on
the same base; what its arms took says how many an hour a card makes.

Without a GPU it says so and measures nothing; `--shape tiny` tries the script on a CPU.

    python benchmarks/score_gpu.py [--adapters 10] [--limit 32] [--batch 32] [--base FOLDER]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from _processes import BIN, output, spent
from finetune_gpu import SHAPES, card_for, kept_base
from score_real import compared

GRID = """
base: {base}
grid:
  axes: gender
  bias_types: [contextual-single-implicit]
  ratios: [0, 20%, 50%]
  mitigations: [none, mask]
  training: {{preset: paper-gender, chat_template: never}}
data: {{original: mini, per_cell: {per_cell}}}
scoring: {{limit: {limit}, batch_size: {batch}}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--shape", choices=sorted(SHAPES), default="8b")
    parser.add_argument("--adapters", type=int, default=10)
    parser.add_argument("--limit", type=int, default=32, help="documents of each task")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--per-cell", type=int, default=60, help="rows of the sweep's data")
    parser.add_argument("--base", type=Path, help="where the base is, or is written to")
    options = parser.parse_args()
    import torch

    card = card_for(options.shape)
    if card is None:
        return
    gpu = torch.cuda.is_available()
    device = "cuda" if gpu else "cpu"
    print(f"{card}, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        base, _ = kept_base(options.base or work / "base", options.shape, gpu)
        names = write_adapters(base, work, options.adapters)
        asked = [str(options.limit), str(options.batch), device]
        score(base, work, names, asked)
        sweep(base, work, options)


def score(base: Path, work: Path, names: list[str], asked: list[str]) -> None:
    """Print how long one process takes, and plain commands."""
    limit, batch, device = asked
    plain: list[str | Path] = [BIN / "lm_eval", "--model", "hf", "--device", device]
    plain += ["--model_args", f"pretrained={base},peft={names[0]}", "--limit", limit]
    plain += ["--include_path", output("bias-inherit", "tasks"), "--tasks", "bias_inherit_*"]
    plain += ["--batch_size", batch, "--output_path", "plain", "--log_samples"]
    theirs, _ = spent(plain, work)
    print(f"lm_eval: {theirs.wall:.0f} s for one model", flush=True)
    ours_command: list[str | Path] = [BIN / "bias-inherit", "score", *names, "--base", base]
    ours_command += ["--limit", limit, "--batch-size", batch, "--device", device, "--out", "ours"]
    ours, _ = spent(ours_command, work)
    models = len(names) + 1
    print(
        f"score: {ours.wall:.0f} s for {models} models; {models} plain commands take "
        f"{models * theirs.wall / ours.wall:.2f} x as long"
    )
    print(compared(work / "ours" / names[0], work / "plain"), flush=True)


def sweep(base: Path, work: Path, options: argparse.Namespace) -> None:
    """Print what the arms of a sweep took."""
    size = {"per_cell": options.per_cell, "limit": options.limit, "batch": options.batch}
    (work / "grid.yaml").write_text(GRID.format(base=base, **size))
    begin = time.perf_counter()
    spent([BIN / "bias-inherit", "sweep", "grid.yaml", "--out", "run"], work)
    wall = time.perf_counter() - begin
    took = [stages(file) for file in sorted((work / "run/arms").glob("*/stages.json"))]
    arms = [one for one in took if "adapter" in one]
    each = {stage: statistics.mean(one[stage] for one in arms) for stage in arms[0]}
    told = ", ".join(f"{stage} {seconds:.0f} s" for stage, seconds in each.items())
    print(f"sweep: {wall:.0f} s for the base and {len(arms)} arms; an arm on average: {told}")
    print(f"{3600 / sum(each.values()):.0f} arms an hour")


def stages(file: Path) -> dict[str, float]:
    """Return the seconds of each stage of an arm."""
    told: dict[str, Any] = json.loads(file.read_text())
    return {name: one["seconds"] for name, one in told["stages"].items()}


def write_adapters(base: Path, work: Path, many: int) -> list[str]:
    """Write adapters of noise; return their folders' names."""
    import torch
    from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
    from safetensors.torch import save_file
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(base)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    worn = get_peft_model(model, lora)
    worn.peft_config["default"].base_model_name_or_path = str(base)
    shapes = {name: one.shape for name, one in get_peft_model_state_dict(worn).items()}
    for i in range(many):
        torch.manual_seed(i)
        found = {n: (0.01 * torch.randn(shape)).to(config.dtype) for n, shape in shapes.items()}
        folder = work / f"a{i}"
        folder.mkdir()
        save_file(found, folder / "adapter_model.safetensors")
        worn.peft_config["default"].save_pretrained(str(folder))
    return [f"a{i}" for i in range(many)]


if __name__ == "__main__":
    main()
