"""Which camera of a rig took a photo: multispectral cameras have a sensor for each band.

All of them write one make, model and serial number. Their XMP, in the words of Pix4D, names the
band and the camera (Micasense, Parrot Sequoia, DJI P4 Multispectral, Sentera).

Never parses XMP as XML: a hostile file could make a parser swell. It looks for two words.
"""

from __future__ import annotations

import re
from typing import Final

MOST_XMP = 1 << 20  # bytes that are looked at
MOST_WORD = 40  # letters; a longer name is noise
# <Camera:BandName>Blue</Camera:BandName>, the same as a list, or Camera:BandName="Blue".
VALUE: Final = rb"Camera:%s(?:\s*=\s*[\"']([^\"'<]{1,200})[\"']|\s*>(.{1,1000}?)</Camera:%s>)"
BAND_NAME, INDEX = (
    re.compile(VALUE % (name, name), re.DOTALL) for name in (b"BandName", b"RigCameraIndex")
)
TAGS: Final = re.compile(rb"<[^>]*>")


def camera_of_rig(xmp: bytes) -> str | None:
    """Return which camera of a rig XMP names; None if it names none.

    >>> camera_of_rig(b"<Camera:BandName>Blue</Camera:BandName>")
    'band Blue'
    >>> camera_of_rig(b'<a Camera:BandName="NIR" Camera:RigCameraIndex="3"/>')
    'band NIR (camera 3)'
    """
    xmp = xmp[:MOST_XMP]
    band, index = (_words_of(form, xmp) for form in (BAND_NAME, INDEX))
    if band and index:
        return f"band {band} (camera {index})"
    return f"band {band}" if band else f"camera {index}" if index else None


def _words_of(form: re.Pattern[bytes], xmp: bytes) -> str:
    found = form.search(xmp)
    if found is None:
        return ""
    text = TAGS.sub(b" ", found[1] or found[2] or b"").decode("utf-8", errors="replace")
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())[:MOST_WORD].strip()
