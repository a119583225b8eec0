"""Whether two versions of stillpix make the same maps and the same repaired files, to the byte.

Writes a few small series once, has each of two checkouts run `find` and `fix` on them in a process
of its own, and compares: maps but for the version that made them, and the bytes of every repaired
file. Prints a line a series; the exit status is 1 where anything differs.

    python benchmarks/compare_versions.py OLD/src NEW/src [--photos FOLDER ...] [--only NAME ...]

The series: the demo, two other simulated bodies (JPEG), mosaics of simulated light as DNG files
(Bayer) and, with astropy, a night and a set of darks as FITS files, and X-Trans frames in memory,
whose evidence is compared. `--photos` adds folders of your own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from stars import Sky

JPEGS, MOSAICS, FRAMES = 24, 10, 12  # photos a series
MOST_FIXED = 3  # photos of a series that are repaired: their bytes are compared
# What each version runs: hashes of the sums and the map of X-Trans frames, by its public names.
IN_MEMORY = """
import hashlib, json, sys
import numpy as np
from stillpix import Evidence, Sensor, detect
from stillpix.frame import Exposure, Frame
arrays = np.load(sys.argv[1])
sensor = Sensor("a", "b", "c", arrays.shape[2], arrays.shape[1], "xtrans")
evidence = Evidence(sensor)
for number, pixels in enumerate(arrays):
    exposure = Exposure(0.01 * (1 + number % 3), 4.0)
    evidence.update(Frame(pixels, sensor, exposure, str(number), f"{number:064x}", 4095, 256))
sums = hashlib.sha256()
for sum_of in (evidence.scores, evidence.information, evidence.decoy_scores, evidence.bursts):
    sums.update(sum_of.tobytes())
