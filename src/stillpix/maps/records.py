"""A sensor's broken pixels as records: one defect, and the map of one body.

Never decides what is broken (that is detect) and never touches a file (that is maps).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, TypeAlias, cast, get_args

import numpy as np
from numpy.typing import NDArray

from ..arguments import one_of
from ..errors import MissingPackageError
from ..frame import Sensor
from .lens_laws import LensLaw

Kind: TypeAlias = Literal[
    "hot", "offset", "bright", "stuck", "high", "dead", "low", "dark", "unknown"
]  # fmt: skip
Days: TypeAlias = tuple[date, date]  # the first and the last that something can have been
State: TypeAlias = Literal["confirmed", "candidate", "accepted", "rejected"]
BROKEN: tuple[State, ...] = ("confirmed", "accepted")
NO_ASTROPY = "CCDData needs astropy, which is not installed; pip install 'stillpix[fits]'"
NO_TABLE = (
    "a table needs astropy or pandas, and it is not installed; pip install 'stillpix[fits]', or "
    "pip install pandas"
)
Area: TypeAlias = tuple[int, int, int, int]  # x, y, width, height
IN_CLUSTER = 2  # px, Chebyshev: so near, one of two broken pixels would predict the other


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of a row or column that is broken as one."""

    along: Literal["row", "column"]
    first: int
    last: int  # inclusive


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """One broken pixel (or a run of them) of one sensor."""

    x: int
    y: int
    kind: Kind = "unknown"
    site: str | None = None  # colour of the photosite, where known: "R", "G", "B"
    strength: float | None = None  # DN at `exposure_s` and `gain`, signed
    exposure_s: float | None = None
    gain: float | None = None
    score: float = 0.0  # null sigmas
    q: float = 1.0  # the false-discovery rate at which it would just be listed
    seen: tuple[float, int] | None = None  # share of photos that show it, of how many that could
    since: Days | None = None  # when it can have begun
    until: Days | None = None  # when it can have ended
    state: State = "candidate"
    run: Run | None = None
    extra: Mapping[str, Any] = field(
        default_factory=dict, hash=False
    )  # keys of later versions, kept as read

    def pixels(self) -> Iterator[tuple[int, int]]:
        """Yield x and y of each pixel that is broken: one, or those of the run.

        >>> list(Defect(x=7, y=2, run=Run("column", 2, 4)).pixels())
        [(7, 2), (7, 3), (7, 4)]
        """
        if self.run is None:
            yield self.x, self.y
            return
        for along in range(self.run.first, self.run.last + 1):
            yield (along, self.y) if self.run.along == "row" else (self.x, along)


FILES = "files"  # beside the sensor's keys: the format of the photos, by its name


@dataclass(frozen=True, slots=True)
class Pattern:
    """A lattice of sites that respond alike and unlike all others, such as autofocus pixels."""

    across: int  # px, after which it repeats along rows
    down: int  # px, along columns
    at: tuple[tuple[int, int], ...]  # x and y of its sites, in the cell at the frame's first pixel
    strength: float | None = None  # DN by which they stand out, signed


@dataclass(frozen=True, slots=True)
class EvidenceSummary:
    """What a map stands on."""

    photos: int = 0
    scenes: int = 0
    first: datetime | None = None
    last: datetime | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)
    left_out: float = 0.0  # share of the frame that never changes
    areas: tuple[Area, ...] = ()  # where that is, roughly
    patterns: tuple[Pattern, ...] = ()  # lattices of the sensor, whose sites are no defects
    # Shortest and longest focal length of a zoom whose photos do not tell if places move with it.
    untold_mm: tuple[float, float] | None = None
    bayer: str = ""  # the pattern of the sensor at the frame's first pixel, as "RGGB", where told


