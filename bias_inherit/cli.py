"""The command line: `bias-inherit`. Thin: it parses, calls a room, and prints.

Exit codes: 0 fine, 2 wrong use or bad input (one line on stderr).
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from bias_inherit import __version__
from bias_inherit.errors import BiasInheritError, InputError, unknown

app = typer.Typer(
    help="Measure, make and guard against bias inheritance in language models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="The full public data.", no_args_is_help=True)
app.add_typer(data_app, name="data")

LAB_HELP = "A transformers causal model (folder or hub id), or 'lab' for the built-in toy model."
DATA_HELP = "'mini', 'full', or a folder that `bias-inherit data prepare` wrote."


def main() -> None:
    """Run the command line; a user's mistake is one line and exit code 2."""
    # deprecations among the libraries are not for the users of a command
    warnings.filterwarnings("ignore", category=FutureWarning)
    try:
        app()
    except BiasInheritError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except OSError as error:  # no permission, disk full and the like
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


@app.command()
def tasks(
    names: Annotated[bool, typer.Option("--list", help="List the tasks instead.")] = False,
) -> None:
    """Print the folder for lm_eval's --include_path."""
    from bias_inherit.score import tasks_folder
    from bias_inherit.tasks.prompts import task_names

    if names:
        print("\n".join(f"bias_inherit_{name}" for name in task_names()))
    else:
        print(tasks_folder())


@app.command()
def link(
    undo: Annotated[bool, typer.Option("--undo", help="Remove the stubs again.")] = False,
) -> None:
    """Show the tasks to plain `lm_eval --tasks 'bias_inherit_*'`: writes into the harness."""
    from bias_inherit import link as linking

    harness = linking.harness_tasks()
    if undo:
        removed = linking.unlink(harness)
        _say(f"removed {removed}" if removed else f"nothing to undo in {harness}")
        return
    folder, many = linking.link(harness)
    _say(f"{many} tasks are now visible to plain lm_eval, by stubs in {folder}")
    _say(
        "this touched the installed lm-eval: repeat it after an upgrade of lm-eval or of "
        "bias-inherit; `bias-inherit link --undo` takes it back"
    )


@app.command()
def validate(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder of lm-eval tasks (default: ours).")
    ] = None,
    metadata: Annotated[
        str | None, typer.Option(help="JSON, as lm_eval --metadata; for example which data.")
    ] = None,
) -> None:
    """Read every task YAML strictly, build it, render a document and score an answer.

    Exit code 1 where something is wrong, one line a finding.
    """
    from rich.console import Console

    from bias_inherit.score import quiet_lm_eval, tasks_folder
    from bias_inherit.validate import validate as check

    try:
        settings = json.loads(metadata or "{}")
    except json.JSONDecodeError as error:
        raise InputError(f"--metadata is no JSON ({error})") from None
    quiet_lm_eval()
    with Console(stderr=True).status("reading") as status:
        names, findings = check(folder or tasks_folder(), settings, status.update)
    for finding in findings:
        print(finding)
    _say(f"{len(names)} tasks and groups checked, {len(findings)} findings")
    if findings:
        raise typer.Exit(1)


@app.command()
def lab(
    rebuild: Annotated[bool, typer.Option(help="Train it again (about three minutes).")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Where to (default: in place of the shipped one).")
    ] = None,
) -> None:
    """Print the folder of the built-in toy base model."""
    from bias_inherit.bias_augment.lab import build, lab_model

    if rebuild:
        build(out or lab_model())
    elif out is not None:
        raise InputError("--out is only for --rebuild")
    print(out or lab_model())


@data_app.command()
def prepare(
    bias_in_bios: Annotated[
        str | None,
        typer.Option(help="BiasinBios: hub id LabHC/bias_in_bios, or a .jsonl, .csv, .parquet."),
    ] = None,
    culturellm: Annotated[
        Path | None, typer.Option(help="A checkout of github Scarelette/CultureLLM.")
    ] = None,
    global_opinions: Annotated[
        str | None,
        typer.Option(help="GlobalOpinionQA: hub id Anthropic/llm_global_opinions, or its .csv."),
    ] = None,
    names: Annotated[
        Path | None, typer.Option(help="Your names by culture and gender (hiring, story).")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help='Where to (default: where `--metadata \'{"data": "full"}\'` looks).'),
    ] = None,
) -> None:
    """Turn public data, or your own names, into the documents of the full tasks."""
    from bias_inherit import store
    from bias_inherit.tasks.prepare import (
        prepare_biographies,
        prepare_culture,
        prepare_names,
        prepare_survey,
    )

    if not any((bias_in_bios, culturellm, global_opinions, names)):
        raise InputError(
            "nothing to prepare: give --bias-in-bios, --culturellm, --global-opinions or --names"
        )
    folder = out or store.data_dir()
    if bias_in_bios is not None:
        _say_counts(prepare_biographies(bias_in_bios, folder))
    if culturellm is not None:
        counts, absent, few = prepare_culture(culturellm, folder)
        _say_counts(counts)
        for path in absent:
            _say(f"not in the checkout, left out: {path}")
        for line in few:
            _say(line)
    if global_opinions is not None:
        _say_counts(prepare_survey(global_opinions, folder))
    if names is not None:
        _say_counts(prepare_names(names, folder))
    _say(f"prepared in {folder}")


