"""Pictures whose files cannot be changed at one place: repaired as a lossless PNG beside them.

Truth is what Pillow, libheif and imagecodecs read from the photo and from its copy.
"""

from __future__ import annotations

import struct
from io import BytesIO

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageCms

from stillpix.errors import ReadError
from stillpix.images import decode_colour, read_header
from stillpix.maps.records import Defect, DefectMap
from stillpix.restoration.fix import fix
from stillpix.restoration.targets import listed_at, listed_in
from support import fixing

pillow_heif = pytest.importorskip("pillow_heif")
X, Y, SIZE = 40, 30, (64, 96)
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a/></x:xmpmeta>'
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def scene(*, deep=False):
    rng = np.random.default_rng(7)
    pixels = 90 + np.linspace(0, 40, SIZE[1])[None, :, None] + rng.normal(0, 1, (*SIZE, 3))
    pixels[Y, X] += 110
    return (pixels * 256).astype(np.uint16) if deep else np.round(pixels).astype(np.uint8)


def exif(orientation=6):
    found = Image.Exif()
    found[271], found[272], found[274] = "Acme", "Acme Phone", orientation
    found[36867] = "2024:05:06 07:08:09"
    return found.tobytes()


def heic(pixels, **options):
    file = BytesIO()
    if pixels.itemsize > 1:
        size = pixels.shape[1::-1]
        pillow_heif.encode("RGB;16", size, pixels.tobytes(), file, quality=-1, **options)
    else:
        pillow_heif.from_pillow(Image.fromarray(pixels)).save(file, quality=-1, **options)
    return file.getvalue()


def avif(pixels):
    file = BytesIO()
    Image.fromarray(pixels).save(file, "AVIF", quality=100, subsampling="4:4:4")
    return file.getvalue()


def jxl(pixels):
    return imagecodecs.jpegxl_encode(pixels, lossless=True)


