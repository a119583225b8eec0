"""Other programs repair what stillpix lists for them: each is run, with and without the list.

A program that is not installed is skipped by name. The photo is a synthetic Bayer DNG (or FITS)
with odd margins and 40 planted defects; a place counts as repaired where the program's output of
it differs from the output without a list as strongly as a defect differs from its surroundings.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import tifffile

import stillpix
from stillpix.lists import Area, format_named, write_list
from stillpix.lists.rawtherapee import file_name
from stillpix.maps.records import Defect, EvidenceSummary, Run
from support import costs, dngs
from support.effort import chosen, spread

SHARE = 0.95
TOP, LEFT, BOTTOM, RIGHT = dngs.ACTIVE
PATTERNS = ("RGGB", "GRBG", "BGGR", "GBRG")
SUFFIXES = (".dng", ".fits")
EITHER_WAY = chosen(PATTERNS, "RGGB", "BGGR")
OF_A_SLOW_PROGRAM = pytest.mark.parametrize("photo", chosen(PATTERNS, "BGGR"), indirect=True)


def program(name):
    return shutil.which(name) or pytest.skip(f"{name} is not installed")


def run(*command, **environment):
    ran = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        timeout=costs.LONGEST_S,
        check=False,
        env={**os.environ, **environment},
    )
    assert ran.returncode == 0, ran.stderr + ran.stdout
    return ran.stdout + ran.stderr


@cache
def found_in(pattern, suffix):
    """Return the map that stillpix finds in eight photos of the camera, DNG or FITS."""
    with TemporaryDirectory() as folder:
        for scene in range(1, 9):
            photo, path = dngs.bayer(pattern, scene=scene), Path(folder, f"{scene}{suffix}")
            if suffix == ".dng":
                dngs.write_dng(path, photo)
            else:
                fits = pytest.importorskip("astropy.io.fits")
                header = fits.Header([("BAYERPAT", pattern), ("INSTRUME", "Example One")])
                fits.PrimaryHDU(photo.mosaic, header).writeto(path)
        [found] = stillpix.find([folder], fast=True)
    return replace(found, defects=found.in_state("confirmed"))


def map_of(photo, suffix=".dng"):
    return found_in(photo.pattern, suffix)


def half_shifted(photo, suffix=".dng"):
    """Return the map with every other defect of the photo one column beside its place."""
    found = map_of(photo, suffix)
    moved = set(photo.places[1::2])
    return replace(
        found,
        defects=tuple(
            replace(one, x=one.x + 1) if (one.x, one.y) in moved else one for one in found
        ),
    )


@pytest.mark.parametrize(("pattern", "suffix"), spread(PATTERNS, SUFFIXES))
def test_what_is_listed_for_the_programs_is_found_in_photos(pattern, suffix):
    photo, found = dngs.bayer(pattern), found_in(pattern, suffix)

    assert found.sensor.layout == photo.layout
    assert {(defect.x, defect.y) for defect in found} == set(photo.places)


def changed(without, with_list, photo, origin, part=slice(None)):
    """Return the share of (a part of) the defects at whose place the list made the difference."""
    one, other = (np.asarray(each, float) for each in (without, with_list))
    if one.ndim == 2:
        one, other = one[..., None], other[..., None]
    x, y = np.array(photo.places).T - np.array(origin)[:, None]
    step = np.abs(one[y, x] - other[y, x]).max(axis=1)
    around = [np.abs(one[y + dy, x + dx] - one[y, x]).max(axis=1)
              for dy in (-4, 4) for dx in (-4, 4)]  # fmt: skip
    return np.mean((step > 0.5 * np.median(around, axis=0))[part])


def listed_for(photo, name, file, tmp_path, suffix=".dng"):
    """Write a list of which every other place is off by one column, and return its path."""
    (tmp_path / "lists").mkdir()
    write_list(half_shifted(photo, suffix), tmp_path / "lists" / file, format_named(name))
    return tmp_path / "lists" / file


@pytest.fixture(params=EITHER_WAY)
def photo(request, tmp_path):
    made = dngs.bayer(request.param)
    dngs.write_dng(tmp_path / "a.dng", made)
    return made


def require(without, with_list, photo, origin):
    """The places that are listed rightly are repaired, and those listed one column beside not."""
    assert changed(without, with_list, photo, origin, np.s_[::2]) >= SHARE
    assert changed(without, with_list, photo, origin, np.s_[1::2]) == 0


@OF_A_SLOW_PROGRAM
def test_rawtherapee_repairs_the_listed_pixels(photo, tmp_path):
    command = program("rawtherapee-cli")
    name = file_name(map_of(photo).sensor)
    listed_for(photo, "rawtherapee", name, tmp_path)
    (tmp_path / "none").mkdir()
    (tmp_path / "plain.pp3").write_text(
        "[RAW Bayer]\nMethod=fast\n[Sharpening]\nEnabled=false\n", encoding="utf-8"
    )

    def developed(kind):
        settings = tmp_path / f"settings-{kind}"
        settings.mkdir()
        options = f"[General]\nDarkFramesPath={tmp_path / kind}\nVerbose=true\n"
        (settings / "options").write_text(options, encoding="utf-8")
        out = tmp_path / f"{kind}.tif"
        said = run(
            command, "-o", out, "-p", tmp_path / "plain.pp3", "-tz", "-b16", "-Y",
            "-c", tmp_path / "a.dng",
            RT_SETTINGS=str(settings), RT_CACHE=str(tmp_path / "cache"), HOME=str(tmp_path),
        )  # fmt: skip
        found = "found" if kind != "none" else "not found"
        assert f"{name} {found}" in said
        return tifffile.imread(out)

    without, with_list = developed("none"), developed("lists")

    height, width = without.shape[:2]
    border = (RIGHT - LEFT - width) // 2, (BOTTOM - TOP - height) // 2
    require(without, with_list, photo, (LEFT + border[0], TOP + border[1]))


def test_rawtherapees_own_crop_can_be_told_as_the_origin(tmp_path):
    """Of some models RawTherapee knows a raw crop of its own, and counts from there."""
    command = program("rawtherapee-cli")
    photo = dngs.bayer()
    dngs.write_dng(tmp_path / "a.dng", photo, make="PENTAX", model="K-3")
    sensor = replace(map_of(photo).sensor, make="PENTAX", model="K-3")
    (tmp_path / "plain.pp3").write_text("[RAW Bayer]\nMethod=fast\n", encoding="utf-8")
    (tmp_path / "dark").mkdir()
    options = f"[General]\nDarkFramesPath={tmp_path / 'dark'}\nVerbose=true\n"
    (tmp_path / "options").write_text(options, encoding="utf-8")

    def developed(out):
        said = run(
            command, "-o", out, "-p", tmp_path / "plain.pp3", "-tz", "-b16", "-Y",
            "-c", tmp_path / "a.dng",
            RT_SETTINGS=str(tmp_path), RT_CACHE=str(tmp_path / "cache"), HOME=str(tmp_path),
        )  # fmt: skip
        return tifffile.imread(out), said

    without, said = developed(tmp_path / "without.tif")
    crop = re.search(r"raw crop: (\d+) (\d+) (\d+) (\d+) \(provided by camconst", said)
    if crop is None:
        pytest.skip("this RawTherapee knows no crop of the model")
    area = Area(*map(int, crop.groups()))
    found = replace(map_of(photo), sensor=sensor)
    path = tmp_path / "dark" / file_name(sensor)
    write_list(found, path, format_named("rawtherapee"), area=area)
    with_list, _ = developed(tmp_path / "with.tif")

    border = (area.width - without.shape[1]) // 2, (area.height - without.shape[0]) // 2
    assert changed(without, with_list, photo, (area.x + border[0], area.y + border[1])) >= SHARE


def developed_with(command, dng, listed, folder, *options):
    """Run dcraw or dcraw_emu on a copy in a folder of its own and return its picture."""
    folder.mkdir(exist_ok=True)
    shutil.copy(dng, folder / "a.dng")
    listing = () if listed is None else ("-P", listed)
    run(command, "-T", "-4", "-o", "0", "-q", "0", "-t", "0", *options, *listing, folder / "a.dng")
    (made,) = folder.glob("*.tif*")
    return tifffile.imread(made)


def test_dcraw_repairs_the_listed_pixels(photo, tmp_path):
    command = program("dcraw")
    path = listed_for(photo, "dcraw", "list.txt", tmp_path)

    without, with_list = (
        developed_with(command, tmp_path / "a.dng", listed, tmp_path / folder, "-D")
        for folder, listed in (("1", None), ("2", path))
    )

    require(without, with_list, photo, (LEFT, TOP))


def test_libraw_s_own_program_repairs_the_listed_pixels(photo, tmp_path):
    command = program("dcraw_emu")
    path = listed_for(photo, "libraw", "list.txt", tmp_path)

    without, with_list = (
        developed_with(command, tmp_path / "a.dng", listed, tmp_path / folder)
        for folder, listed in (("1", None), ("2", path))
    )

    require(without, with_list, photo, (LEFT + LEFT % 2, TOP + TOP % 2))


def test_rawpy_repairs_the_listed_pixels(photo, tmp_path):
    rawpy = pytest.importorskip("rawpy")
    path = listed_for(photo, "libraw", "list.txt", tmp_path)

    def developed(listed):
        settings = rawpy.Params(
            demosaic_algorithm=rawpy.DemosaicAlgorithm.LINEAR, output_bps=16, no_auto_bright=True
        )
        if listed is not None:
            settings.bad_pixels = os.fsencode(listed)
        with rawpy.imread(str(tmp_path / "a.dng")) as raw:
            return raw.postprocess(params=settings)

    require(developed(None), developed(path), photo, (LEFT + LEFT % 2, TOP + TOP % 2))


def darktable(command, folder, name):
    """Develop one DNG with darktable's standard settings and return its picture."""
    run(
        command, folder / f"{name}.dng", folder / f"{name}.tif",
        "--apply-custom-presets", "false", "--core",
        "--configdir", folder / "config", "--cachedir", folder / "cache",
        "--library", ":memory:", "--disable-opencl",
        "--conf", "plugins/darkroom/workflow=none",
        "--conf", "plugins/imageio/format/tiff/bpp=16",
        "--conf", "write_sidecar_files=never", HOME=str(folder),
    )  # fmt: skip
    return tifffile.imread(folder / f"{name}.tif")[..., :3]


