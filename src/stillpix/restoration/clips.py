"""Repairs a clip: frame by frame with the same places from its first frame to its last.

Motion JPEG is repaired in its coefficients, packet by packet, and nothing else of it changes.
Frames of other codecs are decoded, repaired and encoded again; all other streams are copied.
"""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple, TypeVar

import av
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from ..errors import ReadError
from ..images import Header, read_headers
from ..images.clip_reader import FIELDS, opened_clip, reading
from ..images.clip_writing import (
    LOSSLESS,
    MASTER,
    ClipWriter,
    digests_of,
    new_clip,
    rate_of,
    settings_of,
)
from ..images.cores import usable_cores
from ..images.read_ahead import threads
from ..images.tidy_jpeg import tidied
from ..images.video import Depth, depth_of, samples_of
from ..maps.records import Defect
from ..rewriting.jpeg import read_coefficients, rewritten
from ..watch import StoppedError
from .jpeg import JpegCanvas
from .places import places_of
from .planes import SEARCH, PlanesCanvas
from .repairing import Place, repair_places
from .steady import SteadyRepair, frames_together
from .verdicts import Verdict

T = TypeVar("T")
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
LOOKED_AT: Final = 12  # frames by which a place is judged, for the whole clip
SHOWING: Final = 0.25  # share of them in which a place must show
MJPEG, MASTER_SUFFIX = "mjpeg", ".mkv"
OF_RGB: Final = (
    "holds RGB pictures, of which no frame is repaired; convert it to YUV 4:4:4 without loss"
)
NO_ENCODER: Final = (
    "is coded as {}, for which there is no encoder here; give --lossless for a master (FFV1 in MKV)"
)
OTHER_AFTER: Final = "its copy did not come out whole ({}), and was removed; report this"
NOT_COPIED: Final = "its container cannot be written with these tracks, which are left out: {}"


@dataclass(frozen=True, slots=True)
class ClipWay:
    """How a clip is repaired, which is known before a frame is."""

    is_lossless: bool  # of the repair: no other sample changes
    words: str
    suffix: str  # of the new file
    codec: str  # of the encoder; "": packet by packet
    options: dict[str, str]


class Field(NamedTuple):
    """The defects of one field of a clip's frames; of a whole frame number None."""

    number: int | None
    header: Header
    defects: Sequence[Defect]


def way_of(path: Path, *, lossless: bool) -> ClipWay:
    """Return how a clip is repaired; raise ReadError if it cannot be."""
    with opened_clip(path) as (container, stream):
        name = stream.codec_context.name
        depth = depth_of(stream)
        if not depth.stored_as:
            raise ReadError(path, OF_RGB)
        if lossless:
            words = "repaired into a master: FFV1 in MKV, without loss but where pixels are broken"
            return ClipWay(True, words, MASTER_SUFFIX, *MASTER)
        if name == MJPEG and int(stream.codec_context.field_order) not in FIELDS:
            words = "Motion JPEG, repaired without loss: only the blocks at broken pixels change"
            return ClipWay(True, words, path.suffix, "", {})
        try:
            codec, options = settings_of(stream)
        except KeyError as error:
            raise ReadError(path, NO_ENCODER.format(name.upper())) from error
        if codec in LOSSLESS:
            words = f"{codec.upper()}, repaired without loss: only broken pixels change"
            return ClipWay(True, words, path.suffix, codec, options)
        quality = _quality(options, rate_of(container, stream))
        words = (
            f"{name.upper()}, encoded again {quality}: not lossless; --lossless writes a master"
            " (FFV1 in MKV)"
        )
        return ClipWay(False, words, path.suffix, codec, options)


def _quality(options: dict[str, str], bits_per_s: int) -> str:
    if "crf" in options:
        return f"at CRF {options['crf']}"
    if "vendor" in options:
        return "in its own profile"
    return f"at its own {bits_per_s / 1e6:.1f} Mb/s"


