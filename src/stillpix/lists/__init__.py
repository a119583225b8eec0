"""Lists of defects as other programs keep them: one module per format, and the FORMATS table.

Never decides what is broken, and is the only place that knows another program's coordinates.
A list says where; our own map (`maps.map_file`) also says what, since when and how sure.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Literal, Protocol, cast

from ..atomic import write_atomically
from ..errors import MapFormatError
from ..frame import Sensor
from ..maps.records import Defect, DefectMap
from .entries import ListedDefect, Target, placed, refuse
from .origins import Area, Origin, area_of

__all__ = [
    "FORMATS",
    "Area",
    "ListFormat",
    "WrittenList",
    "area_of",
    "format_named",
    "read_list",
    "unfit",
    "write_list",
]

NAMES = {"raw": "RAW"}  # of formats, where a person calls them otherwise
MAX_FILE_BYTES = 1 << 30  # a mask of 500 MP, in two bytes a pixel


class _Encoder(Protocol):
    def __call__(self, defects: Sequence[Defect], target: Target) -> bytes: ...


class _Decoder(Protocol):
    def __call__(self, content: bytes, path: Path, target: Target) -> Iterator[ListedDefect]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFormat:
    """One way in which another program keeps defects, and where it counts from."""

    name: str
    suffixes: tuple[str, ...]  # lower case, how such a file's name ends; the first is the usual one
    readers: str  # the programs that take it
    origin: Origin = "full frame"
    module: str  # below this package, with functions of _Encoder's and _Decoder's shape
    encode: str = "encode"
    decode: str = "decode"
    lines: Literal["pixel by pixel", "whole", "stretches"] = (
        "pixel by pixel"  # rows and columns it holds
    )
    mosaic: bool = False  # of RAW photosites alone: a JPEG's pixels are not those
    border: int = 0  # px at the area's edges that its reader never repairs
    aliases: tuple[str, ...] = ()  # other names that a person may know it by
    only_of: frozenset[str] = frozenset()  # formats of photos whose rows its reader counts so
    never_of: frozenset[str] = frozenset()  # formats that its reader counts in another way
    without_margins: bool = False  # its reader may cut off the margins around the picture
    instead: str = ""  # the list for those
    command: str = ""  # by which the program uses it: of {list}, {clip} and {new}


FIELD = "field"  # in what tells the sensor of a clip's field
RAW_FILES = frozenset({"raw"})  # images.FORMATS names them
FORMATS = (
    ListFormat(
        name="rawtherapee", suffixes=(".badpixels",), readers="RawTherapee",
        origin="visible area", module="rawtherapee", mosaic=True, border=2, only_of=RAW_FILES,
    ),
    ListFormat(
        name="dcraw", suffixes=(".badpixels", ".txt"), readers="dcraw",
        origin="visible area", module="dcraw", mosaic=True, only_of=RAW_FILES,
    ),
    ListFormat(
        name="libraw", suffixes=(".badpixels", ".txt"), readers="LibRaw, rawpy",
        origin="LibRaw's visible area", module="dcraw", mosaic=True, only_of=RAW_FILES,
    ),
    ListFormat(
        name="siril", suffixes=(".lst",), readers="Siril (RAW and DNG)",
        origin="LibRaw's visible area", module="siril", lines="whole", mosaic=True,
        only_of=RAW_FILES, instead="siril-fits",
    ),
    ListFormat(
        name="siril-fits", suffixes=(".lst",), readers="Siril (FITS)", module="siril",
        encode="encode_fits", decode="decode_fits", lines="whole", never_of=RAW_FILES,
        instead="siril",
    ),
    ListFormat(
        name="dng", suffixes=(".opcodes", ".bin"), readers="darktable (DNG)",
        module="dng", lines="stretches", mosaic=True, aliases=("darktable",), only_of=RAW_FILES,
    ),
    ListFormat(name="fits", suffixes=(".fits", ".fit"), readers="astropy", module="fits"),
    ListFormat(
        name="ccddata", suffixes=(".fits", ".fit"), readers="ccdproc", module="fits",
        encode="encode_ccddata",
    ),
    ListFormat(
        name="png", suffixes=(".png",), readers="any program", module="masks",
        encode="encode_png", decode="decode_png",
    ),
    ListFormat(
        name="ffmpeg", suffixes=(".png",), readers="FFmpeg's removelogo", module="masks",
        encode="encode_footprints", decode="decode_footprints",
        command="ffmpeg -i {clip} -vf removelogo={list} -map 0 -c copy -c:v libx264 -crf 16 {new}",
    ),
    ListFormat(
        name="npy", suffixes=(".npy",), readers="NumPy", module="masks",
        encode="encode_npy", decode="decode_npy",
    ),
    ListFormat(
        name="csv", suffixes=(".csv",), readers="spreadsheets", module="csv_table",
        lines="stretches",
    ),
    ListFormat(
        name="pixinsight", suffixes=(".txt",), readers="PixInsight", module="pixinsight",
        lines="stretches", mosaic=True, without_margins=True,
    ),
    ListFormat(
        name="phd2", suffixes=(".txt",), readers="PHD2", module="phd2", mosaic=True,
        only_of=frozenset({"fits"}),
    ),
    ListFormat(
        name="mlvapp", suffixes=(".bpm",), readers="MLV App", module="mlvapp", mosaic=True,
        only_of=RAW_FILES,
    ),
    ListFormat(
        name="dalsa", suffixes=(".xml",), readers="Teledyne DALSA cameras", module="dalsa",
        mosaic=True, without_margins=True,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class WrittenList:
    """What became of a map that was written for another program; all by the full frame's count."""

    path: Path
    listed: tuple[Defect, ...]
    left_out: tuple[Defect, ...]  # outside the area in which the program counts
    unrepaired: tuple[Defect, ...]  # listed, but where the program never repairs


