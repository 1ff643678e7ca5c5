"""What is computed once has the numbers of lm-eval's own model, on bases of many kinds."""

from __future__ import annotations

import pytest

from bias_inherit.harness.score import Options, load_tasks

REACTS = {"initializer_range": 0.3}
"""Random weights that are large enough for a wrong place or token to be seen."""

SHARED = {
    "a tokenizer that adds BOS": ("LlamaConfig", {}, {"single": "<s> $A"}),
    "tied ends, more rows than words": (
        "Qwen2Config",
        {"vocab_size": 4160, "tie_word_embeddings": True},
        {},
    ),
    "layers of two kinds, windows of 8": (
        "Gemma3TextConfig",
        {"head_dim": 8, "sliding_window": 8, "num_hidden_layers": 6},
        {},
    ),
    "places of its own": ("GPT2Config", {"n_positions": 1024}, {}),
    "a short context, and no pad token": (
        "MistralConfig",
        {"max_position_embeddings": 300, "sliding_window": 16},
        {"pad_token": None},
    ),
}
OTHERS = {"a state space": ("MambaConfig", {"state_size": 4}, {})}
"""Kinds that are left to lm-eval."""

TEXTS = ["Ana is a nurse.", "Ana", "a", "", "New", "The city of New ", "Ana is a nurse. " * 60]
ANSWERS = [" A", " B", " York", "s", " a nurse in a city", " a nurse", " a nurse"]


@pytest.fixture(scope="module", params=[*SHARED, *OTHERS])
def base(request, make_base, tmp_path_factory):
    config, of, tokenizer = (SHARED | OTHERS)[request.param]
    folder = tmp_path_factory.mktemp("base")
    return request.param, make_base(folder, config, REACTS | of, **tokenizer)


@pytest.fixture
def counted(monkeypatch):
    """Count the rows that lm-eval's own way computes, and the batches that it writes."""
    from lm_eval.models.huggingface import HFLM

    counts = {"_model_call": 0, "_model_generate": 0}

    def count(name):
        plain = getattr(HFLM, name)

        def call(self, *args, **named):
            counts[name] += 1
            return plain(self, *args, **named)

        monkeypatch.setattr(HFLM, name, call)

    for name in counts:
        count(name)
    return counts


def both(base, batch_size=4):
    from lm_eval.models.huggingface import HFLM

    from bias_inherit.harness.lm import SharingLM

    return [
        made(pretrained=base, batch_size=batch_size, device="cpu") for made in (HFLM, SharingLM)
    ]


def scoring(pairs):
    from lm_eval.api.instance import Instance

    return [Instance("loglikelihood", {}, pair, i) for i, pair in enumerate(pairs)]


def writing(prompts, **settings):
    from lm_eval.api.instance import Instance

    return [Instance("generate_until", {}, (p, dict(settings)), i) for i, p in enumerate(prompts)]


def check_likelihoods(plain, ours, requests):
    """Compare log-likelihoods to 1e-4, and whether each is the likeliest."""
    expected = plain.loglikelihood(requests, disable_tqdm=True)
    found = ours.loglikelihood(requests, disable_tqdm=True)
    assert [one for one, _ in found] == pytest.approx([one for one, _ in expected], abs=1e-4)
    assert [flag for _, flag in found] == [flag for _, flag in expected]
    return found


def check_replies(plain, ours, requests):
    """Compare replies, and the numbers that sampling would draw next."""
    import torch

    torch.manual_seed(3)
    expected = plain.generate_until(requests, disable_tqdm=True)
    state = torch.get_rng_state()
    torch.manual_seed(3)
    assert ours.generate_until(requests, disable_tqdm=True) == expected
    assert torch.equal(torch.get_rng_state(), state)
    return expected


@pytest.mark.slow
def test_the_ten_tasks_have_the_numbers_of_lm_eval(base, counted):
    name, folder = base
    plain, ours = both(folder)
    _, tasks = load_tasks(Options())
    requests = {"loglikelihood": [], "generate_until": []}
    for task in tasks:
        task.build_all_requests(limit=6, rank=0, world_size=1)
        for instance in task.instances:
            requests[instance.request_type].append(instance)

    found = check_likelihoods(plain, ours, requests["loglikelihood"])
    assert len({one for one, _ in found}) > 100
    alone = counted.copy()
    ours.loglikelihood(requests["loglikelihood"], disable_tqdm=True)
    calls = counted["_model_call"] - alone["_model_call"]
    assert calls <= 2 if name in SHARED else calls > 2, "the two rows that are tried"

    replies = check_replies(plain, ours, requests["generate_until"])
    assert len(set(replies)) > 5
    alone = counted.copy()
    ours.generate_until(requests["generate_until"], disable_tqdm=True)
    assert (counted["_model_generate"] == alone["_model_generate"]) == (name in SHARED)


def pairs_of(lm):
    """Pairs of a text and an answer, but those whose tokens merge into those of the text."""
    pairs = [(text, answer) for text in TEXTS for answer in ANSWERS]
    return [(t, a) for t, a in pairs if not t or lm._encode_pair(t, a)[1]]


