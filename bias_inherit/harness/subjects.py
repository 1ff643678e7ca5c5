"""The models that are scored: a base and adapters on it, and how their questions are put."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bias_inherit import manifests, store
from bias_inherit.chat import template_args
from bias_inherit.errors import InputError
from bias_inherit.harness.options import Options
from bias_inherit.manifests import Adapter
from bias_inherit.models import (
    ADAPTER_CONFIG,
    BASE_PATH,
    adapter_sha256,
    fingerprint,
    is_same_base,
)


@dataclass(frozen=True)
class Subject:
    """A model to score: the base itself (no adapter), or an adapter on it."""

    name: str
    adapter: Path | None = None
    sha256: str | None = None
    manifest: Adapter = field(default_factory=Adapter)


def settled(base: str, adapters: Mapping[str, Path], options: Options) -> Options:
    """Return options that say of the chat template what they left to the adapters.

    Args:
        base: folder or hub id of a causal model.
        adapters: peft folders by name.
        options: how models are scored.

    Raises:
        InputError: one is no adapter, belongs to another base, or was trained otherwise than the
            others.
    """
    subjects = subjects_of(base, fingerprint(base), adapters, lambda line: None)
    if not chat_setting(subjects, options):
        return replace(options, apply_chat_template=False)
    written = json.dumps(dict(written_args(subjects, options)))
    return replace(options, apply_chat_template=True, chat_template_args=written)


def subjects_of(
    base: str,
    base_print: str | None,
    adapters: Mapping[str, Path],
    announce: Callable[[str], None],
) -> list[Subject]:
    """Return the adapters to score; as `_subject`."""
    return [_subject(name, path, base, base_print, announce) for name, path in adapters.items()]


def _subject(
    name: str,
    path: Path,
    base: str,
    base_print: str | None,
    announce: Callable[[str], None],
) -> Subject:
    """Return an adapter to score; where names alone speak against it, the user is told.

    Args:
        name: of its results.
        path: its folder.
        base: folder or hub id of the base that it is to be scored on.
        base_print: that base's fingerprint.
        announce: told the warning.

    Raises:
        InputError: the folder is not an adapter, or of a base with another fingerprint.
    """
    if not path.is_dir():
        raise InputError(f"{path}: no such adapter folder")
    sha256 = adapter_sha256(path)
    manifest = manifests.read(path, Adapter) or Adapter()

    is_same = is_same_base(manifest.base_fingerprint, base_print)
    if is_same is False:
        raise InputError(f"adapter {path} belongs to another base ({manifest.base}), not to {base}")

    named = store.read_json(path / ADAPTER_CONFIG).get(BASE_PATH) or manifest.base
    if is_same is None and model_name(named) != model_name(base):
        told = f"names another base ({named})" if named else "does not name its base"
        announce(f"warning: adapter {path} {told}; its tensors are tried on {base}")
    return Subject(name, path, sha256, manifest)


def model_name(model: str | None) -> str:
    """Return the last part of a hub id or folder; of a cached snapshot, that of its model."""
    whole = str(model or "").rstrip("/")
    cached = re.search(r"models--([^/]+)/snapshots/", f"{whole}/")
    return (cached[1].replace("--", "/") if cached else whole).rpartition("/")[2]


def chat_setting(subjects: Sequence[Subject], options: Options) -> bool:
    """Return whether questions go through the chat template.

    Raises:
        InputError: the options leave it to the adapters, and they differ.
    """
    if options.apply_chat_template is not None:
        return options.apply_chat_template
    known = {subject.manifest.chat_template for subject in subjects} - {None}
    if len(known) > 1:
        raise InputError(
            "some adapters were trained with the chat template and some without: score them "
            "apart, or say --apply-chat-template or --no-apply-chat-template"
        )
    return bool(known.pop()) if known else False


def written_args(subjects: Sequence[Subject], options: Options) -> Mapping[str, Any]:
    """Return the arguments of the chat template.

    Raises:
        InputError: the options leave them to the adapters, and they differ.
    """
    if options.chat_template_args is not None:
        return template_args(options.chat_template_args)
    adapters = [subject.manifest for subject in subjects if subject.manifest.chat_template]
    known = [manifest.chat_template_args for manifest in adapters]
    if any(args != known[0] for args in known):
        raise InputError(
            "the adapters were trained with different chat-template-args: score them apart, or "
            "say --chat-template-args"
        )
    return known[0] if known else {}
