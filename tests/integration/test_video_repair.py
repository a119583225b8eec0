"""Clips are repaired frame by frame: without loss where their codec allows it, and steadily."""

from __future__ import annotations

from fractions import Fraction
from io import BytesIO

import av
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from stillpix import fix
from stillpix.cli import app
from stillpix.errors import ReadError, SensorMismatchError, WriteError
from stillpix.images import read_headers
from stillpix.images.clip_reader import opened_clip
from stillpix.images.clip_writing import digests_of, settings_of
from stillpix.images.gather import gather
from stillpix.maps import write_map
from stillpix.maps.records import Defect, DefectMap
from stillpix.restoration.destinations import Placement, routes
from stillpix.restoration.fix import repair_bodies
from stillpix.restoration.targets import listed_in
from stillpix.watch import Watch
from support.clips import film, write_clip

FRAMES = 24
H264 = {"crf": "14", "g": "12", "preset": "veryfast"}
CODECS = {
    "a.mov": ("mjpeg", "yuvj420p", {}, 8_000_000),
    "a.avi": ("mjpeg", "yuvj422p", {}, 8_000_000),
    "a.mkv": ("ffv1", "yuv420p", {}, 0),
    "a.mp4": ("libx264", "yuv420p", H264, 0),
    "b.mkv": ("libx265", "yuv420p10le", {"x265-params": "log-level=none:crf=12"}, 0),
    "b.mov": ("prores_ks", "yuv422p10le", {}, 0),
}
LOSSLESS = {"a.mov", "a.avi", "a.mkv"}


@pytest.fixture(scope="module")
def filmed():
    return film()


def clip(folder, filmed, name, frames=FRAMES, **more):
    codec, layout, options, bits_per_s = CODECS[name]
    folder.mkdir(exist_ok=True)
    pictures = filmed.pictures[:frames]
    return write_clip(
        folder / name, pictures, codec, layout, options=options, bits_per_s=bits_per_s, **more
    )


def map_of(path, filmed):
    defects = tuple(Defect(x=d.x, y=d.y, state="confirmed") for d in filmed.defects)
    return DefectMap(read_headers(path)[0].sensor.in_folder(str(path.parent)), defects)


def planes_in(path, plane=0):
    """Return a plane of all frames in levels of 0 to 255, (frames, rows, columns)."""
    found = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            own, bits = frame.planes[plane], frame.format.components[0].bits
            dtype = np.uint8 if bits == 8 else np.uint16
            rows = np.frombuffer(memoryview(own), dtype).reshape(own.height, -1)[:, : own.width]
            found.append(rows / 2.0 ** (bits - 8))
    return np.array(found)


def away_from(defects, shape, px):
    far = np.ones(shape, bool)
    for d in defects:
        far[max(0, d.y - px) : d.y + px + 1, max(0, d.x - px) : d.x + px + 1] = False
    return far


def psnr(errors):
    return 10 * np.log10(255**2 / max(float((errors**2).mean()), 1e-9))


def errors_at(path, filmed, planes):
    """Return how far the planes are at the broken pixels from those of a sound sensor."""
    with av.open(str(path)) as container:
        full = container.streams.video[0].codec_context.format.name.startswith("yuvj")
    luma = np.array(
        [each @ np.array([0.299, 0.587, 0.114]) for each in filmed.sound[: len(planes)]]
    )
    luma = luma if full else luma * 219 / 255 + 16
    ys, xs = zip(*((d.y, d.x) for d in filmed.defects), strict=True)
    return (planes - luma)[:, ys, xs]


