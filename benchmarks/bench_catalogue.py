"""What a catalogue costs: rows written, and files on a disk told to be known or new by them.

    python benchmarks/bench_catalogue.py --photos 1000000

Makes a library whose catalogue knows so many photos of ten bodies, and as many empty files in
folders of a thousand, and some new photos beside them. Then a process of its own does what `find`
does before it reads a pixel: it walks the folders and says what is new.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from stillpix.frame import Sensor
from stillpix.images.gather import gather
from stillpix.images.searching import name_of
from stillpix.maps.catalogue import CataloguedPhoto, opened
from stillpix.maps.library import STATE_NAME, Library
from stillpix.scan.known import known_photos

BODIES, OF_FOLDER, NEW = 10, 1000, 20
START = datetime(2016, 1, 1)


def sensor_numbered(number: int) -> Sensor:
    """Return one of the bodies."""
    return Sensor("Example Works", "Example One", str(number), 64, 48)


def write_files(folder: Path, photos: int) -> None:
    """Write so many empty files, each of a time of its own, and some photos that are new."""
    for number in range(photos):
        path = folder / f"{number // OF_FOLDER:06}/IMG_{number:08}.JPG"
        if number % OF_FOLDER == 0:
            path.parent.mkdir(parents=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        os.utime(path, (1, 1 + number))
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Example Works", "Example One"
    for number in range(NEW):
        place = folder / f"{number * photos // OF_FOLDER // NEW:06}/new{number}.png"
        Image.new("L", (64, 48), number).save(place, exif=exif)


def rows_of(photos: range) -> Iterator[CataloguedPhoto]:
    """Yield the rows of some photos."""
    for number in photos:
        taken = START + timedelta(minutes=5 * number)
        name = name_of(f"IMG_{number:08}.JPG", 0, (1 + number) * 10**9)
        yield CataloguedPhoto(
            name, f"{number:032x}", f"{taken:%Y-%m-%d %H:%M:%S}", 0.01, 1.0, True, True,
            "Example 35mm", 35.0,
        )  # fmt: skip


def write_catalogue(library: Library, photos: int) -> None:
    """Write the rows of all photos, body after body."""
    each = photos // BODIES
    for number in range(BODIES):
        sensor = sensor_numbered(number)
        folder = library.evidence_path(sensor)
        folder.mkdir(parents=True)
        (folder / STATE_NAME).write_text("{}")
        stamp = library.stamp_of(sensor) or ""
        with opened(library.catalogue_path) as catalogue:
            catalogue.keep(
                sensor, "jpeg", stamp, rows_of(range(number * each, (number + 1) * each))
            )


def plan(root: Path) -> None:
    """Say what is new, and what that took."""
    begun, cpu = time.perf_counter(), time.process_time()
    with known_photos(Library(root / "library")) as known:
        found = gather([root / "photos"], known=known, jobs=1)
    took, used = time.perf_counter() - begun, time.process_time() - cpu
    new, old = sum(map(len, found.bodies.values())), sum(found.known.values())
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"known {old}, new {new}: {took:.1f} s, CPU {used:.1f} s, peak {peak_mb:.0f} MB")


def main() -> None:
    """Measure so many photos."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=100_000, help="a multiple of 10,000")
    parser.add_argument("--root", type=Path, help="of a library and photos that are there already")
    given = parser.parse_args()
    if given.root:
        plan(given.root)
        return
    with TemporaryDirectory() as name:
        root, library = Path(name), Library(Path(name, "library"))
        write_files(root / "photos", given.photos)
        begun = time.perf_counter()
        write_catalogue(library, given.photos)
        size_mb = library.catalogue_path.stat().st_size / 1e6
        print(f"rows written: {time.perf_counter() - begun:.1f} s, {size_mb:.0f} MB", flush=True)
        for _ in range(2):
            subprocess.run([sys.executable, __file__, "--root", name], check=True)


if __name__ == "__main__":
    main()
