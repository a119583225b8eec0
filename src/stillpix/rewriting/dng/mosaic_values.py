"""Replaces single values of a DNG's mosaic or colours without loss; all others stay as they were.

Uncompressed strips and tiles (8, 10, 12, 14, 16 bits) are changed in place. In lossless JPEG, the
tiles that hold a replaced value are packed again and appended. Never packs with loss, and never
returns a result that does not read back as meant.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...errors import ReadError, WriteError
from ...images.directories import CODES, BrokenStructureError, Entry, Structure
from ...images.outline import MAX_PIXELS
from ..patch import Patch, Points, points_of
from .appending import CLASSIC_BYTES, TOO_LONG, require_only_added, with_tags
from .lossless_jpeg import lossless_decoded, lossless_encoded
from .mosaic_directory import (
    BITS,
    COMPRESSION,
    LINEAR_RAW,
    PHOTOMETRIC,
    SAMPLES,
    PlacedDirectory,
    directories_in,
    explained,
    number_in,
    picture_directory,
    size_of,
)

ROWS_PER_STRIP, TILE_WIDTH, TILE_HEIGHT, FILL_ORDER, PREDICTOR = 278, 322, 323, 266, 317
PLANAR = 284
STRIPS, TILES = (273, 279), (324, 325)  # offsets, byte counts
SAMPLE_FORMAT, LINEARIZATION = 339, 50712
INTERLEAVED = (50974, 50975, 52547)  # SubTileBlockSize, RowInterleaveFactor, its columns' alike
DIGESTS = (50781, 50972, 51111)  # RawDataUniqueID, RawImageDigest, NewRawImageDigest
UNCOMPRESSED, LOSSLESS_JPEG = 1, 7
DEPTHS = frozenset({8, 10, 12, 14, 16})
MAX_SEGMENTS = 1 << 20
MOST_CURVE = 1 << 16
WHOLE_NUMBERS = frozenset({3, 4, 16})
NOT_REPLACED = {
    8: "deflate", 32946: "deflate", 34892: "lossy JPEG", 34713: "Nikon's", 52546: "JPEG XL",
    50002: "JPEG XL",
}  # fmt: skip
REMEDY = "list its broken pixels in the file instead"
OF_LINEAR = "develop it and repair the picture"
NOT_KEPT = (
    "would have been changed beyond the replaced values, so nothing was written; please report it"
    " with this photo"
)

Codes: TypeAlias = NDArray[np.uint16]  # (rows, columns) as stored


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a mosaic is cut into segments, its strips or tiles, and how values lie in one."""

    width: int  # values in a row: of colours, three a pixel
    height: int
    columns: int  # values in a row of a segment; the last strip may have fewer rows
    rows: int
    samples: int  # values of a pixel
    tiled: bool
    bits: int
    order: str
    compression: int
    offsets: Entry
    lengths: Entry
    starts: tuple[int, ...]
    sizes: tuple[int, ...]
    curve: NDArray[np.float64] | None  # what each stored code stands for in DN

    @property
    def across(self) -> int:
        return -(-self.width // self.columns)

    @property
    def row_bytes(self) -> int:
        return (self.columns * self.bits + 7) // 8

    def rows_of(self, number: int) -> int:
        """Return how many rows of px a segment has."""
        top = number // self.across * self.rows
        return self.rows if self.tiled else min(self.rows, self.height - top)


def with_values(content: bytes, path: Path, patches: Sequence[Patch]) -> bytes:
    """Return a DNG with values of its mosaic replaced; where nothing changes, `content` itself.

    The patches' pixels are uint16 DN of the full stored mosaic, as LibRaw reads it, or of the three
    colours of a linear DNG. Where the file holds a linearisation table, the stored code is taken
    whose DN is nearest; a value beyond the file's bits becomes the most that they hold. Digests of
    the pixels, which hold no longer, are left out of the result.

    Raises:
        ReadError: the file is damaged, no DNG with a sensor's mosaic, or packed in a way that is
            not written.
        ValueError: a patch does not fit the mosaic.
        WriteError: the result does not read back as meant.
    """
    placed = picture_directory(content, path)
    with explained(path):
        layout = _layout_of(content, placed, path)
        points = _values_at(patches, layout)
        changed = {
            number: part
            for number, part in _parts(layout, points)
            if _differs(content, layout, number, part, path)
        }
        if not changed:
            return content
        write = _in_place if layout.compression == UNCOMPRESSED else _append_parts
        result = write(content, layout, changed, path)
        _require_read_back(content, result, placed, changed, path)
        return _without_digests(result, path)


def _values_at(patches: Sequence[Patch], layout: _Layout) -> Points:
    """Return what the patches replace value by value: colours lie beside each other in a row."""
    samples = layout.samples
    points = points_of(
        patches, layout.width // samples, layout.height, channels=samples, dtype=np.uint16
    )
    x = (points.x[:, None] * samples + np.arange(samples)).ravel()
    return Points(np.repeat(points.y, samples), x, _codes_of(points.values.ravel(), layout))


def _layout_of(content: bytes, placed: PlacedDirectory, path: Path) -> _Layout:
    structure = Structure.of(BytesIO(content))
    _require_writable(structure, placed, path)
    tags = TILES if TILES[0] in placed.entries else STRIPS
    if not all(tag in placed.entries for tag in tags):
        raise BrokenStructureError("does not say where its pixels are")
    samples = number_in(structure, placed, SAMPLES, 1)
    across, height = size_of(structure, placed)
    width = across * samples
    tiled = tags == TILES
    columns = number_in(structure, placed, TILE_WIDTH, 0) * samples if tiled else width
    tall = TILE_HEIGHT if tiled else ROWS_PER_STRIP
    rows = number_in(structure, placed, tall, 0 if tiled else height)
    if not tiled:
        rows = min(rows, height)
    if min(columns, rows) < 1 or columns * rows > MAX_PIXELS:
        raise BrokenStructureError("has strips or tiles of impossible size")
    offsets, lengths = (placed.entries[tag] for tag in tags)
    starts, sizes = (_whole(structure, entry) for entry in (offsets, lengths))
    expected = -(-width // columns) * -(-height // rows)
    if min(len(starts), len(sizes)) < expected:
        raise BrokenStructureError("holds fewer pixels than it claims")
    if any(at + size > len(content) for at, size in zip(starts, sizes, strict=False)):
        raise BrokenStructureError("points past its own end")
    bits, compression = (number_in(structure, placed, tag, 1) for tag in (BITS, COMPRESSION))
    return _Layout(width, height, columns, rows, samples, tiled, bits, placed.order, compression,
                   offsets, lengths, starts, sizes, _curve_of(structure, placed))  # fmt: skip


def _whole(structure: Structure, entry: Entry) -> tuple[int, ...]:
    if entry.kind not in WHOLE_NUMBERS:
        raise BrokenStructureError("says where its pixels are in no whole numbers")
    return tuple(int(each) for each in structure.numbers(entry, MAX_SEGMENTS))


def _require_writable(structure: Structure, placed: PlacedDirectory, path: Path) -> None:
    def number(tag: int, default: int) -> int:
        return number_in(structure, placed, tag, default)

    compression, bits, kind = number(COMPRESSION, UNCOMPRESSED), number(BITS, 1), ""
    if compression not in {UNCOMPRESSED, LOSSLESS_JPEG}:
        kind = f"{NOT_REPLACED.get(compression, f'unknown ({compression})')} compression"
    elif number(SAMPLES, 1) not in {1, 3}:
        kind = f"{number(SAMPLES, 1)} samples a pixel"
    elif number(PLANAR, 1) != 1:
        kind = "colours in planes of their own"
    elif number(SAMPLE_FORMAT, 1) != 1:
        kind = "signed or floating-point values"
    elif compression == UNCOMPRESSED and bits not in DEPTHS:
        kind = f"{bits}-bit values"
    elif number(FILL_ORDER, 1) != 1:
        kind = "bytes of reversed bits (FillOrder 2)"
    elif number(PREDICTOR, 1) != 1:
        kind = "values less their neighbours (Predictor)"
    elif any(number(tag, 1) != 1 for tag in INTERLEAVED):
        kind = "interleaved rows"
    if kind:
        remedy = OF_LINEAR if number(PHOTOMETRIC, 0) == LINEAR_RAW else REMEDY
        raise ReadError(path, f"is a DNG of {kind}, whose values are not replaced; {remedy}")


def _curve_of(structure: Structure, placed: PlacedDirectory) -> NDArray[np.float64] | None:
    if LINEARIZATION not in placed.entries:
        return None
    codes = min(1 << number_in(structure, placed, BITS, 1), MOST_CURVE)
    curve = np.array(structure.numbers(placed.entries[LINEARIZATION], codes), np.float64)
    if curve.size < 2 or not np.all(np.diff(curve) >= 0):  # nor does NaN
        raise BrokenStructureError("has a linearisation table that does not rise")
    return curve


def _codes_of(values: Codes, layout: _Layout) -> Codes:
    """Return the codes stored for values in DN."""
    if layout.curve is not None:
        after = np.clip(np.searchsorted(layout.curve, values), 1, len(layout.curve) - 1)
        below, above = layout.curve[after - 1], layout.curve[after]
        nearer = values - below < above - values
        return (after - nearer).astype(np.uint16)
    if layout.compression == UNCOMPRESSED:
        return np.minimum(values, np.uint16((1 << layout.bits) - 1))
    return values


def _parts(layout: _Layout, points: Points) -> Iterator[tuple[int, Points]]:
    """Yield the segments that hold points, and these in coordinates of the segment."""
    numbers = points.y // layout.rows * layout.across + points.x // layout.columns
    for number in np.unique(numbers).tolist():
        mine = numbers == number
        y, x = points.y[mine] % layout.rows, points.x[mine] % layout.columns
        yield number, Points(y, x, points.values[mine])


def _decode_part(content: bytes, layout: _Layout, number: int, path: Path) -> Codes:
    """Return the stored codes of one segment."""
    start, rows = layout.starts[number], layout.rows_of(number)
    raw = content[start : start + layout.sizes[number]]
    if layout.compression == LOSSLESS_JPEG:
        return lossless_decoded(raw, rows, layout.columns, path).pixels
    if len(raw) < rows * layout.row_bytes:
        raise BrokenStructureError("holds fewer pixels than it claims")
    lines = np.frombuffer(raw, np.uint8, rows * layout.row_bytes).reshape(rows, -1)
    if layout.bits == 8:
        return lines.astype(np.uint16)
    if layout.bits == 16:
        return lines.view(f"{layout.order}u2").astype(np.uint16)
    return _unpack_lines(lines, layout)


def _unpack_lines(lines: NDArray[np.uint8], layout: _Layout) -> Codes:
    """Return values packed without gaps, the highest bit first (TIFF 6.0, FillOrder 1)."""
    first = np.arange(layout.columns) * layout.bits
    wide = np.pad(lines, ((0, 0), (0, 3))).astype(np.uint32)
    at = first // 8
    window = wide[:, at] << 16 | wide[:, at + 1] << 8 | wide[:, at + 2]
    codes = window >> (24 - layout.bits - first % 8).astype(np.uint32)
    return (codes & ((1 << layout.bits) - 1)).astype(np.uint16)


def _differs(content: bytes, layout: _Layout, number: int, part: Points, path: Path) -> bool:
    codes = _decode_part(content, layout, number, path)
    return not np.array_equal(codes[part.y, part.x], part.values)


def _in_place(content: bytes, layout: _Layout, changed: Mapping[int, Points], path: Path) -> bytes:
    result = bytearray(content)
    _require_own(content, layout, changed, path)
    for number, part in changed.items():
        start = layout.starts[number]
        for y, x, code in zip(part.y.tolist(), part.x.tolist(), part.values.tolist(), strict=True):
            at = start + y * layout.row_bytes
            _put_code(result, at * 8 + x * layout.bits, code, layout)
    return bytes(result)


def _put_code(result: bytearray, first: int, code: int, layout: _Layout) -> None:
    """Write one value at a bit of the file."""
    if layout.bits == 16:
        struct.pack_into(layout.order + "H", result, first // 8, code)
        return
    start, end = first // 8, (first + layout.bits + 7) // 8
    spare = end * 8 - first - layout.bits
    window = int.from_bytes(result[start:end], "big")
    window &= ~(((1 << layout.bits) - 1) << spare)
    result[start:end] = (window | code << spare).to_bytes(end - start, "big")


def _require_own(
    content: bytes, layout: _Layout, changed: Mapping[int, Points], path: Path
) -> None:
    """Refuse to change bytes that another strip, tile or preview is made of, too."""
    spans = np.array(sorted(_segments_in(content)), np.int64)
    begins, ends = spans[:, 0], np.sort(spans[:, 1])
    for number in changed:
        start, end = layout.starts[number], layout.starts[number] + layout.sizes[number]
        reaching = np.searchsorted(begins, end, "left") - np.searchsorted(ends, start, "right")
        if reaching != 1:
            raise ReadError(path, f"is a DNG whose strips or tiles share bytes; {REMEDY}")


def _segments_in(content: bytes) -> Iterator[tuple[int, int]]:
    structure = Structure.of(BytesIO(content))
    for placed in directories_in(content):
        for offsets, lengths in (STRIPS, TILES):
            if offsets in placed.entries and lengths in placed.entries:
                starts, sizes = (_whole(structure, placed.entries[t]) for t in (offsets, lengths))
                yield from ((at, at + n) for at, n in zip(starts, sizes, strict=False) if n)


def _append_parts(
    content: bytes, layout: _Layout, changed: Mapping[int, Points], path: Path
) -> bytes:
    result = bytearray(content)
    for number, part in changed.items():
        start, rows = layout.starts[number], layout.rows_of(number)
        raw = content[start : start + layout.sizes[number]]
        tile = lossless_decoded(raw, rows, layout.columns, path)
        tile.pixels[part.y, part.x] = part.values
        packed = lossless_encoded(tile, path)
        result += bytes(len(result) % 2)
        for entry, value in ((layout.offsets, len(result)), (layout.lengths, len(packed))):
            form = layout.order + CODES[entry.kind]
            if value >> (8 * struct.calcsize(form)) or len(result) + len(packed) >= CLASSIC_BYTES:
                raise ReadError(path, TOO_LONG)
            struct.pack_into(form, result, entry.where + number * struct.calcsize(form), value)
        result += packed
    return bytes(result)


def _require_read_back(
    before: bytes, after: bytes, placed: PlacedDirectory, changed: Mapping[int, Points], path: Path
) -> None:
    """Refuse a result that differs in more than the points, and the places that say where."""
    old = _layout_of(before, placed, path)
    again = picture_directory(after, path)
    new = _layout_of(after, again, path)
    free = bytearray(len(before))
    for number, part in changed.items():
        wanted = _decode_part(before, old, number, path)
        wanted[part.y, part.x] = part.values
        if not np.array_equal(_decode_part(after, new, number, path), wanted):
            raise WriteError(path, NOT_KEPT)
        if old.compression == UNCOMPRESSED:
            spans = [(old.starts[number], old.sizes[number])]
        else:
            widths = [struct.calcsize(CODES[each.kind]) for each in (old.offsets, old.lengths)]
            entries = zip((old.offsets, old.lengths), widths, strict=True)
            spans = [(entry.where + number * width, width) for entry, width in entries]
        for start, length in spans:
            free[start : start + length] = b"\1" * length
    fixed = np.frombuffer(free, np.uint8) == 0
    one, other = (np.frombuffer(each, np.uint8, len(before)) for each in (before, after))
    if np.any((one != other) & fixed):
        raise WriteError(path, NOT_KEPT)


def _without_digests(content: bytes, path: Path) -> bytes:
    """Leave out what identifies the pixels as they were: a program would call them damaged."""
    for number, placed in enumerate(list(directories_in(content))):
        held = set(DIGESTS) & placed.entries.keys()
        if held:
            now = list(directories_in(content))[number]
            result = with_tags(content, path, now, [], without=held)
            require_only_added(content, result, path, now, held)
            content = result
    return content
