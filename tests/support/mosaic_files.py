"""RAW and FITS files made for tests by tifffile and astropy, not by stillpix's own writers."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import tifffile

LETTERS = {"R": 0, "G": 1, "g": 1, "B": 2}
XTRANS = ("GBGGRG", "RGRBGB", "GBGGRG", "GRGGBG", "BGBRGR", "GRGGBG")
MOSAIC, LINEAR = 32803, 34892


def cell_of(layout):
    """Return the rows of letters that a layout repeats from the stored (0, 0) on."""
    if layout == "xtrans":
        return XTRANS
    phase = layout.removeprefix("bayer-")
    return phase[:2], phase[2:]


def dng(
    pixels, layout="bayer-RGGB", *, active=None, black=512, white=16383, exposure_s=(1, 50),
    iso=400, make="Acme", model="Acme One", serial="SN77", taken="2024:05:06 07:08:09",
    orientation=1, compression=None, byteorder="<", extra=(), **options,
):  # fmt: skip
    """Return a DNG file. `layout` counts from the stored (0, 0); `active` is top, left, bottom,
    right, and the file's own pattern begins there, as the specification wants.
    """
    tags = [
        (50706, "B", 4, bytes((1, 4, 0, 0)), True),
        (50707, "B", 4, bytes((1, 1, 0, 0)), True),
        (50708, "s", 0, "Acme One", True),
        *_black_tags(black),
        (50717, "I", 1, white, True),
        (
            50721,
            "2i",
            9,
            (8000, 10000, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 9000, 10000),
            True,
        ),
        (50728, "2I", 3, (1, 2, 1, 1, 1, 2), True),
        (50778, "H", 1, 21, True),
        (271, "s", 0, make, True),
        (272, "s", 0, model, True),
        (274, "H", 1, orientation, True),
        (33434, "2I", 1, exposure_s, True),
        (34855, "H", 1, iso, True),
        (42033, "s", 0, serial, True),
    ]
    if layout != "linear":
        top, left = (0, 0) if active is None else active[:2]
        cell = cell_of(layout)
        size = len(cell)
        pattern = bytes(
            LETTERS[cell[(y + top) % size][(x + left) % size]]
            for y in range(size)
            for x in range(size)
        )
        tags += [
            (33421, "H", 2, (size, size), True),
            (33422, "B", len(pattern), pattern, True),
        ]
    if active is not None:
        tags.append((50829, "I", 4, active, True))
    file = BytesIO()
    tifffile.imwrite(
        file, pixels, photometric=LINEAR if layout == "linear" else MOSAIC, subfiletype=0,
        datetime=taken, extratags=[*tags, *extra], metadata=None, software=False,
        compression=compression, byteorder=byteorder, **options,
    )  # fmt: skip
    return file.getvalue()


def _black_tags(black):
    """Return the tags of one level for all, or of four, one for each photosite of a cell."""
    if isinstance(black, int):
        return [(50714, "I", 1, black, True)]
    return [(50713, "H", 2, (2, 2), True), (50714, "I", 4, black, True)]


def fits(pixels, *, compressed=False, **keywords):
    """Return a FITS file of one picture; keywords are those of its header."""
    from astropy.io import fits as astropy_fits

    header = astropy_fits.Header(
        [(key.replace("_", "-"), value) for key, value in keywords.items()]
    )
    if compressed:
        units = [
            astropy_fits.PrimaryHDU(),
            astropy_fits.CompImageHDU(pixels, header, compression_type="RICE_1"),
        ]
    else:
        units = [astropy_fits.PrimaryHDU(pixels, header)]
    file = BytesIO()
    astropy_fits.HDUList(units).writeto(file)
    return file.getvalue()


def noise(height=64, width=96, seed=1, *, low=600, high=9000):
    return np.random.default_rng(seed).integers(low, high, (height, width)).astype(np.uint16)
