"""`bias-inherit leaderboard`: models side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from bias_inherit.cli.app import app
from bias_inherit.errors import unknown


@app.command()
def leaderboard(
    results: Annotated[
        list[Path], typer.Argument(help="lm-eval result files, or folders of them.")
    ],
    baseline: Annotated[
        str | None, typer.Option(help="Compare with this model instead of each arm's ratio 0.")
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="Show this metric instead (may be repeated).")
    ] = None,
    forms: Annotated[
        bool,
        typer.Option("--forms", help="Compare the forms that the questions were asked in."),
    ] = False,
    output: Annotated[str, typer.Option("--format", help="markdown or json.")] = "markdown",
    out: Annotated[
        Path | None,
        typer.Option(
            help="Also write leaderboard.md and .json (of forms forms.md and .json) there."
        ),
    ] = None,
) -> None:
    """Compare models: scores and bias gaps with intervals, and their change from ratio 0."""
    from bias_inherit.reports import leaderboard as board
    from bias_inherit.reports.markdown import to_json, to_markdown, write_report
    from bias_inherit.reports.results import read_runs

    if output not in ("markdown", "json"):
        raise unknown("format", output, ("markdown", "json"))
    if forms:
        _forms(results, baseline, output, out)
        return
    sections = board.leaderboard(read_runs(results), baseline, metric or ())
    if out is not None:
        write_report(out, sections)
    if output == "json":
        print(json.dumps(to_json(sections), indent=2))
    else:
        print(to_markdown(sections), end="")


def _forms(results: list[Path], baseline: str | None, output: str, out: Path | None) -> None:
    from bias_inherit.reports.forms import compare_forms
    from bias_inherit.reports.forms_markdown import to_json, to_markdown, write_forms
    from bias_inherit.reports.results import read_runs

    sections, explicit = compare_forms(read_runs(results), baseline)
    if out is not None:
        write_forms(out, sections, explicit)
    if output == "json":
        print(json.dumps(to_json(sections, explicit), indent=2))
    else:
        print(to_markdown(sections, explicit), end="")
