"""The first look at a body's photos: adds each new one to the evidence.

Never adds a photo twice. If one cannot be read, the others go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from ..detection.sliding import LEAST_ZOOM
from ..errors import ReadError
from ..evidence.measures import Measures, Place
from ..evidence.repeats import KnownPictures, Signature, signature_of
from ..evidence.spots import Spots, Spotted, spots_of
from ..frame import Frame
from ..images import Buffer, Header, read_frame
from ..images.gather import Skipped
from ..images.phones import is_lens
from ..images.read_ahead import read_ahead
from ..images.remote import status_of
from ..images.searching import name_of
from ..maps.lens_laws import LensLaw
from .body import Body
from .early import EarlyAnswers
from .looking import look_at

SeenPhoto: TypeAlias = tuple[Frame, Signature, Measures]


@dataclass(frozen=True, slots=True, eq=False)
class _Looked:
    """What one photo shows."""

    seen: SeenPhoto
    header: Header
    spots: Spots | None = None  # None: they are not asked for


def add_photos(body: Body, early: EarlyAnswers | None = None) -> bool:
    """Add the photos not known yet, until they end or the scan is stopped; say if any were.

    With early answers, what is sure is told in between, and the rest may be left unread.
    """
    evidence, outcome = body.evidence, body.outcome
    before = len(evidence.files), len(evidence.photos)
    body.known = KnownPictures(body.sensor.layout, evidence.signatures.values())
    body.names = {header.key: name_on_disk(header) for header in body.headers}
    fresh = [header for header in body.headers if body.names[header.key] not in evidence.files]
    outcome.known, outcome.left = len(body.headers) - len(fresh), len(fresh)
    if body.unread is not None:
        outcome.known += body.unread.numbers[body.sensor]
    if early is not None:
        fresh = early.planned(fresh)
        if early.suffice_before(fresh):
            early.spare(fresh)
            return False
    body.watch.body(body.sensor, len(fresh))
    _read_all(body, fresh, early)
    return before != (len(evidence.files), len(evidence.photos))


def _read_all(body: Body, fresh: Sequence[Header], early: EarlyAnswers | None) -> None:
    """Read and add photos, until they end, are enough, or the scan is stopped."""
    outcome, watch = body.outcome, body.watch
    spotted = body.spotted if has_zoom(body) and not body.laws else None
    places = tuple(body.log.places)
    look = partial(_look, places=places, laws=body.laws, spotted=spotted)
    batches = read_ahead(fresh, look, body.pool, **body.in_flight._asdict())
    with closing(batches):
        for batch in batches:
            _add_new(_readable(batch, body), body)
            outcome.left -= len(batch)
            read = len(fresh) - outcome.left
            watch.photos(read)
            if watch.stop():
                break
            if early is not None and early.suffice(read, fresh[read:]):
                early.spare(fresh[read:])
                break


def _readable(batch: Sequence[tuple[Header, _Looked | ReadError]], body: Body) -> list[_Looked]:
    """Return the photos that could be read, and tell of the others."""
    photos: list[_Looked] = []
    for header, photo in batch:
        if isinstance(photo, ReadError):
            skipped = Skipped(photo.path, photo.reason)
            if skipped not in body.outcome.skipped:  # a file's pictures may all be damaged alike
                body.outcome.skipped.append(skipped)
                body.watch.skipped(photo.path, photo.reason)
            body.names[header.key] = ""  # it is not looked at again
            continue
        photos.append(photo)
        if name := body.names[header.key]:
            body.evidence.files.add(name)
            body.log.files[name] = photo.seen[0].digest
    return photos


def _add_new(photos: Sequence[_Looked], body: Body) -> None:
    """Add what is new of some photos, and count what is not."""
    evidence, outcome = body.evidence, body.outcome
    fresh: dict[str, Frame] = {}
    for photo in photos:
        frame, signature, said = photo.seen
        if frame.digest in body.earlier:
            outcome.known += 1
        elif evidence.knows(frame.digest) or frame.digest in fresh:
            outcome.duplicates += 1
        elif not frame.dark and body.known.shows(signature):
            evidence.note_repeat(frame, body.pool)
            outcome.repeats += 1
        else:
            body.known.add(signature)
            evidence.remember(frame.digest, signature)
            fresh[frame.digest] = frame
            body.log.note(frame.digest, frame.exposure, said)
            if photo.spots is not None and photo.header.focal_mm is not None:
                lens, focal_mm = photo.header.lens, photo.header.focal_mm
                body.spotted.note(frame.digest, lens, focal_mm, photo.spots)
            outcome.read += 1
    evidence.update_all(list(fresh.values()), body.pool)


def look_first(
    header: Header, buffer: Buffer, *, places: Sequence[Place] = (), laws: Sequence[LensLaw] = ()
) -> SeenPhoto:
    """Return a photo's frame, in the caller's buffer, its signature, and what it says."""
    frame, said = look_at(header, buffer, places, laws)
    return frame, signature_of(frame.pixels, frame.sensor.layout), said


def keep_spots(body: Body, header: Header) -> None:
    """Read a photo, and keep its loudest spots if they may tell a law; raise ReadError."""
    frame = read_frame(header)
    if header.focal_mm is not None and body.spotted.wants(frame.digest, header.lens):
        body.spotted.note(frame.digest, header.lens, header.focal_mm, spots_of(frame))


def has_zoom(body: Body) -> bool:
    """Return whether rendered photos of one lens have several focal lengths.

    Those of a phone do where it is a digital zoom: its sensors are told apart by them.
    """
    if body.sensor.is_mosaic or is_lens(body.sensor.which):
        return False
    told = [(each.lens, each.focal_mm) for each in body.headers if each.focal_mm is not None]
    told += [(lens, focal_mm) for lens, focal_mm, _ in body.spotted.photos.values()]
    if body.unread is not None:
        told += body.unread.lenses(body.sensor)
    focal_of: dict[str, list[float]] = {}
    for lens, focal_mm in told:
        focal_of.setdefault(lens, []).append(focal_mm)
    return any(max(focal) >= LEAST_ZOOM * min(focal) for focal in focal_of.values())


def _look(
    header: Header, buffer: Buffer, *, places: Sequence[Place], laws: Sequence[LensLaw],
    spotted: Spotted | None,
) -> _Looked:  # fmt: skip
    seen = look_first(header, buffer, places=places, laws=laws)
    frame, spots = seen[0], None
    if spotted is not None and header.focal_mm is not None:
        spots = spots_of(frame) if spotted.wants(frame.digest, header.lens) else None
    return _Looked(seen, header, spots)


def name_on_disk(header: Header) -> str:
    """Return what tells an unchanged file without reading it, wherever its folder has moved.

    Nothing tells a file that is gone since; reading it will say so.
    """
    try:
        status = status_of(header.path)
    except (OSError, ReadError):
        return ""
    if not status.modified_ns:  # a server that does not say so: it may be another by now
        return ""
    part = 0 if header.part is None else header.part.number
    return name_of(header.path.name, status.size, status.modified_ns, part)
