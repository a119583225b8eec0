"""What an EXIF block says of the camera and the exposure.

Never raises on a broken block: what it does not say, or says wrongly, is None. Never believes a
value that no camera can mean.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from io import BytesIO
from typing import Final

from stillpix.frame import UNTOLD
from stillpix.images.directories import BrokenStructureError, Directory, Entry, Structure
from stillpix.images.maker_notes import maker_serial
from stillpix.images.phones import Lens, module_of
from stillpix.images.rigs import MOST_XMP, camera_of_rig

MAKE, MODEL, ORIENTATION, SOFTWARE, DATE_TIME = 271, 272, 274, 305, 306
EXIF_DIRECTORY, EXPOSURE_TIME, DATE_TIME_ORIGINAL = 34665, 33434, 36867
MAKER_NOTE, BODY_SERIAL_NUMBER = 37500, 42033
FOCAL_LENGTH, LENS_MODEL = 37386, 42036
XMP = 700  # of a TIFF file
UNIQUE_CAMERA_MODEL = 50708  # of a DNG; phones and converters may write no other
DNG_SERIAL_NUMBER = 50735  # what Adobe's converter keeps of a maker note that it takes apart
# ISOSpeedRatings, ISOSpeed, RecommendedExposureIndex, StandardOutputSensitivity: the first is 16
# bits wide and 65535 in it says "look at the others" (EXIF 2.3, annex G).
ISO_TAGS: Final = (34855, 34867, 34866, 34865)

LONGEST_EXPOSURE_S = 24 * 3600.0
LONGEST_FOCAL_MM = 10_000.0
HIGHEST_ISO = 10_000_000
FIRST_YEAR = 1990  # the first cameras with a sensor and a clock
CLOCK_AHEAD = timedelta(days=2)  # time zones, and clocks set a little wrong
MOST_TEXT = 256  # bytes; a longer name is noise
ORIENTATIONS = 8

DATE = re.compile(r"(\d{4})[:/-](\d{2})[:/-](\d{2})[ T](\d{2}):(\d{2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class Exif:
    """The facts stillpix uses; None (orientation: 1) where the block does not say."""

    make: str | None = None
    model: str | None = None
    serial: str | None = None
    software: str | None = None
    orientation: int = 1
    exposure_s: float | None = None
    gain: float | None = None  # ISO / 100
    taken: datetime | None = None  # the camera's own clock
    which: str | None = None  # of several sensors of the body
    lens: str | None = None
    focal_mm: float | None = None

    def completed_by(self, other: Exif) -> Exif:
        """Return the facts, and where there are none those of another picture of the same file.

        >>> both = Exif(model="D750").completed_by(Exif(model="D5", gain=4.0))
        >>> both.model, both.gain
        ('D750', 4.0)
        """
        known = {key.name: getattr(self, key.name) for key in fields(self)}
        known = {name: value for name, value in known.items() if value is not None}
        if self.which == UNTOLD and other.which:
            del known["which"]
        return replace(other, **known)


def exif_of_block(block: bytes | None) -> Exif:
    """Return the facts in the TIFF structure that JPEG and PNG files carry.

    >>> exif_of_block(b"no EXIF at all").exposure_s is None
    True
    """
    if block is None:
        return Exif()
    try:
        structure = Structure.of(BytesIO(block))
        first = next(structure.chain(), {})
    except BrokenStructureError:
        return Exif()
    return exif_of_directory(structure, first)


def exif_of_directory(structure: Structure, first: Directory) -> Exif:
    """Return the facts in a directory and in the EXIF directory that it points at."""
    tags = first | _exif_directory(structure, first)  # TIFF/EP puts both into one
    make, model = _text(structure, tags, MAKE), _text(structure, tags, MODEL)
    model = model or _text(structure, tags, UNIQUE_CAMERA_MODEL)
    serial = _serial(structure, tags, make)
    lens = Lens(_text(structure, tags, LENS_MODEL), _focal_mm(structure, tags))
    return Exif(
        make=make,
        model=model,
        serial=serial,
        software=_text(structure, tags, SOFTWARE),
        orientation=_orientation(structure, tags),
        exposure_s=_exposure_s(structure, tags),
        gain=_gain(structure, tags),
        taken=_date_of(structure, tags),
        which=_camera_of_rig(structure, tags) or module_of(make, model, serial, lens),
        lens=lens.model,
        focal_mm=lens.focal_mm,
    )


def maker_note_of(structure: Structure, first: Directory) -> Entry | None:
    """Return the maker's private note, where there is one."""
    return (first | _exif_directory(structure, first)).get(MAKER_NOTE)


