"""The compiled inner loops that move sums of photos along their rows.

Works on arrays only.
"""

from __future__ import annotations

from typing import Any

from ..compiling import compiled, compiled_within


@compiled
def add_moved(sums: Any, counted: Any, shift: int, grid: int, out: Any) -> None:
    """Add sums (rows, columns) to out, `shift` to the right, where they are counted.

    Within the whole cells of the grid, and around their end.
    """
    for y in range(sums.shape[0]):
        _add_row(sums[y], counted[y], 1, shift, grid, out[y])


@compiled
def add_moved_narrow(low: Any, high: Any, counted: Any, shift: int, grid: int, out: Any) -> None:
    """Do the same with sums that are held as in `narrow`."""
    for y in range(low.shape[0]):
        _add_row(low[y], counted[y], 1, shift, grid, out[y])
    for y in range(high.shape[0]):
        _add_row(high[y], counted[y], 65536, shift, grid, out[y])


@compiled_within
def _add_row(row: Any, wanted: Any, times: int, shift: int, grid: int, into: Any) -> None:
    whole = row.size // grid * grid
    moved, source, mask = into[shift:whole], row[: whole - shift], wanted[: whole - shift]
    for x in range(source.size):
        moved[x] += source[x] * mask[x] * times
    wrapped, rest, last = into[:shift], row[whole - shift : whole], wanted[whole - shift :]
    for x in range(rest.size):
        wrapped[x] += rest[x] * last[x] * times
