"""FITS files, TIFFs of every type of sample, and linear DNGs repaired: one place, and no other."""

from __future__ import annotations

import gzip
import warnings
from importlib.util import find_spec
from io import BytesIO

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from stillpix.cli import app
from support import mosaic_files, tiffs

pytestmark = [
    pytest.mark.usefixtures("library"),
    pytest.mark.skipif(find_spec("astropy") is None, reason="astropy is not installed"),
]
X, Y = 50, 40
SHAPE = (96, 128)


def fix(*arguments):
    return CliRunner().invoke(app, ["fix", *map(str, arguments)])


def said(ran):
    return " ".join(ran.stderr.split())


def scene(dtype, level=4000, noise=30, hot=15000, seed=1):
    """Return noise around a level with one hot pixel, in a type."""
    values = np.random.default_rng(seed).normal(level, noise, SHAPE)
    values[Y, X] = hot
    kind = np.dtype(dtype)
    return (np.rint(values) if kind.kind in "iu" else values).astype(kind)


# of each type: one that is narrow, negative, beyond 16 bits, a share of white
VALUES = {
    "uint8": scene(np.uint8, 90, 3, 250),
    "uint16": scene(np.uint16),
    "int16": scene(np.int16, 5, 20, 900),
    "int32": scene(np.int32, 300, 20, 9000),
    "sums": scene(np.int32, 400_000, 600, 1_200_000),
    "uint32": scene(np.uint32, 400_000, 600, 1_200_000),
    "float32": scene(np.float32, 0.5, 2.0, 300.0),
    "shares": scene(np.float32, 0.1, 0.002, 0.9),
    "float64": scene(np.float64, 1000.25, 9.0, 60000.0),
}


def repaired(photo, out, *flags):
    """Repair the place, and return the copy; a second run over it changes nothing."""
    ran = fix(photo, "--at", f"{X},{Y}", "--out", out, *flags)
    assert ran.exit_code == 0, said(ran)
    copy = out / photo.name
    again = fix(copy, "--at", f"{X},{Y}", "--out", out / "again", *flags)
    assert again.exit_code == 0, said(again)
    assert (out / "again" / photo.name).read_bytes() == copy.read_bytes()
    return copy


def require_repaired(before, after):
    """One pixel differs, and it is now like its neighbours."""
    assert after.dtype == before.dtype
    assert np.argwhere(after != before).tolist() == [[Y, X]]
    around = np.delete(before[Y - 3 : Y + 4, X - 3 : X + 4].astype(float).ravel(), 24)
    assert abs(float(after[Y, X]) - around.mean()) < 4 * around.std()


# FITS


def fits_of(values, **keywords):
    """Return a FITS file with checksums, a small picture and a table behind the picture."""
    from astropy.io import fits as astropy_fits

    picture = astropy_fits.PrimaryHDU(values)
    for key, value in {"INSTRUME": "Cam", "EXPTIME": 30.0, **keywords}.items():
        picture.header[key] = value
    preview = astropy_fits.ImageHDU(np.arange(12, dtype=np.int16).reshape(3, 4), name="PREVIEW")
    column = astropy_fits.Column("n", "J", array=np.arange(5))
    table = astropy_fits.BinTableHDU.from_columns([column], name="LOG")
    file = BytesIO()
    astropy_fits.HDUList([picture, preview, table]).writeto(file, checksum=True)
    return file.getvalue()


def read_fits(content):
    """Return the values and the header of the first picture; sums that are wrong are errors."""
    from astropy.io import fits as astropy_fits

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with astropy_fits.open(BytesIO(content), checksum=True) as units:
            return units[0].data.copy(), units[0].header.copy()


