"""The files that other programs keep beside a photo, which go with its copy.

Looks at names only. Never opens a file and never writes one.
"""

from __future__ import annotations

import os
import re
import threading
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

from ..images.remote import is_remote
from ..images.remote_writing import names_in

# Adobe, darktable and digiKam; RawTherapee; DxO; ON1; Google Takeout, Nikon, Canon, Capture One;
# ART, Lightroom's masks, Apple's Photos.
SUFFIXES = (
    ".xmp", ".pp3", ".dop", ".on1", ".json", ".nksc", ".vrd", ".cos", ".arp", ".acr", ".aae"
)  # fmt: skip
# IMG_1.xmp is that of IMG_1.NEF, too.
WITHOUT_THE_SUFFIX = frozenset({".xmp", ".on1", ".vrd", ".acr", ".aae"})
TAKEOUT = re.compile(r"\.[a-z-]{1,24}\.json", re.IGNORECASE)  # .supplemental-metadata, cut anywhere
DUPLICATE = re.compile(r"_\d\d")  # darktable: IMG_1_01.NEF.xmp is another version of IMG_1.NEF


class Sidecars:
    """Finds the sidecars of photos; looks into each folder once."""

    def __init__(self) -> None:
        self._folders: dict[Path, list[str]] = {}
        self._lock = threading.Lock()

    def of(self, photo: Path, copy: Path) -> Iterator[tuple[Path, Path]]:
        """Yield each sidecar of a photo, and what it is called beside the photo's copy."""
        names = self._names_in(photo.parent)
        start = bisect_left(names, photo.stem)
        for name in names[start:]:
            if not name.startswith(photo.stem):
                return
            renamed = renamed_sidecar(name, photo.name, copy.name)
            if renamed is not None:
                yield photo.with_name(name), copy.with_name(renamed)

    def _names_in(self, folder: Path) -> list[str]:
        with self._lock:
            if folder not in self._folders:
                try:
                    found = names_in(folder) if is_remote(folder) else os.listdir(folder)  # noqa: PTH208  # names, not paths
                except OSError:
                    found = []
                named = (name for name in found if name.lower().endswith(SUFFIXES))
                self._folders[folder] = sorted(named)
            return self._folders[folder]


def renamed_sidecar(name: str, photo: str, copy: str) -> str | None:
    """Return what a photo's sidecar is called beside a copy; None where it is not its sidecar.

    >>> renamed_sidecar("IMG_1.NEF.xmp", "IMG_1.NEF", "IMG_1.dng")
    'IMG_1.dng.xmp'
    >>> renamed_sidecar("IMG_1.xmp", "IMG_1.NEF", "IMG_1.dng")
    'IMG_1.xmp'
    >>> renamed_sidecar("IMG_10.xmp", "IMG_1.NEF", "IMG_1.dng") is None
    True
    """
    stem, suffix = os.path.splitext(photo)  # noqa: PTH122  # names, not paths
    new_stem, new_suffix = os.path.splitext(copy)  # noqa: PTH122  # as above
    rest = name[len(stem) :]
    if rest.startswith(suffix):
        after = rest[len(suffix) :]
        known = after.lower() in SUFFIXES or TAKEOUT.fullmatch(after)
        return new_stem + new_suffix + after if known else None
    if rest.lower() in WITHOUT_THE_SUFFIX:
        return new_stem + rest
    version = DUPLICATE.match(rest)
    if version and rest[version.end() :].lower() == f"{suffix.lower()}.xmp":
        return f"{new_stem}{version[0]}{new_suffix}{rest[-len('.xmp') :]}"
    return None
