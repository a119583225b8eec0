"""What was done to one photo, and its entry in the log. Never reads or writes a photo."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal, TypeAlias

from ..errors import spelled
from ..images import digest_of
from ..images.remote import absolute
from .destinations import Route
from .files import FITS
from .log import LogEntry, listing_object, verdict_object
from .targets import Listing
from .verdicts import RepairedFile, Verdict

Result: TypeAlias = Literal["repaired", "listed", "copied", "left"]


@dataclass(frozen=True, slots=True)
class RepairedPhoto:
    """What was done to one photo; on a dry run, what would be."""

    source: Path
    target: Path | None  # None: nothing is written
    result: Result  # "left": there was nothing to do, and nothing was written
    verdicts: tuple[Verdict, ...]
    before: str  # the digest of its file
    after: str
    notes: tuple[str, ...] = ()
    there: bool = False  # the target held exactly this already
    original: Path | None = None  # where the original is kept
    earlier: bool = False  # that is an earlier run's, which stays
    is_fits: bool = False

    @property
    def repaired(self) -> int:
        """Return how many places were repaired."""
        return sum(verdict.outcome == "repaired" for verdict in self.verdicts)

    @property
    def listed(self) -> int:
        """Return how many defects the file lists for the program that develops it."""
        return sum(verdict.outcome == "listed" for verdict in self.verdicts)


def result_of(fixed: RepairedFile) -> Result:
    """Return what becomes of a photo that is changed."""
    listed = any(verdict.outcome == "listed" for verdict in fixed.verdicts)
    return "listed" if listed else "repaired"


def record_of(way: Route, result: Result, content: bytes, fixed: RepairedFile) -> RepairedPhoto:
    """Return what was done to a photo of these bytes."""
    return RepairedPhoto(
        source=way.header.path,
        target=way.target,
        result=result,
        verdicts=fixed.verdicts,
        before=digest_of(content),
        after=digest_of(fixed.content),
        notes=fixed.notes,
        is_fits=way.header.format == FITS,
    )


def log_entry_of(
    repaired: RepairedPhoto, listing: Listing, folder: Path, options: dict[str, bool]
) -> LogEntry:
    """Return the log's entry for one photo."""
    target = repaired.target or repaired.source
    entry: LogEntry = {
        "source": spelled(absolute(repaired.source)),
        "target": target.relative_to(folder).as_posix(),
        "result": repaired.result,
        "time": datetime.now().astimezone().isoformat(timespec="seconds"),
        "stillpix": version("stillpix"),
        "map": listing_object(listing),
        "options": options,
        "before": repaired.before,
        "after": repaired.after,
        "places": [verdict_object(verdict) for verdict in repaired.verdicts],
        "notes": list(repaired.notes),
    }
    if repaired.original is not None:
        entry["original"] = repaired.original.name
    return entry