def _say_counts(counts: dict[str, int]) -> None:
    for name, n in counts.items():
        _say(f"{name}: {n} documents")


@app.command()
def original(
    out: Annotated[Path, typer.Option(help="JSON lines to write.")],
    axis: Annotated[str, typer.Option(help="The axis.")] = "gender",
    data: Annotated[str | None, typer.Option(help=DATA_HELP)] = None,
    per_cell: Annotated[int, typer.Option(help="Rows of each label and group.")] = 300,
    seed: int = 0,
) -> None:
    """Draw the original data D_o of an axis."""
    from bias_inherit.bias_augment.axes import load_axis
    from bias_inherit.bias_augment.originals import draw_original
    from bias_inherit.experiment import write_examples

    rows = draw_original(load_axis(axis), data, per_cell, seed)
    write_examples(out, rows, {"kind": "original", "axis": axis, "seed": seed})
    _say(f"{len(rows)} original rows in {out}")


@app.command()
def augment(
    original: Annotated[Path, typer.Option(help="D_o, whose rows are the seeds.")],
    bias_type: Annotated[
        str, typer.Option(help="Such as contextual-single-explicit, neutral, or the set six.")
    ],
    out: Annotated[Path, typer.Option(help="JSON lines to write; for a set, a folder of them.")],
    n: Annotated[int | None, typer.Option("-n", help="Rows (default: as many as D_o).")] = None,
    axis: Annotated[str, typer.Option(help="The axis.")] = "gender",
    generator: Annotated[
        str, typer.Option(help="'template', 'local' with --model, or 'openai' (any such server).")
    ] = "template",
    model: Annotated[
        str | None, typer.Option(help=f"{LAB_HELP} With openai: the server's name of the model.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Such as http://127.0.0.1:8000/v1; key: OPENAI_API_KEY.")
    ] = None,
    concurrency: Annotated[int, typer.Option(help="Requests in flight (openai).")] = 16,
    seed: int = 0,
) -> None:
    """Write augmented data D_a of a bias type, or of each of a set."""
    from rich.progress import Progress

    from bias_inherit.bias_augment.augment import augment as write
    from bias_inherit.bias_augment.augment import build_requests
    from bias_inherit.bias_augment.axes import load_axis
    from bias_inherit.bias_augment.bias_types import expand
    from bias_inherit.bias_augment.examples import read_examples
    from bias_inherit.experiment import write_augmented

    names = expand(bias_type)
    writer = _generator(generator, model, seed, base_url, concurrency, out)
    rows = read_examples(original)
    wanted = n if n is not None else len(rows)
    social = load_axis(axis)
    asked = {t: build_requests(social, t, rows, wanted, seed, writer.name) for t in names}
    for name, requests in asked.items():
        with Progress(transient=True) as progress:
            bar = progress.add_task(f"writing {name} with {writer.name}", total=len(requests))
            result = write(requests, writer, partial(_completed, progress, bar))
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(result.failed.items()))
        if not result.examples:
            raise InputError(
                f"none of the {wanted} replies of {writer.name} could be used: {kinds}"
            )
        file = out if name == bias_type else out / f"{name}.jsonl"
        write_augmented(file, result, name)
        _say(
            f"{len(result.examples)} augmented rows in {file}"
            + (f" (not used: {kinds})" if kinds else "")
        )


def _completed(progress: Any, bar: Any, done: int) -> None:
    progress.update(bar, completed=done)


