"""JPEG photos: size and EXIF from the leading segments, luma, chroma or colours from libjpeg.

Never returns a picture whose end is missing, and never looks at embedded previews. RGB and CMYK
are made luma with the weights that JPEG itself uses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple, TypeAlias

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from stillpix.errors import ReadError
from stillpix.frame import Chroma
from stillpix.images.colour_planes import SAMPLES, room_for, split
from stillpix.images.content import Buffer, Octets
from stillpix.images.exif import exif_of_block
from stillpix.images.multi_picture import other_views
from stillpix.images.outline import CUT_SHORT, Outline, require_photo_size
from stillpix.images.rigs import camera_of_rig
from stillpix.images.tidy_jpeg import MOST_JUNK, start_of, tidied

APP1, APP2, START_OF_SCAN, END_OF_IMAGE = 0xE1, 0xE2, 0xDA, 0xD9
ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers that no segment follows
START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
LOSSLESS = frozenset({0xC3, 0xC7, 0xCB, 0xCF})
EXIF_HEAD = b"Exif\0\0"
XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
MAX_SEGMENTS = 4096  # before the picture; real files have some dozens
GREY_COMPONENTS, COLOUR_COMPONENTS, CMYK_COMPONENTS = 1, 3, 4
Mode: TypeAlias = Literal["L", "RGB", "planes"]  # planes: RGB, if it can be split into them
Room: TypeAlias = Callable[[int], Octets]  # memory of so many bytes
# Complaints on pictures that are whole: TurboJPEG knows six chroma samplings where libjpeg knows
# all, and some phones write scan parameters that baseline JPEG does not have. simplejpeg's
# strict=False would let both pass, and pictures that are cut short too.
LEFT_TO_PILLOW = ("subsampling", "Invalid SOS parameters")


class Leading(NamedTuple):
    """What the segments before the picture say."""

    frame: bytes  # the start-of-frame segment
    marker: int
    exif: bytes | None
    xmp: bytes  # empty where there is none
    views: int  # pictures of other lenses in the file


@dataclass(slots=True)
class _Said:
    """What the application segments say; the first of each kind counts."""

    exif: bytes | None = None
    xmp: bytes = b""
    views: int = 0

    def add(self, segment: bytes) -> None:
        if self.exif is None and segment.startswith(EXIF_HEAD):
            self.exif = segment[len(EXIF_HEAD) :]
        elif not self.xmp and segment.startswith(XMP_HEAD):
            self.xmp = segment[len(XMP_HEAD) :]
        else:
            self.views = self.views or other_views(segment)


def read_outline(file: BinaryIO, path: Path) -> Outline:
    """Return the size and EXIF facts of a JPEG; raise ReadError."""
    leading = _leading(file, path)
    frame = leading.frame
    bits, height, width = frame[0], *(int.from_bytes(frame[at : at + 2], "big") for at in (1, 3))
    if leading.marker in LOSSLESS or bits != 8:
        kind = "a lossless" if leading.marker in LOSSLESS else f"a {bits}-bit"
        raise ReadError(path, f"is {kind} JPEG, which is not read; save it as 16-bit TIFF")
    require_photo_size(path, width, height)
    exif = exif_of_block(leading.exif)
    camera = camera_of_rig(leading.xmp)
    exif = replace(exif, which=camera or exif.which)
    return Outline(width, height, white=255, exif=exif, views=leading.views)


def exif_of_jpeg(content: bytes) -> bytes | None:
    """Return the EXIF block of a JPEG, or of the head of one; None where there is none."""
    try:
        return _leading(BytesIO(content), Path()).exif
    except ReadError:
        return None


def _leading(file: BinaryIO, path: Path) -> Leading:
    frame, marker_of_frame, said = b"", 0, _Said()
    file.seek(0)
    file.seek(max(start_of(file.read(MOST_JUNK)), 0) + 2)
    for _ in range(MAX_SEGMENTS):
        marker = _next_marker(file, path)
        if marker in ALONE:
            continue
        if marker == END_OF_IMAGE:
            break
        length = int.from_bytes(_exactly(file, 2, path), "big") - 2
        if length < 0:
            break
        if marker == START_OF_SCAN and frame:
            return Leading(frame, marker_of_frame, said.exif, said.xmp, said.views)
        if marker in START_OF_FRAME and not frame:
            frame, marker_of_frame = _exactly(file, length, path), marker
            if length < 6:
                break
        elif marker in {APP1, APP2}:
            said.add(_exactly(file, length, path))
        else:
            file.seek(length, 1)
    raise ReadError(path, "is a damaged JPEG: no picture follows its header; copy it again")


def _next_marker(file: BinaryIO, path: Path) -> int:
    lead, marker = _exactly(file, 2, path)
    for _ in range(MOST_JUNK):
        if lead == 0xFF and marker not in {0x00, 0xFF}:
            return marker
        lead, (marker,) = marker, _exactly(file, 1, path)
    raise ReadError(path, "is a damaged JPEG: its header is garbled; copy it again")


def _exactly(file: BinaryIO, length: int, path: Path) -> bytes:
    content = file.read(length)
    if len(content) < length:
        raise ReadError(path, CUT_SHORT)
    return content


def decode(content: bytes, path: Path, buffer: Buffer | None) -> NDArray[np.uint8]:
    """Return the luma; it lies in `buffer` where one is given and libjpeg decodes the file."""
    return _unpack(content, path, None if buffer is None else buffer.room, "L")


def decode_colour(content: bytes, path: Path, buffer: Buffer | None) -> NDArray[np.uint8]:
    """Return the colours, in `buffer` as decode returns the luma."""
    components = _leading(BytesIO(content), path).frame[5]
    mode: Mode = "L" if components == GREY_COMPONENTS else "RGB"
    return _unpack(content, path, None if buffer is None else buffer.room, mode)


def decode_planes(
    content: bytes, path: Path, buffer: Buffer | None
) -> tuple[NDArray[np.uint8], Chroma | None]:
    """Return the luma, and Cb and Cr at half the pitch; all in `buffer`, as decode's luma.

    Chroma is None of a grey picture, and of one that TurboJPEG refuses. The luma is that of the
    colours, since to decode both apart would take twice as long: where no colour is cut off at 0
    or 255 it is the stored one to the bit.
    """
    outline = read_outline(BytesIO(content), path)  # refuses what may not be allocated
    if _leading(BytesIO(content), path).frame[5] != COLOUR_COMPONENTS:
        return decode(content, path, buffer), None
    if buffer is None:  # a frame that is kept holds its planes alone
        colours = _unpack(content, path, None, "planes")
        return (colours, None) if colours.ndim == 2 else split(colours)
    octets = buffer.room(room_for(outline.width, outline.height))
    colours = _unpack(content, path, lambda size: octets[:size], "planes")
    return (colours, None) if colours.ndim == 2 else split(colours, octets)


def require_decodable(content: bytes, path: Path) -> None:
    """Raise ReadError unless libjpeg decodes the picture.

    An eighth of its size will do: every code is read for that, too.
    """
    try:
        _require_decodable(content, path)
    except ReadError:
        tidy = tidied(content)
        if tidy is content or not _is_for_libjpeg(tidy, path):
            raise
        _require_decodable(tidy, path)


def _require_decodable(content: bytes, path: Path) -> None:
    try:
        _decode_an_eighth(content, path)
    except ValueError as error:
        if any(each in str(error) for each in LEFT_TO_PILLOW):
            _decode_slowly(content, path, "L")
            return
        raise _damage(path, str(error)) from error


def _decode_an_eighth(content: bytes, path: Path) -> None:
    """Decode strictly, and drop the pixels: every code is read, at an eighth of the size, too."""
    components = _leading(BytesIO(content), path).frame[5]
    space = "CMYK" if components == CMYK_COMPONENTS else "GRAY"
    simplejpeg.decode_jpeg(content, space, min_height=1, min_width=1, min_factor=8, strict=True)


def _damage(path: Path, reason: str) -> ReadError:
    if "remature end" in reason:
        return ReadError(path, CUT_SHORT)
    return ReadError(path, f"is a damaged JPEG ({reason}); copy it again")


def _unpack(content: bytes, path: Path, room: Room | None, mode: Mode) -> NDArray[np.uint8]:
    """Decode a picture; where a writer's slip is in the way, decode it once more without."""
    try:
        return _decoded(content, path, room, mode)
    except ReadError:
        tidy = tidied(content)
        if tidy is content or not _is_for_libjpeg(tidy, path):
            raise
        return _decoded(tidy, path, room, mode)


