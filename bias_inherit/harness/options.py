"""How models are scored."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Options:
    """How models are scored; names and meanings are those of `lm_eval`."""

    tasks: tuple[str, ...] = ("bias_inherit_*",)
    data: str | None = None
    apply_chat_template: bool | None = None
    """None: as the adapters were trained."""
    chat_template_args: str | None = None
    """JSON, such as {"enable_thinking": false}; None: as the adapters were trained."""
    batch_size: int = 16
    device: str | None = None
    limit: int | None = None
    stories: int | None = None
    """Stories a name; None: as the task says."""
    traits: str | None = None
    """A trait lexicon in place of ours."""
    forms: str | None = None
    """Forms that the questions are asked in, such as "2" or "1,3", or "all"; None: the default."""
    exact: bool = False
    """Whether lm-eval's own way computes every number, without what is faster."""
    spill_over: tuple[str, ...] = ()
    """Kinds of lm-eval's tasks that are scored too: ability, truthfulness, safety."""
    resume: bool = False
    """Whether what was scored under the same settings is kept, and only the rest is scored."""
    progress: bool = True
    """Whether lm-eval shows its bars."""

    def metadata(self, form: int | None = None) -> dict[str, str | int]:
        """Return what `lm_eval --metadata` would be given."""
        given = {"data": self.data, "stories": self.stories, "traits": self.traits, "form": form}
        return {key: value for key, value in given.items() if value is not None}

    def to_json(self) -> dict[str, Any]:
        """Return what a run writes down of them, as JSON has it.

        What came later is there where it was asked for, so that older runs go on.
        """
        found = {**asdict(self), "tasks": list(self.tasks), "spill_over": list(self.spill_over)}
        del found["resume"]
        later = {"exact": False, "spill_over": []}
        return {key: one for key, one in found.items() if key not in later or one != later[key]}