def _generator(
    kind: str, model: str | None, seed: int, base_url: str | None, concurrency: int, out: Path
) -> Any:
    from bias_inherit.bias_augment.generators.local import LocalGenerator
    from bias_inherit.bias_augment.generators.server import ServerGenerator
    from bias_inherit.bias_augment.generators.template import TemplateGenerator

    if kind == "template":
        return TemplateGenerator()
    if kind not in ("local", "openai"):
        raise unknown("generator", kind, ("template", "local", "openai"))
    if model is None:
        raise InputError(f"the generator '{kind}' needs --model")
    if kind == "local":
        return LocalGenerator(_base(model), seed=seed)
    if base_url is None:
        raise InputError("the generator 'openai' needs --base-url")
    if concurrency < 1:
        raise InputError(f"concurrency must be at least 1, not {concurrency}")
    record = out.with_name(f"{out.name}.replies.jsonl")
    return ServerGenerator(model, base_url, record, concurrency, seed=seed)


@app.command()
def mix(
    original: Annotated[Path, typer.Option(help="D_o.")],
    ratio: Annotated[str, typer.Option(help="Bias ratio |D_a| / |D|: 0.2, 20% or 1/5.")],
    out: Annotated[Path, typer.Option(help="JSON lines to write.")],
    augmented: Annotated[Path | None, typer.Option(help="D_a (not needed for ratio 0).")] = None,
    size: Annotated[str, typer.Option(help="original-fixed or total-fixed.")] = "original-fixed",
    seed: int = 0,
) -> None:
    """Mix original and augmented data at an exact bias ratio."""
    from bias_inherit.bias_augment import mix as mixing
    from bias_inherit.bias_augment.examples import read_examples
    from bias_inherit.experiment import write_mix

    exact = mixing.parse_ratio(ratio)
    if size not in mixing.SIZES:
        raise unknown("size", size, mixing.SIZES)
    if augmented is None and exact:
        raise InputError(f"a bias ratio of {ratio} needs --augmented")
    added = read_examples(augmented) if augmented is not None else []
    rows = mixing.mix(read_examples(original), added, exact, size, seed)  # type: ignore[arg-type]
    write_mix(out, rows, exact, size, seed)  # type: ignore[arg-type]
    many = sum(row["origin"] == "augmented" for row in rows)
    _say(f"{len(rows)} rows in {out}: {len(rows) - many} original, {many} augmented")


@app.command()
def finetune(
    data: Annotated[Path, typer.Option(help="A mix, or any JSON lines of the same columns.")],
    out: Annotated[Path, typer.Option(help="Adapter folder to write.")],
    base: Annotated[str, typer.Option(help=LAB_HELP)] = "lab",
    mitigation: Annotated[str, typer.Option(help="none or mask.")] = "none",
    rank: Annotated[int, typer.Option(help="LoRA rank.")] = 16,
    alpha: Annotated[int, typer.Option(help="LoRA alpha.")] = 32,
    targets: Annotated[str, typer.Option(help="LoRA target modules.")] = "all-linear",
    learning_rate: Annotated[
        float | None, typer.Option(help="Default: 1e-4; on the lab 3e-3.")
    ] = None,
    epochs: Annotated[float | None, typer.Option(help="Default: 3; on the lab 10.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Default: 8; on the lab 16.")] = None,
    accumulation: Annotated[int, typer.Option(help="Gradient accumulation steps.")] = 1,
    max_length: Annotated[
        int | None, typer.Option(help="Cut longer rows from the left to so many tokens.")
    ] = None,
    chat_template: Annotated[str, typer.Option(help="auto, always or never.")] = "auto",
    seed: int = 0,
) -> None:
    """Fine-tune a LoRA adapter on a mix; the loss falls on the completions alone."""
    from dataclasses import replace

    from bias_inherit.bias_augment.finetune import Settings
    from bias_inherit.bias_augment.finetune import finetune as train
    from bias_inherit.bias_augment.lab import NAME, SETTINGS
    from bias_inherit.mitigations import load_mitigation

    if chat_template not in ("auto", "always", "never"):
        raise unknown("chat template setting", chat_template, ("auto", "always", "never"))
    given = {"learning_rate": learning_rate, "epochs": epochs, "batch_size": batch_size}
    settings = replace(
        SETTINGS if base == NAME else Settings(),
        rank=rank,
        alpha=alpha,
        targets=targets,
        accumulation=accumulation,
        max_length=max_length,
        chat_template=chat_template,  # type: ignore[arg-type]
        seed=seed,
        **{key: value for key, value in given.items() if value is not None},  # type: ignore[arg-type]
    )
    manifest = train(_base(base), data, out, load_mitigation(mitigation), settings)
    _say(f"adapter in {out}: {manifest['rows']} rows, loss {manifest['training_loss']:.3f}")


