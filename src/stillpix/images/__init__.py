"""Photos as frames: one module per photo format, and the FORMATS table.

A file's first bytes decide its format, not its name. Never rotates, never resizes, never writes,
and never returns an embedded preview instead of a sensor's pixels. Decoders are imported when a
file needs them. Every function may be called from several threads at once.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from numpy.typing import NDArray

from stillpix.arguments import path as path_of
from stillpix.arguments import wrong
from stillpix.errors import MissingReaderError, ReadError
from stillpix.frame import UNKNOWN, Chroma, Exposure, Frame, Pixels, Sensor
from stillpix.images.boxes import brands_of
from stillpix.images.content import Buffer, digest_of, opened
from stillpix.images.failing import explained
from stillpix.images.formats import FORMATS, JPEG_SUFFIXES, Format, Repair
from stillpix.images.headless import Shape, is_headless, outline_of, values_in
from stillpix.images.other_files import KINDS, what_it_is
from stillpix.images.plain_mosaic import Plain, read_plain
from stillpix.images.raw_tags import is_raw, raw_tags
from stillpix.images.tidy_jpeg import MOST_JUNK, start_of

if TYPE_CHECKING:
    from stillpix.images.outline import (
        FormatModule,
        HasPlanes,
        Metadata,
        Outline,
        Part,
        SeveralPictures,
    )

__all__ = [
    "FORMATS",
    "Buffer",
    "Format",
    "Header",
    "Repair",
    "decode_colour",
    "decode_stored",
    "digest_of",
    "explained",
    "format_named",
    "is_clip",
    "is_photo",
    "metadata_of",
    "open_frames",
    "read_colour",
    "read_content",
    "read_frame",
    "read_header",
    "read_headers",
    "reader_required",
    "repair_of",
    "require_decodable",
]

HEAD_BYTES = 32  # enough for any signature
CHANGED = "changed while it was being read; read it again"


@dataclass(frozen=True, slots=True)
class Header:
    """The facts in a file's header, before its pixels are decoded."""

    path: Path
    format: str  # the name in FORMATS
    sensor: Sensor  # width and height as stored
    exposure: Exposure
    software: str | None
    orientation: int  # as EXIF has it, 1 to 8; never applied
    white: int  # DN at which a pixel is full: 255, 65535 or, of a mosaic, what the camera says
    black: int = 0  # DN of a photosite without light, where it is known
    phase: tuple[int, int] = (0, 0)  # x, y at which an X-Trans mosaic's pattern begins
    dark: bool = False  # taken without light
    plain: Plain | None = None  # where a mosaic lies in the file that can be read as it is
    layout_told: bool = True  # False: the file does not say which colours its photosites have
    headless: bool = False  # a person named its shape
    part: Part | None = None  # which one of its file's pictures it is; None: the only one
    views: int = 0  # pictures of other lenses in the file, which are not read
    lens: str = ""  # as the file names it; "" where it does not
    focal_mm: float | None = None

    @property
    def key(self) -> tuple[Path, int]:
        """Return what identifies a picture: its file, and its number there."""
        return self.path, self.part.number if self.part else 0

    @property
    def name(self) -> str:
        """Return the name of the file and, if it holds several pictures, the number."""
        return f"{self.path.name}#{self.part.number}" if self.part else self.path.name


def repair_of(header: Header) -> Repair:
    """Return how a photo's file is repaired; raise ReadError with the reason where it is not."""
    form = format_named(header.format)
    if form.repair is None:
        only_read = f"is a {form.name.upper()} file, which stillpix reads but does not repair"
        raise ReadError(header.path, form.why_unrepaired or only_read)
    return form.repair


def is_photo(path: str | PathLike[str]) -> bool:
    """Say whether a file's name is that of a photo stillpix reads, without looking inside.

    >>> is_photo("DSC_0423.JPG"), is_photo("notes.txt")
    (True, False)
    """
    name = Path(path).name.lower().lstrip(".")
    return any(name.endswith(tuple(form.suffixes)) for form in FORMATS)


def is_clip(path: str | PathLike[str]) -> bool:
    """Say whether a file's name is that of moving pictures stillpix reads.

    >>> is_clip("C0001.MP4"), is_clip("DSC_0423.JPG")
    (True, False)
    """
    clips = (form.suffixes for form in FORMATS if form.is_clip)
    return Path(path).suffix.lower() in frozenset[str]().union(*clips)


