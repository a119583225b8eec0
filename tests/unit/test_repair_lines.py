"""Bad columns and rows are repaired as lines: one verdict, nothing else touched, at rest after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from stillpix.frame import Exposure, Sensor
from stillpix.images import Header
from stillpix.maps.records import Defect, Run
from stillpix.restoration import repair, repaired_file, verified
from stillpix.restoration.pixels import PixelCanvas
from stillpix.restoration.repairing import Place, repair_places
from stillpix.restoration.storing import shifted
from stillpix.rewriting.jpeg import read_coefficients
from support.frames import smooth_light

WIDTH, HEIGHT, AT, FIRST, LAST = 200, 160, 91, 20, 139
ALONG = slice(FIRST, LAST + 1)
COLUMN = Defect(x=AT, y=FIRST, run=Run("column", FIRST, LAST))
ROW = Defect(x=FIRST, y=AT, run=Run("row", FIRST, LAST))
SUBSAMPLED = ["420", "444"]


def scene(*, seed=4, sigma=2.0):
    """Return levels of 0..255 with structure and noise."""
    rng = np.random.default_rng(seed)
    return 230 * smooth_light(rng, WIDTH, HEIGHT) + rng.normal(0, sigma, (HEIGHT, WIDTH))


def bytes_of(levels):
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def jpeg_of(levels, quality=92, sampling="420"):
    return simplejpeg.encode_jpeg(
        np.ascontiguousarray(np.stack([bytes_of(levels)] * 3, axis=-1)), quality, "RGB", sampling
    )


def header_of(levels):
    height, width = levels.shape
    sensor = Sensor("Example Works", "Example One", "7", width, height)
    return Header(Path("a.jpg"), "jpeg", sensor, Exposure(), None, 1, 255)


def luma_of(content):
    return simplejpeg.decode_jpeg(content, "GRAY")[..., 0].astype(float)


def with_column(levels, added):
    broken = levels.copy()
    broken[ALONG, AT] += added
    return broken


def error_at(levels, truth):
    return float(np.abs(levels - truth)[ALONG, AT].mean())


@pytest.mark.slow
@pytest.mark.parametrize("sampling", SUBSAMPLED)
@pytest.mark.parametrize("turned", [False, True])
def test_a_faint_line_of_a_jpeg_is_taken_off_as_one(sampling, turned):
    whole = scene()
    broken, listed = with_column(whole, 5), ROW if turned else COLUMN
    truth, content = (jpeg_of(each.T if turned else each, 92, sampling) for each in (whole, broken))
    header = header_of(whole.T if turned else whole)

    fixed = repaired_file(content, header, [listed])

    verified(content, fixed.content, header, fixed.verdicts)
    (verdict,) = fixed.verdicts
    assert (verdict.outcome, verdict.run) == ("repaired", listed.run)
    assert verdict.strength == pytest.approx(5, abs=1)
    assert repaired_file(fixed.content, header, [listed]).content == fixed.content
    before, after, sound = (luma_of(each) for each in (content, fixed.content, truth))
    pair = [error_at(each.T if turned else each, sound.T if turned else sound)
            for each in (before, after)]  # fmt: skip
    assert pair[1] < pair[0] / 2


def test_only_blocks_that_the_line_crosses_change():
    broken = with_column(scene(), 12)
    content, header = jpeg_of(broken), header_of(broken)
    fixed = repaired_file(content, header, [COLUMN])

    old, new = (read_coefficients(each, header.path) for each in (content, fixed.content))
    for one, other in zip(old.components, new.components, strict=True):
        rows, columns = np.nonzero((one.blocks != other.blocks).any(axis=2))
        side = 8 * WIDTH // one.width
        reach = 2 if one is old.components[0] else 4
        assert set(columns) <= {(AT - reach) // side, (AT + reach) // side}
        assert rows.min(initial=99) >= FIRST // side
        assert rows.max(initial=0) <= LAST // side
    assert fixed.content != content


@pytest.mark.parametrize("quality", [75, 98])
def test_a_photo_in_which_the_line_does_not_show_is_left_to_the_byte(quality):
    content = jpeg_of(scene(seed=6, sigma=4), quality)

    fixed = repaired_file(content, header_of(scene()), [COLUMN])

    assert fixed.content == content
    assert [each.outcome for each in fixed.verdicts] == ["not showing"]


def test_a_row_in_part_of_16_bit_colours_changes_no_other_value():
    whole = np.stack([scene(seed=seed) for seed in (1, 2, 3)], axis=-1) * 257
    whole = np.clip(np.rint(whole), 0, 65535).astype(np.uint16)
    broken = whole.copy()
    broken[AT, ALONG] = np.clip(broken[AT, ALONG].astype(int) + 3300, 0, 65535)

    fixed = repair(broken, [ROW])

    error = np.abs(fixed[AT, ALONG].astype(float) - whole[AT, ALONG]).mean()
    assert error < 3300 / 8
    fixed[AT, ALONG] = broken[AT, ALONG]
    assert np.array_equal(fixed, broken)


@pytest.mark.parametrize("layout", ["mono", "bayer-GRBG", "xtrans"])
@pytest.mark.parametrize("kind", ["offset", "low"])
def test_a_line_of_a_mosaic_keeps_what_its_pixels_tell(layout, kind):
    rng = np.random.default_rng(5)
    period = {"mono": 1, "xtrans": 6}.get(layout, 2)
    cells = HEIGHT // period + 1, WIDTH // period + 1
    colours = np.tile(rng.uniform(0.5, 1.5, (period, period)), cells)[:HEIGHT, :WIDTH]
    whole = rng.normal(2000 * colours * smooth_light(rng, WIDTH, HEIGHT), 20)
    broken = whole.copy()
    broken[ALONG, AT] = broken[ALONG, AT] * 0.85 if kind == "low" else broken[ALONG, AT] + 40
    broken = np.rint(broken).astype(np.uint16)

    fixed = repair(broken, [COLUMN], layout=layout, white=4095)

    assert error_at(fixed, whole) < error_at(broken, whole) / 2
    assert error_at(fixed, whole) < 16  # less than the noise: no value was made up
    assert np.array_equal(repair(fixed, [COLUMN], layout=layout, white=4095), fixed)
    fixed[ALONG, AT] = broken[ALONG, AT]
    assert np.array_equal(fixed, broken)


def test_a_stuck_line_is_replaced_by_what_lies_beside_it():
    whole = bytes_of(scene())
    broken = whole.copy()
    broken[ALONG, AT] = 250

    fixed = repair(broken, [COLUMN])

    assert error_at(fixed.astype(float), whole) < 4


def test_lines_side_by_side_have_each_its_own_verdict():
    broken = with_column(scene(), 20)
    broken[ALONG, AT + 1] += 30
    beside = Defect(x=AT + 1, y=FIRST, run=COLUMN.run)
    canvas = PixelCanvas(bytes_of(broken), white=255)

    verdicts = repair_places(canvas, [Place(each.x, each.y, run=each.run)
                                      for each in (beside, COLUMN)])  # fmt: skip

    assert [(each.x, each.outcome) for each in verdicts] == [
        (AT + 1, "repaired"), (AT, "repaired"),
    ]  # fmt: skip
    assert [each.strength for each in verdicts] == [
        pytest.approx(30, abs=4), pytest.approx(20, abs=4),
    ]  # fmt: skip
    assert error_at(canvas.pixels.astype(float), scene()) < 4


def test_a_short_run_is_repaired_pixel_by_pixel_and_has_one_verdict():
    broken = bytes_of(scene())
    broken[30:36, AT] = 255
    run = Run("column", 30, 35)
    canvas = PixelCanvas(broken, white=255)

    (verdict,) = repair_places(canvas, [Place(AT, 30, run=run)])

    assert (verdict.outcome, verdict.run) == ("repaired", run)
    assert np.abs(canvas.pixels[30:36, AT] - scene()[30:36, AT]).mean() < 10


def test_a_coefficient_moves_by_whole_steps_and_only_if_the_line_moves_it():
    steps = np.full((1, 64), 16.0)
    before = np.zeros((1, 64), np.int16)
    before[0, :3] = 5, 2, 1
    flat = np.full((1, 64), 128.0 + 5 * 16 / 8)  # the mean alone
    halfway = flat + (0.2 * 16 / 8)

    assert shifted(flat, before, steps)[0, :3].tolist() == [5, 0, 0]
    before[0, 1:] = 0
    assert np.array_equal(shifted(halfway, before, steps), before)
