"""Score one base and many adapters with the harness, loading the base once.

Each model gets a folder with lm-eval's own result files, untouched, and beside them
`bias_inherit.json`: which adapter it was (sha256), which arm, and the plain lm_eval command that
gives the same numbers, whatever was scored before (see `wearing.py`).
"""

from __future__ import annotations

import json
import logging
import os
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bias_inherit import manifests, store
from bias_inherit.chat import chat_prompt, template_args, token_ids
from bias_inherit.errors import InputError, unknown
from bias_inherit.harness.multi_lora import Lora, lora_of
from bias_inherit.harness.once import keep_requests, machine_asked_once
from bias_inherit.harness.streams import state
from bias_inherit.harness.together import Member, groups, trial
from bias_inherit.harness.wearing import Wardrobe, check_device, seed_like_lm_eval
from bias_inherit.manifests import Adapter, Score
from bias_inherit.models import (
    ADAPTER_CONFIG,
    BASE_PATH,
    adapter_name,
    adapter_sha256,
    check_causal,
    check_words,
    fingerprint,
    is_same_base,
    load_tokenizer,
)
from bias_inherit.tasks.configs import documents_of
from bias_inherit.tasks.forms.form import chosen_form, forms_of
from bias_inherit.threads import SET_BY_USER, cpu_threads, is_small

if TYPE_CHECKING:
    from lm_eval.api.task import Task
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager
    from transformers import PreTrainedTokenizerBase

BASE = "base"
"""Name of the base model's own scores."""


@dataclass(frozen=True)
class Subject:
    """A model to score: the base itself (no adapter), or an adapter on it."""

    name: str
    adapter: Path | None = None
    sha256: str | None = None
    manifest: Adapter = field(default_factory=Adapter)


@dataclass(frozen=True)
class Options:
    """How models are scored; names and meanings are those of `lm_eval`."""

    tasks: tuple[str, ...] = ("bias_inherit_*",)
    data: str | None = None
    apply_chat_template: bool | None = None
    """None: as the adapters were trained."""
    chat_template_args: str | None = None
    """JSON, such as {"enable_thinking": false}; None: as the adapters were trained."""
    batch_size: int = 16
    device: str | None = None
    limit: int | None = None
    stories: int | None = None
    """Stories a name; None: as the task says."""
    traits: str | None = None
    """A trait lexicon in place of ours."""
    forms: str | None = None
    """Forms that the questions are asked in, such as "2" or "1,3", or "all"; None: the default."""
    exact: bool = False
    """Whether lm-eval's own way computes every number, without what is faster."""
    progress: bool = True
    """Whether lm-eval shows its bars."""

    def metadata(self, form: int | None = None) -> dict[str, str | int]:
        """Return what `lm_eval --metadata` would be given."""
        given = {"data": self.data, "stories": self.stories, "traits": self.traits, "form": form}
        return {key: value for key, value in given.items() if value is not None}


def tasks_folder() -> Path:
    """Return the folder for lm-eval's `--include_path`."""
    from bias_inherit import tasks

    return Path(tasks.__file__).resolve().parent


