"""Tables written as Parquet files, through pyarrow where it is installed.

Writes some rows at a time, whole files or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from ..atomic import replacing
from .naming import wrong

ROWS_AT_ONCE = 50_000
MISSING = "needs pyarrow, which is not installed; pip install 'stillpix[parquet]'"
# The columns of a table, and pyarrow's name for the type of each.
Columns = Sequence[tuple[str, str]]


def require_parquet(flag: str) -> None:
    """Refuse an option whose file cannot be written for want of pyarrow."""
    try:
        import pyarrow  # noqa: F401  # whether it is there
    except ImportError:
        raise wrong(MISSING, flag) from None


def write_parquet(path: Path, columns: Columns, rows: Iterable[Sequence[Any]]) -> int:
    """Write a table, and return how many rows it has; raises WriteError."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    schema = pa.schema([(name, getattr(pa, kind)()) for name, kind in columns])
    written = 0
    with replacing(path) as file, ParquetWriter(file, schema, compression="zstd") as writer:
        for some in _batches(iter(rows)):
            by_column = zip(*some, strict=True)
            arrays = [
                pa.array(values, field.type)
                for values, field in zip(by_column, schema, strict=True)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            written += len(some)
    return written


def _batches(rows: Iterator[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    while some := list(islice(rows, ROWS_AT_ONCE)):
        yield some
