"""Clips as photos: chosen frames, each the luma plane as the file stores it, decoded by PyAV.

A frame of two fields is two pictures of half the height, one of each field, since they are of two
moments. Never rotates and never stretches a limited range.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.stream import VideoStream
from numpy.typing import NDArray

from stillpix.errors import ReadError
from stillpix.frame import VIDEO, Pixels
from stillpix.images.clip_reader import (
    FIELD_WORDS,
    FIELDS,
    NO_FRAMES,
    frames_of,
    opened_clip,
    reading,
)
from stillpix.images.clip_tags import facts_of
from stillpix.images.content import Buffer
from stillpix.images.luma import luma
from stillpix.images.outline import CUT_SHORT, Outline, Part, require_photo_size

FULL: Final = 2  # of AVColorRange
LIMITED_WHITE: Final = 235  # of 8 bits, ITU-R BT.601 and 709
HEAD: Final = b"YUV4MPEG2 "  # what stands before a single frame here: the format of mjpegtools
SUBSAMPLED: Final = {
    "420": (2, 2), "422": (2, 1), "444": (1, 1), "411": (4, 1), "440": (1, 2), "410": (4, 4),
    "mono": (0, 0),
}  # fmt: skip
PLAIN: Final = re.compile(r"(?:yuv[ja]?(4\d\d)p|gray)(?:\d+le)?")  # one plane after the other
COLOURS: Final = 3  # planes; a fourth is transparency
BT601, BT709 = (0.299, 0.114), (0.2126, 0.0722)  # shares of red and blue in luma
HIGH_DEFINITION: Final = 720  # rows from which on colours are those of BT.709


class Depth(NamedTuple):
    """How a clip's samples are stored."""

    bits: int
    is_full: bool  # range: 0 is black; else 16 of 8 bits is
    stored_as: str  # libav's name of planes that hold the same samples; "": they are of RGB

    @property
    def white(self) -> int:
        """Return the DN at which a pixel is full."""
        return (1 << self.bits) - 1 if self.is_full else LIMITED_WHITE << (self.bits - 8)