def score(
    base: str,
    adapters: Mapping[str, Path],
    results_of: Callable[[str], Path],
    options: Options,
    announce: Callable[[str], None] = lambda line: None,
    with_base: bool = True,
) -> list[Path]:
    """Score the base and each adapter; return the folders of their results.

    Args:
        base: folder or hub id of a causal model.
        adapters: peft folders by name.
        results_of: name -> the folder to write; of several forms a folder `form-<number>` each in
            it.
        options: how models are scored.
        announce: told what begins, and what the user should know.
        with_base: whether the base itself is scored.

    Raises:
        InputError: the base is not a causal model, an adapter is not one, belongs to another base
            or does not fit, a task is unknown, or has not such a form: before anything is scored.
    """
    check_device(options.device)
    check_causal(base)
    tokenizer = load_tokenizer(base)
    base_print = fingerprint(base)
    subjects = [Subject(BASE)] if with_base else []
    for name, path in adapters.items():
        subjects.append(_subject(name, path, base, base_print, announce))
    uses_chat = _chat_setting(subjects, options)
    written = _template_args(subjects, options) if uses_chat else {}
    first = token_ids(tokenizer, chat_prompt(tokenizer, "", written)) if uses_chat else []

    quiet_lm_eval()
    asked = load_forms(options)
    _check_ends(tokenizer, base, asked)

    def place_of(name: str, form: int | None) -> Path:
        return results_of(name) / f"form-{form}" if len(asked) > 1 else results_of(name)

    for subject in subjects:
        for one in asked:
            store.check_place(place_of(subject.name, one.form))
    wardrobe = Wardrobe(
        base,
        base_print,
        options.batch_size,
        options.device,
        options.progress,
        written,
        options.exact,
    )
    folders = []
    with cpu_threads(base) as threads, machine_asked_once():
        bare = wardrobe.bare()
        _check_room(bare, base, asked)
        if with_base:
            check_words(tokenizer, bare.model, base, first)
        # what does not fit is said before hours are spent
        members = _tried(wardrobe, subjects)
        company = {} if options.exact else groups(wardrobe.bare(), members)

        for i, subject in enumerate(subjects, start=1):
            lm = wardrobe.bare() if subject.adapter is None else wardrobe.put_on(subject.adapter)
            lm.name, lm.together = subject.name, company.get(subject.name)
            for one in asked:
                said = f" in form {one.form}" if len(asked) > 1 else ""
                announce(f"scoring {subject.name}{said} ({i} of {len(subjects)})")
                out = place_of(subject.name, one.form)
                _Run(base, base_print, one, options, uses_chat, written, threads).score(
                    lm, subject, out
                )
                folders.append(out)
            wardrobe.take_off()
    return folders


def _tried(wardrobe: Wardrobe, subjects: Sequence[Subject]) -> list[Member]:
    """Put each adapter on once; return what may answer together with others.

    Raises:
        InputError: one does not fit.
    """
    members = []
    for subject in subjects:
        lm = wardrobe.bare() if subject.adapter is None else wardrobe.put_on(subject.adapter)
        if subject.adapter is None:
            seed_like_lm_eval()
            lora: Lora | None = {}
        else:
            lm.start.restore()
            lora = lora_of(lm.model) if lm.tokenizer_folder is None else None
        if lora is not None:
            members.append(Member(subject.name, lora, state(lm.device), trial(lm)))
        wardrobe.take_off()
    return members


def name_adapters(paths: Sequence[Path]) -> dict[str, Path]:
    """Return adapter folders by name.

    Raises:
        InputError: two have the same name.
    """
    named: dict[str, Path] = {}
    for path in paths:
        name = adapter_name(path)
        if name in named or name == BASE:
            raise InputError(f"two models are called '{name}': rename the folder {path}")
        named[name] = path
    return named


def _subject(
    name: str,
    path: Path,
    base: str,
    base_print: str | None,
    announce: Callable[[str], None],
) -> Subject:
    """Return an adapter to score; where names alone speak against it, the user is told.

    Args:
        name: of its results.
        path: its folder.
        base: folder or hub id of the base that it is to be scored on.
        base_print: that base's fingerprint.
        announce: told the warning.

    Raises:
        InputError: the folder is not an adapter, or of a base with another fingerprint.
    """
    if not path.is_dir():
        raise InputError(f"{path}: no such adapter folder")
    sha256 = adapter_sha256(path)
    manifest = manifests.read(path, Adapter) or Adapter()

    is_same = is_same_base(manifest.base_fingerprint, base_print)
    if is_same is False:
        raise InputError(f"adapter {path} belongs to another base ({manifest.base}), not to {base}")

    named = store.read_json(path / ADAPTER_CONFIG).get(BASE_PATH) or manifest.base
    if is_same is None and model_name(named) != model_name(base):
        told = f"names another base ({named})" if named else "does not name its base"
        announce(f"warning: adapter {path} {told}; its tensors are tried on {base}")
    return Subject(name, path, sha256, manifest)


def model_name(model: str | None) -> str:
    """Return the last part of a hub id or folder; of a cached snapshot, that of its model."""
    whole = str(model or "").rstrip("/")
    cached = re.search(r"models--([^/]+)/snapshots/", f"{whole}/")
    return (cached[1].replace("--", "/") if cached else whole).rpartition("/")[2]


