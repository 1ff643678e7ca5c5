"""Score one base and many adapters with the harness, loading the base once.

Each model gets a folder with lm-eval's own result files, untouched, and beside them
`bias_inherit.json`: which adapter it was (sha256), which arm, and the plain lm_eval
command that gives the same numbers. Only sampled answers (stories) of an adapter differ from
the plain command's: there peft draws random numbers for the weights that it then overwrites.
Here every model starts from lm-eval's seed, so its stories depend on nothing scored before.
"""

from __future__ import annotations

import json
import logging
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bias_inherit import store
from bias_inherit.errors import InputError, unknown
from bias_inherit.models import adapter_name, adapter_sha256, check_causal, fingerprint

if TYPE_CHECKING:
    from lm_eval.tasks import TaskManager

BASE = "base"
"""Name of the base model's own scores."""


@dataclass(frozen=True)
class Subject:
    """A model to score: the base itself, or an adapter on it."""

    name: str
    adapter: Path | None
    sha256: str | None
    manifest: Mapping[str, Any]


@dataclass(frozen=True)
class Options:
    """How models are scored; names and meanings are those of `lm_eval`."""

    tasks: tuple[str, ...] = ("bias_inherit_*",)
    data: str | None = None
    apply_chat_template: bool | None = None
    """None: as the adapters were trained."""
    batch_size: int = 16
    device: str | None = None
    limit: int | None = None
    stories: int | None = None
    """Stories a name; None: as the task says."""
    traits: str | None = None
    """A trait lexicon in place of ours."""
    progress: bool = True
    """Whether lm-eval shows its bars."""

    @property
    def metadata(self) -> dict[str, Any]:
        """What `lm_eval --metadata` would be given."""
        given = {"data": self.data, "stories": self.stories, "traits": self.traits}
        return {key: value for key, value in given.items() if value is not None}


def tasks_folder() -> Path:
    """Return the folder for lm-eval's `--include_path`."""
    from bias_inherit import tasks

    return Path(tasks.__file__).resolve().parent


def score(
    base: str,
    adapters: Mapping[str, Path],
    place: Callable[[str], Path],
    options: Options,
    announce: Callable[[str], None] = lambda line: None,
) -> list[Path]:
    """Score the base and each adapter by name; return their folders, `place(name)`.

    Raises:
        InputError: the base is no causal model, an adapter is none or belongs to another
            base, or a task is unknown.
    """
    check_causal(base)
    base_print = fingerprint(base)
    subjects = [Subject(BASE, None, None, {})]
    subjects += [_subject(name, path, base, base_print) for name, path in adapters.items()]
    for subject in subjects:
        store.check_place(place(subject.name))
    uses_chat = _chat_setting(subjects, options)
    quiet_lm_eval()
    manager, names = _tasks(options)
    tasks = list(manager.load(names)["tasks"].values())
    model = _Model(base, base_print, options)
    folders = []
    for i, subject in enumerate(subjects, start=1):
        announce(f"scoring {subject.name} ({i} of {len(subjects)})")
        model.wear(subject)
        out = place(subject.name)
        _score_one(model, subject, tasks, manager, out, options, uses_chat)
        folders.append(out)
    return folders


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


def _subject(name: str, path: Path, base: str, base_print: str | None) -> Subject:
    if not path.is_dir():
        raise InputError(f"{path}: no such adapter folder")
    sha256 = adapter_sha256(path)
    manifest = store.read_manifest(path) or {}
    trained_on = manifest.get("base_fingerprint")
    if trained_on is not None and base_print is not None:
        fits = trained_on == base_print
    else:
        named = str(store.read_json(path / "adapter_config.json").get("base_model_name_or_path"))
        fits = named == base or Path(named).name == Path(base).name
    if not fits:
        named = manifest.get("base") or named
        raise InputError(f"adapter {path} belongs to another base ({named}), not to {base}")
    return Subject(name, path, sha256, manifest)


def _chat_setting(subjects: Sequence[Subject], options: Options) -> bool:
    if options.apply_chat_template is not None:
        return options.apply_chat_template
    trained = {s.manifest["chat_template"] for s in subjects if "chat_template" in s.manifest}
    if len(trained) > 1:
        raise InputError(
            "some adapters were trained with the chat template and some without: score them "
            "apart, or say --apply-chat-template or --no-apply-chat-template"
        )
    return bool(trained.pop()) if trained else False


def _tasks(options: Options) -> tuple[TaskManager, list[str]]:
    from lm_eval.tasks import TaskManager

    manager = TaskManager(
        include_path=str(tasks_folder()), include_defaults=False, metadata=options.metadata
    )
    names: list[str] = []
    for pattern in options.tasks:
        matched = manager.match_tasks([pattern])
        if not matched:
            raise unknown("task", pattern, manager.all_tasks)
        names += [name for name in matched if name not in names]
    return manager, names


