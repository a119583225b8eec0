"""What each photo says at each listed place of a sensor: the log that dates are told from.

Detection sees sums, and sums have no order in time. Where a defect is known, one number a photo
is enough to say when it began; this keeps five of them. Never reads photos, never keeps their
pixels, and never decides anything.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from ..atomic import write_atomically
from ..errors import StateFormatError
from ..frame import Exposure, Sensor
from .measures import MEASURES, RESPONSE, SLOPE, Measures, Place
from .templates import USUAL_EXPOSURE_S, USUAL_GAIN

LOG_NAME = "sightings.npz"  # in the folder of a body's evidence
LOG_VERSION = 1
MOST_EXPOSURE = 1e12  # seconds, or ISO / 100: no file says more

# What numpy, zipfile and json raise at damaged files. RuntimeError: a bit says "encrypted".
_DAMAGE = (
    OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, MemoryError, SyntaxError,
    IndexError, RuntimeError, OverflowError, struct.error, BadZipFile,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """What one photo said, at the places that were listed when it was looked at."""

    exposure: Exposure
    said: Measures


@dataclass(frozen=True, slots=True, eq=False)
class DatedSightings:
    """What the photos with a date say, the earliest first."""

    digests: tuple[str, ...]
    taken: tuple[datetime, ...]
    exposure_s: NDArray[np.float64]  # (photos,); NaN where the file does not say
    gain: NDArray[np.float64]
    said: Measures  # (photos, places, MEASURES)
    looked: NDArray[np.intp]  # (photos,): at how many of the listed places, the first ones

    @property
    def charge(self) -> NDArray[np.float64]:
        """Return gain times exposure time of each photo; usual ones where a file does not say."""
        gain = np.nan_to_num(self.gain, nan=USUAL_GAIN)
        return gain * np.nan_to_num(self.exposure_s, nan=USUAL_EXPOSURE_S)


@dataclass(slots=True, eq=False)
class Sightings:
    """The log of one sensor: photos by the digest of their file, and the places looked at.

    >>> from stillpix.evidence.measures import measured
    >>> from stillpix.frame import Exposure, Frame, Sensor
    >>> sensor = Sensor("a", "b", "c", 20, 20)
    >>> frame = Frame(np.full((20, 20), 100, np.uint8), sensor, Exposure(), "a.jpg", "5")
    >>> log = Sightings(sensor)
    >>> log.list_places([(8, 9)])
    >>> log.note(frame.digest, frame.exposure, measured(frame, log.places))
    >>> log.has_looked("5", [(8, 9)]), log.has_looked("5", [(8, 9), (12, 3)])
    (True, False)
    """

    sensor: Sensor
    places: list[Place] = field(default_factory=list)
    photos: dict[str, Sighting] = field(default_factory=dict)  # by digest
    files: dict[str, str] = field(default_factory=dict)  # names on disk: the file's digest
    sought: dict[Place, int] = field(default_factory=dict)  # photos looked at again for its sake
    again: int = 0  # photos looked at again since some places were new

    def list_places(self, places: Iterable[Place]) -> None:
        """Add places to be looked at from now on; those listed already stay where they are."""
        listed = set(self.places)
        self.places += [place for place in dict.fromkeys(places) if place not in listed]

    def keep_places(self, places: Iterable[Place]) -> None:
        """Drop all listed places but these; what photos said of them stays as it is."""
        wanted = set(places)
        kept = [index for index, place in enumerate(self.places) if place in wanted]
        self.places = [self.places[index] for index in kept]
        self.sought = {place: self.sought[place] for place in self.sought if place in wanted}
        for digest, sighting in self.photos.items():
            seen = [index for index in kept if index < len(sighting.said)]
            self.photos[digest] = Sighting(sighting.exposure, sighting.said[seen])

    def note(self, digest: str, exposure: Exposure, said: Measures) -> None:
        """Keep what a photo says at the first so many listed places."""
        self.photos[digest] = Sighting(exposure, said)

    def will_seek(self, places: Iterable[Place]) -> None:
        """Count anew the photos looked at again, where some places are new."""
        new = [place for place in places if place not in self.sought]
        if new:
            self.again = 0
            self.sought |= dict.fromkeys(new, 0)

    def seek(self, places: Iterable[Place]) -> None:
        """Note that one more photo was looked at again, for the sake of some places."""
        self.again += 1
        for place in places:
            self.sought[place] += 1

    def has_looked(self, digest: str, places: Iterable[Place]) -> bool:
        """Return whether a photo was looked at in each of some places."""
        sighting = self.photos.get(digest)
        return sighting is not None and set(places) <= set(self.places[: len(sighting.said)])

    def dated(self) -> DatedSightings:
        """Return what the photos with a date say, in order of date and then of digest."""
        rows = sorted(
            (sighting.exposure.taken, digest)
            for digest, sighting in self.photos.items()
            if sighting.exposure.taken is not None
        )
        seen = [self.photos[digest] for _, digest in rows]
        return DatedSightings(
            digests=tuple(digest for _, digest in rows),
            taken=tuple(taken for taken, _ in rows),
            exposure_s=np.array([s.exposure.exposure_s or np.nan for s in seen], np.float64),
            gain=np.array([s.exposure.gain or np.nan for s in seen], np.float64),
            said=self._stacked(seen),
            looked=np.array([len(s.said) for s in seen], np.intp),
        )

    def save(self, path: Path) -> None:
        """Write the log over an older one, whole or not at all; raises WriteError."""
        write_atomically(path, self.as_bytes())

    def as_bytes(self) -> bytes:
        """Return the log as the content of a file."""
        state = {
            "version": LOG_VERSION,
            "sensor": self.sensor.facts,
            "photos": [_to_json(digest, sighting) for digest, sighting in self.photos.items()],
            "files": self.files,
            "again": self.again,
            "sought": [[*place, times] for place, times in self.sought.items()],
        }
        file = io.BytesIO()
        np.savez(
            file,
            state=np.frombuffer(json.dumps(state).encode(), np.uint8),
            places=np.array(self.places, np.int32).reshape(-1, 2),
            said=self._stacked(list(self.photos.values())),
        )
        return file.getvalue()

    @classmethod
    def load(cls, path: Path, sensor: Sensor) -> Self:
        """Return the log that `save` wrote; an empty one where there is no such file.

        Raises StateFormatError where what is there cannot be used.
        """
        log = cls(sensor)
        try:
            with ZipFile(path) as archive:  # decompressors have errors of their own
                if any(each.compress_type != ZIP_STORED for each in archive.infolist()):
                    raise ValueError("they are compressed")
            with np.load(path) as arrays:
                log._fill(json.loads(arrays["state"].tobytes()), arrays["places"], arrays["said"])
        except FileNotFoundError:
            return cls(sensor)
        except _DAMAGE as error:
            reason = f"{path}: the saved sightings cannot be used ({error}); they are made anew"
            raise StateFormatError(reason) from error
        return log

    def _fill(self, state: Any, places: NDArray[Any], said: NDArray[Any]) -> None:
        if state["version"] != LOG_VERSION:
            raise ValueError(f"version {state['version']}")
        if state["sensor"] != json.loads(json.dumps(self.sensor.facts)):
            raise ValueError("they are another sensor's")
        shape = (len(state["photos"]), len(places), MEASURES)
        if said.shape != shape or said.dtype != np.float16 or places.shape[1:] != (2,):
            raise ValueError("an array has another shape")
        if not _sayable(said):
            raise ValueError("a number cannot be")
        self.places = [(int(x), int(y)) for x, y in places]
        self.files = {str(name): str(digest) for name, digest in state["files"].items()}
        self.again = int(state.get("again", 0))  # logs of earlier versions do not say
        for x, y, times in state.get("sought", []):
            self.sought[int(x), int(y)] = int(times)
        for saved, row in zip(state["photos"], said, strict=True):
            seen = int(saved["places"])
            if not 0 <= seen <= len(row):
                raise ValueError(f"a photo looked at {seen} of {len(row)} places")
            self.photos[str(saved["digest"])] = Sighting(_from_json(saved), row[:seen])

    def _stacked(self, sightings: Sequence[Sighting]) -> Measures:
        stacked = np.full((len(sightings), len(self.places), MEASURES), np.nan, np.float16)
        for row, sighting in zip(stacked, sightings, strict=True):
            row[: len(sighting.said)] = sighting.said
        return stacked


def _to_json(digest: str, sighting: Sighting) -> dict[str, Any]:
    exposure = sighting.exposure
    return {
        "digest": digest,
        "exposure_s": exposure.exposure_s,
        "gain": exposure.gain,
        "taken": exposure.taken and exposure.taken.isoformat(),
        "places": len(sighting.said),
    }


def _from_json(saved: dict[str, Any]) -> Exposure:
    taken = datetime.fromisoformat(saved["taken"]) if saved["taken"] else None
    if taken is not None and taken.tzinfo is not None:  # it compares with none of the others
        raise ValueError("a date has a time zone")
    return Exposure(_positive(saved["exposure_s"]), _positive(saved["gain"]), taken)


def _positive(saved: Any) -> float | None:
    if saved is None:
        return None
    if not 0 < float(saved) < MOST_EXPOSURE:
        raise ValueError(f"{saved} is no exposure")
    return float(saved)


def _sayable(said: Measures) -> bool:
    """Return whether photos can have said it: all of it finite or none, and no weight below 0."""
    blank = np.isnan(said)
    weights = said[..., [SLOPE, RESPONSE]]
    return bool(
        (blank.any(-1) == blank.all(-1)).all()
        and not np.isinf(said).any()
        and not (weights < 0).any()
    )
