"""Many places looked at together, beside slow twins that share no code with that."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from stillpix.frame import Exposure
from stillpix.images import read_header
from stillpix.maps.records import Defect
from stillpix.restoration import blocks, repaired_file, repairing
from stillpix.restoration.canvas import Lattice
from stillpix.restoration.jpeg import JpegCanvas
from stillpix.restoration.looking import Looker
from stillpix.restoration.pixels import PixelCanvas
from stillpix.restoration.prediction import Stencil, predict_all
from stillpix.restoration.weighing import LEAST, UNCOLOURED, UNLIT, Told, weigh
from stillpix.rewriting.jpeg import read_coefficients, samples_of
from stillpix.simulate import SimulatedCamera, random_settings
from support import naive_repair
from support.effort import some


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_short_numbers_predict_as_long_ones_to_a_hundredth_of_a_level(seed):
    """Rendered planes are learned from in 32 bits; the twin has 64 and no tricks."""
    stencil, rng = Stencil((2, 2)), np.random.default_rng(seed)
    y, x = np.mgrid[0 : stencil.side, 0 : stencil.side]
    window = 110 + 90 * (x + 2 * y > 60) + 30 * np.sin(x / 3) + rng.normal(0, 3, x.shape)
    sound = rng.random(x.shape) > 0.01

    means, covariances, taught = predict_all(window[None], sound[None], stencil, np.float32)

    mean, covariance = naive_repair.predicted(
        window, sound, (2, 2), ring=1, search=16, period=1, alike=60, ridge=16.0, fewest=24,
        trust=0.7,
    )  # fmt: skip
    assert taught[0] > 24
    assert np.allclose(means[0], mean, atol=0.01)
    assert np.allclose(covariances[0], covariance, atol=0.05, rtol=1e-3)


def naive_chance(told, prior, sign):
    """Return the chance that a place shows: Bayes' rule, amplitude by amplitude."""
    odds = (1 - prior[0]) / prior[0]
    for number, (likelihood, rise) in enumerate(told):
        loud = len(prior) - 1
        chances = [UNCOLOURED] + [(1 - UNCOLOURED) / loud] * loud
        if number == 0:
            chances = [UNLIT if len(told) > 1 else 0.0] + [p / (1 - prior[0]) for p in prior[1:]]
            chances = [each / sum(chances) for each in chances]
        total = 0.0
        for k, chance in enumerate(chances):
            half = math.erfc(-sign * rise[k] / math.sqrt(2)) if sign and number == 0 else 1.0
            total += chance * max(half, LEAST) * math.exp(likelihood[k] - likelihood[0])
        odds *= total
    return odds / (1 + odds)


@given(st.integers(0, 9999), st.sampled_from([1, 3]), st.sampled_from([-1, 0, 1]))
@settings(max_examples=some(30))
def test_the_chance_that_a_place_shows_is_that_of_bayes_rule(seed, planes, sign):
    rng = np.random.default_rng(seed)
    told = [(rng.normal(0, 4, 6), rng.normal(0, 2, 6)) for _ in range(planes)]
    prior = rng.dirichlet(np.ones(6))

    chance, weights = weigh(
        [Told(likelihood[None], rise[None]) for likelihood, rise in told], prior[None],
        np.array([sign]),
    )  # fmt: skip

    assert chance[0] == pytest.approx(naive_chance(told, prior, sign))
    assert all(each.sum() == pytest.approx(1) for each in weights)


@pytest.mark.parametrize("corner", [(-7, -3), (5, 9), (140, 228)])
def test_a_window_of_a_jpeg_is_cut_from_its_samples_and_repeats_the_edge(tmp_path, corner):
    path = tmp_path / "a.jpg"
    y, x = np.mgrid[0:170, 0:250]
    levels = 120 + 60 * np.sin(x / 9) + 40 * np.cos(y / 5)
    Image.fromarray(levels.astype(np.uint8)).save(path, quality=85)
    image = read_coefficients(path.read_bytes(), path)

    windows = JpegCanvas(image, path).windows(0, np.array([corner, (0, 0)]), 39)

    luma = image.components[0]
    plane = samples_of(luma, 0, luma.coded_rows, 0, luma.coded_columns)[:170, :250]
    padded = np.pad(plane, 60, mode="edge")
    row, column = corner[0] + 60, corner[1] + 60
    assert np.allclose(windows[0], padded[row : row + 39, column : column + 39], atol=1e-9)
    assert np.allclose(windows[1], plane[:39, :39], atol=1e-9)


