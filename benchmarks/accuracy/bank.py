"""The parametric score bank: one streaming twin of all the banks and ablations compared here.

Sums are floating point, one photo is looked at at a time, none is kept. What the sums mean is
`standing`'s business. Banks that see alike share the look at each photo, and banks that weigh alike
share their sums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from stillpix.evidence.rendered_kernels import LEAST_NOISE
from stillpix.frame import Exposure

from .bank_kernels import (
    SLOPE_STEPS,
    collect,
    collect_moved,
    cross_filter,
    judge,
    middle_two,
    pair_residuals,
    show,
)
from .photo import Floats, Photo
from .scorer import Outcome
from .standing import BLOCK, Standing, Sums, outcome

NEVER = 1e9  # a clip that nothing reaches
SQUARE = ((0, 1), (1, 0), (1, 1), (1, -1))  # steps to one neighbour of each opposite pair
# X-Trans: its pattern repeats under steps of (3, 3) and (3, -3), and of 6 along rows and columns.
XTRANS_PAIRS = ((3, 3), (3, -3), (0, 6), (6, 0))
XTRANS_GRID = 6
JPEG_GRID = 16
USUAL_EXPOSURE_S, USUAL_GAIN = 1 / 50, 4.0

Predictor = Literal["inverse-gradient pairs", "middle two"]
Plane = Literal["luma", "mosaic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """How a bank looks at one photo."""

    plane: Plane = "luma"
    distance: int = 2
    predictor: Predictor = "inverse-gradient pairs"
    cross: bool = True
    floor: float = LEAST_NOISE  # grey levels below which no noise is believed
    slope: float | None = None  # of the tone curve; None: sRGB's at the predicted level

    def offsets(self, cfa: str) -> tuple[tuple[int, int], ...]:
        """Return the steps to one neighbour of each pair."""
        if self.plane == "mosaic" and cfa == "XTRANS":
            return XTRANS_PAIRS
        return tuple((self.distance * row, self.distance * column) for row, column in SQUARE)

    def grid(self, cfa: str) -> int:
        """Return the px after which JPEG blocks or the mosaic's colours repeat."""
        return XTRANS_GRID if self.plane == "mosaic" and cfa == "XTRANS" else JPEG_GRID


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """What a bank adds up."""

    clip: float | None = 3.0  # sigmas that one photo can say at most
    weight_clip: float | None = 3.0  # sigmas that a template expects at most; None: linear
    templates: tuple[str, ...] = ("offset", "tempered", "hot", "response")
    # Information of blocks of 4x4 px as in stillpix: of each, one of the two inner rows, one photo
    # this, the next that. False: of each pixel.
    blocks: bool = True
    decoys: bool = False

    @property
    def clips(self) -> tuple[float, float]:
        """Return both clips as numbers."""
        return self.clip or NEVER, self.weight_clip or NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class BankSettings:
    """One bank: how it looks, what it adds up, and what it makes of the sums."""

    sight: Sight = field(default_factory=Sight)
    weighing: Weighing = field(default_factory=Weighing)
    standing: Standing = field(default_factory=Standing)


# How strongly each template should show at gain g and exposure time T (s).
TEMPLATES: dict[str, Callable[[float, float], float]] = {
    "constant": lambda _gain, _exposure_s: 1.0,
    "offset": lambda gain, _exposure_s: gain,
    "tempered": lambda gain, exposure_s: 5.0 * (gain * exposure_s) ** 0.5,
    "hot": lambda gain, exposure_s: 60.0 * gain * exposure_s,
    "response": lambda _gain, _exposure_s: 1.0,
}


def factor_of(template: str, exposure: Exposure) -> float:
    """Return how strongly a template should show in a photo exposed like this.

    >>> factor_of("hot", Exposure(exposure_s=0.5, gain=2.0))
    60.0
    """
    gain, exposure_s = exposure.gain or USUAL_GAIN, exposure.exposure_s or USUAL_EXPOSURE_S
    return TEMPLATES[template](gain, exposure_s)


def slope_table(slope: float | None) -> Floats:
    """Return the tone curve's slope at each 1 / SLOPE_STEPS of a grey level.

    sRGB's (IEC 61966-2-1) is taken as that of light^(1 / 2.2), and not below level 0.03.
    """
    level = np.arange(255 * SLOPE_STEPS + 1) / (255 * SLOPE_STEPS)
    table = (
        0.4545 * np.maximum(level, 0.03) ** -1.2 if slope is None else np.full(level.size, slope)
    )
    return table.astype(np.float32)