def depth_of(stream: VideoStream) -> Depth:
    """Return how the samples of a clip are stored."""
    form = stream.codec_context.format
    if form is None:  # opened_clip refuses such
        raise ValueError("no decoder takes this clip")
    bits = max(form.components[0].bits, 8)
    if form.is_rgb or form.has_palette:
        return Depth(bits, is_full=True, stored_as="")
    full = stream.codec_context.color_range == FULL or form.name.startswith(("yuvj", "gray"))
    if PLAIN.fullmatch(form.name):
        return Depth(bits, full, form.name)
    deep = f"{bits}le" if bits > 8 else ""
    if len(form.components) < COLOURS:
        return Depth(bits, full, f"gray{deep}")
    across, down = (form.chroma_width(64), form.chroma_height(64))
    kind = next(name for name, each in SUBSAMPLED.items() if each == (64 // across, 64 // down))
    return Depth(bits, full, f"yuv{kind}p{deep}")


def read_outline(file: BinaryIO, path: Path) -> Outline:
    """Return the size and the facts of a clip's frames; raise ReadError."""
    return read_outlines(file, path)[0][0]


def read_outlines(file: BinaryIO, path: Path) -> list[tuple[Outline, Part | None]]:
    """Return the outline of each frame that is looked at, those first that tell most."""
    with opened_clip(path) as (container, stream):
        context = stream.codec_context
        tags = {**container.metadata, **stream.metadata}
        chosen, _ = frames_of(container, stream, path)
        has_fields, depth = int(context.field_order) in FIELDS, depth_of(stream)
        width, height, base = context.width, context.height, stream.time_base or 1
    if not chosen:
        raise ReadError(path, NO_FRAMES)
    exif = facts_of(file, path, tags)
    found: list[tuple[Outline, Part | None]] = []
    for one in chosen:
        taken = exif.taken and exif.taken + timedelta(seconds=max(0.0, float(one.key * base)))
        for field, side in enumerate(FIELD_WORDS if has_fields else ("",)):
            rows = (height + 1 - field) // 2 if side else height
            require_photo_size(path, width, rows)
            which = f"{VIDEO}, {side}" if side else VIDEO
            facts = replace(exif, taken=taken, which=which, orientation=1)
            number = 2 * one.number - 1 + field if side else one.number
            place = (one.key, one.after, field) if side else (one.key, one.after)
            found.append((Outline(width, rows, depth.white, facts), Part(number, place)))
    return found


def alone(file: BinaryIO, path: Path, place: tuple[int, ...]) -> bytes:  # noqa: ARG001 - same for all formats
    """Return one frame, or one field of it, as a clip of its own without compression."""
    key, after, *field = place
    with reading(path) as reader:
        frame = reader.frame(key, after)
        depth = depth_of(reader.stream)
    planes = planes_of(frame, depth)
    if field:
        planes = [plane[field[0] :: 2] for plane in planes]
    height, width = planes[0].shape
    kind = PLAIN.fullmatch(depth.stored_as)
    colours = (kind[1] if kind else None) or "mono"
    deep = f"p{depth.bits}" if depth.bits > 8 else ""
    full = "FULL" if depth.is_full else "LIMITED"
    head = f"W{width} H{height} F1:1 Ip A1:1 C{colours}{deep} XCOLORRANGE={full}\nFRAME\n"
    return HEAD + head.encode() + b"".join(plane.tobytes() for plane in planes)


def planes_of(frame: VideoFrame, depth: Depth) -> list[NDArray[Any]]:
    """Return the planes of a frame as stored, luma first; of RGB only the luma."""
    if not depth.stored_as:
        deep = depth.bits > 8
        colours: NDArray[Any] = frame.to_ndarray(format="rgb48le" if deep else "rgb24")
        grey: NDArray[Any] = luma(colours)
        return [grey >> (16 - depth.bits) if deep else grey]
    if frame.format.name != depth.stored_as:
        frame = frame.reformat(format=depth.stored_as)  # the same samples in other places
    return [samples_of(plane, depth) for plane in frame.planes[:COLOURS]]


def samples_of(plane: VideoPlane, depth: Depth) -> NDArray[Any]:
    """Return the samples of a plane, (rows, columns): a view of it."""
    dtype: np.dtype[Any] = np.dtype(np.uint8 if depth.bits == 8 else "<u2")
    rows = np.frombuffer(memoryview(plane), dtype)
    return rows.reshape(plane.height, plane.line_size // dtype.itemsize)[:, : plane.width]


def _single(content: bytes, path: Path) -> tuple[list[NDArray[Any]], dict[str, str]]:
    """Return the planes of a single frame that `alone` gave, and what its head says."""
    head, _, rest = content.partition(b"\nFRAME\n")
    told = {word[:1]: word[1:] for word in head.decode("ascii", "replace").split()[1:]}
    kind, _, deep = told["C"].partition("p")
    across, down = SUBSAMPLED[kind]
    dtype: np.dtype[Any] = np.dtype("<u2" if deep else np.uint8)
    width, height = int(told["W"]), int(told["H"])
    small = (-(-height // down), -(-width // across)) if across else (0, 0)
    planes, at = list[NDArray[Any]](), 0
    for rows, columns in ((height, width), small, small)[: COLOURS if across else 1]:
        size = rows * columns * dtype.itemsize
        if at + size > len(rest):
            raise ReadError(path, CUT_SHORT)
        planes.append(np.frombuffer(rest, dtype, rows * columns, at).reshape(rows, columns))
        at += size
    return planes, told


def decode(content: bytes, path: Path, buffer: Buffer | None) -> Pixels:  # noqa: ARG001 - same for all formats
    """Return the luma of a single frame, (height, width), as stored."""
    pixels: Pixels = _single(content, path)[0][0]
    return pixels


def decode_colour(content: bytes, path: Path, buffer: Buffer | None) -> Pixels:  # noqa: ARG001 - same for all formats
    """Return the colours of a single frame, (height, width, 3), of the range that it is stored in.

    A limited range stays one: what is black has 16 in each colour.
    """
    planes, told = _single(content, path)
    if len(planes) < COLOURS:
        return np.array(planes[0])
    light, bits = planes[0], int(told["C"].partition("p")[2] or 8)
    most, middle = (1 << bits) - 1, 1 << (bits - 1)
    height, width = light.shape
    red, blue = BT709 if height >= HIGH_DEFINITION else BT601
    cb, cr = (_enlarged(each, height, width) - np.float32(middle) for each in planes[1:])
    green = 1 - red - blue
    levels = np.stack(
        [
            light + 2 * (1 - red) * cr,
            light - 2 * (1 - blue) * blue / green * cb - 2 * (1 - red) * red / green * cr,
            light + 2 * (1 - blue) * cb,
        ],
        axis=-1,
    )
    found: Pixels = np.clip(np.rint(levels), 0, most).astype(light.dtype)
    return found


def _enlarged(plane: NDArray[Any], height: int, width: int) -> NDArray[np.float32]:
    rows = np.arange(height) * plane.shape[0] // height
    columns = np.arange(width) * plane.shape[1] // width
    return np.asarray(plane[rows[:, None], columns], np.float32)


def require_decodable(content: bytes, path: Path) -> None:
    """Raise ReadError unless a single frame is whole."""
    _single(content, path)
