"""One look at one photo: its frame, and its values at the places of the map.

Never adds anything up, and never keeps a photo.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..evidence.measures import Measures, Place, measured
from ..frame import Frame
from ..images import Buffer, Header, read_frame


def look_at(header: Header, buffer: Buffer, places: Sequence[Place]) -> tuple[Frame, Measures]:
    """Return a photo's frame, in the caller's buffer, and what it says at some places."""
    frame = read_frame(header, buffer=buffer)
    return frame, measured(frame, places)
