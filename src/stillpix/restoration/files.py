"""Repairs a photo's file: by the way that its format's row names.

Takes and gives bytes; never opens a file and never writes one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..errors import ReadError
from ..frame import Pixels
from ..images import (
    Header,
    Repair,
    decode_colour,
    decode_stored,
    metadata_of,
    repair_of,
)
from ..images.tidy_jpeg import tidied
from ..maps.records import Defect
from ..rewriting import rewrite
from ..rewriting.jpeg import JpegImage, read_coefficients, rewritten
from ..rewriting.new_png import new_png
from .jpeg import JpegCanvas, Key
from .keeping import kept_in_place
from .pixels import PixelCanvas
from .places import patches_of, places_of
from .raw import repaired_raw
from .repairing import Place, repair_places
from .storing import SHORTER
from .verdicts import LISTED_IN_DNG, RawWay, RepairedFile, Verdict, joined

FITS, PNG = "fits", "png"
MOST_WRITINGS = 6  # of one JPEG whose Huffman tables lack codes
MOVED = (
    "the picture became longer, so the data after it moved, and the offsets that lead there were"
    " corrected"
)
NOT_MOVED = (
    "would become longer by its repair, but data of an unknown kind counts on its length"
    " ({} bytes follow the picture); leave it out, or remove them with exiftool -trailer:all="
)
TIDIED = (
    "the file lacked its Huffman tables or its end marker, or held bytes between its segments; the"
    " repaired one is regular"
)
CREDENTIALS = b"jumdc2pa"  # the beginning of a manifest store, in a file of any format (C2PA 2.1)
SIGNED = (
    "its Content Credentials (C2PA) sign the file as it was, so programs that check them will say"
    " that it was changed"
)
FIRST_VIEW = (
    "only its first picture is repaired: those of other lenses (a stereo pair or other views) stay"
    " as they are"
)
NEW_PNG = (
    "{} files cannot be changed without loss, so the repaired picture is a lossless PNG of {}"
    " bits; a gain map, a depth map and other pictures are only in the original"
)
SEE_THROUGH = (
    "is a picture with transparency, which is not repaired; save it as 16-bit PNG, and repair that"
)
NO_CODE = "the file's Huffman tables have no code for the right value"


def repaired_file(
    content: bytes,
    header: Header,
    defects: Sequence[Defect],
    *,
    always: bool = False,
    raw: RawWay = LISTED_IN_DNG,
) -> RepairedFile:
    """Return a photo's file with the listed defects repaired that show in it.

    In a JPEG only blocks that hold a changed sample get new coefficients, in a PNG or TIFF only
    the changed pixels new values; every other bit of the picture and all metadata stay. The
    thumbnail in the Exif block shows the whole scene at some 160 pixels and stays, too.
    `always` repairs every listed place, even where it is not visible. A RAW photo is handled as in
    `raw`: by default a DNG lists its broken pixels for the program that develops it.

    Raises ReadError for a photo that is damaged, cannot be written back without loss, or is of a
    format that is only read.

    >>> from io import BytesIO
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from stillpix.frame import Exposure, Sensor
    >>> grey, file = Image.new("L", (96, 64), 90), BytesIO()
    >>> grey.putpixel((40, 30), 210)
    >>> grey.save(file, "PNG")
    >>> sensor = Sensor("unknown", "unknown", "unknown", 96, 64)
    >>> header = Header(Path("a.png"), "png", sensor, Exposure(), None, 1, 255)
    >>> fixed = repaired_file(file.getvalue(), header, [Defect(x=40, y=30)])
    >>> fixed.repaired, int(decode_colour(header, fixed.content)[30, 40])
    (1, 90)
    """
    way = repair_of(header)
    if way == "raw":
        return repaired_raw(content, header, defects, raw, always=always)
    if raw.mask and header.format == FITS:
        from .fits import masked_fits

        return masked_fits(content, header, defects)
    sensor = header.sensor
    places = list(
        places_of(
            defects, header.exposure, header.white, sensor.layout, sensor.width, sensor.height
        )
    )
    fixed = WAYS[way](content, header, places, always=always)
    if way == "copy" and raw.to_png and fixed.content is content:
        return _copy_of(content, header, decode_colour(header, content), fixed.verdicts)
    return fixed


def repaired_pictures(
    content: bytes,
    headers: Sequence[Header],
    defects: Sequence[Defect],
    *,
    always: bool = False,
    raw: RawWay = LISTED_IN_DNG,
) -> RepairedFile:
    """Return a file with the listed defects repaired in each of its pictures, as repaired_file.

    Notes say that Content Credentials in the file are of the file as it was, and that pictures of
    other lenses stay as they are.
    """
    fixed = _repair_each(content, headers, defects, always=always, raw=raw)
    signed = fixed.content is not content and not fixed.format and CREDENTIALS in content
    notes = (SIGNED,) * signed + (FIRST_VIEW,) * (headers[0].views > 0)
    return replace(fixed, notes=(*fixed.notes, *notes)) if notes else fixed


def _repair_each(
    content: bytes, headers: Sequence[Header], defects: Sequence[Defect], *, always: bool,
    raw: RawWay,
) -> RepairedFile:  # fmt: skip
    if len(headers) == 1 or raw.mask:  # one mask is of all pictures
        return repaired_file(content, headers[0], defects, always=always, raw=raw)
    verdicts, notes = list[Verdict](), dict[str, None]()
    for header in headers:
        fixed = repaired_file(content, header, defects, always=always, raw=raw)
        content = fixed.content
        verdicts += [replace(each, picture=header.key[1]) for each in fixed.verdicts]
        notes |= dict.fromkeys(fixed.notes)
    return RepairedFile(content, tuple(verdicts), tuple(notes))


def _repair_jpeg(
    content: bytes, header: Header, places: Sequence[Place], *, always: bool
) -> RepairedFile:
    """Repair a JPEG; if something is missing in it, or too much, a changed one is made regular."""
    tidy = tidied(content)
    try:
        fixed = _repair_regular_jpeg(tidy, header, places, always=always)
    except ReadError:  # the error of the file as it is tells more
        return _repair_regular_jpeg(content, header, places, always=always)
    if tidy is content:
        return fixed
    if fixed.content is tidy:
        return replace(fixed, content=content)
    return replace(fixed, notes=(*fixed.notes, TIDIED))


def _repair_regular_jpeg(
    content: bytes, header: Header, places: Sequence[Place], *, always: bool
) -> RepairedFile:
    """Repair a JPEG so that everything else in its file can still be found.

    If the picture became longer and the data after it must not move, coarser values are tried
    until it fits. They count only if a repair of the result would not change it either.
    """
    image = read_coefficients(content, header.path)

    def fit_into_file(file: bytes, its: JpegImage, leaning: float) -> RepairedFile | None:
        fixed = _write_jpeg(file, its, header, places, leaning, always=always)
        kept = kept_in_place(file, its, fixed.content)
        if kept is None:
            return None
        longer = len(kept) - len(file)
        moved = (MOVED,) if longer > 0 and len(file) > its.end else ()
        return replace(fixed, content=kept, notes=(*fixed.notes, *moved))

    def stays_the_same(fixed: RepairedFile, tried: Sequence[float]) -> bool:
        its = read_coefficients(fixed.content, header.path)
        again = (fit_into_file(fixed.content, its, leaning) for leaning in tried)
        return all(each is None or each.content is fixed.content for each in again)

    for number, leaning in enumerate(SHORTER):
        fixed = fit_into_file(content, image, leaning)
        if fixed is not None and (number == 0 or stays_the_same(fixed, SHORTER[: number + 1])):
            return fixed
    raise ReadError(header.path, NOT_MOVED.format(len(content) - image.end))


def _write_jpeg(
    content: bytes, image: JpegImage, header: Header, places: Sequence[Place], leaning: float,
    *, always: bool,
) -> RepairedFile:  # fmt: skip
    """Repair a JPEG; if codes are missing, look again at the values written instead."""
    before = content
    substituted: set[Key] = set()
    verdicts: tuple[Verdict, ...] = ()
    for _ in range(MOST_WRITINGS):
        canvas = JpegCanvas(image, header.path, leaning)
        verdicts = joined(verdicts, repair_places(canvas, places, always=always))
        written = rewritten(image, content, header.path, canvas.changes)
        settled = not written.substituted or written.content == content
        content = written.content
        substituted |= written.substituted
        if settled:
            break
        image = read_coefficients(content, header.path)
    else:
        content = before  # every look would change the file again: leave it
    if content == before:
        verdicts = tuple(
            replace(each, outcome="hopeless", why=NO_CODE) if each.outcome == "repaired" else each
            for each in verdicts
        )
        return RepairedFile(before, verdicts)
    return RepairedFile(content, verdicts, _notes_on_codes(len(substituted)))


def _notes_on_codes(substituted: int) -> tuple[str, ...]:
    if not substituted:
        return ()
    blocks = "1 block holds" if substituted == 1 else f"{substituted} blocks hold"
    return (
        f"{blocks} the nearest values that the file's Huffman tables can code, since new tables "
        f"would have changed more of the file",
    )


def _repair_picture(
    content: bytes, header: Header, places: Sequence[Place], *, always: bool
) -> RepairedFile:
    canvas, verdicts = _repair_canvas(content, header, places, always=always)
    patches = list(patches_of(canvas.pixels, canvas.changed))
    if not patches:
        return RepairedFile(content, verdicts)
    return RepairedFile(rewrite(header, content, patches), verdicts)


def _repair_canvas(
    content: bytes, header: Header, places: Sequence[Place], *, always: bool
) -> tuple[PixelCanvas, tuple[Verdict, ...]]:
    pixels, layout = decode_colour(header, content), header.sensor.layout
    canvas = PixelCanvas(pixels, white=header.white, layout=layout)
    verdicts = tuple(
        replace(each, strength=each.strength and each.strength * header.white / 255)
        for each in repair_places(canvas, places, always=always)
    )
    return canvas, verdicts


def _repair_as_copy(
    content: bytes, header: Header, places: Sequence[Place], *, always: bool
) -> RepairedFile:
    """Return a new PNG, or the file as it is if nothing shows."""
    canvas, verdicts = _repair_canvas(content, header, places, always=always)
    if not canvas.changed.any():
        return RepairedFile(content, verdicts)
    return _copy_of(content, header, canvas.pixels, verdicts)


def _copy_of(
    content: bytes, header: Header, pixels: Pixels, verdicts: tuple[Verdict, ...]
) -> RepairedFile:
    if decode_stored(header, content).shape[2:] not in {(1,), (3,)}:
        raise ReadError(header.path, SEE_THROUGH)
    new = new_png(pixels, header.white, metadata_of(header, content))
    depth = 16 if header.white > 255 else 8
    note = NEW_PNG.format(header.format.upper(), depth)
    return RepairedFile(new, verdicts, (note,), PNG)


# How a file is repaired, by the word in its format's row; "raw" has a choice of its own.
WAYS: dict[Repair, Callable[..., RepairedFile]] = {
    "coefficients": _repair_jpeg,
    "samples": _repair_picture,
    "copy": _repair_as_copy,
}