@pytest.mark.parametrize("name", [name for name in VALUES if name != "uint32"])
def test_a_fits_image_is_repaired_at_one_pixel_with_right_sums_and_a_word_in_its_history(
    tmp_path, name
):
    from astropy.io import fits as astropy_fits

    photo, content = tmp_path / "a.fits", fits_of(VALUES[name])
    photo.write_bytes(content)

    after = repaired(photo, tmp_path / "out").read_bytes()

    values, header = read_fits(after)
    require_repaired(read_fits(content)[0], values)
    assert "replaced the values of 1 pixel" in str(header["HISTORY"])
    with astropy_fits.open(BytesIO(content)) as old, astropy_fits.open(BytesIO(after)) as new:
        at, there = old[1].fileinfo()["hdrLoc"], new[1].fileinfo()["hdrLoc"]
    assert after[there:] == content[at:]
    left = {key: read_fits(content)[1][key] for key in ("INSTRUME", "EXPTIME", "BITPIX")}
    assert {key: header[key] for key in left} == left


@pytest.mark.parametrize("cards", [20, 22, 23, 24, 25, 26])
def test_a_header_that_is_full_grows_by_a_block(tmp_path, cards):
    photo = tmp_path / "a.fits"
    content = fits_of(VALUES["uint16"], **{f"KEY{number}": number for number in range(cards)})
    photo.write_bytes(content)

    fix(photo, "--at", f"{X},{Y}", "--out", tmp_path / "out")

    values, header = read_fits((tmp_path / "out" / "a.fits").read_bytes())
    require_repaired(read_fits(content)[0], values)
    assert header[f"KEY{cards - 1}"] == cards - 1


def test_a_packed_fits_image_is_packed_again(tmp_path):
    photo, content = tmp_path / "a.fits.gz", fits_of(VALUES["uint16"])
    photo.write_bytes(gzip.compress(content))

    after = gzip.decompress(repaired(photo, tmp_path / "out").read_bytes())

    require_repaired(read_fits(content)[0], read_fits(after)[0])


def test_places_without_a_value_stay_without(tmp_path):
    values = VALUES["float32"].copy()
    values[10:14, 20] = np.nan
    photo = tmp_path / "a.fits"
    photo.write_bytes(fits_of(values))

    after = read_fits(repaired(photo, tmp_path / "out").read_bytes())[0]

    assert np.argwhere(np.isnan(after)).tolist() == np.argwhere(np.isnan(values)).tolist()
    differ = ~((after == values) | np.isnan(values))
    assert np.argwhere(differ).tolist() == [[Y, X]]


def test_a_fits_image_of_three_colours_is_repaired_in_its_planes(tmp_path):
    planes = np.stack([scene(np.uint16, seed=seed) for seed in range(3)])
    photo = tmp_path / "a.fits"
    photo.write_bytes(fits_of(planes))

    after = read_fits(repaired(photo, tmp_path / "out").read_bytes())[0]

    changed = np.argwhere((after != planes).any(axis=0))
    assert np.abs(changed - [Y, X]).max() <= 4
    assert np.all(after[:, Y, X] < 5000)


def test_a_mask_is_added_as_an_extension_and_no_number_changes(tmp_path):
    from astropy.io import fits as astropy_fits

    photo, content = tmp_path / "a.fits", fits_of(VALUES["uint16"])
    photo.write_bytes(content)

    copy = repaired(photo, tmp_path / "out", "--mask")

    after = copy.read_bytes()
    assert after.startswith(content)
    with astropy_fits.open(BytesIO(after)) as units:
        assert np.argwhere(units["MASK"].data).tolist() == [[Y, X]]
    ran = fix(copy, "--at", "3,4", "--out", tmp_path / "more", "--mask")
    assert "1 FITS file now marks 1 broken pixel, in a mask extension" in ran.stdout
    with astropy_fits.open(tmp_path / "more" / "a.fits") as units:
        assert np.argwhere(units["MASK"].data).tolist() == [[4, 3], [Y, X]]


def test_a_compressed_fits_image_is_refused_with_the_remedy(tmp_path):
    photo = tmp_path / "a.fits.fz"
    photo.write_bytes(mosaic_files.fits(VALUES["uint16"], compressed=True))

    ran = fix(photo, "--at", f"{X},{Y}", "--out", tmp_path / "out")

    assert ran.exit_code == 3
    assert "is a compressed FITS file (.fz), which is not rewritten; unpack it" in said(ran)