def _chat_setting(subjects: Sequence[Subject], options: Options) -> bool:
    if options.apply_chat_template is not None:
        return options.apply_chat_template
    known = {subject.manifest.chat_template for subject in subjects} - {None}
    if len(known) > 1:
        raise InputError(
            "some adapters were trained with the chat template and some without: score them "
            "apart, or say --apply-chat-template or --no-apply-chat-template"
        )
    return bool(known.pop()) if known else False


def _template_args(subjects: Sequence[Subject], options: Options) -> Mapping[str, Any]:
    if options.chat_template_args is not None:
        return template_args(options.chat_template_args)
    adapters = [subject.manifest for subject in subjects if subject.manifest.chat_template]
    known = [manifest.chat_template_args for manifest in adapters]
    if any(args != known[0] for args in known):
        raise InputError(
            "the adapters were trained with different chat-template-args: score them apart, or "
            "say --chat-template-args"
        )
    return known[0] if known else {}


def _check_ends(tokenizer: PreTrainedTokenizerBase, base: str, asked: Iterable[Asked]) -> None:
    """Check that a tokenizer has the special tokens that lm-eval asks for.

    Raises:
        InputError: it has not.
    """
    writes = any(task.OUTPUT_TYPE == "generate_until" for one in asked for task in one.tasks)
    if tokenizer.eos_token_id is None and (writes or tokenizer.bos_token_id is None):
        raise InputError(
            f"the tokenizer of '{base}' names no end token, which lm-eval needs: set eos_token in "
            "its tokenizer_config.json"
        )


def _check_room(lm: HFLM, base: str, asked: Iterable[Asked]) -> None:
    """Check that a base's context has room for what it is going to write.

    Raises:
        InputError: it has not: lm-eval refuses to begin then.
    """
    for task in (task for one in asked for task in one.tasks):
        if task.OUTPUT_TYPE == "generate_until":
            longest = (task.config.generation_kwargs or {}).get("max_gen_toks", lm.max_gen_toks)
            if longest >= lm.max_length:
                raise InputError(
                    f"{task.config.task} lets the model write {longest} tokens, and the context of "
                    f"'{base}' is {lm.max_length}: leave such tasks out (--tasks)"
                )


@dataclass(frozen=True)
class Asked:
    """Tasks whose questions are asked in one form; None is each task's default."""

    form: int | None
    tasks: Sequence[Task]
    manager: TaskManager


def load_forms(options: Options) -> list[Asked]:
    """Return the tasks in each form that was asked for.

    With "all" a task is asked in the forms that it has.

    Raises:
        InputError: a pattern names nothing, or a task has not such a form.
    """
    if options.forms is None:
        manager, tasks = load_tasks(options)
        return [Asked(None, tasks, manager)]

    named = [task.config.task for task in load_tasks(options)[1]]
    known = {name: set(forms_of(documents_of(name))) for name in named}
    if options.forms == "all":
        numbers = sorted(set().union(*known.values()))
    else:
        numbers = _numbers(options.forms)
        for name in named:
            for number in numbers:
                chosen_form(documents_of(name), number)

    asked = []
    for number in numbers:
        some = tuple(name for name in named if number in known[name])
        manager, tasks = load_tasks(replace(options, tasks=some), number)
        asked.append(Asked(number, tasks, manager))
    return asked


