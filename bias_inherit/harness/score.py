"""Score one base and many adapters with the harness, loading the base once.

Each model gets a folder with lm-eval's own result files, untouched, and beside them
`bias_inherit.json`: which adapter it was (sha256), which arm, and the plain lm_eval command that
gives the same numbers, whatever was scored before (see `wearing.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bias_inherit import manifests, store
from bias_inherit.chat import chat_prompt, token_ids
from bias_inherit.errors import InputError
from bias_inherit.harness.adapters import BASE
from bias_inherit.harness.evaluate import (
    command,
    evaluate,
    new_file,
    quiet_lm_eval,
    results_folder,
)
from bias_inherit.harness.journal import Journal, Keeper
from bias_inherit.harness.loading import Asked as Asked
from bias_inherit.harness.loading import load_forms as load_forms
from bias_inherit.harness.loading import load_tasks as load_tasks
from bias_inherit.harness.multi_lora import Lora, lora_of
from bias_inherit.harness.once import machine_asked_once
from bias_inherit.harness.options import Options as Options
from bias_inherit.harness.resume import rest_of, settings_of
from bias_inherit.harness.streams import state
from bias_inherit.harness.subjects import Subject, chat_setting, subjects_of, written_args
from bias_inherit.harness.together import Member, groups, trial
from bias_inherit.harness.wearing import Wardrobe, check_device, seed_like_lm_eval
from bias_inherit.manifests import Score
from bias_inherit.models import (
    check_causal,
    check_words,
    fingerprint,
    load_tokenizer,
)
from bias_inherit.threads import cpu_threads

if TYPE_CHECKING:
    from lm_eval.models.huggingface import HFLM
    from transformers import PreTrainedTokenizerBase


def score(
    base: str,
    adapters: Mapping[str, Path],
    results_of: Callable[[str], Path],
    options: Options,
    announce: Callable[[str], None] = lambda line: None,
    with_base: bool = True,
    kept: Kept | None = None,
    checked: Callable[[], object] = lambda: None,
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
        kept: what earlier calls left, and later ones find.
        checked: called when nothing is found wrong, before anything is scored.

    Raises:
        InputError: the base is not a causal model, an adapter is not one, belongs to another base
            or does not fit, a task is unknown, or has not such a form: before anything is scored.
    """
    check_device(options.device)
    check_causal(base)
    tokenizer = load_tokenizer(base)
    kept = kept or Kept()
    base_print = kept.fingerprint(base)
    subjects = [Subject(BASE)] if with_base else []
    subjects += subjects_of(base, base_print, adapters, announce)
    uses_chat = chat_setting(subjects, options)
    written = written_args(subjects, options) if uses_chat else {}
    first = token_ids(tokenizer, chat_prompt(tokenizer, "", written)) if uses_chat else []

    quiet_lm_eval()
    asked = kept.forms(options, announce)
    _check_ends(tokenizer, base, asked)

    def place_of(name: str, form: int | None) -> Path:
        return results_of(name) / f"form-{form}" if len(asked) > 1 else results_of(name)

    def settings(subject: Subject, form: int | None) -> dict[str, Any]:
        models = {"base": base_print or base, "adapter": subject.sha256}
        return settings_of(
            options, form, **models, chat_template=uses_chat, chat_template_args=dict(written)
        )

    parts: list[_Part] = []
    for subject in subjects:
        for one in asked:
            out = place_of(subject.name, one.form)
            store.check_place(out)
            own, before = settings(subject, one.form), None
            if options.resume:
                one, before = rest_of(one, out, own, announce)
            if one.tasks:
                parts.append(_Part(subject, one, out, own, before))
    if parts:
        run = _Run(base, base_print, options, uses_chat, written)
        wardrobe = kept.wardrobe(base, options, written)
        _score_parts(run, wardrobe, parts, tokenizer, first, announce, checked)
    else:
        checked()
    return [place_of(subject.name, one.form) for subject in subjects for one in asked]


class Kept:
    """What one call of `score` leaves for the next: the tasks with their requests, and the base."""

    def __init__(self) -> None:
        self._forms: dict[Options, list[Asked]] = {}
        self._prints: dict[str, str | None] = {}
        self._wardrobe: Wardrobe | None = None
        self._how: tuple[object, ...] = ()

    def fingerprint(self, base: str) -> str | None:
        """Return what identifies a base's weights, read once."""
        if base not in self._prints:
            self._prints[base] = fingerprint(base)
        return self._prints[base]

    def forms(self, options: Options, announce: Callable[[str], None]) -> list[Asked]:
        """Return the tasks in each form; as `load_forms`, once for the same options."""
        if options not in self._forms:
            self._forms[options] = load_forms(options, announce)
        return self._forms[options]

    def wardrobe(self, base: str, options: Options, written: Mapping[str, Any]) -> Wardrobe:
        """Return the base's wardrobe: that of the call before, where it is of the same settings.

        Args:
            base: folder or hub id.
            options: of the scoring.
            written: of the chat template.
        """
        own = (options.batch_size, options.device, options.progress)
        how = (base, *own, str(dict(written)), options.exact)
        if self._wardrobe is None or self._how != how:
            self._wardrobe = None  # before another is loaded, so that there are never two
            print_ = self.fingerprint(base)
            self._wardrobe = Wardrobe(base, print_, *own, written, options.exact)
            self._how = how
        return self._wardrobe


