"""Videos of a simulated camera: what is found in them by codec, how they are repaired, how fast.

A camera pans over one scene (or shakes, or stands on a tripod while the light changes). The same
frames are encoded a second time without defects: the difference of the two, decoded, is the
excess that is left of each pixel. Prints one line a codec; times are of the processor, all its
threads together.

    python benchmarks/bench_video.py --size 1920x1080 --frames 120
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

import stillpix
from stillpix.images import read_frame, read_headers
from stillpix.images.clip_reader import opened_clip
from stillpix.images.clip_writing import settings_of
from stillpix.maps.records import Defect, DefectMap
from stillpix.simulate import CameraSettings, SimulatedCamera
from stillpix.simulate.processing import picture, raw_light
from stillpix.simulate.scenes import dead_leaves, lens_blur, texture_tile
from stillpix.simulate.sensor import Shot, capture, sites_of

RATE, PAN_PX, SHAKE_PX = 30, 11, 2.5
SHOWS = 10.0  # levels of excess from which a pixel is asked for
FOOTPRINT = 8  # px around a place that are not looked at outside it
PLACES = 20
SHARES = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Codec:
    """One way in which cameras encode clips."""

    name: str
    suffix: str
    encoder: str
    layout: str
    options: dict[str, str]
    bits_per_s: int = 0  # at 1920x1080; of smaller frames as many a pixel


X264 = {"preset": "fast", "g": "30"}
FIELDS = {**X264, "flags": "+ildct+ilme", "x264-params": "tff=1"}
X265 = {"preset": "ultrafast", "x265-params": "log-level=none:keyint=30"}
CODECS = (
    Codec("H.264, 8 Mb/s", ".mp4", "libx264", "yuv420p", X264, 8_000_000),
    Codec("H.264, 25 Mb/s", ".mp4", "libx264", "yuv420p", X264, 25_000_000),
    Codec("H.264, 25 Mb/s, interlaced", ".mts", "libx264", "yuv420p", FIELDS, 25_000_000),
    Codec("HEVC, 10 bit, 25 Mb/s", ".mp4", "libx265", "yuv420p10le", X265, 25_000_000),
    Codec("MJPEG, 100 Mb/s", ".mov", "mjpeg", "yuvj420p", {}, 100_000_000),
    Codec("ProRes HQ, 10 bit", ".mov", "prores_ks", "yuv422p10le", {"profile": "3"}),
    Codec("FFV1", ".mkv", "ffv1", "yuv420p", {}),
)  # fmt: skip


def film(
    camera: SimulatedCamera, frames: int, way: str, seed: int
) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Return each frame of the camera, and of one without defects."""
    settings, rng = camera.settings, np.random.default_rng([seed, 99])
    width, height = settings.width, settings.height
    span = PAN_PX * frames if way == "pan" else 40
    wide = (height + 40, width + span)
    light = lens_blur(dead_leaves(rng, texture_tile(rng), wide, shares=(0.0, 0.2)).light, 0.8)
    shake = np.clip(rng.normal(20, SHAKE_PX, (frames, 2)), 0, 39).astype(int)

    def taken(index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        left, top = {"pan": (PAN_PX * index, 20), "hand": tuple(shake[index])}.get(way, (20, 20))
        bright = 1 + 0.6 * np.sin(index / 9) if way == "tripod" else 1.0
        shot = Shot(1 / 50, 4.0, 4.0, 25.0, bright)
        seen = light[top : top + height, left : left + width] * np.float32(bright)
        sites = sites_of(raw_light(seen, settings), settings.cfa)
        both = []
        for defects in (tuple(camera.defects), ()):
            noise = np.random.default_rng([seed, index])
            own = (settings, camera._pattern)
            mosaic = capture(noise, sites, shot, own, (defects, index, seed))
            both.append(picture(mosaic, settings, shot.gain))
        return both[0], both[1]

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(taken, range(frames)))


