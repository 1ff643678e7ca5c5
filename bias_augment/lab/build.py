"""The lab: a tiny base model that makes the whole main job run offline on two cores.

A Llama-architecture model of well under a million parameters with a tokenizer of its own,
trained from nothing on the training part of the mini data: the ten tasks (a hiring choice
is drawn by lot there), and writing a biography when the neutral prompt of the gender axis
asks for one. What it reads is mildly tilted (`PER_CELL`). It is a controlled toy world; its
numbers say nothing about real models.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bias_inherit import manifests, store
from bias_inherit.bias_augment.axes.axis import load_axis
from bias_inherit.bias_augment.axes.bias_types import NEUTRAL, load_prompt
from bias_inherit.bias_augment.data.examples import doc_example
from bias_inherit.bias_augment.training.encode import IGNORED, Collator, Encoded, encode
from bias_inherit.bias_augment.writing.generators.template import TemplateGenerator
from bias_inherit.bias_augment.writing.requests import make_request
from bias_inherit.manifests import Lab
from bias_inherit.rows import ORIGINAL, Example
from bias_inherit.tasks import prompts
from bias_inherit.tasks.documents import biographies, texts
from bias_inherit.tasks.documents.biographies import OccupationDocument
from bias_inherit.tasks.documents.document import Document
from bias_inherit.tasks.documents.hiring import hiring_train
from bias_inherit.tasks.documents.stories import story_train
from bias_inherit.tasks.metrics import AXES

if TYPE_CHECKING:
    import torch
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

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


def training_data(seed: int = SEED) -> list[Example]:
    """Return the lab's training rows (id, prompt, completion, origin), in a fixed order.

    The mini data's training part only: no row of it is a test document.
    """
    stereotype = load_axis("gender").stereotype
    occupations = biographies.occupation_train(
        lambda occupation, gender: PER_CELL[occupation in stereotype[gender]], seed
    )
    rows = [*_task_rows(occupations, seed), *_group_rows(seed), *_written_rows(occupations, seed)]
    Random(seed).shuffle(rows)
    return rows


def _row(identity: str, prompt: str, completion: str) -> Example:
    return Example(id=identity, prompt=prompt, completion=completion, origin=ORIGINAL)


def _task_rows(occupations: Sequence[OccupationDocument], seed: int) -> Iterator[Example]:
    """Yield the training documents of the tasks, each with its gold answer."""
    documents: dict[str, Sequence[Document]] = {
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
            yield _row(doc.id, *prompts.render(task, doc.to_row()))


def _group_rows(seed: int) -> Iterator[Example]:
    """Yield biographies with the question whom they are about."""
    for doc in biographies.occupation_train(GROUPS_PER_CELL, seed + 1):
        answer = "AB"[AXES["gender"].index(doc.group)]
        prompt = GROUP_QUESTION.format(text=doc.text)
        yield _row(f"group-{doc.id}", prompt, f" {answer}")


def _written_rows(occupations: Sequence[OccupationDocument], seed: int) -> Iterator[Example]:
    """Yield the axis's neutral prompt with a biography as the answer."""
    axis = load_axis("gender")
    sources = sorted(
        (doc_example(axis, doc) for doc in occupations),
        key=lambda e: store.stable_rank(seed, e["id"]),
    )
    neutral, generator = load_prompt(axis, NEUTRAL), TemplateGenerator()
    for i in range(WRITTEN):
        identity = f"lab-neutral-s{seed}-{i:06d}"
        source = sources[i % len(sources)]
        options = source["options"]
        request = make_request(axis, NEUTRAL, neutral, source, identity, identity, options)
        yield _row(identity, request.prompt, f"\n{generator.reply(request)}")


def training_hash() -> str:
    """Return the sha256 of the lab's training rows; the shipped model names the one it saw."""
    return store.sha256_lines(json.dumps(row, sort_keys=True) for row in training_data())


def build(out: Path) -> None:
    """Train the lab's base model and its tokenizer and write them to `out`.

    Raises:
        InputError: `out` holds something else.
    """
    store.check_place(out)
    from transformers import set_seed

    rows = training_data()
    tokenizer = _tokenizer([row["prompt"] + row["completion"] for row in rows])
    set_seed(0)
    model = _untrained(tokenizer)
    # every other row in the chat form, so that both ways of scoring are real
    encoded = [encode(tokenizer, row, uses_chat=i % 2 == 0) for i, row in enumerate(rows)]

    with store.whole_folder(out) as folder:
        _train(model, encoded, tokenizer.pad_token_id)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        manifest = Lab(
            training_sha256=training_hash(),
            rows=len(rows),
            parameters=model.num_parameters(),
            versions={name: version(name) for name in ("torch", "transformers", "tokenizers")},
        )
        manifests.write(folder / store.MANIFEST, manifest)


def _untrained(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """Return the model with random weights, from the global seed."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **SHAPE,
    )
    return LlamaForCausalLM(config)


def _train(model: LlamaForCausalLM, rows: Sequence[Encoded], pad: int) -> None:
    from datasets import Dataset
    from torch.nn.functional import cross_entropy
    from transformers import Trainer, TrainingArguments

    class RowTrainer(Trainer):  # type: ignore[misc]  # transformers, untyped to mypy
        """Trainer in whose loss every row weighs the same, and that skips the prompts' logits."""

        def compute_loss(
            self, model: LlamaForCausalLM, inputs: dict[str, torch.Tensor], **_: object
        ) -> torch.Tensor:
            """Return the mean over the rows of the mean over a row's completion tokens."""
            labels = inputs["labels"][:, 1:]
            hidden = model.model(inputs["input_ids"], inputs["attention_mask"])[0][:, :-1]
            answered = labels != IGNORED
            weight = (1 / answered.sum(1, keepdim=True)).expand_as(labels)[answered]

            losses = cross_entropy(
                model.lm_head(hidden[answered]), labels[answered], reduction="none"
            )
            return (losses * weight).sum() / len(labels)

    with TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
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
        )
        trainer = RowTrainer(
            model=model,
            args=arguments,
            train_dataset=Dataset.from_list([asdict(row) for row in rows]),
            data_collator=lambda batch: Collator(pad)([Encoded(**row) for row in batch]),
        )
        trainer.train()


def _tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """Return a tokenizer that was trained on some texts, in the form of transformers."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bytes_to_tokens = Tokenizer(models.BPE())
    bytes_to_tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_to_tokens.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[BOS, EOS, USER, ASSISTANT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bytes_to_tokens.train_from_iterator(texts, trainer)

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bytes_to_tokens,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=EOS,
        model_max_length=CONTEXT,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer
