"""The chroma of colour photos as photos of their own: what they are of, at half the pitch.

A blue or red photosite hardly shows in luma. Never adds anything up.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..errors import SensorMismatchError
from ..frame import Frame, Sensor

PLANES = ("cb", "cr")  # in the order of `Frame.chroma`, and by these names in saved evidence
PITCH = 2  # px of the photo to one of its chroma


def half_of(sensor: Sensor) -> Sensor:
    """Return a sensor at the pitch of the chroma.

    >>> half_of(Sensor("a", "b", "c", 65, 48)).name
    'b, serial c, 33x24'
    """
    return replace(sensor, width=-(-sensor.width // PITCH), height=-(-sensor.height // PITCH))


def plane_of(frame: Frame, number: int) -> Frame:
    """Return one plane of a frame's chroma as a frame; raise SensorMismatchError.

    >>> from stillpix.frame import Exposure
    >>> planes = np.full((24, 32), 120, np.uint8), np.full((24, 32), 130, np.uint8)
    >>> sensor = Sensor("a", "b", "c", 64, 48)
    >>> pixels = np.zeros((48, 64), np.uint8)
    >>> frame = Frame(pixels, sensor, Exposure(), "a.jpg", "5" * 12, chroma=planes)
    >>> int(plane_of(frame, 1).pixels[0, 0])
    130
    """
    half = half_of(frame.sensor)
    if frame.chroma is None or frame.chroma[number].shape != (half.height, half.width):
        raise SensorMismatchError(
            f"{frame.origin}: its chroma is not half as wide and high as its sensor "
            f"({frame.sensor.name})"
        )
    return replace(frame, sensor=half, pixels=frame.chroma[number], white=255, chroma=None)


def halved(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return where in the chroma any of the pixels is masked, (height, width) of the photo.

    >>> halved(np.array([[False, False, True], [False, False, False]])).tolist()
    [[False, True]]
    """
    height, width = mask.shape
    even = np.pad(mask, ((0, height % PITCH), (0, width % PITCH)))
    blocks = even.reshape(-(-height // PITCH), PITCH, -(-width // PITCH), PITCH)
    return np.asarray(blocks.any((1, 3)))
