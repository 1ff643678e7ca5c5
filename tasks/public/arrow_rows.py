"""Parquet files, and what `datasets` loads: folders in the hub's layout, and hub ids."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bias_inherit import store
from bias_inherit.errors import InputError
from bias_inherit.tasks.public.decode import read_bytes

Located = tuple[str, Mapping[str, Any]]
"""(file, or split, and number; row)."""

_BATCH = 1000


def read_parquet(path: Path, columns: Sequence[str]) -> Iterator[Located]:
    """Yield the wanted columns of a parquet file, which may be gzipped as a whole.

    Raises:
        InputError: it is no parquet, or a column is missing or there twice.
    """
    import pyarrow as pa
    from pyarrow import parquet

    packed = path.name.lower().endswith(".gz")
    try:
        file = parquet.ParquetFile(io.BytesIO(read_bytes(path)) if packed else str(path))
        names = file.schema_arrow.names
        store.check_columns(names, path, columns)
        if twice := [column for column in columns if names.count(column) > 1]:
            raise InputError(f"{path}: column {', '.join(twice)} is there twice: rename one")

        places = [names.index(column) for column in columns]
        number = 0
        for batch in file.iter_batches(_BATCH):
            cells = [batch.column(place).to_pylist() for place in places]
            for row in zip(*cells, strict=True):
                yield f"{path}: row {number}", dict(zip(columns, row, strict=True))
                number += 1
    except (pa.ArrowException, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: is not a readable parquet file ({reason})") from None


def load_splits(source: str, columns: Sequence[str]) -> dict[str, Iterator[Located]]:
    """Return the rows by split of a folder or a hub id, as `datasets` loads it.

    Raises:
        InputError: it cannot be loaded, or a split lacks a column.
    """
    try:
        with _quiet():
            loaded = _load(source)
    except Exception as error:  # the hub's client raises many unrelated types
        cause = error.__cause__ or error
        reason = (str(cause).splitlines() or [type(cause).__name__])[0]
        raise InputError(
            f"{source}: cannot be loaded ({reason}); a single file of it can be given instead"
        ) from None
    return {split: _rows(f"{source}[{split}]", rows, columns) for split, rows in loaded.items()}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep `datasets` from telling on stderr what the error will say, and each split's progress."""
    import datasets

    log = logging.getLogger("datasets")
    level, shows = log.level, not datasets.are_progress_bars_disabled()
    log.setLevel(logging.CRITICAL)
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        log.setLevel(level)
        if shows:
            datasets.enable_progress_bars()


def _load(source: str) -> Mapping[str, Any]:
    from datasets import DatasetDict, load_dataset, load_from_disk

    path = Path(source)
    if any((path / name).is_file() for name in ("dataset_dict.json", "state.json")):
        loaded = load_from_disk(source)  # what `Dataset.save_to_disk` wrote
        return loaded if isinstance(loaded, DatasetDict) else {"all": loaded}
    splits: Mapping[str, Any] = load_dataset(source)
    return splits


def _rows(where: str, rows: Any, columns: Sequence[str]) -> Iterator[Located]:
    store.check_columns(rows.column_names, where, columns)
    # the other columns are not decoded: pictures and sound need libraries of their own
    for i, row in enumerate(rows.select_columns(list(columns))):
        yield f"{where}:{i}", row
