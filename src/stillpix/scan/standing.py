"""Zooms whose photos tell no law: do pixels stand still there, or can that not be told?

Where it cannot be told, the map is of one group of focal lengths if that shows more, and says so.
Where pixels stand still, nothing changes. Never learns a law.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..detection.decide import detect
from ..detection.settings import DetectionSettings
from ..detection.sliding import LEAST_ZOOM
from ..detection.standing import (
    LEAST_OF_PLACE,
    Floats,
    are_far,
    ends_of,
    places_stand,
    sigmas_of_ends,
    spots_stand,
)
from ..evidence.evidence import Evidence
from ..evidence.measures import RESIDUAL, SLOPE
from ..evidence.sightings import Sightings
from ..images import Header
from ..maps.lens_laws import LensLaw, are_assumed, focal_lengths
from ..maps.records import BROKEN, Defect, DefectMap
from ..wording import counted
from .body import Body
from .first_look import add_photos, has_zoom, name_on_disk
from .looking import look_at_all, showing_best

MOST_OF_END, MOST_PLACES = 12, 64  # photos of each end of the zoom, and pixels, looked at
FEWEST_OF_GROUP = 8  # photos of nearly one focal length that make a map
GROWN = 1.5  # times as many photos as last time, from which it is asked again
GROUPED = (
    "{}: the photos do not tell whether this camera straightens its lens; the map is of {} of {}, "
    "which show more broken pixels than all photos together"
)


def begin_anew(body: Body) -> None:
    """Forget a group of focal lengths where many more photos are at hand: they may tell more."""
    if not are_assumed(body.laws) or len(body.headers) < GROWN * body.tried:
        return
    if body.evidence.files - {name_on_disk(header) for header in body.headers}:
        return  # what is gone could not be added again
    body.laws, body.evidence, body.log = (), Evidence(body.sensor), Sightings(body.sensor)


def with_lens_told(body: Body, found: DefectMap, settings: DetectionSettings) -> DefectMap:
    """Return the map with what the photos do not tell of the lens, or that of one group of them."""
    if body.laws or not has_zoom(body):
        return found
    lens, headers = _zoom_of(body)
    size = body.sensor.width, body.sensor.height
    if spots_stand(body.spotted.of_lens(lens), size):
        return found
    broken = [one for one in found.in_state(*BROKEN) if one.run is None]
    far = are_far([(one.x, one.y) for one in broken], size)
    outer = [one for one, is_far in zip(broken, far, strict=True) if is_far]
    sigmas = _shown_at_ends(body, headers, outer[:MOST_PLACES])
    if places_stand(sigmas):
        return found
    holding = len(broken) - len(outer) + int((sigmas >= LEAST_OF_PLACE).sum())
    grouped = _of_group(body, lens, headers, settings, holding)
    if grouped is not None:
        return grouped
    focal = [each.focal_mm for each in headers if each.focal_mm is not None]
    focal += [focal_mm for focal_mm, _ in body.spotted.of_lens(lens)]
    untold = min(focal), max(focal)
    return replace(found, evidence=replace(found.evidence, untold_mm=untold))


def _zoom_of(body: Body) -> tuple[str, list[Header]]:
    """Return the zoom of most photos, and its photos at hand by focal length."""
    of_lens: dict[str, list[Header]] = {}
    for header in body.headers:
        if header.focal_mm is not None:
            of_lens.setdefault(header.lens, []).append(header)
    zooms = {
        lens: headers for lens, headers in of_lens.items()
        if _ratio([each.focal_mm or 0.0 for each in headers]) >= LEAST_ZOOM
    }  # fmt: skip
    if not zooms:
        lens = next(iter(body.spotted.lenses()), "")
        return lens, of_lens.get(lens, [])
    lens = max(zooms, key=lambda lens: (len(zooms[lens]), lens))
    return lens, sorted(zooms[lens], key=lambda each: (each.focal_mm or 0.0, str(each.path)))


def _ratio(focal: Sequence[float]) -> float:
    return max(focal) / min(focal)


def _shown_at_ends(body: Body, headers: Sequence[Header], defects: Sequence[Defect]) -> Floats:
    """Return how clearly each defect shows at that end of the zoom where it shows less."""
    if not defects or len(headers) < 2:
        return np.zeros(0)
    chosen: list[Header] = []
    for end in ends_of(np.array([each.focal_mm for each in headers], np.float64)):
        chosen += showing_best((headers[n] for n in np.flatnonzero(end).tolist()), MOST_OF_END)
    read, said = look_at_all(
        chosen, [(one.x, one.y) for one in defects], body.pool, body.in_flight.number
    )
    if not read:
        return np.zeros(0)
    signs = np.array([-1.0 if (one.strength or 0.0) < 0 else 1.0 for one in defects])
    ends = ends_of(np.array([header.focal_mm for header in read], np.float64))
    return sigmas_of_ends(said[..., RESIDUAL], said[..., SLOPE], signs, ends)


def _of_group(
    body: Body, lens: str, headers: Sequence[Header], settings: DetectionSettings, holding: int
) -> DefectMap | None:
    """Return the map of the largest group of focal lengths, if it has more than `holding` defects.

    Then the body's evidence is that of the group. None: it has not, or is not asked.
    """
    group = _largest_group(headers)
    at_hand = {body.log.files.get(name) for name in body.names.values()}
    if (
        len(group) < FEWEST_OF_GROUP
        or len(headers) < GROWN * body.tried
        or body.watch.stop()
        or body.evidence.photos.keys() - at_hand  # what is gone could not be added again
    ):
        return None
    body.tried = len(body.headers)
    kept = body.evidence, body.log, body.headers, body.earlier, body.outcome
    body.outcome = replace(body.outcome)
    body.laws = (LensLaw.assumed(lens, group[0].focal_mm or 0.0, group[-1].focal_mm or 0.0),)
    body.evidence, body.log = Evidence(body.sensor), Sightings(body.sensor)
    body.headers, body.earlier = group, frozenset()
    add_photos(body)
    found = detect(body.evidence, settings, body.pool)
    read, outcome = len(group), kept[-1]
    body.outcome = outcome
    if len(found.in_state(*BROKEN)) > holding:
        told = counted(read, "photo"), focal_lengths(body.laws)
        body.watch.message(GROUPED.format(body.sensor.name, *told))
        return found
    body.evidence, body.log, body.headers, body.earlier, _ = kept
    body.names = {header.key: name_on_disk(header) for header in body.headers}
    body.laws = ()
    return None


def _largest_group(headers: Sequence[Header]) -> list[Header]:
    """Return the most photos of nearly one focal length, shortest first; `headers` are sorted."""
    focal = np.array([each.focal_mm or 0.0 for each in headers])
    ends = np.searchsorted(focal, focal * LEAST_ZOOM, side="left")
    sizes = ends - np.arange(focal.size)
    if not sizes.size:
        return []
    first = int(sizes.argmax())
    return list(headers[first : ends[first]])
