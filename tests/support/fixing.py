"""What the tests of fix share: photos with known hot pixels, and one call that mends them.

Truth is told from pixels that Pillow decodes and from what the system says of files.
"""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from stillpix.frame import Exposure, Sensor
from stillpix.images import Header, read_header
from stillpix.images.gather import gather
from stillpix.maps.records import Defect, DefectMap
from stillpix.restoration.destinations import Placement, routes
from stillpix.restoration.fix import repair_bodies
from stillpix.restoration.targets import listed_at
from support import series

MOMENT = 1_500_000_000_123_456_700  # ns: whole 100 ns, as every file system of today can keep
FAR = 40  # px: farther from a place than any block that it touches


def at(places, state="confirmed"):
    return tuple(Defect(x=x, y=y, kind="hot", state=state) for x, y in places)


def map_of(photo, places=series.HOT):
    return DefectMap(read_header(photo).sensor, at(places))


def shot(path, number=0, *, size=series.SIZE, mode=0o640, **options):
    """Write one photo with the camera's hot pixels, and return its path and content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(series.jpeg(series.scene(number, size), **options))
    path.chmod(mode)
    os.utime(path, ns=(MOMENT, MOMENT))
    return path, path.read_bytes()


def sound(path, number=0):
    """Write one photo in which no pixel stands out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(series.jpeg(np.full((120, 160, 3), 90 + number, np.uint8)))
    os.utime(path, ns=(MOMENT, MOMENT))
    return path, path.read_bytes()


def decoded(content):
    with Image.open(BytesIO(content)) as picture:
        return np.asarray(picture).astype(int)


def run(paths, lister=None, placement=None, **options):
    """Mend what is under some paths, and return what came of it: photos, skipped by name."""
    given = [str(path) for path in paths]
    ways = routes(gather(given), given, placement)
    lister = lister or listed_at(series.HOT)
    bodies = list(repair_bodies(ways, lister, placement, **options))
    done = [photo for body in bodies for photo in body.photos]
    skipped = [*ways.refused, *(each for body in bodies for each in body.skipped)]
    return done, {Path(each.path).name: each.reason for each in skipped}


def copies(out, **options):
    return Placement(out=out, **options)


IN_PLACE = Placement(in_place=True)


def tree(folder):
    """Return all that can be seen of a folder: names, contents, times, inodes."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(folder))] = (content, status.st_mtime_ns, status.st_ino)
    return found


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def header_of(content, exposure=None):
    """Return what a file without a camera's tags says of itself."""
    with Image.open(BytesIO(content)) as image:
        name, size = image.format.lower(), image.size
    sensor = Sensor("unknown", "unknown", "unknown", *size)
    return Header(Path(f"a.{name}"), name, sensor, exposure or Exposure(), None, 1, 255)
