"""Repairs under attack: a naive twin, saturated pixels, crowds, other orders, odd samplings."""

from __future__ import annotations

from io import BytesIO
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from stillpix.frame import Exposure, Sensor
from stillpix.images import Header
from stillpix.maps.records import Defect, Run
from stillpix.restoration import repair, repaired_file, verified
from stillpix.restoration.canvas import Lattice, cut
from stillpix.restoration.pixels import PixelCanvas
from stillpix.restoration.prediction import ALIKE, FEWEST, RIDGE, TRUST, Stencil, predict
from stillpix.restoration.repairing import Place, repair_places
from support import effort, naive_repair, photos
from support.effort import chosen, some

MOSAICS = ["mono", "xtrans", "bayer-RGGB", "bayer-BGGR", "bayer-GRBG", "bayer-GBRG"]
STENCILS = [Stencil((1, 1), search=7), Stencil((2, 1), search=8), Stencil((0, 0), 3, 12, 2)]


def scene(height=44, width=52, *, seed=1, sigma=2.0):
    """Return a smooth scene with noise, levels of 0..255."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    return 95 + 0.6 * x + 15 * np.sin(y / 7) + rng.normal(0, sigma, (height, width))


def bytes_of(levels):
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def words_of(levels):
    return np.clip(np.rint(257 * levels), 0, 65535).astype(np.uint16)


def header_of(form, width, height, white=255):
    sensor = Sensor("Example Works", "Example One", "7", width, height)
    return Header(Path(f"a.{form}"), form, sensor, Exposure(), None, 1, white)


@given(st.sampled_from(STENCILS), st.integers(0, 999), st.sampled_from([0.0, 0.02, 0.3]))
@settings(max_examples=some(12))
def test_the_prediction_is_that_of_the_naive_twin(stencil, seed, broken):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : stencil.side, 0 : stencil.side]
    window = 80 + 40 * np.sin(x / 3 + y / 5) + rng.normal(0, 4, x.shape)
    sound = rng.random(x.shape) >= broken

    found = predict(window, sound, stencil)

    mean, covariance = naive_repair.predicted(
        window, sound, stencil.reaches, ring=stencil.ring, search=stencil.search,
        period=stencil.period, alike=ALIKE, ridge=RIDGE, fewest=FEWEST, trust=TRUST,
    )  # fmt: skip
    assert np.allclose(found.mean, mean, atol=1e-6)
    assert np.allclose(found.covariance, covariance, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["rendered", "colours", *MOSAICS])
@pytest.mark.parametrize("level", [0, 255])
@pytest.mark.parametrize("stored", [bytes_of, words_of])
def test_a_pixel_stuck_at_black_or_white_is_repaired(layout, level, stored):
    levels = scene()
    if layout == "colours":
        levels = np.stack([levels, 0.8 * levels, 210 - levels], axis=-1)
    broken = levels.copy()
    broken[20, 31] = level

    rendered = layout in {"rendered", "colours"}
    mended = repair(stored(broken), [Defect(x=31, y=20)], layout="rendered" if rendered else layout)

    one_level = 1 if stored is bytes_of else 257
    assert np.abs(mended[20, 31] / one_level - levels[20, 31]).max() < 12


@pytest.mark.slow
@given(st.integers(0, 999), st.sampled_from(["rendered", *MOSAICS]), st.permutations(range(7)))
@example(26, "rendered", [0, 5, 2, 3, 4, 1, 6])  # once apart by the rounding of a sum
@settings(max_examples=some(12))
def test_places_in_any_order_give_the_same_grey_picture_or_mosaic(seed, layout, order):
    """Nothing of one place's hole is a source of another's, and no sample is of two."""
    rng = np.random.default_rng(seed)
    pixels = words_of(scene(seed=seed))
    places = [(20 + int(dx), 18 + int(dy)) for dx, dy in rng.integers(0, 6, (7, 2))]
    for x, y in places:
        pixels[y, x] = rng.integers(65536)
    defects = [Defect(x=x, y=y) for x, y in places]

    one = repair(pixels, defects, layout=layout)
    other = repair(pixels, [defects[n] for n in order], layout=layout)

    assert np.array_equal(one, other)


def test_a_pair_on_a_diagonal_does_not_pass_its_border_to_and_fro():
    """The samples as far from one as from the other are of one of them alone."""
    for seed in range(6):
        pixels = bytes_of(scene(seed=seed, sigma=6))
        pixels[20, 30], pixels[21, 29] = 255, 20

        verdicts = repair_places(
            canvas := PixelCanvas(pixels, white=255), [Place(30, 20), Place(29, 21)]
        )

        assert [each.outcome for each in verdicts] == ["repaired", "repaired"]
        assert np.abs(canvas.pixels[[20, 21], [30, 29]] - scene(seed=seed)[20, 30]).max() < 30


@pytest.mark.parametrize("stored", [bytes_of, words_of])
def test_whatever_the_depth_always_repairs_and_never_gives_up(stored):
    pixels = stored(scene(seed=4))
    pixels[12, 40] = np.iinfo(pixels.dtype).max // 2
    white = int(np.iinfo(pixels.dtype).max)
    places = [Place(x, y) for x, y in ((40, 12), (8, 8), (21, 30), (50, 43), (0, 0))]

    verdicts = repair_places(PixelCanvas(pixels, white=white), places, always=True)

    assert verdicts[0].outcome == "repaired"
    assert "hopeless" not in {each.outcome for each in verdicts}


class HalfCanvas:
    """One plane at half the photo's resolution."""

    lattices = (Lattice(across=0.5, down=0.5, reach=4),)
    spreads = False

    def __init__(self, plane):
        self.plane = plane.copy()
        self.sizes = (plane.shape,)

    def windows(self, _, corners, side):
        return cut(self.plane, corners, side)

    def apply(self, changes):
        for change in changes:
            rows, columns = change.levels.shape
            part = self.plane[
                change.row : change.row + rows, change.column : change.column + columns
            ]
            part[change.where] = change.levels[change.where]
        return True

    def mark(self):
        return 0

    def back_to(self, _mark):
        raise AssertionError("it came to rest")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "colours"), chosen(product(range(12), [False, True]), (1, True), (10, False))
)
def test_crowded_lists_come_to_rest_too(seed, colours):
    """Whose places unsettle each other: what is written is never asked for again."""
    rng = np.random.default_rng(seed)
    whole = scene(70, 90, seed=seed)
    levels = np.stack([whole, 0.7 * whole + 30, 255 - whole], axis=-1) if colours else whole
    places = {tuple(place) for place in rng.integers((30, 20), (42, 34), (25, 2)).tolist()}
    for x, y in places:
        levels[y, x] += rng.choice([-150, 150, 60, 25])
    picture = Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))
    file = BytesIO()
    picture.save(file, "JPEG", quality=int(rng.choice([60, 85, 97])))
    sensor = Sensor("unknown", "unknown", "unknown", 90, 70)
    header = Header(Path("a.jpg"), "jpeg", sensor, Exposure(), None, 1, 255)
    listed = [Defect(x=x, y=y) for x, y in places]

    once = repaired_file(file.getvalue(), header, listed)
    twice = repaired_file(once.content, header, listed)

    assert twice.content == once.content
    assert not twice.repaired


