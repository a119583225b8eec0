"""Mosaics developed by other people's programs, each at settings of its own.

dcraw, RawTherapee and darktable make a JPEG of a DNG file. Never makes a mosaic itself, never
changes a file that is there, and leaves nothing beside the JPEG.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from PIL import Image, ImageFilter

Developer: TypeAlias = Callable[[Path, Path], None]  # a DNG, the JPEG to make of it
PROGRAMS = {"dcraw": "dcraw", "RawTherapee": "rawtherapee-cli", "darktable": "darktable-cli"}


def run(*words: object, **environment: str) -> str:
    """Run a program and return what it prints; exits with its words when it fails."""
    done = subprocess.run(
        [str(word) for word in words], env=os.environ | environment, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{words[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def by_dcraw(*options: str, sharpen: int, quality: int, subsampling: int) -> Developer:
    """Develop with dcraw, which neither sharpens nor reduces noise; sharpen afterwards."""

    def develop(dng: Path, jpeg: Path) -> None:
        run("dcraw", "-w", *options, dng)
        made = dng.with_suffix(".ppm")
        picture = Image.open(made)
        if sharpen:
            picture = picture.filter(ImageFilter.UnsharpMask(0.8, sharpen, 0))
        picture.save(jpeg, quality=quality, subsampling=subsampling)
        made.unlink()

    return develop


def by_rawtherapee(profile: str, *, quality: int, subsampling: int) -> Developer:
    """Develop with RawTherapee: its JPEG, with what the profile changes of its defaults."""

    def develop(dng: Path, jpeg: Path) -> None:
        home = dng.parent / "home"
        home.mkdir(exist_ok=True)
        (home / "own.pp3").write_text(profile, encoding="utf-8")
        run(
            "rawtherapee-cli", "-o", jpeg, "-d", "-p", home / "own.pp3", f"-j{quality}",
            f"-js{subsampling}", "-Y", "-c", dng,
            HOME=str(home), RT_SETTINGS=str(home), RT_CACHE=str(home),
        )  # fmt: skip

    return develop


def by_darktable(*, quality: int) -> Developer:
    """Develop with darktable's default workflow."""

    def develop(dng: Path, jpeg: Path) -> None:
        home = dng.parent / "home"
        home.mkdir(exist_ok=True)
        run(
            "darktable-cli", dng, jpeg, "--core", "--configdir", home, "--cachedir", home,
            "--library", ":memory:", "--disable-opencl",
            "--conf", f"plugins/imageio/format/jpeg/quality={quality}",
            "--conf", "write_sidecar_files=never", HOME=str(home),
        )  # fmt: skip

    return develop


AMAZE = """[RAW Bayer]
Method=amaze
[Exposure]
Auto=true
[Sharpening]
Enabled=true
[Directional Pyramid Denoising]
Enabled=true
Luma=0
CMethod=AUT
"""
SMOOTHED = """[RAW Bayer]
Method=rcd
[Exposure]
Auto=true
[Directional Pyramid Denoising]
Enabled=true
Luma=25
Ldetail=60
CMethod=AUT
"""
RECIPES: dict[str, Developer] = {
    "dcraw AHD": by_dcraw("-q", "3", sharpen=0, quality=92, subsampling=2),
    "dcraw VNG, sharpened": by_dcraw("-q", "1", sharpen=120, quality=85, subsampling=0),
    "RawTherapee AMaZE": by_rawtherapee(AMAZE, quality=92, subsampling=1),
    "RawTherapee smoothed": by_rawtherapee(SMOOTHED, quality=88, subsampling=3),
    "darktable": by_darktable(quality=95),
}
