"""Finds the broken pixels of a video camera in a video, and writes the video without them.

    python examples/video.py CLIP --out REPAIRED [--every 15]

Looks at every 15th frame: frames that follow one another show the same, and count as one picture.
The scene must change. A camera that only ever shows one scene needs a few frames with its lens
covered.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import cv2

import stillpix


def frames_of(clip: Path) -> Iterator[Any]:
    """Yield the frames of a video, blue first as OpenCV has them."""
    video = cv2.VideoCapture(str(clip))
    while True:
        there, frame = video.read()
        if not there:
            return
        yield frame


def write_repaired(clip: Path, found: stillpix.DefectMap, out: Path) -> int:
    """Write the video again, each frame repaired; return the number of frames."""
    rate = cv2.VideoCapture(str(clip)).get(cv2.CAP_PROP_FPS) or 25.0
    size = found.sensor.width, found.sensor.height
    video = cv2.VideoWriter(str(out), cv2.VideoWriter.fourcc(*"MJPG"), rate, size)
    written = 0
    for frame in frames_of(clip):
        video.write(stillpix.repair(frame, found, order="BGR"))
        written += 1
    video.release()
    return written


def main() -> None:
    """Say where the broken pixels are, then write the video."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--every", type=int, default=15, help="look at each so manieth frame")
    options = parser.parse_args()
    looked_at = islice(frames_of(options.clip), 0, None, options.every)
    found = stillpix.find_in(looked_at, order="BGR", camera=options.clip.stem)
    print(f"{found.evidence.scenes} different pictures")
    for defect in found.in_state("confirmed"):
        print(f"x {defect.x}, y {defect.y}: {defect.kind}")
    print(f"{write_repaired(options.clip, found, options.out)} frames in {options.out}")


if __name__ == "__main__":
    main()
