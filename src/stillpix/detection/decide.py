"""From evidence to a map: which pixels stand out, how sure that is, and what is wrong with them.

Sees evidence, never photos: another threshold needs no second reading. docs/statistics.md explains
each step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from ..arguments import instance
from ..evidence.evidence import Evidence
from ..evidence.sum_kernels import EDGE
from ..frame import Sensor
from ..maps.records import Defect, DefectMap, DetectionSummary, EvidenceSummary
from .areas import areas_of
from .colours import LUMA, Response, Source, responses_of, sources_of
from .hot_or_offset import limits_of
from .kinds import describe, is_passing, single_scene_candidates
from .likely_false import likely_false
from .lines import Lines, lines_of
from .null import Null, null_of
from .patterns import lattice_of
from .ranking import q_values
from .settings import USUAL, DetectionSettings
from .sites import Site, sites_of
from .tail import Tail
from .unmoved import never_moves
from .views import whole_of

CROWD = 8  # finds within CROWD_WITHIN px of one another that are an overlay rather than defects
CROWD_WITHIN = 32  # px
IN_LINE = 3  # columns or rows that a bad column's or row's finds lie in at most


@dataclass(frozen=True, slots=True)
class Judged:
    """A map, and what it was decided by; neither where too few photos tell what is chance."""

    found: DefectMap
    null: Null | None = None
    tail: Tail | None = None  # of the peaks in luma, or in the mosaic


def detect(
    evidence: Evidence,
    settings: DetectionSettings = USUAL,
    pool: Executor | None = None,
) -> DefectMap:
    """Return the map of one sensor's defects, brightest evidence first.

    `confirmed` are those that keep the false-discovery rate (Benjamini and Hochberg 1995, with
    the decoys as null) and show a minimum effect; `candidate` those up to ten times that rate.
    With fewer different pictures than `fewest_scenes`, and fewer dark frames than `fewest_darks`,
    there are candidates only.
    """
    instance("evidence", evidence, Evidence, "an Evidence, as Evidence.of(frames) makes it")
    instance("settings", settings, DetectionSettings, "a DetectionSettings, such as its default")
    return judged(evidence, settings, pool).found


def judged(
    evidence: Evidence, settings: DetectionSettings = USUAL, pool: Executor | None = None
) -> Judged:
    """Return the map that `detect` returns, with the null and the tail that it stands on."""
    if min(evidence.sensor.width, evidence.sensor.height) <= 2 * EDGE:  # it is all edge
        return Judged(_map_of(evidence, settings, (), expected_false=None))
    if evidence.scenes < settings.fewest_scenes and evidence.darks < settings.fewest_darks:
        defects = single_scene_candidates(evidence)
        return Judged(_map_of(evidence, settings, defects, expected_false=None))
    masked = never_moves(evidence)
    null = null_of(
        evidence.scores, evidence.information, pool, evidence.rules.grid, masked, evidence.edges
    )
    lattice = lattice_of(evidence, null, pool)
    null = null if lattice is None else lattice.null
    lines = lines_of(evidence, whole_of(evidence, null), settings, pool)
    null = replace(null, masked=null.masked | lines.covered(masked.shape))
    singles, false, told, tail = _singles(evidence, null, settings, pool)
    lines_told, lines_false = _runs(evidence, lines, settings)
    made = _map_of(evidence, settings, lines_told + singles, expected_false=false + lines_false)
    left_out, areas = float(masked.mean()), areas_of(masked)
    patterns = () if lattice is None else (lattice.pattern,)
    summary = replace(made.evidence, left_out=left_out, areas=areas, patterns=patterns, bayer=told)
    return Judged(replace(made, evidence=summary), null, tail)


def _singles(
    evidence: Evidence, null: Null, settings: DetectionSettings, pool: Executor | None
) -> tuple[tuple[Defect, ...], float, str, Tail]:
    """Return the single pixels, how many of the confirmed ones are likely wrong, and more.

    Next comes the Bayer sensor's pattern, as rendered photos tell it ("" where they do not), and
    last the tail of the peaks in luma.
    """
    sources = sources_of(evidence, null, settings, pool)
    found, expected = responses_of(sources)
    sites, pattern = sites_of(sources, found)
    x, y = (np.array([getattr(site, axis) for site in sites], np.intp) for axis in ("x", "y"))
    loud = q_values(expected, np.ones(expected.size, np.bool_)) <= 10 * settings.fdr
    # stars near the pole of a turning field are a crowd, the hot pixels among them are not
    loud[loud] = [
        not is_passing(evidence, *place)
        for place in zip(x[loud].tolist(), y[loud].tolist(), strict=True)
    ]
    trusted = np.ones(len(found), np.bool_)
    trusted[loud] = ~crowded(x[loud], y[loud], evidence.sensor)
    q = q_values(expected, trusted)
    confirmed = trusted & (q <= settings.fdr)
    described = list(_described(sources, found, sites, q, settings))
    defects = tuple(
        replace(defect, q=float(q[i]), state="confirmed" if confirmed[i] else "candidate")
        for i, defect in described
    )
    listed = expected[[i for i, _ in described if confirmed[i]]]
    false = likely_false(listed, null.masked.size, settings.fdr)
    return defects, false, pattern, sources[LUMA].tail


def _runs(
    evidence: Evidence, lines: Lines, settings: DetectionSettings
) -> tuple[tuple[Defect, ...], float]:
    """Return the columns and rows as entries of a map, and how many of them are likely wrong."""
    if not lines.found:
        return (), 0.0
    expected = np.maximum.accumulate(np.array(lines.expected))
    q = q_values(expected, np.ones(expected.size, np.bool_))
    limits = limits_of(evidence.exposures, rendered=evidence.rules.toned)
    defects = tuple(
        replace(line.defect(evidence, limits), score=line.score, q=float(rate), state="confirmed")
        for line, rate in zip(lines.found, q, strict=True)
        if rate <= settings.fdr
    )
    return defects, float(expected[len(defects) - 1]) if defects else 0.0


def crowded(x: NDArray[np.intp], y: NDArray[np.intp], sensor: Sensor) -> NDArray[np.bool_]:
    """Return which finds stand in a crowd: a date stamp or watermark, not single broken pixels.

    A bad column or row is no crowd, and on a sensor full of defects a crowd must be denser still.

    >>> x = np.array([5, 9, 14, 20, 26, 31, 37, 40, 900])
    >>> y = np.array([7, 3, 12, 9, 15, 4, 11, 6, 500])
    >>> crowded(x, y, Sensor("a", "b", "c", 1500, 1000)).tolist()
    [True, True, True, True, True, True, True, True, False]
    """
    usual = x.size * (2 * CROWD_WITHIN + 1) ** 2 / (sensor.width * sensor.height)
    found = np.zeros(x.size, np.bool_)
    for i in range(x.size):
        near = (abs(x - x[i]) <= CROWD_WITHIN) & (abs(y - y[i]) <= CROWD_WITHIN)
        in_line = min(np.unique(x[near]).size, np.unique(y[near]).size) <= IN_LINE
        if near.sum() >= CROWD + int(5 * usual) and not in_line:
            found |= near
    return found


def _described(
    sources: Sequence[Source], found: Sequence[Response], sites: Sequence[Site],
    q: NDArray[np.float64], settings: DetectionSettings,
) -> Iterator[tuple[int, Defect]]:  # fmt: skip
    """Yield the number and what is at its place of each response that is convincing."""
    evidence = sources[LUMA].evidence
    limits = limits_of(evidence.exposures, rendered=evidence.rules.toned)
    for i in np.flatnonzero(q <= min(10 * settings.fdr, 1.0)).tolist():
        response, site = found[i], sites[i]
        number, peak = response.source, response.peak
        if response.luma is not None:  # it tells more of the kind
            number, peak = LUMA, response.luma
        source = sources[number]
        place = (int(each[peak]) for each in (source.found.x, source.found.y, source.found.view))
        # what is bright and green is dark in Cb and in Cr
        sign = -1 if number != LUMA and site.colour == "G" else 1
        finding = describe(source.evidence, source.views, limits, *place, sign=sign)
        if finding.effect < settings.minimum_effect or not finding.convincing:
            continue
        defect = finding.defect
        if number != LUMA:  # a repair would take it for the strength in luma
            defect = replace(defect, strength=None, exposure_s=None, gain=None)
        yield i, replace(defect, x=site.x, y=site.y, site=site.colour, score=response.score)


def _map_of(
    evidence: Evidence, settings: DetectionSettings, defects: tuple[Defect, ...],
    *, expected_false: float | None,
) -> DefectMap:  # fmt: skip
    dates = sorted(r.exposure.taken for r in evidence.photos.values() if r.exposure.taken)
    first, last = (dates[0], dates[-1]) if dates else (None, None)
    summary = EvidenceSummary(len(evidence.photos), evidence.scenes, first, last)
    made = DetectionSummary("scores", settings.fdr, expected_false, version("stillpix"))
    return DefectMap(evidence.sensor, defects, summary, made)
