"""One simulated photo as the methods get it: a JPEG's luma, or the mosaic it was made from.

Never keeps more than one photo, and never tells a method what is broken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stillpix.frame import Frame
from stillpix.simulate import SimulatedPhoto

from .scorer import Outcome

Floats = NDArray[np.float32]
GREY_LEVELS = 255.0  # of white: the unit of every residual, whatever the file's depth


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """One photo, both ways."""

    frame: Frame  # the luma that its JPEG stores
    mosaic: NDArray[np.uint16]  # DN, black level included
    cfa: str
    black: int
    white: int

    @classmethod
    def of(cls, photo: SimulatedPhoto) -> Photo:
        """Return what the methods may see of a simulated photo."""
        settings = photo.settings
        return cls(photo.frame(), photo.mosaic, settings.cfa, settings.black_dn, settings.white_dn)

    def luma(self) -> Floats:
        """Return the JPEG's luma, grey levels of 0..255."""
        return np.asarray(self.frame.pixels, np.float32)

    def raw(self) -> Floats:
        """Return the mosaic without its black level, white being 255."""
        scale = np.float32(GREY_LEVELS / (self.white - self.black))
        return (self.mosaic.astype(np.float32) - np.float32(self.black)) * scale


class Method(Protocol):
    """Something that sees photos one after the other and then ranks places.

    Several named outcomes may come from the same sums.
    """

    def add(self, photos: Sequence[Photo]) -> None:
        """See some more photos."""

    def outcomes(self) -> dict[str, Outcome]:
        """Return what is known after the photos seen so far, by name."""
