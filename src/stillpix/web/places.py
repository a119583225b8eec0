"""The folders of this computer that a person may choose from, and those opened last.

Never lists a file, a hidden folder, or one that this user may not read; never opens a photo.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..atomic import write_atomically
from ..errors import WriteError
from ..images import is_clip, is_photo
from ..maps.library import Library

MOST_LISTED = 1000  # folders, and entries that are looked at for photos
MOST_RECENT = 8
RECENT_NAME = "recent-folders.json"


def place_document(root: Path) -> dict[str, Any]:
    """Return a folder, the folders in it, and how many photos lie in it directly.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as made:
    ...     Path(made, "Holiday").mkdir()
    ...     Path(made, "a.jpg").touch()
    ...     told = place_document(Path(made))
    >>> [each["name"] for each in told["folders"]], told["photos"]
    (['Holiday'], 1)
    """
    folders, photos = [], 0
    for entry in _entries(root):
        if entry.is_dir():
            if os.access(entry.path, os.R_OK | os.X_OK):
                folders.append({"name": entry.name, "path": entry.path})
        elif is_photo(entry.name) and not is_clip(entry.name):
            photos += 1
    folders.sort(key=lambda each: each["name"].casefold())
    return {
        "path": str(root),
        "above": str(root.parent) if root.parent != root else None,
        "home": str(Path.home()),
        "folders": folders[:MOST_LISTED],
        "photos": photos,
    }


def _entries(root: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(root) as found:
            for number, entry in enumerate(found):
                if number >= 20 * MOST_LISTED:
                    return
                if not entry.name.startswith("."):
                    yield entry
    except OSError:
        return


class Recent:
    """The folders that were opened last, kept in the library from one start to the next."""

    def __init__(self, library: Library) -> None:
        self._path = library.root / RECENT_NAME
        self._lock = threading.Lock()

    def all(self) -> list[str]:
        """Return those that are still there, the latest first."""
        return [path for path in self._read() if Path(path).is_dir()]

    def add(self, root: Path) -> None:
        """Note a folder; where it cannot be kept, nothing is lost but the reminder."""
        with self._lock:
            paths = [str(root), *(each for each in self._read() if each != str(root))]
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(self._path, json.dumps(paths[:MOST_RECENT]).encode())
            except (OSError, WriteError, UnicodeError):
                return

    def _read(self) -> list[str]:
        try:
            kept = json.loads(self._path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return []
        return [each for each in kept if isinstance(each, str)] if isinstance(kept, list) else []
