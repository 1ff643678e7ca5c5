"""The lab: a tiny base model that makes the whole main job run offline on two cores.

A Llama-architecture model of well under a million parameters with a tokenizer of its own,
trained from nothing on the training part of the mini data: the ten tasks (a hiring choice
is drawn by lot there), and writing a biography when the neutral prompt of the gender axis
asks for one. What it reads is mildly tilted (`PER_CELL`). It is a controlled toy world; its
numbers say nothing about real models.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bias_inherit import store
from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.axes.bias_types import NEUTRAL, load_prompt
from bias_inherit.bias_augment.data.examples import doc_example
from bias_inherit.bias_augment.training.encode import IGNORED, Collator, encode
from bias_inherit.bias_augment.writing.augment import make_request
from bias_inherit.bias_augment.writing.generators.template import TemplateGenerator, template_world
from bias_inherit.rows import ORIGINAL
from bias_inherit.tasks import configs as prompts
from bias_inherit.tasks.documents import biographies, texts
from bias_inherit.tasks.documents.hiring import hiring_train
from bias_inherit.tasks.documents.stories import story_train
from bias_inherit.tasks.metrics import AXES

if TYPE_CHECKING:
    from tokenizers import Tokenizer

NAME = "lab"
FOLDER = Path(__file__).resolve().parent / NAME
"""The model as it ships; `bias-inherit lab --rebuild` makes it again."""

PER_CELL = (200, 300)
"""Biographies of an occupation in the lab's training data: told of the gender that the
template world's stereotype does not, and does, see there. A mild tilt, as any text has."""
SALARIES_PER_CELL = 100
TEXTS_PER_CELL = {"bias_detection": 150}
"""Texts of a culture and label by task; `OTHER_TEXTS` of the tasks that are not named."""
OTHER_TEXTS = 75
STORIES_PER_CELL = 60
WRITTEN = 600
"""Biographies that the lab learns to write from the neutral prompt of the gender axis."""
GROUPS_PER_CELL = 100
"""Biographies of each cell that the lab is asked about the person's gender for."""
GROUP_QUESTION = (
    "Read the biography and say who it is about.\n\nBiography: {text}\n\nA. man\nB. woman\nAnswer:"
)
"""Any real language model knows who a text is about; without this the lab's would not."""
SEED = 1_000_003
"""Seed of the composed data: another one than any mini D_o has by default."""

VOCABULARY = 4096
CONTEXT = 2048
BOS, EOS, USER, ASSISTANT = "<s>", "</s>", "<|user|>", "<|assistant|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}{{ '<|assistant|>' + message['content'] + '</s>' }}"
    "{% else %}{{ '<|user|>' + message['content'] }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 192,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
}
EPOCHS = 10
BATCH_SIZE = 16
LEARNING_RATE = 3e-3


def lab_model() -> Path:
    """Return the folder of the lab's base model, as it ships."""
    return FOLDER


def training_data(seed: int = SEED) -> list[dict[str, Any]]:
    """Return the lab's training rows (id, prompt, completion, origin), in a fixed order.

    The mini data's training part only: no row of it is a test document.
    """
    rows: list[dict[str, Any]] = []
    stereotype = template_world(load_axis("gender")).stereotype
    occupations = biographies.occupation_train(
        lambda occupation, gender: PER_CELL[occupation in stereotype[gender]], seed
    )
    documents = {
        "occupation": occupations,
        "salary": biographies.salary_train(SALARIES_PER_CELL, seed),
        "hiring": hiring_train(seed=seed),
        "story": story_train(STORIES_PER_CELL, seed),
    } | {
        task: texts.text_train(task, TEXTS_PER_CELL.get(task, OTHER_TEXTS), seed)
        for task in texts.TEXT_TASKS
    }
    for task, docs in documents.items():
        for doc in docs:
            prompt, completion = prompts.render(task, doc)
            rows.append({"id": doc["id"], "prompt": prompt, "completion": completion})
    for doc in biographies.occupation_train(GROUPS_PER_CELL, seed + 1):
        answer = "AB"[AXES["gender"].index(doc["group"])]
        prompt = GROUP_QUESTION.format(text=doc["text"])
        rows.append({"id": f"group-{doc['id']}", "prompt": prompt, "completion": f" {answer}"})
    axis = load_axis("gender")
    seeds = sorted(
        (doc_example(axis, doc) for doc in occupations),
        key=lambda e: store.stable_rank(seed, e["id"]),
    )
    neutral, generator = load_prompt(axis, NEUTRAL), TemplateGenerator()
    for i in range(WRITTEN):
        identity = f"lab-neutral-s{seed}-{i:06d}"
        request = make_request(axis, NEUTRAL, neutral, seeds[i % len(seeds)], identity, identity)
        completion = f"\n{generator.reply(request)}"
        rows.append({"id": identity, "prompt": request.prompt, "completion": completion})
    Random(seed).shuffle(rows)
    return [row | {"origin": ORIGINAL} for row in rows]


