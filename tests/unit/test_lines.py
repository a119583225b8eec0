"""Bad columns and rows: found as one run, however faint, and nothing else is taken for one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from stillpix.detection.decide import detect
from stillpix.detection.kinds import heard_in
from stillpix.detection.line_kernels import add_along
from stillpix.detection.lines import lines_of
from stillpix.detection.null import null_of
from stillpix.detection.settings import USUAL
from stillpix.detection.views import whole_of
from stillpix.evidence.evidence import Evidence
from stillpix.maps.records import Run
from support.frames import EXPOSURES, frame_of, texture

WIDTH, HEIGHT, PHOTOS = 208, 144, 16
AT, FIRST, LAST = 91, 40, 99
FAINT = 12  # grey levels: less than what the surroundings vary by


def pictures(*, seed=3, photos=PHOTOS):
    rng = np.random.default_rng(seed)
    for _ in range(photos):
        noise = 6 * rng.standard_normal((HEIGHT, WIDTH))
        yield texture(rng, WIDTH, HEIGHT) * 0.7 + noise + 20


def evidence_of(made, *, turned=False):
    frames = [
        frame_of(
            np.ascontiguousarray(np.clip(np.rint(picture.T if turned else picture), 0, 255))
            .astype(np.uint8),
            EXPOSURES[n % len(EXPOSURES)], name=f"{n}",
        )
        for n, picture in enumerate(made)
    ]  # fmt: skip
    return Evidence.of(frames)


def with_line(levels=FAINT, first=FIRST, last=LAST, photos=PHOTOS):
    for picture in pictures(photos=photos):
        picture[first : last + 1, AT] += levels
        yield picture


def view_of(evidence):
    null = null_of(evidence.scores, evidence.information, None, evidence.rules.grid)
    return whole_of(evidence, null)


def runs_of(found):
    return [defect for defect in found.in_state("confirmed") if defect.run is not None]


@pytest.mark.slow
@pytest.mark.parametrize("turned", [False, True])
def test_a_faint_line_is_found_as_one_run_and_no_single_pixel_of_it(turned):
    found = detect(evidence_of(with_line(), turned=turned))

    (line,) = runs_of(found)
    assert line.run.along == ("row" if turned else "column")
    assert (line.y if turned else line.x) == AT
    assert abs(line.run.first - FIRST) <= 6
    assert abs(line.run.last - LAST) <= 6
    assert line.q <= 0.01
    assert found.in_state("confirmed") == (line,)


@pytest.mark.slow
def test_a_line_over_the_whole_height_reaches_from_edge_to_edge():
    (line,) = runs_of(detect(evidence_of(with_line(first=0, last=HEIGHT - 1))))

    assert line.run == Run("column", 0, HEIGHT - 1)


@pytest.mark.slow
def test_a_dark_line_is_of_a_dark_kind():
    (line,) = runs_of(detect(evidence_of(with_line(-2 * FAINT, 0, HEIGHT - 1, 2 * PHOTOS))))

    assert line.kind in {"dark", "low", "dead"}


@pytest.mark.slow
def test_a_sound_sensor_has_no_line():
    assert not detect(evidence_of(pictures())).defects


@pytest.mark.slow
def test_loud_pixels_along_a_column_are_no_line():
    def made():
        for picture in pictures():
            picture[[20, 60, 61, 110], AT] += 90
            yield picture

    found = detect(evidence_of(made()))

    assert not runs_of(found)
    assert {(defect.x, defect.y) for defect in found.in_state("confirmed")} >= {(AT, 20), (AT, 110)}


@pytest.mark.slow
def test_an_edge_along_a_column_of_one_photo_is_no_line():
    def made():
        for n, picture in enumerate(pictures()):
            if n == 5:
                picture[:, AT] += 120
            yield picture

    assert not detect(evidence_of(made())).defects


@pytest.mark.slow
def test_a_mosaics_line_that_moves_on_is_none():
    """Stars that drift along a row light those beside it as well."""

    def made(rows):
        for n, picture in enumerate(pictures()):
            sky = 100 + (picture - picture.mean()) * 0.05
            sky[rows, n * 13 % WIDTH :] += 20
            yield sky

    found = []
    for rows in ([70], [69, 70, 71]):
        frames = [
            frame_of(np.rint(picture * 100).astype(np.uint16), name=f"{n}")
            for n, picture in enumerate(made(rows))
        ]
        frames = [
            replace(frame, sensor=replace(frame.sensor, layout="mono"), white=65535)
            for frame in frames
        ]
        evidence = Evidence.of(frames)
        lines = lines_of(evidence, view_of(evidence), USUAL)
        found.append([line.at for line in lines.found if line.along == "row"])

    assert found == [[70], []]


@pytest.mark.slow
def test_the_sums_along_lines_are_those_of_each_clipped_score():
    evidence = evidence_of(with_line())
    view = view_of(evidence)
    view.null.masked[30:50, 60:90] = True
    heard = heard_in(evidence)
    columns = np.zeros((heard.size + 1, 4, WIDTH), np.float32)
    rows = np.zeros((heard.size + 1, HEIGHT, 5), np.float32)
    null = view.null
    sums = columns[:-1], rows[:-1], columns[-1], rows[-1]
    add_along(evidence.scores, null.packed, heard, 36, 41, 0, HEIGHT, *sums)

    x, y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    around = view.around_all(x.ravel(), y.ravel(), 0)[:, heard, 0, 0].T.reshape(-1, HEIGHT, WIDTH)
    told = np.clip(around, -3, 3) * ~null.masked
    counted = (evidence.scores[heard[0]] != 0) & ~null.masked
    both = np.concatenate([told, counted[None]])
    for segment in range(4):
        part = both[:, 36 * segment : 36 * segment + 36]
        assert_allclose(columns[:, segment], part.sum(axis=1), atol=2e-3)
    for segment in range(5):
        end = WIDTH if segment == 4 else 41 * segment + 41
        assert_allclose(rows[:, :, segment], both[:, :, 41 * segment : end].sum(axis=2), atol=2e-3)
