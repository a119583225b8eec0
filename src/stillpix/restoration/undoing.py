"""Takes back repairs in place: the kept original gets its name back.

Trusts only the log and the digests of both files. Never replaces a photo that was changed after its
repair, and never removes a file without its original.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from ..atomic import write_error
from ..errors import WriteError
from ..images import digest_of
from ..images.gather import Skipped
from .destinations import ORIGINAL
from .log import LOG_NAME, FixLog, LogEntry, entries_in

NO_ORIGINAL = "has no kept original beside it (NAME.orig), so nothing can be taken back"
NOT_NOTED = (
    f"is in no log of a repair ({LOG_NAME}), so it is not certain that its .orig is its original;"
    " look at both, and give the original its name back yourself"
)
CHANGED = (
    "was changed after it was repaired, and taking the repair back would lose that; look at both,"
    " and give the original its name back yourself"
)
ANOTHER = (
    "has an original that is not the one in its log; look at both, and give the original its"
    " name back yourself"
)


@dataclass(slots=True)
class TakenBack:
    """What came of taking back the repairs under some paths."""

    photos: list[Path] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def take_back(paths: Sequence[str], *, dry_run: bool = False, log: FixLog) -> TakenBack:
    """Give each repaired photo under the paths its original back, and note it in the log.

    A path is a photo, its original, or a folder (searched in depth). On a dry run all is looked at
    and nothing is changed.
    """
    result = TakenBack()
    for photo in dict.fromkeys(_photos_under(paths)):
        try:
            entry = _checked(photo)
            if not dry_run:
                _restore(photo)
                log.add(photo.parent, entry)
        except WriteError as error:
            result.skipped.append(Skipped(str(photo), error.reason))
        else:
            result.photos.append(photo)
    return result


def _photos_under(paths: Iterable[str]) -> Iterator[Path]:
    for given in paths:
        path = Path(given)
        if not path.is_dir():
            yield path.with_name(path.name.removesuffix(ORIGINAL))
            continue
        for folder, below, names in os.walk(path):
            below.sort()
            for name in sorted(names):
                if name.endswith(ORIGINAL):
                    yield Path(folder, name.removesuffix(ORIGINAL))


def _checked(photo: Path) -> LogEntry:
    """Return what the log will say; raise WriteError where it is not certain what is what."""
    original = photo.with_name(photo.name + ORIGINAL)
    if not original.is_file():
        raise WriteError(photo, NO_ORIGINAL)
    noted = [entry for entry in entries_in(photo.parent) if entry.get("target") == photo.name]
    if not noted:
        raise WriteError(photo, NOT_NOTED)
    after, before = _digest(photo) if os.path.lexists(photo) else None, _digest(original)
    if after is not None and all(entry.get("after") != after for entry in noted):
        raise WriteError(photo, CHANGED)
    if all(entry.get("before") != before for entry in noted):
        raise WriteError(photo, ANOTHER)
    return {
        "source": str(photo.absolute()),
        "target": photo.name,
        "result": "taken back",
        "time": datetime.now().astimezone().isoformat(timespec="seconds"),
        "stillpix": version("stillpix"),
        "before": after,
        "after": before,
    }


def _digest(path: Path) -> str:
    try:
        return digest_of(path.read_bytes())
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error}); check the disk and its permissions"
        raise WriteError(path, reason) from error


def _restore(photo: Path) -> None:
    try:
        photo.with_name(photo.name + ORIGINAL).replace(photo)
    except OSError as error:
        raise write_error(photo, error) from error
