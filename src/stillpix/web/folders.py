"""The folders that a person opened, and the photos in them: what the page may look at.

Never gives a photo by a path that a request names, but by its number in an opened folder; never
one outside that folder, whatever links lead to it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..atomic import takes_files
from ..errors import ReadError
from ..frame import Sensor
from ..images import Header, is_clip, is_photo, read_header
from ..images.gather import Gathering, Skipped, gather
from ..restoration.earlier_runs import notes_on_repaired
from ..restoration.log import LOG_NAME
from .refusal import Refused

MAX_UPLOAD_BYTES = 512 << 20  # of one photo
MAX_UPLOADS_BYTES = 8 << 30  # of all
MOST_NAME_BYTES = 200
ROOM_LEFT_BYTES = 256 << 20  # of the disk that holds them, which uploads never take
LEADS_OUT = "is a link that leads out of the opened folder; open the folder it leads to"
DROPPED = "dropped photos"
DEMO = "demo photos"


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of an opened folder."""

    id: str
    header: Header
    name: str  # below the folder


@dataclass(slots=True)
class Folder:
    """A folder as it was when it was opened."""

    id: str
    root: Path  # without links
    title: str
    found: Gathering
    photos: list[Photo] = field(default_factory=list)


def folder_at(text: str) -> Path:
    """Return the folder that a person names, without links.

    Raises Refused for what is no folder, or not named in full: the page has no folder of its own
    from which a name could count.
    """
    try:
        path = Path(os.path.expanduser(text.strip()))  # noqa: PTH111  # Path's raises on ~nobody
        if not path.is_absolute():
            raise Refused(
                422,
                f"{text}: give the full path of the folder, beginning with "
                f"{Path('/').absolute()} or ~",
            )
        real = Path(os.path.realpath(path))
        if not real.is_dir():
            raise Refused(404, f"{text}: there is no such folder; check the spelling")
        os.scandir(real).close()
    except PermissionError:
        raise Refused(
            403, f"{text}: cannot be read: permission denied; give yourself permission to read it"
        ) from None
    except (OSError, ValueError):
        raise Refused(422, "this is not the name of a folder; check the spelling") from None
    return real


def is_within(path: Path, root: Path) -> bool:
    """Return whether a path, whatever links it goes through, ends inside a folder."""
    return Path(os.path.realpath(path)).is_relative_to(root)


def gathered(
    root: Path, report: Callable[[int], None] | None = None, camera: str | None = None
) -> Gathering:
    """Return the photos of a folder; links that lead out of it are among those skipped."""
    found = gather([root], report=report, camera=camera, clips=False)
    outside = [
        header.path
        for headers in found.bodies.values()
        for header in headers
        if not is_within(header.path, root)
    ]
    left = set(outside)
    bodies = {
        sensor: kept
        for sensor, headers in found.bodies.items()
        if (kept := [header for header in headers if header.path not in left])
    }
    refused = [each for each in found.skipped if not is_within(Path(each.path), root)]
    skipped = [each for each in found.skipped if each not in refused]
    skipped += [Skipped(str(path), LEADS_OUT) for path in [*outside, *(r.path for r in refused)]]
    inside = replace(found, bodies=bodies, skipped=skipped)
    inside.warnings += notes_on_repaired(inside)
    return inside


class Folders:
    """The opened folders of one server."""

    def __init__(self) -> None:
        self._folders: dict[str, Folder] = {}
        self._lock = threading.Lock()
        self._count = 0

    def add(self, root: Path, title: str, found: Gathering) -> Folder:
        """Keep a folder under a new name; the same folder opened before goes."""
        with self._lock:
            self._count += 1
            folder = Folder(f"f{self._count}", root, title, found)
            headers = [header for group in found.bodies.values() for header in group]
            folder.photos = [
                Photo(f"{folder.id}-{number}", header, _name_below(root, header))
                for number, header in enumerate(headers)
            ]
            self._folders = {key: old for key, old in self._folders.items() if old.root != root}
            self._folders[folder.id] = folder
            return folder

    def named(self, folder_id: str) -> Folder:
        """Return an opened folder; raise Refused (404) where there is none of that name."""
        with self._lock:
            if folder_id not in self._folders:
                raise Refused(404, "that folder is not open; open it again")
            return self._folders[folder_id]

    def close(self, folder_id: str) -> None:
        """Close a folder; its files stay."""
        self.named(folder_id)
        with self._lock:
            self._folders.pop(folder_id, None)

    def all(self) -> list[Folder]:
        """Return the opened folders, the latest last."""
        with self._lock:
            return list(self._folders.values())

    def photo(self, photo_id: str) -> Photo:
        """Return a photo that is still inside its folder; raise Refused (404) for any other."""
        folder_id, _, number = photo_id.partition("-")
        folder = self.named(folder_id)
        if not number.isdecimal() or int(number) >= len(folder.photos):
            raise Refused(404, "there is no such photo; open its folder again")
        found = folder.photos[int(number)]
        if not is_within(found.header.path, folder.root):
            raise Refused(404, f"{found.name}: {LEADS_OUT}")
        return found

    def photos_of(self, sensor: Sensor) -> list[Photo]:
        """Return the photos of one sensor in all opened folders, each file once.

        Whether one is still inside its folder is for `photo` to say, when it is looked at.
        """
        found = {
            photo.header.key: photo
            for folder in self.all()
            for photo in folder.photos
            if photo.header.sensor.is_alike(sensor)
        }
        return list(found.values())

    def photos_within(self, sensor: Sensor) -> list[Photo]:
        """Return those of them that are still inside their folders: they may be read."""
        roots = {folder.id: folder.root for folder in self.all()}
        return [
            photo
            for photo in self.photos_of(sensor)
            if (root := roots.get(photo.id.partition("-")[0])) is not None
            and is_within(photo.header.path, root)
        ]

    def sensors(self) -> list[Sensor]:
        """Return the sensors of the photos in the opened folders."""
        return list(dict.fromkeys(sensor for each in self.all() for sensor in each.found.bodies))


