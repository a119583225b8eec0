"""Judge shows the evidence: in its crops the pixel can be seen, and each says of which photo."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from stillpix.images import read_header
from stillpix.maps.library import Library
from stillpix.maps.records import Defect, DefectMap
from stillpix.web import sights
from support import pages, series

PHOTOS, HOT = 16, 25
WIDTH, HEIGHT = 240, 180
EXPOSURE, TENTH = 33434, (1, 10)  # s
# As the eye asks for it: so many times 1.48 MAD, the width of a normal distribution.
STANDS_OUT, TO_SIGMA = 3.0, 1.48
AROUND = 7  # px


def hot_pixels():
    """Return 25 places, each with the colour of its photosite and how far it stands out there."""
    rng = np.random.default_rng(4)
    cells = rng.choice(10 * 7, HOT, replace=False)  # of 22 px: none is near another
    places = [(22 * int(at % 10) + 16, 22 * int(at // 10) + 14) for at in cells]
    return {
        place: (int(colour), float(excess))
        for place, colour, excess in zip(
            places, rng.integers(0, 3, HOT), rng.uniform(35, 70, HOT), strict=True
        )
    }


def at_dusk(number, hot):
    """Return a dark scene of soft shapes, its noise, and what the hot pixels add."""
    rng = np.random.default_rng(number)
    light = np.full((HEIGHT, WIDTH, 3), 24.0)
    for cells, contrast in ((3, 30), (9, 16), (30, 8)):
        coarse = rng.normal(128, contrast, (cells, cells, 3)).clip(0, 255).astype(np.uint8)
        layer = Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
        light += (np.asarray(layer, float) - 128) / 3
    light += rng.normal(0, 2.5, light.shape)
    for (x, y), (colour, excess) in hot.items():
        light[y, x, colour] += excess
        light[y - 1 : y + 2, x - 1 : x + 2, colour] += 0.1 * excess  # as developing spreads it
    return light.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def dusk(tmp_path_factory):
    """A server with photos of 1/10 s at dusk and their map; and the hot pixels in them."""
    base, hot = tmp_path_factory.mktemp("dusk"), hot_pixels()
    (base / "photos").mkdir()
    for number in range(PHOTOS):
        content = series.jpeg(at_dusk(number, hot), {EXPOSURE: TENTH}, subsampling=0)
        (base / "photos" / f"IMG_{number:04}.JPG").write_bytes(content)
    with pages.serving(Library(base / "library")) as site:
        yield site, site.find(site.open(base / "photos")), hot


def crop(site, map_id, sight, number, contrast="raised"):
    place = {"x": sight["x"], "y": sight["y"], "number": number, "contrast": contrast}
    answer = site.get(f"api/maps/{map_id}/crops", params=place)
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content))).astype(float)


def stands_out(shown, colour):
    """Return how far the middle of a crop stands above the rest of its 15x15, in 1.48 MAD."""
    middle = len(shown) // 2
    part = slice(middle - AROUND, middle + AROUND + 1)
    levels = shown[part, part, colour]
    others = np.delete(levels.ravel(), levels.size // 2)
    spread = TO_SIGMA * np.median(np.abs(others - np.median(others)))
    return (levels[AROUND, AROUND] - np.median(others)) / max(spread, 0.5)


def test_at_dusk_each_hot_pixel_stands_out_in_each_of_its_crops(dusk):
    site, found, hot = dusk
    told = {(each["x"], each["y"]): each for each in site.get(f"api/maps/{found}/sights").json()}
    seen = {
        (*place, number): stands_out(crop(site, found, sight, number), colour)
        for place, (colour, _) in hot.items()
        if (sight := told.get(place))
        for number in range(len(sight["crops"]))
    }

    assert len({place[:2] for place in seen}) == HOT
    assert {place: by for place, by in seen.items() if by < STANDS_OUT} == {}
    assert len(seen) >= 4 * HOT


def test_a_crop_says_of_which_photo_it_is_and_what_that_shows(dusk):
    site, found, _ = dusk
    photos = {each["id"]: each for each in site.get(f"api/maps/{found}/photos").json()}
    folder = site.desk.folders.all()[0].root
    for sight in site.get(f"api/maps/{found}/sights").json():
        kinds = [each["shows"] for each in sight["crops"]]
        assert kinds == sorted(kinds)  # the best come first
        assert sight["why"][0].endswith(".")
        for number, each in enumerate(sight["crops"]):
            assert photos[each["photo"]]["name"] == each["name"]
            stored = np.asarray(Image.open(folder / each["name"])).astype(float)
            shown = crop(site, found, sight, number, "stored")
            left, top = sight["x"] - 12, sight["y"] - 12
            if left >= 0 and top >= 0:
                part = stored[top : top + 25, left : left + 25]
                assert np.array_equal(shown[: len(part), : part.shape[1]], part)


def test_what_was_added_by_hand_is_shown_too_and_other_photos_only_once(dusk, monkeypatch):
    site, found, _ = dusk
    reads = []
    read = sights.details_of
    monkeypatch.setattr(
        sights, "details_of", lambda *args, **kw: reads.append(len(args[1])) or read(*args, **kw)
    )
    before = site.get(f"api/maps/{found}/sights").json()
    assert site.post(f"api/maps/{found}/defects", {"x": 20, "y": 30}).status_code == 201
    for _ in range(2):
        after = site.get(f"api/maps/{found}/sights").json()
    (added,) = [each for each in after if (each["x"], each["y"]) == (20, 30)]

    assert reads == [1]
    assert len(after) == len(before) + 1
    assert added["crops"]
    assert "A person accepted it" in " ".join(added["why"])


def test_photos_that_the_log_does_not_know_are_looked_at(tmp_path):
    library = Library(tmp_path / "library")
    paths = series.write(tmp_path / "photos", range(3, 11))
    x, y = series.HOT[0]
    library.save(DefectMap(read_header(paths[0]).sensor, (Defect(x=x, y=y, score=9.0, q=1e-4),)))
    paths[0].write_bytes(paths[0].read_bytes()[:4000])
    with pages.serving(library) as site:
        site.open(tmp_path / "photos")
        (brief,) = site.state()["maps"]
        (sight,) = site.get(f"api/maps/{brief['id']}/sights").json()
        photos = site.get(f"api/maps/{brief['id']}/photos").json()

    assert len(sight["crops"]) == 5
    assert {each["name"] for each in sight["crops"]} < {path.name for path in paths[1:]}
    assert [each["name"] for each in photos if each["trouble"]] == [paths[0].name]


def test_without_a_map_or_with_no_such_picture_it_says_so(dusk, tmp_path):
    site, found, _ = dusk
    place = {"x": 20, "y": 31, "number": 0}
    answer = site.get(f"api/maps/{found}/crops", params=place)

    assert answer.status_code == 404
    assert "no such picture" in answer.json()["reason"]
