"""Which results can be compared, and the difference that forbids it."""

from __future__ import annotations

from bias_inherit.reports.results import TaskResult, conditions

_SHORT = 40
"""Longer texts, and hashes, are not told but only said to differ."""


def difference(result: TaskResult, other: TaskResult) -> str | None:
    """Return in what two results of a task differ that a comparison needs alike; None: nothing.

    What one of the files does not say is not held against it.
    """
    here, there = conditions(result), conditions(other)
    for name in here:
        if here[name] != there.get(name, ""):
            told = _told(name, here[name], there.get(name, ""))
            if told:
                return told

    for key in ("source", "sha256"):
        mine, theirs = result.provenance.get(key), other.provenance.get(key)
        if mine != theirs:
            return (
                f"documents differ ({mine} against {theirs})"
                if key == "source"
                else ("documents differ")
            )
    if None not in (result.n, other.n) and result.n != other.n:
        return f"n {result.n} against {other.n}"
    return None


def _told(name: str, here: str, there: str) -> str | None:
    if name == "shots":
        return f"{here}-shot against {there}-shot" if here and there else None
    if name == "task version" and not (here and there):
        return None
    if name in ("chat template", "system instruction", "few-shot as turns"):
        if here and there:
            return f"another {name}"
        return f"{'with' if here else 'without'} {name} against {'with' if there else 'without'}"
    if max(len(here), len(there)) > _SHORT:
        return f"{name} differ" if name.endswith("s") else f"{name} differs"
    return f"{name} {here or 'unset'} against {there or 'unset'}"
