"""Cameras that correct a lens's distortion: their pixels move with the focal length.

Asks the spots of a zoom's photos for the law. Where there is one, the photos are read once more and
added up where the sensor's pixels lie. Never changes anything for another camera.
"""

from __future__ import annotations

from ..detection.sliding import law_of
from ..evidence.evidence import Evidence
from ..evidence.sightings import Sightings
from ..maps.lens_laws import LensLaw, focal_lengths, law_for
from ..maps.records import DefectMap
from ..wording import counted
from .body import Body, BodyOutcome
from .first_look import add_photos, has_zoom
from .second_look import list_places

SLIDE = (
    "{}: the camera corrects its lens's distortion, so a broken pixel's place moves with the "
    "focal length; the law was learned for {}, and the photos are read once more"
)
UNLAID = (
    "{}: left out: {} of another lens or focal length than {}; it is not known where the sensor's "
    "pixels lie there"
)
GONE = (
    "{}: left out: {} of earlier finds; it was not known then where the sensor's pixels lie in "
    "them; to add them, run `stillpix find` on them, too"
)


def lay_back(body: Body, previous: DefectMap | None) -> bool:
    """Learn a body's laws where its places slide, and add its photos anew by them; say if it did.

    Once there are laws, they stay: other photos are added by the same ones.
    """
    if body.laws or body.watch.stop() or not has_zoom(body):
        return False
    law = learned_law(body)
    if law is None:
        return False
    before = body.evidence
    at_hand = {body.log.files.get(name) for name in body.names.values()}
    gone = before.photos.keys() - at_hand
    body.laws = (law,)
    body.watch.message(SLIDE.format(body.sensor.name, focal_lengths(body.laws)))
    body.evidence, body.log = Evidence(body.sensor), Sightings(body.sensor)
    list_places(body, previous)
    body.earlier = frozenset()
    outcome = body.outcome
    skipped, troubles = outcome.skipped, outcome.troubles
    body.outcome = BodyOutcome(body.sensor, skipped=skipped, troubles=troubles)
    leave_out_unlaid(body)
    add_photos(body)
    if gone:
        body.watch.message(GONE.format(body.sensor.name, counted(len(gone), "photo")))
    _keep_outcome(outcome, body)
    return True


def _keep_outcome(outcome: BodyOutcome, body: Body) -> None:
    """Count what was read now in the outcome that the scan yields."""
    now, body.outcome = body.outcome, outcome
    for name in ("read", "known", "duplicates", "repeats", "left"):
        setattr(outcome, name, getattr(now, name))


def learned_law(body: Body) -> LensLaw | None:
    """Return the law by which spots of a body's photos slide; None where there is none."""
    size = body.sensor.width, body.sensor.height
    for lens in body.spotted.lenses():
        law = law_of(body.spotted.of_lens(lens), lens, size)
        if law is not None:
            return law
    return None


def leave_out_unlaid(body: Body) -> None:
    """Leave out the photos for which there is no law, where there are laws."""
    if not body.laws:
        return
    kept = [each for each in body.headers if law_for(body.laws, each.lens, each.focal_mm)]
    left = len(body.headers) - len(kept)
    if left:
        laws = focal_lengths(body.laws)
        body.watch.message(UNLAID.format(body.sensor.name, counted(left, "photo"), laws))
    body.headers = kept
