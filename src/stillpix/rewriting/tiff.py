"""Replaces single pixels of a TIFF without loss; every other sample and tag stays as it was.

Only the strips or tiles that hold a replaced pixel are written: in their own place if they fit and
nothing else lies there, otherwise in a place that another one left, or at the end of the file. Of
the directory, only their offsets and byte counts change. Never changes another page, never packs
with loss, and never returns a result that does not read back as meant.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from stillpix.errors import ReadError
from stillpix.images import tiff
from stillpix.images.directories import (
    CODES,
    BrokenStructureError,
    Entry,
    Structure,
)
from stillpix.images.outline import MAX_PIXELS
from stillpix.rewriting.patch import Patch, Points, points_of
from stillpix.rewriting.tiff_places import (
    NO_ROOM,
    STRIPS,
    TILES,
    Use,
    is_big,
    order_of,
    whole_numbers,
)

Octets: TypeAlias = bytes | bytearray

FILL_ORDER, PREDICTOR = 266, 317
NOT_PREDICTED, DIFFERENCED, OF_FLOATS = 1, 2, 3  # Predictor
CLASSIC_BYTES = 1 << 32  # the offsets of a classic TIFF have 32 bits
DEFLATE_LEVEL = 6  # of libdeflate: on photos tighter than zlib's 6, four times as fast
PACKED_AGAIN = "save it uncompressed, or with LZW or deflate"
NOT_UNPACKED = "is a damaged TIFF: its pixels cannot be unpacked; copy it again"
NOT_PACKED_AGAIN = {
    2: "CCITT", 3: "CCITT", 4: "CCITT", 6: "old-style JPEG", 7: "JPEG", 34712: "JPEG 2000",
    34887: "LERC", 34892: "lossy JPEG", 50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL",
}  # fmt: skip


class _Packing(NamedTuple):
    """A lossless compression."""

    codec: str  # of imagecodecs
    expansion: int  # bytes that one packed byte can unpack to at most
    predicted: bool  # whether readers apply a predictor; on the others they disagree


PACKINGS = {
    tiff.UNCOMPRESSED: _Packing("none", 1, predicted=False),
    5: _Packing("lzw", 4096, predicted=True),
    8: _Packing("deflate", 1040, predicted=True),
    32773: _Packing("packbits", 64, predicted=False),
    32946: _Packing("deflate", 1040, predicted=True),
    34925: _Packing("lzma", 1 << 14, predicted=True),
    34926: _Packing("zstd", 1 << 16, predicted=True),
    50000: _Packing("zstd", 1 << 16, predicted=True),
}


class _Layout(NamedTuple):
    """How a page is cut into segments, its strips or tiles, and what lies in one."""

    columns: int  # px
    rows: int  # px; the last strip may have fewer
    across: int  # segments beside each other
    in_plane: int  # segments
    planes: int  # 1 where the samples are interleaved
    samples: int  # in a pixel of a segment
    dtype: np.dtype[Any]  # in the file's byte order
    packing: _Packing
    predictor: int

    @property
    def row_bytes(self) -> int:
        return self.columns * self.samples * self.dtype.itemsize


class _Numbers(NamedTuple):
    """The offsets or the byte counts of a page's segments, and where the file holds them."""

    entry: Entry
    form: str  # struct's, of one of them
    values: tuple[int, ...]

    def write(self, content: bytearray, number: int, value: int, path: Path) -> None:
        where = self.entry.where + number * struct.calcsize(self.form)
        try:
            struct.pack_into(self.form, content, where, value)
        except struct.error as error:
            raise ReadError(path, NO_ROOM.format("its directory counts in 16 bits")) from error