def write(path: Path, pictures: Sequence[NDArray[np.uint8]], codec: Codec) -> None:
    """Encode a clip."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec.encoder, rate=RATE, options=dict(codec.options))
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = codec.layout
        if codec.bits_per_s:
            height, width = pictures[0].shape[:2]
            stream.bit_rate = codec.bits_per_s * height * width // (1080 * 1920)
        for number, each in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(each, format="rgb24").reformat(format=codec.layout)
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def lumas(path: Path) -> Iterator[NDArray[np.float32]]:
    """Yield the luma of each frame, in levels of 0 to 255."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for frame in container.decode(stream):
            plane, bits = frame.planes[0], frame.format.components[0].bits
            rows = np.frombuffer(memoryview(plane), np.uint8 if bits == 8 else np.uint16)
            rows = rows.reshape(plane.height, -1)[:, : plane.width]
            yield rows.astype(np.float32) / np.float32(2 ** (bits - 8))


def excess_in(bad: Path, sound: Path) -> NDArray[np.float64]:
    """Return by how many levels each pixel of the frames that find takes departs in the mean."""
    total, number = np.zeros(1), 0
    others = {header.key[1]: header for header in read_headers(sound)}
    for header in read_headers(bad):
        if (twin := others.get(header.key[1])) is None:
            continue
        scale = 255 / (2 ** int(np.ceil(np.log2(header.white + 1))) - 1)
        off = read_frame(header).pixels.astype(np.float64) - read_frame(twin).pixels
        if header.part is not None and len(header.part.place) > 2:
            whole = np.zeros((off.shape[0] * 2, off.shape[1]))
            whole[header.part.place[2] :: 2] = 2 * off  # each row is seen in every other picture
            off = whole
        total, number = total + off * scale, number + 1
    return total / number


def finding(bad: Path, sound: Path, camera: SimulatedCamera) -> dict[str, Any]:
    """Return what is found in a clip of what is left in its frames, and how fast."""
    excess = excess_in(bad, sound)
    planted = {(one.x, one.y) for one in camera.defects}
    shown = {(x, y) for x, y in planted if abs(excess[y, x]) >= SHOWS}
    for header in read_headers(bad):  # the file is in memory by now
        read_frame(header)
    begun = time.process_time()
    for header in sorted(read_headers(bad), key=lambda each: each.key):
        read_frame(header)
    decoding = time.process_time() - begun
    begun = time.process_time()
    maps = stillpix.find([bad], fast=True)
    taken = time.process_time() - begun
    found, stated, photos = set[tuple[int, int]](), 0.0, 0
    for one in maps:
        side = ("top field" in one.sensor.which, "bottom field" in one.sensor.which)
        for defect in one.in_state("confirmed"):
            for x, y in defect.pixels():
                found.add((x, 2 * y + side[1] if any(side) else y))
        stated += one.detection.expected_false or 0.0
        photos += one.evidence.photos
    near = {(x + i, y + j) for x, y in planted for i in (-1, 0, 1) for j in (-1, 0, 1)}
    return {
        "planted": len(planted), "left": len(shown), "found": len(shown & found),
        "false": len(found - near), "stated": stated, "frames": photos,
        "decoding": decoding, "find": taken,
    }  # fmt: skip


def psnr(error: NDArray[Any]) -> float:
    """Return the peak signal-to-noise ratio in dB."""
    return float(10 * np.log10(255**2 / max(float(np.mean(error.astype(np.float64) ** 2)), 1e-9)))


def plain_encoding(path: Path, new: Path) -> float:
    """Encode a clip again without a repair, with fix's settings; return the CPU's seconds."""
    begun = time.process_time()
    with opened_clip(path) as (source, stream), av.open(str(new), "w") as target:
        name, options = settings_of(stream)
        made: Any = target.add_stream(name, rate=stream.average_rate, options=options)
        context = stream.codec_context
        made.width, made.height, made.pix_fmt = context.width, context.height, context.pix_fmt
        stream.thread_type = "AUTO"
        for frame in source.decode(stream):
            target.mux(made.encode(frame))
        target.mux(made.encode(None))
    return time.process_time() - begun


