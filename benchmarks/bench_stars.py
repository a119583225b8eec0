"""How many hot pixels are found under stars that drift, and how many stars are taken for them.

Simulates series of an astronomical camera (stars.Sky: 1000x700, 400 hot pixels of 8 to 800 noise
sigmas, 1500 stars) with drifts and sharpness drawn by the seed, monochrome and Bayer in turns, and
dark series, writes them as FITS files and runs the finder on the folders. Prints a table.

    python benchmarks/bench_stars.py [--fields 20] [--first 101] [--frames 60] [--darks 2 3 20]
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
from stars import Sky
from stillpix.defects import DefectMap


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


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--fields", type=int, default=20)
    parser.add_argument("--first", type=int, default=101)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--darks", type=int, nargs="*", default=[2, 3, 20])
    options = parser.parse_args()
    print("| series | different pictures | found of 400 | others | stated |\n|---|---|---|---|---|")
    for seed in range(options.first, options.first + options.fields):
        rng = np.random.default_rng(seed)
        speed, angle = float(np.exp(rng.uniform(np.log(0.1), np.log(2.0)))), rng.uniform(0, 6.3)
        width = float(rng.uniform(1.5, 3.5))
        drift = (speed * float(np.cos(angle)), speed * float(np.sin(angle)))
        sky = Sky(seed, drift=drift, fwhm=width)
        pattern = {"BAYERPAT": "RGGB"} if seed % 2 else {}
        name = f"{'Bayer' if pattern else 'mono'}, {speed:.2f} px a frame, stars of {width:.1f} px"
        frames = (sky.light_frame(number) for number in range(options.frames))
        print(row(name, sky, find_in(frames, **pattern)), flush=True)
    for number in options.darks:
        sky = Sky(options.first + number)
        found = find_in((sky.dark_frame() for _ in range(number)), IMAGETYP="Dark Frame")
        print(row(f"{number} dark frames", sky, found), flush=True)


if __name__ == "__main__":
    main()