class OnePlane(PixelCanvas):
    """A grey picture whose only plane has another lattice."""

    def __init__(self, pixels, lattice):
        super().__init__(pixels, white=255)
        self._lattices = (lattice,)


@pytest.mark.parametrize("lattice", [Lattice(), Lattice(reach=4), Lattice(0.5, 0.5, reach=4)])
def test_each_sample_of_a_hole_belongs_to_the_nearest_place(lattice):
    rng = np.random.default_rng(2)
    places = sorted({(int(x), int(y)) for x, y in rng.integers(0, 12, (9, 2))})
    canvas = OnePlane(rng.integers(60, 90, (30, 30)).astype(np.uint8), lattice)
    everyone = [list(range(len(places)))] * len(places)

    (plane,) = Looker(canvas, places, everyone).look(np.arange(len(places)))

    at = [((y + 0.5) * lattice.down - 0.5, (x + 0.5) * lattice.across - 0.5) for x, y in places]
    down, across = lattice.reaches
    for n, own in enumerate(plane.own):
        row, column = (math.floor(each + 0.5) for each in at[n])
        for k, (r, c) in enumerate(naive_repair.offsets(down, across)):
            sample = row + r, column + c
            far = [
                (
                    ((sample[0] - y) / lattice.down) ** 2 + ((sample[1] - x) / lattice.across) ** 2,
                    y,
                    x,
                )
                for y, x in at
            ]
            inside = 0 <= sample[0] < 30 and 0 <= sample[1] < 30
            assert own[k] == (inside and min(far) == far[n])


@pytest.mark.slow
def test_a_quick_look_costs_no_repair_that_anyone_would_miss(tmp_path, monkeypatch):
    """Of a simulated camera's photos: with every place looked at in full, all but faint ones."""
    settings = random_settings(5, width=360, height=240)
    camera = SimulatedCamera(settings, 5)
    listed = [Defect(x=each.x, y=each.y) for each in camera.defects]
    found = []
    for surely_not in (repairing.SURELY_NOT, -1.0):
        monkeypatch.setattr(repairing, "SURELY_NOT", surely_not)
        verdicts = []
        for number in range(2):
            path = tmp_path / f"{number}.jpg"
            path.write_bytes(camera.photograph(number).jpeg())
            verdicts += repaired_file(path.read_bytes(), read_header(path), listed).verdicts
        found.append(verdicts)

    assert camera.photograph(0).exposure != Exposure()
    differ = [pair for pair in zip(*found, strict=True) if pair[0].outcome != pair[1].outcome]
    assert sum(each.outcome == "repaired" for each in found[1]) > 40
    assert len(differ) <= 2
    assert all(abs(full.strength or 0) < 8 for _, full in differ)


@pytest.mark.slow
def test_samples_that_were_forgotten_are_decoded_again(tmp_path, monkeypatch):
    """Blocks of a JPEG whose samples are kept, and one that decodes all blocks for each look."""
    path = tmp_path / "a.jpg"
    camera = SimulatedCamera(random_settings(7, width=240, height=160), 7)
    path.write_bytes(camera.photograph(0).jpeg())
    listed = [Defect(x=each.x, y=each.y) for each in camera.defects]
    fixed = []
    for most in (blocks.MOST_DECODED, 1):
        monkeypatch.setattr(blocks, "MOST_DECODED", most)
        fixed.append(repaired_file(path.read_bytes(), read_header(path), listed, always=True))

    assert fixed[0].content != path.read_bytes()
    assert fixed[0].content == fixed[1].content
    assert fixed[0].verdicts == fixed[1].verdicts
