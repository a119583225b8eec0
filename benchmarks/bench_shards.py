"""What shards cost: their files, adding them up, merging them, and the memory of a merge.

    python benchmarks/bench_shards.py --shards 500
    python benchmarks/bench_shards.py --megapixels 24
    python benchmarks/bench_shards.py --colour 24 --days 900

The first makes photos of a small sensor (320 x 240 px, four photos per shard), adds all shards up,
merges them, and compares the map with that of one `find`. The second merges evidence of a large
sensor, made of photos of noise, in a process of its own, and says how much memory that took. The
third adds up one shard of colour JPEGs of so many megapixels, taken over so many days, in a
process of its own, by one thread, and by two.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from stillpix.evidence.evidence import Evidence
from stillpix.evidence.packed import facts_in, pack
from stillpix.evidence.summed import PhotoRecord
from stillpix.frame import Exposure, Frame, Sensor
from stillpix.images.gather import gather
from stillpix.maps.map_file import as_text
from stillpix.scan import scan
from stillpix.scan.shards import joining
from stillpix.scan.shards.merging import merge
from stillpix.scan.shards.planning import plan_shards
from stillpix.scan.shards.plans import MERGED, read_shard
from stillpix.scan.shards.running import run_shard

WIDTH, HEIGHT, PHOTOS_OF_SHARD = 320, 240, 4
PARTS_OF_LARGE, FRAMES_OF_LARGE = 3, 8
COLOUR_PHOTOS = 16
START = datetime(2026, 1, 1)


def peak_kb() -> int:
    """Return the most memory that this process had; `ru_maxrss` begins at that of its parent."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise OSError("this system does not tell the peak of a process")


def photo(number: int) -> Image.Image:
    """Return a picture of random waves and noise, with ten hot pixels."""
    rng = np.random.default_rng(number)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    light = 120 + 40 * np.sin(x / rng.uniform(5, 40) + y / rng.uniform(5, 40) + rng.uniform(0, 6))
    light += rng.normal(0, 6, light.shape)
    places = np.random.default_rng(7).integers(0, HEIGHT * WIDTH, 10)
    light.ravel()[places] += 60
    return Image.fromarray(np.clip(light, 0, 255).astype(np.uint8))


