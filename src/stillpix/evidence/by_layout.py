"""Which rules a sensor's photos are judged by: the one place where its layout decides.

Never sees a photo.
"""

from __future__ import annotations

from functools import cache

from ..frame import Layout
from .mosaic import MosaicRules
from .rendered import RenderedRules
from .rules import Rules


@cache
def rules_of(layout: Layout) -> Rules:
    """Return the rules for photos of a layout.

    >>> rules_of("xtrans").grid, rules_of("rendered").grid
    (12, 16)
    """
    return RenderedRules() if layout == "rendered" else MosaicRules(layout)
