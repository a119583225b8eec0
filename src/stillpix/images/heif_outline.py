"""The outline of HEIF and AVIF pictures, and what is said of a damaged one. Never decodes."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from stillpix.errors import ReadError
from stillpix.images.exif import exif_of_block
from stillpix.images.heif_items import BrokenItemsError, Picture, picture_in
from stillpix.images.outline import Metadata, Outline, require_photo_size

UNSPECIFIED, MOST_CODE = 2, 255  # of primaries and transfers (ITU-T H.273)


def picture_of(file: BinaryIO, path: Path) -> Picture:
    """Return what the file says of its main picture; raise ReadError."""
    try:
        return picture_in(file)
    except BrokenItemsError as error:
        raise ReadError(
            path, f"is a damaged or cut short HEIF or AVIF file: it {error}; copy it again"
        ) from error


def metadata_in(content: bytes, path: Path) -> Metadata:
    """Return what goes along where the picture becomes a file of another format."""
    found = picture_of(BytesIO(content), path)
    codes = found.codes if found.codes and max(found.codes) <= MOST_CODE else None
    return Metadata(
        found.bits, found.orientation, found.exif, found.xmp, found.profile,
        None if codes is None or UNSPECIFIED in codes else codes,
    )  # fmt: skip


def outline_of(picture: Picture, path: Path, white: int) -> Outline:
    """Return the outline of a picture whose full pixels have a value."""
    require_photo_size(path, picture.width, picture.height)
    # What EXIF says of the orientation does not count where properties can (ISO/IEC 23008-12).
    exif = replace(exif_of_block(picture.exif), orientation=picture.orientation)
    return Outline(picture.width, picture.height, white, exif)