@dataclass(frozen=True, slots=True)
class DetectionSummary:
    """How a map was made, and how many of its confirmed defects are likely wrong."""

    method: str = "scores"
    fdr: float = 0.01
    expected_false: float | None = None
    stillpix: str = ""  # the version that made it
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class DefectMap:
    """The broken pixels of one sensor, and what is known of how sure they are."""

    sensor: Sensor
    defects: tuple[Defect, ...] = ()
    evidence: EvidenceSummary = EvidenceSummary()
    detection: DetectionSummary = DetectionSummary()
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)
    sensor_extra: Mapping[str, Any] = field(default_factory=dict, hash=False)  # beside the sensor's
    # Where its places lie in the pictures of each lens; empty: where the map has them.
    laws: tuple[LensLaw, ...] = ()

    def __iter__(self) -> Iterator[Defect]:
        return iter(self.defects)

    def __len__(self) -> int:
        return len(self.defects)

    @property
    def files(self) -> str:
        """Return the format of the photos that it was made from; "" where it does not say."""
        said = self.sensor_extra.get(FILES)
        return said if isinstance(said, str) else ""

    @property
    def places_move(self) -> bool:
        """Return whether its places lie elsewhere in photos of other focal lengths."""
        return not all(law.is_assumed for law in self.laws)

    def in_state(self, *states: State) -> tuple[Defect, ...]:
        """Return the defects in one of the named states, in the map's order."""
        return tuple(defect for defect in self.defects if defect.state in states)

    def clusters(self) -> tuple[tuple[Defect, ...], ...]:
        """Return the broken pixels that lie in clusters, largest cluster first; see `clusters_of`.

        >>> found = DefectMap(Sensor("a", "b", "c", 40, 32), (Defect(x=3, y=4, state="accepted"),))
        >>> found.clusters()
        ()
        """
        return clusters_of(self.in_state(*BROKEN))

    def mask(self, *states: State) -> NDArray[np.bool_]:
        """Return which pixels are broken, (height, width): confirmed and accepted, or these states.

        >>> one = DefectMap(Sensor("a", "b", "c", 40, 32), (Defect(x=3, y=4, state="accepted"),))
        >>> one.mask().shape, one.mask()[4, 3], one.mask("candidate").any()
        ((32, 40), np.True_, np.False_)
        """
        found = np.zeros((self.sensor.height, self.sensor.width), np.bool_)
        for defect in self.in_state(*(_state(state) for state in states or BROKEN)):
            for x, y in defect.pixels():
                found[y, x] = True
        return found

    def to_ccddata(self, *states: State) -> Any:
        """Return the mask as CCDData of astropy: 1 where a pixel is broken, else 0.

        Its own mask is the same, so that it can be combined with the masks of frames. Raises
        MissingPackageError without astropy.
        """
        try:
            from astropy.nddata import CCDData
        except ImportError as error:
            raise MissingPackageError(NO_ASTROPY) from error
        mask, sensor = self.mask(*states), self.sensor
        header = {"INSTRUME": sensor.model, "SERIAL": sensor.serial, "IMAGETYP": "bad pixel mask"}
        return CCDData(mask.astype(np.uint8), unit="", mask=mask, meta=header)

    def to_table(self, package: Literal["astropy", "pandas"] | None = None) -> Any:
        """Return the defects as a table of astropy or, without it, of pandas: one row for each.

        The columns are the fields of Defect; a pair of values has two columns. Raises
        MissingPackageError where the package is not installed.
        """
        if package is not None:
            one_of("package", package, ("astropy", "pandas"))
        columns = columns_of(self.defects)
        if package != "pandas":
            try:
                from astropy.table import Table
            except ImportError as error:
                if package == "astropy":
                    raise MissingPackageError(NO_TABLE) from error
            else:
                return Table(columns)
        try:
            from pandas import DataFrame
        except ImportError as error:
            raise MissingPackageError(NO_TABLE) from error
        return DataFrame(columns)


def _state(state: str) -> State:
    """Return a state; refuse what is none."""
    return cast("State", one_of("states", state, get_args(State)))


def clusters_of(defects: Iterable[Defect]) -> tuple[tuple[Defect, ...], ...]:
    """Return the single pixels that lie within IN_CLUSTER px of others, cluster by cluster.

    The largest cluster comes first; its pixels are in the order of rows. Columns and rows are in
    none: each is one entry of a map.

    >>> some = [Defect(x=x, y=y) for x, y in ((5, 5), (7, 6), (9, 5), (12, 5))]
    >>> [[(one.x, one.y) for one in cluster] for cluster in clusters_of(some)]
    [[(5, 5), (9, 5), (7, 6)]]
    """
    left = {(one.x, one.y): one for one in defects if one.run is None}
    steps = range(-IN_CLUSTER, IN_CLUSTER + 1)
    clusters = []
    while left:
        x, y = next(iter(left))
        cluster = [left.pop((x, y))]
        for one in cluster:  # it grows meanwhile
            near = ((one.x + dx, one.y + dy) for dy in steps for dx in steps)
            cluster += [left.pop(place) for place in near if place in left]
        if len(cluster) > 1:
            clusters.append(tuple(sorted(cluster, key=lambda one: (one.y, one.x))))
    return tuple(sorted(clusters, key=lambda some: (-len(some), some[0].y, some[0].x)))


def columns_of(defects: Sequence[Defect]) -> dict[str, list[Any]]:
    """Return the fields of defects by name, each a list; numbers that are not known are NaN.

    >>> columns_of([Defect(x=3, y=4, seen=(0.5, 8))])["seen_photos"]
    [8]
    """
    return {name: [value(defect) for defect in defects] for name, value in COLUMNS.items()}


def _number(known: float | None) -> float:
    return float("nan") if known is None else known


def _day(days: Days | None, end: int) -> str:
    return str(days[end]) if days else ""


COLUMNS: dict[str, Callable[[Defect], Any]] = {
    "x": lambda one: one.x,
    "y": lambda one: one.y,
    "kind": lambda one: one.kind,
    "site": lambda one: one.site or "",
    "strength": lambda one: _number(one.strength),
    "exposure_s": lambda one: _number(one.exposure_s),
    "gain": lambda one: _number(one.gain),
    "score": lambda one: one.score,
    "q": lambda one: one.q,
    "seen_share": lambda one: _number(one.seen and one.seen[0]),
    "seen_photos": lambda one: one.seen[1] if one.seen else 0,
    "since_first": lambda one: _day(one.since, 0),
    "since_last": lambda one: _day(one.since, 1),
    "until_first": lambda one: _day(one.until, 0),
    "until_last": lambda one: _day(one.until, 1),
    "state": lambda one: one.state,
    "run_along": lambda one: one.run.along if one.run else "",
    "run_first": lambda one: one.run.first if one.run else -1,
    "run_last": lambda one: one.run.last if one.run else -1,
}