def read_header(path: str | PathLike[str], *, shape: Shape | None = None) -> Header:
    """Return the facts in the header of a photo's file; if it holds several, of the first.

    `shape` is that of .raw files without a header. A broken EXIF block leaves its facts unknown.
    Raises ReadError if the file is no photo that stillpix reads, and MissingReaderError if its
    format needs a package that is not installed.

    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> with TemporaryDirectory() as folder:
    ...     Image.new("L", (64, 48)).save(Path(folder, "a.png"))
    ...     header = read_header(Path(folder, "a.png"))
    >>> header.format, header.sensor.name, header.white
    ('png', 'unknown camera, 64x48', 255)
    """
    return read_headers(path, shape=shape)[0]


def read_headers(path: str | PathLike[str], *, shape: Shape | None = None) -> list[Header]:
    """Return the facts of each picture in a file, as read_header does for the first.

    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> import tifffile
    >>> with TemporaryDirectory() as folder:
    ...     tifffile.imwrite(Path(folder, "a.tif"), np.zeros((2, 48, 64), np.uint8))
    ...     [header.name for header in read_headers(Path(folder, "a.tif"))]
    ['a.tif#1', 'a.tif#2']
    """
    path = Path(path_of("path", path))
    with explained(path), opened(path, any_length=is_clip(path)) as file:
        form = _format_of(file, path)
        headless = shape is not None and is_headless(file, path)
        file.seek(0)
        with reader_required(form, path):
            if shape is not None and headless:
                found: list[tuple[Outline, Part | None]] = [(outline_of(file, path, shape), None)]
            else:
                module = _module_of(form)
                if hasattr(module, "read_outlines"):
                    found = cast("SeveralPictures", module).read_outlines(file, path)
                else:
                    found = [(module.read_outline(file, path), None)]
    return [_header_of(path, form, *each, headless=headless) for each in found]


def _header_of(
    path: Path, form: Format, outline: Outline, part: Part | None, *, headless: bool
) -> Header:
    exif = outline.exif
    return Header(
        path=path,
        format=form.name,
        sensor=_sensor_of(outline),
        exposure=Exposure(exif.exposure_s, exif.gain, exif.taken),
        software=exif.software,
        orientation=exif.orientation,
        white=outline.white,
        black=outline.black,
        phase=outline.phase,
        dark=outline.dark,
        plain=outline.plain,
        layout_told=outline.layout_told,
        headless=headless,
        part=part,
        views=outline.views,
        lens=exif.lens or "",
        focal_mm=exif.focal_mm,
    )


def read_frame(header: Header, *, buffer: Buffer | None = None) -> Frame:
    """Return the frame of a photo whose header was read: luma, (height, width) DN, never rotated.

    `buffer` is the caller's own, one per thread. JPEGs are decoded into it, and the frame's pixels
    are then a view of it: they hold until the next call with the same buffer. PNG, TIFF and the
    rare JPEG that TurboJPEG refuses (CMYK, odd chroma samplings) get memory of their own.

    The luma of colour pictures is ITU-R BT.601's, rounded, as in JPEG. JPEGs in colour have their
    chroma, too. Raises ReadError if the file is damaged, is cut short or is no longer the one whose
    header was read.

    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> with TemporaryDirectory() as folder:
    ...     Image.new("RGB", (64, 48), "red").save(Path(folder, "a.png"))
    ...     frame = read_frame(read_header(Path(folder, "a.png")))
    >>> frame.pixels.shape, int(frame.pixels[0, 0]), frame.origin
    ((48, 64), 76, 'a.png')
    """
    read = None if buffer is None else _read_plain(header, buffer)
    chroma: Chroma | None = None
    if read is None:
        with explained(header.path):
            content = _content_of(header)
            pixels, chroma = _planes_of(header, content, buffer)
        digest = digest_of(content if header.part is None else pixels.data.cast("B"))
    else:
        pixels, digest = read
    return Frame(
        pixels, header.sensor, header.exposure, header.name, digest,
        header.white, header.black, header.phase, header.dark, chroma,
    )  # fmt: skip


def read_colour(header: Header, *, buffer: Buffer | None = None) -> Pixels:
    """Return the colours of a photo whose header was read, (height, width, 3) DN: R, G, B.

    A grey photo, and one of a sensor's mosaic, has no colours: its pixels come as (height, width).
    Palettes are looked up and alpha is left out. `buffer` is the caller's own, one per thread, as
    in read_frame; a JPEG's colours lie in it until the next call. Raises ReadError if the file is
    damaged, is cut short or is no longer the one whose header was read.

    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> with TemporaryDirectory() as folder:
    ...     Image.new("RGB", (64, 48), "orange").save(Path(folder, "a.png"))
    ...     colours = read_colour(read_header(Path(folder, "a.png")))
    >>> colours.shape, colours[0, 0].tolist()
    ((48, 64, 3), [255, 165, 0])
    """
    with explained(header.path):
        content = _content_of(header)
        return _pixels_of(header, content, buffer, colours=not header.sensor.is_mosaic)


