"""Are photos of two groups by two sensors? Their broken pixels tell.

Two sensors share no broken pixels: some show only in the photos of one group, and others only in
those of the other. Never sees a photo, and never splits anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CLIP = 3.0  # sigmas that one place in one photo can say
SHOWS, HIDDEN = 3.5, 1.0  # sigmas from which a pixel shows in a group, and up to which it does not
DUE = 3.5  # sigmas that a hidden pixel would have, if it were as strong as in the other group
SHARED = 2.5  # sigmas in both groups, from which a pixel is that of both
FEWEST_OWN = 3  # pixels that show only in one group, for each of the two
MOST_SHARED = 0.1  # pixels that show in both groups, as a share of those

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Split:
    """How many broken pixels show in one of two groups of photos only, and how many in both."""

    first: int
    second: int
    both: int

    @property
    def is_of_two_sensors(self) -> bool:
        """Return whether the groups are of two sensors.

        A pixel of one sensor that shows in both groups alike passes for hidden in one of them six
        times in a thousand. Where one group shows less of all pixels, that hides those of the other
        group only. So three of each beside none that is shared are out of the question for one
        sensor, unless its broken pixels were mapped out, and others began, in between.

        >>> Split(5, 4, 0).is_of_two_sensors, Split(5, 0, 0).is_of_two_sensors
        (True, False)
        >>> Split(5, 4, 3).is_of_two_sensors
        False
        """
        own = min(self.first, self.second)
        return own >= FEWEST_OWN and self.both <= MOST_SHARED * (self.first + self.second)


def said_in(
    residual: Floats, weight: Floats, signs: Floats, groups: Sequence[NDArray[np.bool_]]
) -> tuple[Floats, Floats]:
    """Return what places say in groups of photos: sum w psi and sum w^2, each (groups, places).

    Args:
        residual: in sigmas, (photos, places).
        weight: how strongly a defect should show there, (photos, places).
        signs: 1 for bright defects, -1 for dark ones, (places,).
        groups: which photos are of each group, (photos,).
    """
    said = np.clip(np.nan_to_num(residual) * signs, -CLIP, CLIP) * np.nan_to_num(weight)
    power = np.nan_to_num(weight) ** 2
    sums = np.array([said[group].sum(0) for group in groups])
    powers = np.array([np.maximum(power[group].sum(0), 1e-12) for group in groups])
    return sums, powers


def split_of(residual: Floats, weight: Floats, signs: Floats, in_first: NDArray[np.bool_]) -> Split:
    """Return in which of two groups each place shows.

    `in_first` says which photos are of the first group; the rest is as in `said_in`.
    """
    sums, powers = said_in(residual, weight, signs, (in_first, ~in_first))
    shown = sums / np.sqrt(powers)
    due = [sums[1 - n] / powers[1 - n] * np.sqrt(powers[n]) for n in (0, 1)]
    alone = [
        int(((shown[n] >= SHOWS) & (shown[1 - n] <= HIDDEN) & (due[1 - n] >= DUE)).sum())
        for n in (0, 1)
    ]
    return Split(alone[0], alone[1], int(((shown[0] >= SHARED) & (shown[1] >= SHARED)).sum()))
