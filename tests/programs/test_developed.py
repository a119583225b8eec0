"""The benchmark's own sensor model, and what stillpix finds in photos that real programs developed.

A program that is not installed is skipped by name.
"""

from __future__ import annotations

import doctest
import shutil

import numpy as np
import pytest

import bench_developed
import developed
from accuracy.scorer import own_cut
from developed import BLACK, WHITE, Body, Broken
from developing import PROGRAMS, RECIPES
from support.effort import chosen

WIDTH, HEIGHT = 480, 320
LOUD = ((100, 80), (300, 90), (61, 251), (410, 200))  # green photosites of the pattern GR / BG


def body(*broken, seed=2):
    made = Body(seed, WIDTH, HEIGHT, 0, 12)
    made.broken = list(broken)
    return made


def hot(x, y, **changes):
    wanted = {"kind": "hot", "site": "G", "amount": 200_000.0, "onset": 0, "amplitude": 120.0}
    return Broken(x, y, **(wanted | changes))


def test_the_doctests_of_the_sensor_model_hold():
    assert doctest.testmod(developed).failed == 0


def test_a_photo_is_the_same_whatever_was_taken_before():
    first, second = body(), body()
    second.photograph(0, [])

    assert (first.photograph(3, []).pixels == second.photograph(3, []).pixels).all()


def test_a_defect_changes_its_own_photosite_and_no_other_beyond_noise():
    sound, broken = body(), body(hot(*LOUD[0]))
    # the draws of the noise behind a defect differ, so what is compared is many photos' mean
    numbers = range(4)

    apart = np.mean(
        [
            broken.photograph(n, []).pixels.astype(float) - sound.photograph(n, []).pixels
            for n in numbers
        ],
        axis=0,
    )

    y, x = np.unravel_index(apart.argmax(), apart.shape)
    assert (x, y) == LOUD[0]


@pytest.mark.parametrize(("kind", "amount", "value"), [("stuck", 0.5, 8447), ("dead", 0.0, BLACK)])
def test_a_stuck_photosite_says_the_same_in_every_photo(kind, amount, value):
    made = body(hot(50, 60, kind=kind, amount=amount))

    said = [int(made.photograph(n, []).pixels[60, 50]) for n in range(3)]

    assert abs(np.array(said) - value).max() < 8
    assert value <= WHITE


def test_a_defect_that_begins_later_is_not_there_before():
    made = body(hot(50, 60, kind="stuck", amount=1.0, onset=2))

    said = [int(made.photograph(n, []).pixels[60, 50]) for n in range(4)]

    assert min(said[2:]) > WHITE - 8
    assert max(said[:2]) < WHITE - 8


def test_planted_defects_keep_their_distance_and_know_their_colour():
    made = Body(3, WIDTH, HEIGHT, 30, 12)

    at = [(each.x, each.y) for each in made.broken]
    assert all(made.sites[y, x] == each.site for (x, y), each in zip(at, made.broken, strict=True))
    assert all(
        max(abs(a - c), abs(b - d)) >= developed.NO_DEFECT_WITHIN
        for n, (a, b) in enumerate(at)
        for c, d in at[:n]
    )


@pytest.mark.parametrize("recipe", chosen(["dcraw AHD", "RawTherapee AMaZE"], "dcraw AHD"))
def test_loud_pixels_are_found_in_photos_that_others_developed(recipe, tmp_path):
    for name in (PROGRAMS[recipe.split()[0]], "exiftool"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")
    made = body(*(hot(x, y) for x, y in LOUD))
    assert all(made.sites[y, x] == "G" for x, y in LOUD)

    bench_developed.develop_all(made, recipe, tmp_path / "photos", [], range(8), 2)
    found = bench_developed.finds(tmp_path / "photos", tmp_path / "library", 0.01)

    sensor = found["sensor"]
    border = (WIDTH - sensor["width"]) // 2, (HEIGHT - sensor["height"]) // 2
    truth = [hot(x - border[0], y - border[1]) for x, y in LOUD]
    confirmed = [one for one in found["defects"] if one["state"] == "confirmed"]
    cut = own_cut(bench_developed.places_of(confirmed), truth)
    assert (sensor["serial"], len(cut.found), cut.false) == (made.serial, len(LOUD), 0)


def test_a_recipe_whose_program_is_missing_is_named_and_left_out(monkeypatch, capsys):
    monkeypatch.setattr(bench_developed.shutil, "which", lambda name: name != "dcraw" or None)

    there = bench_developed.installed(list(RECIPES))

    assert there == [name for name in RECIPES if not name.startswith("dcraw")]
    assert "left out: dcraw AHD (no dcraw)" in capsys.readouterr().err
