"""The chroma of JPEGs: read, added up to the same bits in any order, and heard in one map."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from PIL import Image

from stillpix.detection.colours import LUMA, Response, Source
from stillpix.detection.decide import detect
from stillpix.detection.null import NO_PEAKS
from stillpix.detection.sites import Site, sites_of
from stillpix.detection.tail import tail_of
from stillpix.errors import SensorMismatchError
from stillpix.evidence.evidence import Evidence
from stillpix.evidence.packed import Packed, pack
from stillpix.images import Buffer, read_frame, read_header
from support import mosaics
from support.frames import EXPOSURES, evidence_of, photos_of_light, some_frames, texture

WIDTH, HEIGHT = 320, 256
BLUE, GREEN = (102, 61), (41, 90)  # x, y


def read(folder, picture, name="a.jpg", **options):
    picture.save(folder / name, **options)
    return read_frame(read_header(folder / name), buffer=Buffer())


def colourful(width, height):
    rng = np.random.default_rng(3)
    planes = [texture(rng, width, height) // 3 + 80 for _ in range(3)]
    return Image.fromarray(np.stack(planes, axis=-1))


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("size", [(64, 48), (65, 49)])
def test_the_chroma_is_that_of_the_file_at_half_the_pitch(tmp_path, subsampling, size):
    frame = read(tmp_path, colourful(*size), subsampling=subsampling, quality=90)

    with Image.open(tmp_path / "a.jpg") as picture:
        twin = np.asarray(picture.convert("YCbCr")).astype(float)
    down, across = size[1] // 2, size[0] // 2
    for plane, number in zip(frame.chroma, (1, 2), strict=True):
        means = twin[: 2 * down, : 2 * across, number].reshape(down, 2, across, 2).mean((1, 3))
        assert plane.shape == (-(-size[1] // 2), -(-size[0] // 2))
        assert np.abs(plane[:down, :across] - means).max() <= 1.5
    assert np.abs(frame.pixels.astype(int) - twin[..., 0]).max() <= 1


def test_grey_jpegs_and_other_formats_have_no_chroma(tmp_path):
    assert read(tmp_path, colourful(64, 48).convert("L")).chroma is None
    assert read(tmp_path, colourful(64, 48), "a.png").chroma is None


def coloured_frames(count, width=48, height=40):
    rng = np.random.default_rng(9)
    shape = -(-height // 2), -(-width // 2)
    return [
        replace(frame, chroma=tuple(texture(rng, *shape[::-1]) for _ in "br"))
        for frame in some_frames(count, width, height)
    ]


def test_any_split_of_the_photos_merges_to_the_same_bits():
    frames = [*coloured_frames(7), *some_frames(2, seed=4)]  # some are grey
    whole = evidence_of(frames)

    merged = Evidence(whole.sensor).update_all(frames[5:])
    merged.merge(Evidence(whole.sensor).update_all(frames[:5][::-1]))

    assert merged == whole
    assert [plane.scenes for plane in merged.planes.values()] == [7, 7]


def test_photos_that_are_taken_out_again_take_their_chroma_along():
    frames = [*coloured_frames(5), *some_frames(2, seed=4)]

    rest = evidence_of(frames).subtract(evidence_of(frames[:2]))
    grey = evidence_of(frames).subtract(evidence_of(frames[:5]))

    for name, plane in evidence_of(frames[2:]).planes.items():
        assert rest.planes[name] == plane
    assert grey.planes == {}


def test_saved_and_packed_evidence_comes_back_with_its_chroma(tmp_path):
    evidence, file = evidence_of([*coloured_frames(5), *some_frames(2, seed=4)]), io.BytesIO()
    evidence.save(tmp_path)
    pack(evidence, file)

    loaded = Evidence.load(tmp_path, evidence.sensor)
    unpacked = Packed(file, evidence.sensor).unpacked()

    for back in (loaded, unpacked):
        assert back == evidence
        assert back.planes["cr"] == evidence.planes["cr"]


def test_evidence_that_was_saved_before_there_was_chroma_goes_on(tmp_path):
    grey = some_frames(4, seed=4)
    evidence_of(grey).save(tmp_path)
    path = tmp_path / "evidence.json"
    state = json.loads(path.read_text("utf-8")) | {"version": 2}
    del state["planes"]
    for record in state["photos"].values():
        del record["coloured"]
    path.write_text(json.dumps(state), "utf-8")

    evidence = Evidence.load(tmp_path, grey[0].sensor).update_all(coloured_frames(3))

    assert evidence == evidence_of([*grey, *coloured_frames(3)])


def test_chroma_of_another_size_is_refused():
    frame = coloured_frames(1)[0]
    small = replace(frame, chroma=tuple(plane[:-1] for plane in frame.chroma))

    with pytest.raises(SensorMismatchError, match="chroma"):
        Evidence(frame.sensor).update(small)


@cache
def photos_with_blue_and_green():
    """Return photos in which one pixel shows in Cb only, and one in luma, in Cb and in Cr."""
    rng = np.random.default_rng(5)
    exposures = [EXPOSURES[n % len(EXPOSURES)] for n in range(36)]

    def light_up(light, exposure):
        light[GREEN[1], GREEN[0]] += 0.3

    photos = []
    for frame in photos_of_light(light_up, exposures, width=WIDTH, height=HEIGHT):
        cb, cr = (128 + 2 * rng.standard_normal((HEIGHT // 2, WIDTH // 2)) for _ in "br")
        cb[BLUE[1] // 2, BLUE[0] // 2] += 30
        for plane in (cb, cr):
            plane[GREEN[1] // 2, GREEN[0] // 2] -= 20
        chroma = tuple(np.rint(plane).astype(np.uint8) for plane in (cb, cr))
        photos.append(replace(frame, chroma=chroma))
    return photos


@pytest.mark.slow
def test_what_only_chroma_shows_is_found_once_with_its_colour():
    frames = photos_with_blue_and_green()

    found = detect(evidence_of(frames)).in_state("confirmed")

    (blue,) = (defect for defect in found if defect.site == "B")
    (green,) = (defect for defect in found if defect.site != "B")
    assert green.site in {"G", None}
    assert max(abs(blue.x - BLUE[0]), abs(blue.y - BLUE[1])) <= 1
    assert (blue.kind in {"bright", "hot", "offset"}, blue.strength) == (True, None)
    assert (green.x, green.y) == GREEN
    grey = detect(evidence_of([replace(frame, chroma=None) for frame in frames]))
    assert [(one.x, one.y, one.site) for one in grey.in_state("confirmed")] == [(*GREEN, None)]


@pytest.mark.parametrize(("layout", "colour"), [("bayer-GRBG", "B"), ("mono", None)])
def test_a_mosaic_tells_the_colour_of_a_photosite(layout, colour):
    evidence = evidence_of(mosaics.some_frames(1, layout))
    luma = Source(evidence, NO_PEAKS, tail_of(NO_PEAKS, 4.0), [], 1.0)

    sites, pattern = sites_of([luma], [Response(LUMA, 0, 6.0, 3.0, 9.0, 0.1, 0)])

    assert (sites, pattern) == ([Site(6, 3, colour)], "")
