"""What RAW files say of themselves outside their pixels: EXIF, and a DNG's own tags.

Looks at the structure of the file only, never decodes, and never raises: what a file does not
say, or says wrongly, is None.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeAlias

from stillpix.images.boxes import boxes_in
from stillpix.images.ciff import CIFF_HEAD, camera_of_ciff
from stillpix.images.directories import BrokenStructureError, Directory, Structure
from stillpix.images.exif import (
    Exif,
    exif_of_block,
    exif_of_directory,
    maker_note_of,
    plain_text,
)
from stillpix.images.maker_notes import nikon_packing
from stillpix.images.plain_mosaic import Plain

WIDTH, HEIGHT, BITS, ROWS, TILE_WIDTH, TILE_HEIGHT = 256, 257, 258, 278, 322, 323
NEW_SUBFILE_TYPE, COMPRESSION, PHOTOMETRIC, SUB_DIRECTORIES = 254, 259, 262, 330
STRIP_OFFSETS, STRIP_BYTES, TILE_OFFSETS, TILE_BYTES = 273, 279, 324, 325
CFA_REPEAT, CFA_PATTERN = 33421, 33422
DNG_VERSION, LINEARISATION_TABLE, BLACK_LEVEL, WHITE_LEVEL, ACTIVE_AREA = (
    50706, 50712, 50714, 50717, 50829
)  # fmt: skip
BLACK_IS_ZERO, MOSAIC, LINEAR = (
    1,
    32803,
    34892,
)  # photometric interpretations of the DNG specification
TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"IIU\0", b"IIRO", b"IIRS", b"MMOR")
RAF_HEAD, RAF_JPEG = b"FUJIFILMCCD-RAW", 84  # where its JPEG is, big-endian offset and length
CR3_HEAD = b"ftypcrx "
CANON = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")  # the box of Canon's own boxes
CR2_HEAD = b"\x10\0\0\0CR\x02\0"  # at byte 4
RW2_HEAD, RW2_JPEG = b"IIU\0", 46  # the tag whose content is a JPEG with all of EXIF
RW2_WIDTH, RW2_HEIGHT, RW2_PACKING, RW2_OFFSET = 2, 3, 45, 280
RW2_BLOCKS = frozenset({4, 5, 6})  # packings in blocks of 16 bytes, for 14 photosites at most
RAW_SUFFIXES = frozenset({
    ".3fr", ".arq", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq",
    ".k25", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".ori", ".pef", ".raf", ".raw",
    ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
})  # fmt: skip
MOST_BLOCK = 1 << 20  # bytes of one EXIF block
MOST_SEGMENTS = 1 << 16
MOST_SUB_DIRECTORIES = 16
MOST_PATTERN = 64
MOST_HEAD = 1024  # bytes of a JPEG in which its frame header is
START_OF_IMAGE = b"\xff\xd8"
MOST_TIMES_ROOM = 4  # some writers pad their tiles
UNCOMPRESSED, LOSSLESS_JPEG = 1, 7
# Codings by their number in a TIFF structure that LibRaw's usual builds do not read.
# What LibRaw's usual builds do not read, and others do.
JPEG_XL, GREY_DNG = "JPEG XL", "a grey DNG"
CODINGS = {9: "GoPro VC-5", 52546: JPEG_XL}
NIKON = 34713  # any packing of Nikon's; its note says which
NIKON_CODINGS = {13: "Nikon's High Efficiency", 14: "Nikon's High Efficiency*"}
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

Area: TypeAlias = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class RawTags:
    """The EXIF facts, and of a DNG or what is built alike what its raw directory says."""

    exif: Exif = field(default_factory=Exif)
    active: Area | None = None  # DNG ActiveArea as x, y, width, height
    black: float | None = None  # DN, mean over the channels
    white: int | None = None  # DN, of a DNG
    mosaic: bytes = b""  # the colour pattern and the active area, as they stand in the file
    cut_short: bool = False  # the file ends before the pixels that it names
    plain: Plain | None = None  # where an unpacked mosaic of 16 bits lies
    coding: str = ""  # how its pixels are packed, where LibRaw does not read that
    absurd: bool = False  # its lossless JPEG is none, or claims more than there is room for


def raw_tags(file: BinaryIO) -> RawTags:
    """Return what an open RAW file says of itself.

    >>> from io import BytesIO
    >>> raw_tags(BytesIO(b"not a RAW file at all")).exif.make is None
    True
    """
    file.seek(0)
    head = file.read(16)
    try:
        if head.startswith(RW2_HEAD):
            return _of_rw2(Structure.of(file))
        if head.startswith(TIFF_HEADS):
            return _of_structure(Structure.of(file))
        if head.startswith(RAF_HEAD):
            return RawTags(exif_of_block(_exif_of_raf(file)))
        if head[6:14] == CIFF_HEAD:
            return RawTags(_exif_of_ciff(file))
        if head[4:12] == CR3_HEAD:
            return RawTags(_exif_of_cr3(file))
    except (BrokenStructureError, struct.error):
        pass
    return RawTags()


def is_raw(file: BinaryIO, path: Path) -> bool:
    """Say whether what begins like a TIFF file is RAW: its ordinary pages are previews then."""
    file.seek(4)
    if path.suffix.lower() in RAW_SUFFIXES or file.read(len(CR2_HEAD)) == CR2_HEAD:
        return True
    try:
        structure = Structure.of(file)
        return any(
            DNG_VERSION in directory
            or _numbers(structure, directory, PHOTOMETRIC, 1) in {(MOSAIC,), (LINEAR,)}
            for directory in _all_directories(structure)
        )
    except BrokenStructureError:
        return False


def _of_structure(structure: Structure) -> RawTags:
    directories = list(_all_directories(structure))
    first = directories[0] if directories else {}
    exif = exif_of_directory(structure, first)
    raw = next((each for each in directories if _is_raw(structure, each)), None)
    if raw is None and DNG_VERSION in first and _is_grey(structure, first):
        white = _level(_numbers(structure, first, WHITE_LEVEL, MOST_PATTERN))
        black = _level(_numbers(structure, first, BLACK_LEVEL, MOST_PATTERN))
        return RawTags(
            exif, _active_area(structure, first), black, None if not white else round(white),
            cut_short=_is_cut_short(structure, first), coding=GREY_DNG,
        )  # fmt: skip
    if raw is None:
        return RawTags(exif)
    area = _active_area(structure, raw)
    pattern = b"".join(
        structure.content(raw[tag], MOST_PATTERN)
        for tag in (CFA_REPEAT, CFA_PATTERN, ACTIVE_AREA)
        if tag in raw
    )
    black = _level(_numbers(structure, raw, BLACK_LEVEL, MOST_PATTERN))
    white = _level(_numbers(structure, raw, WHITE_LEVEL, MOST_PATTERN))
    return RawTags(
        exif, area, black, None if not white else round(white), pattern,
        _is_cut_short(structure, raw), _plain(structure, raw), _coding(structure, raw, first),
        _is_absurd(structure, raw),
    )  # fmt: skip


def _level(levels: tuple[float, ...]) -> float | None:
    """Return the mean of some levels, where it can be one."""
    mean = sum(levels) / len(levels) if levels else None
    return mean if mean is not None and math.isfinite(mean) and 0 <= mean <= 65535 else None


def _all_directories(structure: Structure) -> Iterator[Directory]:
    for directory in structure.chain():
        yield directory
        for offset in _numbers(structure, directory, SUB_DIRECTORIES, MOST_SUB_DIRECTORIES):
            yield structure.directory(int(offset))


def _is_raw(structure: Structure, directory: Directory) -> bool:
    photometric = _numbers(structure, directory, PHOTOMETRIC, 1)
    full = _numbers(structure, directory, NEW_SUBFILE_TYPE, 1) in {(), (0,)}
    return full and photometric in {(MOSAIC,), (LINEAR,)}


def _is_grey(structure: Structure, directory: Directory) -> bool:
    """Return whether a DNG's picture is grey of more than 8 bits: a sensor's without colours."""
    facts = [_numbers(structure, directory, tag, 1) for tag in (PHOTOMETRIC, BITS)]
    full = _numbers(structure, directory, NEW_SUBFILE_TYPE, 1) in {(), (0,)}
    return full and facts[0] == (BLACK_IS_ZERO,) and bool(facts[1]) and 8 < facts[1][0] <= 16


def _active_area(structure: Structure, raw: Directory) -> Area | None:
    sides = _numbers(structure, raw, ACTIVE_AREA, 4)
    if len(sides) != 4 or not all(math.isfinite(each) for each in sides):
        return None
    top, left, bottom, right = map(int, sides)
    if not (0 <= top < bottom and 0 <= left < right):
        return None
    return left, top, right - left, bottom - top


def _is_cut_short(structure: Structure, raw: Directory) -> bool:
    for offsets, lengths in ((STRIP_OFFSETS, STRIP_BYTES), (TILE_OFFSETS, TILE_BYTES)):
        starts = _numbers(structure, raw, offsets, MOST_SEGMENTS)
        sizes = _numbers(structure, raw, lengths, MOST_SEGMENTS)
        if any(at + size > structure.size for at, size in zip(starts, sizes, strict=False)):
            return True
    return False


def _plain(structure: Structure, raw: Directory) -> Plain | None:
    """Return where the mosaic lies, if it is in one piece, of 16 bits and as it is."""
    facts = [_numbers(structure, raw, tag, 4) for tag in (PHOTOMETRIC, COMPRESSION, BITS)]
    if facts != [(MOSAIC,), (UNCOMPRESSED,), (16,)] or LINEARISATION_TABLE in raw:
        return None
    starts = _numbers(structure, raw, STRIP_OFFSETS, MOST_SEGMENTS)
    sizes = _numbers(structure, raw, STRIP_BYTES, MOST_SEGMENTS)
    width, height = (_numbers(structure, raw, tag, 1) for tag in (WIDTH, HEIGHT))
    if not (starts and width and height) or starts[0] % 2 or len(starts) != len(sizes):
        return None
    in_one = all(a + n == b for a, n, b in zip(starts, sizes, starts[1:], strict=False))
    if not in_one or sum(sizes) != 2 * width[0] * height[0]:
        return None
    return Plain(int(starts[0]), structure.order, int(width[0]), int(height[0]))


def _coding(structure: Structure, raw: Directory, first: Directory) -> str:
    number = _numbers(structure, raw, COMPRESSION, 1)
    coding = int(number[0]) if number and math.isfinite(number[0]) else 0
    if coding == NIKON and (note := maker_note_of(structure, first)) is not None:
        return NIKON_CODINGS.get(nikon_packing(structure, note) or 0, "")
    return CODINGS.get(coding, "")


def _is_absurd(structure: Structure, raw: Directory) -> bool:
    """Return whether a lossless JPEG is none, or claims far more values than its strip or tile has.

    LibRaw leaves old memory where there is none, and says nothing. And it goes on to the end of
    what is claimed, a minute for each wrong byte.
    """
    if _numbers(structure, raw, COMPRESSION, 1) != (LOSSLESS_JPEG,):
        return False
    width, height = (_numbers(structure, raw, tag, 1) for tag in (WIDTH, HEIGHT))
    rows = _numbers(structure, raw, TILE_HEIGHT, 1) or _numbers(structure, raw, ROWS, 1) or height
    columns = _numbers(structure, raw, TILE_WIDTH, 1) or width
    room = MOST_TIMES_ROOM * math.prod((*rows, *columns))
    starts = _numbers(structure, raw, TILE_OFFSETS, MOST_SEGMENTS)
    starts = starts or _numbers(structure, raw, STRIP_OFFSETS, MOST_SEGMENTS)
    heads = [structure.at(int(start), MOST_HEAD) for start in starts]
    return any(
        not head.startswith(START_OF_IMAGE) or _count_claimed_values(head) > room for head in heads
    )


def _count_claimed_values(head: bytes) -> int:
    """Return how many values the frame header at a JPEG's beginning claims; 0 where there is none.

    ITU-T T.81, B.2.2: precision, lines, samples a line, components.
    """
    at = 2
    while at + 10 <= len(head) and head[at] == 0xFF:
        marker, length = head[at + 1], int.from_bytes(head[at + 2 : at + 4], "big")
        if marker in FRAMES:
            lines, samples = (int.from_bytes(head[at + k : at + k + 2], "big") for k in (5, 7))
            return lines * samples * head[at + 9]
        at += 2 + length
    return 0


def _numbers(
    structure: Structure, directory: Directory, tag: int, most: int
) -> tuple[float, ...]:  # fmt: skip
    return structure.numbers(directory[tag], most) if tag in directory else ()


def _exif_of_raf(file: BinaryIO) -> bytes | None:
    """Return the EXIF block of the JPEG that a RAF file carries."""
    from stillpix.images.jpeg import exif_of_jpeg

    file.seek(RAF_JPEG)
    offset, length = struct.unpack(">II", file.read(8))
    file.seek(offset)
    return exif_of_jpeg(file.read(min(length, MOST_BLOCK)))


def _exif_of_ciff(file: BinaryIO) -> Exif:
    make, model, serial = camera_of_ciff(file)
    number = str(serial) if serial else None  # in decimals, as the maker note of a JPEG gives it
    return Exif(make=plain_text(make), model=plain_text(model), serial=number)


def _of_rw2(structure: Structure) -> RawTags:
    """Return the facts in the JPEG that an RW2 carries: ISO and serial number stand only there."""
    from stillpix.images.jpeg import exif_of_jpeg

    first = next(structure.chain(), {})
    jpeg = structure.content(first[RW2_JPEG], MOST_BLOCK) if RW2_JPEG in first else b""
    block = exif_of_jpeg(jpeg)
    exif = exif_of_directory(structure, first) if block is None else exif_of_block(block)
    return RawTags(exif, cut_short=_is_rw2_cut_short(structure, first))


def _is_rw2_cut_short(structure: Structure, first: Directory) -> bool:
    """Return whether there is no room for the pixels: LibRaw would read old memory for the rest."""
    tags = (RW2_WIDTH, RW2_HEIGHT, RW2_PACKING, RW2_OFFSET)
    facts = [number for tag in tags for number in _numbers(structure, first, tag, 1)]
    if len(facts) != len(tags) or facts[2] not in RW2_BLOCKS:
        return False
    width, height, _, offset = facts
    return offset + width * height * 16 / 14 > structure.size


def _exif_of_cr3(file: BinaryIO) -> Exif:
    """Return the facts of a CR3: Canon keeps the main directory and EXIF's in boxes of their own.

    ISO/IEC 14496-12 boxes; the names of Canon's from L. Lorentz, "Describing the Canon Raw v3".
    """
    blocks: dict[bytes, bytes] = {}
    for name, start, end in boxes_in(file, 0, file.seek(0, 2)):
        if name != b"moov":
            continue
        for inner, at, until in boxes_in(file, start, end):
            file.seek(at)
            if inner == b"uuid" and file.read(16) == CANON:
                for part, begins, ends in boxes_in(file, at + 16, until):
                    file.seek(begins)
                    blocks[part] = file.read(min(ends - begins, MOST_BLOCK))
    main, shot = (exif_of_block(blocks.get(name)) for name in (b"CMT1", b"CMT2"))
    return Exif(
        make=main.make, model=main.model, serial=shot.serial, software=main.software,
        orientation=main.orientation, exposure_s=shot.exposure_s, gain=shot.gain,
        taken=shot.taken or main.taken,
    )  # fmt: skip