def judged(path: Path, fields: Sequence[Field], *, always: bool) -> list[list[Verdict]]:
    """Return for each field what becomes of its places in all frames of a clip."""
    found = []
    for field in fields:
        shown: dict[tuple[int, int], list[float]] = {}
        looks = 0
        for planes, bits in _some_frames(path, field):
            looks += 1
            for each in repair_places(PlanesCanvas(planes, bits=bits), _places(field)):
                if each.outcome == "repaired":
                    shown.setdefault((each.x, each.y), []).append(each.strength or 0.0)
        found.append([
            _verdict(place, shown.get((place.x, place.y), []), looks, always=always)
            for place in _places(field)
        ])  # fmt: skip
    return found


def _verdict(place: Place, strengths: list[float], looks: int, *, always: bool) -> Verdict:
    shows = always or len(strengths) >= max(1.0, SHOWING * looks)
    strength = median(strengths) if strengths else None
    return Verdict(place.x, place.y, "repaired" if shows else "not showing", strength)


def _places(field: Field) -> list[Place]:
    sensor, exposure = field.header.sensor, field.header.exposure
    size = (sensor.width, sensor.height)
    listed = places_of(field.defects, exposure, 255, sensor.layout, *size)
    return [pixel for place in listed for pixel in place.pixels()]  # a line's one by one


def _some_frames(path: Path, field: Field) -> Iterator[tuple[list[NDArray[Any]], int]]:
    """Yield the planes of the frames by which places are judged."""
    places = [each.part.place for each in read_headers(path) if each.part is not None]
    mine = [each for each in places if each[2:] in {(), (field.number,)}]
    for place in sorted(mine[:LOOKED_AT]):  # forward: each frame is decoded once
        with reading(path) as reader:
            depth = depth_of(reader.stream)
            try:
                frame = reader.frame(*place[:2])
            except ReadError:  # others tell as much
                continue
            yield _planes(frame, depth, field.number), depth.bits


def _planes(frame: VideoFrame, depth: Depth, field: int | None) -> list[NDArray[Any]]:
    """Return copies of a frame's planes of luma and colours, or of one field's rows of them."""
    if frame.format.name != depth.stored_as:
        frame = frame.reformat(format=depth.stored_as)
    rows = slice(None) if field is None else slice(field, None, 2)
    return [samples_of(plane, depth)[rows].copy() for plane in frame.planes[:3]]


