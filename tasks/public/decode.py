"""A file's bytes as text: unpacked, and by the encoding that it is marked with."""

from __future__ import annotations

import codecs
import gzip
import zlib
from pathlib import Path

from bias_inherit import store
from bias_inherit.errors import InputError

_GZIP = b"\x1f\x8b"
_MARKS = {  # the longer ones first: UTF-32's begins with UTF-16's
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_bytes(path: Path) -> bytes:
    """Return a file's content, unpacked where it is gzipped (by its name or its first bytes).

    Raises:
        InputError: its compression is broken.
    """
    content = path.read_bytes()
    if not content.startswith(_GZIP) and not path.name.lower().endswith(".gz"):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: is not a whole gzip file ({error})") from None


def is_plain(path: Path) -> bool:
    """Return whether a file can be read line by line: neither packed nor UTF-16 or UTF-32."""
    with path.open("rb") as stream:
        begin = stream.read(4)
    return not begin.startswith((_GZIP, *_MARKS)) and not path.name.lower().endswith(".gz")


def read_text(path: Path) -> str:
    """Return a file's text; a byte order mark before it is skipped.

    Raises:
        InputError: it is neither UTF-8 nor marked as UTF-16 or UTF-32, or cannot be unpacked.
    """
    content = read_bytes(path)
    marked = next((name for mark, name in _MARKS.items() if content.startswith(mark)), None)
    if marked is None and b"\0" in content[:1000]:
        raise InputError(
            f"{path}: has zero bytes, as UTF-16 has: if it is text, convert it first: "
            "iconv -f utf-16le -t utf-8"
        )
    try:
        return content.decode(marked or "utf-8-sig")
    except UnicodeDecodeError as error:
        if marked:
            raise InputError(f"{path}: is not whole {marked} (byte {error.start})") from None
        raise InputError(f"{path}: is not UTF-8 (byte {error.start}); {store.CONVERT}") from None