def _name_below(root: Path, header: Header) -> str:
    folder = os.path.relpath(header.path.parent, root)
    return os.path.normpath(os.path.join(folder, header.name))  # noqa: PTH118  # the page shows it


class Uploads:
    """Photos that were dropped on the page: files of a temporary folder, gone with the server."""

    def __init__(self, most_bytes: int = MAX_UPLOAD_BYTES) -> None:
        self.most_bytes = most_bytes
        self._made = tempfile.TemporaryDirectory(prefix="stillpix-", ignore_cleanup_errors=True)
        self.root = Path(os.path.realpath(self._made.name)) / "dropped"
        self.demo = self.root.with_name("demo")  # where a simulated camera's photos go
        self.root.mkdir()
        self._count = 0
        self._lock = threading.Lock()

    def require_room(self, size: int) -> None:
        """Raise Refused (413, 507) for a file that is too large, before it is read."""
        if size > self.most_bytes:
            limit = f"{self.most_bytes >> 20} MB"
            raise Refused(413, f"the file is longer than {limit}; open its folder instead")
        held = sum(path.stat().st_size for path in self.root.iterdir())
        if held + size > MAX_UPLOADS_BYTES:
            limit = f"{MAX_UPLOADS_BYTES >> 30} GB"
            raise Refused(507, f"more than {limit} were dropped; open their folder instead")
        if shutil.disk_usage(self.root).free < size + ROOM_LEFT_BYTES:
            raise Refused(507, "the disk is nearly full; free some space, or open their folder")

    def begin(self) -> Path:
        """Return a path for a file that is being received, which no folder shows."""
        with self._lock:
            self._count += 1
            return self.root / f".part-{self._count}"

    def accept(self, part: Path, name: str) -> Header:
        """Give a received photo its name; raise Refused (415) for what is no photo."""
        if not is_photo(name) or is_clip(name):
            raise Refused(
                415, f"{name}: does not have the name of a photo; give it its proper ending"
            )
        try:
            read_header(part)
        except ReadError as error:
            raise Refused(415, f"{name}: {error.reason}") from error
        with self._lock:
            target = self.root / name
            stem, suffix = os.path.splitext(name)  # noqa: PTH122  # a Path drops a trailing dot
            number = 2
            while target.exists():
                target = self.root / f"{stem} ({number}){suffix}"
                number += 1
            part.rename(target)
        return read_header(target)

    def close(self) -> None:
        """Remove all that was dropped."""
        self._made.cleanup()


def required_name(name: str) -> str:
    """Return a dropped file's name; raise Refused (422) for one that is more than a name.

    >>> required_name("IMG_0001.JPG")
    'IMG_0001.JPG'
    """
    wrong = not name or name.startswith(".") or any(mark in name for mark in "/\\\0") or ":" in name
    try:
        wrong = wrong or len(os.fsencode(name)) > MOST_NAME_BYTES
    except UnicodeEncodeError:
        wrong = True
    if wrong or name == LOG_NAME:
        raise Refused(422, "this is not a name for a photo; give the file another one")
    return name


def folder_for_copies(text: str) -> Path:
    """Return the folder that repaired photos are to go into.

    It need not be there, but its parent must; it may hold nothing but what stillpix put there.
    Raises Refused for any other.
    """
    try:
        path = Path(os.path.expanduser(text.strip()))  # noqa: PTH111  # as above
        if not path.is_absolute():
            raise Refused(422, f"{text}: give the full path of the folder for the copies")
        real = Path(os.path.realpath(path))
        if not real.parent.is_dir():
            raise Refused(404, f"{text}: there is no folder {real.parent}; make it first")
        if real.exists() and not real.is_dir():
            raise Refused(422, f"{text}: is a file; name a folder")
        ours = not real.exists() or (real / LOG_NAME).is_file() or not any(real.iterdir())
        if not ours:
            raise Refused(409, f"{text}: holds something else; name a new folder, or an empty one")
        if not takes_files(real if real.exists() else real.parent):
            raise Refused(403, f"{text}: you may not write there; name another folder")
    except (OSError, ValueError):
        raise Refused(422, "this is not the name of a folder; check the spelling") from None
    return real
