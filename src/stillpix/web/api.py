"""What the page, or another program, may ask the server, and the answers.

Never reads what has not been checked, and never finds or repairs anything itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from ..maps.lens_laws import focal_lengths, law_for
from ..maps.library import body_name
from ..maps.records import DefectMap
from ..report.page import policy
from ..restoration.destinations import Placement
from .desk import Desk
from .documents import defect_document, photo_document
from .exports import exported
from .folders import Photo, folder_at, folder_for_copies
from .judging import Along, Spot
from .operations import Answer, Asked
from .photos import Picture, snapped, tile
from .places import place_document
from .refusal import Refused
from .runs import find_in, repair_folder, verdicts_of
from .schema import Schema
from .sights import crop_of, sights_document

ALONE = "frame-ancestors 'none'"  # what a page cannot say of itself

NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9-]+$"}
FORMAT: Schema = {"type": "string", "minLength": 1, "maxLength": 64}
PATH: Schema = {"type": "string", "minLength": 1, "maxLength": 4096}
PIXEL: Schema = {"type": "integer", "minimum": 0, "maximum": 1_000_000}
ALONG: Schema = {"type": ["string", "null"], "enum": ["row", "column", None], "default": None}
VARIANT: Schema = {"type": "string", "enum": ["stored", "repaired"], "default": "stored"}
CONTRAST: Schema = {"type": "string", "enum": ["raised", "stored"], "default": "raised"}
YES_OR_NO: Schema = {"type": "boolean", "default": False}
ANY_TAG: Schema = {"type": "string", "maxLength": 64}


def state(desk: Desk, _: Asked) -> Answer:
    """Return what a page shows first."""
    return desk.state()


def open_folder(desk: Desk, asked: Asked) -> Answer:
    """Begin to look for the photos of a folder."""
    path, dropped, demo = (asked.body[name] for name in ("path", "dropped", "demo"))
    if [path is not None, dropped, demo].count(True) != 1:
        raise Refused(422, "give a path, or dropped: true, or demo: true")
    if path is not None:
        return desk.open(path).summary()
    return (desk.open_demo() if demo else desk.open_dropped()).summary()


def places(_: Desk, asked: Asked) -> Answer:
    """Return a folder and those in it, to choose from."""
    return place_document(folder_at(asked.query["path"] or "~"))


def close_folder(desk: Desk, asked: Asked) -> Answer:
    """Close a folder."""
    desk.folders.close(asked.path["folder"])
    desk.journal.tell("folders", {})
    return {}


def find(desk: Desk, asked: Asked) -> Answer:
    """Begin to find the broken pixels of a folder's cameras."""
    folder = desk.folders.named(asked.body["folder"])
    if not folder.photos:
        raise Refused(409, "there is no photo in that folder that can be used")
    work = partial(
        find_in, folder=folder, library=desk.library, fdr=asked.body["fdr"],
        fast=asked.body["fast"], enough=asked.body["enough"],
    )  # fmt: skip
    return desk.jobs.start("find", folder.title, work).summary()


def repair(desk: Desk, asked: Asked) -> Answer:
    """Begin to repair a folder's photos, or to say what would be done."""
    folder = desk.folders.named(asked.body["folder"])
    dry_run, out = asked.body["dry_run"], asked.body["out"]
    if not dry_run and out is None:
        raise Refused(422, "say where the copies go, or ask for a dry run")
    place = None if out is None else folder_for_copies(out)
    if place is not None and (place == folder.root or folder.root.is_relative_to(place)):
        raise Refused(422, f"{out}: holds the photos themselves; name another folder")
    work = partial(
        repair_folder, folder=folder, library=desk.library,
        placement=Placement(out=place, dry_run=dry_run), changed_only=asked.body["changed_only"],
    )  # fmt: skip
    return desk.jobs.start("repair", folder.title, work).summary()


def job(desk: Desk, asked: Asked) -> Answer:
    """Return how a run stands."""
    return desk.jobs.named(asked.path["job"]).summary()


def stop_job(desk: Desk, asked: Asked) -> Answer:
    """Ask a run to end."""
    found = desk.jobs.named(asked.path["job"])
    found.end()
    return found.summary()


def map_(desk: Desk, asked: Asked) -> Answer:
    """Return a map with all its defects."""
    return desk.map(desk.sensor(asked.path["map"]))


def photos(desk: Desk, asked: Asked) -> Answer:
    """Return the opened photos of a map's camera."""
    sensor = desk.sensor(asked.path["map"])
    found, photos = desk.found(sensor), desk.folders.photos_of(sensor)
    return [photo_document(photo, desk.photos.why_not(photo.id), found) for photo in photos]


def _spot(body: Mapping[str, Any]) -> Spot:
    along: Along | None = body["along"]
    return Spot(body["x"], body["y"], along)


def decide(desk: Desk, asked: Asked) -> Answer:
    """Accept or reject a defect."""
    sensor = desk.sensor(asked.path["map"])
    spot = _spot(asked.body)
    defect = desk.judge.decide(sensor, spot, asked.body["state"])
    desk.map_changed(sensor, spot.x, spot.y)
    return defect_document(defect)