def rewritten(
    content: bytes, path: Path, patches: Sequence[Patch], place: tuple[int, ...] = ()
) -> bytes:
    """Return the bytes of a TIFF file with pixels of one full-size page replaced.

    It is the first one, or that at a `place`, which images.tiff gives.

    All other samples are the same bit for bit, extra samples and other pages among them. In an
    uncompressed file no other byte changes, unless segments share their bytes: then the others
    keep theirs. If nothing changes, the content itself is returned. Raises ReadError if the file
    is damaged or of a kind that is not rewritten, and ValueError if a patch does not fit the
    picture.

    >>> import tifffile
    >>> file = BytesIO()
    >>> tifffile.imwrite(file, np.full((32, 40), 7, np.uint8), compression="lzw")
    >>> patch = Patch(3, 2, np.full((1, 1), 99, np.uint8), np.ones((1, 1), bool))
    >>> changed = rewritten(file.getvalue(), Path("a.tif"), [patch])
    >>> np.argwhere(tifffile.imread(BytesIO(changed)) != 7).tolist()
    [[2, 3]]
    """
    if not patches:
        return content
    try:
        result = _rewrite(content, path, patches, place)
    except BrokenStructureError as error:
        raise ReadError(
            path,
            f"is a TIFF that cannot be changed, because its structure is damaged: it {error}; copy"
            " it again",
        ) from error
    if result is not content:
        before, after = (_page_of(each, path, place) for each in (content, result))
        _require_read_back(before, after, patches, path)
    return result


def _page_of(content: bytes, path: Path, place: tuple[int, ...]) -> bytes:
    """Return a file that holds one page, if there are several photos."""
    return tiff.alone(BytesIO(content), path, place) if place else content


def _rewrite(content: bytes, path: Path, patches: Sequence[Patch], place: tuple[int, ...]) -> bytes:
    page, _ = tiff.full_page(BytesIO(content), path, place)
    structure = Structure.of(BytesIO(content))
    _require_rewritable(structure, page, path)
    layout = _layout_of(structure, page, order_of(content))
    points = points_of(
        patches, page.width, page.height, channels=page.colours,
        dtype=page.dtype if page.plain else patches[0].pixels.dtype,
    )  # fmt: skip
    if not page.plain:
        scaling = tiff.scaling_in(_page_of(content, path, place), path)
        stored = scaling.stored(points.values, page.dtype)
        points = points._replace(values=stored)
    if page.photometric == tiff.WHITE_IS_ZERO:
        points = points._replace(values=np.bitwise_not(points.values))
    tags = TILES if tiff.TILE_OFFSETS in page.directory else STRIPS
    offsets, lengths = (_numbers(structure, page.directory[tag], order_of(content)) for tag in tags)
    packed: dict[int, Octets] = {}
    for number, rows, part in _find_touched(layout, page, points):
        start = offsets.values[number]
        raw = memoryview(content)[start : start + lengths.values[number]]
        changed = _repack_part(raw, rows, layout, part, path)
        if changed is not None:
            packed[number] = changed
    return _place_parts(content, packed, offsets, lengths, path) if packed else content


def _require_rewritable(structure: Structure, page: tiff.Page, path: Path) -> None:
    packing = PACKINGS.get(page.compression)
    predictor = tiff.number_of(structure, page.directory, PREDICTOR, NOT_PREDICTED)
    kind, remedy = "", PACKED_AGAIN
    if page.photometric == tiff.PALETTE:
        kind, remedy = "a palette", "save it as 8 or 16-bit RGB"
    elif packing is None:
        name = NOT_PACKED_AGAIN.get(page.compression, f"unknown ({page.compression})")
        kind = f"{name} compression"
    elif predictor not in {NOT_PREDICTED, _predictor_for(page) if packing.predicted else 0}:
        kind = f"predictor {predictor} of its pixels"
    elif tiff.number_of(structure, page.directory, FILL_ORDER, 1) != 1:
        kind = "bytes of reversed bits (FillOrder 2)"
    if kind:
        raise ReadError(path, f"is a TIFF with {kind}, which is not rewritten; {remedy}")


def _predictor_for(page: tiff.Page) -> int:
    return OF_FLOATS if page.kind == tiff.FLOAT else DIFFERENCED


