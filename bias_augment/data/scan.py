"""Read what a mix needs of a JSON-lines file of examples, never holding its rows.

Ids, strata, where each line stands and the columns' types come from one pass over the file in
blocks, parsed by pyarrow. Whatever pyarrow could read differently from Python's own parser
(nulls, mixed types, doubled keys, two objects on a line, a broken line, …) sends the whole file
to the exact reader, which is slower and says what is wrong in which line.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from bias_inherit import store
from bias_inherit.bias_augment.data.examples import COLUMNS, cell_key, iter_examples
from bias_inherit.errors import InputError
from bias_inherit.rows import BETWEEN, WITHIN, Example, Origin

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Spans = tuple[NDArray[np.int64], NDArray[np.int64]]
    """Starts and lengths of lines."""

T = TypeVar("T")
U = TypeVar("U")

BLOCK = 1 << 23
"""Bytes that are parsed at once: some thousand rows, little memory beside the ids."""

_THREADS = 2

_ROWS = 4096
"""Rows whose types are inferred at once where the rows are Python objects."""


@dataclass(frozen=True)
class Part:
    """A file of examples of one origin: n ids and strata, and where the n lines stand.

    `starts` and `lengths` are int64 arrays of shape (n,), in bytes; a length is without the
    line end. `schema` holds the columns' types, None where they have no common type.
    """

    path: Path
    origin: Origin
    ids: list[str]
    strata: list[str]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    sha256: str
    schema: pa.Schema | None


def scan(path: Path, origin: Origin) -> Part:
    """Return what there is to know of a file of examples that must all be of one origin.

    Raises:
        InputError: as `examples.read_examples`; a row is of the other origin, or `path` is a
            pipe, which cannot be read twice.
    """
    if path.is_fifo():
        raise InputError(f"{path}: is a pipe, but a mix reads its parts twice: write it to a file")
    return _scan_blocks(path, origin) or _scan_rows(path, origin)


def check_origin(row: Example, origin: str) -> None:
    """Check that a row is of that origin.

    Raises:
        InputError: it is not.
    """
    found = row["origin"]
    if found != origin:
        raise InputError(f"row '{row['id']}' of the {origin} data has the origin '{found}'")


def _scan_rows(path: Path, origin: Origin) -> Part:
    import numpy as np

    ids: list[str] = []
    strata: list[str] = []

    def rows() -> Iterator[Example]:
        for row in iter_examples(path):
            check_origin(row, origin)
            ids.append(str(row["id"]))
            strata.append(cell_key(row))
            yield row

    schema = schema_of(rows())
    spans = np.array(list(_lines(path)), np.int64)
    return Part(path, origin, ids, strata, spans[:, 0], spans[:, 1], store.sha256(path), schema)


def _lines(path: Path) -> Iterator[tuple[int, int]]:
    """Yield where each line that is not blank begins and its length without the line end."""
    start = 0
    with path.open("rb") as stream:
        for line in stream:
            if line.strip():
                yield start, len(line.removesuffix(b"\n").removesuffix(b"\r"))
            start += len(line)


def _scan_blocks(path: Path, origin: Origin) -> Part | None:
    """Return the part, or None where anything about the file is out of the ordinary."""
    import numpy as np
    import pyarrow as pa

    ids: list[str] = []
    strata: list[str] = []
    spans: list[Spans] = []
    schema: pa.Schema | None = pa.schema([])
    digest, base = hashlib.sha256(), 0

    try:
        with path.open("rb") as stream:
            for block, (starts, lengths), table in ahead(partial(_parsed, origin), _blocks(stream)):
                ids += table["id"].to_pylist()
                strata += _strata(table)
                schema = merged_schema((schema, table.schema))
                spans.append((starts + base, lengths))
                digest.update(block)
                base += len(block)
    except (OSError, ValueError, pa.ArrowException):  # the exact reader explains it
        return None

    if not ids or len(set(ids)) < len(ids):
        return None
    starts, lengths = map(np.concatenate, zip(*spans, strict=True))
    return Part(path, origin, ids, strata, starts, lengths, digest.hexdigest(), schema)


def ahead(function: Callable[[T], U], items: Iterable[T]) -> Iterator[U]:
    """Yield the function's value of each item, in their order, worked out by threads meanwhile."""
    with ThreadPoolExecutor(_THREADS) as pool:
        waiting: deque[Future[U]] = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > _THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _parsed(origin: str, block: bytes) -> tuple[bytes, Spans, pa.Table]:
    """Return a block, where its lines stand, and its rows; raises as `_spans` and `_parse`."""
    spans, table = _spans(block), _parse(block, origin)
    if table.num_rows != len(spans[0]):
        raise ValueError
    return block, spans, table


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the stream in blocks of whole lines."""
    rest = b""
    while chunk := stream.read(BLOCK):
        block = rest + chunk
        cut = block.rfind(b"\n") + 1
        rest = block[cut:]
        if cut:
            yield block[:cut]
    if rest:
        yield rest


def _spans(block: bytes) -> Spans:
    """Return the starts and lengths of the lines of a block that are not empty.

    Each has to begin with { and to end with }. No line break inside a JSON object stands
    between those two, so as many objects as lines means one object a line.

    Raises:
        ValueError: a line does not.
    """
    import numpy as np

    view = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(view == ord("\n"))
    if not block.endswith(b"\n"):
        ends = np.append(ends, len(block))
    starts = np.append(0, ends[:-1] + 1)
    lengths = ends - starts - (view[ends - 1] == ord("\r"))
    starts, lengths = starts[lengths > 0], lengths[lengths > 0]
    first, last = view[starts], view[starts + lengths - 1]
    if not ((first == ord("{")) & (last == ord("}"))).all():
        raise ValueError
    return starts, lengths


def _parse(block: bytes, origin: str) -> pa.Table:
    """Return the rows of a block with all columns, the groups of each as plain strings.

    Raises:
        ValueError: something in it is out of the ordinary.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import json as reader

    block.decode("utf-8")  # pyarrow does not check it
    if b"\\u001" in block or b"\x1e" in block or b"\x1f" in block:
        raise ValueError  # perhaps a separator of cells in a name
    table = reader.read_json(
        pa.BufferReader(block), reader.ReadOptions(use_threads=False, block_size=len(block))
    )

    # A column or a group that a row lacks reads as null too.
    if any(name not in table.column_names or table[name].null_count for name in COLUMNS):
        raise ValueError
    if not pa.types.is_struct(table["group"].type):
        raise ValueError
    groups = table["group"].flatten()
    texts = [table[name] for name in ("id", "prompt", "completion", "label")]
    if any(column.type != pa.string() for column in (*texts, *groups)):
        raise ValueError
    if any(column.null_count for column in groups):
        raise ValueError
    floats = [column for column in table.columns if pa.types.is_floating(column.type)]
    if not all(pc.all(pc.is_finite(column.drop_null())).as_py() for column in floats):
        raise ValueError  # NaN, which is no JSON
    if pc.unique(table["origin"]).to_pylist() != [origin]:
        raise ValueError
    return table