def _numbers(written: str) -> list[int]:
    parts = [part.strip() for part in written.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise InputError(f"forms '{written}': write numbers, such as 2 or 1,3, or all")
    return sorted({int(part) for part in parts})


def load_tasks(options: Options, form: int | None = None) -> tuple[TaskManager, list[Task]]:
    """Return the tasks that the patterns name, each once: of a group or a tag its members.

    Args:
        options: with the patterns.
        form: in which they are asked; None is the default.

    Raises:
        InputError: a pattern names nothing.
    """
    from lm_eval.tasks import TaskManager

    manager = TaskManager(
        include_path=str(tasks_folder()), include_defaults=False, metadata=options.metadata(form)
    )
    tasks: dict[str, Task] = {}
    for pattern in options.tasks:
        matched = manager.match_tasks([pattern])
        if not matched:
            raise unknown("task", pattern, manager.all_tasks)

        # single tasks first: a group's members among them are not loaded twice
        for name in sorted(matched, key=lambda name: name in manager.all_groups):
            if name not in tasks:
                for member, task in manager.load([name])["tasks"].items():
                    tasks.setdefault(member, task)
    keep_requests(tasks.values())
    return manager, list(tasks.values())


@dataclass(frozen=True)
class _Run:
    """What is the same for every model that is scored."""

    base: str
    base_print: str | None
    asked: Asked
    options: Options
    uses_chat: bool
    template_args: Mapping[str, Any]
    threads: int

    def score(self, lm: HFLM, subject: Subject, out: Path) -> None:
        """Score one model into the folder `out`: lm-eval's own files, and our manifest."""
        model_args: dict[str, Any] = {"pretrained": self.base}
        if subject.adapter is not None:
            model_args["peft"] = str(subject.adapter)
        if lm.tokenizer_folder is not None:
            model_args["tokenizer"] = lm.tokenizer_folder
        if self.template_args:
            model_args["chat_template_args"] = dict(self.template_args)

        with store.whole_folder(out) as folder:
            tasks = self._evaluate(lm, model_args, folder)
            written = sorted(path.name for path in folder.glob("results_*.json"))
            if len(written) != 1:
                raise OSError(f"lm-eval wrote no results to {folder}")
            manifest = Score(
                name=subject.name,
                base=self.base,
                base_fingerprint=self.base_print,
                adapter=model_args.get("peft"),
                adapter_sha256=subject.sha256,
                arm=subject.manifest.arm if subject.manifest.adapter_sha256 else None,
                results=written[0],
                threads=self.threads,
                command=_command(model_args, tasks, self.options, self.asked.form, self.uses_chat),
            )
            manifests.write(folder / store.MANIFEST, manifest)

    def _evaluate(self, lm: HFLM, model_args: Mapping[str, Any], folder: Path) -> list[str]:
        """Let lm-eval score and write its files; return the names of the tasks."""
        from lm_eval import simple_evaluate
        from lm_eval.loggers import EvaluationTracker

        tracker = EvaluationTracker(output_path=str(folder / "results.json"))
        results = simple_evaluate(
            model=lm,
            model_args=dict(model_args),
            tasks=list(self.asked.tasks),
            task_manager=self.asked.manager,
            apply_chat_template=self.uses_chat,
            batch_size=self.options.batch_size,
            device=self.options.device,
            limit=self.options.limit,
            evaluation_tracker=tracker,
        )
        samples, tasks = results.pop("samples"), list(results["configs"])

        tracker.save_results_aggregated(results=results, samples=samples)
        for task in tasks:
            tracker.save_results_samples(task_name=task, samples=samples[task])
        return tasks


def _command(
    model_args: Mapping[str, Any],
    tasks: Iterable[str],
    options: Options,
    form: int | None,
    uses_chat: bool,
) -> str:
    """Return the plain lm_eval command that gives the same numbers."""
    metadata = options.metadata(form)
    joined = ",".join(f"{key}={value}" for key, value in model_args.items())
    if "chat_template_args" in model_args:
        joined = json.dumps(model_args)
    words = ["lm_eval", "--model", "hf", "--model_args", joined]
    words += ["--tasks", ",".join(tasks), "--batch_size", str(options.batch_size)]
    words += ["--apply_chat_template"] if uses_chat else []
    words += ["--metadata", json.dumps(metadata)] if metadata else []
    words += ["--device", options.device] if options.device else []
    words += ["--limit", str(options.limit)] if options.limit else []
    by_us = not os.environ.get(SET_BY_USER) and is_small(model_args["pretrained"])
    threads = f"{SET_BY_USER}=1 " if by_us else ""
    return threads + shlex.join(words) + ' --include_path "$(bias-inherit tasks)"'


def quiet_lm_eval() -> None:
    """Keep lm-eval's warnings, but not its hint about `--metadata`, once a task and run."""
    logging.getLogger("lm_eval.api.task").addFilter(
        lambda record: "Custom kwargs can be passed" not in record.getMessage()
    )
