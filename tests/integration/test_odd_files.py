"""A folder of 700 odd files: every format, damage and name. Made by the test, none copied."""

from __future__ import annotations

import gzip
import json
import struct
import warnings
from collections import Counter
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.images import FORMATS
from stillpix.images.other_files import KINDS
from stillpix.restoration.targets import listed_at
from support import mosaic_files
from support.companioned import picture
from support.fixing import copies
from support.fixing import run as repair

pytest.importorskip("astropy")
pillow_heif = pytest.importorskip("pillow_heif")
pytestmark = pytest.mark.usefixtures("library")
MANY = 700
SIZE = (48, 64)


def values(dtype, *shape):
    rng = np.random.default_rng(3)
    whole = rng.integers(100, 250 if np.dtype(dtype).itemsize == 1 else 4000, shape or SIZE)
    return whole.astype(dtype)


def saved(**options):
    """Return a picture as Pillow saves it."""
    file = BytesIO()
    Image.fromarray(values(np.uint8, *SIZE, 3)).save(file, **options)
    return file.getvalue()


def tiff(pixels, **options):
    file = BytesIO()
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def units(*pictures):
    from astropy.io import fits as astropy_fits

    file = BytesIO()
    parts = [astropy_fits.ImageHDU(each) for each in pictures]
    astropy_fits.HDUList([astropy_fits.PrimaryHDU(), *parts]).writeto(file)
    return file.getvalue()


def heic():
    file = BytesIO()
    pillow_heif.from_pillow(Image.fromarray(values(np.uint8, *SIZE, 3))).save(file)
    return file.getvalue()


def whole_files():
    """Return a sound file of every kind, by its name."""
    colours = values(np.uint8, *SIZE, 3)
    kinds = {
        "a.jpg": picture(),
        "progressive.jpeg": picture(progressive=True),
        "cmyk.jpg": _cmyk(),
        "a.png": saved(format="PNG"),
        "palette.png": _palette(),
        "a.tif": tiff(colours, photometric="rgb"),
        "lzw.tiff": tiff(colours, photometric="rgb", compression="lzw"),
        "stack.tif": tiff(values(np.uint16, 3, *SIZE)),
        "a.fits": mosaic_files.fits(values(np.uint16)),
        "cube.fits": mosaic_files.fits(values(np.uint16, 5, *SIZE)),
        "one.fits": mosaic_files.fits(values(np.uint16, 1, *SIZE)),
        "amplifiers.fits": units(values(np.uint16), values(np.uint16)),
        "nothing.fits": units(),
        "a.fits.gz": gzip.compress(mosaic_files.fits(values(np.uint16)), mtime=0),
        "a.fz": mosaic_files.fits(values(np.uint16), compressed=True),
        "a.dng": mosaic_files.dng(values(np.uint16, 96, 128), "bayer-RGGB"),
        "linear.dng": mosaic_files.dng(values(np.uint16, 96, 128, 3), "linear"),
        "a.heic": heic(),
        "a.avif": saved(format="AVIF"),
        "a.jxl": imagecodecs.jpegxl_encode(colours),
        "boxed.jxl": imagecodecs.jpegxl_encode(colours, usecontainer=True),
        "tiny.jpg": picture(size=(16, 16)),
        "head.raw": bytes(4096),
    }
    for name in ("uint8", "int16", "int32", "uint32", "float32", "float64", "float16", "complex64"):
        kinds[f"{name}.tif"] = tiff(values(np.uint8).astype(name))
    nan = np.full(SIZE, np.nan, np.float32)
    kinds |= {"nan.fits": mosaic_files.fits(nan), "nan.tif": tiff(nan)}
    return kinds


def _cmyk():
    file = BytesIO()
    Image.fromarray(values(np.uint8, *SIZE, 4), "CMYK").save(file, "JPEG")
    return file.getvalue()


def _palette():
    file = BytesIO()
    Image.fromarray(values(np.uint8, *SIZE, 3)).quantize(16).save(file, "PNG")
    return file.getvalue()


def damages(content, seed):
    """Return the same file harmed in many ways."""
    rng = np.random.default_rng(seed)
    harmed = {
        "empty": b"",
        "head": content[:10],
        "quarter": content[: len(content) // 4],
        "half": content[: len(content) // 2],
        "end": content[:-3],
        "junk": b"\0junk" + content,
        "doubled": content + content,
        "zeros": bytes(len(content)),
        "text": b"Dear diary, " * 20,
        "html": b"<html><body>404 Not Found</body></html>",
        "wrong sizes": content[:100] + struct.pack("<I", 0xFFFFFFFF) + content[104:],
    }
    for number in range(8):
        flipped = bytearray(content)
        reach = min(len(content), 400 if number % 2 else len(content))
        for at in rng.integers(0, reach, 4):
            flipped[at] ^= int(rng.integers(1, 256))
        harmed[f"flipped {number}"] = bytes(flipped)
    return harmed


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """Return a folder of many odd files."""
    folder = tmp_path_factory.mktemp("odd")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kinds = whole_files()
    files = dict(kinds)
    for seed, (name, content) in enumerate(kinds.items()):
        stem, _, suffix = name.partition(".")
        for what, harmed in damages(content, seed).items():
            files[f"{stem} {what}.{suffix}"] = harmed
    known = sorted({suffix for form in FORMATS for suffix in form.suffixes})
    for suffix in known:  # names that lie
        files[f"really a png{suffix}"] = kinds["a.png"]
    for suffix in KINDS:
        files[f"other{suffix}"] = b"content"
    for name in (
        "\u00e9t\u00e9.jpg",
        "two  spaces.JPG",
        "quote'\".jpg",
        "-out.jpg",
        "[a].jpg",
        "\u96ea.png",
    ):
        files[name] = kinds["a.png"]
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "folder.jpg").mkdir()
    return folder


@pytest.fixture(scope="module")
def found(odd, tmp_path_factory):
    """Return what find prints over that folder."""
    arguments = ["find", str(odd), "--fast", "--json"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library = {"STILLPIX_LIBRARY": str(tmp_path_factory.mktemp("library"))}
        return CliRunner().invoke(app, arguments, env=library)


def test_find_names_each_reason_once_and_never_falls_over(odd, found):
    assert len(list(odd.iterdir())) >= MANY
    assert found.exit_code == 1
    assert found.exception is None or isinstance(found.exception, SystemExit)
    assert "Traceback" not in found.stderr
    lines = found.stderr.splitlines()
    reasons = Counter(
        line.partition(": ")[2].partition(": ")[2] for line in lines if "not used" in line
    )
    assert {reason for reason, number in reasons.items() if number > 1} == set()


def test_find_and_fix_agree_on_what_can_be_read(odd, found, tmp_path):
    """fix is given no place to repair: it reads each photo as it does before a repair."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done, skipped = repair([odd], listed_at([]), copies(tmp_path / "out"))

    unread = {Path(each["path"]).name for each in json.loads(found.stdout)["not_used"]}
    written = {photo.source.name for photo in done}
    never = ("cannot be changed", "rewritten", "is not repaired")  # of what is read all the same
    only_read = {name for name, reason in skipped.items() if any(each in reason for each in never)}
    assert written & unread == set()
    assert skipped.keys() - unread - only_read == set()
    assert unread - skipped.keys() == set()
    assert len(written) > 100
