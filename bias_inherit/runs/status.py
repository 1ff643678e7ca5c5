"""How a run stands, arm by arm, and what the rest of it will take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bias_inherit import store
from bias_inherit.runs.arm import ArmFolder
from bias_inherit.runs.lock import holder, is_held
from bias_inherit.runs.plan import Plan
from bias_inherit.runs.stages import State
from bias_inherit.runs.sweep import arm_folders

Kind = Literal["done", "running", "stale", "failed", "waiting"]
KINDS: tuple[Kind, ...] = ("done", "running", "stale", "failed", "waiting")
NAMED = 20
"""So many arms of a kind are named; of more, the number is."""


@dataclass(frozen=True)
class Survey:
    """How the arms of a run stand.

    Attributes:
        kinds: by name.
        remarks: what is to be said of an arm, by name.
        held: who holds the folder; None where nobody does.
    """

    kinds: Mapping[str, Kind]
    remarks: Mapping[str, str]
    held: str | None

    def named(self, kind: Kind) -> list[str]:
        """Return the names of the arms of a kind."""
        return [name for name, one in self.kinds.items() if one == kind]

    def to_text(self, every: bool = False) -> str:
        """Return it in lines; `every` names the arms that are done and those that wait."""
        lines = [f"{len(self.kinds)} models, the base among them"]
        lines += [f"the folder {self.held}"] if self.held else []
        for kind in KINDS:
            names = self.named(kind)
            if names:
                lines.append(f"{kind}: {len(names)}")
            shown = names if every or kind in ("running", "stale", "failed") else []
            most = len(shown) if every else NAMED
            lines += [f"  {name}{self._remark(name)}" for name in shown[:most]]
            lines += [f"  and {len(shown) - most} more"] if len(shown) > most else []
        return "\n".join(lines) + "\n"

    def _remark(self, name: str) -> str:
        return f": {self.remarks[name]}" if name in self.remarks else ""


def survey(plan: Plan, out: Path) -> Survey:
    """Return how the arms of a plan stand in a run folder, which need not be there."""
    kinds: dict[str, Kind] = {}
    remarks: dict[str, str] = {}
    held = is_held(out)
    for name, arm in arm_folders(plan, out).items():
        kinds[name], remark = _of(arm, held)
        if remark:
            remarks[name] = remark
    return Survey(kinds, remarks, holder(out) if held else None)


def _of(arm: ArmFolder, held: bool) -> tuple[Kind, str]:
    standing = arm.standing()
    if standing is None:
        return "done", ""
    if held and arm.mark.is_file():
        return "running", standing.stage
    if arm.failure.is_file():
        return "failed", str(store.read_json(arm.failure).get("error"))
    if standing.state is State.STALE:
        return "stale", f"{standing.stage}: {', '.join(standing.changed)}"
    return "waiting", ""
