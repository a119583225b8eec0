"""The order in which a scan codes the blocks of one component.

Works on arrays of indices; never looks at a coefficient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .picture import ACROSS, DOWN, FIRST, MEMBER, STRIDE, Scan

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MemberOrder:
    """The blocks of one member of a scan: their positions in the file, and their indices in memory.

    A position counts the blocks of this member only, from 0 at the scan's beginning.
    """

    first: int  # index of the member's first block among all blocks
    columns: int  # blocks of a row in memory
    across: int  # blocks of an MCU
    down: int
    mcus_across: int
    restart: int  # blocks of this member in a restart interval
    blocks: int  # of this member in the scan

    @classmethod
    def of(cls, scan: Scan, slot: int) -> MemberOrder:
        """Return the order of the member at `slot` of scan.members."""
        row = next(row for row in scan.order.tolist() if row[MEMBER] == slot)
        an_mcu = row[ACROSS] * row[DOWN]
        return cls(
            row[FIRST], row[STRIDE], row[ACROSS], row[DOWN], scan.mcus_across,
            scan.restart * an_mcu, scan.mcus * an_mcu,
        )  # fmt: skip

    def positions_of(self, indices: Indices) -> Indices:
        """Return the positions of blocks, given by their indices among all blocks."""
        rows, columns = np.divmod(indices - self.first, self.columns)
        mcus = rows // self.down * self.mcus_across + columns // self.across
        inside = rows % self.down * self.across + columns % self.across
        positions: Indices = mcus * (self.across * self.down) + inside
        return positions

    def indices_at(self, positions: Indices) -> Indices:
        """Return the indices, among all blocks, of the blocks at these positions."""
        mcus, inside = np.divmod(positions, self.across * self.down)
        mcu_rows, mcu_columns = np.divmod(mcus, self.mcus_across)
        rows = mcu_rows * self.down + inside // self.across
        columns = mcu_columns * self.across + inside % self.across
        indices: Indices = self.first + rows * self.columns + columns
        return indices

    def mcus_of(self, indices: Indices) -> Indices:
        """Return the MCUs that hold these blocks."""
        return self.positions_of(indices) // (self.across * self.down)
