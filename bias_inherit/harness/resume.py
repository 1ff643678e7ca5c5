"""What of the wanted scores is there already, under the same settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import bias_inherit
from bias_inherit import manifests, store
from bias_inherit.errors import InputError
from bias_inherit.harness.loading import Asked
from bias_inherit.harness.options import Options
from bias_inherit.manifests import Score


def settings_of(options: Options, form: int | None, **more: Any) -> dict[str, Any]:
    """Return what decides a model's numbers beside the tasks, as JSON has it.

    Args:
        options: as they were given.
        form: of the questions.
        more: what the models decide, such as hashes.
    """
    traits = None if options.traits is None else store.sha256(Path(options.traits))
    found = {
        **more,
        "metadata": options.metadata(form) | ({} if traits is None else {"traits": traits}),
        "batch_size": options.batch_size,
        "limit": options.limit,
        "device": options.device,
        "exact": options.exact,
        "versions": {"bias_inherit": bias_inherit.__version__, "lm_eval": version("lm_eval")},
    }
    return dict(json.loads(json.dumps(found, sort_keys=True)))


def rest_of(
    asked: Asked, out: Path, settings: Mapping[str, Any], announce: Callable[[str], None]
) -> tuple[Asked, Score | None]:
    """Return what is still to be scored, and the manifest of what is there, if that is kept.

    Args:
        asked: the tasks that are wanted.
        out: the folder of the results.
        settings: what decides the numbers.
        announce: told what is kept, and why something is not.
    """
    there = _there(out)
    if there is None:
        return asked, None
    keys = {*there.settings, *settings}
    other = sorted(key for key in keys if there.settings.get(key) != settings.get(key))
    other += [
        f"task {name}"
        for name, digest in asked.digests.items()
        if there.tasks.get(name, digest) != digest
    ]
    if other:
        announce(f"{out}: was scored otherwise ({', '.join(other)}), and is scored anew")
        return asked, None
    rest = [name for name in asked.digests if name not in there.tasks]
    kept = len(asked.digests) - len(rest)
    announce(f"{out}: {kept} of {len(asked.digests)} tasks are there already, and kept")
    return asked.only(rest), there


def _there(out: Path) -> Score | None:
    """Return the manifest of whole results that say how they were scored."""
    try:
        found = manifests.read(out, Score) if out.is_dir() else None
    except InputError:  # of another version
        return None
    if found is None or not found.tasks or not all((out / file).is_file() for file in found.files):
        return None
    return found