def read_content(header: Header) -> bytes:
    """Return the bytes of a photo's file whose header was read; raise ReadError.

    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> with TemporaryDirectory() as folder:
    ...     Image.new("L", (64, 48)).save(Path(folder, "a.png"))
    ...     content = read_content(read_header(Path(folder, "a.png")))
    >>> content[1:4]
    b'PNG'
    """
    with explained(header.path), opened(header.path) as file:
        return file.read()


def decode_colour(header: Header, content: bytes) -> Pixels:
    """Return the colours of a photo whose bytes are at hand, as read_colour does.

    >>> from io import BytesIO
    >>> from PIL import Image
    >>> file = BytesIO()
    >>> Image.new("RGB", (64, 48), "orange").save(file, "PNG")
    >>> path, sensor = Path("a.png"), Sensor(UNKNOWN, UNKNOWN, UNKNOWN, 64, 48)
    >>> header = Header(path, "png", sensor, Exposure(), None, 1, 255)
    >>> decode_colour(header, file.getvalue())[0, 0].tolist()
    [255, 165, 0]
    """
    with explained(header.path):
        own = _alone(header, BytesIO(content))
        return _pixels_of(header, own, None, colours=not header.sensor.is_mosaic)


def decode_stored(header: Header, content: bytes) -> NDArray[Any]:
    """Return the samples of a photo whose bytes are at hand, in the type that its file has.

    If the format has no other type of samples, they are those of decode_colour.

    >>> from io import BytesIO
    >>> import numpy as np
    >>> import tifffile
    >>> file = BytesIO()
    >>> tifffile.imwrite(file, np.full((48, 64), -7, np.int32))
    >>> path, sensor = Path("a.tif"), Sensor(UNKNOWN, UNKNOWN, UNKNOWN, 64, 48, "mono")
    >>> header = Header(path, "tiff", sensor, Exposure(), None, 1, 65535)
    >>> decode_stored(header, file.getvalue())[0, 0].tolist()
    [-7]
    """
    module = _module_of(format_named(header.format))
    own = getattr(module, "decode_stored", None)
    if own is None:
        return decode_colour(header, content)
    with explained(header.path):
        return cast("NDArray[Any]", own(_alone(header, BytesIO(content)), header.path))


def require_decodable(header: Header, content: bytes) -> None:
    """Raise ReadError unless the bytes of a photo can be decoded to the end.

    >>> from io import BytesIO
    >>> from PIL import Image
    >>> file = BytesIO()
    >>> Image.new("L", (64, 48)).save(file, "JPEG")
    >>> path, sensor = Path("a.jpg"), Sensor(UNKNOWN, UNKNOWN, UNKNOWN, 64, 48)
    >>> header = Header(path, "jpeg", sensor, Exposure(), None, 1, 255)
    >>> require_decodable(header, file.getvalue())
    """
    with explained(header.path):
        own = _alone(header, BytesIO(content))
        _module_of(format_named(header.format)).require_decodable(own, header.path)


def metadata_of(header: Header, content: bytes) -> Metadata:
    """Return the metadata to keep when a photo becomes a file of another format.

    Only for formats that are repaired as a copy.
    """
    module = _module_of(format_named(header.format))
    with explained(header.path):
        read = module.metadata_in  # type: ignore[attr-defined]  # formats of one table have it
        return cast("Metadata", read(content, header.path))


def open_frames(paths: Iterable[str | PathLike[str]]) -> Iterator[Frame]:
    """Return the frames of each photo's file, in order, each with memory of its own.

    Raises ReadError at the first photo that cannot be read; to go on past it, call read_headers
    and read_frame for each.

    >>> list(open_frames([]))
    []
    """
    if isinstance(paths, str | PathLike) or not isinstance(paths, Iterable):
        raise wrong("paths", "several paths, such as a list of one", paths)
    return (frame for path in paths for frame in map(read_frame, read_headers(path)))


def _read_plain(header: Header, buffer: Buffer) -> tuple[Pixels, str] | None:
    """Return the mosaic as it is in the file, and the digest; None if it changed meanwhile."""
    if header.plain is None:
        return None
    with explained(header.path), opened(header.path) as file:
        same = header.headless or raw_tags(file).plain == header.plain
        return read_plain(file, header.plain, buffer) if same else None