def _exif_directory(structure: Structure, first: Directory) -> Directory:
    offset = _number(structure, first, EXIF_DIRECTORY)
    if not isinstance(offset, int):
        return {}
    try:
        return structure.directory(offset)
    except BrokenStructureError:
        return {}


def _number(structure: Structure, tags: Directory, tag: int) -> float | None:
    if tag not in tags:
        return None
    try:
        return next(iter(structure.numbers(tags[tag], 1)), None)
    except BrokenStructureError:
        return None


def _text(structure: Structure, tags: Directory, tag: int) -> str | None:
    content = _content(structure, tags, tag, MOST_TEXT)
    return None if content is None else plain_text(content)


def _content(structure: Structure, tags: Directory, tag: int, most: int) -> bytes | None:
    """Return a field's bytes, `most` of them; None where it has none that can be read."""
    if tag not in tags:
        return None
    try:
        return structure.content(tags[tag], most)
    except BrokenStructureError:
        return None


def plain_text(raw: bytes) -> str | None:
    r"""Return the words in a padded field; None if there are none.

    >>> plain_text(b"NIKON D3200   \0\0noise")
    'NIKON D3200'
    """
    raw = raw.partition(b"\0")[0]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split()) or None


def _serial(structure: Structure, tags: Directory, make: str | None) -> str | None:
    serial = _text(structure, tags, BODY_SERIAL_NUMBER)
    if serial is None:
        serial = _text(structure, tags, DNG_SERIAL_NUMBER)
        if serial is not None and serial.isdigit():  # filled up with zeros, unlike the number
            serial = serial.lstrip("0")
    if serial is None and make is not None and MAKER_NOTE in tags:
        found = maker_serial(structure, tags[MAKER_NOTE], make)
        serial = None if found is None else plain_text(found)
    if serial is None or not serial.strip("0 "):  # a field of zeros is a serial never set
        return None
    return serial


def _camera_of_rig(structure: Structure, tags: Directory) -> str | None:
    packet = _content(structure, tags, XMP, MOST_XMP)
    return None if packet is None else camera_of_rig(packet)


def _orientation(structure: Structure, tags: Directory) -> int:
    value = _number(structure, tags, ORIENTATION)
    return value if isinstance(value, int) and 1 <= value <= ORIENTATIONS else 1


def _exposure_s(structure: Structure, tags: Directory) -> float | None:
    value = _number(structure, tags, EXPOSURE_TIME)
    if value is None or not 0 < value <= LONGEST_EXPOSURE_S:  # NaN fails too
        return None
    return float(value)


def _focal_mm(structure: Structure, tags: Directory) -> float | None:
    value = _number(structure, tags, FOCAL_LENGTH)
    return float(value) if value is not None and 0 < value <= LONGEST_FOCAL_MM else None


def _gain(structure: Structure, tags: Directory) -> float | None:
    for tag in ISO_TAGS:
        value = _number(structure, tags, tag)
        unset = tag == ISO_TAGS[0] and value == 0xFFFF
        if value is not None and not unset and 1 <= value <= HIGHEST_ISO:
            return value / 100
    return None


def _date_of(structure: Structure, tags: Directory) -> datetime | None:
    for tag in (DATE_TIME_ORIGINAL, DATE_TIME):
        taken = camera_time(_text(structure, tags, tag))
        if taken is not None:
            return taken
    return None


def camera_time(text: str | None) -> datetime | None:
    """Return the time an EXIF date names, without a zone; None if it cannot be true.

    >>> camera_time("2019:07:11 15:09:00")
    datetime.datetime(2019, 7, 11, 15, 9)
    >>> camera_time("0000:00:00 00:00:00") is None
    True
    """
    match = DATE.match(text or "")
    if match is None:
        return None
    try:
        taken = datetime(*map(int, match.groups()))  # type: ignore[arg-type]  # six ints, no zone
    except ValueError:
        return None
    return taken if taken.year >= FIRST_YEAR and taken <= datetime.now() + CLOCK_AHEAD else None