print(json.dumps([sums.hexdigest(), [[d.x, d.y, d.kind, d.score, d.q] for d in detect(evidence)]]))
"""


def write_jpegs(folder: Path, seed: int, *, width: int, height: int) -> None:
    """Write the photos of one simulated body."""
    from stillpix.simulate import CameraSettings, SimulatedCamera, write_series

    settings = CameraSettings(width=width, height=height, defects=40)
    write_series(folder, SimulatedCamera(settings, seed=seed), photos=JPEGS)


def light(rng: np.random.Generator, width: int, height: int) -> NDArray[np.float64]:
    """Return linear light in DN: waves of random directions, brightness and noise."""
    y, x = np.mgrid[0:height, 0:width]
    waves = sum(
        np.sin(x * np.cos(angle) / length + y * np.sin(angle) / length + angle * 5)
        for length, angle in zip(rng.uniform(4, 30, 6), rng.uniform(0, 6.3, 6), strict=True)
    )
    level = rng.uniform(300, 900) * (1 + 0.12 * waves)
    return np.asarray(level + np.sqrt(level) * rng.standard_normal(level.shape))


def mosaics(seed: int, width: int, height: int, number: int) -> list[NDArray[np.uint16]]:
    """Return mosaics of one sensor with a few bright photosites."""
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(20, height - 20, 12), rng.integers(20, width - 20, 12)
    taken = []
    for _ in range(number):
        values = light(rng, width, height)
        values[rows, columns] += np.linspace(40, 900, 12)
        taken.append(np.clip(np.rint(values + 256), 0, 4095).astype(np.uint16))
    return taken


def write_dngs(folder: Path) -> None:
    """Write Bayer mosaics as DNG files, with tifffile alone."""
    import tifffile

    folder.mkdir()
    black, white = (50714, "H", 1, 256, True), (50717, "I", 1, 4095, True)
    for number, pixels in enumerate(mosaics(4, 480, 360, MOSAICS)):
        tags = [
            (50706, "B", 4, bytes((1, 4, 0, 0)), True), (50707, "B", 4, bytes((1, 1, 0, 0)), True),
            (50708, "s", 0, "Example Two", True), black, white,
            (50721, "2i", 9, (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1), True),
            (50728, "2I", 3, (1, 2, 1, 1, 1, 2), True), (50778, "H", 1, 21, True),
            (271, "s", 0, "Example", True), (272, "s", 0, "Example Two", True),
            (33434, "2I", 1, (1, 50 + number), True), (34855, "H", 1, 400, True),
            (33421, "H", 2, (2, 2), True), (33422, "B", 4, bytes((0, 1, 1, 2)), True),
        ]  # fmt: skip
        path = folder / f"{number:02d}.dng"
        tifffile.imwrite(
            path, pixels, photometric=32803, subfiletype=0, extratags=tags, metadata=None,
            software=False,
        )  # fmt: skip


def write_fits(folder: Path, *, dark: bool) -> None:
    """Write a night under drifting stars, or a set of darks, as FITS files."""
    from astropy.io import fits

    folder.mkdir()
    sky = Sky(7, drift=(0.4, 0.2), fwhm=2.0)
    for number in range(FRAMES):
        pixels = sky.dark_frame() if dark else sky.light_frame(number)
        keywords = [("EXPTIME", 60.0), ("INSTRUME", "Sky")]
        header = fits.Header([*keywords, ("IMAGETYP", "Dark Frame")] if dark else keywords)
        fits.PrimaryHDU(pixels, header).writeto(folder / f"{number:02d}.fits")


def run(source: Path, arguments: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    """Run Python with one version's source."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(source),
        "STILLPIX_LIBRARY": str(home / "library"),
    }
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def made_by(source: Path, photos: Path, home: Path) -> dict[str, str]:
    """Return what one version makes of a folder: its maps' text, and hashes of repaired files."""
    maps, fixed = home / photos.name / "maps", home / photos.name / "fixed"
    found = run(source, ["-m", "stillpix", "find", str(photos), "--out", str(maps)], home)
    if found.returncode not in (0, 1):
        return {"find": found.stderr}
    made = {}
    for path in sorted(maps.glob("*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        told["detection"].pop("stillpix", None)
        made[path.name] = json.dumps(told)
        chosen = sorted(each for each in photos.rglob("*") if each.is_file())[:MOST_FIXED]
        out = fixed / path.stem
        names = list(map(str, chosen))
        run(source, ["-m", "stillpix", "fix", *names, "--map", str(path), "--out", str(out)], home)
        for each in sorted(out.glob("*")):
            if each.name != "stillpix-fix.json":
                made[f"{out.name}/{each.name}"] = hashlib.sha256(each.read_bytes()).hexdigest()
    return made


def made_in_memory(source: Path, arrays: Path, home: Path) -> dict[str, str]:
    """Return what one version makes of frames that no file holds."""
    told = run(source, ["-c", IN_MEMORY, str(arrays)], home)
    return {"sums and map": told.stdout or told.stderr}


def series(folder: Path) -> dict[str, Callable[[], Path]]:
    """Return what writes each series, by name."""

    def jpegs(name: str, seed: int, width: int, height: int) -> Path:
        write_jpegs(folder / name, seed, width=width, height=height)
        return folder / name

    def dngs() -> Path:
        write_dngs(folder / "bayer")
        return folder / "bayer"

    def fits(name: str) -> Path:
        write_fits(folder / name, dark=name == "darks")
        return folder / name

    def xtrans() -> Path:
        path = folder / "xtrans.npy"
        np.save(path, np.stack(mosaics(5, 486, 366, MOSAICS)))
        return path

    return {
        "demo": lambda: jpegs("demo", 1, 1200, 800),
        "body-2": lambda: jpegs("body-2", 2, 600, 400),
        "body-3": lambda: jpegs("body-3", 3, 640, 360),
        "bayer": dngs,
        "xtrans": xtrans,
        "night": lambda: fits("night"),
        "darks": lambda: fits("darks"),
    }


def main() -> int:
    """Compare the two versions and print a line a series."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("versions", type=Path, nargs=2, metavar="SRC")
    parser.add_argument("--photos", type=Path, nargs="*", default=[], metavar="FOLDER")
    parser.add_argument("--only", nargs="*", metavar="NAME")
    options = parser.parse_args()
    same = True
    with TemporaryDirectory() as scratch:
        homes = [Path(scratch, name) for name in ("old", "new")]
        for home in homes:
            home.mkdir()
        todo = series(Path(scratch))
        todo |= {str(path): lambda path=path: path.resolve() for path in options.photos}
        for name, write in todo.items():
            if options.only is None or name in options.only:
                photos = write()
                make = made_in_memory if photos.suffix == ".npy" else made_by
                old, new = (
                    make(source.resolve(), photos, home)
                    for source, home in zip(options.versions, homes, strict=True)
                )
                keys = sorted(old.keys() | new.keys())
                differ = [key for key in keys if old.get(key) != new.get(key)]
                same &= not differ
                verdict = f"DIFFER: {differ}" if differ else "equal"
                print(f"{name}: {len(old)} results, {verdict}", flush=True)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
