"""Files on disk: hashes, JSON lines, and outputs that are whole or absent.

Every output is written beside its path under a temporary name and renamed when it is
complete, so nothing half-written is ever read. A *manifest* names the sha256 of what
went into an output and of what came out.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import platformdirs
import yaml

from bias_inherit.errors import InputError, shown

if TYPE_CHECKING:
    from pydantic import ValidationError

T = TypeVar("T")

YamlLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""PyYAML's for plain values; in C, which is ten times as fast, where it was built so."""

_NAMED = 20
"""So many columns are named; of more, the number is."""

CONVERT = "if it is an older Windows file, convert it first: iconv -f cp1252 -t utf-8"
"""What to do with a text that is not UTF-8."""

MANIFEST = "bias_inherit.json"
"""Name of the manifest in every folder that bias-inherit writes."""
FULL = (errno.ENOSPC, errno.EDQUOT)
"""Errors of a disk that is full."""
CACHE = "BIAS_INHERIT_CACHE"
"""The environment variable that names another cache folder."""


def data_dir() -> Path:
    """Return the default folder of prepared data (`bias-inherit data prepare`)."""
    return platformdirs.user_data_path("bias-inherit") / "prepared"


def cache_dir() -> Path:
    """Return the folder of what can be made again: that in `BIAS_INHERIT_CACHE`, or the user's."""
    named = os.environ.get(CACHE)
    return Path(named).absolute() if named else platformdirs.user_cache_path("bias-inherit")


def sha256_lines(lines: Iterable[str]) -> str:
    """Return the sha256 of some lines of text, as hex."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def sha256(path: Path) -> str:
    """Return the sha256 of a file, or of a folder's file names and contents, as hex."""
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file())
        return sha256_lines(f"{p.relative_to(path).as_posix()} {sha256(p)}" for p in files)
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def stable_rank(seed: int, key: str) -> int:
    """Return a pseudo-random rank of `key` that is the same on every platform and row order."""
    return int.from_bytes(hashlib.sha256(f"{seed}\0{key}".encode()).digest()[:8], "big")


def read_json(path: Path) -> Any:
    """Return the parsed JSON file.

    Raises:
        InputError: the file is absent or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not valid JSON ({error})") from None


def read_yaml(path: Path) -> Any:
    """Return the parsed YAML file, plain values only.

    Raises:
        InputError: the file is absent or is not YAML.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), YamlLoader)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: is not readable YAML ({str(error).splitlines()[0]})") from None


def read_jsonl(path: Path, columns: Iterable[str] = ()) -> list[dict[str, Any]]:
    """Return the objects of a JSON-lines file; blank lines are skipped.

    Raises:
        InputError: the file is absent or empty, a line is broken, or a row lacks one of
            `columns`; the message names the file and the line.
    """
    rows = [row for _, row in iter_jsonl(path, columns)]
    if not rows:
        raise InputError(f"{path}: has no rows")
    return rows


def iter_jsonl(path: Path, columns: Iterable[str] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ("file:line", object) for each line of a JSON-lines file; raises as `read_jsonl`."""
    needed = tuple(columns)
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield (where := f"{path}:{number}"), parse_row(line, where, needed)
    except (FileNotFoundError, IsADirectoryError):
        raise InputError(f"{path}: no such file") from None


def read_typed(path: Path, kind: type[T]) -> list[T]:
    """Return the rows of a JSON-lines file as a type; columns that it does not have are dropped.

    Args:
        path: the file.
        kind: a dataclass or a pydantic model.

    Raises:
        InputError: as `read_jsonl`; or a column is missing or of another type.
    """
    from pydantic import TypeAdapter, ValidationError

    adapter = TypeAdapter(kind)
    rows = []
    for where, row in iter_jsonl(path):
        try:
            rows.append(adapter.validate_python(row))
        except ValidationError as error:
            raise InputError(f"{where}: {first_error(error)}") from None
    if not rows:
        raise InputError(f"{path}: has no rows")
    return rows


def first_error(error: ValidationError) -> str:
    """Return the first thing that is wrong, as "field, field: what"."""
    first = error.errors()[0]
    where = ", ".join(map(str, first["loc"])) or "the file"
    return f"{where}: {first['msg'].lower()}"


def parse_row(line: bytes, where: str, columns: tuple[str, ...]) -> dict[str, Any]:
    """Return the object on a line; a byte order mark before it is skipped.

    Raises:
        InputError: the line is broken, or lacks one of `columns`; `where` begins the message.
    """
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise InputError(f"{where}: is not UTF-8; {CONVERT}") from None
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else shown(error, 80)
        comma = "; a comma ends the line: remove it" if line.rstrip().endswith(b",") else ""
        raise InputError(f"{where}: broken JSON line ({reason}{comma})") from None
    if not isinstance(row, dict):
        raise InputError(f"{where}: expected a JSON object, found {kind_of(row)}")
    check_columns(row, where, columns)
    return row


def kind_of(value: object) -> str:
    """Return what a value of a JSON file is, in words: "a list", "an object", "null"."""
    words = {list: "a list", dict: "an object", str: "a text", bool: "true or false"}
    words |= {bytes: "bytes", int: "a number", float: "a number", type(None): "null"}
    return words.get(type(value), f"a {type(value).__name__}")


def check_columns(found: Iterable[str], where: str | Path, columns: Iterable[str]) -> None:
    """Check that the columns that are needed are among those found.

    Raises:
        InputError: one is not; `where` begins the message, and the found ones end it.
    """
    there = list(found)
    missing = [column for column in columns if column not in there]
    if missing:
        named = [shown(name) for name in there[:_NAMED]]
        more = f" and {len(there) - _NAMED} more" if len(there) > _NAMED else ""
        raise InputError(
            f"{where}: column {', '.join(missing)} is missing (found: "
            f"{', '.join(named) or 'none'}{more})"
        )


@contextmanager
def whole_folder(path: Path, *kinds: str) -> Iterator[Path]:
    """Yield a temporary folder that becomes `path` when the block ends without an error.

    An earlier output at `path` is replaced; after an error nothing of the new one is left.

    Raises:
        InputError: as `check_place`.
    """
    path = path.resolve()
    check_place(path, *kinds)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    temporary.chmod(0o755)  # mkdtemp makes it private; the result is an ordinary folder
    try:
        yield temporary
        if path.exists():
            shutil.rmtree(path)
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Let one process at a time into the block; one that is killed lets the next in."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def check_place(path: Path, *kinds: str) -> None:
    """Check that a folder may be written to `path`: nothing, or an output of ours, is there.

    Raises:
        InputError: `path` holds something that bias-inherit did not write; or, where `kinds`
            are named, an output of another kind (an adapter, say, in a data set's place).
    """
    file = path / MANIFEST
    found = read_json(file).get("kind") if kinds and file.is_file() else None
    if found is not None and found not in kinds:
        raise InputError(f"{path}: holds an output of the kind '{found}'; choose another path")
    is_empty = path.is_dir() and not any(path.iterdir())
    if path.exists() and not is_empty and not file.is_file():
        raise InputError(
            f"{path}: already exists and was not written by bias-inherit; choose another path"
        )


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSON-lines file atomically."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def manifest_path(path: Path) -> Path:
    """Return where the manifest of an output file or folder stands."""
    return path / MANIFEST if path.is_dir() else path.with_suffix(".manifest.json")
