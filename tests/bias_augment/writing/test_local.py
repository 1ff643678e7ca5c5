"""A local model has no form to miss: its label is chosen by likelihood, its text continued."""

from dataclasses import replace

import pytest
import torch

from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.writing.augment import augment
from bias_inherit.bias_augment.writing.decode import Batch
from bias_inherit.bias_augment.writing.generators.local import LocalGenerator
from bias_inherit.bias_augment.writing.labels import Labels
from bias_inherit.bias_augment.writing.replies import Parsed, parse_reply
from bias_inherit.bias_augment.writing.requests import build_requests

PROMPTS = [
    "One two three four five six seven",
    "She works",
    "Nobody was surprised at all, they say",
]


@pytest.fixture(scope="module")
def lab(lab_base):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(lab_base).eval(), AutoTokenizer.from_pretrained(
        lab_base
    )


def tiny(kind, **more):
    """A random model of a kind, of two layers."""
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    sizes = {"vocab_size": 512, "hidden_size": 32, "intermediate_size": 64}
    sizes |= {"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    config = AutoConfig.for_model(kind, **(sizes | {"bos_token_id": 0, "eos_token_id": 1} | more))
    return AutoModelForCausalLM.from_config(config).eval()


def likelihood(model, prompt, option):
    """The log-likelihood of an option behind a prompt, from one pass over both."""
    ids = torch.tensor([[*prompt, *option]])
    with torch.inference_mode():
        scores = torch.log_softmax(model(ids).logits[0].float(), -1)
    at = range(len(prompt) - 1, len(prompt) + len(option) - 1)
    return sum(float(scores[i, token]) for i, token in zip(at, option, strict=True))


KINDS = {
    "llama": {},
    "a sliding window": {"kind": "mistral", "sliding_window": 4},
    "layers of two kinds": {"kind": "gemma3_text", "sliding_window": 4, "head_dim": 8},
    "tied embeddings": {"kind": "qwen2", "tie_word_embeddings": True},
    "absolute positions": {"kind": "gpt2", "n_embd": 32, "n_layer": 2, "n_head": 4},
    "a state space": {"kind": "mamba", "state_size": 4, "intermediate_size": 64},
}


@pytest.mark.parametrize("case", KINDS)
def test_scores_and_greedy_texts_are_those_of_one_row_alone(lab, case):
    more = dict(KINDS[case])
    model = tiny(more.pop("kind", "llama"), **more)
    prompts = [[5, 6, 7, 8, 9, 10, 11], [12, 13], [14, 15, 16, 17]]
    options = [[20, 21, 22], [23], [24, 25]]
    batch = Batch(model, lab[1], prompts)
    found = batch.score(options).tolist()
    again = batch.score(options[::-1]).tolist()
    for i, prompt in enumerate(prompts):
        if case == "a state space" and len(prompt) < 7:
            continue  # padding passes through its state: transformers' own batches differ too
        assert found[i] == pytest.approx(likelihood(model, prompt, options[i]), abs=1e-4)
        assert again[i] == pytest.approx(likelihood(model, prompt, options[2 - i]), abs=1e-4)

    batch.append(options)
    written = dict(batch.write(6, 0.0, [0, 1, 2], is_whole=lambda text: False))
    for i, prompt in enumerate(prompts):
        if case == "a state space" and len(prompt) < 7:
            continue
        ids = torch.tensor([[*prompt, *options[i]]])
        with torch.inference_mode():
            whole = model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=6,
                do_sample=False,
            )[0, ids.shape[1] :]
        ended = (whole == 1).nonzero()
        wanted = whole[: int(ended[0])] if len(ended) else whole
        assert written[i].text == lab[1].decode(wanted, skip_special_tokens=True)


def test_a_row_is_sampled_from_its_own_seed_whatever_stands_beside_it(lab):
    model, tokenizer = lab
    prompts = [tokenizer(text)["input_ids"] for text in PROMPTS]

    def write(which):
        batch = Batch(model, tokenizer, [prompts[i] for i in which])
        told = dict(batch.write(20, 1.0, [7 + i for i in which], lambda text: False))
        return [told[place].text for place in range(len(which))]

    together = write([0, 1, 2])
    assert [write([i])[0] for i in range(3)] == together
    assert write([2, 0, 1]) == [together[2], together[0], together[1]]
    assert len(set(together)) == 3


