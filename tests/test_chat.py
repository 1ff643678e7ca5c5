"""Prompts through chat templates and as tokens: what is trained on is what lm-eval scores."""

from __future__ import annotations

import pytest

from bias_inherit.chat import chat_example, chat_prompt, template_args, token_ids
from bias_inherit.errors import InputError

TURNS = (
    "{% for turn in messages %}"
    "{{ '<|user|>' if turn.role == 'user' else '<|assistant|>' }}{{ turn.content }}"
    "{% if turn.role == 'assistant' %}</s>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
THINKING = (
    "{% for turn in messages %}"
    "{% if turn.role == 'user' %}{{ '<|user|>' + turn.content + '\\n' }}"
    "{% else %}{{ '<|assistant|>\\n<think>\\n\\n</think>\\n\\n' + turn.content + '</s>\\n' }}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}"
    "{% if enable_thinking is defined and not enable_thinking %}"
    "{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}{% endif %}"
)
"""Opens an answer with a thought, empty where none is wanted, as Qwen3's does."""
NO_THOUGHT = {"enable_thinking": False}

TOKENIZERS = {
    "adds no BOS": {},
    "adds BOS": {"single": "<s> $A"},
    "adds BOS, and so does its template": {
        "single": "<s> $A",
        "chat_template": "{{ bos_token }}" + TURNS,
    },
    "adds BOS, its template does not": {"single": "<s> $A", "chat_template": TURNS},
    "has EOS for its BOS": {"bos_token": None, "single": "</s> $A", "chat_template": TURNS},
    "may think": {"chat_template": THINKING},
    "has no pad token": {"pad_token": None, "unk_token": None},
    "has templates by name": {"chat_template": {"default": TURNS, "tool_use": "{{ 'tools' }}"}},
}


@pytest.fixture(scope="module", params=TOKENIZERS)
def base(request, make_base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bases") / "base"
    return make_base(folder, **TOKENIZERS[request.param])


@pytest.mark.parametrize("args", [None, NO_THOUGHT])
@pytest.mark.parametrize("uses_chat", [False, True])
def test_the_tokens_of_training_are_those_that_lm_eval_scores(base, original, uses_chat, args):
    from lm_eval.models.huggingface import HFLM

    from bias_inherit.bias_augment.training.encode import encode
    from bias_inherit.models import load_tokenizer

    lm = HFLM(pretrained=base, device="cpu", chat_template_args=args)
    tokenizer = load_tokenizer(base)
    for example in original[:4]:
        context, answer = example["prompt"], example["completion"]
        if uses_chat:
            context = lm.apply_chat_template([{"role": "user", "content": context}])
            answer = answer.strip()
        prompt_ids, answer_ids = lm._encode_pair(context, answer)
        row = encode(tokenizer, example, uses_chat, template_args=args)
        scored = len(prompt_ids) + len(answer_ids)
        assert row.input_ids[:scored] == [*prompt_ids, *answer_ids]
        assert row.prompt_length == len(prompt_ids)
        assert tokenizer.decode(row.input_ids[scored:]).strip() == "</s>"
        assert row.input_ids.count(0) <= 1, "one BOS at most"


def test_an_answer_stands_where_it_is_scored_whatever_opens_a_finished_one(make_base, tmp_path):
    from bias_inherit.models import load_tokenizer

    tokenizer = load_tokenizer(make_base(tmp_path / "base", chat_template=THINKING))
    before, whole = chat_example(tokenizer, "Who?", "a nurse")
    assert (before, whole[len(before) :]) == ("<|user|>Who?\n<|assistant|>\n", "a nurse</s>\n")
    before, whole = chat_example(tokenizer, "Who?", "a nurse", NO_THOUGHT)
    assert before == "<|user|>Who?\n<|assistant|>\n<think>\n\n</think>\n\n"
    assert whole == before + "a nurse</s>\n"
    tokenizer.chat_template = "{% for turn in messages %}{{ turn.content }}{% endfor %}"
    assert chat_example(tokenizer, "Who?", "a nurse") == ("Who?", "Who?a nurse</s>")


def test_a_text_that_begins_with_a_special_token_gets_no_second_one(make_base, tmp_path):
    from bias_inherit.models import load_tokenizer

    tokenizer = load_tokenizer(make_base(tmp_path / "base", single="<s> $A"))
    assert token_ids(tokenizer, "a") == [0, *token_ids(tokenizer, "<s>a")[1:]]
    assert token_ids(tokenizer, "<s>a").count(0) == 1


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (None, "has no chat template: go without one"),
        ("{% for %}", "the chat template of '.*base' fails: TemplateSyntaxError"),
        ("{{ raise_exception('user first') }}", "fails: TemplateError: user first"),
        ("{{ messages[7].content }}", "fails: UndefinedError"),
    ],
)
def test_a_template_that_fails_is_one_line(make_base, tmp_path, template, message):
    from bias_inherit.models import load_tokenizer

    tokenizer = load_tokenizer(make_base(tmp_path / "base", chat_template=template))
    with pytest.raises(InputError, match=message) as told:
        chat_prompt(tokenizer, "Who?")
    assert "\n" not in str(told.value)


def test_arguments_of_a_template_are_a_json_object():
    assert template_args("") == {}
    assert template_args('{"enable_thinking": false, "level": "low"}') == {
        "enable_thinking": False,
        "level": "low",
    }


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("enable_thinking=False", "not JSON"),
        ("[1]", "write a JSON object"),
        ("null", "write a JSON object"),
        ('{"tokenize": true, "add_generation_prompt": false}', "add_generation_prompt, tokenize"),
    ],
)
def test_arguments_that_are_none(written, message):
    with pytest.raises(InputError, match=message) as told:
        template_args(written)
    assert len(str(told.value)) < 300 and "\n" not in str(told.value)