def format_named(name: str) -> ListFormat | None:
    """Return the format of a name in FORMATS, None where there is none.

    >>> format_named("siril").origin
    "LibRaw's visible area"
    """
    return next((form for form in FORMATS if name in (form.name, *form.aliases)), None)


def unfit(
    form: ListFormat, sensor: Sensor, files: str = "", *, placed: bool = False, moves: bool = False
) -> str | None:
    """Return why a format cannot hold the pixels of a sensor, None where it can.

    `files` is the format of the photos that the map was made from, if it is known. `placed` says
    that a person named the place from which the program counts, and `moves` that the pixels' places
    in photos move with the focal length.

    >>> unfit(format_named("csv"), Sensor("Canon", "EOS R", "7", 30, 20)) is None
    True
    """
    if moves:
        return (
            f"a list has one place for each pixel, but in the JPEGs of {sensor.name} it moves with "
            "the focal length, since the camera corrects its lens's distortion; repair them with "
            "`stillpix fix`, or make a map of its RAW files"
        )
    return _unfit_in_place(form, sensor, files, placed=placed)


def _unfit_in_place(form: ListFormat, sensor: Sensor, files: str, *, placed: bool) -> str | None:
    """Return why a format cannot hold pixels that have one place in all photos."""
    if form.mosaic and not sensor.is_mosaic:
        own = "RAW" if form.only_of == RAW_FILES else "FITS"
        return (
            f"{form.readers} counts photosites of {own} files, but {sensor.name} is known from "
            f"JPEGs or the like; give a map of its {own} files"
        )
    if files and ((form.only_of and files not in form.only_of) or files in form.never_of):
        remedy = f"give {form.instead}" if form.instead else "choose another format"
        return (
            f"{form.readers} would look for the pixels elsewhere: the map of {sensor.name} was "
            f"made from {NAMES.get(files, files.upper())} files, whose rows and margins count in "
            f"another way there; {remedy}"
        )
    if form.without_margins and not placed and files in RAW_FILES and _has_margins(sensor):
        return (
            f"it is not known whether {form.readers} would cut off the margins that the RAW files "
            f"of {sensor.name} have around the picture; say with --origin where the list is to "
            "count from"
        )
    if form.command and FIELD in sensor.which:
        return (
            f"{form.readers} counts the rows of whole frames, but the map is of one {FIELD} of "
            "interlaced frames; repair the clip with `stillpix fix`"
        )
    if form.name == "dng" and not sensor.layout.startswith("bayer"):
        return (
            f"a DNG's list of bad pixels is for Bayer sensors, and {sensor.name} is "
            f"{sensor.layout}; choose another format"
        )
    return None


def _has_margins(sensor: Sensor) -> bool:
    return sensor.visible_area != (0, 0, sensor.width, sensor.height)


