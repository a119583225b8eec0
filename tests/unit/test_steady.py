"""Frames are repaired together as each would be alone, and no frame tells anything of another."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stillpix.restoration.jpeg import JpegCanvas
from stillpix.restoration.planes import SEARCH, PlanesCanvas
from stillpix.restoration.repairing import Place
from stillpix.restoration.steady import SteadyRepair, frames_together
from stillpix.rewriting.jpeg import read_coefficients

SIZE = 96, 128
PLACES = [Place(40, 30), Place(44, 31), Place(90, 70)]  # two see each other
ADDED = 90


def frames(number=3):
    """Return lumas of a scene that moves, with a defect at each place."""
    rng = np.random.default_rng(4)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1] + 9 * number]
    scene = 110 + 40 * np.sin(columns / 7) * np.cos(rows / 9)
    found = []
    for index in range(number):
        luma = scene[:, 9 * index : 9 * index + SIZE[1]] + rng.normal(0, 2, SIZE)
        for place in PLACES:
            luma[place.y, place.x] += ADDED
        found.append(np.clip(luma, 0, 255).astype(np.uint8))
    return found


def planes_canvas(luma):
    grey = np.full((SIZE[0] // 2, SIZE[1] // 2), 128, np.uint8)
    return PlanesCanvas([luma.copy(), grey, grey.copy()], search=SEARCH)


def jpeg_canvas(luma):
    file = BytesIO()
    Image.fromarray(luma).convert("RGB").save(file, "JPEG", quality=92)
    name = Path("a.jpg")
    return JpegCanvas(read_coefficients(file.getvalue(), name), name, search=SEARCH)


def told(canvas):
    """Return what a canvas holds by now."""
    if isinstance(canvas, JpegCanvas):
        return {key: block.tolist() for key, block in canvas.changes.items()}
    return [plane.tolist() for plane in canvas.planes]


@pytest.mark.parametrize("canvas_of", [planes_canvas, jpeg_canvas])
def test_frames_repaired_together_are_as_each_alone(canvas_of):
    together, alone = ([canvas_of(luma) for luma in frames()] for _ in range(2))
    steady = SteadyRepair(together[0], PLACES)

    assert steady.repair(together) == [True] * len(together)
    for canvas in alone:
        steady.repair([canvas])

    assert [told(each) for each in together] == [told(each) for each in alone]


def test_every_place_is_repaired_in_every_frame():
    lumas = frames()
    canvases = [planes_canvas(luma) for luma in lumas]
    SteadyRepair(canvases[0], PLACES).repair(canvases)

    for luma, canvas in zip(lumas, canvases, strict=True):
        for place in PLACES:
            taken = float(luma[place.y, place.x]) - canvas.planes[0][place.y, place.x]
            assert taken > 0.8 * ADDED


def test_what_fills_holes_makes_the_changes_of_each_place():
    steady_way, other = jpeg_canvas(frames()[0]), jpeg_canvas(frames()[0])
    seen = []
    fill = steady_way.fill
    steady_way.fill = lambda fillings: (seen.extend(fillings), fill(fillings))[1]
    SteadyRepair(steady_way, PLACES[1:]).repair([steady_way])
    by_place = zip(*(list(each.changes()) for each in seen), strict=True)
    for changes in by_place:
        other.apply(changes)

    assert told(steady_way) == told(other) != {}


def test_with_many_places_frames_are_repaired_one_by_one():
    assert frames_together(5000) == 1
    assert 1 < frames_together(20) <= frames_together(0)
