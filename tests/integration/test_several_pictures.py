"""Files of several pictures: each is a photo of its own, and each is repaired in its place.

Truth is what tifffile and astropy read from the files, before and after.
"""

from __future__ import annotations

import gzip
import warnings
from io import BytesIO

import numpy as np
import pytest
import tifffile

from stillpix import open_frames
from stillpix.errors import ReadError
from stillpix.images import read_frame, read_header, read_headers
from stillpix.images.gather import gather
from stillpix.maps.records import Defect, DefectMap
from stillpix.restoration.fix import fix
from stillpix.restoration.targets import listed_at
from stillpix.restoration.verdicts import RawWay
from stillpix.scan import scan
from support import fixing, mosaic_files

pytest.importorskip("astropy")
X, Y, HEIGHT, WIDTH = 60, 40, 96, 128


def frames(number=4, seed=5):
    """Return noisy frames with a hot pixel, (number, height, width)."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(1000, 3000, WIDTH)[None, None] * np.linspace(1, 2, number)[:, None, None]
    pixels = ramp + rng.normal(0, 20, (number, HEIGHT, WIDTH))
    pixels[:, Y, X] += 900
    return pixels.astype(np.uint16)


def stack(pixels, **options):
    file = BytesIO()
    tifffile.imwrite(file, pixels, **({"photometric": "minisblack"} | options))
    return file.getvalue()


def units(*pictures, names=None, **keywords):
    """Return a FITS file of one extension per picture; the keywords are the primary header's."""
    from astropy.io import fits as astropy_fits

    primary = astropy_fits.PrimaryHDU(header=astropy_fits.Header(list(keywords.items())))
    named = names or [""] * len(pictures)
    parts = [
        astropy_fits.ImageHDU(each, name=name) for each, name in zip(pictures, named, strict=True)
    ]
    file = BytesIO()
    astropy_fits.HDUList([primary, *parts]).writeto(file, checksum=True)
    return file.getvalue()


def planes(content):
    """Return the numbers in a FITS file's primary array, its checksums looked at."""
    from astropy.io import fits as astropy_fits

    with warnings.catch_warnings(), astropy_fits.open(BytesIO(content), checksum=True) as found:
        warnings.simplefilter("error")
        return np.array(found[0].data)