def saved(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    return path


def shown(path):
    """Return the pixels of a PNG as it stores them."""
    return imagecodecs.png_decode(path.read_bytes())


FORMATS = {"a.heic": heic, "a.avif": avif, "a.jxl": jxl}


@pytest.mark.parametrize("name", FORMATS)
def test_the_repair_is_a_png_that_differs_at_the_place_only(tmp_path, name):
    content = FORMATS[name](scene())
    photo = saved(tmp_path, name, content)
    header = read_header(photo)

    done, skipped = fixing.run([photo], listed_at([(X, Y)]), fixing.copies(tmp_path / "out"))

    before, after = decode_colour(header, content), shown(tmp_path / "out" / f"{name}.png")
    changed = np.argwhere((before != after).any(axis=2))
    assert (skipped, done[0].result) == ({}, "repaired")
    assert "lossless PNG of 8 bits" in " ".join(done[0].notes)
    assert fixing.names(tmp_path / "out") == [f"{name}.png"]
    assert np.abs(changed - [Y, X]).max() <= 4
    assert int(before[Y, X].max()) - int(after[Y, X].max()) > 60
    assert photo.read_bytes() == content


def test_a_png_of_deep_pixels_has_16_bits_and_a_second_repair_changes_nothing(tmp_path):
    photo = saved(tmp_path, "a.heic", heic(scene(deep=True)))
    out = tmp_path / "out"

    fixing.run([photo], listed_at([(X, Y)]), fixing.copies(out))
    again, _ = fixing.run(
        [out / "a.heic.png"], listed_at([(X, Y)]), fixing.copies(tmp_path / "again")
    )

    assert shown(out / "a.heic.png").dtype == np.uint16
    assert again[0].result == "copied"
    assert (tmp_path / "again" / "a.heic.png").read_bytes() == (out / "a.heic.png").read_bytes()


def test_what_the_file_says_goes_along(tmp_path):
    content = heic(scene(), exif=exif(), xmp=XMP, icc_profile=PROFILE)
    photo = saved(tmp_path, "a.heic", content)
    header = read_header(photo)

    fixing.run([photo], listed_at([(X, Y)]), fixing.copies(tmp_path / "out"))

    copy = tmp_path / "out" / "a.heic.png"
    with Image.open(copy) as image:
        image.load()
        assert image.info["icc_profile"] == PROFILE
        assert image.info["XML:com.adobe.xmp"].encode() == XMP
        assert image.getexif()[272] == "Acme Phone"
        assert image.getexif()[274] == header.orientation
    again = read_header(copy)
    assert (again.sensor, again.exposure) == (header.sensor, header.exposure)
    assert again.orientation == header.orientation


def test_colours_that_are_told_by_code_are_told_so_in_the_copy(tmp_path):
    options = {"color_primaries": 12, "transfer_characteristics": 16, "matrix_coefficients": 6}
    photo = saved(tmp_path, "a.heic", heic(scene(), full_range_flag=1, **options))

    fixing.run([photo], listed_at([(X, Y)]), fixing.copies(tmp_path / "out"))

    content = (tmp_path / "out" / "a.heic.png").read_bytes()
    at = content.index(b"cICP")
    assert (struct.unpack(">I", content[at - 4 : at]), content[at + 4 : at + 8]) == (
        (4,),
        bytes((12, 16, 0, 1)),
    )


def test_where_nothing_shows_the_photo_is_copied_as_it_is(tmp_path):
    content = heic(np.full((*SIZE, 3), 90, np.uint8))
    photo = saved(tmp_path, "a.heic", content)
    lister = listed_in(DefectMap(read_header(photo).sensor, fixing.at([(X, Y)])))

    done, _ = fixing.run([photo], lister, fixing.copies(tmp_path / "out"))

    assert done[0].result == "copied"
    assert (tmp_path / "out" / "a.heic").read_bytes() == content
    assert fixing.names(tmp_path / "out") == ["a.heic"]


def test_in_place_the_reason_and_the_remedy_are_told(tmp_path):
    photo = saved(tmp_path, "a.heic", heic(scene()))

    done, skipped = fixing.run([photo], listed_at([(X, Y)]), fixing.IN_PLACE)

    assert done == []
    assert "give --out" in skipped["a.heic"]
    assert fixing.names(tmp_path) == ["a.heic"]


def test_a_png_of_the_same_name_beside_it_is_another_photo(tmp_path):
    for name, encoded in FORMATS.items():
        saved(tmp_path, name, encoded(scene()))
    Image.fromarray(scene()).save(tmp_path / "a.png")

    _, skipped = fixing.run([tmp_path], listed_at([(X, Y)]), fixing.copies(tmp_path / "o"))

    assert skipped == {}
    assert fixing.names(tmp_path / "o") == [
        "a.avif.png",
        "a.heic.png",
        "a.jxl.png",
        "a.png",
    ]


def test_see_through_pictures_are_not_repaired_and_the_reason_is_told(tmp_path):
    pixels = np.concatenate([scene(), np.full((*SIZE, 1), 200, np.uint8)], axis=2)
    photo = saved(tmp_path, "a.avif", avif(pixels))

    _, skipped = fixing.run([photo], listed_at([(X, Y)]), fixing.copies(tmp_path / "out"))

    assert "transparency" in skipped["a.avif"]


def test_fix_of_python_writes_a_png_where_it_is_asked_for_one(tmp_path):
    photo = saved(tmp_path, "a.heic", heic(scene()))
    hot = DefectMap(read_header(photo).sensor, (Defect(x=X, y=Y, state="confirmed"),))
    none = DefectMap(read_header(photo).sensor, ())

    with pytest.raises(ReadError, match=r"ends in \.png"):
        fix(photo, hot, tmp_path / "b.heic")
    fix(photo, hot, tmp_path / "b.png")
    fix(photo, none, tmp_path / "c.png")

    assert shown(tmp_path / "b.png")[Y, X].max() + 60 < shown(tmp_path / "c.png")[Y, X].max()
