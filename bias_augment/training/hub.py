"""Adapters on the Hugging Face hub, by the hub's own client."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from bias_inherit import store
from bias_inherit.bias_augment.training.adapter_card import (
    README,
    adapter_card,
    adapter_manifest,
    title,
)
from bias_inherit.bias_augment.training.card_facts import base_name
from bias_inherit.bias_augment.training.card_values import last_part, without_folders
from bias_inherit.errors import InputError
from bias_inherit.manifests import Adapter
from bias_inherit.models import ADAPTER_CONFIG, BASE_PATH


def push(adapter: Path, repo_id: str, private: bool) -> str:
    """Upload an adapter's folder to the Hugging Face hub and return the address of its repository.

    What goes there names the base and the data as the card does, without this machine's paths.
    Endpoint and token are huggingface_hub's own (`HF_ENDPOINT`, `HF_TOKEN`, `hf auth login`). A
    repository that is not there is made. A folder without a card gets one first.

    Raises:
        InputError: the folder is not an adapter with a manifest of ours, the hub refuses or cannot
            be reached, or `private` is asked for and the repository exists and is public.
    """
    from huggingface_hub import HfApi

    manifest = adapter_manifest(adapter)
    if not (adapter / README).is_file():
        store.write_text(adapter / README, adapter_card(manifest))
    api = HfApi()
    try:
        address = api.create_repo(repo_id, private=private, exist_ok=True)
        is_public = private and not api.model_info(address.repo_id).private
        if not is_public:
            with TemporaryDirectory() as scratch:
                folder = _without_paths(adapter, manifest, Path(scratch) / "adapter")
                api.upload_folder(
                    repo_id=address.repo_id, folder_path=folder, commit_message=title(manifest)
                )
    except Exception as error:  # the client raises httpx's, xet's and plain ones beside its own
        raise InputError(_refused(adapter, repo_id, api.endpoint, error)) from None
    if is_public:
        raise InputError(
            f"{repo_id}: already exists and is public; make it private first, or push to another"
        )
    return str(address)


def _without_paths(adapter: Path, manifest: Adapter, out: Path) -> Path:
    """Copy an adapter to `out`, with names in place of paths in its two JSON files."""
    shutil.copytree(adapter, out)
    base, _ = base_name(manifest)
    told = without_folders(manifest.to_json()) | {"base": base}
    if manifest.data:
        told["data"] = last_part(manifest.data)
    store.write_json(out / store.MANIFEST, told)
    config = store.read_json(out / ADAPTER_CONFIG)
    store.write_json(out / ADAPTER_CONFIG, config | {BASE_PATH: base})
    return out


def _refused(adapter: Path, repo_id: str, endpoint: str, error: Exception) -> str:
    """Return one line on why the hub did not take it, without the token."""
    from huggingface_hub import get_token

    status = getattr(getattr(error, "response", None), "status_code", None)
    told = getattr(error, "server_message", None) if status else error
    reason = " ".join(str(told or type(error).__name__).split())
    if token := get_token():
        reason = reason.replace(token, "***")
    reason = f"it answered {status}: {reason[:200]}" if status else reason[:200]

    if status in (401, 403):
        now = f"log in with `hf auth login`, or set HF_TOKEN to one that may write to {repo_id}"
    elif status is not None:
        now = "see to the name, or try again later"
    elif isinstance(error, ValueError):
        now = "see to the name (owner/name) and to the front matter of the card"
    else:
        now = "see to the network and to HF_ENDPOINT, and try again"
    return f"{adapter}: was not pushed to {repo_id} at {endpoint} ({reason}): {now}"