@pytest.mark.slow
@pytest.mark.parametrize("name", CODECS)
def test_the_places_are_repaired_and_the_rest_stays(filmed, tmp_path, name):
    path, new = clip(tmp_path / "in", filmed, name, sound=name == "a.mov"), tmp_path / "out" / name
    verdicts = fix(path, map_of(path, filmed), new)
    before, after = planes_in(path), planes_in(new)
    assert sum(verdict.outcome == "repaired" for verdict in verdicts) >= 0.9 * len(filmed.defects)
    assert after.shape == before.shape
    gain = psnr(errors_at(path, filmed, after)) - psnr(errors_at(path, filmed, before))
    assert gain >= 10
    off = (after - before)[:, away_from(filmed.defects, before.shape[1:], 16)]
    if name in LOSSLESS:
        assert not off.any()
    else:
        assert psnr(off) > 38
    (kept, *others), (_, *copied) = digests_of(path), digests_of(new)
    assert copied == others
    assert kept[1] == FRAMES


@pytest.mark.slow
def test_a_master_is_lossless_outside_the_places(filmed, tmp_path):
    path = clip(tmp_path / "in", filmed, "a.mp4", sound=False)
    map_path = tmp_path / "a.stillpix.json"
    write_map(map_of(path, filmed), map_path)
    out = tmp_path / "out"
    answer = CliRunner().invoke(
        app, ["fix", str(path), "--map", str(map_path), "--out", str(out), "--lossless"]
    )
    assert answer.exit_code == 0, answer.output
    assert "FFV1 in MKV" in answer.stderr
    for plane, px in ((0, 3), (1, 6), (2, 6)):
        before, after = planes_in(path, plane), planes_in(out / "a.mp4.mkv", plane)
        scale = before.shape[1] / 144
        far = away_from(filmed.defects, (144, 192), px)[:: round(1 / scale), :: round(1 / scale)]
        assert np.array_equal(after[:, far], before[:, far])
        assert (after != before).any()


@pytest.mark.slow
def test_outside_the_places_it_is_as_good_as_a_plain_encoding(filmed, tmp_path):
    path, new = clip(tmp_path / "in", filmed, "a.mp4"), tmp_path / "out" / "a.mp4"
    fix(path, map_of(path, filmed), new)
    plain = tmp_path / "plain.mp4"
    with opened_clip(path) as (source, stream), av.open(str(plain), "w") as target:
        codec, options = settings_of(stream)
        made = target.add_stream(codec, rate=stream.average_rate, options=options)
        made.width, made.height, made.pix_fmt = 192, 144, "yuv420p"
        for frame in source.decode(stream):
            target.mux(made.encode(frame))
        target.mux(made.encode(None))
    source, ours, theirs = planes_in(path), planes_in(new), planes_in(plain)
    far = away_from(filmed.defects, (144, 192), 16)
    assert psnr((ours - source)[:, far]) >= psnr((theirs - source)[:, far]) - 0.3