def _layout_of(structure: Structure, page: tiff.Page, order: Literal["<", ">"]) -> _Layout:
    def number(tag: int, default: int) -> int:
        return tiff.number_of(structure, page.directory, tag, default)

    if tiff.TILE_OFFSETS in page.directory:
        columns, rows = number(tiff.TILE_WIDTH, 0), number(tiff.TILE_HEIGHT, 0)
    else:
        columns = page.width
        rows = min(number(tiff.ROWS_PER_STRIP, page.height), page.height)
    if columns * rows > MAX_PIXELS:
        raise BrokenStructureError("has tiles larger than any photo")
    across = -(-page.width // columns)
    separate = number(tiff.PLANAR, tiff.INTERLEAVED) != tiff.INTERLEAVED
    return _Layout(
        columns,
        rows,
        across,
        in_plane=across * -(-page.height // rows),
        planes=page.samples if separate else 1,
        samples=1 if separate else page.samples,
        dtype=page.dtype.newbyteorder(order),
        packing=PACKINGS[page.compression],
        predictor=number(PREDICTOR, NOT_PREDICTED),
    )


def _numbers(structure: Structure, entry: Entry, order: str) -> _Numbers:
    values = whole_numbers(structure, entry)
    return _Numbers(entry, order + CODES[entry.kind], values)


def _find_touched(
    layout: _Layout, page: tiff.Page, points: Points
) -> Iterator[tuple[int, int, Points]]:
    """Yield the number of each segment with points in it, its rows, and those points.

    Their places count from the segment's corner; their values are (points, channels) or, of a
    plane, (points, 1).
    """
    down, across = points.y // layout.rows, points.x // layout.columns
    places = down * layout.across + across
    order = np.argsort(places, kind="stable")
    for mine in np.split(order, np.flatnonzero(np.diff(places[order])) + 1):
        if not mine.size:
            continue
        top = int(down[mine[0]]) * layout.rows
        whole = tiff.TILE_OFFSETS in page.directory
        rows = layout.rows if whole else min(layout.rows, page.height - top)
        y, x = points.y[mine] - top, points.x[mine] % layout.columns
        values = points.values[mine]
        parts = [values] if layout.planes == 1 else np.split(values, values.shape[1], axis=1)
        for plane, part in enumerate(parts):
            yield plane * layout.in_plane + int(places[mine[0]]), rows, Points(y, x, part)


def _repack_part(
    raw: memoryview, rows: int, layout: _Layout, part: Points, path: Path
) -> Octets | None:
    """Return a segment with its points replaced, or None if that changes nothing."""
    unpacked = _unpack_part(raw, layout, path)
    count = rows * layout.columns * layout.samples
    if len(unpacked) < count * layout.dtype.itemsize:
        raise ReadError(path, NOT_UNPACKED)
    pixels = np.frombuffer(unpacked, layout.dtype, count)
    pixels = pixels.reshape(rows, layout.columns, layout.samples)
    if layout.predictor == OF_FLOATS:
        changed = _replace_floats(pixels, part)
    else:
        changed = _replace(pixels, part, differenced=layout.predictor == DIFFERENCED)
    return _pack_part(unpacked, layout) if changed else None


def _replace(pixels: NDArray[Any], points: Points, *, differenced: bool) -> bool:
    """Put points into the pixels of a segment; say whether anything changed.

    TIFF 6.0, section 14: differenced pixels are each less the one to the left, modulo 2^bits.
    """
    lines, at = np.unique(points.y, return_inverse=True)
    block = pixels[lines].astype(pixels.dtype.newbyteorder("="))
    if differenced:
        block = np.cumsum(block, axis=1, dtype=block.dtype)
    channels = slice(points.values.shape[1])
    if np.array_equal(block[at, points.x, channels], points.values):
        return False
    block[at, points.x, channels] = points.values
    if differenced:
        block[:, 1:] = np.diff(block, axis=1)
    pixels[lines] = block
    return True


def _replace_floats(pixels: NDArray[Any], points: Points) -> bool:
    """Put points into the pixels of a segment whose bytes are differenced plane by plane.

    TIFF Technical Note 3: the codec's result is in this machine's byte order.
    """
    values = imagecodecs.floatpred_decode(pixels, axis=-2)
    changed = _replace(values, points, differenced=False)
    if changed:
        pixels[:] = imagecodecs.floatpred_encode(values.astype(pixels.dtype), axis=-2)
    return changed


def _unpack_part(raw: memoryview, layout: _Layout, path: Path) -> bytearray:
    """Return the bytes of a segment; no claim takes more memory than its bytes can fill."""
    codec = layout.packing.codec
    if codec == "none":
        return bytearray(raw)
    if codec == "lzw" and raw[0] == 0:  # today's begins with a code of nine bits, 256
        kind = "LZW compression of before 1992"
        raise ReadError(path, f"is a TIFF with {kind}, which is not rewritten; {PACKED_AGAIN}")
    most = min(layout.rows * layout.row_bytes, layout.packing.expansion * len(raw))
    try:
        return bytearray(getattr(imagecodecs, f"{codec}_decode")(raw, out=most))
    except (RuntimeError, ValueError) as error:  # the codecs' own are RuntimeErrors
        raise ReadError(path, NOT_UNPACKED) from error


def _pack_part(unpacked: bytearray, layout: _Layout) -> Octets:
    """Return a segment's bytes as its compression packs them."""
    match layout.packing.codec:
        case "none":
            return unpacked
        case "deflate":
            return imagecodecs.deflate_encode(unpacked, DEFLATE_LEVEL)
        case "packbits":  # each row by itself: TIFF 6.0, section 9
            starts = range(0, len(unpacked), layout.row_bytes)
            rows = (bytes(unpacked[at : at + layout.row_bytes]) for at in starts)
            return b"".join(imagecodecs.packbits_encode(row) for row in rows)
        case codec:
            return bytes(getattr(imagecodecs, f"{codec}_encode")(bytes(unpacked)))


def _place_parts(
    content: bytes,
    packed: Mapping[int, Octets],
    offsets: _Numbers,
    lengths: _Numbers,
    path: Path,
) -> bytes:
    """Return the file with changed segments in their places."""
    use, result = Use.of(content, path), bytearray(content)
    for number, start in _choose_starts(packed, offsets, lengths, use, len(content)).items():
        segment = packed[number]
        if start + len(segment) > CLASSIC_BYTES and not is_big(content):
            raise ReadError(path, NO_ROOM.format("it would be longer than 4 GB"))
        result += bytes(max(0, start - len(result)))
        result[start : start + len(segment)] = segment
        for numbers, new in ((offsets, start), (lengths, len(segment))):
            if new != numbers.values[number]:
                use.require_own(numbers.entry, path)
                numbers.write(result, number, new, path)
    return bytes(result)


def _choose_starts(
    packed: Mapping[int, Octets],
    offsets: _Numbers,
    lengths: _Numbers,
    use: Use,
    size: int,
) -> dict[int, int]:
    """Return where each segment goes: into its own place, one that another leaves, or the end.

    The last segment of a file may grow in its place. The others go into places that were left, the
    largest first into the largest place. Those that fit nowhere are appended, on an even offset.
    """
    starts, end = dict[int, int](), size
    moving, left = list[int](), list[tuple[int, int]]()
    for number, segment in packed.items():
        start, length = offsets.values[number], lengths.values[number]
        alone = use.only_segment(start, length)
        if alone and (len(segment) <= length or start + length == size):
            starts[number], end = start, max(end, start + len(segment))
            continue
        moving.append(number)
        if alone:
            left.append((length, start))
    left.sort()
    for number in sorted(moving, key=lambda number: len(packed[number]), reverse=True):
        if left and left[-1][0] >= len(packed[number]):
            starts[number] = left.pop()[1]
        else:
            starts[number] = end + end % 2
            end = starts[number] + len(packed[number])
    return starts


def _require_read_back(before: bytes, after: bytes, patches: Sequence[Patch], path: Path) -> None:
    """Refuse a result that other readers would read as another picture."""
    wanted, scaling = _decode_samples(before, path), tiff.scaling_in(before, path)
    page, _ = tiff.full_page(BytesIO(before), path)
    for patch in patches:
        height, width = patch.where.shape
        window = wanted[patch.y : patch.y + height, patch.x : patch.x + width, : page.colours]
        new = patch.pixels.reshape(height, width, -1)[patch.where]
        window[patch.where] = new if page.plain else scaling.stored(new, page.dtype)
    if _decode_samples(after, path).tobytes() != wanted.tobytes():  # NaN is NaN
        kind = "pixels that are read in more ways than one"
        raise ReadError(path, f"is a TIFF with {kind}, which is not rewritten; {PACKED_AGAIN}")


def _decode_samples(content: bytes, path: Path) -> NDArray[Any]:
    try:
        return np.require(tiff.decode_stored(content, path), requirements="W")
    except (ReadError, MemoryError):
        raise
    # tifffile meets damaged and hostile files here, and raises anything over those.
    except Exception as error:
        raise ReadError(path, NOT_UNPACKED) from error
