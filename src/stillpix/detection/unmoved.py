"""Which pixels count nowhere, since the same thing stands there in all photos.

Around black and white borders that is told to a few pixels: in squares of BLOCK px, by what they
say of the response to light. Elsewhere the blocks of `evidence.stillness` tell it. Never decides
what is a defect.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..evidence.evidence import Evidence
from ..evidence.stillness import BLACK, ENOUGH_LIKELY, closed, large_of, widened
from ..evidence.sum_kernels import BLOCK

Mask = NDArray[np.bool_]

# Share of the usual information on the response to light, below which a square shows none. Squares
# of a border, with what JPEG adds to them at quality 50, have at most 0.003, those that show one
# row of the picture 0.009 and more.
BLANK = 0.005
# Squares that hold all that an edge changes: the one in which a border ends, and one more, for it
# changes 3 px.
OF_EDGE = 2
# Of the full length, from which a block's structure is an edge of its own, as below a date in a
# bar; beside an edge it is up to 0.8.
EDGE_ALIKE = 0.85
# Squares around a border within which the mask may end sooner: the edge's square, two blocks of a
# large sensor whose structure holds the border, and their margin.
AROUND = 12
# Times the usual score, and pixels of a square, from which it shows an edge. A defect shows in 9.
LOUD, LOUD_PIXELS = 4.0, 4
EVERY = 7  # rows and columns of which one tells the usual score


def never_moves(evidence: Evidence) -> Mask:
    """Return where the same thing stands in all photos, and near it: (height, width)."""
    mask = evidence.still.never_moves(evidence.scenes)
    if not evidence.rules.toned or not mask.any():
        return mask
    squares = mask[::BLOCK, ::BLOCK]  # which are masked as a whole
    blank = _blank(evidence)
    alike = evidence.still.alike(EDGE_ALIKE, evidence.scenes)[::BLOCK, ::BLOCK]
    own = alike & ~widened(blank, 1)
    may = squares & widened(blank, AROUND) & ~widened(blank, OF_EDGE) & ~widened(own, 1)
    freed = squares & _entered(~squares, may)
    kept = closed(squares & ~freed | widened(_edges(evidence, freed), 1), 1) & squares
    height, width = mask.shape
    return np.asarray(kept.repeat(BLOCK, 0).repeat(BLOCK, 1)[:height, :width])


def _blank(evidence: Evidence) -> Mask:
    """Return which squares of a border are black or white: no response to light shows there.

    A border is large, BLACK blocks at least; the shadow under a hood seldom is.
    """
    light = evidence.information[_of_light(evidence)]
    lit = light[light > 0]
    blank = np.asarray(light < BLANK * (np.median(lit) if lit.size else 0.0))
    side = evidence.still.side // BLOCK
    down, across = blank.shape
    padded = np.pad(blank, ((0, -down % side), (0, -across % side)), mode="edge")
    blocks = np.asarray(padded.reshape(len(padded) // side, side, -1, side).all((1, 3)))
    large = large_of(blocks, BLACK).repeat(side, 0).repeat(side, 1)[:down, :across]
    return np.asarray(blank & widened(large, side))


def _of_light(evidence: Evidence) -> int:
    return [template.weight for template in evidence.templates].index("response")


def _entered(outside: Mask, may: Mask) -> Mask:
    """Return what is outside, and what leads there through squares that may be entered."""
    for _ in range(AROUND):
        outside = outside | (widened(outside, 1) & may)
    return outside


def _edges(evidence: Evidence, squares: Mask) -> Mask:
    """Return which of some squares show an edge, as of a line drawn inside a border."""
    shown = np.zeros_like(squares)
    rows, columns = np.nonzero(squares)
    down, across = (
        np.minimum(at[:, None] * BLOCK + np.arange(BLOCK), length - 1)
        for at, length in zip((rows, columns), evidence.scores.shape[1:], strict=True)
    )
    for scores in evidence.scores:
        usual = np.median(np.abs(scores[::EVERY, ::EVERY]))
        loud = np.abs(scores[down[:, :, None], across[:, None, :]]) > LOUD * max(usual, 1.0)
        shown[rows, columns] |= loud.sum((1, 2)) >= LOUD_PIXELS
    return large_of(shown, ENOUGH_LIKELY)
