"""An audit as a folder: audit.md, audit.json and audit.png, with a manifest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bias_inherit import manifests, store
from bias_inherit.reports.audit import to_json, to_markdown

if TYPE_CHECKING:
    from bias_inherit.bias_augment.audit import Audit


def write_audit(out: Path, audit: Audit) -> None:
    """Write an audit into a folder, whole or not at all.

    Raises:
        InputError: `out` holds something that is no audit of ours.
    """
    from bias_inherit.reports.audit_picture import draw  # matplotlib is slow to import

    sources = [data.source for data in (audit.augmented, audit.original) if data is not None]
    inputs = {source: store.sha256(Path(source)) for source in sources if Path(source).exists()}

    with store.whole_folder(out, "audit") as folder:
        store.write_text(folder / "audit.md", to_markdown(audit))
        store.write_json(folder / "audit.json", to_json(audit))
        draw(audit, folder / "audit.png")
        manifests.write(folder / store.MANIFEST, manifests.Audit(inputs=inputs, seed=audit.seed))
