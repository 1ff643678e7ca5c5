"""Claim: `finetune` trains at least as many tokens a second as trl's SFTTrainer on the same work,
and on a real model in at most 0.8 times its memory.

The work: LoRA of the same rank and alpha on all linear layers, the same base, rows, batch size,
precision (fp32), learning rate, seed and number of steps; loss on the completions alone, no
packing, nothing cut. Bases: the lab's model (0.4 million parameters) and a Llama of about 6
million random weights with the lab's tokenizer. Every run is a process of its own with
one thread (--threads), which is what ours takes for small models by itself; sides alternate, and
the ratio is that of the medians.

Timed is `Trainer.train()`, wrapped alike on both sides: not the imports, the loading or the
tokenisation. Counted are the tokens of the rows that it was given, prompt and completion without
padding, times the epochs (every row is seen once an epoch). Both sides tell their own count, and
the script stops when they are not the same.

trl runs with its defaults but for what the work fixes: fp32 in place of bf16, no gradient
checkpointing (which ours has off too, and which would cost trl time), logging off, all lengths.
Ours batches rows of one length together; "trl, by length" lets trl do so too, with
transformers' setting, so that what is left is the step itself. Ours logs as it always does.

The pinned trl is 1.14.2, which like ours computes logits for the completions alone. 1.16 does
so on GPUs only, and is slower than 1.14.2 on a CPU: there 1.14.2 is the fairer rival.

`--real` trains SmolLM2-135M-Instruct (the extra `real`) in place of the two bases, and prints the
largest memory of each side's process too: imports, weights and training.

`--mitigation loss` measures another claim: the loss mitigation takes at most 1.25 times as long
as a plain step of ours.

    pip install '.[bench]'
    python benchmarks/finetune_trl.py [--repeats 3] [--rows 384] [--epochs 2] [--mitigation loss]
    python benchmarks/finetune_trl.py --real --rows 32 --epochs 1 --repeats 3
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping
from fractions import Fraction
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from _processes import spent

RANK, ALPHA, BATCH, LEARNING_RATE, SEED = 16, 32, 8, 1e-3, 0
SHAPE = {
    "hidden_size": 256,
    "intermediate_size": 688,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
}
OURS, TRL, TRL_BY_LENGTH = "ours", "trl", "trl, by length"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rows", type=int, default=384, help="a multiple of 16")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--real", action="store_true", help="train SmolLM2-135M-Instruct")
    parser.add_argument("--mitigation", help="measure a mitigation against none, not trl")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(run_one(json.loads(options.one))))
        return
    if options.rows % (2 * BATCH) or options.rows < 2 * BATCH:
        parser.error(f"--rows must be a multiple of {2 * BATCH}")
    if not options.mitigation and find_spec("trl") is None:
        parser.error("trl is not installed: pip install '.[bench]'")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        data = write_data(work, options.rows)
        bases = real_base() if options.real else write_bases(work)
        steps = options.rows // BATCH * options.epochs
        rival = "" if options.mitigation else f", trl {version('trl')}"
        print(f"{options.rows} rows, {steps} steps of {BATCH}, {os.cpu_count()} cores{rival}")
        for name, base in bases.items():
            job = {"base": base, "data": str(data), "work": folder, "epochs": options.epochs}
            job |= {"threads": options.threads}
            print(f"-- {name}")
            if options.mitigation:
                mitigation_cost(job, options.mitigation, options.repeats)
            else:
                against_trl(job, options.repeats)


def against_trl(job: Mapping[str, Any], repeats: int) -> None:
    sides = {side: {"side": side} for side in (OURS, TRL, TRL_BY_LENGTH)}
    found = measure(job, sides, repeats)
    for side in (TRL, TRL_BY_LENGTH):
        speed, memory = (
            ours / theirs for ours, theirs in zip(found[OURS], found[side], strict=True)
        )
        claim = " (claims: at least 1.0, of a real model at most 0.8)" if side == TRL else ""
        print(
            f"median: ours is {speed:.2f} x as fast as {side}, in {memory:.2f} x its memory{claim}"
        )


def mitigation_cost(job: Mapping[str, Any], mitigation: str, repeats: int) -> None:
    sides = {name: {"side": OURS, "mitigation": name} for name in ("none", mitigation)}
    found = measure(job, sides, repeats)
    cost = found["none"].rate / found[mitigation].rate
    claim = " (claim: at most 1.25)" if mitigation == "loss" else ""
    print(f"median: a step with '{mitigation}' takes {cost:.2f} x as long as a plain one{claim}")


class Medians(NamedTuple):
    """Tokens a second, and bytes of a process."""

    rate: float
    memory: float


def measure(
    job: Mapping[str, Any], sides: Mapping[str, Mapping[str, str]], repeats: int
) -> dict[str, Medians]:
    """Return each side's medians; the sides take turns at being the first."""
    rates: dict[str, list[float]] = {name: [] for name in sides}
    memory: dict[str, list[int]] = {name: [] for name in sides}
    counts = set()
    for i in range(repeats):
        names = list(sides)
        for name in names[i % len(names) :] + names[: i % len(names)]:
            done = in_process({**job, **sides[name], "out": f"{job['work']}/out"})
            counts.add((done["tokens"], done["steps"]))
            rates[name].append(done["tokens"] / done["seconds"])
            memory[name].append(done["memory"])
        told = [f"{n} {r[-1]:,.0f} tokens/s {memory[n][-1] / 1e9:.2f} GB" for n, r in rates.items()]
        print(f"run {i + 1}: " + "; ".join(told))
    if len(counts) > 1:
        sys.exit(f"the sides did not do the same work (tokens, steps): {sorted(counts)}")
    return {
        name: Medians(statistics.median(rates[name]), statistics.median(memory[name]))
        for name in sides
    }