def add(desk: Desk, asked: Asked) -> Answer:
    """Add a pixel; with a photo, the extreme one within two of it."""
    sensor = desk.sensor(asked.path["map"])
    x, y, photo_id = asked.body["x"], asked.body["y"], asked.body["photo"]
    if x >= sensor.width or y >= sensor.height:
        raise Refused(422, f"there is no pixel {x},{y}: it is {sensor.width}x{sensor.height}")
    if photo_id is not None:
        photo = desk.folders.photo(photo_id)
        if (photo.header.sensor.width, photo.header.sensor.height) != (sensor.width, sensor.height):
            raise Refused(422, f"{photo.name}: is of another camera or size")
        x, y = snapped(desk.shown(photo).pixels, x, y, sensor.layout)
        x, y = _in_map(desk.found(sensor), photo, x, y)
    defect = desk.judge.add(sensor, Spot(x, y))
    desk.map_changed(sensor, x, y)
    return defect_document(defect)


def _in_map(found: DefectMap | None, photo: Photo, x: int, y: int) -> tuple[int, int]:
    """Return where a place of a photo lies in the map; raise Refused where no law tells it."""
    header = photo.header
    if found is None or not found.laws or header.sensor.is_mosaic:
        return x, y
    law = law_for(found.laws, header.lens, header.focal_mm)
    if law is None or header.focal_mm is None:
        raise Refused(
            422,
            f"{photo.name}: it is not known where the sensor's pixels lie in it; add the pixel in "
            f"a photo of {focal_lengths(found.laws)}",
        )
    size = header.sensor.width, header.sensor.height
    at = law.in_map([(float(x), float(y))], header.focal_mm, size)[0].round()
    return min(max(int(at[0]), 0), size[0] - 1), min(max(int(at[1]), 0), size[1] - 1)


def undo(desk: Desk, asked: Asked) -> Answer:
    """Undo the last decision."""
    sensor = desk.sensor(asked.path["map"])
    return _answer_step(desk, asked, desk.judge.undo(sensor))


def redo(desk: Desk, asked: Asked) -> Answer:
    """Redo the decision that was undone."""
    sensor = desk.sensor(asked.path["map"])
    return _answer_step(desk, asked, desk.judge.redo(sensor))


def _answer_step(desk: Desk, asked: Asked, spot: Spot) -> Answer:
    desk.map_changed(desk.sensor(asked.path["map"]), spot.x, spot.y)
    return {"x": spot.x, "y": spot.y, "along": spot.along}


def sights(desk: Desk, asked: Asked) -> Answer:
    """Return why each defect is listed, and the photos that show it best and least."""
    found, shown = desk.sights(desk.sensor(asked.path["map"]))
    return sights_document(found, shown)


def crop(desk: Desk, asked: Asked) -> Answer:
    """Return what is around one defect in one of those photos."""
    shown = desk.kept_sights(desk.sensor(asked.path["map"]))
    query = asked.query
    spot = Spot(query["x"], query["y"])
    content = crop_of(shown, spot, query["number"], query["contrast"])
    return _picture(Picture(content, "image/png"))


def export(desk: Desk, asked: Asked) -> Answer:
    """Return a map as a file."""
    sensor = desk.sensor(asked.path["map"])
    found = desk.library.find(sensor)
    if found is None:
        raise Refused(404, "there is no map of this camera yet; run find on its photos")
    made = exported(found, asked.path["format"])
    return _download(made.content, made.name)


def report(desk: Desk, asked: Asked) -> Answer:
    """Return a map's report, to be shown or to be kept."""
    sensor = desk.sensor(asked.path["map"])
    page = desk.report(sensor).encode("utf-8", errors="backslashreplace")
    headers = {"cache-control": "no-store", "content-security-policy": f"{policy()}; {ALONE}"}
    if asked.query["download"] == "yes":
        headers |= _as_file(f"{body_name(sensor)}.html")
    return Response(page, 200, headers, "text/html; charset=utf-8")


def photo_thumbnail(desk: Desk, asked: Asked) -> Answer:
    """Return a photo so small that a folder is recognised by some of them."""
    return _picture(desk.thumbnail(desk.folders.photo(asked.path["photo"])))


def photo_tile(desk: Desk, asked: Asked) -> Answer:
    """Return a tile of a photo, as stored or repaired."""
    photo = desk.folders.photo(asked.path["photo"])
    as_stored = asked.query["variant"] == "stored"
    shown = desk.shown(photo) if as_stored else desk.shown_repaired(photo)
    return _picture(tile(shown, *(asked.path[name] for name in ("level", "column", "row"))))


def photo_verdicts(desk: Desk, asked: Asked) -> Answer:
    """Return what a repair would do at each place of a photo."""
    photo = desk.folders.photo(asked.path["photo"])
    return verdicts_of(desk.repaired(photo))


def photo_repaired(desk: Desk, asked: Asked) -> Answer:
    """Return a photo's repaired file."""
    photo = desk.folders.photo(asked.path["photo"])
    fixed, path = desk.repaired(photo), photo.header.path
    suffix = f".{fixed.format}" if fixed.format else path.suffix
    return _download(fixed.content, f"{path.stem}-repaired{suffix}")


def _picture(picture: Picture) -> Response:
    # What a tile shows can change only with its address, which the page takes care of.
    kept = {"cache-control": "private, max-age=3600"}
    return Response(picture.content, 200, kept, picture.media_type)


def _download(content: bytes, name: str) -> Response:
    headers = {**_as_file(name), "cache-control": "no-store"}
    return Response(content, 200, headers, "application/octet-stream")


def _as_file(name: str) -> dict[str, str]:
    plain = quote(name.encode("utf-8", errors="replace"), safe="")
    return {"content-disposition": f"attachment; filename*=UTF-8''{plain}"}