@OF_A_SLOW_PROGRAM
def test_darktable_repairs_the_pixels_of_the_opcode_list(photo, tmp_path):
    command, exiftool = program("darktable-cli"), program("exiftool")
    listed = listed_for(photo, "dng", "list.opcodes", tmp_path)
    shutil.copy(tmp_path / "a.dng", tmp_path / "b.dng")
    option = f"-IFD0:OpcodeList1#<={listed}"
    run(exiftool, "-q", "-overwrite_original", option, tmp_path / "b.dng")

    without, with_list = (darktable(command, tmp_path, name) for name in ("a", "b"))

    require(without, with_list, photo, (LEFT, TOP))


SIRIL = """requires 1.0.0
setext fit
set16bits
load {name}
save without
close
load {name}
cosme_cfa {listed}
save corrected
close
"""


def corrected(command, folder, name, listed):
    """Return a mosaic as Siril saves it, and what its cosme_cfa makes of that with a list."""
    fits = pytest.importorskip("astropy.io.fits")
    shutil.copy(listed, folder / listed.name)
    script = folder / "both.ssf"
    script.write_text(SIRIL.format(name=name, listed=listed.name), encoding="utf-8")
    run(command, "-d", folder, "-s", script, HOME=str(folder), XDG_CONFIG_HOME=str(folder))
    return [fits.getdata(folder / f"{out}.fit") for out in ("without", "corrected")]


