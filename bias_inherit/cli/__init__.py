"""The command line: `bias-inherit`. One file a command; each parses, calls a room, and prints.

Exit codes: 0 fine, 1 findings (`validate`), 2 wrong use or bad input (one line on stderr).
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from importlib import import_module

from bias_inherit.bars import EVERY
from bias_inherit.cli.app import app
from bias_inherit.errors import BiasInheritError, one_line

__all__ = ["app", "main"]

COMMANDS = (
    *("tasks", "link", "validate", "prepare", "score"),
    *("original", "augment", "generators"),
    *("mix", "finetune", "mitigations", "rounds", "lab"),
    *("audit", "leaderboard", "sweep", "demo"),
)
"""The files of the commands, in the order of the help."""

for _command in COMMANDS:
    import_module(f"{__name__}.{_command}")


def main() -> None:
    """Run the command line; a user's mistake is one line and exit code 2."""
    # deprecations among the libraries are not for the users of a command
    warnings.filterwarnings("ignore", category=FutureWarning)
    # peft imports it, and on a CPU it tells everybody of a kernel that only QLoRA would use
    logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)

    if not sys.stderr.isatty():  # bars of the libraries: a line now and then
        os.environ.setdefault("TQDM_MININTERVAL", str(EVERY))

    try:
        app()
    except BiasInheritError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except OSError as error:  # no permission, disk full and the like
        print(f"error: {one_line(error)}", file=sys.stderr)
        raise SystemExit(2) from None
