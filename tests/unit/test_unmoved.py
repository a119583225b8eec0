"""Where a mask ends beside a black or white border, and that nothing else moves its end."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from stillpix.detection.unmoved import never_moves
from stillpix.evidence.evidence import Evidence
from support.frames import frame_of, texture

HEIGHT, WIDTH = 96, 160
PHOTOS = 24
SHOWS, MOST = 3, 14  # px beside a border: those that its edge changes, and those left out at most


def photos_with(border):
    """Return evidence of different scenes that a function has drawn a border into."""
    rng, frames = np.random.default_rng(5), []
    for number in range(PHOTOS):
        picture = np.roll(texture(rng, WIDTH, HEIGHT), rng.integers(HEIGHT), axis=0)
        pixels = np.clip(picture, 0, 255).astype(np.uint8)
        border(pixels)
        frames.append(frame_of(pixels, name=f"photo{number}"))
    return Evidence(frames[0].sensor).update_all(frames)


def free_columns(mask):
    """Return the first and last columns that are not masked in the middle of the picture."""
    free = np.flatnonzero(~mask[HEIGHT // 2])
    return free[0], free[-1]


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("width", [20, 21, 22, 23])
def test_what_a_border_changes_is_left_out_and_little_more(width, value):
    def bordered(pixels):
        pixels[:, :width] = pixels[:, WIDTH - width :] = value

    first, last = free_columns(never_moves(photos_with(bordered)))

    for beside in (first - width, WIDTH - 1 - width - last):
        assert SHOWS <= beside <= MOST


@pytest.mark.parametrize("drawn", [3, 6, 9])
def test_a_line_drawn_inside_a_border_is_left_out_with_it(drawn):
    def framed(pixels):
        pixels[:, :16] = 0
        pixels[:, 16 : 16 + drawn] = 220

    mask = never_moves(photos_with(framed))

    assert mask[8:-8, 16 : 16 + drawn + SHOWS].all()


def test_a_grey_border_ends_where_its_blocks_do():
    def bordered(pixels):
        pixels[:, :18] = 90

    evidence = photos_with(bordered)

    assert_array_equal(never_moves(evidence), evidence.still.never_moves(evidence.scenes))


def test_nothing_is_left_out_where_all_moves():
    def unchanged(_):
        pass

    assert not never_moves(photos_with(unchanged)).any()