def test_what_an_independent_decoder_sees_changes_only_in_blocks_at_the_places(filmed, tmp_path):
    tags = {"make": "Acme", "com.apple.quicktime.make": "Acme"}
    path = clip(tmp_path / "in", filmed, "a.mov", 6, sound=True, tags=tags)
    new = tmp_path / "out" / "a.mov"
    fix(path, map_of(path, filmed), new)
    packets = []
    for each in (path, new):
        with av.open(str(each)) as container:
            told = {key: container.metadata[key] for key in tags}
            packets.append([bytes(one) for one in container.demux(video=0) if one.size])
        assert told == tags
    far = np.ones((144, 192), bool)  # all blocks of 16x16 that no footprint reaches
    for d in filmed.defects:
        top, left = (max(at - 2, 0) // 16 * 16 for at in (d.y, d.x))
        far[top : (d.y + 2) // 16 * 16 + 16, left : (d.x + 2) // 16 * 16 + 16] = False
    for old, repaired in zip(*packets, strict=True):
        assert np.array_equal(luma_of(old)[far], luma_of(repaired)[far])
        assert not np.array_equal(luma_of(old), luma_of(repaired))


def luma_of(content):
    """Return the luma as libjpeg decodes it."""
    image = Image.open(BytesIO(content))
    image.draft("L", image.size)
    return np.asarray(image)


def without_tables(content):
    """Return a JPEG as AVI1 stores it: without its Huffman tables."""
    at, kept = 2, [content[:2]]
    while content[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        if content[at + 1] != 0xC4:
            kept.append(content[at:end])
        at = end
    return b"".join(kept) + content[at:]


def test_frames_without_huffman_tables_are_repaired(filmed, tmp_path):
    whole, path = clip(tmp_path, filmed, "a.avi", 4), tmp_path / "in" / "b.avi"
    path.parent.mkdir()
    frames = []
    for picture in filmed.pictures[:4]:
        file = BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=90)
        frames.append(without_tables(file.getvalue()))
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        made = target.add_stream_from_template(source.streams.video[0])
        for number, content in enumerate(frames):
            packet = av.Packet(content)
            packet.pts = packet.dts = number
            packet.time_base, packet.is_keyframe, packet.stream = Fraction(1, 25), True, made
            target.mux(packet)
    new = tmp_path / "out" / "b.avi"
    fix(path, map_of(path, filmed), new)
    gain = psnr(errors_at(path, filmed, planes_in(new)))
    assert gain - psnr(errors_at(path, filmed, planes_in(path))) >= 10


def test_a_repaired_place_flickers_no_more_than_its_neighbours(tmp_path):
    rng = np.random.default_rng(3)
    still = 110 + 40 * np.sin(np.arange(96 * 128).reshape(96, 128) / 300)
    pictures = []
    for _ in range(20):
        grey = np.clip(still + rng.normal(0, 2, still.shape), 0, 255)
        grey[40, 60] = min(255, grey[40, 60] + 60 + 30 * rng.random())
        pictures.append(np.repeat(grey[..., None], 3, 2).astype(np.uint8))
    path, new = write_clip(tmp_path / "a.mkv", pictures, "ffv1"), tmp_path / "out" / "a.mkv"
    (verdict,) = fix(path, DefectMap(read_headers(path)[0].sensor.in_folder(str(tmp_path)),
                     (Defect(x=60, y=40, state="confirmed"),)), new)  # fmt: skip
    assert verdict.outcome == "repaired"
    flicker = planes_in(new).std(axis=0)
    around = np.r_[flicker[36:45, 56:58].ravel(), flicker[36:45, 63:65].ravel()]
    assert flicker[40, 60] <= around.max()


def test_times_rate_and_colour_tags_are_those_of_the_source(filmed, tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options=H264)
        stream.width, stream.height, stream.pix_fmt = 192, 144, "yuv420p"
        context = stream.codec_context
        context.color_range, context.colorspace = 1, 1
        context.color_primaries, context.color_trc = 1, 1
        for number, each in enumerate(filmed.pictures[:12]):
            frame = av.VideoFrame.from_ndarray(each, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number * 40 + number % 3, Fraction(1, 1000)  # not evenly
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    new = tmp_path / "out" / "a.mkv"
    fix(path, map_of(path, filmed), new)
    told = []
    for each in (path, new):
        with av.open(str(each)) as container:
            context = container.streams.video[0].codec_context
            times = [frame.time for frame in container.decode(video=0)]
            told.append((times, context.color_range, context.colorspace, context.color_trc))
    assert told[0] == told[1]


@pytest.mark.slow
def test_each_field_is_repaired_by_its_own_map(filmed, tmp_path):
    options = {**H264, "flags": "+ildct+ilme", "x264-params": "tff=1"}
    (tmp_path / "in").mkdir()
    path = write_clip(tmp_path / "in" / "a.mts", filmed.pictures[:8], options=options)
    maps = {}
    for header in read_headers(path):
        own, side = header.sensor.in_folder(str(path.parent)), header.part.place[2]
        defects = (Defect(x=d.x, y=d.y // 2, state="confirmed")
                   for d in filmed.defects if d.y % 2 == side)  # fmt: skip
        maps[own] = DefectMap(own, tuple(defects))

    def lister(sensor, photos):
        return listed_in(maps[sensor])(sensor, photos)

    placement = Placement(out=tmp_path / "out")
    ways = routes(gather([path]), [str(path)], placement)
    (body,) = repair_bodies(ways, lister, placement)
    assert body.photos[0].result == "repaired", body.skipped
    before, after = planes_in(path), planes_in(tmp_path / "out" / "a.mts")
    gain = psnr(errors_at(path, filmed, after)) - psnr(errors_at(path, filmed, before))
    assert gain >= 6


# Written whole, or not at all


class _Stopping(Watch):
    def __init__(self):
        self.seen, self.words = 0, []

    def photos(self, done):
        self.seen = done

    def message(self, text):
        self.words.append(text)

    def stop(self):
        return self.seen >= 3


def test_a_repair_that_is_stopped_leaves_nothing(filmed, tmp_path):
    path, out = clip(tmp_path / "in", filmed, "a.mp4", 12), tmp_path / "out"
    placement, watch = Placement(out=out), _Stopping()
    ways = routes(gather([path]), [str(path)], placement)
    (body,) = repair_bodies(ways, listed_in(map_of(path, filmed)), placement, watch=watch)
    assert (body.photos, body.skipped, body.left) == ([], [], 1)
    assert list(out.iterdir()) == []
    assert "not lossless" in watch.words[0]


def test_a_dry_run_says_what_would_be_and_writes_nothing(filmed, tmp_path):
    path, map_path = clip(tmp_path / "in", filmed, "a.mov", 6), tmp_path / "a.stillpix.json"
    write_map(map_of(path, filmed), map_path)
    answer = CliRunner().invoke(app, ["fix", str(path), "--map", str(map_path), "--dry-run"])
    assert answer.exit_code == 0
    assert "repaired without loss" in answer.stderr
    assert [each.name for each in (tmp_path / "in").iterdir()] == ["a.mov"]


def test_a_clip_is_never_changed_in_place_and_never_written_over(filmed, tmp_path):
    path, map_path = clip(tmp_path / "in", filmed, "a.mov", 6), tmp_path / "a.stillpix.json"
    write_map(map_of(path, filmed), map_path)
    answer = CliRunner().invoke(app, ["fix", str(path), "--map", str(map_path), "--in-place"])
    assert "give --out DIR" in answer.stderr
    new = tmp_path / "out" / "a.mov"
    fix(path, map_of(path, filmed), new)
    with pytest.raises(WriteError, match="exists already"):
        fix(path, map_of(path, filmed), new)


def test_a_clip_in_which_nothing_shows_is_copied(filmed, tmp_path):
    path = write_clip(tmp_path / "a.mkv", filmed.sound[:6], "ffv1")
    new = tmp_path / "out" / "a.mkv"
    verdicts = fix(path, map_of(path, filmed), new)
    assert {verdict.outcome for verdict in verdicts} == {"not showing"}
    assert new.read_bytes() == path.read_bytes()


def test_a_codec_without_an_encoder_is_refused(filmed, tmp_path):
    path = write_clip(tmp_path / "a.avi", filmed.pictures[:4], "flv")
    with pytest.raises(ReadError, match="--lossless"):
        fix(path, map_of(path, filmed), tmp_path / "out" / "a.avi")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.mov", "a.mkv", "a.mp4"])
def test_a_damaged_clip_is_repaired_or_refused_and_leaves_no_part(filmed, tmp_path, name):
    rng = np.random.default_rng(31)
    whole = np.frombuffer(clip(tmp_path / "in", filmed, name, 6).read_bytes(), np.uint8)
    known = map_of(tmp_path / "in" / name, filmed)
    for number in range(6):
        bad, path = whole.copy(), tmp_path / "in" / name
        bad[rng.integers(0, bad.size, 50)] = rng.integers(0, 256, 50)
        path.write_bytes(bad[: bad.size - number * bad.size // 12].tobytes())
        new = tmp_path / "out" / f"{number}{path.suffix}"
        try:
            fix(path, known, new, always=True)
        except (ReadError, SensorMismatchError) as error:
            assert "\n" not in str(error)
            assert not new.exists()
    assert not list(tmp_path.glob("out/.stillpix*"))