def test_siril_repairs_the_listed_pixels_of_a_dng(photo, tmp_path):
    command = program("siril-cli")
    path = listed_for(photo, "siril", "list.lst", tmp_path)

    without, with_list = (  # it writes the last row first
        each[::-1] for each in corrected(command, tmp_path, "a.dng", path)
    )

    require(without, with_list, photo, (LEFT + LEFT % 2, TOP + TOP % 2))


@pytest.mark.parametrize("order", ["TOP-DOWN", "BOTTOM-UP", None])
def test_siril_repairs_the_listed_pixels_of_a_fits(order, tmp_path):
    command = program("siril-cli")
    fits = pytest.importorskip("astropy.io.fits")
    photo = dngs.bayer(PATTERNS[1])
    unit = fits.PrimaryHDU(photo.mosaic)
    if order:
        unit.header["ROWORDER"] = order
    unit.writeto(tmp_path / "a.fit")
    path = listed_for(photo, "siril-fits", "list.lst", tmp_path, ".fits")

    require(*corrected(command, tmp_path, "a.fit", path), photo, (0, 0))


ROW, COLUMN = 200, 301


def broken_lines():
    """Return a photo of which a row and a column are too bright, and its map."""
    photo = dngs.bayer(count=4)
    photo.mosaic[ROW] += 4000
    photo.mosaic[:, COLUMN] += 4000
    lines = (
        Defect(x=0, y=ROW, run=Run("row", 0, dngs.WIDTH - 1), state="confirmed"),
        Defect(x=COLUMN, y=0, run=Run("column", 0, dngs.HEIGHT - 1), state="confirmed"),
    )
    return photo, replace(map_of(photo), defects=lines)


