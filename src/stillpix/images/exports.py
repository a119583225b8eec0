"""Which programs write exports, and which grey pictures come straight from a sensor.

Looks at what the head of a file says; never at a pixel.
"""

from __future__ import annotations

import re

from stillpix.frame import Layout

# What raw converters, editors and sharing programs write into EXIF Software: their exports have
# been resized, sharpened, lens-corrected or already repaired.
CONVERTERS = (
    "lightroom", "photoshop", "camera raw", "capture one", "darktable", "rawtherapee", "gimp",
    "dxo", "affinity", "luminar", "on1", "aperture", "photos", "picasa", "snapseed", "digikam",
    "acdsee", "irfanview", "xnview", "imagemagick", "graphicsmagick", "silkypix", "photomatix",
    "capture nx", "viewnx", "nx studio", "digital photo professional", "paint", "pixelmator",
    "iphoto", "instagram", "whatsapp", "google", "exposure x", "polarr", "skylum", "shotwell",
)  # fmt: skip
_CONVERTER = re.compile(rf"\b(?:{'|'.join(map(re.escape, CONVERTERS))})", re.IGNORECASE)


def is_converter(software: str | None) -> bool:
    """Return whether a file's Software is a raw converter, editor or sharing program.

    >>> is_converter("Adobe Photoshop Lightroom 6.1"), is_converter("Ver.1.03"), is_converter(None)
    (True, False, False)
    """
    return _CONVERTER.search(software or "") is not None


def layout_of_grey(*, deep: bool, profiled: bool, software: str | None) -> Layout:
    """Return how a grey picture of one sample is to be read.

    Programs that read a sensor write its values as they are, in more than 8 bits and without a
    colour profile; what a person looks at has a tone curve, and a profile or a converter's name.

    >>> layout_of_grey(deep=True, profiled=False, software="Andor Solis")
    'mono'
    >>> layout_of_grey(deep=True, profiled=False, software="GIMP 2.10")
    'rendered'
    """
    return "mono" if deep and not profiled and not is_converter(software) else "rendered"
