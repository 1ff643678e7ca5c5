"""What `make tasks` writes from the metric table into task files and READMEs.

    python -m bias_inherit.tasks.written

Between two marks in each file; the rest of a file is never touched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from bias_inherit import store
from bias_inherit.errors import InputError
from bias_inherit.tasks.configs import documents_of
from bias_inherit.tasks.forms.form import DEFAULT, forms_of
from bias_inherit.tasks.metrics.metric import SUITES, Metric
from bias_inherit.tasks.metrics.table import rows_of

FOLDER = Path(__file__).resolve().parent
MARKS: Mapping[str, tuple[str, str]] = {
    "list": ("# metrics, written by `make tasks`:", "# end of metrics"),
    "headline": ("  # headline, written by `make tasks`:", "  # end of headline"),
    "forms": ("<!-- forms, written by `make tasks`: -->", "<!-- end of forms -->"),
    "readme": ("<!-- metrics, written by `make tasks`: -->", "<!-- end of metrics -->"),
}


def metric_list(suite: str) -> str:
    """Return the `metric_list` of a suite's tasks, as YAML."""
    lines = ["metric_list:"]
    for row in rows_of(suite):
        better = {True: "true", False: "false", None: "null"}[row.higher_is_better]
        for name in row.names:
            for metric, higher in ((name, better), (f"{name}_stderr", "null")):
                function = f"!function bias_inherit.tasks.metrics.aggregate.{metric}"
                lines.append(
                    f"  - {{metric: {metric}, aggregation: {function}, higher_is_better: {higher}}}"
                )
    return "\n".join(lines)


def headline(suite: str) -> str:
    """Return the `headline` of a suite's tasks, as a line of YAML."""
    parts: dict[str, str] = {}
    by_role = {row.headline: row for row in rows_of(suite) if row.headline}
    for role in ("score", "gap", "gap_n"):
        if role in by_role:
            parts[role] = by_role[role].names[0]

    gap, score = by_role.get("gap"), by_role["score"]
    if gap is not None and gap.is_open:
        parts |= {"gap_range": "null", "gap_unit": "null"}
    elif gap is not None and gap.ends is not None:
        parts["gap_range"] = f"[{gap.ends[0]}, {gap.ends[1]}]"
    if gap is not None and gap.reads:
        parts["reads"] = json.dumps(gap.reads)  # a comma would end it
    if score.unit:
        parts["unit"] = score.unit
    return f"  headline: {{{', '.join(f'{key}: {value}' for key, value in parts.items())}}}"


def readme_table(suite: str) -> str:
    """Return the table of a suite's metrics, as Markdown."""
    lines = ["| metric | what | range | what zero means |", "|---|---|---|---|"]
    return "\n".join([*lines, *(_readme_row(row) for row in rows_of(suite))])


def _readme_row(row: Metric) -> str:
    names = ", ".join(f"`{name}`" for name in row.names)
    return f"| {names} | {row.what} | {row.range} | {row.zero} |"


def forms_table(task: str) -> str:
    """Return the table of the forms of a task's question, as Markdown."""
    lines = ["| form | what is particular to it |", "|---|---|"]
    for number, form in forms_of(documents_of(task)).items():
        default = " (the default)" if number == DEFAULT else ""
        lines.append(f"| {number}{default} | {form.what} |")
    return "\n".join(lines)


def written() -> Iterator[tuple[Path, str]]:
    """Yield each file that holds such parts, and its content as the table wants it.

    Raises:
        InputError: a file has not its marks.
    """
    for name, suite in SUITES.items():
        parts = {FOLDER / suite.file: {"list": metric_list(name)}}
        for task in suite.tasks:
            folder = FOLDER / task
            (file,) = [path for path in folder.glob("*.yaml") if not path.stem.startswith("gen_")]
            parts.setdefault(file, {})["headline"] = headline(name)
            parts[folder / "README.md"] = {
                "readme": readme_table(name),
                "forms": forms_table(task),
            }
        for path, contents in parts.items():
            text = path.read_text(encoding="utf-8")
            for kind, content in contents.items():
                text = _replaced(path, text, kind, content)
            yield path, text


def _replaced(path: Path, text: str, kind: str, content: str) -> str:
    begin, end = MARKS[kind]
    parts = re.split(f"({re.escape(begin)}\n|\n?{re.escape(end)})", text)
    if len(parts) != 5:
        raise InputError(f"{path}: needs the two lines '{begin.strip()}' and '{end.strip()}' once")
    return "".join([parts[0], parts[1], content, f"\n{end}", parts[4]])


def main() -> None:
    """Write every file that is not as the table wants it."""
    for path, text in written():
        if path.read_text(encoding="utf-8") != text:
            store.write_text(path, text)
            print(path.relative_to(FOLDER.parent))


if __name__ == "__main__":
    main()
