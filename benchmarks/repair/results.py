"""The results of a run: sums of errors, camera by camera, in one JSON file.

Every table is made from it. A file whose name ends in .gz is compressed. Holds no photos and no
text.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from .twins import Floats

FORMAT = 1
ALL, UNSEEN = "all", "not showing"
NOTHING, EVERY, OWN = "nothing", "stillpix --all", "stillpix"
PIXELS = "stillpix --all, before compression"
IN_FILE = ", written as stillpix writes"  # behind another method's name
PICTURE, BAYER, XTRANS = "JPEG", "Bayer mosaic", "X-Trans mosaic"


MAP, PLACE = "what a map says", "the place alone"  # what a repair knows beforehand

POOLED = 0  # stands for the seed in rows that hold several cameras

Key: TypeAlias = tuple[str, str, str, str]  # source, method, variant, group


@dataclass(slots=True)
class Sums:
    """Errors added up: how many there were, and the sums of their sizes and squares."""

    count: int = 0
    absolute: float = 0.0
    squared: float = 0.0

    def add(self, errors: Floats) -> None:
        """Add errors in levels or DN, of any shape."""
        self.count += errors.size
        self.absolute += float(np.abs(errors).sum())
        self.squared += float(np.square(errors).sum())

    @classmethod
    def total(cls, parts: Iterable[Sums]) -> Sums:
        """Return the sum of sums.

        >>> both = Sums.total([Sums(1, 2.0, 4.0), Sums(3, 2.0, 4.0)])
        >>> both.mean, round(both.psnr(255), 1)
        (1.0, 45.1)
        """
        listed = list(parts)
        return cls(
            sum(each.count for each in listed),
            sum(each.absolute for each in listed),
            sum(each.squared for each in listed),
        )

    @property
    def mean(self) -> float:
        """Return the mean absolute error."""
        return self.absolute / max(self.count, 1)

    def psnr(self, white: float) -> float:
        """Return the peak signal to noise ratio in decibels."""
        return float(10 * np.log10(white**2 * max(self.count, 1) / max(self.squared, 1e-12)))


@dataclass(slots=True)
class Row:
    """What one variant of a method made of some places of one camera."""

    seed: int  # of the camera; POOLED: of several
    source: str  # PICTURE, BAYER or XTRANS
    method: str
    variant: str  # its hole and setting, in words
    group: str  # of places: ALL that show, UNSEEN, or some of those that show
    places: int = 0
    nearer: int = 0  # places where `stillpix --all` is nearer to the truth
    farther: int = 0
    sums: dict[str, Sums] = field(default_factory=dict)  # by measure

    @property
    def key(self) -> Key:
        """Return what tells it from other rows of one camera."""
        return self.source, self.method, self.variant, self.group

    def merge(self, other: Row) -> None:
        """Add what another camera's row holds."""
        self.places += other.places
        self.nearer += other.nearer
        self.farther += other.farther
        for measure, sums in other.sums.items():
            self.sums[measure] = Sums.total([self.sums.get(measure, Sums()), sums])

    def add(self, errors: Mapping[str, Floats], ahead: float) -> None:
        """Add one place; `ahead` is by how much stillpix is nearer there, negative if farther."""
        self.places += 1
        self.nearer += ahead > 0
        self.farther += ahead < 0
        for measure, each in errors.items():
            self.sums.setdefault(measure, Sums()).add(each)


@dataclass(slots=True)
class Kept:
    """What repaired files changed besides what was to be repaired, over one camera's photos."""

    seed: int
    photos: int = 0
    repaired: int = 0  # places
    blocks: int = 0  # of 8x8 coefficients that changed
    blocks_beyond: int = 0  # of them, where no repaired place reaches
    pixels: int = 0  # decoded ones that changed
    beside: Sums = field(default_factory=Sums)  # changes in luma of those beyond the 5x5
    all_pixels: int = 0
    again_pixels: int = 0  # that change when the photo is saved by its own encoder, as before
    again: Sums = field(default_factory=Sums)  # changes in luma then, of all pixels
    saved_pixels: int = 0  # the same at quality 90
    saved: Sums = field(default_factory=Sums)


@dataclass(slots=True)
class Decided:
    """At how many places of one camera's JPEGs stillpix found something to repair."""

    seed: int
    group: str
    knows: str = MAP
    places: int = 0
    repaired: int = 0


@dataclass(frozen=True, slots=True)
class Camera:
    """One simulated camera."""

    seed: int
    cfa: str
    demosaic: str
    quality: int
    subsampling: str


@dataclass(slots=True)
class Results:
    """All sums of one run."""

    command: str = ""
    machine: str = ""
    minutes: float = 0.0
    peak_mb: float = 0.0
    size: str = ""
    photos: int = 0
    cameras: list[Camera] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    decided: list[Decided] = field(default_factory=list)

    def add(self, other: Results) -> None:
        """Add what another run, over other cameras, came to.

        Camera by camera are kept only the rows of all places that show; the others are added up.
        """
        self.cameras += other.cameras
        pooled = {row.key: row for row in self.rows if row.seed == POOLED}
        for row in other.rows:
            if row.group == ALL:
                self.rows.append(row)
            elif row.key in pooled:
                pooled[row.key].merge(row)
            else:
                pooled[row.key] = replace(row, seed=POOLED)
                self.rows.append(pooled[row.key])
        self.kept += other.kept
        self.decided += other.decided

    def save(self, path: Path) -> None:
        """Write them as JSON, sums to a tenth; the same results always give the same bytes."""
        state = {"format": FORMAT, **asdict(self)}
        text = json.dumps(_rounded(state), separators=(",", ":"))
        data = (text.replace("},{", "},\n{") + "\n").encode()
        path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)

    @classmethod
    def load(cls, path: Path) -> Results:
        """Read what `save` wrote; raises ValueError where it is of another format."""
        data = path.read_bytes()
        state = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
        if state.pop("format", None) != FORMAT:
            raise ValueError(f"{path} was written by another version; run the benchmark again")
        state["cameras"] = [Camera(**each) for each in state["cameras"]]
        state["rows"] = [
            Row(**{**each, "sums": {m: Sums(*sums) for m, sums in each["sums"].items()}})
            for each in state["rows"]
        ]
        state["kept"] = [
            Kept(**{**each, **{name: Sums(*each[name]) for name in ("beside", "again", "saved")}})
            for each in state["kept"]
        ]
        state["decided"] = [Decided(**each) for each in state["decided"]]
        return cls(**state)


def _rounded(value: object) -> object:
    """Return records with sums as short lists."""
    if isinstance(value, dict):
        if value.keys() == {"count", "absolute", "squared"}:
            return [value["count"], round(value["absolute"], 1), round(value["squared"], 1)]
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return value
