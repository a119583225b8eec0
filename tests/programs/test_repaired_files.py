"""Repaired FITS files, arrays and linear DNGs, as other programs read them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from io import BytesIO

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from stillpix.cli import app
from support import costs, mosaic_files

pytestmark = pytest.mark.usefixtures("library")
X, Y = 50, 40
SHAPE = (96, 128)


def program(name):
    return shutil.which(name) or pytest.skip(f"{name} is not installed")


def ran(*command, **environment):
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, timeout=costs.LONGEST_S, check=False,
        env=os.environ | environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def scene(dtype, seed=1, shape=SHAPE):
    values = np.random.default_rng(seed).normal(4000, 30, shape)
    values[Y, X] = 15000
    return np.rint(values).astype(dtype)


def repaired(photo, out, *flags):
    arguments = ["fix", str(photo), "--at", f"{X},{Y}", "--out", str(out), *flags]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.stderr
    return out / photo.name


@pytest.mark.parametrize("flags", [(), ("--mask",)])
def test_siril_reads_a_repaired_fits_file(tmp_path, flags):
    command = program("siril-cli")
    astropy_fits = pytest.importorskip("astropy.io.fits")
    photo = tmp_path / "in" / "a.fit"
    photo.parent.mkdir()
    photo.write_bytes(mosaic_files.fits(scene(np.uint16)))
    copy = repaired(photo, tmp_path / "out", *flags)

    script = tmp_path / "out" / "s.ssf"
    script.write_text("requires 1.0.0\nsetext fit\nset16bits\nload a\nsave b\nclose\n")
    ran(command, "-d", copy.parent, "-s", script, HOME=str(tmp_path), XDG_CONFIG_HOME=str(tmp_path))

    read = astropy_fits.getdata(tmp_path / "out" / "b.fit")
    assert np.array_equal(read, astropy_fits.getdata(copy))
    assert (read[Y, X] > 14000) == bool(flags)


def test_pillow_and_exiftool_read_a_repaired_floating_point_tiff(tmp_path):
    photo = tmp_path / "in" / "a.tif"
    photo.parent.mkdir()
    tifffile.imwrite(photo, scene(np.float32), description="kept")
    copy = repaired(photo, tmp_path / "out")

    with Image.open(copy) as image:
        assert np.array_equal(np.asarray(image), tifffile.imread(copy))
    asked = (program("exiftool"), "-j", "-validate", "-ImageDescription")
    before, after = (json.loads(ran(*asked, each))[0] for each in (photo, copy))
    assert (after["ImageDescription"], after["Validate"]) == ("kept", before["Validate"])


def test_exiftool_rawpy_and_darktable_read_a_repaired_linear_dng(tmp_path):
    import rawpy

    colours = np.stack([scene(np.uint16, seed) for seed in range(3)], axis=-1)
    photo = tmp_path / "in" / "a.dng"
    photo.parent.mkdir()
    photo.write_bytes(mosaic_files.dng(colours, "linear"))
    copy = repaired(photo, tmp_path / "out")

    with rawpy.imread(str(copy)) as raw:
        assert np.all(raw.raw_image[Y, X, :3] < 5000)
    exiftool = program("exiftool")
    before, after = (
        json.loads(ran(exiftool, "-j", "-validate", "-FileSize=", each))[0]["Validate"]
        for each in (photo, copy)
    )
    assert after == before
    out = tmp_path / "out" / "a.tif"
    ran(
        program("darktable-cli"), copy, out, "--apply-custom-presets", "false", "--core",
        "--configdir", tmp_path / "c", "--cachedir", tmp_path / "k", "--library", ":memory:",
        "--disable-opencl", "--conf", "write_sidecar_files=never",
    )  # fmt: skip
    assert tifffile.imread(BytesIO(out.read_bytes())).shape[:2] == SHAPE


def test_rawtherapee_reads_a_repaired_linear_dng(tmp_path):
    command = program("rawtherapee-cli")
    colours = np.stack([scene(np.uint16, seed, (400, 600)) for seed in range(3)], axis=-1)
    photo = tmp_path / "in" / "a.dng"
    photo.parent.mkdir()
    photo.write_bytes(mosaic_files.dng(colours, "linear"))
    copy = repaired(photo, tmp_path / "out")

    # It does not load pictures that are much smaller.
    ran(command, "-o", tmp_path / "o.tif", "-tz", "-b16", "-Y", "-c", copy, HOME=str(tmp_path))

    assert tifffile.imread(tmp_path / "o.tif").ndim == 3
