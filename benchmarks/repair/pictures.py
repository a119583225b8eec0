"""JPEGs: stillpix's written files beside other fills of the decoded pixels.

Other methods are spared the way back into a file: their pixels are taken before anything is
compressed again.
"""

from __future__ import annotations

import numpy as np
import simplejpeg

from stillpix.restoration import RepairedFile, repair, repaired_file
from stillpix.rewriting.jpeg import read_coefficients

from .fills import MARGIN, Bools, Fill, Window, holes_of, variants
from .results import EVERY, IN_FILE, MAP, NOTHING, OWN, PICTURE, PIXELS, PLACE, Decided, Kept, Sums
from .scoring import MAIN, MIDDLE, Spot, Tally, errors_in_picture, spot_of, square
from .twins import LUMA, Levels, Twins, colours_of
from .writing import in_file

SIDES = (1, 3, 5)  # px, of the holes that other methods are tried with
REACH_PX = 5  # no sample farther from a repaired place is meant to be changed, chroma included


class PictureScore:
    """One camera's JPEGs."""

    def __init__(self, seed: int) -> None:
        self.tally = Tally(seed, PICTURE, MAIN, MIDDLE)
        self.kept = Kept(seed)
        self._decided: dict[tuple[str, str], Decided] = {}

    @property
    def decided(self) -> list[Decided]:
        """Return at how many places something was repaired."""
        return list(self._decided.values())

    def add(self, twins: Twins) -> None:
        """Score one photo."""
        header, content = twins.header(), twins.damaged.jpeg()
        truth = colours_of(header, twins.whole.jpeg())
        damaged = colours_of(header, content)
        spots = [
            spot_of(damaged, truth, each.x, each.y, site)
            for each, site in zip(twins.listed, twins.sites, strict=True)
        ]
        every = repaired_file(content, header, twins.listed, always=True)
        own = repaired_file(content, header, twins.known)
        blind = repaired_file(content, header, twins.listed)
        pictures = {EVERY: colours_of(header, every.content), OWN: colours_of(header, own.content)}
        ours = self._sizes(pictures[EVERY], truth, spots)
        pictures[PIXELS] = np.asarray(repair(damaged, twins.listed, always=True), np.uint8)
        for method, picture in {**pictures, NOTHING: damaged}.items():
            self._score((method, ""), picture, truth, spots, ours)
        for variant, side, fill in variants(SIDES):
            picture = _filled(damaged, spots, side, fill)
            self._score((variant.method, variant.words), picture, truth, spots, ours)
            places = [(spot.x, spot.y) for spot in spots]
            written = colours_of(header, in_file(content, header, picture, places, side))
            self._score((variant.method + IN_FILE, variant.words), written, truth, spots, ours)
        self._count(own, spots, MAP)
        self._count(blind, spots, PLACE)
        self._keep(twins, content, own, damaged, pictures[OWN])

    def _sizes(self, picture: Levels, truth: Levels, spots: list[Spot]) -> list[float]:
        return [self.tally.size(errors_in_picture(picture, truth, spot)) for spot in spots]

    def _score(
        self, name: tuple[str, str], picture: Levels, truth: Levels, spots: list[Spot],
        ours: list[float],
    ) -> None:  # fmt: skip
        for spot, size in zip(spots, ours, strict=True):
            self.tally.add(*name, spot.groups, errors_in_picture(picture, truth, spot), size)

    def _count(self, fixed: RepairedFile, spots: list[Spot], knows: str) -> None:
        for spot, verdict in zip(spots, fixed.verdicts, strict=True):
            for group in spot.groups:
                decided = self._decided.setdefault(
                    (group, knows), Decided(self.kept.seed, group, knows)
                )
                decided.places += 1
                decided.repaired += verdict.outcome == "repaired"

    def _keep(
        self, twins: Twins, content: bytes, fixed: RepairedFile, damaged: Levels, picture: Levels
    ) -> None:
        """Count what a repaired file changed, and what opening and saving the photo would."""
        kept = self.kept
        places = [(each.x, each.y) for each in fixed.verdicts if each.outcome == "repaired"]
        kept.photos += 1
        kept.repaired += len(places)
        changed, beyond = _changed_blocks(content, fixed.content, twins, places)
        kept.blocks += changed
        kept.blocks_beyond += beyond
        differ = (picture != damaged).any(axis=2)
        kept.pixels += int(differ.sum())
        beside = differ & ~holes_of(differ.shape, places, 5)
        kept.beside.add((picture[beside].astype(float) - damaged[beside]) @ LUMA)
        kept.all_pixels += differ.size
        kept.again_pixels += _save(damaged, twins, twins.settings.quality, kept.again)
        kept.saved_pixels += _save(damaged, twins, 90, kept.saved)


def _save(picture: Levels, twins: Twins, quality: int, changes: Sums) -> int:
    """Save a decoded picture anew; add its changes in luma, return how many pixels changed."""
    sampling = twins.settings.subsampling
    content = simplejpeg.encode_jpeg(picture, quality, "RGB", colorsubsampling=sampling)
    saved = colours_of(twins.header(), content)
    changes.add((saved.astype(float) - picture) @ LUMA)
    return int((saved != picture).any(axis=2).sum())


def _filled(damaged: Levels, spots: list[Spot], side: int, fill: Fill) -> Levels:
    """Return the picture with the hole of each place filled."""
    places = [(spot.x, spot.y) for spot in spots]
    picture, broken = damaged.copy(), holes_of(damaged.shape[:2], places, side)
    for x, y in places:
        area = square(x, y, MARGIN)
        hole = _own_hole(x, y, side, broken[area].shape)
        levels = fill(Window(damaged[area].astype(np.float64), hole, broken[area]))
        picture[area][hole] = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return picture


def _own_hole(x: int, y: int, side: int, shape: tuple[int, ...]) -> Bools:
    inside = (min(x, MARGIN), min(y, MARGIN))
    return holes_of((shape[0], shape[1]), [inside], side)


def _changed_blocks(
    before: bytes, after: bytes, twins: Twins, places: list[tuple[int, int]]
) -> tuple[int, int]:
    """Return how many blocks of coefficients differ, and how many of them lie out of reach."""
    path = twins.header().path
    old, new = (read_coefficients(each, path) for each in (before, after))
    changed, beyond = 0, 0
    for one, other in zip(old.components, new.components, strict=True):
        width, height = -(-old.width // one.width) * 8, -(-old.height // one.height) * 8  # px
        for row, column in np.argwhere((one.blocks != other.blocks).any(axis=2)).tolist():
            changed += 1
            beyond += not any(
                column * width - REACH_PX <= x < (column + 1) * width + REACH_PX
                and row * height - REACH_PX <= y < (row + 1) * height + REACH_PX
                for x, y in places
            )
    return changed, beyond