@app.command()
def score(
    adapters: Annotated[
        list[Path] | None, typer.Argument(help="Adapter folders; the base is always scored.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for a folder of results a model.")] = Path(
        "scores"
    ),
    base: Annotated[str, typer.Option(help=LAB_HELP)] = "lab",
    tasks: Annotated[
        str, typer.Option(help="Task names or patterns, separated by commas; quote patterns.")
    ] = "bias_inherit_*",
    data: Annotated[str | None, typer.Option(help=DATA_HELP)] = None,
    apply_chat_template: Annotated[
        bool | None, typer.Option(help="Default: as the adapters were trained.")
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Rows a forward pass.")] = 16,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1 …")] = None,
    limit: Annotated[int | None, typer.Option(help="Documents a task, to try it out.")] = None,
    stories: Annotated[int | None, typer.Option(help="Stories a name (default: 2).")] = None,
    traits: Annotated[
        Path | None, typer.Option(help="A trait lexicon in place of tasks/traits.yaml.")
    ] = None,
) -> None:
    """Score a base and its adapters with lm-eval; the base is loaded once."""
    from bias_inherit.score import Options, name_adapters
    from bias_inherit.score import score as run

    options = Options(
        tasks=tuple(tasks.split(",")),
        data=data,
        apply_chat_template=apply_chat_template,
        batch_size=batch_size,
        device=device,
        limit=limit,
        stories=stories,
        traits=str(traits.resolve()) if traits else None,
    )
    named = name_adapters(adapters or [])
    for folder in run(_base(base), named, lambda name: out / name, options, _say):
        _say(f"results in {folder}")


@app.command()
def leaderboard(
    results: Annotated[
        list[Path], typer.Argument(help="lm-eval result files, or folders of them.")
    ],
    baseline: Annotated[
        str | None, typer.Option(help="Compare with this model instead of each arm's ratio 0.")
    ] = None,
    output: Annotated[str, typer.Option("--format", help="markdown or json.")] = "markdown",
    out: Annotated[
        Path | None, typer.Option(help="Also write leaderboard.md and .json there.")
    ] = None,
) -> None:
    """Compare models: scores and bias gaps with intervals, and change from ratio 0."""
    from bias_inherit.experiment import write_report
    from bias_inherit.reports import leaderboard as board
    from bias_inherit.reports.results import read_runs

    if output not in ("markdown", "json"):
        raise unknown("format", output, ("markdown", "json"))
    sections = board.leaderboard(read_runs(results), baseline)
    if out is not None:
        write_report(out, sections)
    if output == "json":
        print(json.dumps(board.to_json(sections), indent=2))
    else:
        print(board.to_markdown(sections), end="")


@app.command()
def demo(
    data: Annotated[
        Path | None,
        typer.Option(help="Real data: a folder with bias_in_bios/ and CultureLLM/."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder (default: a new one under runs/).")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Documents a task.")] = None,
    seed: int = 0,
) -> None:
    """Show the whole line in a toy world: fine-tune on biased mixes, score, compare."""
    # the stages are the progress here; a bar for each of their loops would bury them
    os.environ.setdefault("TQDM_DISABLE", "1")
    folder = out or Path("runs") / f"demo-{datetime.now():%Y%m%d-%H%M%S}"
    with _stages() as announce:
        announce("loading libraries")
        from bias_inherit.demo import NOTICE
        from bias_inherit.demo import demo as run
        from bias_inherit.reports.leaderboard import to_markdown

        sections = run(folder, data, limit, seed, announce)
        announce(f"done; everything is in {folder}")
    print(f"\n{to_markdown(sections)}\n{NOTICE}")


def _base(name: str) -> str:
    """Return the base's folder or hub id; 'lab' is the built-in toy model."""
    from bias_inherit.bias_augment.lab import NAME, lab_model

    return str(lab_model()) if name == NAME else name


def _say(line: str) -> None:
    print(line, file=sys.stderr)


@contextmanager
def _stages() -> Iterator[Callable[[str], None]]:
    """Yield a function that says which stage begins, with the time so far and a spinner."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    begin = time.monotonic()

    def announce(line: str) -> None:
        console.print(f"[{time.monotonic() - begin:4.0f} s] {line}")
        status.update(Text(line))

    with console.status("") as status:
        yield announce
