"""Clips: read frame by frame, found in as photos are, and refused in one line each."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.errors import ReadError
from stillpix.images import read_colour, read_frame, read_header, read_headers, video
from stillpix.images.clip_frames import MOST
from stillpix.images.gather import gather
from stillpix.maps.library import Library
from stillpix.scan import find, scan
from support.clips import film, write_clip

H264 = {"crf": "16", "g": "12", "preset": "veryfast"}
CODECS = {
    "h264.mp4": ("libx264", "yuv420p", H264, 0),
    "hevc10.mkv": ("libx265", "yuv420p10le", {"x265-params": "log-level=none:keyint=12:crf=14"}, 0),
    "mjpeg.avi": ("mjpeg", "yuvj420p", {}, 8_000_000),
    "prores.mov": ("prores_ks", "yuv422p10le", {}, 0),
    "ffv1.mkv": ("ffv1", "yuv420p", {}, 0),
}


@pytest.fixture(scope="module")
def filmed():
    return film()


def clip_of(planes, path, layout="gray", codec="ffv1"):
    """Write planes as they are: nothing is converted."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"g": "1"})
        stream.height, stream.width = planes[0].shape[:2]
        if layout.startswith("yuv420"):
            stream.height = planes[0].shape[0] * 2 // 3
        stream.pix_fmt = layout
        for number, plane in enumerate(planes):
            frame = av.VideoFrame.from_ndarray(plane, format=layout)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def reason_of(path):
    with pytest.raises(ReadError) as caught:
        for header in read_headers(path):
            read_frame(header)
    assert "\n" not in caught.value.reason
    return caught.value.reason


@pytest.mark.slow
@pytest.mark.parametrize("name", CODECS)
def test_find_finds_the_broken_pixels_of_a_panning_camera(filmed, tmp_path, name):
    codec, layout, options, bits_per_s = CODECS[name]
    path = write_clip(
        tmp_path / name, filmed.pictures, codec, layout, options=options, bits_per_s=bits_per_s
    )
    (found,) = find([path], fast=True)
    places = {(one.x, one.y) for one in found.in_state("confirmed")}
    truth = {(one.x, one.y) for one in filmed.defects}
    assert len(places & truth) >= 0.9 * len(truth)
    assert len(places - truth) <= 1
    assert found.sensor.which.startswith("video")


