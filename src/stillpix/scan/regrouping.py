"""Photos taken out of a camera of the library again, and two of its cameras made one.

Sums are whole numbers, so those of some photos can be taken off: what is left is that of the rest,
to the bit. Never deletes anything before what takes its place is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

import numpy as np

from ..detection.settings import DetectionSettings
from ..errors import ReadError, SensorMismatchError
from ..evidence.chroma import half_of
from ..evidence.evidence import Evidence
from ..evidence.measures import MEASURES
from ..frame import Frame, Sensor
from ..images import Buffer, Header
from ..images.layouts import with_layout
from ..images.read_ahead import threads
from ..maps.library import Library
from ..maps.merging import with_marks_of
from ..maps.records import DefectMap
from ..watch import Watch
from .body import Body, BodyOutcome
from .concluding import conclude
from .looking import look_at
from .saved_state import SavedState

NONE_OF_IT = (
    "{}: none of these photos is in its evidence; give the photos that were searched, unchanged"
)
ALL_OF_IT = "{}: these are all of its photos; `stillpix library NAME --forget` deletes it"
UNALIKE = "{} and {} differ in size or colours: they cannot be one sensor"
SAME_PHOTOS = "{} photos are in both {} and {}; take them out of one first, with --take-out"
NO_SUMS = "{}: its evidence is not kept; run `stillpix find` on the photos of both instead"
LAID = "{}: its camera corrects the lens; run `stillpix find` on the photos of both instead"


def take_out(library: Library, sensor: Sensor, headers: Sequence[Header]) -> tuple[DefectMap, int]:
    """Take photos out of a sensor's evidence; return its new map, and how many they were.

    Photos that repeat the same picture as one that is taken out stay known as repeats. Raises
    SensorMismatchError where none of them, or all of its photos, would be taken out.
    """
    with threads() as pool, ExitStack() as stack:
        body, state = _loaded(library, sensor, pool, stack)
        gone = _evidence_of(body, headers)
        if not gone.photos:
            raise SensorMismatchError(NONE_OF_IT.format(sensor.name))
        if len(gone.photos) == len(body.evidence.photos):
            raise SensorMismatchError(ALL_OF_IT.format(sensor.name))
        body.evidence.subtract(gone)
        names = {name for name, digest in body.log.files.items() if digest in gone.photos}
        body.evidence.files -= names
        body.log.files = {
            name: digest for name, digest in body.log.files.items() if name not in names
        }
        for digest in gone.photos:
            body.log.photos.pop(digest, None)
            body.spotted.photos.pop(digest, None)
        return _concluded(body, state, state.map()), len(gone.photos)


def join(library: Library, sensor: Sensor, other: Sensor) -> DefectMap:
    """Add another sensor's photos and marks to a sensor of the library; return its new map.

    The other one is then forgotten. Raises SensorMismatchError where they cannot be one.
    """
    if not replace(
        other, make=sensor.make, model=sensor.model, serial=sensor.serial, which=sensor.which
    ).is_alike(sensor):
        raise SensorMismatchError(UNALIKE.format(sensor.name, other.name))
    with threads() as pool, ExitStack() as stack:
        body, state = _loaded(library, sensor, pool, stack)
        theirs, their_state = _loaded(library, other, pool, stack)
        for each in (body, theirs):
            if each.laws:
                raise SensorMismatchError(LAID.format(each.sensor.name))
            if not each.evidence.photos:
                raise SensorMismatchError(NO_SUMS.format(each.sensor.name))
        both = len(body.evidence.photos.keys() & theirs.evidence.photos.keys())
        if both:
            raise SensorMismatchError(SAME_PHOTOS.format(both, sensor.name, other.name))
        theirs.evidence.sensor = body.evidence.sensor
        for plane in theirs.evidence.planes.values():
            plane.sensor = half_of(body.evidence.sensor)
        body.evidence.merge(theirs.evidence)
        nothing = np.zeros((0, MEASURES), np.float16)
        for digest, sighting in theirs.log.photos.items():
            body.log.note(digest, sighting.exposure, nothing)
        body.log.files |= theirs.log.files
        for digest, (lens, focal_mm, spots) in theirs.spotted.photos.items():
            body.spotted.note(digest, lens, focal_mm, spots)
        marked, previous = their_state.map(), state.map()
        if marked is not None:
            marked = replace(marked, sensor=sensor)
            previous = marked if previous is None else with_marks_of(marked, previous)
        found = _concluded(body, state, previous)
        library.forget(other)
        return found


def _loaded(
    library: Library, sensor: Sensor, pool: object, stack: ExitStack
) -> tuple[Body, SavedState]:
    """Return what the library keeps of a sensor, locked until the stack ends."""
    body = Body([], BodyOutcome(sensor), Watch(), pool, 1)  # type: ignore[arg-type]  # an Executor
    state = SavedState(library, body)
    stack.enter_context(library.lock(sensor))
    body.evidence, body.log = state.evidence(), state.log()
    body.spotted, (body.laws, body.tried) = state.spotted(), state.laws()
    body.earlier = frozenset(body.evidence.photos)
    return body, state


def _evidence_of(body: Body, headers: Sequence[Header]) -> Evidence:
    """Return the evidence of those photos that the body's evidence holds, judged as there."""
    gone, buffer = Evidence(body.evidence.sensor), Buffer()
    for header in headers:
        frame = _frame_of(body, header, buffer)
        record = None if frame is None else body.evidence.photos.get(frame.digest)
        if frame is None or record is None:
            continue
        if record.counted:
            gone.update(frame)
        else:
            gone.note_repeat(frame)
    return gone


def _frame_of(body: Body, header: Header, buffer: Buffer) -> Frame | None:
    """Return a photo's frame as it was added up; None where it is of another size or colours."""
    sensor = body.evidence.sensor
    known = with_layout(header, sensor.layout)
    own = known.sensor
    if (own.width, own.height, own.is_mosaic) != (sensor.width, sensor.height, sensor.is_mosaic):
        return None
    try:
        frame, _ = look_at(known, buffer, (), body.laws)
    except ReadError:
        return None
    return replace(frame, sensor=sensor)


def _concluded(body: Body, state: SavedState, previous: DefectMap | None) -> DefectMap:
    """Keep what is left or came together, and return its map."""
    state.keep_evidence()
    form = previous.files if previous is not None else ""
    conclude(body, state, DetectionSettings(), previous, form=form, fast=True)
    for trouble in body.outcome.troubles:
        raise SensorMismatchError(trouble)
    if body.outcome.map is None:
        raise SensorMismatchError(NONE_OF_IT.format(body.sensor.name))
    return body.outcome.map
