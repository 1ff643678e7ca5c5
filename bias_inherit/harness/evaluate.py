"""One call of lm-eval: a model, its tasks and its files; and the plain command for the same."""

from __future__ import annotations

import json
import logging
import os
import shlex
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bias_inherit import store
from bias_inherit.harness.loading import Asked
from bias_inherit.harness.options import Options
from bias_inherit.manifests import Score
from bias_inherit.threads import SET_BY_USER, is_small

if TYPE_CHECKING:
    from lm_eval.api.model import LM


def evaluate(
    model: str | LM,
    model_args: Mapping[str, Any],
    asked: Asked,
    options: Options,
    uses_chat: bool,
    folder: Path,
) -> list[str]:
    """Let lm-eval score and write its files; return the names of the tasks.

    Args:
        model: or the name of a kind of model of lm-eval's.
        model_args: what it was, or is to be, made from.
        asked: the tasks.
        options: how they are scored.
        uses_chat: whether prompts go through the chat template.
        folder: for the files.
    """
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker

    tracker = EvaluationTracker(output_path=str(folder / "results.json"))
    results = simple_evaluate(
        model=model,
        model_args=dict(model_args),
        tasks=list(asked.tasks),
        task_manager=asked.manager,
        apply_chat_template=uses_chat,
        batch_size=options.batch_size,
        device=options.device,
        limit=options.limit,
        evaluation_tracker=tracker,
    )
    samples, tasks = results.pop("samples"), list(results["configs"])

    tracker.save_results_aggregated(results=results, samples=samples)
    for task in tasks:
        tracker.save_results_samples(task_name=task, samples=samples[task])
    return tasks


@contextmanager
def results_folder(out: Path, before: Score | None) -> Iterator[Path]:
    """Yield a folder that becomes `out`, with what is kept there; raises as `store.whole_folder`.

    Args:
        out: where it goes.
        before: the manifest of the results that are kept.
    """
    with store.whole_folder(out) as folder:
        if before is not None:
            shutil.copytree(out, folder, dirs_exist_ok=True)
        yield folder


def new_file(folder: Path, before: Score | None) -> str:
    """Return the name of the result file that was written beside those of before."""
    known = [] if before is None else before.files
    (written,) = {path.name for path in folder.glob("results_*.json")}.difference(known)
    return written


def command(
    model: str,
    model_args: Mapping[str, Any],
    tasks: Iterable[str],
    options: Options,
    form: int | None,
    uses_chat: bool,
) -> str:
    """Return the plain lm_eval command that gives the same numbers.

    Args:
        model: the kind of model, by lm-eval's name.
        model_args: what it is made from.
        tasks: their names.
        options: how they are scored.
        form: of the questions.
        uses_chat: whether prompts go through the chat template.
    """
    metadata = options.metadata(form)
    joined = ",".join(f"{key}={value}" for key, value in model_args.items())
    if "chat_template_args" in model_args:
        joined = json.dumps(model_args)
    words = ["lm_eval", "--model", model, "--model_args", joined]
    words += ["--tasks", ",".join(tasks), "--batch_size", str(options.batch_size)]
    words += ["--apply_chat_template"] if uses_chat else []
    words += ["--metadata", json.dumps(metadata)] if metadata else []
    words += ["--device", options.device] if options.device else []
    words += ["--limit", str(options.limit)] if options.limit else []
    by_us = not os.environ.get(SET_BY_USER) and is_small(model_args.get("pretrained", ""))
    threads = f"{SET_BY_USER}=1 " if by_us else ""
    return threads + shlex.join(words) + ' --include_path "$(bias-inherit tasks)"'


def quiet_lm_eval() -> None:
    """Keep lm-eval's warnings, but not its hint about `--metadata`, once a task and run."""
    logging.getLogger("lm_eval.api.task").addFilter(
        lambda record: "Custom kwargs can be passed" not in record.getMessage()
    )
