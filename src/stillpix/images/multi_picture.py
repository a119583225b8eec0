"""Which pictures of other lenses the Multi-Picture index of a JPEG names (CIPA DC-007).

Only counts them: a stereo pair, other views, the parts of a panorama. Never takes a preview or a
gain map for one, and never raises on a broken index.
"""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Final

from stillpix.images.directories import BrokenStructureError, Structure

HEAD: Final = b"MPF\0"
ENTRIES, ENTRY_BYTES, MOST = 0xB002, 16, 256
KIND = 0xFFFFFF  # the bits of an entry's attribute that say what the picture is
VIEWS: Final = frozenset({0x020001, 0x020002, 0x020003})  # panorama, disparity, multi-angle


def other_views(segment: bytes) -> int:
    """Return how many pictures beside the first an APP2 segment names as other views of a scene.

    >>> other_views(b"MPF, or so it says")
    0
    """
    if not segment.startswith(HEAD):
        return 0
    try:
        structure = Structure.of(BytesIO(segment[len(HEAD) :]))
        entry = next(structure.chain(), {}).get(ENTRIES)
        content = b"" if entry is None else structure.content(entry, MOST * ENTRY_BYTES)
    except BrokenStructureError:
        return 0
    order = f"{structure.order}I"
    starts = range(0, len(content) - ENTRY_BYTES + 1, ENTRY_BYTES)
    kinds = [struct.unpack_from(order, content, at)[0] & KIND for at in starts]
    return sum(kind in VIEWS for kind in kinds[1:])
