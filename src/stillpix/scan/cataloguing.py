"""What a scan notes of its photos in the catalogue of the library.

Never reads a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..images import Header
from ..maps.catalogue import Catalogue, CataloguedPhoto
from .body import Body


def note_in(catalogue: Catalogue, body: Body, form: str, stamp: str, before: str | None) -> None:
    """Note the photos of a body: all, or the new ones if the catalogue knew the evidence before.

    `stamp` is of its saved evidence, and `before` of the one that the scan began with. Raises
    sqlite3.Error.
    """
    heads = {body.names[header.key]: header for header in body.headers}
    heads = {name: head for name, head in heads.items() if name in body.evidence.files}
    was = catalogue.stamp_of(body.sensor)
    if was == stamp and not heads:
        return
    every = was is None or was != before
    known = body.evidence.files if every else heads.keys()
    names = [name for name in sorted(known) if _is_text(name)]
    places = {digest: place for place, digest in enumerate(body.evidence.signatures)}
    shown = {
        places[digest]: name
        for name, digest in body.log.files.items()
        if digest in places and name in body.evidence.files and _is_text(name)
    }
    catalogue.keep(
        body.sensor, form, stamp, _rows(body, names, heads),
        only=body.evidence.files if every else None,
        signatures={name: place for place, name in shown.items()},
    )  # fmt: skip


def _rows(body: Body, names: list[str], heads: Mapping[str, Header]) -> Iterator[CataloguedPhoto]:
    for name in names:
        digest, header = body.log.files.get(name), heads.get(name)
        record = body.evidence.photos.get(digest or "")
        taken = record and record.exposure.taken
        told = header is not None and _tells_all(header) and digest is not None
        yield CataloguedPhoto(
            name, digest, f"{taken:%Y-%m-%d %H:%M:%S}" if taken else None,
            record.exposure.exposure_s if record else None,
            record.exposure.gain if record else None,
            record.counted if record else None,
            told, header.lens if told and header else None,
            header.focal_mm if told and header else None,
        )  # fmt: skip


def _tells_all(header: Header) -> bool:
    """Return whether a file's head alone says what the photo is, and that it is the only one."""
    return header.layout_told and header.part is None and not header.headless


def _is_text(name: str) -> bool:
    """Return whether a database can hold a name; evidence of earlier versions has others, too."""
    return name.isascii() or name.encode("utf-8", "replace").decode("utf-8") == name
