"""Finds hot pixels in a night's own frames, and takes them out as a step of a ccdproc pipeline.

    python examples/astronomy.py FOLDER --out CALIBRATED

FOLDER holds light frames of one camera as FITS files, four or more, better thirty. They need not be
dithered, and no dark frame is needed. CALIBRATED gets a copy of each with the broken pixels marked
in its mask and repaired in its data; later steps, such as reprojecting and combining, take it on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import ccdproc

import stillpix


def calibrate(folder: Path, out: Path) -> stillpix.DefectMap:
    """Write the frames with their broken pixels masked and repaired; return the map."""
    night = ccdproc.ImageFileCollection(folder)
    unit = {"unit": "adu"}
    found = stillpix.find_in(night.ccds(ccd_kwargs=unit))  # one frame in memory at a time
    broken = found.mask()
    out.mkdir(exist_ok=True)
    for frame, name in night.ccds(ccd_kwargs=unit, return_fname=True):
        frame.data = stillpix.repair(frame.data, found)
        frame.mask = broken if frame.mask is None else frame.mask | broken
        frame.write(out / name, overwrite=True)
    return found


def main() -> None:
    """Say what was found, after the frames are written."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    found = calibrate(options.folder, options.out)
    print(f"{found.sensor.name}: {int(found.mask().sum())} broken pixels")
    print(found.to_table("astropy")["x", "y", "kind", "score", "state"])


if __name__ == "__main__":
    main()
