"""A clip's container, opened by PyAV: its frames one by one, as the decoder gives them.

Reads local files of known containers and nothing that they point to. Never rotates, never scales,
and gives no frame that its decoder calls corrupt.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, TypeAlias

import av
import av.logging
from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from stillpix.errors import ReadError
from stillpix.images.clip_frames import MOST, Chosen, Entry, chosen_of, timed
from stillpix.images.clip_tags import sample_kinds
from stillpix.images.remote import is_remote

# What may be opened: a list of other files, such as ffconcat and HLS, is none of them.
CONTAINERS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mxf,yuv4mpegpipe,asf,ogg,dv,h264,hevc,"
    "m4v,mpegvideo,obu,ivf,flv,nut"
)
OPTIONS: Final = {"protocol_whitelist": "file", "format_whitelist": CONTAINERS}
LISTED_BELOW: Final = 64 << 20  # bytes of a file without an index that is read to make one
STEP_S: Final = 0.5  # between frames of a longer one
KEPT: Final = 4  # frames that were passed on the way to another, and are asked for next
EARLIER_S: Final = 30.0  # before a key frame that a seek went past, from where it is read up to it
FIELDS: Final = frozenset({2, 3, 4, 5})  # of AVFieldOrder: pictures of two moments
MOVIES: Final = frozenset({".mp4", ".mov", ".m4v", ".qt", ".3gp", ".3g2"})  # they have an index
FIELD_WORDS: Final = ("top field", "bottom field")  # in the order of their first rows
ENCRYPTED: Final = frozenset({"encv", "drmi"})
MAKERS_RAW: Final = {
    **dict.fromkeys(
        ("aprn", "aprh"),
        ("ProRes RAW", "convert it to ProRes 422 HQ with the editor that you use"),
    ),
    **dict.fromkeys(
        ("brst", "brvn", "brs2", "brxq"),
        ("Blackmagic RAW", "convert it to ProRes or to TIFF with DaVinci Resolve"),
    ),
}
CUT_OR_DAMAGED = (
    "is a damaged clip, or one that is cut short ({}); copy it again from the card, or leave it out"
)
NO_PICTURES = "holds sound or data and no moving pictures; leave it out"
NO_FRAMES = "holds no frames; the recording was never finished: copy it again, or delete it"
REMOTE_CLIP = "is a clip, and clips are read from disks only; copy it to this computer"
LOCKED = "is encrypted (copy protection), so its frames cannot be read; leave it out"
NO_DECODER = (
    "holds moving pictures of a kind ({}) that cannot be decoded; convert it to ProRes or H.264"
    " of high quality with the program of the camera's maker"
)
DAMAGED_FRAMES = (
    "has frames that cannot be decoded (damaged or cut short); the others are used; copy it again"
    " from the card"
)
Listing: TypeAlias = Literal["index", "packets", "times"]
av.logging.set_level(None)


@contextmanager
def opened_clip(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a clip and give its container and its moving pictures; raise ReadError."""
    if is_remote(path):
        raise ReadError(path, REMOTE_CLIP)
    try:
        container = av.open(f"file:{path}", options=OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, ValueError) as error:
        raise ReadError(path, CUT_OR_DAMAGED.format(_words(error))) from error
    with container:
        yield container, _pictures_in(container, path)


def _words(error: Exception) -> str:
    """Return what libav says, without the name of the file."""
    return str(getattr(error, "strerror", None) or error).rstrip(".").lower()


def _pictures_in(container: InputContainer, path: Path) -> VideoStream:
    found = [each for each in container.streams.video if not _is_cover(each)]
    if not found:
        raise ReadError(path, NO_PICTURES)
    best = container.streams.best("video")
    stream = best if isinstance(best, VideoStream) and best in found else found[0]
    context: VideoCodecContext | None = stream.codec_context
    if context is None or context.format is None or not context.width:
        if path.suffix.lower() in MOVIES and not len(stream.index_entries):
            raise ReadError(path, NO_FRAMES)
        raise ReadError(path, _why_undecoded(path))
    return stream


def _why_undecoded(path: Path) -> str:
    """Return why no decoder takes a clip's frames: of a movie, what its sample table says."""
    with path.open("rb") as file:
        kinds = sample_kinds(file)
    if ENCRYPTED & kinds:
        return LOCKED
    for kind in sorted(kinds & MAKERS_RAW.keys()):
        name, remedy = MAKERS_RAW[kind]
        return f"is a {name} clip, which is not read; {remedy}"
    return NO_DECODER.format(", ".join(sorted(kinds)) or "unknown")


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def frames_of(
    container: InputContainer, stream: VideoStream, path: Path
) -> tuple[list[Chosen], Listing]:
    """Return the frames of a clip that are looked at, those first that tell most, and from what.

    They follow from the container's index, else from all its packets, or of a long clip from
    evenly spread times.
    """
    entries = [Entry(each.timestamp, each.is_keyframe) for each in stream.index_entries]
    if len(entries) > 1:
        return chosen_of(entries), "index"
    length, base = stream.duration, stream.time_base or 1
    if length is None and container.duration:
        length = int(container.duration / av.time_base / base)
    if path.stat().st_size <= LISTED_BELOW or not length:
        return chosen_of(_listed(container, stream)), "packets"
    steps = min(MOST, max(1, int(length * base / STEP_S)))
    return timed(stream.start_time or 0, length, steps), "times"


