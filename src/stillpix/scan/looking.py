"""One look at one photo: its frame, and its values at the places of the map.

A photo whose distortion the camera corrected is laid back by the law of its lens.

Never adds anything up, and never keeps a photo.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..evidence.measures import Measures, Place, measured
from ..evidence.resampling import laid_back
from ..frame import Frame
from ..images import Buffer, Header, read_frame
from ..maps.lens_laws import LensLaw, law_for


def look_at(
    header: Header, buffer: Buffer, places: Sequence[Place], laws: Sequence[LensLaw] = ()
) -> tuple[Frame, Measures]:
    """Return a photo's frame, in the caller's buffer, and what it says at some places."""
    frame = read_frame(header, buffer=buffer)
    law = law_for(laws, header.lens, header.focal_mm)
    if law is not None and header.focal_mm is not None and not law.is_assumed:
        frame = laid_back(frame, law, header.focal_mm)
    return frame, measured(frame, places)