@pytest.mark.slow
def test_what_a_codec_copies_along_a_steady_pan_is_no_broken_pixel(tmp_path):
    rng = np.random.default_rng(8)
    wide = sum(
        share * np.asarray(Image.fromarray(rng.random((420 // px, 1400 // px), np.float32)).resize(
            (1400, 420), Image.Resampling.BICUBIC
        ))
        for px, share in ((20, 1.0), (4, 0.15))
    )  # fmt: skip
    hot = {(30 + 26 * n, 20 + 53 * n % 200): 40 + 4 * n for n in range(10)}
    pictures = []
    for number in range(120):
        left, top = 6 * number, number
        seen = 110 * wide[top : top + 240, left : left + 320] + rng.normal(0, 3, (240, 320))
        for (x, y), excess in hot.items():
            seen[y, x] += excess
        pictures.append(np.repeat(np.clip(seen, 0, 255).astype(np.uint8)[..., None], 3, axis=2))
    path = write_clip(tmp_path / "pan.mp4", pictures, options={"crf": "20"})

    (found,) = find([path], fast=True)

    assert {(one.x, one.y) for one in found.in_state("confirmed")} == set(hot)


@pytest.mark.slow
def test_a_known_clip_is_not_read_again(filmed, tmp_path):
    path = write_clip(tmp_path / "a.mp4", filmed.pictures[:30], options=H264)
    library = Library(tmp_path / "library")
    (first,) = scan(gather([path]), library=library)
    (again,) = scan(gather([path]), library=library)
    assert (first.read, again.read, again.known) == (30, 0, 30)
    assert list(again.map.defects) == list(first.map.defects)


def test_frames_come_out_the_same_in_any_order(filmed, tmp_path):
    path = write_clip(tmp_path / "a.mp4", filmed.pictures[:24], options=H264)
    headers = read_headers(path)
    digests = {header.key: read_frame(header).digest for header in headers}
    assert len(set(digests.values())) == len(headers) == 24
    assert {header.key: read_frame(header).digest for header in headers[::-1]} == digests


@pytest.mark.parametrize(
    ("layout", "dtype", "white"),
    [("gray", np.uint8, 255), ("gray10le", np.uint16, 1023), ("gray16le", np.uint16, 65535)],
)
def test_luma_is_the_plane_that_the_file_stores(tmp_path, layout, dtype, white):
    plane = np.random.default_rng(1).integers(0, white, (48, 80)).astype(dtype)
    path = clip_of([plane], tmp_path / "a.mkv", layout)
    (header,) = read_headers(path)
    frame = read_frame(header)
    assert frame.white == white
    assert np.array_equal(frame.pixels, plane)
    assert frame.origin == "a.mkv#1"


def test_a_limited_range_is_known_and_not_stretched(tmp_path):
    planes = np.full((72, 64), 128, np.uint8)  # of 48 rows, and of colours below
    planes[:48] = np.arange(16, 64)[:, None]
    path = clip_of([planes], tmp_path / "a.mkv", "yuv420p")
    (header,) = read_headers(path)
    assert header.white == 235
    assert np.array_equal(read_frame(header).pixels, planes[:48])
    assert np.array_equal(read_colour(header)[..., 1], planes[:48])


def test_colours_are_those_of_the_frame(tmp_path):
    red = np.zeros((48, 64, 3), np.uint8)
    red[...] = (200, 30, 40)
    path = write_clip(tmp_path / "a.mov", [red] * 2, "mjpeg", "yuvj444p", bits_per_s=8_000_000)
    colours = read_colour(read_header(path))
    assert np.abs(colours.astype(int) - red).max() <= 3


def test_what_a_frame_becomes_is_a_clip_of_one(filmed, tmp_path):
    path = write_clip(tmp_path / "a.mov", filmed.pictures[:2], "mjpeg", "yuvj420p")
    header = read_header(path)
    with path.open("rb") as file:
        one = video.alone(file, path, header.part.place)
    (tmp_path / "one.y4m").write_bytes(one)
    (again,) = read_headers(tmp_path / "one.y4m")
    assert np.array_equal(read_frame(again).pixels, read_frame(header).pixels)


def test_fields_are_pictures_of_their_own(filmed, tmp_path):
    options = {**H264, "flags": "+ildct+ilme", "x264-params": "tff=1"}
    path = write_clip(tmp_path / "a.mts", filmed.pictures[:12], options=options)
    headers = read_headers(path)
    assert {header.sensor.which for header in headers} == {
        "video, top field",
        "video, bottom field",
    }
    assert {header.sensor.height for header in headers} == {72}
    upper, lower = (read_frame(header).pixels for header in headers[:2])
    with av.open(str(path)) as container:
        plane = next(container.decode(video=0)).planes[0]
        first = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:, : plane.width]
    assert np.array_equal(upper, first[0::2])
    assert np.array_equal(lower, first[1::2])


def test_rotation_is_not_applied(filmed, tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 192, 144, "yuv420p"
        stream.set_display_rotation(90)
        for number, each in enumerate(filmed.pictures[:3]):
            frame = av.VideoFrame.from_ndarray(each, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert read_frame(read_header(path)).pixels.shape == (144, 192)


# Who took it


def test_the_tags_of_a_container_name_the_camera(filmed, tmp_path):
    tags = {"make": "Acme", "model": "Film One", "creation_time": "2024-05-01T10:00:00Z"}
    path = write_clip(tmp_path / "a.mp4", filmed.pictures[:3], options=H264, tags=tags)
    header = read_header(path)
    assert (header.sensor.make, header.sensor.model) == ("Acme", "Film One")
    assert header.exposure.taken.isoformat() == "2024-05-01T10:00:00"


def with_box(path, *boxes):
    """Append boxes to a clip, as makers do."""
    content = path.read_bytes()
    for name, payload in boxes:
        content += struct.pack(">I4s", 8 + len(payload), name) + payload
    path.write_bytes(content)
    return path


def klv(key, kind, payload):
    size = 1 if kind == b"c" else 0
    length = len(payload)
    return key + kind + bytes([size]) + struct.pack(">H", length) + payload + bytes(-length % 4)


def test_gopro_says_model_and_serial_number(filmed, tmp_path):
    path = write_clip(tmp_path / "a.mp4", filmed.pictures[:3], options=H264)
    told = klv(b"MINF", b"c", b"HERO11 Black") + klv(b"CASN", b"c", b"C3471325")
    device = b"DEVC\0\1" + struct.pack(">H", len(told)) + told
    block = struct.pack(">I4s", 8 + len(device), b"GPMF") + device
    sensor = read_header(with_box(path, (b"udta", block))).sensor
    assert (sensor.make, sensor.model, sensor.serial) == ("GoPro", "HERO11 Black", "C3471325")


@pytest.mark.parametrize("place", ["in the file", "beside it"])
def test_sony_says_model_and_serial_number(filmed, tmp_path, place):
    path = write_clip(tmp_path / "C0001.mp4", filmed.pictures[:3], options=H264)
    xml = (
        b'<NonRealTimeMeta><Device manufacturer="Sony" modelName="ILCE-7M3" serialNo="4012345"/>'
        b"</NonRealTimeMeta>"
    )
    if place == "in the file":
        with_box(path, (b"meta", bytes(12) + xml))
    else:
        (tmp_path / "C0001M01.XML").write_bytes(xml)
    sensor = read_header(path).sensor
    assert (sensor.make, sensor.model, sensor.serial) == ("Sony", "ILCE-7M3", "4012345")


@pytest.mark.parametrize("length", range(8, 60, 3))
def test_broken_tags_leave_the_camera_unknown(filmed, tmp_path, length):
    path = write_clip(tmp_path / "a.mp4", filmed.pictures[:2], options=H264)
    device = (b"DEVC\0\1\xff\xff" + klv(b"MINF", b"c", b"HERO"))[:length]
    block = struct.pack(">I4s", 8 + len(device), b"GPMF") + device
    assert read_header(with_box(path, (b"udta", block))).sensor.width == 192


# What cannot be used


def truncated(path, filmed):
    write_clip(path, filmed.pictures[:10], options=H264)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def sound_only(path, filmed):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))


def without_frames(path, filmed):
    write_clip(path, filmed.pictures[:2], "mjpeg", "yuvj420p")
    content = path.read_bytes()
    at = content.index(b"stsz") + 12
    path.write_bytes(content[:at] + bytes(4) + content[at + 4 :])


def encrypted(path, filmed):
    write_clip(path, filmed.pictures[:4], options=H264)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"encv"))