def _strata(table: pa.Table) -> list[str]:
    """Return `examples.cell_key` of every row, equal ones as one object."""
    import pyarrow.compute as pc

    names = [field.name for field in table["group"].type.fields]
    groups = dict(zip(names, table["group"].flatten(), strict=True))
    pieces: list[pa.ChunkedArray | str] = [table["label"]]
    for name in sorted(groups):
        pieces += [f"{BETWEEN}{name}{WITHIN}", groups[name]]
    joined = pc.binary_join_element_wise(*pieces, "").combine_chunks().dictionary_encode()
    cells = joined.dictionary.to_pylist()
    return [cells[code] for code in joined.indices.to_pylist()]


def schema_of(rows: Iterable[Example]) -> pa.Schema | None:
    """Return the types of the rows' columns, or None where a column has no common type.

    All rows are read in either case.
    """
    import pyarrow as pa

    schema: pa.Schema | None = pa.schema([])
    rest = iter(rows)
    while batch := list(islice(rest, _ROWS)):
        try:
            schema = merged_schema((schema, pa.schema(pa.array(batch).type.fields)))
        except (ValueError, TypeError, OverflowError, pa.ArrowException):
            schema = None
    return schema


def merged_schema(schemas: Iterable[pa.Schema | None]) -> pa.Schema | None:
    """Return the types that hold the rows of all schemas, or None where one has none."""
    import pyarrow as pa

    merged = pa.schema([])
    for schema in schemas:
        if schema is None:
            return None
        if not merged.equals(schema):
            try:
                merged = pa.unify_schemas([merged, schema], promote_options="permissive")
            except (ValueError, pa.ArrowException):
                return None
    return merged
