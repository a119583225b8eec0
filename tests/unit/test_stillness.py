"""What never moves: told from pictures that are otherwise different, and from nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from stillpix.evidence.evidence import Evidence
from stillpix.evidence.stillness import MARGIN, MARGIN_OF_RAGGED, Stillness
from stillpix.evidence.stillness_kernels import AROUND, LENGTH, SIDE, sample_rows
from stillpix.evidence.sum_kernels import BLOCK
from support import mosaics
from support.frames import frame_of, sensor_of, texture

HEIGHT, WIDTH = 96, 128
PHOTOS = 24


def scenes(photos=PHOTOS, *, seed=5):
    rng = np.random.default_rng(seed)
    pictures = [texture(rng, WIDTH, HEIGHT).astype(np.float64) for _ in range(photos)]
    # each begins at the crest of its waves, which would be the same in all of them
    return [np.roll(picture, rng.integers(HEIGHT), axis=0) for picture in pictures]


def evidence_of(pictures, dtype=np.uint8):
    frames = [
        frame_of(np.clip(picture, 0, 255).astype(dtype), name=f"photo{n}")
        for n, picture in enumerate(pictures)
    ]
    return Evidence(frames[0].sensor).update_all(frames)


def still_of(evidence):
    return evidence.still.never_moves(evidence.scenes)


def test_nothing_stands_still_in_different_pictures():
    assert not still_of(evidence_of(scenes())).any()


def test_a_part_that_is_the_same_in_all_photos_is_found_and_its_margin_with_it():
    fixed = scenes(1, seed=77)[0]
    pictures = scenes()
    for picture in pictures:
        picture[64:] = fixed[64:]

    still = still_of(evidence_of(pictures))

    assert still[64:].mean() > 0.9
    assert not still[: 64 - MARGIN - 4 * SIDE].any()


def alike_by(share, photos=60):
    """Return what many photos left that are alike by some share in all blocks."""
    still = Stillness(sensor_of(width=WIDTH, height=HEIGHT))
    still.told[:] = photos
    still.sums[..., 0] = share * photos * LENGTH
    return still


def test_a_wedge_that_fills_no_block_belongs_to_the_part_it_hangs_on():
    still = alike_by(0.1)
    still.sums[8:, 12:, 0] = 60 * LENGTH
    still.sums[-1, 1:12, 0] = still.sums[2, 2:7, 0] = 0.55 * 60 * LENGTH  # one hangs on nothing

    found = still.never_moves(60)

    assert found[-still.side :, still.side :].all()
    assert not found[:48].any()


@pytest.mark.parametrize(("blocks", "left_out"), [(5, False), (6, True)])
def test_many_likely_blocks_that_hang_together_stand_still(blocks, left_out):
    still = alike_by(0.1)
    still.sums[5, 4 : 4 + blocks, 0] = 0.55 * 60 * LENGTH

    assert still.never_moves(60).any() == left_out


@pytest.mark.parametrize(("columns", "margin"), [(3, MARGIN_OF_RAGGED), (12, MARGIN)])
def test_an_empty_sky_is_no_border_that_an_edge_would_stand_around(columns, margin):
    still = alike_by(0.1)
    still.sums[8:, :, 0] = 60 * LENGTH
    still.told[4:6, :columns] = 0  # in few blocks by chance, in many where nothing is to be seen

    above = still.never_moves(60)[: 8 * still.side, 8]

    assert abs(above.sum() - margin) <= BLOCK / 2


@pytest.mark.parametrize("light", [0.3, 3.0])
def test_light_that_changes_on_it_hides_it_not(light):
    fixed = scenes(1, seed=77)[0]
    pictures = scenes()
    for n, picture in enumerate(pictures):
        picture[64:] = fixed[64:] * (1 if n % 2 else light)

    assert still_of(evidence_of(pictures))[72:].mean() > 0.8


def test_the_edge_of_a_black_border_never_moves_and_the_black_never_shows():
    pictures = scenes()
    for picture in pictures:
        picture[:, 80:] = 0
    evidence = evidence_of(pictures)

    still = still_of(evidence)
    shows_nothing = evidence.still.never_shows(evidence.scenes)

    assert still[:, 78:82].mean() > 0.9
    assert still[:, :64].mean() < 0.03
    assert shows_nothing[:, 96:].all()
    assert not shows_nothing[:, :64].any()


def test_a_blazing_pixel_is_not_taken_for_a_part_that_stands_still():
    pictures = scenes()
    for picture in pictures:
        picture[40, 40] += 200
        picture[40, 39:42:2] += 100
        picture[39:42:2, 40] += 100

    assert not still_of(evidence_of(pictures)).any()


def test_pictures_of_a_covered_lens_show_no_border():
    rng = np.random.default_rng(3)
    pictures = [rng.normal(3, 0.5, (HEIGHT, WIDTH)) for _ in range(PHOTOS)]
    evidence = evidence_of(pictures)

    assert not evidence.still.never_shows(evidence.scenes).any()
    assert not still_of(evidence).any()


def test_few_photos_tell_nothing():
    fixed = scenes(1, seed=77)[0]

    assert not still_of(evidence_of([fixed, fixed + 1])).any()


@pytest.mark.slow
def test_any_order_and_any_split_adds_up_to_the_same_bits():
    whole, merged = evidence_of(scenes()), evidence_of(scenes()[:5])
    frames = [
        frame_of(np.clip(scenes()[n], 0, 255).astype(np.uint8), name=f"photo{n}")
        for n in range(5, PHOTOS)
    ]

    merged.merge(Evidence(merged.sensor).update_all(frames[::-1]))

    assert_array_equal(merged.still.sums, whole.still.sums)
    assert_array_equal(merged.still.told, whole.still.told)


def middle(values):
    return sorted(values)[len(values) // 2]


@pytest.mark.parametrize("step", [1, 2, 6])
def test_a_sample_is_the_middle_of_three_middles(step):
    photo = texture(np.random.default_rng(2), 40, 32)
    out = np.empty((8, 10), np.float32)
    sample_rows(photo, 4, step, 0, 8, out)

    def beside(at, length):  # beyond the frame it is the one on the other side
        return [2 * at - other if not 0 <= other < length else other
                for other in (at - step, at, at + step)]  # fmt: skip

    for i in range(8):
        for j in range(10):
            rows, columns = beside(4 * i + 2, 32), beside(4 * j + 2, 40)
            assert out[i, j] == middle([middle([photo[y, x] for y in rows]) for x in columns])


@pytest.mark.slow
def test_an_ordinary_small_mosaic_has_nothing_that_never_moves_along_its_edges():
    colours = np.tile([[40, 80], [80, 160]], (HEIGHT // 2, WIDTH // 2))
    sensor = replace(sensor_of(WIDTH, HEIGHT), layout="bayer-RGGB")
    frames = [
        mosaics.frame_of(512 + picture * colours / 20, sensor, name=f"photo{n}")
        for n, picture in enumerate(scenes())
    ]

    still = Evidence(frames[0].sensor).update_all(frames).still

    assert not still.never_moves(len(frames)).any()


def test_a_blocks_sum_is_the_structure_of_each_photo_at_one_length():
    picture = scenes(1)[0]
    evidence = evidence_of([picture])
    samples = np.empty((HEIGHT // 2, WIDTH // 2), np.float32)
    sample_rows(np.clip(picture, 0, 255).astype(np.uint8), 2, 1, 0, len(samples), samples)

    for by, bx in ((0, 0), (5, 7), (11, 15)):
        expected = twin_of_block(samples.tolist(), by, bx)
        assert evidence.still.told[by, bx] == 1
        assert np.abs(evidence.still.sums[by, bx] - expected).max() <= 1
        assert np.hypot.reduce(evidence.still.sums[by, bx]) == pytest.approx(LENGTH, rel=0.05)


def twin_of_block(samples, by, bx):
    rows, columns = len(samples), len(samples[0])
    v = []
    for i in range(by * SIDE, by * SIDE + SIDE):
        for j in range(bx * SIDE, bx * SIDE + SIDE):
            near = [
                samples[y][x]
                for y in range(max(i - AROUND, 0), min(i + AROUND + 1, rows))
                for x in range(max(j - AROUND, 0), min(j + AROUND + 1, columns))
            ]
            v.append(samples[i][j] - sum(near) / len(near))
    typical = float("inf")
    for _ in range(3):
        typical = sum(min(abs(each), 2 * typical) for each in v) / len(v)
    v = [max(min(each, 1.5 * typical), -1.5 * typical) for each in v]
    length = sum(each * each for each in v) ** 0.5
    return np.array([LENGTH * each / length for each in v])


@pytest.mark.parametrize(("width", "height"), [(5, 5), (7, 300), (16, 9), (33, 47)])
def test_no_size_writes_past_its_sums(width, height):
    pixels = texture(np.random.default_rng(1), width, height)
    still = Stillness(sensor_of(width, height))

    still.add([replace(frame_of(pixels), sensor=sensor_of(width, height))])

    assert still.never_moves(1).shape == (height, width)
