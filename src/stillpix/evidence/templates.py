"""How strongly a defect of each kind should show in a photo, by how the photo was exposed.

Never sees a photo.
"""

from __future__ import annotations

from ..frame import Exposure

# Where a file does not say how it was exposed: an ordinary hand-held photo.
USUAL_EXPOSURE_S = 1 / 50
USUAL_GAIN = 4.0


def template_factors(exposure: Exposure) -> tuple[float, ...]:
    """Return how strongly each template should show in a photo exposed like this.

    In order: an offset (grows with the gain), a hot pixel of which faint ones are many (tempered,
    the root of gain times time), a hot pixel (gain times time), and a wrong response to light.

    >>> [round(factor, 2) for factor in template_factors(Exposure(exposure_s=0.04, gain=4.0))]
    [4.0, 2.0, 9.6, 1.0]
    """
    gain = exposure.gain or USUAL_GAIN
    charge = gain * (exposure.exposure_s or USUAL_EXPOSURE_S)
    return (gain, 5.0 * charge**0.5, 60.0 * charge, 1.0)