def require_lines(without, with_list, origin):
    step = np.abs(np.asarray(without, float) - np.asarray(with_list, float))
    step = step if step.ndim == 2 else step.max(axis=2)
    x, y = COLUMN - origin[0], ROW - origin[1]
    far = 20  # px from the edges, where programs differ in what they do
    for line, beside in ((step[y], step[y + 9]), (step[:, x], step[:, x + 9])):
        strong = np.median(line) / 3
        assert np.mean(line[far:-far] > strong) >= SHARE
        assert np.mean(beside[far:-far] < strong) >= SHARE


def test_siril_repairs_listed_rows_and_columns(tmp_path):
    command = program("siril-cli")
    fits = pytest.importorskip("astropy.io.fits")
    photo, found = broken_lines()
    found = replace(found, sensor_extra={"files": "fits"})  # as if found in these
    fits.PrimaryHDU(photo.mosaic).writeto(tmp_path / "a.fit")
    (tmp_path / "lists").mkdir()
    write_list(found, tmp_path / "lists" / "list.lst", format_named("siril-fits"))

    both = corrected(command, tmp_path, "a.fit", tmp_path / "lists" / "list.lst")

    require_lines(*both, (0, 0))


def test_darktable_repairs_listed_rows_and_columns(tmp_path):
    command, exiftool = program("darktable-cli"), program("exiftool")
    photo, found = broken_lines()
    dngs.write_dng(tmp_path / "none.dng", photo)
    shutil.copy(tmp_path / "none.dng", tmp_path / "ok.dng")
    write_list(found, tmp_path / "list.opcodes", format_named("dng"))
    listed = f"-IFD0:OpcodeList1#<={tmp_path / 'list.opcodes'}"
    run(exiftool, "-q", "-overwrite_original", listed, tmp_path / "ok.dng")

    without, with_list = (darktable(command, tmp_path, kind) for kind in ("none", "ok"))

    require_lines(without, with_list, (LEFT, TOP))


def test_dcraw_repairs_from_the_day_on_that_the_list_gives(tmp_path):
    command = program("dcraw")
    photo = dngs.bayer()
    dngs.write_dng(tmp_path / "a.dng", photo, taken="2021:06:01 12:00:00")
    shares, without = [], developed_with(command, tmp_path / "a.dng", None, tmp_path / "none", "-D")
    for number, first in enumerate((date(2021, 5, 31), date(2021, 6, 1), date(2021, 6, 4))):
        found = map_of(photo)
        defects = tuple(replace(one, since=(first, date(2022, 1, 1))) for one in found)
        found = replace(
            found, defects=defects, evidence=EvidenceSummary(first=datetime(2019, 1, 1))
        )
        write_list(found, tmp_path / f"{number}.txt", format_named("dcraw"))
        made = tmp_path / f"{number}"
        with_list = developed_with(command, tmp_path / "a.dng", Path(f"{made}.txt"), made, "-D")
        shares.append(changed(without, with_list, photo, (LEFT, TOP)))

    assert shares == [1, 1, 0]
