"""A clip's container, written by PyAV: one stream made anew, all others copied bit for bit.

Never decides what is in a frame. The file is one that the caller renames when it is whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from blake3 import blake3

from stillpix.errors import ReadError

# Codecs by which every sample comes back as it was.
LOSSLESS: Final = frozenset({
    "ffv1", "rawvideo", "huffyuv", "ffvhuff", "utvideo", "v210", "v410", "r210", "png", "magicyuv",
})  # fmt: skip
MASTER: Final = ("ffv1", {"level": "3", "slicecrc": "1", "g": "1"})
# What encodes each codec again, and at which quality; "": at the bit rate of the source.
ENCODERS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "h264": ("libx264", {"crf": "16", "preset": "medium"}),
    "hevc": ("libx265", {"crf": "18", "preset": "medium", "x265-params": "log-level=none"}),
    "av1": ("libsvtav1", {"crf": "20", "preset": "8", "svtav1-params": "rc=0"}),
    "vp9": ("libvpx-vp9", {"crf": "18", "b": "0", "row-mt": "1", "cpu-used": "4"}),
    "vp8": ("libvpx", {}),
    "prores": ("prores_ks", {}),
    "dnxhd": ("dnxhd", {}),
    "mpeg2video": ("mpeg2video", {}),
    "mpeg4": ("mpeg4", {}),
    "dvvideo": ("dvvideo", {}),
}
PRORES: Final = {"apco": "0", "apcs": "1", "apcn": "2", "apch": "3", "ap4h": "4", "ap4x": "5"}
INTERLACED: Final = 1 << 18 | 1 << 29  # of AVCodecContext.flags: transform and motion by field
MOVIES: Final = frozenset({"mov", "mp4"})  # of libav's formats
KEPT_TAGS: Final = {"movflags": "use_metadata_tags"}
TOP_FIRST: Final = frozenset({2, 4})  # of AVFieldOrder
NOT_WRITTEN: Final = (
    "cannot be written back with {} ({}); give --lossless for a master (FFV1 in MKV), or export the"
    " map for an editor"
)


class ClipWriter:
    """A new clip beside an old one: what comes from where, and what was written."""

    def __init__(
        self, source: InputContainer, stream: VideoStream, target: OutputContainer
    ) -> None:
        self.source, self.stream, self.target = source, stream, target
        self.made: Any = None  # the stream that takes the place of the moving pictures
        self.left_out: list[str] = []  # streams that this container cannot hold
        self._copies: dict[int, Stream] = {}
        target.metadata.update(source.metadata)
        with suppress(av.FFmpegError, ValueError):
            target.set_chapters(source.chapters())

    @property
    def copied(self) -> frozenset[int]:
        """Return the numbers of the streams that are copied."""
        return frozenset(self._copies)

    def add_streams(self, make: Any) -> None:
        """Add all streams in the order of the source; `make` adds that of the moving pictures."""
        for each in self.source.streams:
            if each.index == self.stream.index:
                self.made = make()
                self.made.metadata.update(each.metadata)
                continue
            try:
                copy = self.target.add_stream_from_template(each)
                copy.metadata.update(each.metadata)
            except (av.FFmpegError, ValueError, TypeError, AttributeError):
                self.left_out.append(each.type)
                continue
            self._copies[each.index] = copy

    def copy_packet(self, packet: Packet[Any]) -> None:
        """Write a packet of another stream as it is."""
        copy = self._copies.get(packet.stream_index)
        if copy is not None and packet.dts is not None:
            packet.stream = copy
            self.target.mux(packet)

    def put_packet(self, content: bytes, like: Packet[Any]) -> None:
        """Write a packet in the place of one of the moving pictures."""
        packet = Packet(content)
        packet.pts, packet.dts, packet.duration = like.pts, like.dts, like.duration
        packet.time_base, packet.is_keyframe = like.time_base, like.is_keyframe
        packet.stream = self.made
        self.target.mux(packet)

    def put_frame(self, frame: VideoFrame | None) -> None:
        """Encode a frame; None ends the clip."""
        self.target.mux(self.made.encode(frame))

    def template(self) -> Any:
        """Add the moving pictures as they are coded."""
        return self.target.add_stream_from_template(self.stream)

    def encoder(self, name: str, options: dict[str, str], layout: str) -> Any:
        """Add moving pictures that are encoded, with all that the source says of them."""
        old = self.stream.codec_context
        rate = self.stream.average_rate or self.stream.guessed_rate or Fraction(25)
        made: Any = self.target.add_stream(name, rate=rate, options=options)
        new = made.codec_context
        made.width, made.height, made.pix_fmt = old.width, old.height, layout
        made.time_base = new.time_base = self.stream.time_base
        if old.sample_aspect_ratio:
            made.sample_aspect_ratio = old.sample_aspect_ratio
        new.color_range, new.colorspace = old.color_range, old.colorspace
        new.color_primaries, new.color_trc = old.color_primaries, old.color_trc
        if "crf" not in options and name not in {"prores_ks", "ffv1"}:
            made.bit_rate = rate_of(self.source, self.stream)
        return made


def rate_of(container: InputContainer, stream: VideoStream) -> int:
    """Return the bits per second of a clip's moving pictures, or of the whole file."""
    return stream.codec_context.bit_rate or container.bit_rate or 20_000_000


def settings_of(stream: VideoStream) -> tuple[str, dict[str, str]]:
    """Return the encoder of a clip's own codec and its settings; KeyError where there is none."""
    context = stream.codec_context
    name = context.name.removeprefix("lib")
    name = {"dav1d": "av1", "aom-av1": "av1", "vpx-vp9": "vp9", "vpx": "vp8"}.get(name, name)
    if name in LOSSLESS:
        return name, {}
    encoder, options = ENCODERS[name]
    options = dict(options)
    if name == "prores":
        options |= {"profile": PRORES.get(context.codec_tag, "3"), "vendor": "apl0"}
    elif name == "dnxhd" and str(context.profile or "").upper().startswith("DNXHR"):
        options |= {"profile": str(context.profile).lower().replace(" ", "_")}
    elif name == "h264" and int(context.field_order) > 1:
        order = "tff" if int(context.field_order) in TOP_FIRST else "bff"
        options |= {"x264-params": f"{order}=1"}
    return encoder, options


@contextmanager
def new_clip(path: Path, like: Path, form: str) -> Iterator[OutputContainer]:
    """Give a new container of libav's format `form`; raise ReadError of the old one."""
    options = KEPT_TAGS if form in MOVIES else {}
    try:
        target = av.open(f"file:{path}", "w", format=form, options=dict(options))
    except (av.FFmpegError, ValueError) as error:
        words = str(getattr(error, "strerror", None) or error)
        raise ReadError(like, NOT_WRITTEN.format(form, words)) from error
    with target:
        yield target


def digests_of(path: Path) -> list[tuple[str, int, str]]:
    """Return type, number of packets and digest of each stream of a clip, as it is coded."""
    with av.open(f"file:{path}", metadata_errors="replace") as container:
        found = {each.index: (each.type, blake3()) for each in container.streams}
        numbers = dict.fromkeys(found, 0)
        for packet in container.demux():
            if packet.size:
                numbers[packet.stream_index] += 1
                found[packet.stream_index][1].update(bytes(packet))
    return [(kind, numbers[at], told.hexdigest(length=16)) for at, (kind, told) in found.items()]
