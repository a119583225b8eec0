"""The formats of photos: names and first bytes of their files, how they are read and repaired.

Never opens a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from stillpix.images.raw_tags import RAF_HEAD, RAW_SUFFIXES, TIFF_HEADS

# How the file of a photo is repaired: the "coefficients" of its blocks, its "samples" one by one,
# another key of restoration.files.WAYS, "raw": a DNG's list of bad pixels, or its mosaic, or
# "copy": a new PNG, since a change at one place would pack the whole picture again, with loss.
# A "clip" is repaired frame by frame.
Repair: TypeAlias = str


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One photo format: names and first bytes of its files, how it is read and how repaired."""

    name: str
    suffixes: frozenset[str]
    signatures: tuple[bytes, ...]
    module: str  # of FormatModule's shape
    repair: Repair | None = None
    rewriting: str | None = None  # where samples are repaired: the module that replaces them
    why_unrepaired: str = ""  # where it is not repaired: the reason and the remedy
    extra: str | None = None  # of the stillpix package, where the reader is not in its core
    brands: tuple[bytes, ...] = ()  # for an ISO base media file: the uses that it names
    by_suffix: bool = False  # a file with a head that nobody knows is its, by its name
    two_bytes: bool = False  # its decoder gives two bytes a value, whatever the depth
    is_clip: bool = False  # moving pictures: of any length, and read frame by frame


JPEG_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"})
CLIP_SUFFIXES = frozenset({
    ".mp4", ".m4v", ".mov", ".qt", ".avi", ".mkv", ".webm", ".mts", ".m2ts", ".m2t", ".mxf", ".3gp",
    ".3g2", ".mpg", ".mpeg", ".tod", ".wmv", ".ogv", ".dv", ".y4m", ".nut",
})  # fmt: skip
FORMATS: tuple[Format, ...] = (
    Format(
        name="jpeg",
        suffixes=JPEG_SUFFIXES,
        signatures=(b"\xff\xd8\xff",),
        module="stillpix.images.jpeg",
        repair="coefficients",
    ),
    Format(
        name="png",
        suffixes=frozenset({".png"}),
        signatures=(b"\x89PNG\r\n\x1a\n",),
        module="stillpix.images.png",
        repair="samples",
        rewriting="stillpix.rewriting.png",
    ),
    Format(
        name="tiff",
        suffixes=frozenset({".tif", ".tiff"}),
        signatures=(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
        module="stillpix.images.tiff",
        repair="samples",
        rewriting="stillpix.rewriting.tiff",
    ),
    Format(
        name="raw",
        suffixes=RAW_SUFFIXES,
        signatures=(*TIFF_HEADS, RAF_HEAD, b"HEAPCCDR", b"FOVb", b"\0MRM"),
        module="stillpix.images.raw",
        repair="raw",
        by_suffix=True,
        two_bytes=True,
    ),
    Format(
        name="fits",
        suffixes=frozenset({".fit", ".fits", ".fts", ".fz", ".fit.gz", ".fits.gz", ".fts.gz"}),
        signatures=(b"SIMPLE  =", b"\x1f\x8b"),
        module="stillpix.images.fits",
        repair="samples",
        rewriting="stillpix.rewriting.fits",
        extra="fits",
    ),
    Format(
        name="heif",
        suffixes=frozenset({".heic", ".heif", ".hif"}),
        signatures=(),
        brands=(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"),
        module="stillpix.images.heif",
        repair="copy",
        extra="heif",
    ),
    Format(
        name="avif",
        suffixes=frozenset({".avif"}),
        signatures=(),
        brands=(b"avif", b"avis"),
        module="stillpix.images.avif",
        repair="copy",
    ),
    Format(
        name="jxl",
        suffixes=frozenset({".jxl"}),
        signatures=(b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"),
        module="stillpix.images.jxl",
        repair="copy",
    ),
    Format(
        name="ser",
        suffixes=frozenset({".ser"}),
        signatures=(b"LUCAM-RECORDER",),
        module="stillpix.images.ser",
        why_unrepaired="is a SER video, which stillpix reads but does not repair; stack it with the"
        " pixels of `stillpix export --to png` masked, or convert it to FITS",
        is_clip=True,
    ),
    Format(
        name="video",
        suffixes=CLIP_SUFFIXES,
        signatures=(b"\x1aE\xdf\xa3", b"YUV4MPEG2 "),
        module="stillpix.images.video",
        repair="clip",
        extra="video",
        brands=(
            b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"qt  ", b"avc1",
            b"M4V ", b"XAVC", b"3gp4", b"3gp5", b"3gp6", b"MSNV",
        ),
        by_suffix=True,
        is_clip=True,
    ),
)  # fmt: skip