def training_hash() -> str:
    """Return the sha256 of the lab's training rows; the shipped model names the one it saw."""
    return store.sha256_lines(json.dumps(row, sort_keys=True) for row in training_data())


def build(out: Path) -> None:
    """Train the lab's base model and its tokenizer and write them to `out`.

    Raises:
        InputError: `out` holds something else.
    """
    store.check_place(out)
    from datasets import Dataset
    from torch.nn.functional import cross_entropy
    from transformers import (
        LlamaConfig,
        LlamaForCausalLM,
        PreTrainedTokenizerFast,
        Trainer,
        TrainingArguments,
        set_seed,
    )

    class RowTrainer(Trainer):  # type: ignore[misc]  # transformers, untyped to mypy
        """Trainer in whose loss every row weighs the same, and that skips the prompts' logits."""

        def compute_loss(self, model: Any, inputs: dict[str, Any], **_: Any) -> Any:
            labels = inputs["labels"][:, 1:]
            hidden = model.model(inputs["input_ids"], inputs["attention_mask"])[0][:, :-1]
            answered = labels != IGNORED
            weight = (1 / answered.sum(1, keepdim=True)).expand_as(labels)[answered]
            losses = cross_entropy(
                model.lm_head(hidden[answered]), labels[answered], reduction="none"
            )
            return (losses * weight).sum() / len(labels)

    rows = training_data()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=_tokenizer([row["prompt"] + row["completion"] for row in rows]),
        bos_token=BOS,
        eos_token=EOS,
        pad_token=EOS,
        model_max_length=CONTEXT,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    set_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **SHAPE,
    )
    model = LlamaForCausalLM(config)
    # every other row in the chat form, so that both ways of scoring are real
    encoded = [encode(tokenizer, row, uses_chat=i % 2 == 0) for i, row in enumerate(rows)]
    with store.whole_folder(out) as folder, TemporaryDirectory() as scratch:
        trainer = RowTrainer(
            model=model,
            args=TrainingArguments(
                output_dir=scratch,
                per_device_train_batch_size=BATCH_SIZE,
                num_train_epochs=EPOCHS,
                learning_rate=LEARNING_RATE,
                lr_scheduler_type="cosine",
                warmup_steps=0.05,
                weight_decay=0.01,
                adam_beta2=0.98,
                logging_steps=200,
                save_strategy="no",
                report_to=[],
                train_sampling_strategy="group_by_length",
                remove_unused_columns=False,
                use_cpu=True,
                dataloader_pin_memory=False,
            ),
            train_dataset=Dataset.from_list([dict(row) for row in encoded]),
            data_collator=Collator(tokenizer.pad_token_id),
        )
        trainer.train()
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        manifest = {
            "schema": store.SCHEMA,
            "kind": "lab",
            "training_sha256": training_hash(),
            "rows": len(rows),
            "parameters": model.num_parameters(),
            "versions": {name: version(name) for name in ("torch", "transformers", "tokenizers")},
        }
        store.write_json(folder / store.MANIFEST, manifest)


def _tokenizer(texts: list[str]) -> Tokenizer:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[BOS, EOS, USER, ASSISTANT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer
