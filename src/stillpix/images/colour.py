"""The colours of a photo, as stored, for the finder that looks at every R, G and B value.

Never rotates, never converts colour profiles, and never makes up colours of a grey photo.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from stillpix.errors import ReadError
from stillpix.frame import Pixels
from stillpix.images import (
    FORMATS,
    HEAD_BYTES,
    Header,
    _explained,
    _format_of,
    _open,
    _reader_required,
    read_frame,
)
from stillpix.images.outline import CUT_SHORT

GREY_COMPONENTS = 1


def read_colour(header: Header, *, buffer: bytearray | None = None) -> Pixels:
    """Return the colours of a photo whose header was read, (height, width, 3) DN: R, G, B.

    A grey photo, and one of a sensor's mosaic, has no colours: its pixels come as (height, width).
    Palettes are looked up and alpha is left out. `buffer` is the caller's own, one a thread, as
    in read_frame; a JPEG's colours lie in it until the next call. Raises ReadError if the file is
    damaged, is cut short or is no longer the one whose header was read.

    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> from stillpix.images import read_header
    >>> with TemporaryDirectory() as folder:
    ...     Image.new("RGB", (64, 48), "orange").save(Path(folder, "a.png"))
    ...     colours = read_colour(read_header(Path(folder, "a.png")))
    >>> colours.shape, colours[0, 0].tolist()
    ((48, 64, 3), [255, 165, 0])
    """
    path, sensor = header.path, header.sensor
    form = next(form for form in FORMATS if form.name == header.format)
    decode = DECODERS.get(header.format)
    if decode is None or sensor.layout != "rendered":
        return read_frame(header, buffer=buffer).pixels
    with _explained(path):
        with _open(path) as file:
            content = file.read()
        changed = _format_of(content[:HEAD_BYTES], path) != form
        if not changed:
            with _reader_required(form, path):
                pixels = decode(content, path, buffer)
            white = 255 if pixels.itemsize == 1 else 65535
            changed = (*pixels.shape[:2], white) != (sensor.height, sensor.width, header.white)
        if changed:
            raise ReadError(path, "changed while it was being read; read it again")
    return pixels


def _decode_jpeg(content: bytes, path: Path, buffer: bytearray | None) -> Pixels:
    import simplejpeg

    from stillpix.images import jpeg

    components = jpeg._leading(BytesIO(content), path).frame[5]
    if components == GREY_COMPONENTS:
        return jpeg.decode(content, path, buffer)
    if components == jpeg.CMYK_COMPONENTS:
        return _decode_jpeg_slowly(content, path)
    outline = jpeg.read_outline(BytesIO(content), path)  # refuses what may not be allocated
    room = jpeg._room(buffer, 3 * outline.width * outline.height)
    try:
        return cast(
            "NDArray[np.uint8]",
            simplejpeg.decode_jpeg(content, "RGB", buffer=room, strict=True),
        )
    except ValueError as error:
        reason = str(error)
        if any(each in reason for each in jpeg.LEFT_TO_PILLOW):
            return _decode_jpeg_slowly(content, path)
        if "Premature end" in reason:
            raise ReadError(path, CUT_SHORT) from error
        raise ReadError(path, f"is a damaged JPEG ({reason}); copy it again") from error


def _decode_jpeg_slowly(content: bytes, path: Path) -> Pixels:
    """Decode with Pillow what TurboJPEG does not read."""
    from PIL import Image

    try:
        with Image.open(BytesIO(content), formats=["JPEG"]) as image:
            return np.array(image.convert("RGB"))
    except OSError as error:
        if "truncated" in str(error).lower():
            raise ReadError(path, CUT_SHORT) from error
        raise ReadError(path, "is a damaged JPEG that cannot be decoded; copy it again") from error


def _decode_png(content: bytes, path: Path, buffer: bytearray | None) -> Pixels:
    import imagecodecs

    from stillpix.images import png

    outline = png.read_outline(BytesIO(content), path)
    colour, interlaced = content[25], content[28] != 0
    if colour in {png.GREY, png.GREY_ALPHA}:
        return png.decode(content, path, buffer)
    needed = content[: png.SIGNATURE_BYTES] + b"".join(png._needed_chunks(content, path))
    try:
        if interlaced and outline.white == 255:
            picture = png._decode_interlaced(needed)
        else:
            picture = imagecodecs.png_decode(needed)
    except (imagecodecs.PngError, UnicodeDecodeError, OSError, SyntaxError) as error:
        raise ReadError(path, png.DAMAGED.format("its pixels cannot be unpacked")) from error
    return _first_three(picture)


def _decode_tiff(content: bytes, path: Path, buffer: bytearray | None) -> Pixels:
    import tifffile

    from stillpix.images import tiff

    page, _ = tiff._outline(BytesIO(content), path)
    if page.photometric in {tiff.WHITE_IS_ZERO, tiff.BLACK_IS_ZERO}:
        return tiff.decode(content, path, buffer)
    with tifffile.TiffFile(BytesIO(content)) as file:
        decoded = file.pages[page.place]
        if not isinstance(decoded, tifffile.TiffPage):  # a later page of a long series
            decoded = decoded.aspage()
        picture = decoded.asarray(maxworkers=1)  # threads are the caller's to start
        palette = decoded.colormap
    if picture.dtype != (np.uint8 if page.bits == 8 else np.uint16):
        raise ReadError(path, f"is a TIFF of {picture.dtype}; save it as 8 or 16-bit RGB")
    picture = tiff._interleaved(picture, page, path)
    if page.photometric != tiff.PALETTE:
        return _first_three(picture)
    if palette is None or picture.itemsize > 1:
        raise ReadError(path, "is a TIFF whose palette cannot be used; save it as 8-bit RGB")
    colours = (palette.T >> 8).astype(np.uint8)  # its 16-bit entries are 8-bit colours times 257
    return cast("NDArray[np.uint8]", colours[picture[..., 0]])


def _first_three(picture: NDArray[Any]) -> Pixels:
    """Return (height, width, 3) of a picture that may have alpha."""
    return np.ascontiguousarray(picture[..., :3])


DECODERS: dict[str, Callable[[bytes, Path, bytearray | None], Pixels]] = {
    "jpeg": _decode_jpeg,
    "png": _decode_png,
    "tiff": _decode_tiff,
}