def test_samples_are_drawn_as_often_as_the_model_says(lab):
    model, tokenizer = lab
    prompt = tokenizer("She works")["input_ids"]
    with torch.inference_mode():
        wanted = torch.softmax(model(torch.tensor([prompt])).logits[0, -1].float(), -1)
    n = 2000
    batch = Batch(model, tokenizer, [prompt] * n)
    written = [w for _, w in batch.write(1, 1.0, list(range(n)), lambda text: False)]
    likely = int(wanted.argmax())
    share = sum(w.text == tokenizer.decode([likely]) for w in written) / n
    p = float(wanted[likely])
    assert abs(share - p) < 4 * (p * (1 - p) / n) ** 0.5


@pytest.fixture
def requests(original):
    def make(labels, n=12):
        return build_requests(load_axis("gender"), "neutral", original, n, 0, "lab", labels)

    return make


@pytest.mark.parametrize("who", ["chosen", "given"])
def test_every_reply_has_the_form(lab_base, requests, who):
    writer = LocalGenerator(lab_base, max_new_tokens=60, batch_size=5)
    asked = requests(Labels(who))
    found = {}
    writer.write(asked, lambda i, reply: found.setdefault(i, reply))
    assert sorted(found) == list(range(12))
    kinds = []
    for i, request in enumerate(asked):
        parsed = parse_reply(request, found[i])
        kinds.append(parsed if isinstance(parsed, str) else "usable")
        assert kinds[-1] not in ("off-format", "unknown-label", "other-label", "empty"), found[i]
        assert found[i].way == ("given" if who == "given" else "likelihood")
        assert found[i].tokens is not None and found[i].tokens[0] > 20
        if isinstance(parsed, Parsed) and request.label is not None:
            assert parsed.label == request.label
    assert kinds.count("usable") >= 6


def test_the_batch_size_changes_no_reply(lab_base, requests):
    asked, replies = requests(Labels(), 8), []
    for size in (1, 8):
        found = {}
        LocalGenerator(lab_base, batch_size=size).write(
            asked, lambda i, reply, found=found: found.setdefault(i, reply)
        )
        replies.append([found[i].text for i in range(8)])
    assert replies[0] == replies[1]


def test_at_temperature_0_the_likeliest_label_is_chosen(lab_base, lab, requests):
    model, tokenizer = lab
    asked = requests(Labels(), 4)
    result = augment(asked, LocalGenerator(lab_base, temperature=0.0), retries=0)
    by_id = {row["id"]: row["label"] for row in result.examples}
    assert by_id
    for request in asked:
        if request.id not in by_id:
            continue
        head = tokenizer.apply_chat_template(
            [{"role": "user", "content": request.prompt}],
            tokenize=False,
            add_generation_prompt=True,
        )
        prompt = tokenizer(f"{head}Occupation:", add_special_tokens=False)["input_ids"]
        scores = {}
        for label in request.options:
            line = tokenizer(
                f"{head}Occupation: {label}\nBiography: {request.person.name}",
                add_special_tokens=False,
            )["input_ids"]
            assert line[: len(prompt)] == prompt
            scores[label] = likelihood(model, prompt, line[len(prompt) :])
        assert by_id[request.id] == max(scores, key=lambda label: scores[label])


def test_a_text_that_is_too_long_ends_with_a_sentence(lab_base, requests):
    asked = requests(Labels("given"), 6)
    found = {}
    writer = LocalGenerator(lab_base, max_new_tokens=25)
    writer.write(asked, lambda i, reply: found.setdefault(i, reply))
    for reply in found.values():
        assert reply.truncated or reply.text.rstrip().endswith((".", "!", "?")), reply


def test_another_seed_is_another_reply(lab_base, requests):
    asked = requests(Labels("given"), 3)
    texts = []
    for attempt in (0, 1):
        found = {}
        LocalGenerator(lab_base).write(
            [replace(request, attempt=attempt) for request in asked],
            lambda i, reply, found=found: found.setdefault(i, reply.text),
        )
        texts.append(found)
    assert all(texts[0][i] != texts[1][i] for i in range(3))
