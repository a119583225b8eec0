"""DNG files that stillpix extended or wrote, as the programs of photographers read them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tifffile

from stillpix.rewriting.dng.appending import with_bad_pixels
from stillpix.rewriting.dng.opcodes import BadPixels
from stillpix.rewriting.dng.writing import Negative, dng_of
from support import costs, mosaic_files
from support.effort import chosen, spread

WIDTH, HEIGHT = 806, 622
ACTIVE = (24, 12, 700, 560)  # x, y, width, height
SKY = {21: ((1.0, -0.3, -0.1), (-0.4, 1.2, 0.2), (-0.05, 0.2, 0.6))}
LAYOUTS = ("bayer-RGGB", "bayer-BGGR", "bayer-GRBG", "bayer-GBRG", "xtrans", "mono")
COLOURS = {"R": 0.5, "G": 1.0, "B": 0.6}


def needs(program):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


def pattern_of(layout):
    return () if layout == "mono" else mosaic_files.cell_of(layout)


def scene(layout, seed=1):
    """Return a mosaic of slow waves and noise, blue at the left and red at the right."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    light = 3000 * (1.2 + np.sin(x / 37) * np.cos(y / 29))
    cell = np.array([[COLOURS[each] for each in row] for row in pattern_of(layout) or ("G",)])
    tint = {0.5: 0.6 + 0.8 * x / WIDTH, 1.0: 1.0, 0.6: 1.4 - 0.8 * x / WIDTH}
    share = cell[y % len(cell), x % len(cell[0])]
    dn = light * share * sum((share == key) * factor for key, factor in tint.items())
    return np.clip(512 + dn + np.random.default_rng(seed).normal(0, 8, dn.shape), 0, 16383).astype(
        np.uint16
    )


def negative_of(layout, pixels, active=ACTIVE):
    colours = {} if layout == "mono" else {"matrices": SKY, "neutral": (0.5, 1.0, 0.6)}
    return Negative(
        pixels, 16383, pattern_of(layout), black=((512.0,),), active=active, make="Acme",
        model="One", serial="77", exposure_s=1 / 60, iso=400, **colours,
    )  # fmt: skip


def ran(*command, **environment):
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, timeout=costs.LONGEST_S, check=False,
        env=os.environ | environment,
    )  # fmt: skip
    return done.stdout + done.stderr


def by_darktable(dng, folder):
    """Return the picture that darktable makes of a DNG, without any taste of its own."""
    out = folder / f"{dng.stem}.tif"
    said = ran(
        "darktable-cli", dng, out, "--apply-custom-presets", "false", "--core", "--configdir",
        folder / "config", "--cachedir", folder / "cache", "--library", ":memory:",
        "--disable-opencl", "--conf", "plugins/darkroom/workflow=none", "--conf",
        "plugins/imageio/format/tiff/bpp=16", "--conf", "write_sidecar_files=never",
    )  # fmt: skip
    assert out.exists(), said
    return tifffile.imread(out)


def by_rawtherapee(dng, folder):
    out = folder / f"{dng.stem}-rt.tif"
    said = ran("rawtherapee-cli", "-o", out, "-tz", "-b16", "-Y", "-c", dng,
               RT_SETTINGS=str(folder / "rt"))  # fmt: skip
    assert out.exists(), said
    return tifffile.imread(out)


def by_dcraw(dng, folder):
    ran("dcraw", "-w", "-T", dng)
    return tifffile.imread(dng.with_suffix(".tiff"))


def by_libraw(dng, folder):
    ran("dcraw_emu", "-w", "-T", dng)
    return tifffile.imread(Path(f"{dng}.tiff"))


PROGRAMS = {
    "darktable-cli": by_darktable, "rawtherapee-cli": by_rawtherapee, "dcraw": by_dcraw,
    "dcraw_emu": by_libraw,
}  # fmt: skip


# Of these, which take seconds to start, few files are asked for.
SLOW = {
    "darktable-cli": (("bayer-GRBG", False), ("xtrans", True)),
    "rawtherapee-cli": (("bayer-GBRG", True), ("mono", False)),
}
EVERY = spread(LAYOUTS, (False, True))
CASES = [
    pytest.param(program, *case, marks=needs(program))
    for program in PROGRAMS
    for case in chosen(EVERY, *SLOW.get(program, EVERY))
]


