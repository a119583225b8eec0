"""The log of `fix`: what was done to each photo, in a JSON file beside the photos.

Never writes into a photo, and never drops the notes of an earlier run or of a later version.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from ..atomic import set_aside, write_atomically, write_error
from ..errors import ReadError, WriteError, spelled
from ..images.remote import is_remote
from ..images.remote_writing import content_of, write_whole
from .targets import Listing
from .verdicts import Verdict

LOG_NAME = "stillpix-fix.json"
FORMAT = "stillpix-fix"
VERSION = 1
EVERY_S = 2.0  # so often the log of a long run is written
LARGEST_SHARE = 20  # of a run's time, at most one part in so many goes into writing logs

ONE_CHANGE = ("target", "before", "after", "time")

LogEntry: TypeAlias = dict[str, Any]


@dataclass(slots=True)
class _Folder:
    """What is to be noted in one folder's log."""

    entries: list[LogEntry] = field(default_factory=list)
    unsaved: bool = False


class FixLog:
    """The logs of one run, one per folder; may be added to from several threads at once.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = FixLog()
    ...     log.add(Path(folder), {"target": "a.jpg", "before": "1", "after": "2"})
    ...     log.close()
    ...     [entry["target"] for entry in json.loads(log.paths[0].read_bytes())["photos"]]
    ['a.jpg']
    """

    def __init__(self) -> None:
        self.troubles: list[str] = []
        self._folders: dict[Path, _Folder] = {}
        self._lock = threading.Lock()
        self._next = time.monotonic() + EVERY_S

    @property
    def paths(self) -> list[Path]:
        """Return the logs that were written, or were to be, in the order of their folders."""
        with self._lock:  # photos end in any order: that of the folders is the same every run
            return [folder / LOG_NAME for folder in sorted(self._folders)]

    def add(self, folder: Path, entry: LogEntry) -> None:
        """Note one photo, named by its "target" below the folder; written now and then."""
        with self._lock:
            noted = self._folders.setdefault(folder, _Folder())
            noted.entries.append(entry)
            noted.unsaved = True
            if time.monotonic() >= self._next:
                self._write()

    def close(self) -> None:
        """Write what is not written yet; what cannot be is among the troubles."""
        with self._lock:
            self._write()

    def _write(self) -> None:
        begun = time.monotonic()
        for folder, noted in self._folders.items():
            if noted.unsaved:
                noted.unsaved = False
                self._write_one(folder / LOG_NAME, noted.entries)
        took_s = time.monotonic() - begun
        self._next = time.monotonic() + max(EVERY_S, LARGEST_SHARE * took_s)

    def _write_one(self, path: Path, entries: Sequence[LogEntry]) -> None:
        try:
            document = _document_at(path)
            if document is None and is_remote(path):
                raise WriteError(spelled(path), "is not a log of stillpix; move it away")
            if document is None:
                aside = set_aside(path)
                self.troubles.append(f"{path}: is not a log of stillpix; it was moved to {aside}")
                document = {}
            earlier = document.get("photos", [])
            listed = merged(earlier, entries)
            if document and len(listed) == len(earlier):
                return
            text = _as_text({**document, "format": FORMAT, "version": VERSION, "photos": listed})
            # What is no text (a broken file name) becomes a JSON escape of itself.
            content = text.encode("utf-8", errors="backslashreplace")
            write_whole(path, content) if is_remote(path) else write_atomically(path, content)
        except WriteError as error:
            line = f"{error} (this concerns only the log; the photos are written as reported)"
            if line not in self.troubles:
                self.troubles.append(line)


def entries_in(folder: Path) -> list[LogEntry]:
    """Return what the log in a folder says, in its order; nothing where there is no log to read."""
    try:
        document = _document_at(folder / LOG_NAME) or {}
    except WriteError:
        return []
    return list(document.get("photos", []))


