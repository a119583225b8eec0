"""The first look at a body's photos: adds each new one to the evidence.

Never adds a photo twice. If one cannot be read, the others go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeAlias

from ..errors import ReadError
from ..evidence.measures import Measures, Place
from ..evidence.repeats import KnownPictures, Signature, signature_of
from ..evidence.rules import TOGETHER
from ..frame import Frame
from ..images import Buffer, Header
from ..images.gather import Skipped
from ..images.read_ahead import read_ahead
from ..images.remote import status_of
from .body import Body
from .looking import look_at

SeenPhoto: TypeAlias = tuple[Frame, Signature, Measures]


def add_photos(body: Body) -> bool:
    """Add the photos not known yet, until they end or the scan is stopped; say if any were."""
    evidence, outcome, watch = body.evidence, body.outcome, body.watch
    before = len(evidence.files), len(evidence.photos)
    body.known = KnownPictures(body.sensor.layout, evidence.signatures.values())
    body.names = {header.key: name_on_disk(header) for header in body.headers}
    fresh = [header for header in body.headers if body.names[header.key] not in evidence.files]
    outcome.known, outcome.left = len(body.headers) - len(fresh), len(fresh)
    watch.body(body.sensor, len(fresh))
    look = partial(look_first, places=tuple(body.log.places))
    batches = read_ahead(fresh, look, body.pool, together=TOGETHER, ahead=body.ahead)
    with closing(batches):
        for batch in batches:
            _add_new(_readable(batch, body), body)
            outcome.left -= len(batch)
            watch.photos(len(fresh) - outcome.left)
            if watch.stop():
                break
    return before != (len(evidence.files), len(evidence.photos))


def _readable(batch: Sequence[tuple[Header, SeenPhoto | ReadError]], body: Body) -> list[SeenPhoto]:
    """Return the photos that could be read, and tell of the others."""
    photos: list[SeenPhoto] = []
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
            body.log.files[name] = photo[0].digest
    return photos


def _add_new(photos: Sequence[SeenPhoto], body: Body) -> None:
    """Add what is new of some photos, and count what is not."""
    evidence, outcome = body.evidence, body.outcome
    fresh: dict[str, Frame] = {}
    for frame, signature, said in photos:
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
            outcome.read += 1
    evidence.update_all(list(fresh.values()), body.pool)


def look_first(header: Header, buffer: Buffer, *, places: Sequence[Place] = ()) -> SeenPhoto:
    """Return a photo's frame, in the caller's buffer, its signature, and what it says."""
    frame, said = look_at(header, buffer, places)
    return frame, signature_of(frame.pixels, frame.sensor.layout), said


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
    return name_of(header.path, status.size, status.modified_ns, part)


def name_of(path: Path, size: int, modified_ns: int, part: int) -> str:
    """Return what tells an unchanged picture: `part` is its number in its file, or 0.

    >>> name_of(Path("photos/a.tif"), 7, 1, 2)
    'a.tif|7|1|2'
    """
    name = f"{path.name}|{size}|{modified_ns}"
    return f"{name}|{part}" if part else name