def write_photos(folder: Path, photos: int) -> None:
    """Write photos of one body, three hours apart."""
    for number in range(photos):
        exif = Image.Exif()
        exif[0x010F], exif[0x0110] = "Example Works", "Example One"
        taken = START + timedelta(hours=3 * number)
        exif.get_ifd(0x8769)[0x9003] = f"{taken:%Y:%m:%d %H:%M:%S}"
        photo(number).save(folder / f"{number:06}.jpg", exif=exif, quality=92)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long something took, of that on processors, and the most memory so far."""
    begun, cpu = time.perf_counter(), time.process_time()
    yield
    peak_mb = peak_kb() / 1024
    took, used = time.perf_counter() - begun, time.process_time() - cpu
    print(f"{what:<44} {took:8.1f} s, CPU {used:8.1f} s, peak {peak_mb:6.0f} MB", flush=True)


def size_of(folder: Path, pattern: str) -> float:
    """Return the MB of the files of a pattern."""
    return sum(path.stat().st_size for path in folder.glob(pattern)) / 1e6


def many_small(shards: int) -> None:
    """Measure many shards of a small sensor."""
    with TemporaryDirectory() as name:
        photos, folder = Path(name, "photos"), Path(name, "plan")
        photos.mkdir()
        write_photos(photos, shards * PHOTOS_OF_SHARD)
        with timed(f"plan {shards * PHOTOS_OF_SHARD} photos"):
            plan = plan_shards(gather([photos]), folder, PHOTOS_OF_SHARD)
        with timed(f"run {len(plan.shards)} shards"):
            for each in plan.shards:
                run_shard(read_shard(plan.path(each)))
        print(f"sums of shards: {size_of(folder, '*/sums.zip'):.0f} MB", flush=True)
        with timed("merge"):
            (merged,) = merge(plan, fast=True)
        print(f"sums between: {size_of(folder / MERGED, '*.zip'):.0f} MB", flush=True)
        with timed("merge again"):
            list(merge(plan, fast=True))
        with timed("one scan over all photos"):
            (one,) = scan(gather([photos]), fast=True)
        same = merged.map is not None and one.map is not None
        same = same and as_text(merged.map) == as_text(one.map)
        print(f"the same map: {'yes' if same else 'no'}")


def large_evidence(sensor: Sensor, part: int) -> Evidence:
    """Return evidence of photos of noise over half a year, with all that 2,000 photos would have.

    Sums, groups and periods are as many and as large; only the numbers in them are smaller.
    """
    evidence, rng = Evidence(sensor), np.random.default_rng(part)
    for first in range(0, FRAMES_OF_LARGE, 4):
        evidence.update_all([
            Frame(
                rng.integers(90, 140, (sensor.height, sensor.width), np.uint8), sensor,
                Exposure(0.01, 1.0, START + timedelta(days=180 * part + 9 * number)),
                f"{part}-{number}", f"{part:08x}{number:024x}",
            )
            for number in range(first, first + 4)
        ])  # fmt: skip
    for number in range(FRAMES_OF_LARGE, 2000):
        taken = START + timedelta(days=180 * part, hours=2 * number)
        evidence.photos[f"{part:08x}{number:024x}"] = PhotoRecord(
            Exposure(0.01, 1.0, taken), counted=True
        )
    return evidence


def one_large(megapixels: int, folder: Path) -> None:
    """Merge the packed evidences in a folder, and say what it took."""
    sensor = large_sensor(megapixels)
    parts = [joining.Sums(path, facts_in(path)[1]) for path in sorted(folder.glob("*.zip"))]
    with timed(f"merge {len(parts)} states of {megapixels} MP"):
        joining.join(parts, sensor, folder)


def large_sensor(megapixels: int) -> Sensor:
    """Return a sensor of so many megapixels."""
    side = int((megapixels * 1e6 / 6) ** 0.5)
    return Sensor("Example Works", "Example Large", "1", 3 * side, 2 * side)


def large(megapixels: int) -> None:
    """Measure the merge of large states in a process of its own."""
    with TemporaryDirectory() as name:
        for part in range(PARTS_OF_LARGE):
            with Path(name, f"{part}.zip").open("wb") as file:
                pack(large_evidence(large_sensor(megapixels), part), file)
        print(f"each state: {size_of(Path(name), '*.zip') / PARTS_OF_LARGE:.0f} MB", flush=True)
        again = [sys.executable, __file__, "--megapixels", str(megapixels), "--folder", name]
        subprocess.run(again, check=True)


def write_colour_photos(folder: Path, megapixels: int, days: int) -> None:
    """Write colour JPEGs of one body over some days: one scene moved about, with noise."""
    sensor, rng = large_sensor(megapixels), np.random.default_rng(1)
    size = sensor.width, sensor.height
    coarse = rng.integers(40, 200, (size[1] // 16, size[0] // 16, 3), np.uint8)
    scene = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))
    folder.mkdir()
    for number in range(COLOUR_PHOTOS):
        pixels = np.roll(scene, rng.integers(0, size[1], 2), (0, 1))
        pixels = pixels + rng.integers(0, 25, pixels.shape, np.uint8)
        taken = START + timedelta(days=days * number / COLOUR_PHOTOS)
        exif = Image.Exif()
        exif[0x010F], exif[0x0110] = sensor.make, sensor.model
        exif.get_ifd(0x8769)[0x9003] = f"{taken:%Y:%m:%d %H:%M:%S}"
        Image.fromarray(pixels).save(folder / f"{number:02}.jpg", exif=exif, quality=92)


def one_shard(folder: Path, jobs: int) -> None:
    """Add up the shard that is planned in a folder."""
    (each,) = folder.glob("*/photos.json.gz")
    with timed(f"run a shard of {COLOUR_PHOTOS} photos, threads: {jobs}"):
        run_shard(read_shard(each.parent), jobs=jobs)


def colour(megapixels: int, days: int) -> None:
    """Measure one shard in a process of its own, which has compiled its kernels before."""
    with TemporaryDirectory() as name:
        write_colour_photos(Path(name, "photos"), megapixels, days)
        for jobs in (1, 1, 2):  # the first may compile the kernels
            plan = Path(name, "plan")
            plan_shards(gather([Path(name, "photos")]), plan, COLOUR_PHOTOS)
            command = [sys.executable, __file__, "--folder", str(plan), "--jobs", str(jobs)]
            subprocess.run(command, check=True)
            rmtree(plan)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shards", type=int, default=0)
    parser.add_argument("--megapixels", type=int, default=0)
    parser.add_argument("--colour", type=int, default=0, metavar="MEGAPIXELS")
    parser.add_argument("--days", type=int, default=900, help="that photos of --colour are of")
    parser.add_argument("--folder", type=Path, help="of states, or a plan, that are there already")
    parser.add_argument("--jobs", type=int, default=0, help="threads that add up the plan there")
    given = parser.parse_args()
    if given.shards:
        many_small(given.shards)
    if given.colour:
        colour(given.colour, given.days)
    if given.jobs:
        one_shard(given.folder, given.jobs)
    elif given.megapixels and given.folder:
        one_large(given.megapixels, given.folder)
    elif given.megapixels:
        large(given.megapixels)


if __name__ == "__main__":
    main()