def merged(earlier: Sequence[LogEntry], later: Sequence[LogEntry]) -> list[LogEntry]:
    """Return the entries of two logs, without those that tell of no change.

    An entry whose photo was left, or copied once more, as its target's last entry left it says
    nothing new.

    >>> first = {"target": "a.jpg", "before": "1", "after": "2"}
    >>> again = {"target": "a.jpg", "before": "2", "after": "2"}
    >>> more = {"target": "a.jpg", "before": "2", "after": "3"}
    >>> [entry["after"] for entry in merged([first], [first, again, more])]
    ['2', '3']
    """
    kept = list(earlier)
    last = {_texts(entry, "target"): _texts(entry, "before", "after") for entry in kept}
    known = {_texts(entry, *ONE_CHANGE) for entry in kept}
    for entry in later:
        target, (before, after) = _texts(entry, "target"), _texts(entry, "before", "after")
        earlier_ends = last.get(target, ())
        unchanged = after in earlier_ends[1:] and before in earlier_ends
        if not unchanged and _texts(entry, *ONE_CHANGE) not in known:
            kept.append(entry)
            known.add(_texts(entry, *ONE_CHANGE))
            last[target] = (before, after)
    return kept


def _texts(entry: Mapping[str, Any], *keys: str) -> tuple[str, ...]:
    return tuple(str(entry.get(key)) for key in keys)  # somebody may have edited the file


def _document_at(path: Path) -> dict[str, Any] | None:
    """Return a log's document, an empty one where there is no file, None where it is no log.

    Raises:
        WriteError: the file cannot be read, and is not to be replaced for that.
    """
    try:
        content = content_of(path) if is_remote(path) else path.read_bytes()
        if content is None:
            return {}
        document = json.loads(content)
    except FileNotFoundError:
        return {}
    except ReadError as error:
        raise WriteError(error.path, error.reason) from error
    except OSError as error:
        raise write_error(path, error) from error
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return None
    listed, version = document.get("photos"), document.get("version")
    is_ours = isinstance(version, int) and version <= VERSION and isinstance(listed, list)
    return document if is_ours and all(isinstance(entry, dict) for entry in listed or ()) else None


def _as_text(document: Mapping[str, Any]) -> str:
    """Return the log's text, one photo per line."""
    lines = [
        f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}"
        for key, value in document.items()
        if key != "photos"
    ]
    rows = ",\n    ".join(json.dumps(entry, ensure_ascii=False) for entry in document["photos"])
    lines.append(f'"photos": [\n    {rows}\n  ]')
    return "{\n  " + ",\n  ".join(lines) + "\n}\n"


def listing_object(listing: Listing) -> dict[str, Any]:
    """Return for JSON which map lists the places, or that a person does."""
    if listing.map is None:
        return {"at": [[defect.x, defect.y] for defect in listing.defects]}
    sensor = listing.map.sensor
    return {
        "path": str(listing.path.absolute()) if listing.path else None,
        "make": sensor.make,
        "model": sensor.model,
        "serial": sensor.serial,
        "width": sensor.width,
        "height": sensor.height,
        "layout": sensor.layout,
        **({"which": sensor.which} if sensor.which else {}),
    }


def verdict_object(verdict: Verdict) -> dict[str, Any]:
    """Return for JSON what was done at one place.

    >>> verdict_object(Verdict(3, 4, "repaired", 20.94))
    {'x': 3, 'y': 4, 'outcome': 'repaired', 'strength': 20.9}
    """
    found: dict[str, Any] = {"x": int(verdict.x), "y": int(verdict.y), "outcome": verdict.outcome}
    if verdict.strength is not None:
        found["strength"] = round(float(verdict.strength), 1) + 0.0
    if verdict.why:
        found["why"] = verdict.why
    if verdict.run is not None:
        found["run"] = [verdict.run.along, verdict.run.first, verdict.run.last]
    if verdict.picture is not None:
        found["picture"] = verdict.picture
    return found
