"""Mosaics: what each method puts in the place of one photosite.

A photosite that is broken spoils no other here, so a hole is one photosite and partners are of
its own colour. Never writes a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillpix.restoration import repair
from stillpix.simulate.planting import cfa_pattern

from .fills import SIMILAR, Bools, Variant, Window, biharmonic, navier_stokes, telea
from .results import ALL, BAYER, EVERY, NOTHING, OWN, UNSEEN, XTRANS
from .scoring import Tally, square
from .twins import Floats, Twins, noise_dn

SHOWS_AT_SIGMA = 5.0  # of the photosite's noise
MAIN = "photosite, DN"
NEIGHBOURS = 8
FARTHEST = 3  # photosites
PLANE_MARGIN = 12  # samples of a colour's plane around a place


class MosaicScore:
    """One camera's mosaics."""

    def __init__(self, seed: int, cfa: str) -> None:
        self.pattern = cfa_pattern(cfa)
        self.tally = Tally(seed, XTRANS if cfa == "XTRANS" else BAYER, MAIN)

    def add(self, twins: Twins) -> None:
        """Score one photo."""
        mosaic, truth = twins.damaged.mosaic, twins.whole.mosaic.astype(np.float64)
        noise = noise_dn(twins.whole)
        every, own = (self._ours(twins, always=always) for always in (True, False))
        broken = np.zeros(mosaic.shape, bool)
        for each in twins.listed:
            broken[each.y, each.x] = True
        for each, site in zip(twins.listed, twins.sites, strict=True):
            place = each.y, each.x
            off = abs(float(mosaic[place]) - truth[place]) / noise[place]
            groups = (ALL, f"{site} site") if off >= SHOWS_AT_SIGMA else (UNSEEN,)
            filled = {NOTHING: float(mosaic[place]), EVERY: float(every[place]),
                      OWN: float(own[place])}  # fmt: skip
            told = [((method, ""), value) for method, value in filled.items()]
            told += [
                ((v.method, v.words), value)
                for v, value in self._others(mosaic, broken, each.x, each.y)
            ]
            ours = abs(filled[EVERY] - truth[place])
            for name, value in told:
                error = np.array([np.clip(np.rint(value), 0, 65535) - truth[place]])
                sizes = {MAIN: error, "photosite, sigma": error / noise[place]}
                self.tally.add(*name, groups, sizes, ours)

    @staticmethod
    def _ours(twins: Twins, *, always: bool) -> NDArray[Any]:
        photo = twins.damaged
        mended: NDArray[Any] = repair(
            photo.mosaic, twins.listed, layout=photo.sensor.layout,
            white=twins.settings.white_dn, exposure=photo.exposure, always=always,
        )  # fmt: skip
        return mended

    def _others(
        self, mosaic: NDArray[Any], broken: Bools, x: int, y: int
    ) -> Iterator[tuple[Variant, float]]:
        """Yield what each other method says of one photosite."""
        values, distances, steps = self._neighbours(mosaic, broken, x, y)
        yield Variant("mean of the neighbours", ""), float(values.mean())
        yield Variant("median of the neighbours", ""), float(np.median(values))
        average = float((values / distances).sum() / (1 / distances).sum())
        yield Variant("weighted average (the article of 2011)", ""), average
        yield Variant("opposite pairs (RawTherapee's way)", ""), _pairs(values, distances, steps)
        if self.pattern.shape == (2, 2):
            yield from _inpainted(mosaic, broken, x, y)

    def _neighbours(
        self, mosaic: NDArray[Any], broken: Bools, x: int, y: int
    ) -> tuple[Floats, Floats, list[tuple[int, int]]]:
        """Return the nearest sound photosites of its colour: values, distances, steps to them."""
        rows, columns = self.pattern.shape
        colour = self.pattern[y % rows, x % columns]
        found = []
        for down in range(-FARTHEST, FARTHEST + 1):
            for across in range(-FARTHEST, FARTHEST + 1):
                row, column = y + down, x + across
                if not (0 <= row < mosaic.shape[0] and 0 <= column < mosaic.shape[1]):
                    continue
                if self.pattern[row % rows, column % columns] != colour or broken[row, column]:
                    continue
                found.append((float(np.hypot(down, across)), (down, across)))
        found.sort()
        farthest = found[min(NEIGHBOURS, len(found)) - 1][0]
        near = [each for each in found if each[0] <= farthest + 1e-9]
        steps = [step for _, step in near]
        values = [float(mosaic[y + down, x + across]) for down, across in steps]
        return np.array(values), np.array([distance for distance, _ in near]), steps


def _pairs(values: Floats, distances: Floats, steps: list[tuple[int, int]]) -> float:
    """Return the average of opposite neighbours, weighed by 1 / (difference * distance)."""
    total, weights = 0.0, 0.0
    for number, (down, across) in enumerate(steps):
        opposite = (-down, -across)
        if (down, across) < (0, 0) and opposite in steps:
            one, other = values[number], values[steps.index(opposite)]
            weight = 1 / ((abs(one - other) + SIMILAR) * distances[number])
            total += weight * (one + other) / 2
            weights += weight
    return float(total / weights) if weights else float(values.mean())


def _inpainted(
    mosaic: NDArray[Any], broken: Bools, x: int, y: int
) -> Iterator[tuple[Variant, float]]:
    """Yield what methods for pictures make of the plane of one of a Bayer cell's four sites."""
    plane, holes = mosaic[y % 2 :: 2, x % 2 :: 2], broken[y % 2 :: 2, x % 2 :: 2]
    column, row = x // 2, y // 2
    area = square(column, row, PLANE_MARGIN)
    hole = np.zeros(plane.shape, bool)
    hole[row, column] = True
    window = Window(plane[area].astype(np.float64)[..., None], hole[area], holes[area])
    yield Variant("scikit-image, biharmonic", ""), float(biharmonic(window)[0, 0])
    for radius in (1, 3):
        words = f"radius {radius}"
        yield Variant("OpenCV, Telea", "", words), float(telea(window, radius)[0, 0])
        fluid = float(navier_stokes(window, radius)[0, 0])
        yield Variant("OpenCV, Navier-Stokes", "", words), fluid