def write_list(
    defect_map: DefectMap,
    path: str | PathLike[str],
    form: ListFormat,
    *,
    area: Area | None = None,
    candidates: bool = False,
) -> WrittenList:
    """Write a map's confirmed and accepted defects for another program, with its own origin.

    What a person rejected is never listed; candidates only where they are asked for. `area` takes
    the place of the one that the format counts in. Defects outside it are left out.

    >>> import tempfile
    >>> sensor = Sensor("Canon", "EOS R", "7", 30, 20, "bayer-RGGB", visible=(4, 2, 24, 16))
    >>> found = DefectMap(sensor, (Defect(x=9, y=9, state="accepted"),
    ...                            Defect(x=1, y=9, state="confirmed"), Defect(x=9, y=8)))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write_list(found, Path(folder, "a.badpixels"), format_named("dcraw"))
    ...     print(written.path.read_text().splitlines()[1:], len(written.left_out))
    ['5 7 0'] 1

    Raises:
        WriteError: the disk is full, the folder is missing, ...; an old file is untouched.
        MapFormatError: the format cannot hold a map of this sensor, or needs a package that is
            not installed.
    """
    moves = defect_map.places_move
    reason = unfit(form, defect_map.sensor, defect_map.files, placed=area is not None, moves=moves)
    if reason is not None:
        raise MapFormatError(f"{path}: not written: {reason}")
    area = area or area_of(defect_map.sensor, form.origin)
    first = defect_map.evidence.first
    target = Target(defect_map.sensor, area, first.date() if first else None)
    states = ("confirmed", "accepted", "candidate") if candidates else ("confirmed", "accepted")
    chosen = defect_map.in_state(*states)
    inside = [(defect, area.inside(defect)) for defect in chosen]
    held = [seen for _, seen in inside if seen is not None]
    content = _encoder(form)([part for seen in held for part in _as_held(seen, form, area)], target)
    write_atomically(path, content)
    return WrittenList(
        Path(path),
        tuple(defect for defect, seen in inside if seen is not None),
        tuple(defect for defect, seen in inside if seen is None),
        tuple(d for d, seen in inside if seen and area.is_near_edge(seen, form.border)),
    )


def read_list(
    path: str | PathLike[str],
    form: ListFormat,
    sensor: Sensor,
    *,
    area: Area | None = None,
    files: str = "",
) -> tuple[Defect, ...]:
    """Read another program's list as defects of a sensor, by the full frame's count.

    `area` takes the place of the one that the format counts in. A list says only where: the
    defects are candidates of unknown kind unless it says more.

    Raises:
        MapFormatError: the file is missing, damaged or of another format, or names what is no
            place of the sensor; the message names the line. Or the format cannot be of this
            sensor.
    """
    path, reason = Path(path), unfit(form, sensor, files, placed=area is not None)
    if reason is not None:
        raise MapFormatError(f"{path}: not read: {reason}")
    target = Target(sensor, area or area_of(sensor, form.origin))
    return placed(_decoder(form)(_content_of(path), path, target), target, path)


def _as_held(defect: Defect, form: ListFormat, area: Area) -> Iterator[Defect]:
    """Yield a defect as the format can hold it: a run, or its pixels one by one."""
    run = defect.run
    if run is None or form.lines == "stretches" or (form.lines == "whole" and area.spans(run)):
        yield defect
        return
    for x, y in defect.pixels():
        yield replace(defect, x=x, y=y, run=None)


def _encoder(form: ListFormat) -> _Encoder:
    module = importlib.import_module(f".{form.module}", __name__)
    return cast("_Encoder", getattr(module, form.encode))


def _decoder(form: ListFormat) -> _Decoder:
    module = importlib.import_module(f".{form.module}", __name__)
    return cast("_Decoder", getattr(module, form.decode))


def _content_of(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():  # a folder, a device, a pipe that never ends
            raise refuse(path, "", "is not a file", "give the path of a list")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise refuse(path, "", "is longer than 1 GB, no list is", "check the path")
        return path.read_bytes()
    except FileNotFoundError:
        raise refuse(path, "", "is not there", "check its name and folder") from None
    except OSError as error:
        reason = f"cannot be read ({error.strerror or type(error).__name__})"
        raise refuse(path, "", reason, "check its permissions") from error