def border_of(margin: int) -> int:
    """Return the px along the edges of which nothing is said, for a predictor that reaches so far.

    Twice as far at least, and so many that of each block with a judged row the two rows that stand
    for it are judged, too.

    >>> [border_of(margin) for margin in (1, 2, 3, 6)]
    [4, 5, 8, 13]
    """
    least = 2 * margin + 1
    return least + max(0, -least % BLOCK) * (least % BLOCK > 1)


class _Look:
    """One way of looking at photos, and all the sums that are made of it."""

    def __init__(self, sight: Sight) -> None:
        self.sight = sight
        self.weighings: set[Weighing] = set()
        self.sums: dict[Weighing, Sums] = {}
        self.slopes = slope_table(sight.slope)
        self._work: tuple[Floats, ...] = ()  # maps used again for every photo

    def add(self, photo: Photo) -> None:
        grey = photo.luma() if self.sight.plane == "luma" else photo.raw()
        offsets = self.sight.offsets(photo.cfa)
        margin = max(max(abs(row), abs(column)) for row, column in offsets)
        border = border_of(margin)
        if not self._work:
            maps = 7 if self.sight.predictor == "middle two" else 5
            self._work = tuple(np.zeros_like(grey) for _ in range(maps))
            grid = self.sight.grid(photo.cfa)
            for weighing in self.weighings:
                shape = (len(weighing.templates), *grey.shape)
                block = BLOCK if weighing.blocks else 1
                self.sums[weighing] = Sums.empty(
                    shape, grid, border, decoys=weighing.decoys, block=block
                )
        level, psi, light, response = self._see(grey, offsets, margin)
        for weighing, sums in self.sums.items():
            self._collect(photo, weighing, sums, (psi, light, response))
            show(grey, level, self._work[1], psi, sums.excess)

    def _see(
        self, grey: Floats, offsets: tuple[tuple[int, int], ...], margin: int
    ) -> tuple[Floats, ...]:
        sight = self.sight
        level, residual, psi, light, response = self._work[:5]
        if sight.cross:
            cross_filter(grey, level)
        else:
            level[:] = grey
        if sight.predictor == "middle two":
            low, high = self._work[5:]
            middle_two(level, offsets, margin, low, high)
            np.subtract(level, 0.5 * (low + high), out=residual)
            residual[:margin] = residual[-margin:] = 0
            residual[:, :margin] = residual[:, -margin:] = 0
        else:
            pair_residuals(level, offsets, margin, 1.0, residual)
        judge(
            level, residual, offsets, border_of(margin), sight.floor, self.slopes,
            psi, light, response,
        )  # fmt: skip
        return level, psi, light, response

    @staticmethod
    def _collect(
        photo: Photo, weighing: Weighing, sums: Sums, seen: tuple[Floats, Floats, Floats]
    ) -> None:
        psi, light, response = seen
        whole = psi.shape[1] // sums.grid * sums.grid
        number = int(photo.frame.digest[:12], 16)
        steps = 1 + number % max(whole // sums.grid - 1, 1)
        rows = np.arange(psi.shape[0])
        informs = rows % BLOCK == 1 + number % 2 if sums.block > 1 else rows >= 0
        for k, template in enumerate(weighing.templates):
            weight = response if template == "response" else light
            factor = factor_of(template, photo.frame.exposure)
            said = (psi, weight, factor, weighing.clips, informs, sums.block)
            collect(*said, sums.scores[k], sums.information[k])
            if weighing.decoys:
                sums_of_decoys = sums.decoy_scores[k], sums.decoy_information[k]
                collect_moved(*said, steps * sums.grid, whole, *sums_of_decoys)


class ScoreBanks:
    """Several banks over the same photos."""

    def __init__(self, banks: dict[str, BankSettings]) -> None:
        self._banks = banks
        self._looks: dict[Sight, _Look] = {}
        for bank in banks.values():
            look = self._looks.setdefault(bank.sight, _Look(bank.sight))
            look.weighings.add(bank.weighing)

    def add(self, photos: Sequence[Photo]) -> None:
        """See some more photos."""
        for photo in photos:
            for look in self._looks.values():
                look.add(photo)

    def sums(self, name: str) -> Sums:
        """Return the sums of one bank."""
        bank = self._banks[name]
        return self._looks[bank.sight].sums[bank.weighing]

    def outcomes(self) -> dict[str, Outcome]:
        """Return each bank's ranked places, and its own cut where it has one."""
        return {
            name: outcome(self.sums(name), bank.weighing.templates, bank.standing)
            for name, bank in self._banks.items()
        }


def split_by_sight(banks: dict[str, BankSettings]) -> list[ScoreBanks]:
    """Return the banks in groups that share a look: one a thread can then run side by side."""
    groups: dict[Sight, dict[str, BankSettings]] = {}
    for name, bank in banks.items():
        groups.setdefault(bank.sight, {})[name] = bank
    return [ScoreBanks(group) for group in groups.values()]