def in_process(job: Mapping[str, Any]) -> dict[str, Any]:
    threads = f"OMP_NUM_THREADS={job['threads']}"
    command = ["env", threads, sys.executable, __file__, "--one", json.dumps(job)]
    took, told = spent(command, Path.cwd())
    found: dict[str, Any] = json.loads(told.splitlines()[-1])
    return {**found, "memory": took.memory}


def run_one(job: Mapping[str, Any]) -> dict[str, Any]:
    """Train once and return the seconds of `Trainer.train()`, the tokens and the steps."""
    found = watch_trainer()
    with_ours(job) if job["side"] == OURS else with_trl(job)
    return found


def watch_trainer() -> dict[str, Any]:
    """Wrap `Trainer.train`; return what is filled when it has run."""
    import time

    from transformers import Trainer

    plain, found = Trainer.train, {}

    def train(self: Any, *more: Any, **named: Any) -> Any:
        rows = [self.train_dataset[i] for i in range(len(self.train_dataset))]
        tokens = sum(len(r["input_ids"] if isinstance(r, dict) else r.input_ids) for r in rows)
        begin = time.perf_counter()
        outcome = plain(self, *more, **named)
        found["seconds"] = time.perf_counter() - begin
        found["tokens"] = tokens * int(self.args.num_train_epochs)
        found["steps"] = self.state.global_step
        return outcome

    Trainer.train = train
    return found


def with_ours(job: Mapping[str, Any]) -> None:
    from bias_inherit.bias_augment.training.finetune import finetune
    from bias_inherit.bias_augment.training.settings import Settings
    from bias_inherit.mitigations import load_mitigation

    settings = Settings(
        rank=RANK,
        alpha=ALPHA,
        learning_rate=LEARNING_RATE,
        epochs=job["epochs"],
        batch_size=BATCH,
        chat_template="never",
        precision="fp32",
        seed=SEED,
    )
    mitigation = load_mitigation(job.get("mitigation", "none"))
    finetune(job["base"], Path(job["data"]), Path(job["out"]), mitigation, settings)


def with_trl(job: Mapping[str, Any]) -> None:
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    lines = Path(job["data"]).read_text(encoding="utf-8").splitlines()
    rows = [{k: json.loads(line)[k] for k in ("prompt", "completion")} for line in lines]
    by_length = {"train_sampling_strategy": "group_by_length"}
    settings = SFTConfig(
        output_dir=f"{job['out']}-trl",
        per_device_train_batch_size=BATCH,
        num_train_epochs=job["epochs"],
        learning_rate=LEARNING_RATE,
        warmup_steps=0.1,
        completion_only_loss=True,
        packing=False,
        max_length=None,
        gradient_checkpointing=False,
        bf16=False,
        logging_strategy="no",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        seed=SEED,
        **(by_length if job["side"] == TRL_BY_LENGTH else {}),
    )
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(job["base"]),
        args=settings,
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(job["base"]),
        peft_config=LoraConfig(
            r=RANK,
            lora_alpha=ALPHA,
            lora_dropout=0.0,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        ),
    )
    trainer.train()


def write_data(work: Path, rows: int) -> Path:
    """Write a mix of so many rows on the gender axis, half of them biased by the template."""
    from bias_inherit.bias_augment.axes.axis import load_axis
    from bias_inherit.bias_augment.data.files import write_examples, write_mix
    from bias_inherit.bias_augment.data.originals import draw_original
    from bias_inherit.bias_augment.writing.augment import augment
    from bias_inherit.bias_augment.writing.generators.template import TemplateGenerator
    from bias_inherit.bias_augment.writing.requests import build_requests
    from bias_inherit.manifests import Original

    axis, half, writer = load_axis("gender"), rows // 2, TemplateGenerator()
    original = draw_original(axis, "mini", per_cell=-(-half // 12)).rows[:half]
    requests = build_requests(axis, "contextual-single-explicit", original, half, SEED, writer.name)
    parts = work / "o.jsonl", work / "a.jsonl"
    for path, content in zip(parts, (original, augment(requests, writer).examples), strict=True):
        write_examples(path, content, Original())
    write_mix(work / "mix.jsonl", *parts, Fraction(1, 2), "original-fixed", SEED)
    return work / "mix.jsonl"


def real_base() -> Mapping[str, str]:
    """Return the folder of SmolLM2, which is converted where it is not there."""
    from bias_inherit.models import resolve_model
    from bias_inherit.smollm import smollm as real_file

    return {"SmolLM2-135M-Instruct": resolve_model(real_file())}


def write_bases(work: Path) -> Mapping[str, str]:
    """Return the folders of the lab's model and of a larger random one, which is written."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM
    from transformers.utils.logging import disable_progress_bar

    from bias_inherit.bias_augment.lab.build import lab_model

    disable_progress_bar()
    lab = str(lab_model())
    tokenizer = AutoTokenizer.from_pretrained(lab)
    torch.manual_seed(SEED)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            max_position_embeddings=2048,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            **SHAPE,
        )
    )
    model.save_pretrained(work / "llama")
    tokenizer.save_pretrained(work / "llama")
    large = f"random Llama, {model.num_parameters() / 1e6:.1f} million parameters"
    return {"lab": lab, large: str(work / "llama")}


if __name__ == "__main__":
    main()
