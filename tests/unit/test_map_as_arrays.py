"""A map as a mask, as CCDData and as a table, and the repair of arrays by it."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

import stillpix
from stillpix import Defect, DefectMap, Sensor
from stillpix.errors import MissingPackageError, SensorMismatchError
from stillpix.maps.records import Run

HEIGHT, WIDTH = 120, 160
X, Y = 50, 41
SMALL = Sensor("unknown", "unknown", "unknown", WIDTH, HEIGHT)


def picture_of(kind=np.uint16, *, scale=1.0, colours=None):
    """Return noise in which one pixel blazes."""
    shape = (HEIGHT, WIDTH) if colours is None else (HEIGHT, WIDTH, colours)
    picture = np.random.default_rng(1).normal(100, 3, shape)
    picture[Y, X] = 250
    return (picture * scale).astype(kind)


def test_a_mask_marks_the_broken_pixels_of_a_map_and_no_others():
    column = Defect(x=7, y=2, run=Run("column", 2, 4), state="accepted")
    found = DefectMap(SMALL, (Defect(x=3, y=1, state="confirmed"), Defect(x=9, y=9), column))

    assert found.mask().dtype == bool
    assert np.argwhere(found.mask()).tolist() == [[1, 3], [2, 7], [3, 7], [4, 7]]
    assert np.argwhere(found.mask("candidate")).tolist() == [[9, 9]]


def test_a_map_as_ccddata_masks_a_frame_of_its_camera():
    nddata = pytest.importorskip("astropy.nddata")
    found = DefectMap(SMALL, (Defect(x=3, y=1, state="confirmed"),))
    frame = nddata.CCDData(np.ones((HEIGHT, WIDTH)), unit="adu")

    bad = found.to_ccddata()
    frame.mask = bad.data.astype(bool)

    assert bad.data.sum() == bad.mask.sum() == frame.mask.sum() == 1
    assert bad.data[1, 3] == 1


@pytest.mark.parametrize("package", ["astropy", "pandas"])
@pytest.mark.parametrize("count", [0, 2])
def test_a_map_as_a_table_has_a_row_for_each_defect(package, count):
    pytest.importorskip(package)
    defects = (Defect(x=3, y=1, kind="hot", seen=(0.5, 8)), Defect(x=4, y=1))[:count]

    table = DefectMap(SMALL, defects).to_table(package)

    assert len(table) == count
    assert list(table["x"]) == [3, 4][:count]
    assert [int(number) for number in table["seen_photos"]] == [8, 0][:count]


@pytest.mark.parametrize("way", ["to_table", "to_ccddata"])
def test_a_table_without_the_packages_names_them(monkeypatch, way):
    for name in ("astropy", "astropy.table", "astropy.nddata", "pandas"):
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(MissingPackageError, match=r"needs astropy.*pip install"):
        getattr(DefectMap(SMALL), way)()


# The repair of an array


@pytest.mark.parametrize("kind", ["u1", "<u2", ">u2", "<i2", ">i2", "<i4", "<f4", ">f4", "<f8"])
@pytest.mark.parametrize("layout", ["mono", "rendered"])
def test_an_array_is_repaired_in_the_type_it_has_and_nowhere_else(kind, layout):
    scale = 1 if kind == "u1" else 100
    picture = picture_of(kind, scale=scale)
    found = DefectMap(replace(SMALL, layout=layout), (Defect(x=X, y=Y, state="confirmed"),))
    before = picture.copy()

    repaired = stillpix.repair(picture, found)

    assert (repaired.dtype, repaired.shape) == (picture.dtype, picture.shape)
    assert np.array_equal(picture, before)
    changed = np.argwhere(repaired != picture)
    assert [Y, X] in changed.tolist()
    assert np.abs(changed - [Y, X]).max() <= 4
    assert abs(float(repaired[Y, X]) / scale - 100) < 15


def test_colours_of_opencv_are_repaired_as_those_in_the_usual_order():
    picture = picture_of(np.uint8, colours=3)
    listed = [Defect(x=X, y=Y)]

    turned = stillpix.repair(picture[..., ::-1], listed, order="BGR")

    assert np.array_equal(turned[..., ::-1], stillpix.repair(picture, listed))


def test_candidates_and_rejected_pixels_of_a_map_stay():
    picture = picture_of()
    found = DefectMap(SMALL, (Defect(x=X, y=Y), Defect(x=X, y=Y + 30, state="rejected")))

    assert np.array_equal(stillpix.repair(picture, found), picture)


def test_an_array_of_another_size_than_the_map_is_refused():
    with pytest.raises(SensorMismatchError, match="give an array of 120 rows and 160 columns"):
        stillpix.repair(np.zeros((WIDTH, HEIGHT), np.uint8), DefectMap(SMALL))


def test_a_value_that_is_no_number_stays():
    picture = picture_of(np.float32)
    picture[5, 5] = np.nan
    found = DefectMap(replace(SMALL, layout="mono"), (Defect(x=X, y=Y, state="confirmed"),))

    repaired = stillpix.repair(picture, found)

    assert np.isnan(repaired[5, 5])
    assert np.isnan(repaired).sum() == 1
    assert repaired[Y, X] < 120