@pytest.mark.parametrize("batch_size", [1, 4])
def test_requests_of_every_form_have_the_numbers_of_lm_eval(base, batch_size, counted, caplog):
    name, folder = base
    plain, ours = both(folder, batch_size)
    pairs = pairs_of(plain)
    split = [plain._encode_pair(t, a)[1] for t, a in pairs if t]
    alone = [plain.tok_encode(a, add_special_tokens=False) for t, a in pairs if t]
    assert split != alone, "some answers merge with the text before them in part"

    check_likelihoods(plain, ours, scoring(pairs))
    calls = counted["_model_call"]
    ours.loglikelihood(scoring(pairs), disable_tqdm=True)
    assert (counted["_model_call"] - calls <= 2) == (name in SHARED)
    assert ("requests are longer than the context of 300" in caplog.text) == ("short" in name)
    check_likelihoods(plain, ours, scoring([("a", " b")]))


def test_a_rolling_likelihood_is_lm_evals_own(base):
    from lm_eval.api.instance import Instance

    requests = [
        Instance("loglikelihood_rolling", {}, (text,), i) for i, text in enumerate(TEXTS) if text
    ]
    plain, ours = both(base[1])
    assert ours.loglikelihood_rolling(requests) == plain.loglikelihood_rolling(requests)


def test_an_empty_continuation_is_lm_evals_own_affair(lab_base):
    plain, ours = both(lab_base)
    requests = scoring([("Ana", " A"), ("Ana", ""), ("Ana", " a nurse")])
    expected = plain.loglikelihood(requests, disable_tqdm=True)
    assert ours.loglikelihood(requests, disable_tqdm=True) == expected
    for lm in (plain, ours):
        with pytest.raises(AssertionError):
            lm.loglikelihood(scoring([("Ana", "")]), disable_tqdm=True)


def test_answers_go_into_lm_evals_cache(lab_base, tmp_path):
    from lm_eval.api.model import CachingLM

    _, ours = both(lab_base)
    cached = CachingLM(ours, str(tmp_path / "cache.db"))
    requests = scoring(pairs_of(ours))
    first = cached.loglikelihood(requests)
    assert ours.cache_hook.dbdict is not None and len(ours.cache_hook.dbdict) > 30
    assert cached.loglikelihood(requests) == first


WRITTEN = {
    "the likeliest": {"do_sample": False, "until": ["."]},
    "the likeliest, by default": {"until": "\n"},
    "drawn": {"do_sample": True, "temperature": 1.0, "until": ["\n\n\n"]},
    "drawn, cut": {"do_sample": True, "temperature": 1.5, "top_k": 7, "until": ["e"]},
    "drawn, nucleus": {"do_sample": True, "temperature": 0.9, "top_p": 0.5, "until": []},
}


@pytest.mark.slow
@pytest.mark.parametrize("how", WRITTEN)
@pytest.mark.parametrize("ending", ["rarely", "often"])
def test_replies_and_the_numbers_drawn_for_them_are_lm_evals(
    base, counted, monkeypatch, how, ending
):
    from bias_inherit.harness import lm as module

    monkeypatch.setattr(module, "_LARGE", 0)
    plain, ours = both(base[1], batch_size=3)
    for lm in (plain, ours):
        settings = lm.model.generation_config
        settings.repetition_penalty = 1.3
        settings.eos_token_id = [1] if ending == "rarely" else list(range(1, 4096, 40))
    prompts = [text for text in TEXTS if text] * 2
    replies = check_replies(plain, ours, writing(prompts, max_gen_toks=24, **WRITTEN[how]))
    assert len(set(replies)) > 3
    alone = counted["_model_generate"]
    ours.generate_until(writing(prompts, max_gen_toks=24, **WRITTEN[how]), disable_tqdm=True)
    assert (counted["_model_generate"] == alone) == (base[0] in SHARED)


@pytest.mark.parametrize(
    "settings",
    [
        {"num_beams": 2},
        {"until": ["<s>"]},
        {"do_sample": True, "temperature": 0.7, "no_repeat_ngram_size": 2},
    ],
)
def test_other_settings_are_left_to_lm_eval(lab_base, counted, settings):
    plain, ours = both(lab_base)
    requests = writing(["Ana is", "The nurse"], max_gen_toks=8, **settings)
    check_replies(plain, ours, requests)
    assert counted["_model_generate"] == 2


def test_requests_of_several_settings_are_answered_in_their_order(lab_base):
    plain, ours = both(lab_base)
    settings = [*WRITTEN.values(), {"num_beams": 2}]
    requests = [
        request
        for i in range(3)
        for each in settings
        for request in writing([f"Ana is {i}"], max_gen_toks=8, **each)
    ]
    check_replies(plain, ours, requests)


def test_a_model_that_reads_otherwise_in_parts_is_left_to_lm_eval(lab_base, monkeypatch):
    from bias_inherit.past import Past

    plain, ours = both(lab_base)
    read = Past.read
    monkeypatch.setattr(Past, "read", lambda self, *args: read(self, *args) * 1.1)
    requests = scoring(pairs_of(plain))
    expected = plain.loglikelihood(requests, disable_tqdm=True)
    assert ours.loglikelihood(requests, disable_tqdm=True) == expected
