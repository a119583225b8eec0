"""A sensor's broken pixels as records: one defect, and the map of one body.

Never decides what is broken (that is detect) and never touches a file (that is maps).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, TypeAlias

from ..frame import Sensor

Kind: TypeAlias = Literal[
    "hot", "offset", "bright", "stuck", "high", "dead", "low", "dark", "unknown"
]  # fmt: skip
Days: TypeAlias = tuple[date, date]  # the first and the last that something can have been
State: TypeAlias = Literal["confirmed", "candidate", "accepted", "rejected"]
Area: TypeAlias = tuple[int, int, int, int]  # x, y, width, height


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
class EvidenceSummary:
    """What a map stands on."""

    photos: int = 0
    scenes: int = 0
    first: datetime | None = None
    last: datetime | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)
    left_out: float = 0.0  # share of the frame that never changes
    areas: tuple[Area, ...] = ()  # where that is, roughly


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

    def __iter__(self) -> Iterator[Defect]:
        return iter(self.defects)

    def __len__(self) -> int:
        return len(self.defects)

    @property
    def files(self) -> str:
        """Return the format of the photos that it was made from; "" where it does not say."""
        said = self.sensor_extra.get(FILES)
        return said if isinstance(said, str) else ""

    def in_state(self, *states: State) -> tuple[Defect, ...]:
        """Return the defects in one of the named states, in the map's order."""
        return tuple(defect for defect in self.defects if defect.state in states)
