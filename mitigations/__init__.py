"""Mitigations: ways to train on biased text that may let less of the bias through.

One file each, one small contract (`contract.Mitigation`): a mitigation may transform the examples
before training, and may add a term to the loss. Each file registers a `Recipe`: a name, a
summary, its options, and `make`, which turns options in force into a `Mitigation`. A user's own
is a .py file with a `RECIPE`, used by its path. docs/MITIGATIONS.md shows one from nothing.
"""

from bias_inherit.mitigations.contract import (
    NONE,
    AxisWords,
    GroupWords,
    Mitigation,
    Penalty,
    Tools,
    Transform,
)
from bias_inherit.mitigations.options import (
    Option,
    integer,
    number,
    parse_options,
    some_text,
    yes_no,
)
from bias_inherit.mitigations.registry import Recipe, load_mitigation, mitigations, register
from bias_inherit.rows import Example

__all__ = [
    "NONE",
    "AxisWords",
    "Example",
    "GroupWords",
    "Mitigation",
    "Option",
    "Penalty",
    "Recipe",
    "Tools",
    "Transform",
    "integer",
    "load_mitigation",
    "mitigations",
    "number",
    "parse_options",
    "register",
    "some_text",
    "yes_no",
]
