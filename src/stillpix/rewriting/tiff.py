"""Single pixels of a TIFF replaced without loss, every other sample and tag left as it was.

Only the strips or tiles that hold a replaced pixel are written: into their own place where they
fit and nothing else lies there, else into one that another left or at the end of the file. Never
changes more of the directory than their offsets and byte counts, nor any page but the one that is
read; never packs with loss, and never hands out a result that does not read back as meant.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeAlias

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from stillpix.errors import ReadError
from stillpix.frame import Pixels
from stillpix.images import tiff
from stillpix.images.directories import (
    CODES,
    MAX_DIRECTORIES,
    RATIONALS,
    BrokenStructureError,
    Directory,
    Entry,
    Structure,
)
from stillpix.images.outline import MAX_PIXELS
from stillpix.images.raw_tags import SUB_DIRECTORIES
from stillpix.rewriting.patch import Patch, Points, points_of

Octets: TypeAlias = bytes | bytearray

FILL_ORDER, PREDICTOR, JPEG_OFFSET, JPEG_BYTES = 266, 317, 513, 514
EXIF, GPS, INTEROPERABILITY = 34665, 34853, 40965
SUB_POINTERS = (SUB_DIRECTORIES, EXIF, GPS, INTEROPERABILITY)
STRIPS, TILES = (tiff.STRIP_OFFSETS, tiff.STRIP_BYTES), (tiff.TILE_OFFSETS, tiff.TILE_BYTES)
SEGMENTS = (STRIPS, TILES, (JPEG_OFFSET, JPEG_BYTES))
WHOLE_NUMBERS = frozenset({3, 4, 13, 16, 18})  # field types an offset or a byte count may have
NOT_PREDICTED, DIFFERENCED = 1, 2  # Predictor
MOST_DIRECTORIES = 4 * MAX_DIRECTORIES  # of all chains together
CLASSIC_BYTES = 1 << 32  # the offsets of a classic TIFF have 32 bits
DEFLATE_LEVEL = 6  # of libdeflate: on photos tighter than zlib's 6, four times as fast
PACKED_AGAIN = "save it uncompressed, or with LZW or deflate"
NOT_UNPACKED = "is a damaged TIFF: its pixels cannot be unpacked; copy it again"
NO_ROOM = "has no room for its changed pixels ({}); save it as an uncompressed TIFF"
NOT_PACKED_AGAIN = {
    2: "CCITT", 3: "CCITT", 4: "CCITT", 6: "old-style JPEG", 7: "JPEG", 34712: "JPEG 2000",
    34887: "LERC", 34892: "lossy JPEG", 50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL",
}  # fmt: skip


class _Packing(NamedTuple):
    """A lossless compression."""

    codec: str  # of imagecodecs
    expansion: int  # bytes that one packed byte can unpack to at most
    predicted: bool  # whether readers apply a predictor; of the others they disagree


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
    differenced: bool

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


def rewritten(content: bytes, path: Path, patches: Sequence[Patch]) -> bytes:
    """Return the bytes of a TIFF file with pixels of its first full-size page replaced.

    All other samples are the same bit for bit, extra samples and other pages among them. Of an
    uncompressed file no other byte changes, unless segments share their bytes: then the others
    keep theirs. Where nothing changes the content itself is returned. Raises ReadError if the
    file is damaged or of a kind that is not rewritten, and ValueError if a patch does not fit the
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
        result = _rewritten(content, path, patches)
    except BrokenStructureError as error:
        raise ReadError(
            path, f"is a damaged or cut short TIFF: it {error}; copy it again"
        ) from error
    if result is not content:
        _require_read_back(content, result, patches, path)
    return result


def _rewritten(content: bytes, path: Path, patches: Sequence[Patch]) -> bytes:
    page, _ = tiff.full_page(BytesIO(content), path)
    if not page.plain:
        raise ReadError(path, tiff.OTHER_SAMPLES)
    structure = Structure.of(BytesIO(content))
    _require_rewritable(structure, page, path)
    layout = _layout_of(structure, page, _order(content))
    channels, dtype = 3 if page.photometric == tiff.RGB else 1, layout.dtype.newbyteorder("=")
    points = points_of(patches, page.width, page.height, channels=channels, dtype=dtype)
    if page.photometric == tiff.WHITE_IS_ZERO:
        points = points._replace(values=np.bitwise_not(points.values))
    tags = TILES if tiff.TILE_OFFSETS in page.directory else STRIPS
    offsets, lengths = (_numbers(structure, page.directory[tag], _order(content)) for tag in tags)
    packed: dict[int, Octets] = {}
    for number, rows, part in _find_touched(layout, page, points):
        start = offsets.values[number]
        raw = memoryview(content)[start : start + lengths.values[number]]
        changed = _repack_part(raw, rows, layout, part, path)
        if changed is not None:
            packed[number] = changed
    return _place_parts(content, packed, offsets, lengths, path) if packed else content