def _listed(container: InputContainer, stream: VideoStream) -> list[Entry]:
    entries = list[Entry]()
    try:
        for packet in container.demux(stream):
            at = packet.pts if packet.pts is not None else packet.dts
            if at is not None and packet.size:
                entries.append(Entry(at, packet.is_keyframe))
    except av.FFmpegError:  # what comes before the damage is there
        pass
    return entries


class ClipReader:
    """A clip that is read forward from key frames; for one thread at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self._opening = opened_clip(path)
        self._container, self.stream = self._opening.__enter__()
        self.stream.thread_type = "AUTO"
        wanted, self._listing = frames_of(self._container, self.stream, path)
        self._wanted = {(one.key, one.after) for one in wanted if one.after}
        self._passed: OrderedDict[tuple[int, int], VideoFrame] = OrderedDict()
        self._coming: Iterator[VideoFrame] = iter(())
        self._last: VideoFrame | None = None
        self._key, self._next = 0, -1  # what is being decoded: -1: nothing

    def close(self) -> None:
        """Close the file; wait for a thread that reads in it."""
        with self.lock:
            self._coming = iter(())
            self._opening.__exit__(None, None, None)

    def frame(self, key: int, after: int) -> VideoFrame:
        """Return the frame that comes so many after a key frame; raise ReadError."""
        try:
            found = self._frame(key, after)
        except av.FFmpegError as error:
            self._next = -1
            raise ReadError(self.path, DAMAGED_FRAMES) from error
        if found is None or found.is_corrupt:
            raise ReadError(self.path, DAMAGED_FRAMES)
        return found

    def _frame(self, key: int, after: int) -> VideoFrame | None:
        if (key, after) in self._passed:
            return self._passed.pop((key, after))
        if self._next < 0 or key != self._key or after < self._next or not after:
            self._coming, self._key, self._next = self._from(key, alone=not after), key, 0
            self._last = None
        while self._next < after:
            passed = self._step()
            if passed is not None and (key, self._next) in self._wanted:
                self._passed[key, self._next] = passed
                if len(self._passed) > KEPT:
                    self._passed.popitem(last=False)
            self._next += 1
        found = self._step()
        self._next = self._next + 1 if after else -1
        return found

    def _step(self) -> VideoFrame | None:
        """Return the next frame; after the last one that again.

        Frames that lean on those before the key frame do not come.
        """
        self._last = next(self._coming, self._last)
        return self._last

    def _from(self, key: int, *, alone: bool) -> Iterator[VideoFrame]:
        """Yield the frames from a key frame on, or only that one."""
        context = self.stream.codec_context
        for start in (key, key - round(EARLIER_S / (self.stream.time_base or 1))):
            self._container.seek(start, stream=self.stream, backward=True)
            context.flush_buffers()
            begun = False
            for packet in self._container.demux(self.stream):
                begun = begun or self._is_at(packet, key)
                if begun:
                    yield from packet.decode()
                    if alone:
                        yield from context.decode(None)
                        context.flush_buffers()
                        return
            if begun:
                return

    def _is_at(self, packet: Packet[VideoStream], key: int) -> bool:
        """Return whether a packet is the key frame that is meant: a seek may end before it.

        Indices count by the time of decoding. A damaged frame does not look like a key frame.
        """
        if self._listing == "index":
            return packet.dts is not None and packet.dts >= key
        at = packet.pts if packet.pts is not None else packet.dts
        is_later = self._listing == "times" or at is None or at >= key
        return packet.is_keyframe and is_later


_OPEN: OrderedDict[tuple[Path, int, int], ClipReader] = OrderedDict()
_OPENING = threading.Lock()
MOST_OPEN: Final = 2


@contextmanager
def reading(path: Path) -> Iterator[ClipReader]:
    """Give a clip's reader, alone; it stays open for the next frame until other clips are read."""
    status = path.stat()
    name = path, status.st_size, status.st_mtime_ns
    with _OPENING:
        reader = _OPEN.get(name)
        if reader is None:
            reader = _OPEN[name] = ClipReader(path)
        _OPEN.move_to_end(name)
        closing = [_OPEN.popitem(last=False)[1]] if len(_OPEN) > MOST_OPEN else []
    for each in closing:
        each.close()
    with reader.lock:
        yield reader
