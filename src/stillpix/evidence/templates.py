"""The kinds of defects that are looked for: how strongly each should show in a photo.

A row of TEMPLATES is one: by it photos are weighed, and a new one is a new row and its test. Never
sees a photo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..frame import Exposure
from ..maps.records import Kind

# Where a file does not say how it was exposed: an ordinary hand-held photo.
USUAL_EXPOSURE_S = 1 / 50
USUAL_GAIN = 4.0

# Of what a photo says of each pixel beside its departure: one grey level over the noise, or the
# light there over the noise.
Weight: TypeAlias = Literal["slope", "response"]
WEIGHTS: tuple[Weight, ...] = ("slope", "response")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """How strongly one kind of defect should show, by exposure and by place."""

    name: str  # in saved evidence: never given to another template
    scale: float
    by_gain: float = 0.0  # power of the gain (ISO / 100) that it grows with
    by_charge: float = 0.0  # power of gain times seconds
    weight: Weight
    in_mosaic: float = 1.0  # what the scale is multiplied by there
    kind: Kind | None = None  # of a defect that is loudest in it; None: told from the first four

    def factor(self, exposure: Exposure) -> float:
        """Return how strongly it should show in a photo exposed like this."""
        gain = exposure.gain or USUAL_GAIN
        charge = gain * (exposure.exposure_s or USUAL_EXPOSURE_S)
        return float(self.scale * gain**self.by_gain * charge**self.by_charge)


# In order: an offset, a hot pixel of which faint ones are many (tempered, by the root), a hot
# pixel, and a wrong response to light; `detection.kinds` tells their kinds from all four scores.
# Of a mosaic factors are of 1/255 of white, the response's of the light; of a rendered photo's
# templates the hot one is five times as steep, and saturates sooner, and the last a tenth.
TEMPLATES: tuple[Template, ...] = (
    Template(name="offset", scale=1.0, by_gain=1.0, weight="slope"),
    Template(name="hot-tempered", scale=5.0, by_charge=0.5, weight="slope"),
    Template(name="hot", scale=60.0, by_charge=1.0, weight="slope", in_mosaic=0.2),
    Template(name="response", scale=1.0, weight="response", in_mosaic=80.0),
)


# Those by which chroma is weighed, too. A third one, the response, found 2 more of 240 defects on
# four development bodies, and takes half as much memory again.
OF_CHROMA = ("offset", "hot-tempered")


def chroma_templates(templates: Sequence[Template] = TEMPLATES) -> tuple[Template, ...]:
    """Return the templates by which chroma is weighed.

    >>> [template.name for template in chroma_templates()]
    ['offset', 'hot-tempered']
    """
    return tuple(template for template in templates if template.name in OF_CHROMA)


def template_factors(
    exposure: Exposure, templates: Sequence[Template] = TEMPLATES
) -> tuple[float, ...]:
    """Return how strongly each template should show in a photo exposed like this.

    >>> [round(factor, 2) for factor in template_factors(Exposure(exposure_s=0.04, gain=4.0))]
    [4.0, 2.0, 9.6, 1.0]
    """
    return tuple(template.factor(exposure) for template in templates)


def factors_of(exposures: Sequence[Exposure], templates: Sequence[Template]) -> NDArray[np.float64]:
    """Return how strongly each template should show in each photo, (photos, templates)."""
    return np.array([template_factors(exposure, templates) for exposure in exposures])


def weights_of(templates: Sequence[Template]) -> NDArray[np.int64]:
    """Return by which of WEIGHTS each template weighs, as a number."""
    return np.array([WEIGHTS.index(template.weight) for template in templates], np.int64)
