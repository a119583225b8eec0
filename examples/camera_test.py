"""Accepts or refuses a camera by its dark frames: the test of a lab or of a factory's line.

    python examples/camera_test.py FOLDER --most 50

FOLDER holds dark frames as arrays of numpy, such as dark-10s-001.npy: the exposure time is in the
name. Two are enough. The list of broken pixels is printed, their mask is written to FOLDER, and the
exit status is 1 if there are more than --most of them.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import numpy as np

import stillpix

EXPOSURE = re.compile(r"-(\d+(?:\.\d+)?)s-")


def exposure_of(path: Path) -> float:
    """Return the exposure time that a file's name tells, in seconds."""
    told = EXPOSURE.search(path.name)
    if told is None:
        raise SystemExit(f"{path.name}: name it like dark-10s-001.npy, with its exposure time")
    return float(told[1])


def examine(folder: Path, pattern: str) -> stillpix.DefectMap:
    """Return the map of the camera whose dark frames are in a folder."""
    paths = sorted(folder.glob("dark-*.npy"))
    return stillpix.find_in(
        (np.load(path) for path in paths),  # one frame in memory at a time
        exposure_s=[exposure_of(path) for path in paths],
        layout=pattern,
        dark=True,
        camera=folder.name,
    )


def main() -> int:
    """Print the verdict, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most", type=int, default=50, help="broken pixels that are accepted")
    parser.add_argument("--pattern", default="mono", help="of the sensor's colours, such as RGGB")
    options = parser.parse_args()
    try:
        found = examine(options.folder, options.pattern)
    except stillpix.StillpixError as error:
        raise SystemExit(f"{options.folder}: {error}") from error
    for defect in found.in_state("confirmed"):
        print(f"{defect.x:5} {defect.y:5}  {defect.kind:7} {defect.strength or 0:+7.1f}")
    np.save(options.folder / "broken.npy", found.mask())
    number = len(found.in_state("confirmed"))
    accepted = number <= options.most
    print(f"{number} broken pixels: {'accepted' if accepted else 'refused'}")
    return 0 if accepted else 1


if __name__ == "__main__":
    sys.exit(main())
