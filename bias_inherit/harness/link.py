"""Make the tasks visible to plain `lm_eval`, without `--include_path`.

lm-eval knows no entry point for tasks: it looks into its own installed folder. There we
put a folder of stubs, each a line that includes one of our YAMLs by its full path.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from shutil import rmtree

import yaml

from bias_inherit import manifests, store
from bias_inherit.errors import InputError
from bias_inherit.harness.loading import tasks_folder
from bias_inherit.manifests import Manifest
from bias_inherit.tasks.configs import task_files

NAME = "bias_inherit"
KIND = "link"


def harness_tasks() -> Path:
    """Return the folder where the installed lm-eval looks for its own tasks.

    Raises:
        InputError: lm-eval is not installed.
    """
    spec = find_spec("lm_eval")
    if spec is None or spec.origin is None:
        raise InputError("lm-eval is not installed here: pip install lm-eval")
    return Path(spec.origin).parent / "tasks"


def link(harness: Path) -> tuple[Path, int]:
    """Write the stubs into the harness's folder; return the folder and how many they are.

    Raises:
        InputError: the folder exists and is not ours, or cannot be written.
    """
    folder = harness / NAME
    _check_ours(folder)
    files = [*task_files().values(), tasks_folder() / f"{NAME}.yaml"]
    try:
        with store.whole_folder(folder) as out:
            for path in files:
                store.write_text(out / path.name, yaml.safe_dump({"include": str(path)}))
            manifests.write(out / store.MANIFEST, Manifest(kind=KIND))
    except PermissionError:
        raise InputError(f"{harness}: may not be written; use --include_path instead") from None
    return folder, len(task_files())


def unlink(harness: Path) -> Path | None:
    """Remove the stubs; return their folder, or None where there were none.

    Raises:
        InputError: the folder is not ours.
    """
    folder = harness / NAME
    if not folder.exists():
        return None
    _check_ours(folder)
    rmtree(folder)
    return folder


def _check_ours(folder: Path) -> None:
    manifest = manifests.read(folder, Manifest) if folder.is_dir() else None
    if folder.exists() and (manifest is None or manifest.kind != KIND):
        raise InputError(f"{folder}: exists and was not made by `bias-inherit link`; move it away")