def _order(content: bytes) -> str:
    return "<" if content[:1] == b"I" else ">"


def _is_big(content: bytes) -> bool:
    return 43 in content[2:4]  # BigTIFF; a classic file says 42


def _require_rewritable(structure: Structure, page: tiff.Page, path: Path) -> None:
    packing = PACKINGS.get(page.compression)
    predictor = tiff.number_of(structure, page.directory, PREDICTOR, NOT_PREDICTED)
    kind, remedy = "", PACKED_AGAIN
    if page.photometric == tiff.PALETTE:
        kind, remedy = "a palette", "save it as 8 or 16-bit RGB"
    elif packing is None:
        name = NOT_PACKED_AGAIN.get(page.compression, f"unknown ({page.compression})")
        kind = f"{name} compression"
    elif predictor not in ({NOT_PREDICTED, DIFFERENCED} if packing.predicted else {NOT_PREDICTED}):
        kind = f"predictor {predictor} of its pixels"
    elif tiff.number_of(structure, page.directory, FILL_ORDER, 1) != 1:
        kind = "bytes of reversed bits (FillOrder 2)"
    if kind:
        raise ReadError(path, f"is a TIFF with {kind}, which is not rewritten; {remedy}")


def _layout_of(structure: Structure, page: tiff.Page, order: str) -> _Layout:
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
        dtype=np.dtype(f"{order}u{page.bits // 8}"),
        packing=PACKINGS[page.compression],
        differenced=number(PREDICTOR, NOT_PREDICTED) == DIFFERENCED,
    )


def _numbers(structure: Structure, entry: Entry, order: str) -> _Numbers:
    values = _whole_numbers(structure, entry)
    return _Numbers(entry, order + CODES[entry.kind], values)


def _whole_numbers(structure: Structure, entry: Entry) -> tuple[int, ...]:
    if entry.kind not in WHOLE_NUMBERS:
        raise BrokenStructureError("says nonsense of where its pixels are")
    return tuple(int(value) for value in structure.numbers(entry, tiff.MAX_SEGMENTS))


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
    """Return a segment with its points replaced, or None where that changes nothing."""
    unpacked = _unpack_part(raw, layout, path)
    count = rows * layout.columns * layout.samples
    if len(unpacked) < count * layout.dtype.itemsize:
        raise ReadError(path, NOT_UNPACKED)
    pixels = np.frombuffer(unpacked, layout.dtype, count)
    pixels = pixels.reshape(rows, layout.columns, layout.samples)
    changed = _replace(pixels, part, differenced=layout.differenced)
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
    use, result = _Use.of(content, path), bytearray(content)
    for number, start in _starts(packed, offsets, lengths, use, len(content)).items():
        segment = packed[number]
        if start + len(segment) > CLASSIC_BYTES and not _is_big(content):
            raise ReadError(path, NO_ROOM.format("it would be longer than 4 GB"))
        result += bytes(max(0, start - len(result)))
        result[start : start + len(segment)] = segment
        for numbers, new in ((offsets, start), (lengths, len(segment))):
            if new != numbers.values[number]:
                use.require_own(numbers.entry, path)
                numbers.write(result, number, new, path)
    return bytes(result)