@dataclass(frozen=True)
class _Part:
    """Tasks that a model is scored on, in one form.

    Attributes:
        subject: the model.
        asked: the tasks.
        out: the folder of its results.
        settings: what decides the numbers.
        before: the manifest of other tasks' results that are kept there.
    """

    subject: Subject
    asked: Asked
    out: Path
    settings: Mapping[str, Any]
    before: Score | None = None


def _score_parts(
    run: _Run,
    wardrobe: Wardrobe,
    parts: Sequence[_Part],
    tokenizer: PreTrainedTokenizerBase,
    first: Sequence[int],
    announce: Callable[[str], None],
    checked: Callable[[], object],
) -> None:
    """Score models, one after the other.

    Args:
        run: what is the same for all.
        wardrobe: of the base.
        parts: what is scored, one or more.
        tokenizer: the base's.
        first: the tokens that a prompt begins with.
        announce: told what begins.
        checked: called when every model fits.

    Raises:
        InputError: a model does not fit, before anything is scored.
    """
    by_name: dict[str, list[_Part]] = {}
    for part in parts:
        by_name.setdefault(part.subject.name, []).append(part)

    with cpu_threads(run.base) as threads, machine_asked_once():
        bare = wardrobe.bare()
        _check_room(bare, run.base, [part.asked for part in parts])
        if BASE in by_name:
            check_words(tokenizer, bare.model, run.base, first)
        # what does not fit is said before hours are spent
        members = _tried(wardrobe, by_name)
        checked()
        company = {} if run.options.exact else groups(wardrobe.bare(), members)
        journals: dict[int | None, dict[str, Journal]] = {}
        for part in parts if run.options.resume else ():
            own = Journal(part.out, {**part.settings, "threads": threads})
            journals.setdefault(part.asked.form, {})[part.subject.name] = own

        for i, (name, own_parts) in enumerate(by_name.items(), start=1):
            adapter = own_parts[0].subject.adapter
            lm = wardrobe.bare() if adapter is None else wardrobe.put_on(adapter)
            lm.name, lm.together = name, company.get(name)
            for part in own_parts:
                form = part.asked.form
                said = f" in form {form}" if len(own_parts) > 1 else ""
                announce(f"scoring {name}{said} ({i} of {len(by_name)})")
                lm.keeper = Keeper(journals[form]) if journals else None
                run.score(lm, part, threads)
                if journals:
                    journals[form].pop(name).drop()
            wardrobe.take_off()


def _tried(wardrobe: Wardrobe, parts: Mapping[str, Sequence[_Part]]) -> list[Member]:
    """Put each adapter on once; return what may answer together with others.

    Args:
        wardrobe: of the base.
        parts: what each model is asked, by its name.

    Raises:
        InputError: one does not fit.
    """
    members = []
    for name, own in parts.items():
        adapter = own[0].subject.adapter
        lm = wardrobe.bare() if adapter is None else wardrobe.put_on(adapter)
        if adapter is None:
            seed_like_lm_eval()
            lora: Lora | None = {}
        else:
            lm.start.restore()
            lora = lora_of(lm.model) if lm.tokenizer_folder is None else None
        if lora is not None:
            asked = tuple(
                f"{part.asked.form} {task}" for part in own for task in part.asked.digests
            )
            members.append(Member(name, lora, state(lm.device), trial(lm), asked))
        wardrobe.take_off()
    return members


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
class _Run:
    """What is the same for every model that is scored."""

    base: str
    base_print: str | None
    options: Options
    uses_chat: bool
    template_args: Mapping[str, Any]

    def score(self, lm: HFLM, part: _Part, threads: int) -> None:
        """Score one model: lm-eval's own files, and our manifest, into the part's folder."""
        subject = part.subject
        model_args: dict[str, Any] = {"pretrained": self.base}
        if subject.adapter is not None:
            model_args["peft"] = str(subject.adapter)
        if lm.tokenizer_folder is not None:
            model_args["tokenizer"] = lm.tokenizer_folder
        if self.template_args:
            model_args["chat_template_args"] = dict(self.template_args)

        with results_folder(part.out, part.before) as folder:
            tasks = evaluate(lm, model_args, part.asked, self.options, self.uses_chat, folder)
            form = part.asked.form
            manifest = Score(
                name=subject.name,
                base=self.base,
                base_fingerprint=self.base_print,
                adapter=model_args.get("peft"),
                adapter_sha256=subject.sha256,
                arm=subject.manifest.arm if subject.manifest.adapter_sha256 else None,
                results=new_file(folder, part.before),
                threads=threads,
                command=command("hf", model_args, tasks, self.options, form, self.uses_chat),
                settings=dict(part.settings),
                tasks={**(part.before.tasks if part.before else {}), **part.asked.digests},
                earlier=part.before.runs if part.before else (),
            )
            manifests.write(folder / store.MANIFEST, manifest)