def list_of_files(path, filmed):
    path.write_text("ffconcat version 1.0\nfile /etc/hostname\n")


BAD = {
    "cut.mp4": (truncated, "cut short"),
    "empty.mp4": (lambda path, _: path.write_bytes(b""), "is empty"),
    "sound.mov": (sound_only, "no moving pictures"),
    "none.mov": (without_frames, "frames"),
    "locked.mp4": (encrypted, "encrypted"),
    "noise.mkv": (lambda path, _: path.write_bytes(bytes(range(256)) * 40), "damaged"),
    "list.mp4": (list_of_files, "damaged"),
    "a.mlv": (lambda path, _: path.write_bytes(b"MLVI"), "MLV App"),
    "a.braw": (lambda path, _: path.write_bytes(b"braw"), "DaVinci Resolve"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_clip_that_cannot_be_used_is_refused_in_one_line(filmed, tmp_path, name):
    make, words = BAD[name]
    make(tmp_path / name, filmed)
    reason = reason_of(tmp_path / name)
    assert words in reason
    assert ";" in reason  # and a remedy


def test_a_damaged_clip_is_named_once_and_its_other_frames_are_used(filmed, tmp_path):
    path = write_clip(tmp_path / "a.mp4", filmed.pictures[:20], options={"g": "1"})
    with av.open(str(path)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    for start in places[5:9]:
        content[start : start + 200] = bytes(200)
    path.write_bytes(bytes(content))
    (body,) = scan(gather([path]), fast=True)
    assert body.read == 16
    assert len(body.skipped) == 1


@pytest.mark.slow
def test_mutated_clips_are_read_or_refused(filmed, tmp_path):
    rng = np.random.default_rng(7)
    for name, (codec, layout, options, _) in CODECS.items():
        whole = write_clip(tmp_path / name, filmed.pictures[:6], codec, layout, options=options)
        content = np.frombuffer(whole.read_bytes(), np.uint8)
        for _ in range(8):
            bad = content.copy()
            bad[rng.integers(0, bad.size, 40)] = rng.integers(0, 256, 40)
            whole.write_bytes(bad[: rng.integers(bad.size // 3, bad.size)].tobytes())
            try:
                for header in read_headers(whole):
                    read_frame(header)
            except ReadError as error:
                assert "\n" not in error.reason


def test_without_the_reader_clips_in_folders_are_left_out(filmed, tmp_path, monkeypatch):
    write_clip(tmp_path / "a.mp4", filmed.pictures[:3], options=H264)
    monkeypatch.setattr("stillpix.images.searching.CLIP_READER", "no_such_package")
    found = gather([tmp_path])
    assert not found.bodies
    assert not found.skipped
    assert found.warnings == ["left out: 1 video (pip install 'stillpix[video]' to use them)"]


def test_find_takes_photos_and_clips_of_a_folder_for_different_modes(filmed, tmp_path):
    from PIL import Image

    write_clip(tmp_path / "a.mp4", filmed.pictures[:4], options=H264)
    for number in range(4):
        Image.fromarray(filmed.pictures[number]).save(tmp_path / f"{number}.png")
    answer = CliRunner().invoke(app, ["find", str(tmp_path), "--out", str(tmp_path), "--fast"])
    assert answer.exit_code == 0, answer.output
    assert len(list(tmp_path.glob("*.stillpix.json"))) == 2


def test_no_clip_asks_for_more_frames_than_a_finder_needs(tmp_path):
    planes = [np.full((48, 64), 16 + n % 200, np.uint8) for n in range(MOST + 30)]
    path = clip_of(planes, tmp_path / "a.mkv", "gray")
    assert len(read_headers(path)) == MOST
    assert len({header.key for header in read_headers(Path(path))}) == MOST