def _starts(
    packed: Mapping[int, Octets],
    offsets: _Numbers,
    lengths: _Numbers,
    use: _Use,
    size: int,
) -> dict[int, int]:
    """Return where each segment goes: into its own place, one that another leaves, or the end.

    The last segment of a file may grow where it is. Of the others, the largest goes first into
    the largest place that was left; what fits nowhere is appended, on an even offset.
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


class _Spans:
    """Stretches of a file, to ask how many of them reach into a place."""

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        ends = np.array(spans, np.int64).reshape(-1, 2)
        ends = ends[ends[:, 0] < ends[:, 1]]
        self._starts, self._ends = np.sort(ends[:, 0]), np.sort(ends[:, 1])

    def reaching(self, start: int, end: int) -> int:
        begun = np.searchsorted(self._starts, end, "left")
        return int(begun - np.searchsorted(self._ends, start, "right"))


class _Use(NamedTuple):
    """What lies where in a TIFF file."""

    directories: _Spans  # and the file's head
    values: _Spans  # of all tags of all directories
    segments: _Spans  # of all pages and previews

    @classmethod
    def of(cls, content: bytes, path: Path) -> Self:
        """Follow all directories that a reader may follow, or refuse."""
        watched, size = _WatchedFile(content), len(content)
        structure = Structure.of(BytesIO(content))
        values, segments, numbers = list[tuple[int, int]](), list[tuple[int, int]](), 0
        for directory in _all_directories(watched, structure, path):
            for entry in directory.values():
                values.append((min(entry.where, size), min(entry.where + _length(entry), size)))
            mine = [tags for tags in SEGMENTS if tags[0] in directory]
            numbers += sum(
                directory[tag].count for tags in mine for tag in tags if tag in directory
            )
            if numbers > tiff.MAX_SEGMENTS:  # more would not be read
                raise BrokenStructureError("has more strips and tiles than any photo")
            for tags in mine:
                segments += _segments_of(structure, directory, tags, size)
        return cls(_Spans(sorted(watched.spans)), _Spans(values), _Spans(segments))

    def only_segment(self, start: int, length: int) -> bool:
        """Say whether one segment lies at a place, and nothing else."""
        place = start, start + length
        others = self.values.reaching(*place) + self.directories.reaching(*place)
        return self.segments.reaching(*place) == 1 and not others

    def require_own(self, entry: Entry, path: Path) -> None:
        """Refuse to change a tag's values where another directory reads them, too."""
        place = entry.where, entry.where + _length(entry)
        shared = self.values.reaching(*place) != 1 or self.segments.reaching(*place)
        # Values that fit into their directory's entry lie in that directory.
        if shared or self.directories.reaching(*place) > 1:
            raise ReadError(path, NO_ROOM.format("several pages share one list of offsets"))


class _WatchedFile(BytesIO):
    """A file that knows where it was read: through it a Structure shows where directories are."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.spans = set[tuple[int, int]]()

    def read(self, size: int | None = -1, /) -> bytes:
        start = self.tell()
        result = super().read(size)
        self.spans.add((start, self.tell()))
        return result


def _all_directories(file: _WatchedFile, structure: Structure, path: Path) -> Iterator[Directory]:
    """Yield the directories of all chains: of the pages, previews, EXIF, and what they point at."""
    head = file.getvalue()[:4]
    chains, seen = [Structure.of(file)], 0
    file.spans = {(0, 16 if _is_big(head) else 8)}  # pixels may follow at once
    while chains:
        with suppress(BrokenStructureError):  # readers, too, leave out a damaged preview or EXIF
            for place, directory in enumerate(chains.pop().chain(), start=1):
                seen += 1
                if place == MAX_DIRECTORIES or seen > MOST_DIRECTORIES:
                    kind = "is a TIFF of more pages than are looked through"
                    raise ReadError(path, f"{kind}, which is not rewritten; save the picture alone")
                chains += [
                    Structure(file, _order(head), offset, big=_is_big(head))
                    for offset in _pointers(structure, directory)
                ]
                yield directory


def _pointers(structure: Structure, directory: Directory) -> Iterator[int]:
    """Yield the offsets of the directories that one points at, besides the next of its chain."""
    for tag in SUB_POINTERS:
        if tag in directory:
            with suppress(BrokenStructureError):
                yield from _whole_numbers(structure, directory[tag])[: MOST_DIRECTORIES + 1]


def _segments_of(
    structure: Structure, directory: Directory, tags: tuple[int, int], size: int
) -> list[tuple[int, int]]:
    """Return where the segments of a directory start and end."""
    if tags[1] not in directory:
        raise BrokenStructureError("does not say how long its pixels are")
    starts, lengths = (_whole_numbers(structure, directory[tag]) for tag in tags)
    pairs = zip(starts, lengths, strict=False)
    return [(min(start, size), min(start + length, size)) for start, length in pairs]


def _length(entry: Entry) -> int:
    width = 8 if entry.kind in RATIONALS else struct.calcsize("=" + CODES.get(entry.kind, "B"))
    return entry.count * width


def _require_read_back(before: bytes, after: bytes, patches: Sequence[Patch], path: Path) -> None:
    """Refuse a result that other readers would take for another picture than it is meant to be."""
    wanted = _read(before, path)
    for patch in patches:
        height, width = patch.where.shape
        window = wanted[patch.y : patch.y + height, patch.x : patch.x + width]
        window[patch.where] = patch.pixels[patch.where]
    if not np.array_equal(_read(after, path), wanted):
        kind = "pixels that are read in more ways than one"
        raise ReadError(path, f"is a TIFF with {kind}, which is not rewritten; {PACKED_AGAIN}")


def _read(content: bytes, path: Path) -> Pixels:
    try:
        return np.require(tiff.decode_colour(content, path, None), requirements="W")
    except (ReadError, MemoryError):
        raise
    # tifffile meets damaged and hostile files here, and raises anything over those.
    except Exception as error:
        raise ReadError(path, NOT_UNPACKED) from error
