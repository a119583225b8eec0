"""Compiles the kernels before the tests run, each once: every process of tests would do it anew.

As a program: python warming.py NAME, where NAME is a function of AT_ONCE, compiles what that needs.
The tests take what is kept on the disk. What is not compiled here is compiled by whoever needs it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = {"width": 160, "height": 120}


def rendered(folder):
    """Find in rendered photos, and add some of 16 bits up."""
    import stillpix
    from support.frames import evidence_of, some_frames

    photos(folder)
    stillpix.find([folder])
    evidence_of(
        [replace(frame, pixels=frame.pixels.astype(np.uint16) * 257, white=65535)
         for frame in some_frames(4)]
    )  # fmt: skip


def mosaics(folder):
    """Add mosaics up, of whole numbers and of others. `rendered` compiles what finds in them."""
    from support.frames import evidence_of
    from support.mosaics import some_frames

    for kind in (np.uint16, np.float32):
        frames = [
            replace(frame, pixels=frame.pixels.astype(kind))
            for frame in some_frames(5, "bayer-RGGB")
        ]
        evidence_of(frames[:4]).note_repeat(frames[4])


def straightened(folder):
    """Look for the spots of a photo, and lay it back to where the sensor's pixels lie."""
    from stillpix.evidence.resampling import laid_back
    from stillpix.evidence.spots import spots_of
    from stillpix.maps.lens_laws import LensLaw
    from support.frames import some_frames

    [frame] = some_frames(1)
    spots_of(frame)
    laid_back(frame, LensLaw("", (24.0,), ((-0.07, 0.0, 0.0),)), 24.0)


def repairs(folder):
    """Repair JPEGs of either kind."""
    import stillpix
    from stillpix.images import read_header
    from support import series

    hot = stillpix.Defect(x=40, y=30, kind="hot", state="confirmed")
    image = Image.open(series.write(folder / "one", range(1))[0])
    image.putpixel((hot.x, hot.y), (255, 255, 255))
    for progressive in (False, True):
        path = folder / f"{progressive}.jpg"
        image.save(path, progressive=progressive, exif=image.getexif(), quality=95)
        broken = stillpix.DefectMap(read_header(path).sensor, (hot,))
        stillpix.fix(path, broken, folder / f"fixed-{path.name}")


AT_ONCE = {work.__name__: work for work in (rendered, mosaics, repairs, straightened)}


def photos(folder, **settings):
    """Write eight photos of an imaginary camera; return their paths."""
    from stillpix.simulate import CameraSettings, SimulatedCamera, write_series

    camera = SimulatedCamera(CameraSettings(**SIZE, defects=10, **settings), seed=1)
    write_series(folder, camera, photos=8)
    return sorted(folder.glob("IMG_*"))


def compile_all():
    """Compile, in as many programs as share no kernels, and wait for their end."""
    unmeasured = {name: value for name, value in os.environ.items() if "COV" not in name}
    tests = str(Path(__file__).parents[1])
    unmeasured["PYTHONPATH"] = os.pathsep.join([tests, os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, str(Path(__file__).resolve())]
    running = [
        subprocess.Popen([*command, name], env={**unmeasured, "OPENBLAS_NUM_THREADS": "1"})
        for name in AT_ONCE
    ]
    for each in running:
        each.wait()


def is_compiled():
    """Return whether some kernel of each module that has some was kept since it was written."""
    from stillpix import evidence

    root, kept = Path(evidence.__file__).parents[1], {}
    for index in Path(os.environ.get("NUMBA_CACHE_DIR") or root).rglob("*.nbi"):
        name = index.name.partition(".")[0]
        kept[name] = max(index.stat().st_mtime, kept.get(name, 0.0))
    return all(
        kept.get(source.stem, 0.0) >= source.stat().st_mtime
        for source in (root / "evidence").glob("*_kernels.py")
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        AT_ONCE[sys.argv[1]](Path(made))