def _content_of(header: Header) -> bytes:
    """Return the bytes of a photo's file, or of one with only its picture."""
    with opened(header.path, any_length=format_named(header.format).is_clip) as file:
        return _alone(header, file)


def _alone(header: Header, file: BinaryIO) -> bytes:
    """Return the bytes of a photo's file; for one of several, of a file with only this one."""
    if header.part is None:
        return file.read()
    module = cast("SeveralPictures", _module_of(format_named(header.format)))
    return module.alone(file, header.path, header.part.place)


def _pixels_of(header: Header, content: bytes, buffer: Buffer | None, *, colours: bool) -> Pixels:
    """Return the luma or the colours of a picture."""
    if header.headless:
        return values_in(content, header.path, Shape(header.sensor.width, header.sensor.height))
    with _reader_of(header, content) as module:
        decode = module.decode_colour if colours else module.decode
        pixels = decode(content, header.path, buffer)
    _require_unchanged(header, pixels)
    return pixels


def _planes_of(
    header: Header, content: bytes, buffer: Buffer | None
) -> tuple[Pixels, Chroma | None]:
    """Return the luma of a picture and, of a format that has it, the chroma."""
    form = format_named(header.format)
    if header.headless or not hasattr(_module_of(form), "decode_planes"):
        return _pixels_of(header, content, buffer, colours=False), None
    with _reader_of(header, content) as module:
        pixels, chroma = cast("HasPlanes", module).decode_planes(content, header.path, buffer)
    _require_unchanged(header, pixels)
    return pixels, chroma


@contextmanager
def _reader_of(header: Header, content: bytes) -> Iterator[FormatModule]:
    """Give the module that reads a picture; raise ReadError where it is of another format now."""
    form = format_named(header.format)
    if _format_of(BytesIO(content), header.path) != form:
        raise ReadError(header.path, CHANGED)
    with reader_required(form, header.path):
        yield _module_of(form)


def _require_unchanged(header: Header, pixels: Pixels) -> None:
    """Raise ReadError if a picture is not as its header says."""
    one_byte = header.white <= 255 and not format_named(header.format).two_bytes
    size = (*pixels.shape[:2], pixels.itemsize == 1)
    if size != (header.sensor.height, header.sensor.width, one_byte):
        raise ReadError(header.path, CHANGED)


def _sensor_of(outline: Outline) -> Sensor:
    exif = outline.exif
    return Sensor(
        make=exif.make or UNKNOWN,
        model=exif.model or UNKNOWN,
        serial=exif.serial or UNKNOWN,
        width=outline.width,
        height=outline.height,
        layout=outline.layout,
        visible=outline.visible,
        which=exif.which or "",
    )


def _format_of(file: BinaryIO, path: Path) -> Format:
    """Return a file's format, by its first bytes and, if needed, by those after them."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    alike = {
        form.name: form
        for form in FORMATS
        if head.startswith(form.signatures) or not brands_of(head).isdisjoint(form.brands)
    }
    if "tiff" in alike and not is_raw(file, path):
        return alike["tiff"]
    alike.pop("tiff", None)
    if alike:
        return next(iter(alike.values()))
    if path.suffix.lower() in JPEG_SUFFIXES and start_of(head + file.read(MOST_JUNK)) > 0:
        return format_named("jpeg")  # with junk before it
    by_suffix = [
        form for form in FORMATS if form.by_suffix and path.suffix.lower() in form.suffixes
    ]
    if by_suffix:
        return by_suffix[0]
    if path.suffix.lower() in KINDS and not KINDS[path.suffix.lower()].photo:
        raise ReadError(path, what_it_is(path.suffix.lower()))
    names = ["video" if form.is_clip else form.name.upper() for form in FORMATS]
    names = list(dict.fromkeys(names))
    known = f"{', '.join(names[:-1])} or {names[-1]}"
    raise ReadError(
        path,
        f"is not a photo: its first bytes are not those of a {known}; leave it out",
    )


def format_named(name: str) -> Format:
    """Return the format of a name in FORMATS."""
    return next(form for form in FORMATS if form.name == name)


def _module_of(form: Format) -> FormatModule:
    return cast("FormatModule", importlib.import_module(form.module))


@contextmanager
def reader_required(form: Format, path: Path) -> Iterator[None]:
    """Name the package that a format needs, if it is not installed."""
    try:
        yield
    except ImportError as error:
        wanted = f"stillpix[{form.extra}]" if form.extra else "stillpix"
        needs = f"a {form.name.upper()} file needs {error.name or 'a package'}"
        raise MissingReaderError(
            path, f"{needs}, which is not installed; pip install --upgrade '{wanted}'"
        ) from error