def _is_for_libjpeg(content: bytes, path: Path) -> bool:
    """Return whether libjpeg decodes a picture, strictly: Pillow would make up what is missing."""
    if _leading(BytesIO(content), path).frame[5] == CMYK_COMPONENTS:
        return False
    try:
        _decode_an_eighth(content, path)
    except ValueError as error:
        return not any(each in str(error) for each in LEFT_TO_PILLOW)
    return True


def _decoded(content: bytes, path: Path, room: Room | None, mode: Mode) -> NDArray[np.uint8]:
    leading = _leading(BytesIO(content), path)
    outline = read_outline(BytesIO(content), path)  # refuses what may not be allocated
    if leading.frame[5] == CMYK_COMPONENTS:
        _require_decodable(content, path)  # Pillow is not strict
        return _decode_slowly(content, path, mode)
    space, samples = ("GRAY", 1) if mode == "L" else ("RGB", SAMPLES)
    into = None if room is None else room(samples * outline.width * outline.height)
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(content, space, buffer=into, strict=True)
    except ValueError as error:
        reason = str(error)
        if any(each in reason for each in LEFT_TO_PILLOW):
            return _decode_slowly(content, path, mode)
        raise _damage(path, reason) from error
    return pixels.reshape(pixels.shape[:2]) if mode == "L" else pixels


def _decode_slowly(content: bytes, path: Path, mode: Mode) -> NDArray[np.uint8]:
    """Decode with Pillow, which reads what TurboJPEG does not, at half the speed.

    Its planes are luma only.
    """
    from PIL import Image

    try:
        with Image.open(BytesIO(content), formats=["JPEG"]) as image:
            wanted = "RGB" if mode == "RGB" else "L"
            if wanted == "L" and image.mode != "CMYK":
                image.draft(wanted, None)
            return np.array(image.convert(wanted))
    except OSError as error:
        if "truncated" in str(error).lower():
            raise ReadError(path, CUT_SHORT) from error
        raise ReadError(path, "is a damaged JPEG that cannot be decoded; copy it again") from error
