"""`bias-inherit score`: a base and its adapters, scored by the harness."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bias_inherit.cli.app import DATA_HELP, LAB_HELP, app, say
from bias_inherit.errors import InputError

if TYPE_CHECKING:
    from bias_inherit.harness.options import Options
    from bias_inherit.harness.server import Server


@app.command()
def score(
    given: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ADAPTERS]...",
            help="Adapter folders, patterns of them, or hub ids (org/name@revision); the base is "
            "always scored.",
        ),
    ] = None,
    adapters: Annotated[
        list[str] | None,
        typer.Option(help="The same, as an option that may be given several times."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for one results folder per model.")] = Path(
        "scores"
    ),
    base: Annotated[str, typer.Option(help=LAB_HELP)] = "lab",
    tasks: Annotated[
        str, typer.Option(help="Task names or patterns, separated by commas; quote patterns.")
    ] = "bias_inherit_*",
    spill_over: Annotated[
        str | None,
        typer.Option(
            help="Score lm-eval's tasks of these kinds too, separated by commas: ability, "
            "truthfulness, safety. Those whose data cannot be had are said and left out."
        ),
    ] = None,
    data: Annotated[str | None, typer.Option(help=DATA_HELP)] = None,
    apply_chat_template: Annotated[
        bool | None, typer.Option(help="Default: as the adapters were trained.")
    ] = None,
    chat_template_args: Annotated[
        str | None,
        typer.Option(
            help='JSON for the chat template, such as {"enable_thinking": false}. '
            "Default: as the adapters were trained."
        ),
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Rows per forward pass.")] = 16,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1 …")] = None,
    limit: Annotated[int | None, typer.Option(help="Documents per task, to try it out.")] = None,
    stories: Annotated[int | None, typer.Option(help="Stories per name (default: 2).")] = None,
    forms: Annotated[
        str | None,
        typer.Option(
            help="Forms that the questions are asked in: numbers (2 or 1,3), or all. "
            "tasks/README.md says what they are."
        ),
    ] = None,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            help="Compute as lm-eval does, slowly: on a CPU in float32 the numbers equal the plain "
            "command's to the bit.",
        ),
    ] = False,
    resume: Annotated[
        bool | None,
        typer.Option(
            help="Keep what is there of the same adapter, base, settings and task versions, and "
            "score the rest. Default: yes; of a server, whose models go by name alone, no."
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Processes side by side; default: of a small model as many as cores and memory "
            "hold, where there are models for them.",
        ),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            help="Address of an OpenAI-compatible server (key: OPENAI_API_KEY), whose --models are "
            "scored in place of adapters."
        ),
    ] = None,
    models: Annotated[str | None, typer.Option(help="Of the server, separated by commas.")] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            help="Of the server's models, for log-likelihoods: folder or hub id. Without one they "
            "are asked through the chat endpoint what they write."
        ),
    ] = None,
    concurrent: Annotated[int, typer.Option(help="Requests to the server at once.")] = 8,
    traits: Annotated[
        Path | None, typer.Option(help="A trait lexicon in place of tasks/reading/traits.yaml.")
    ] = None,
) -> None:
    """Score a base and its adapters with lm-eval; the base is loaded once."""
    from bias_inherit.harness.adapters import find_adapters
    from bias_inherit.harness.options import Options
    from bias_inherit.harness.server import Server
    from bias_inherit.models import resolve_model
    from bias_inherit.runs.scored import score_into

    options = Options(
        tasks=tuple(tasks.split(",")),
        data=data,
        apply_chat_template=apply_chat_template,
        chat_template_args=chat_template_args,
        batch_size=batch_size,
        device=device,
        limit=limit,
        stories=stories,
        traits=str(traits.resolve()) if traits else None,
        forms=forms,
        exact=exact,
        spill_over=tuple(spill_over.split(",")) if spill_over else (),
        resume=server is None if resume is None else resume,
    )
    if server is not None:
        _score_server(
            Server(server, tuple((models or "").split(",")), tokenizer, concurrent),
            out,
            options,
            [*(given or ()), *(adapters or ())],
        )
        return
    if models is not None or tokenizer is not None:
        raise InputError("--models and --tokenizer are of a server: say --server URL")
    named = find_adapters([*(given or ()), *(adapters or ())])
    folders = score_into(out, resolve_model(base), named, options, say, workers)
    for folder in folders:
        say(f"results in {folder}")
    if len(folders) > 1 + len(named):
        _tell_forms(out, folders)


def _score_server(server: Server, out: Path, options: Options, adapters: list[str]) -> None:
    from bias_inherit.harness.server import score_server

    if adapters:
        raise InputError("a server's adapters are its --models: name no folders beside --server")
    if server.models == ("",):
        raise InputError("--server needs --models: the names of models that it offers")
    folders = score_server(server, lambda name: out / name, options, say)
    for folder in folders:
        say(f"results in {folder}")
    if len(folders) > len(server.models):
        _tell_forms(out, folders)


def _tell_forms(out: Path, folders: list[Path]) -> None:
    from bias_inherit.reports.forms import compare_forms
    from bias_inherit.reports.forms_markdown import to_markdown, write_forms
    from bias_inherit.reports.results import read_runs

    sections, explicit = compare_forms(read_runs(folders))
    write_forms(out, sections, explicit)
    print(to_markdown(sections, explicit), end="")
    say(f"the comparison of forms is in {out / 'forms.md'} and forms.json")