@pytest.mark.parametrize("x", range(97, 108))
def test_a_listed_neighbour_is_no_source_however_far_at_the_windows_edge(x):
    """Chroma samples lie between pixels, so that distances are rounded."""
    plane = scene(60, 90, seed=2)
    plane[30, 30] += 90
    hole = np.floor((x + 0.5) / 2).astype(int)
    wild = plane.copy()
    wild[28:33, hole - 2 : hole + 3] = np.random.default_rng(x).uniform(0, 255, (5, 5))
    canvases = [HalfCanvas(plane), HalfCanvas(wild)]

    for canvas in canvases:
        repair_places(canvas, [Place(60, 60), Place(x, 60)])

    one, other = (canvas.plane[25:36, 25:36] for canvas in canvases)
    assert abs(one[5, 5] - plane[30, 30]) > 50
    assert np.array_equal(one, other)


@pytest.mark.slow
@pytest.mark.parametrize("sampling", chosen(["411", "440", "422", "420", "444"], "411", "420"))
def test_a_whole_row_of_a_jpeg_of_any_sampling_is_repaired(sampling):
    levels = scene(32, 40, seed=5)
    broken = np.stack([levels] * 3, axis=-1)
    broken[20] += 70
    content = simplejpeg.encode_jpeg(bytes_of(broken), 92, "RGB", sampling)
    header = header_of("jpeg", 40, 32)
    row = Defect(x=0, y=20, run=Run("row", 0, 39))

    mended = repaired_file(content, header, [row])

    verified(content, mended.content, header, mended.verdicts)
    luma = [simplejpeg.decode_jpeg(c, "GRAY")[20, :, 0] for c in (content, mended.content)]
    before, after = (np.abs(line - levels[20]).mean() for line in luma)
    assert after < before / 3


def test_nothing_brighter_than_white_is_put_in():
    pixels = np.full((40, 40), 1000, np.uint16)
    pixels[20, 20] = 0
    pixels[::3, ::5] -= 9

    assert repair(pixels, [Defect(x=20, y=20)], layout="mono", white=1000).max() == 1000


def test_strength_is_told_in_the_files_own_levels():
    pixels = words_of(np.stack([scene(seed=6)] * 3, axis=-1))
    pixels[20, 31] += 60 * 257
    header = header_of("png", 52, 44, white=65535)

    (verdict,) = repaired_file(photos.png_of_words(pixels), header, [Defect(x=31, y=20)]).verdicts

    assert verdict.strength == pytest.approx(60 * 257, rel=0.2)


@pytest.mark.slow
@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_crowd_that_shows_nothing_is_left_in_peace(level):
    width = 40 if effort.long else 10
    pixels = np.full((32, width), level, np.uint8)
    listed = [Defect(x=x, y=y) for y in range(8, 16) for x in range(y % 2, width, 2)]

    assert np.array_equal(repair(pixels, listed), pixels)


def test_no_defects_give_the_same_object():
    content = photos.png()

    assert repaired_file(content, header_of("png", 61, 47), []).content is content
