"""`bias-inherit data prepare`: public data as the documents of the full tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bias_inherit.cli.app import data_app, say


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
        Path | None,
        typer.Option(help="Your names by culture or race, and gender (hiring, story, salary)."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help='Where to (default: where `--metadata \'{"data": "full"}\'` looks).'),
    ] = None,
) -> None:
    """Turn public data, or your own names, into the documents of the full tasks."""
    from bias_inherit import store
    from bias_inherit.tasks.public.prepared import prepare_all

    folder = out or store.data_dir()
    for line in prepare_all(folder, bias_in_bios, culturellm, global_opinions, names):
        say(line)
    say(f"prepared in {folder}")
