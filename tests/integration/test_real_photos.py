"""Real photographs with known defects, where they are at hand beside the checkout."""

from __future__ import annotations

import json
import re

import pytest

from stillpix.errors import NothingUsableError
from stillpix.scan import find
from support.places import REAL as DATA
from support.places import ROOT

BANANA, SCENES = DATA / "banana", DATA / "scenes"
FEW = 2  # photos
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not (BANANA.is_dir() and SCENES.is_dir()),
        reason="the photos of ../shared/data/banana and ../shared/data/scenes are not there",
    ),
]


SHOWN = re.compile(r"^ *(\d+) +(\d+)  \w+ .* confirmed$", re.MULTILINE)  # by `stillpix show`


@pytest.fixture(scope="module")
def maps():
    """Return the maps of one set and of some photos of the other, read together, by photos."""
    few = sorted(BANANA.glob("*.JPG"))[:FEW]
    return {found.evidence.photos: found for found in find([*few, SCENES], fast=True)}


def test_photos_of_two_bodies_are_never_pooled(maps):
    assert set(maps) == {FEW, 29}
    assert maps[FEW].sensor.serial == "8964244"
    assert maps[FEW].sensor != maps[29].sensor


def test_the_four_hot_pixels_of_the_banana_set_are_confirmed_and_at_most_one_other():
    """By the README: another test holds what it shows against what `find` and `show` print."""
    known = json.loads((DATA / "banana.truth.json").read_text())
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = page.partition("<!-- measured: stillpix show D3200 -->")[2].partition("<!-- end -->")[0]
    confirmed = [tuple(map(int, place)) for place in SHOWN.findall(shown)]

    missed = [
        hot for hot in known
        if not any(max(abs(x - hot["x"]), abs(y - hot["y"])) <= 1 for x, y in confirmed)
    ]  # fmt: skip
    assert len(known) == 4
    assert missed == []
    assert len(confirmed) <= len(known) + 1


def test_of_resized_photos_at_most_one_pixel_is_confirmed(maps):
    assert len(maps[29].in_state("confirmed")) <= 1


def test_a_single_dng_has_its_three_known_hot_pixels_among_the_candidates():
    [found] = find([DATA / "tinydng" / "colorchart.dng"], fast=True)

    candidates = {(defect.x, defect.y) for defect in found.in_state("candidate")}
    assert {(1425, 599), (1514, 261), (620, 702)} <= candidates


@pytest.mark.parametrize(("band", "hot"), [("Blue", (63, 798)), ("Red", (85, 729))])
def test_the_bands_of_a_multispectral_camera_have_their_own_maps(band, hot):
    maps = {found.sensor.which: found for found in find([DATA / "micasense"], fast=True)}

    [found] = [each for which, each in maps.items() if which.startswith(f"band {band} ")]
    assert len(maps) == 2
    assert hot in {(defect.x, defect.y) for defect in found}


def test_a_crw_names_its_body():
    [found] = find([DATA / "crw" / "CRW.CRW"], fast=True)

    sensor = found.sensor
    assert (sensor.make, sensor.model, sensor.serial) == ("Canon", "Canon EOS D30", "305465770")


def test_a_fits_file_of_panoptes_is_a_colour_mosaic():
    pytest.importorskip("astropy")
    [found] = find([DATA / "panoptes"], fast=True)

    assert found.sensor.layout == "bayer-RGGB"


def test_a_gpr_is_said_to_be_gopros_vc5():
    with pytest.raises(NothingUsableError, match="is coded as GoPro VC-5"):
        find([DATA / "gpr"], fast=True)
