"""The proving ground: its scorer, its rivals and its bank, on made-up sums and small photos."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from types import SimpleNamespace

import numpy as np
import pytest

import accuracy
from accuracy import bank, cameras, methods, product, results, rivals, standing, voting
from accuracy.photo import Photo
from accuracy.scorer import (
    RULES,
    WIDER,
    Outcome,
    Places,
    merged,
    oracle_cut,
    own_cut,
    peaks_of,
    walk,
)
from accuracy.summary import Growth, Table, condensed, mean_of, poisson_interval
from stillpix.detection.null import null_of, window
from stillpix.frame import Exposure, Frame, Sensor
from stillpix.simulate import CameraSettings, PlantedDefect, SimulatedCamera
from support.places import ROOT

MEASURED = ROOT / "benchmarks" / "accuracy" / "measured.json.gz"
PLANTED = tuple(
    PlantedDefect(x=x, y=y, kind="hot", site="G", amplitude_sigma=2.0)
    for x, y in ((20, 20), (60, 20), (20, 60))
)
FALSE = -99


def places(*listed):
    x, y, score = np.array(listed, float).T
    return Places.ordered(x, y, score)


def photo_of(values, number=0, cfa="RGGB", white=16383):
    """Return a photo whose luma and mosaic are the same picture."""
    values = np.asarray(values)
    sensor = Sensor("Example", "One", "7", values.shape[1], values.shape[0])
    luma = np.clip(values, 0, 255).astype(np.uint8)
    frame = Frame(luma, sensor, Exposure(0.02, 4.0), f"{number}", f"{number:064x}")
    return Photo(frame, values.astype(np.uint16), cfa, 0, white)


# The scorer


def test_a_place_within_one_pixel_is_the_defect_and_the_next_one_there_is_not_a_second():
    ranked = places((21, 21, 9.0), (20, 24, 8.0), (70, 70, 7.0))

    assert walk(ranked, PLANTED) == [(9.0, 0), (8.0, -4), (7.0, -50)]


def test_of_places_within_two_pixels_only_the_strongest_counts():
    kept = merged(places((20, 20, 5.0), (22, 22, 9.0), (25, 22, 4.0)))

    assert list(zip(kept.x, kept.y, strict=True)) == [(22, 22), (25, 22)]


def test_a_place_near_a_defect_that_is_not_found_yet_is_false():
    assert walk(places((20, 23, 9.0), (20, 20, 8.0)), PLANTED) == [(9.0, FALSE), (8.0, 0)]


def test_the_oracles_cut_ends_before_the_first_false_place_of_a_short_list():
    assert oracle_cut([(9.0, 0), (8.0, 1), (7.0, FALSE), (6.0, 2)]) == ((0, 1), 0)


def test_the_oracles_cut_comes_back_where_a_hundred_finds_bear_one_false():
    steps = [(200.0, FALSE), *((100.0 - n, n) for n in range(99))]

    found, false = oracle_cut(steps)

    assert (len(found), false) == (99, 1)
    assert oracle_cut(steps[:-1]) == ((), 0)


def test_a_second_peak_on_a_found_defect_is_neither_false_nor_a_find():
    steps = [(9.0, 0), (8.0, -3), (7.0, 1), (6.0, -4), (5.0, 2)]

    assert oracle_cut(steps) == ((0, 1), 0)
    assert oracle_cut(steps, WIDER) == ((0, 1, 2), 0)


def test_places_of_equal_score_stand_or_fall_together():
    assert oracle_cut([(9.0, 0), (8.0, 1), (8.0, FALSE)]) == ((0,), 0)


def test_a_methods_own_cut_is_counted_apart_from_its_ranking():
    cut = own_cut(places((20, 20, 1.0), (61, 19, 1.0), (23, 20, 1.0), (90, 90, 1.0)), PLANTED)

    assert (set(cut.found), cut.false, cut.aside) == ({0, 1}, 1, 1)


def test_a_bad_columns_whole_length_is_one_defect():
    column = PlantedDefect(x=5, y=10, kind="offset", site="R", length=30)

    cut = own_cut(places((5, 12, 2.0), (6, 39, 1.0), (5, 45, 1.0)), [column])

    assert (cut.found, cut.false, cut.aside) == ((0,), 1, 1)


def test_local_maxima_are_those_that_a_slow_search_finds():
    score = np.random.default_rng(3).integers(0, 12, (40, 50)).astype(float)

    found = peaks_of(score, 5.0)

    slow = []
    for y, x in zip(*np.nonzero(score > 5), strict=True):
        around = score[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3]
        earlier = [
            (row, column)
            for row in range(max(y - 2, 0), min(y + 3, 40))
            for column in range(max(x - 2, 0), min(x + 3, 50))
            if score[row, column] == score[y, x] and (row, column) < (y, x)
        ]
        if around.max() == score[y, x] and not earlier:
            slow.append((x, y))
    assert sorted(zip(found.x, found.y, strict=True)) == sorted(slow)
    assert list(found.score) == sorted(found.score, reverse=True)


# Figures from results


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.390)]
)
def test_poisson_intervals_are_garwoods(count, low, high):
    assert poisson_interval(count) == pytest.approx((low, high), abs=6e-4)


def test_a_mean_over_cameras_lies_within_its_interval_and_names_the_least():
    mean = mean_of([0.2, 0.4, 0.6, 0.8])

    assert mean.interval[0] < mean.value < mean.interval[1]
    assert (mean.value, mean.least) == (pytest.approx(0.5), 0.2)


def test_a_recall_that_is_never_reached_has_no_number_of_photos():
    growth = Growth("1 to 3", 20, (10, 100), (0.1, 0.6))

    assert growth.needed(0.95) is None
    assert growth.needed(0.35) == pytest.approx(10**1.5)


def test_results_survive_their_file(tmp_path):
    kept = made_results()

    kept.save(tmp_path / "made.json")

    assert results.Results.load(tmp_path / "made.json") == kept


def test_condensed_results_are_small_and_give_the_same_tables():
    steps = {1: ((9.0, 0), (8.0, 1), (7.0, 2)), 2: ((6.0, FALSE), (5.0, 0), (4.0, 1))}
    made = results.Results(size="80x80")
    for seed, walked in steps.items():
        made.cameras.append(results.Camera.of(seed, CameraSettings(), PLANTED))
        made.runs.append(results.Run(seed, 20, "one", walked))

    small = condensed(made)

    full, kept = Table(made), Table(small)
    assert not any(run.steps for run in small.runs)
    assert [kept.recalls("one", 20, rule) for rule in RULES] == [
        full.recalls("one", 20, rule) for rule in RULES
    ]
    assert kept.by("one", 20, lambda d: d.kind) == full.by("one", 20, lambda d: d.kind)
    assert kept.common_cut("one", 20) == (pytest.approx(3 / 6), 0)


def test_condensed_results_survive_their_file_compressed_or_not(tmp_path):
    kept = condensed(made_results())

    for name in ("made.json", "made.json.gz"):
        kept.save(tmp_path / name)
        assert results.Results.load(tmp_path / name) == kept


def test_condensed_results_of_different_cameras_cannot_be_joined():
    parts = [condensed(made_results()), condensed(made_results())]

    with pytest.raises(ValueError, match="cannot be joined"):
        results.Results.joined(parts)


def test_the_result_files_in_the_repository_are_small():
    files = [path for path in (ROOT / "benchmarks").rglob("*.json*") if path.is_file()]

    assert MEASURED in files
    assert sum(path.stat().st_size for path in files) < 200_000


def test_runs_over_different_cameras_join_to_one(tmp_path):
    first, second = made_results(), made_results()
    second.cameras = [results.Camera.of(4, CameraSettings(), PLANTED)]
    second.runs = [results.Run(4, 20, "one", ((9.0, 1),))]

    joined = Table(results.Results.joined([second, first]))

    assert joined.seeds == [3, 4]
    assert joined.recalls("one", 20) == [pytest.approx(1 / 3), pytest.approx(1 / 3)]


def test_the_best_variant_of_a_method_is_the_one_shown():
    table = Table(made_results())
    entry = methods.Entry("made", "rival", "JPEG", ("one", "two"))

    assert table.best(entry, 20) == "two"
    assert table.recalls("two", 20) == [pytest.approx(2 / 3)]


def test_one_cut_for_all_cameras_needs_scores_that_compare():
    steps = {1: ((9.0, 0), (8.0, 1), (7.0, 2)), 2: ((6.0, FALSE), (5.0, 0), (4.0, 1))}
    made = results.Results()
    for seed, walked in steps.items():
        made.cameras.append(results.Camera.of(seed, CameraSettings(), PLANTED))
        made.runs.append(results.Run(seed, 20, "one", walked))

    assert Table(made).common_cut("one", 20) == (pytest.approx(3 / 6), 0)


def made_results():
    made = results.Results(command="c", machine="m", size="80x80")
    made.cameras.append(results.Camera.of(3, CameraSettings(), PLANTED))
    finds = {"one": [(20, 20, 9.0)], "two": [(20, 20, 9.0), (60, 20, 8.0)]}
    for name, listed in finds.items():
        outcome = Outcome(places(*listed), places(*listed), 0.5)
        made.runs.append(results.Run.of(3, 20, name, outcome, PLANTED))
    made.clean.append(results.Clean(3, 20, 1, 0.25))
    made.pooled.append(results.Pooled(3, 4, 20, 0, 5, 6, 0))
    return made


# Rivals


def test_least_variance_ranks_as_numpys_variance_does():
    rng = np.random.default_rng(1)
    stack = rng.integers(0, 256, (9, 30, 40))
    stack[:, 7, 11] = 200
    method = rivals.LeastVariance("least", "luma")

    method.add([photo_of(values, n) for n, values in enumerate(stack)])

    ranked = method.outcomes()["least"].ranked
    assert (ranked.x[0], ranked.y[0]) == (11, 7)
    assert -ranked.score / 81 == pytest.approx(stack.var(0)[ranked.y, ranked.x])


@pytest.mark.parametrize(("plane", "step"), [("luma", 1), ("mosaic", 2)])
def test_the_mean_residual_is_that_from_the_median_of_nine_of_one_colour(plane, step):
    stack = np.random.default_rng(2).integers(0, 256, (4, 24, 30))
    method = rivals.MeanResidual("mean", plane)

    method.add([photo_of(values, n, white=255) for n, values in enumerate(stack)])

    index = rivals.RESIDUAL_CLIPS.index(30.0)
    for y, x in ((5, 5), (12, 17), (20, 26)):
        around = stack[:, y - step : y + step + 1 : step, x - step : x + step + 1 : step]
        residual = stack[:, y, x] - np.median(around.reshape(4, 9), axis=1)
        assert method._sums[index, y, x] == pytest.approx(np.clip(residual, -30, 30).sum())


def test_ccdmasks_own_mask_is_our_ranking_above_its_threshold():
    pytest.importorskip("ccdproc", reason="needs stillpix[bench]")
    rng = np.random.default_rng(4)
    values = rng.normal(100, 2, (60, 75)).round()
    values[30, 40], values[12, 9] = 180, 20
    method = rivals.MeanPictureMask("mask", "luma")

    method.add([photo_of(values)])

    outcome = method.outcomes()["mask"]
    score = rivals.local_sigmas(values)
    expected = set(zip(*np.nonzero(score > rivals.CCDMASK_SIGMA)[::-1], strict=True))
    assert set(zip(outcome.called.x, outcome.called.y, strict=True)) == expected
    assert {(40, 30), (9, 12)} <= expected


def test_rawpys_votes_are_those_of_rawpys_own_search(monkeypatch):
    rawpy = pytest.importorskip("rawpy", reason="needs stillpix[bench]")
    pytest.importorskip("cv2", reason="needs stillpix[bench]")
    photos = [photo_of(mosaic, n) for n, mosaic in enumerate(mosaics())]
    files = {
        str(n): SimpleNamespace(
            raw_type=rawpy.RawType.Flat, sizes=SimpleNamespace(width=photo.mosaic.shape[1]),
            raw_image_visible=photo.mosaic, raw_pattern=np.zeros((2, 2)),
        )
        for n, photo in enumerate(photos)
    }  # fmt: skip
    monkeypatch.setattr(rawpy, "imread", files.__getitem__)
    method = voting.RawpyVotes()

    method.add(photos)

    votes = method._votes
    for name in ("both", "hot", "dead"):
        search = {"find_hot": name != "dead", "find_dead": name != "hot", "confirm_ratio": 0.5}
        theirs = rawpy.enhance.find_bad_pixels(list(files), **search)
        ours = np.argwhere(votes[name] >= 0.5 * len(photos))
        assert sorted(map(tuple, theirs)) == sorted(map(tuple, ours))


def mosaics():
    rng = np.random.default_rng(5)
    stack = rng.normal(2000, 40, (6, 40, 50))
    stack[:, 10, 12] += 900
    stack[:, 20, 31] = 500
    stack[::2, 30, 30] += 700
    return stack.round().astype(int)


def test_the_median_of_one_colour_is_the_upper_one_of_all_within_two_pixels():
    mosaic = np.random.default_rng(6).integers(0, 4000, (18, 24)).astype(np.uint16)
    pattern = np.array([[1, 2, 1, 1, 0, 1], [0, 1, 0, 2, 1, 2], [1, 2, 1, 1, 0, 1],
                        [1, 0, 1, 1, 2, 1], [2, 1, 2, 0, 1, 0], [1, 0, 1, 1, 2, 1]])  # fmt: skip

    found = voting.median_of_colour(mosaic, pattern)

    colours = np.tile(pattern, (3, 4))
    for y, x in ((0, 0), (9, 11), (17, 23), (4, 20)):
        near = np.s_[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3]
        alike = np.sort(mosaic[near][colours[near] == colours[y, x]])
        assert found[y, x] == alike[alike.size // 2]


@pytest.mark.parametrize("method", [voting.DarktableLike, voting.RawTherapeeLike])
def test_votes_single_out_a_pixel_that_is_bright_in_every_photo(method):
    made = method("votes", "mosaic")

    made.add([photo_of(mosaic * 4, n) for n, mosaic in enumerate(mosaics())])

    for name, outcome in made.outcomes().items():
        if name.endswith((", 0.75", ", 6")):
            assert (outcome.ranked.x[0], outcome.ranked.y[0]) == (12, 10)
            assert (12, 10) in set(zip(outcome.called.x, outcome.called.y, strict=True))


# The bank


@pytest.fixture(scope="module")
def library():
    settings = CameraSettings(width=360, height=240, defects=30, photos=24)
    camera = SimulatedCamera(settings, seed=7)
    return camera, [Photo.of(camera.photograph(number)) for number in range(24)]


def test_the_bank_with_stillpixs_settings_ranks_and_decides_as_stillpix_does(library):
    camera, photos = library
    made = bank.ScoreBanks({"twin": methods.OWN})
    itself = product.Stillpix()

    made.add(photos)
    itself.add(photos)

    sums, evidence = made.sums("twin"), itself.evidence
    loudest = standing.normalised(sums.scores, sums.information, sums, methods.OWN.standing).loudest
    null = null_of(evidence.scores, evidence.information)
    ours = [loudest[defect.y, defect.x] for defect in camera.defects]
    theirs = [np.abs(window([evidence.scores], null, d.x, d.y, 0)).max() for d in camera.defects]
    twins, own = made.outcomes()["twin"].called, itself.outcomes()[product.NAME].called
    assert (
        np.corrcoef(ours, theirs)[0, 1] > 0.998
    )  # the bank does not judge edges by scales of their own
    assert own.x.size >= 5
    finds = [set(zip(cut.x.tolist(), cut.y.tolist(), strict=True)) for cut in (twins, own)]
    assert len(finds[0] ^ finds[1]) <= 2  # one a cut may stand on its edge: floats, and MAD for IQR


def test_banks_that_share_a_look_say_what_each_says_alone(library):
    _, photos = library
    names = (methods.TWIN, "linear weights", "without g T")
    settings = {name: (methods.BANKS | methods.ABLATIONS)[name] for name in names}
    together = bank.ScoreBanks(settings)
    together.add(photos[:6])

    for name in names:
        alone = bank.ScoreBanks({name: settings[name]})
        alone.add(photos[:6])
        expected = alone.outcomes()[name].ranked
        assert np.array_equal(together.outcomes()[name].ranked.score, expected.score)


def test_middle_two_are_the_fourth_and_the_fifth_of_the_eight_neighbours():
    level = np.random.default_rng(8).normal(100, 20, (20, 30)).astype(np.float32)
    low, high = np.zeros_like(level), np.zeros_like(level)
    offsets = bank.Sight(distance=2).offsets("RGGB")

    bank.middle_two(level, offsets, 2, low, high)

    for y, x in ((2, 2), (9, 14), (17, 27)):
        around = np.sort(np.delete(level[y - 2 : y + 3 : 2, x - 2 : x + 3 : 2].ravel(), 4))
        assert (low[y, x], high[y, x]) == (around[3], around[4])


def test_the_xtrans_neighbours_are_of_the_pixels_own_colour():
    from stillpix.simulate.planting import cfa_pattern

    pattern = cfa_pattern("XTRANS")
    rows, columns = np.indices(pattern.shape)

    for row, column in bank.XTRANS_PAIRS:
        assert np.array_equal(pattern[(rows + row) % 6, (columns + column) % 6], pattern)
        assert np.array_equal(pattern[(rows - row) % 6, (columns - column) % 6], pattern)


def test_without_decoys_the_tail_is_the_normal_one():
    tail = standing.TheoryTail(tested=1_000_000)

    assert tail.expected(np.array([4.891638])) == pytest.approx([1.0], rel=1e-4)


# Running


def test_every_stop_is_reached_with_all_photos_before_it_once(library):
    camera, _ = library
    with cameras.ThreadPoolExecutor(2) as pool:
        seen = [
            (number, [photo.frame.origin for photo in photos])
            for number, photos in cameras.photos_of(camera, (3, 6), pool)
        ]

    assert [number for number, _ in seen] == [3, 4, 6]
    names = [name for _, names in seen for name in names]
    assert names == [f"IMG_{n:04d}.JPG" for n in range(1, 7)]


def test_photos_of_two_bodies_pooled_by_force_are_all_in_it_and_change_neither(library):
    _, photos = library
    other = SimulatedCamera(CameraSettings(width=360, height=240, photos=4), seed=8)
    first, second = product.Stillpix(), product.Stillpix()
    first.add(photos[:4])
    second.add([Photo.of(other.photograph(number)) for number in range(4)])

    pooled = first.pooled_by_force(second)

    both = first.evidence.scores + second.evidence.scores
    assert np.array_equal(pooled.evidence.scores, both)
    assert (len(pooled.evidence.photos), len(first.evidence.photos)) == (8, 4)
    assert first.evidence.sensor != second.evidence.sensor


def test_no_two_methods_or_variants_share_a_name():
    listed = methods.entries()
    variants = [variant for entry in listed for variant in entry.variants]

    assert len({entry.name for entry in listed}) == len(listed)
    assert len(set(variants)) == len(variants)


def test_a_method_that_does_not_exist_is_named():
    with pytest.raises(KeyError, match="least varience"):
        methods.chosen(["product", "least varience"])


def test_every_outcome_has_a_row_in_the_table(library):
    _, photos = library
    listed = [entry for entry in methods.entries() if not methods.missing([entry])]
    made = methods.build(listed)
    names = set()

    for method in made:
        method.add(photos[:5])
        names |= method.outcomes().keys()

    assert names == {variant for entry in listed for variant in entry.variants}


@pytest.mark.parametrize(
    "name", [name for _, name, _ in pkgutil.iter_modules(accuracy.__path__) if name != "plots"]
)
def test_the_examples_in_the_proving_ground_run(name):
    module = importlib.import_module(f"accuracy.{name}")

    assert doctest.testmod(module).failed == 0