# TIFF


@pytest.mark.parametrize("name", [*(name for name in VALUES if name != "uint8"), "float16"])
@pytest.mark.parametrize(("order", "packed"), [("<", "plain"), (">", "predicted")])
def test_a_tiff_of_any_type_of_a_sensors_samples_is_repaired_at_one_pixel(
    tmp_path, name, order, packed
):
    values = VALUES[name] if name in VALUES else scene(np.float16, 0.25, 0.004, 0.9)
    photo = tmp_path / "a.tif"
    options = {} if packed == "plain" else {"compression": "deflate"}
    if packed == "predicted":
        options["predictor"] = 3 if values.dtype.kind == "f" else 2
    tifffile.imwrite(photo, values, byteorder=order, rowsperstrip=10, **options)

    after = tifffile.imread(repaired(photo, tmp_path / "out"))

    require_repaired(values, after)


def test_a_tiff_of_floating_point_colours_keeps_its_alpha(tmp_path):
    planes = np.stack([scene(np.float32, 0.2, 0.004, 0.9, seed) for seed in range(3)], axis=-1)
    picture = np.dstack([planes, np.linspace(0, 1, planes[..., 0].size).reshape(SHAPE)])
    photo = tmp_path / "a.tif"
    tifffile.imwrite(
        photo, picture.astype(np.float32), photometric="rgb", extrasamples=["unassalpha"]
    )

    after = tifffile.imread(repaired(photo, tmp_path / "out"))

    assert np.array_equal(after[..., 3], picture[..., 3].astype(np.float32))
    changed = np.argwhere((after != picture.astype(np.float32)).any(axis=2))
    assert np.abs(changed - [Y, X]).max() <= 4
    assert np.all(after[Y, X, :3] < 0.25)


# Linear DNG, as ProRAW is


def linear_colours():
    return np.stack([scene(np.uint16, seed=seed) for seed in range(3)], axis=-1)


def linear_tiles(colours):
    """Return a linear DNG whose colours are tiles of lossless JPEG of three components."""
    import imagecodecs

    height, width = colours.shape[:2]
    parts = [
        imagecodecs.jpeg8_encode(
            np.ascontiguousarray(colours[top : top + 48, left : left + 64]),
            lossless=True, predictor=1, bitspersample=16,
        )
        for top in range(0, height, 48)
        for left in range(0, width, 64)
    ]  # fmt: skip
    tags = [(50706, "B", 4, (1, 4, 0, 0), True), (50708, "s", 0, "Acme One", True),
            (50717, "I", 3, (16383,) * 3, True)]  # fmt: skip
    file = BytesIO()
    tifffile.imwrite(
        file, iter(parts), shape=colours.shape, dtype=colours.dtype, tile=(48, 64),
        photometric=34892, compression=7, subfiletype=0, extratags=tags, planarconfig="contig",
    )  # fmt: skip
    return file.getvalue()


@pytest.mark.parametrize("way", ["plain", "tiles"])
def test_a_linear_dng_is_repaired_in_its_colours(tmp_path, way):
    import rawpy

    colours = linear_colours()
    photo = tmp_path / "a.dng"
    content = mosaic_files.dng(colours, "linear") if way == "plain" else linear_tiles(colours)
    photo.write_bytes(content)

    copy = repaired(photo, tmp_path / "out")

    with rawpy.imread(str(copy)) as raw:
        after = raw.raw_image[..., :3].copy()
    changed = np.argwhere((after != colours).any(axis=2))
    assert [Y, X] in changed.tolist()
    assert np.abs(changed - [Y, X]).max() <= 4
    assert np.all(after[Y, X] < 5000)
    old, new = tiffs.told(content), tiffs.told(copy.read_bytes())
    assert len(old) == len(new)
