"""The command line: `bias-inherit`. Thin: it parses, calls a room, and prints.

Exit codes: 0 fine, 1 findings (`validate`), 2 wrong use or bad input (one line on stderr).
"""

from __future__ import annotations

import logging
import sys
import warnings

from bias_inherit.cli.app import app

# isort: split
# the commands stand in the help in this order
from bias_inherit.cli import measure  # isort: split

from bias_inherit.cli import data  # isort: split

from bias_inherit.cli import inherit  # isort: split

from bias_inherit.cli import inspect  # isort: split

from bias_inherit.cli import compare  # isort: split

from bias_inherit.errors import BiasInheritError

__all__ = ["app", "compare", "data", "inherit", "inspect", "main", "measure"]


def main() -> None:
    """Run the command line; a user's mistake is one line and exit code 2."""
    # deprecations among the libraries are not for the users of a command
    warnings.filterwarnings("ignore", category=FutureWarning)
    # peft imports it, and on a CPU it tells everybody of a kernel that only QLoRA would use
    logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
    try:
        app()
    except BiasInheritError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except OSError as error:  # no permission, disk full and the like
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
