"""How many hot pixels are found under stars that drift, and how many stars are taken for them.

Simulates series of an astronomical camera (stars.Sky: 1000x700, 400 hot pixels of 8 to 800 noise
sigmas, 1500 stars) with drifts and sharpness drawn by the seed, monochrome and Bayer in turns, and
dark series, writes them as FITS files and runs the finder on the folders. Prints a table.

    python benchmarks/bench_stars.py [--fields 20] [--first 101] [--frames 60] [--darks 2 3 20]
        [--nights slow periodic dithered flipped turning "two targets" mixed]

With `--nights` each of the fields is seen in one of these nights, in turns: 20 to 60 frames, stars
of 1.2 to 4 px whose width changes, cosmic rays, satellites, bleeding, clouds (stars.hard_night).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

import stillpix
from stars import HARD, Sky, hard_night
from stillpix.maps.records import DefectMap


def find_in(frames: Iterable[NDArray[np.uint16]], **keywords: Any) -> DefectMap:
    """Return the map of a series, written as FITS files with these keywords."""
    with TemporaryDirectory() as folder:
        for number, pixels in enumerate(frames):
            header = fits.Header([("EXPTIME", 60.0), ("INSTRUME", "Sky"), *keywords.items()])
            fits.PrimaryHDU(pixels, header).writeto(Path(folder, f"{number:03d}.fits"))
        [found] = stillpix.find([folder], fast=True)
    return found


def row(name: str, sky: Sky, found: DefectMap) -> str:
    """Return a row of the table."""
    confirmed = {(defect.x, defect.y) for defect in found.in_state("confirmed")}
    stated = found.detection.expected_false
    told = "-" if stated is None else f"{stated:.2f}"
    others = len(confirmed - sky.hot)
    return f"| {name} | {found.evidence.scenes} | {len(confirmed & sky.hot)} | {others} | {told} |"


def plain_field(seed: int) -> tuple[str, Sky]:
    """Return what a field that only drifts is called, and the field."""
    rng = np.random.default_rng(seed)
    speed, angle = float(np.exp(rng.uniform(np.log(0.1), np.log(2.0)))), rng.uniform(0, 6.3)
    width = float(rng.uniform(1.5, 3.5))
    drift = (speed * float(np.cos(angle)), speed * float(np.sin(angle)))
    return f"{speed:.2f} px a frame, stars of {width:.1f} px", Sky(seed, drift=drift, fwhm=width)


def hard_field(seed: int, kind: str) -> tuple[str, Sky, int]:
    """Return what a field in one of the hard nights is called, the field, and its frames."""
    rng = np.random.default_rng([seed, 2])
    frames, angle = int(rng.integers(20, 61)), rng.uniform(0, 6.3)
    night, speed, width = hard_night(kind, rng, frames)
    drift = (speed * float(np.cos(angle)), speed * float(np.sin(angle)))
    sky = Sky(seed, drift=drift, fwhm=width, night=night)
    return f"{kind}, {frames} frames, {speed:.3f} px, stars of {width:.1f} px", sky, frames


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--fields", type=int, default=20)
    parser.add_argument("--first", type=int, default=101)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--darks", type=int, nargs="*", default=[2, 3, 20])
    parser.add_argument("--nights", nargs="*", default=[], choices=HARD)
    options = parser.parse_args()
    print("| series | different pictures | found of 400 | others | stated |\n|---|---|---|---|---|")
    for seed in range(options.first, options.first + options.fields):
        number = options.frames
        if options.nights:
            name, sky, number = hard_field(seed, options.nights[seed % len(options.nights)])
        else:
            name, sky = plain_field(seed)
        pattern = {"BAYERPAT": "RGGB"} if seed % 2 else {}
        found = find_in(map(sky.light_frame, range(number)), **pattern)
        print(row(f"{'Bayer' if pattern else 'mono'}, {name}", sky, found), flush=True)
    for number in options.darks:
        sky = Sky(options.first + number)
        found = find_in((sky.dark_frame() for _ in range(number)), IMAGETYP="Dark Frame")
        print(row(f"{number} dark frames", sky, found), flush=True)


if __name__ == "__main__":
    main()
