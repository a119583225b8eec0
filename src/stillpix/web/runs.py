"""The work of a job: open a folder, find, repair; each by the functions of the command line.

Never finds or repairs anything itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ReadError
from ..images import Header, decode_colour, read_content, read_headers
from ..images.layouts import with_layout
from ..maps.library import Library
from ..restoration import repaired_pictures
from ..restoration.destinations import Placement, routes
from ..restoration.fix import RepairedBody, repair_bodies
from ..restoration.log import FixLog, verdict_object
from ..restoration.repaired import RepairedPhoto
from ..restoration.targets import listed_in_library
from ..wording import sentence
from .documents import map_id, photo_name
from .folders import Folder, Folders, gathered
from .jobs import Job
from .refusal import Refused

if TYPE_CHECKING:
    from ..frame import Pixels
    from ..restoration import RepairedFile

DEMO_PHOTOS, DEMO_SIZE = 16, (900, 600)
MOST_LISTED = 2000  # photos of a repair that are told of by name


def open_folder(
    job: Job, folders: Folders, root: Path, title: str, camera: str | None = None
) -> Mapping[str, Any]:
    """Look for the photos of a folder and keep it as opened."""
    found = gathered(root, report=job.heads, camera=camera)
    for each in found.skipped:
        job.skipped(each.path, each.reason)
    for warning in found.warnings:
        job.message(warning)
    folder = folders.add(root, title, found)
    job.done = job.total = len(folder.photos)
    return {"folder": folder.id, "photos": len(folder.photos)}


def take_demo_photos(job: Job, root: Path) -> None:
    """Take photos with a simulated camera that has broken pixels, unless they are there."""
    from ..simulate import CameraSettings, SimulatedCamera, write_series

    if root.exists():
        return
    job.note_phase("taking photos with a simulated camera", DEMO_PHOTOS)
    width, height = DEMO_SIZE
    camera = SimulatedCamera(CameraSettings(width=width, height=height, defects=40), seed=1)
    try:
        write_series(root, camera, photos=DEMO_PHOTOS)
    except OSError as error:
        raise Refused(507, f"the demo photos could not be kept ({error.strerror})") from error


def find_in(
    job: Job, folder: Folder, library: Library, *, fdr: float, fast: bool, enough: bool
) -> Mapping[str, Any]:
    """Find the broken pixels of the folder's cameras; maps and evidence go to the library."""
    from ..detection.settings import DetectionSettings
    from ..scan import scan

    settings = DetectionSettings(fdr=fdr)
    bodies = []
    job.plan([len(headers) for headers in folder.found.bodies.values()])
    for body in scan(
        folder.found, settings=settings, library=library, watch=job, fast=fast, enough=enough
    ):
        for trouble in body.troubles:
            job.message(trouble)
        found = body.map
        if found is not None:
            job.journal.tell("map", {"map": map_id(body.sensor)})
        bodies.append({
            "map": map_id(body.sensor) if found is not None else None,
            "name": body.sensor.name,
            "read": body.read,
            "known": body.known,
            "duplicates": body.duplicates,
            "repeats": body.repeats,
            "left": body.left,
            "spared": body.spared,  # not read: those that were are enough
            "undated": body.unlooked,  # photos that would have told dates
            "broken": len(found.in_state("confirmed", "accepted")) if found is not None else 0,
            "candidates": len(found.in_state("candidate")) if found is not None else 0,
            "sentence": sentence(found) if found is not None else "",
        })  # fmt: skip
    return {"bodies": bodies}


def repair_folder(
    job: Job, folder: Folder, library: Library, placement: Placement, *, changed_only: bool
) -> Mapping[str, Any]:
    """Write repaired copies of the folder's photos, or (dry run) say what would be done."""
    ways = routes(folder.found, [str(folder.root)], placement)
    for each in ways.refused:
        job.skipped(each.path, each.reason)
    log = None if placement.dry_run else FixLog()
    bodies: list[RepairedBody] = list(
        repair_bodies(
            ways, listed_in_library(library, ways.bodies), placement, changed_only=changed_only,
            watch=job, log=log,
        )
    )  # fmt: skip
    for trouble in log.troubles if log else ():
        job.message(trouble)
    if any(body.out_of_room for body in bodies):
        job.message("no room is left on the disk; free some space and run again")
    photos = [photo for body in bodies for photo in body.photos]
    return {
        "dry_run": placement.dry_run,
        "out": str(placement.out) if placement.out and not placement.dry_run else None,
        "photos": len(photos),
        "repaired": sum(photo.result == "repaired" for photo in photos),
        "unchanged": sum(photo.result != "repaired" for photo in photos),
        "places": sum(photo.repaired for photo in photos),
        "hopeless": sum(_outcomes(photo)["hopeless"] for photo in photos),
        "left": sum(body.left for body in bodies),
        "by_photo": list(_describe_photos(photos[:MOST_LISTED], folder.root)),
    }


def _outcomes(photo: RepairedPhoto) -> Counter[str]:
    return Counter(verdict.outcome for verdict in photo.verdicts)


def _describe_photos(photos: list[RepairedPhoto], root: Path) -> Iterator[dict[str, Any]]:
    for photo in photos:
        outcomes = _outcomes(photo)
        yield {
            "name": photo_name(photo.source, root),
            "result": photo.result,
            "repaired": photo.repaired,
            "not_showing": outcomes["not showing"],
            "hopeless": outcomes["hopeless"],
            "notes": list(photo.notes),
        }


def repaired(header: Header, library: Library) -> RepairedFile:
    """Return one photo's file repaired with its camera's map in the library.

    Raises:
        ReadError: the photo cannot be read, or not be written back.
        SensorMismatchError: the library has no map for it.
    """
    listing = listed_in_library(library)(header.sensor, [header])
    pictures = [header]
    if header.part is not None:
        others = (with_layout(each, header.sensor.layout) for each in read_headers(header.path))
        mine = header.sensor
        pictures = [each for each in others if each.sensor.called_as(mine) == mine]
    return repaired_pictures(read_content(header), pictures, listing.defects_in(header))


def repaired_pixels(header: Header, fixed: RepairedFile) -> Pixels:
    """Return what a photo looks like once it is repaired."""
    try:
        if fixed.format:  # of 8 or 16 bits
            white = 255 if header.white <= 255 else 65535
            header = replace(header, format=fixed.format, white=white)
        return decode_colour(header, fixed.content)
    except ReadError as error:
        raise ReadError(header.path, f"{error.reason} (after repair)") from error


def verdicts_of(fixed: RepairedFile) -> dict[str, Any]:
    """Return what was done at each place of one photo, as JSON has it."""
    return {
        "repaired": fixed.repaired,
        "places": [verdict_object(verdict) for verdict in fixed.verdicts],
        "notes": list(fixed.notes),
    }
