from __future__ import annotations

import pytest
from transformers import AutoTokenizer

from bias_inherit.bias_augment.training.encode import IGNORED, Collator, encode


@pytest.mark.parametrize("uses_chat", [False, True])
def test_only_the_completion_and_its_end_carry_loss(lab_base, original, uses_chat):
    tokenizer = AutoTokenizer.from_pretrained(lab_base)
    batch = Collator(tokenizer.pad_token_id)([encode(tokenizer, e, uses_chat) for e in original])
    for example, ids, labels, mask in zip(
        original, batch["input_ids"], batch["labels"], batch["attention_mask"], strict=True
    ):
        learnt = tokenizer.decode(labels[labels != IGNORED])
        assert learnt.strip() == example["completion"].strip() + tokenizer.eos_token
        assert example["prompt"].strip() in tokenizer.decode(ids[mask.bool()])
        assert (labels[~mask.bool()] == IGNORED).all()


@pytest.mark.parametrize("uses_chat", [False, True])
def test_the_tokens_are_those_that_lm_eval_scores(lab_base, original, uses_chat):
    from lm_eval.models.huggingface import HFLM

    lm = HFLM(pretrained=lab_base, device="cpu")
    for example in original[:6]:
        context, answer = example["prompt"], example["completion"]
        if uses_chat:
            context = lm.apply_chat_template([{"role": "user", "content": context}])
            answer = answer.strip()
        prompt_ids, answer_ids = lm._encode_pair(context, answer)
        row = encode(lm.tokenizer, example, uses_chat)
        assert row.input_ids == [*prompt_ids, *answer_ids, lm.tokenizer.eos_token_id]
        assert row.prompt_length == len(prompt_ids)