class _Model:
    """lm-eval's hf model, which can wear one adapter after the other."""

    def __init__(self, base: str, base_print: str | None, options: Options) -> None:
        import torch
        from lm_eval.models.huggingface import HFLM

        class AdapterLM(HFLM):  # type: ignore[misc]  # lm_eval, untyped to mypy
            """hf model whose info names the hashes of base and adapter."""

            hashes: Mapping[str, str | None]

            def loglikelihood(self, requests: Any, disable_tqdm: bool = False) -> Any:
                return super().loglikelihood(requests, disable_tqdm or not options.progress)

            def generate_until(self, requests: Any, disable_tqdm: bool = False) -> Any:
                return super().generate_until(requests, disable_tqdm or not options.progress)

            def get_model_info(self) -> dict[str, Any]:
                return {**super().get_model_info(), **self.hashes}

        self.base = base
        self.base_print = base_print
        device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.lm = AdapterLM(pretrained=base, batch_size=options.batch_size, device=device)

    def wear(self, subject: Subject) -> None:
        """Put the subject's adapter on the base; the base itself must come first."""
        self.lm.hashes = {
            "base_fingerprint": self.base_print,
            "adapter_sha256": subject.sha256,
        }
        if subject.adapter is None:
            return
        from peft import PeftModel

        path = str(subject.adapter)
        slot = f"adapter_{id(subject)}"  # torch allows no dots in a module's name
        self.lm.peft = path
        try:
            if not isinstance(self.lm._model, PeftModel):
                self.lm._model = PeftModel.from_pretrained(self.lm._model, path, adapter_name=slot)
            else:
                before = self.lm._model.active_adapter
                self.lm._model.load_adapter(path, adapter_name=slot)
                self.lm._model.set_adapter(slot)
                self.lm._model.delete_adapter(before)
        except (RuntimeError, ValueError, KeyError) as error:
            reason = str(error).strip().splitlines()[0]
            raise InputError(f"adapter {path} does not fit {self.base}: {reason}") from None
        self.lm._model.eval()


def _score_one(
    model: _Model,
    subject: Subject,
    tasks: Sequence[Any],
    manager: TaskManager,
    out: Path,
    options: Options,
    uses_chat: bool,
) -> None:
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker

    model_args = {"pretrained": model.base}
    if subject.adapter is not None:
        model_args["peft"] = str(subject.adapter)
    with store.whole_folder(out) as folder:
        tracker = EvaluationTracker(output_path=str(folder / "results.json"))
        results = simple_evaluate(
            model=model.lm,
            model_args=model_args,
            tasks=list(tasks),
            task_manager=manager,
            apply_chat_template=uses_chat,
            batch_size=options.batch_size,
            device=options.device,
            limit=options.limit,
            evaluation_tracker=tracker,
        )
        samples = results.pop("samples")
        tracker.save_results_aggregated(results=results, samples=samples)
        for task in results["configs"]:
            tracker.save_results_samples(task_name=task, samples=samples[task])
        written = sorted(path.name for path in folder.glob("results_*.json"))
        if len(written) != 1:
            raise OSError(f"lm-eval wrote no results to {folder}")
        manifest = {
            "schema": store.SCHEMA,
            "kind": "score",
            "name": subject.name,
            "base": model.base,
            "base_fingerprint": model.base_print,
            "adapter": model_args.get("peft"),
            "adapter_sha256": subject.sha256,
            "arm": subject.manifest.get("arm"),
            "results": written[0],
            "command": _command(model_args, results["configs"], options, uses_chat),
        }
        store.write_json(folder / store.MANIFEST, manifest)


def _command(
    model_args: Mapping[str, str], tasks: Mapping[str, Any], options: Options, uses_chat: bool
) -> str:
    """Return the plain lm_eval command that gives the same numbers."""
    joined = ",".join(f"{key}={value}" for key, value in model_args.items())
    words = ["lm_eval", "--model", "hf", "--model_args", joined]
    words += ["--tasks", ",".join(tasks), "--batch_size", str(options.batch_size)]
    words += ["--apply_chat_template"] if uses_chat else []
    words += ["--metadata", json.dumps(options.metadata)] if options.metadata else []
    words += ["--device", options.device] if options.device else []
    words += ["--limit", str(options.limit)] if options.limit else []
    return shlex.join(words) + ' --include_path "$(bias-inherit tasks)"'


def quiet_lm_eval() -> None:
    """Keep lm-eval's warnings, but not its hint about `--metadata`, once a task and run."""
    logging.getLogger("lm_eval.api.task").addFilter(
        lambda record: "Custom kwargs can be passed" not in record.getMessage()
    )
