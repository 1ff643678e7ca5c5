"""bias-inherit: measure, make and guard against bias inheritance.

The suite follows the experiment of arXiv 2502.04419 (Understanding and Mitigating Bias
Inheritance in LLM-based Data Augmentation on Downstream Tasks). Importing this package
is cheap; torch, transformers and lm-eval are imported by the functions that need them.
docs/API.md shows the public names at work.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bias_inherit.api import (
        Leaderboard,
        audit,
        augment,
        draw_original,
        finetune,
        leaderboard,
        load_results,
        mix,
        score,
        sweep,
    )
    from bias_inherit.arms import Arm
    from bias_inherit.bias_augment.training.settings import Settings
    from bias_inherit.errors import BiasInheritError, InputError
    from bias_inherit.rows import Example

__version__ = version("bias-inherit")

__all__ = [
    "Arm",
    "BiasInheritError",
    "Example",
    "InputError",
    "Leaderboard",
    "Settings",
    "__version__",
    "audit",
    "augment",
    "draw_original",
    "finetune",
    "leaderboard",
    "load_results",
    "mix",
    "score",
    "sweep",
]

_WHERE = {
    "Arm": "arms",
    "BiasInheritError": "errors",
    "Example": "rows",
    "InputError": "errors",
    "Settings": "bias_augment.training.settings",
}
"""Where a public name stands that is not in `api`."""


def __getattr__(name: str) -> Any:  # of a module: whatever the name stands for
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    value = getattr(import_module(f"{__name__}.{_WHERE.get(name, 'api')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