@pytest.mark.parametrize(("program", "layout", "compressed"), CASES)
def test_a_written_dng_is_developed_in_its_own_colours(tmp_path, program, compressed, layout):
    """Blue to the left and red to the right; a wrong phase or pattern would swap or mix them."""
    dng = tmp_path / "photo.dng"
    active = (25, 13, *ACTIVE[2:]) if layout.startswith("bayer") else ACTIVE
    dng.write_bytes(dng_of(negative_of(layout, scene(layout), active), compressed=compressed))

    picture = PROGRAMS[program](dng, tmp_path).astype(float)

    rows, columns = picture.shape[:2]
    assert abs(rows - ACTIVE[3]) <= 16  # RawTherapee leaves borders out
    assert abs(columns - ACTIVE[2]) <= 16  # RawTherapee leaves borders out
    if layout == "mono":
        return
    left, right = picture[:, : columns // 5], picture[:, -columns // 5 :]
    for part, more, less in ((left, 2, 0), (right, 0, 2)):
        means = part.reshape(-1, 3).mean(0)
        assert means[more] > 1.15 * means[less], means
    # Colours change slowly: a wrong pattern makes chroma jump from pixel to pixel.
    share = picture / picture.sum(2, keepdims=True).clip(1)
    assert np.abs(np.diff(share[..., 0], axis=1)).mean() < 0.02


@needs("exiftool")
@pytest.mark.parametrize(("layout", "compressed"), EVERY)
def test_exiftool_finds_nothing_wrong_with_a_written_dng(tmp_path, layout, compressed):
    dng = tmp_path / "photo.dng"
    dng.write_bytes(dng_of(negative_of(layout, scene(layout)), compressed=compressed))

    assert ran("exiftool", "-validate", "-warning", "-a", "-s3", dng).split() == ["OK"]


@needs("exiftool")
def test_exiftool_finds_nothing_wrong_with_an_extended_dng(tmp_path):
    dng = tmp_path / "photo.dng"
    whole = dng_of(negative_of("bayer-RGGB", scene("bayer-RGGB")))
    dng.write_bytes(with_bad_pixels(whole, dng, BadPixels(((50, 60),), phase=1)))

    assert ran("exiftool", "-validate", "-warning", "-a", "-s3", dng).split() == ["OK"]
    said = ran("exiftool", "-OpcodeList1", "-s3", dng)
    assert said.strip() == "FixBadPixelsList"


def planted(layout):
    """Return a sound mosaic, the same with hot pixels, and where they are."""
    sound, rng = scene(layout), np.random.default_rng(4)
    places = [
        (x + int(rng.integers(0, 12)), y + int(rng.integers(0, 12)))
        for x in range(60, 680, 60) for y in range(60, 500, 60)
    ]  # fmt: skip
    broken = sound.copy()
    for x, y in places:
        broken[y, x] = 16000
    return sound, broken, places


@needs("darktable-cli")
@pytest.mark.parametrize("layout", chosen(["bayer-RGGB", "bayer-GBRG"], "bayer-GBRG"))
def test_darktable_repairs_the_pixels_that_a_dng_lists_and_no_others(tmp_path, layout):
    """Each place of the developed picture is compared with that of a sensor without defects."""
    sound, broken, places = planted(layout)
    files = {
        "sound": dng_of(negative_of(layout, sound)),
        "broken": dng_of(negative_of(layout, broken)),
    }
    listed = [(x + number % 2, y) for number, (x, y) in enumerate(places)]
    files["listed"] = with_bad_pixels(files["broken"], Path("a.dng"), BadPixels(tuple(listed)))
    pictures = {}
    for name, content in files.items():
        (tmp_path / f"{name}.dng").write_bytes(content)
        pictures[name] = by_darktable(tmp_path / f"{name}.dng", tmp_path).astype(float)

    at = tuple((np.array(places) - ACTIVE[:2]).T[::-1])
    off, now = (
        np.abs(pictures[each][at] - pictures["sound"][at]).max(-1) for each in ("broken", "listed")
    )
    repaired = now < 0.1 * off
    assert np.mean(repaired[::2]) >= 0.95
    assert not repaired[1::2].any()  # listed one column beside its place