def repaired_clip(
    path: Path, new: Path, way: ClipWay, fields: Sequence[Field],
    report: Callable[[int], None], stop: Callable[[], bool],
) -> tuple[str, ...]:  # fmt: skip
    """Write a clip with places repaired in all frames to a new file; return notes.

    `fields` hold only the defects that are to be repaired. Raises ReadError where the clip cannot
    be decoded or written, and StoppedError where `stop` says so.
    """
    with _explained(path), opened_clip(path) as (source, stream):
        form = "matroska" if way.suffix == MASTER_SUFFIX else source.format.name.split(",")[0]
        form = {"mov": "mp4" if way.suffix.lower() in {".mp4", ".m4v"} else "mov"}.get(form, form)
        with new_clip(new, path, form) as target:
            writer, pictures = ClipWriter(source, stream, target), stream.index
            for number in _written(writer, path, way, fields):
                report(number)
                if stop():
                    raise StoppedError
        kept = writer.copied
    with _explained(path):
        _require_whole(path, new, kept, pictures)
    return tuple([NOT_COPIED.format(", ".join(writer.left_out))] if writer.left_out else [])


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what stops a repair into a ReadError of the clip, but a full disk into an OSError."""
    try:
        yield
    except (ReadError, StoppedError, MemoryError):
        raise
    except av.FFmpegError as error:
        if error.errno in FULL:
            raise OSError(error.errno, os.strerror(error.errno)) from error
        raise ReadError(path, _why(error)) from error
    except OSError:
        raise
    except Exception as error:  # damaged files make libav's streams something else
        raise ReadError(path, _why(error)) from error


def _written(
    writer: ClipWriter, path: Path, way: ClipWay, fields: Sequence[Field]
) -> Iterator[int]:
    """Write the clip, and yield how many frames of it are done."""
    if not way.codec:
        yield from _packet_by_packet(writer, path, fields[0])
        return
    depth = depth_of(writer.stream)
    layout = _encodable(depth.stored_as, way.codec)
    writer.add_streams(lambda: writer.encoder(way.codec, way.options, layout))
    repair = _FrameRepair(depth, fields, layout)
    writer.stream.thread_type = "AUTO"
    number = 0
    for frames in _together(_decoded(writer), repair.together):
        for frame in repair.of(frames):
            writer.put_frame(frame)
            number += 1
            yield number
    writer.put_frame(None)


def _decoded(writer: ClipWriter) -> Iterator[VideoFrame]:
    """Yield the frames of a clip, and copy all other packets as they come."""
    for packet in writer.source.demux():
        if packet.stream_index != writer.stream.index:
            writer.copy_packet(packet)
            continue
        yield from (frame for frame in packet.decode() if isinstance(frame, VideoFrame))


def _together(items: Iterator[T], most: int) -> Iterator[list[T]]:
    """Yield so many items together, as they come.

    >>> list(_together(iter("abc"), 2))
    [['a', 'b'], ['c']]
    """
    while some := list(islice(items, most)):
        yield some


def _why(error: Exception) -> str:
    words = str(getattr(error, "strerror", None) or error)
    return f"cannot be repaired to its end ({words.lower()}); copy it again from the card"


def _encodable(layout: str, codec: str) -> str:
    """Return the layout that an encoder takes which stands for the same samples."""
    full = layout.startswith("yuvj") and codec != MJPEG
    return layout.replace("yuvj", "yuv") if full else layout


class _FrameRepair:
    """Repairs the places of frames, some of them together."""

    def __init__(self, depth: Depth, fields: Sequence[Field], encoded_as: str) -> None:
        self.depth, self.fields = depth, [field for field in fields if field.defects]
        self.encoded_as = encoded_as  # that the encoder takes, of the same samples
        self._steady: dict[int | None, SteadyRepair] = {}

    @property
    def together(self) -> int:
        """Return how many frames should be repaired together."""
        return frames_together(max((len(_places(each)) for each in self.fields), default=0))

    def of(self, frames: Sequence[VideoFrame]) -> list[VideoFrame]:
        """Return frames repaired, their samples changed in place."""
        ready = [self._writeable(frame) for frame in frames]
        for field in self.fields:
            rows = slice(None) if field.number is None else slice(field.number, None, 2)
            canvases = [
                PlanesCanvas(
                    [samples_of(each, self.depth)[rows] for each in frame.planes[:3]],
                    bits=self.depth.bits,
                    search=SEARCH,
                )
                for frame in ready
            ]
            if field.number not in self._steady:
                self._steady[field.number] = SteadyRepair(canvases[0], _places(field))
            self._steady[field.number].repair(canvases)
        return [self._encodable(frame) for frame in ready]

    def _writeable(self, frame: VideoFrame) -> VideoFrame:
        if frame.format.name != self.depth.stored_as:
            frame = frame.reformat(format=self.depth.stored_as)
        frame.make_writable()
        return frame

    def _encodable(self, frame: VideoFrame) -> VideoFrame:
        if frame.format.name == self.encoded_as:
            return frame
        # yuvj420p is yuv420p of full range
        planes = [np.ascontiguousarray(samples_of(each, self.depth)) for each in frame.planes]
        return _as(frame, planes, self.encoded_as)


def _as(frame: VideoFrame, planes: list[NDArray[Any]], layout: str) -> VideoFrame:
    """Return the samples of a frame under the name of another layout."""
    made = VideoFrame(frame.width, frame.height, layout)
    for plane, samples in zip(made.planes, planes, strict=True):
        own = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        own[:, : samples.shape[1]] = samples
    made.pts, made.time_base = frame.pts, frame.time_base
    made.color_range = frame.color_range
    return made


def _packet_by_packet(writer: ClipWriter, path: Path, field: Field) -> Iterator[int]:
    """Repair Motion JPEG: each packet is a JPEG file, with or without Huffman tables."""
    writer.add_streams(writer.template)
    places = _places(field)
    frames = _JpegRepair(path, places)
    waiting: deque[tuple[list[Packet[Any]], Future[list[bytes]]]] = deque()
    number, at_once = 0, 2 * usable_cores()
    with threads() as pool:
        for some in _with_frames(writer, frames_together(len(places))):
            pictures = [bytes(each) for each in some if _is_picture(each, writer)]
            waiting.append((some, pool.submit(frames.of, pictures)))
            if len(waiting) > at_once:
                number += _write(writer, *waiting.popleft())
                yield number
        while waiting:
            number += _write(writer, *waiting.popleft())
            yield number


def _is_picture(packet: Packet[Any], writer: ClipWriter) -> bool:
    return packet.stream_index == writer.stream.index


def _with_frames(writer: ClipWriter, most: int) -> Iterator[list[Packet[Any]]]:
    """Yield packets in their order, so many frames of the clip at a time."""
    some: list[Packet[Any]] = []
    frames = 0
    for packet in writer.source.demux():
        is_picture = _is_picture(packet, writer)
        if is_picture and not packet.size:
            continue
        some.append(packet)
        frames += is_picture
        if frames == most:
            yield some
            some, frames = [], 0
    yield some


def _write(writer: ClipWriter, packets: list[Packet[Any]], repaired: Future[list[bytes]]) -> int:
    """Write packets, those of frames with other bytes; return how many frames there are."""
    contents = repaired.result()
    rest = iter(contents)
    for packet in packets:
        if _is_picture(packet, writer):
            writer.put_packet(next(rest), packet)
        else:
            writer.copy_packet(packet)
    return len(contents)


class _JpegRepair:
    """Repairs the places of frames of Motion JPEG; may be called from several threads."""

    def __init__(self, path: Path, places: Sequence[Place]) -> None:
        self._path, self._places = path, places
        self._steady: dict[tuple[tuple[int, int], ...], SteadyRepair] = {}  # by planes' sizes

    def of(self, contents: Sequence[bytes]) -> list[bytes]:
        """Return frames repaired; damaged ones stay as they are."""
        tidy = [tidied(each) for each in contents]
        canvases = [self._canvas(each) for each in tidy]
        alike: dict[tuple[tuple[int, int], ...], list[JpegCanvas]] = {}
        for canvas in canvases:
            if canvas is not None:
                alike.setdefault(tuple(canvas.sizes), []).append(canvas)
        for sizes, some in alike.items():
            if sizes not in self._steady:
                self._steady[sizes] = SteadyRepair(some[0], self._places)
            self._steady[sizes].repair(some)
        return [
            self._written(canvas, whole, content)
            for canvas, whole, content in zip(canvases, tidy, contents, strict=True)
        ]

    def _canvas(self, tidy: bytes) -> JpegCanvas | None:
        try:
            return JpegCanvas(read_coefficients(tidy, self._path), self._path, search=SEARCH)
        except ReadError:
            return None

    def _written(self, canvas: JpegCanvas | None, tidy: bytes, content: bytes) -> bytes:
        if canvas is None or not canvas.changes:
            return content
        try:
            return rewritten(canvas.image, tidy, self._path, canvas.changes).content
        except ReadError:
            return content


def _require_whole(path: Path, new: Path, kept: frozenset[int], pictures: int) -> None:
    """Raise ReadError unless all frames are there, and all other streams bit for bit."""
    before = [each for at, each in enumerate(digests_of(path)) if at in kept | {pictures}]
    after = digests_of(new)
    for (kind, number, digest), (_, numbers, digests) in zip(before, after, strict=False):
        if number != numbers or (digest != digests and kind != "video"):
            raise ReadError(path, OTHER_AFTER.format(f"{kind}: {numbers} of {number} packets"))
    if len(before) != len(after):
        raise ReadError(path, OTHER_AFTER.format(f"{len(after)} of {len(before)} tracks"))


def frames_in(path: Path) -> int:
    """Return how many frames a clip has, or is said to have."""
    with opened_clip(path) as (container, stream):
        return _count(container.duration, stream)


def _count(duration: int | None, stream: VideoStream) -> int:
    if stream.frames:
        return stream.frames
    seconds = (duration or 0) / av.time_base
    return max(1, round(seconds * float(stream.average_rate or 25)))
