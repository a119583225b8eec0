"""The compiled inner loop that moves sums of photos along their rows.

Works on arrays only.
"""

from __future__ import annotations

from typing import Any

from ..compiling import compiled


@compiled
def add_moved(sums: Any, counted: Any, shift: int, grid: int, out: Any) -> None:
    """Add sums (rows, columns) to out, `shift` to the right, where they are counted.

    Within the whole cells of the grid, and around their end.
    """
    rows, columns = sums.shape
    whole = columns // grid * grid
    for y in range(rows):
        row, wanted, into = sums[y], counted[y], out[y]
        moved, source, mask = into[shift:whole], row[: whole - shift], wanted[: whole - shift]
        for x in range(source.size):
            moved[x] += source[x] * mask[x]
        wrapped, rest, last = into[:shift], row[whole - shift : whole], wanted[whole - shift :]
        for x in range(rest.size):
            wrapped[x] += rest[x] * last[x]