def saved(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    return path


STACKS = {
    "plain.tif": stack,
    "lzw.tif": lambda pixels: stack(pixels, compression="lzw", predictor=True),
    "tiles.tif": lambda pixels: stack(pixels, compression="zlib", tile=(32, 32)),
    "big.tif": lambda pixels: stack(pixels, bigtiff=True, byteorder=">", rowsperstrip=7),
    "cube.fits": mosaic_files.fits,
    "thin.fits": lambda pixels: mosaic_files.fits(pixels[:, None]),
    "float.fits": lambda pixels: mosaic_files.fits(pixels.astype(np.float32)),
    "cube.fits.gz": lambda pixels: gzip.compress(mosaic_files.fits(pixels), mtime=0),
    "cube.fz": lambda pixels: mosaic_files.fits(pixels, compressed=True),
}


@pytest.mark.parametrize("name", STACKS)
def test_each_picture_of_a_file_is_a_frame_with_its_own_pixels(tmp_path, name):
    wanted = frames(4)
    found = list(open_frames([saved(tmp_path, name, STACKS[name](wanted))]))

    assert all(np.array_equal(one.pixels, other) for one, other in zip(found, wanted, strict=True))
    assert [frame.origin for frame in found] == [f"{name}#{number}" for number in (1, 2, 3, 4)]
    assert len({frame.digest for frame in found}) == 4
    assert len({frame.sensor for frame in found}) == 1


def test_the_same_picture_has_one_digest_whatever_file_of_several_it_is_in(tmp_path):
    wanted = frames(3)
    one = read_headers(saved(tmp_path, "a.tif", stack(wanted)))
    other = read_headers(saved(tmp_path, "b.tif", stack(wanted[::-1], compression="lzw")))

    assert read_frame(one[0]).digest == read_frame(other[2]).digest


def test_a_page_without_facts_has_those_of_the_first(tmp_path):
    file, wanted = BytesIO(), frames(2)
    with tifffile.TiffWriter(file) as writer:
        tags = [(271, "s", 0, "Acme", True), (272, "s", 0, "Acme One", True)]
        writer.write(wanted[0], extratags=tags, metadata=None, datetime="2024:05:06 07:08:09")
        writer.write(wanted[1], metadata=None)
    first, second = read_headers(saved(tmp_path, "a.tif", file.getvalue()))

    assert second.sensor == first.sensor
    assert (second.sensor.model, second.exposure.taken) == ("Acme One", first.exposure.taken)


def test_pages_of_other_sizes_and_previews_are_no_photos(tmp_path):
    file, wanted = BytesIO(), frames(2)
    with tifffile.TiffWriter(file) as writer:
        for page in wanted:
            writer.write(page, metadata=None)
            writer.write(page[::2, ::2], metadata=None, subfiletype=1)
        writer.write(wanted[0][:40, :40], metadata=None)

    assert len(read_headers(saved(tmp_path, "a.tif", file.getvalue()))) == 2


def test_a_stack_of_imagej_without_directories_is_refused(tmp_path):
    content = stack(frames(4), imagej=True, truncate=True, photometric=None)

    with pytest.raises(ReadError, match="of 4 pictures of which only the first has a directory"):
        read_header(saved(tmp_path, "a.tif", content))


def test_a_stack_that_is_cut_short_is_refused_whole(tmp_path):
    content = stack(frames(4))

    for length in (len(content) - 100, len(content) // 2):
        with pytest.raises(ReadError, match="cut short"):
            read_header(saved(tmp_path, "a.tif", content[:length]))


def test_each_extension_is_a_sensor_of_its_own_with_the_primary_keywords(tmp_path):
    one, two, three = frames(3)
    content = units(one, two, three[::3, ::3], names=["IM1", "IM2", "THUMB"], INSTRUME="Mosaic")
    headers = read_headers(saved(tmp_path, "a.fits", content))

    assert [header.sensor.model for header in headers] == ["Mosaic IM1", "Mosaic IM2"]
    assert np.array_equal(read_frame(headers[1]).pixels, two)


def test_extensions_without_names_of_their_own_are_numbered(tmp_path):
    content = units(*frames(2), INSTRUME="Mosaic")
    headers = read_headers(saved(tmp_path, "a.fits", content))

    models = [header.sensor.model for header in headers]
    assert models == ["Mosaic extension 1", "Mosaic extension 2"]


def test_extensions_of_several_times_are_frames_of_one_sensor(tmp_path):
    from astropy.io import fits as astropy_fits

    file = BytesIO()
    parts = [astropy_fits.ImageHDU(each) for each in frames(3)]
    for number, part in enumerate(parts):
        part.header["DATE-OBS"] = f"2024-01-01T00:0{number}:00"
    astropy_fits.HDUList([astropy_fits.PrimaryHDU(), *parts]).writeto(file)
    headers = read_headers(saved(tmp_path, "a.fits", file.getvalue()))

    assert len({header.sensor for header in headers}) == 1
    assert [header.exposure.taken.minute for header in headers] == [0, 1, 2]


@pytest.mark.parametrize("name", [name for name in STACKS if name != "cube.fz"])
def test_a_repair_reaches_each_picture_at_its_place_and_no_other(tmp_path, name):
    before = frames()
    photo = saved(tmp_path, name, STACKS[name](before))
    out = tmp_path / "out"

    done, skipped = fixing.run([photo], listed_at([(X, Y)]), fixing.copies(out))

    content = (out / name).read_bytes()
    plain = gzip.decompress(content) if name.endswith(".gz") else content
    after = tifffile.imread(BytesIO(content)) if name.endswith(".tif") else planes(plain)
    assert skipped == {}
    assert [(each.picture, each.outcome) for each in done[0].verdicts] == [
        (number, "repaired") for number in (1, 2, 3, 4)
    ]
    changed = np.argwhere(after.reshape(before.shape) != before)
    assert changed.tolist() == [[number, Y, X] for number in range(4)]
    again, _ = fixing.run([out / name], listed_at([(X, Y)]), fixing.copies(tmp_path / "again"))
    assert (again[0].result, (tmp_path / "again" / name).read_bytes()) == ("copied", content)


def test_a_repair_in_place_is_proven_picture_by_picture(tmp_path):
    content = stack(frames(), compression="lzw")
    photo = saved(tmp_path, "a.tif", content)

    done, skipped = fixing.run([photo], listed_at([(X, Y)]), fixing.IN_PLACE)

    assert (skipped, done[0].repaired) == ({}, 4)
    assert (tmp_path / "a.tif.orig").read_bytes() == content
    assert (tifffile.imread(photo) != frames()).sum() == 4


def test_one_mask_is_of_all_planes_of_a_cube(tmp_path):
    from astropy.io import fits as astropy_fits

    before = frames()
    photo = saved(tmp_path, "a.fits", mosaic_files.fits(before))
    placement = fixing.copies(tmp_path / "out", raw=RawWay(mask=True))

    fixing.run([photo], listed_at([(X, Y)]), placement)

    with astropy_fits.open(tmp_path / "out" / "a.fits") as found:
        assert np.array_equal(found[0].data, before)
        assert np.argwhere(found["MASK"].data).tolist() == [[Y, X]]


def test_fix_of_python_repairs_all_pictures_of_a_file(tmp_path):
    photo = saved(tmp_path, "a.tif", stack(frames(2)))
    listed = DefectMap(read_header(photo).sensor, (Defect(x=X, y=Y, state="confirmed"),))

    verdicts = fix(photo, listed, tmp_path / "b.tif")

    assert [verdict.outcome for verdict in verdicts] == ["repaired", "repaired"]


def test_a_file_of_several_sensors_is_read_and_the_reason_told_why_it_is_not_repaired(tmp_path):
    photo = saved(tmp_path, "a.fits", units(*frames(2), names=["A", "B"]))

    done, skipped = fixing.run([photo], listed_at([(X, Y)]), fixing.copies(tmp_path / "out"))

    assert (done, len(gather([photo]).bodies)) == ([], 2)
    assert "2 sensors or amplifiers" in skipped["a.fits"]
    assert "is not repaired" in skipped["a.fits"]


def test_find_adds_up_the_pictures_of_a_file_as_it_does_photos(tmp_path):
    pixels = np.concatenate([frames(4, seed) for seed in (1, 2)])
    whole = saved(tmp_path, "cube.fits", mosaic_files.fits(pixels))
    (together,) = scan(gather([whole]), fast=True)

    assert together.map.evidence.photos == 8
    assert (X, Y) in {(defect.x, defect.y) for defect in together.map.defects}