def repairing(bad: Path, sound: Path, camera: SimulatedCamera, folder: Path) -> dict[str, Any]:
    """Return how well and how fast a clip is repaired at some places that show."""
    excess = np.abs(excess_in(bad, sound))
    ranked = sorted(camera.defects, key=lambda one: -excess[one.y, one.x])[:PLACES]
    places = tuple(Defect(x=one.x, y=one.y, state="confirmed") for one in ranked)
    sensor = read_headers(bad)[0].sensor.in_folder(str(bad.parent.resolve()))
    new, plain = folder / f"fixed{bad.suffix}", folder / f"plain{bad.suffix}"
    begun = time.process_time()
    stillpix.fix(bad, DefectMap(sensor, places), new, force=True)
    taken = time.process_time() - begun
    begun = time.process_time()
    frames = sum(1 for _ in lumas(bad))
    decoding = time.process_time() - begun
    is_encoded = bad.suffix == ".mp4"
    encoding = plain_encoding(bad, plain) if is_encoded else 0.0
    far = np.ones(excess.shape, bool)
    for one in places:
        rows, columns = (slice(max(0, at - 2 * FOOTPRINT), at + 2 * FOOTPRINT + 1)
                         for at in (one.y, one.x))  # fmt: skip
        far[rows, columns] = False
    at = tuple(np.array([(one.y, one.x) for one in places]).T)
    off: dict[str, list[NDArray[Any]]] = {"before": [], "after": [], "outside": [], "plain": []}
    for old, mine, good in zip(lumas(bad), lumas(new), lumas(sound), strict=True):
        off["before"].append((old - good)[at])
        off["after"].append((mine - good)[at])
        off["outside"].append((mine - old)[far])
    for old, other in zip(lumas(bad), lumas(plain), strict=True) if is_encoded else ():
        off["plain"].append((other - old)[far])
    return {
        **{name: psnr(np.concatenate(each)) if each else 0.0 for name, each in off.items()},
        "equal": all(not each.any() for each in off["outside"]),
        "frames": frames, "fix": taken, "encoding": encoding, "decoding": decoding,
    }  # fmt: skip


def camera_of(size: tuple[int, int], seed: int, defects: int) -> SimulatedCamera:
    """Return a camera whose defects lie around what a codec leaves."""
    settings = CameraSettings(
        width=size[0], height=size[1], defects=defects, amplitude_sigma=(1.5, 40.0),
        kind_shares=(("hot", 0.6), ("stuck", 0.25), ("dead", 0.15)), cosmic_rays=0.0, dust=0,
    )  # fmt: skip
    return SimulatedCamera(settings, seed)


def tell(name: str, way: str, told: dict[str, Any]) -> None:
    """Print a line of what was found."""
    print(
        f"{name:28} {way:7} {told['planted']:4} planted, {told['left']:4} left, "
        f"{told['found'] / max(told['left'], 1):.2f} of them found, {told['false']} false "
        f"({told['stated']:.2f} stated); {told['frames']} frames, find {told['find']:.1f} s of "
        f"CPU, decoding {told['decoding']:.1f} s",
        flush=True,
    )


def tell_repair(name: str, told: dict[str, Any]) -> None:
    """Print a line of how a clip was repaired."""
    outside = "equal" if told["equal"] else f"{told['outside']:.1f} dB"
    if told["encoding"]:
        outside += f" (plain encoding {told['plain']:.1f} dB, in {told['encoding']:.1f} s)"
    print(
        f"{name:28} at places {told['before']:.1f} -> {told['after']:.1f} dB, outside {outside}; "
        f"fix {told['fix']:.1f} s of CPU for {told['frames']} frames, "
        f"decoding {told['decoding']:.1f} s",
        flush=True,
    )


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--defects", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ways", nargs="+", default=["pan"], choices=["pan", "hand", "tripod"])
    parser.add_argument("--only", default="", help="part of the codec's name")
    parser.add_argument("--no-repair", action="store_true")
    asked = parser.parse_args()
    width, _, height = asked.size.partition("x")
    camera = camera_of((int(width), int(height)), asked.seed, asked.defects)
    for way in asked.ways:
        frames = film(camera, asked.frames, way, asked.seed)
        for codec in CODECS:
            if asked.only not in codec.name:
                continue
            with TemporaryDirectory() as folder:
                bad, sound = (Path(folder, f"{each}{codec.suffix}") for each in ("bad", "sound"))
                for path, which in ((bad, 0), (sound, 1)):
                    write(path, [each[which] for each in frames], codec)
                tell(codec.name, way, finding(bad, sound, camera))
                if not asked.no_repair and way == "pan" and "interlaced" not in codec.name:
                    tell_repair(codec.name, repairing(bad, sound, camera, Path(folder)))


if __name__ == "__main__":
    main()
