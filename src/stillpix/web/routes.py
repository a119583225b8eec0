"""The table of operations: every address of the HTTP interface but streams and uploads.

Never answers anything itself.
"""

from __future__ import annotations

from . import api
from .api import ALONG, ANY_TAG, CONTRAST, FORMAT, NAME, PATH, PIXEL, VARIANT, YES_OR_NO
from .operations import Operation
from .schema import ANY_RECORD, MAYBE_TEXT, WHOLE, listed, named, record

LEVEL = {"type": "integer", "minimum": 0, "maximum": 32}
MAYBE_PATH = {**PATH, "type": ["string", "null"], "default": None}
MAYBE_NAME = {**NAME, "type": ["string", "null"], "default": None}
FDR = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1, "default": 0.01}
FLAG_TEXT = {"type": "string", "enum": ["yes", "no"], "default": "no"}
FILE = ("application/octet-stream",)
OF_MAP = {"map": NAME}
OF_PHOTO = {"photo": NAME}
SPOT = record({"x": WHOLE, "y": WHOLE, "along": MAYBE_TEXT})

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        name="state", summary="Everything that the page shows at first", path="/api/state",
        answer=api.state, answers=named("State"),
    ),
    Operation(
        name="places", summary="A folder of this computer and the folders in it, to choose from; "
        "without a path, the home folder",
        path="/api/places", answer=api.places, query={"path": MAYBE_PATH},
        answers=named("Place"), refusals=(404,),
    ),
    Operation(
        name="open", summary="Open a folder, the photos that were dropped, or demo photos",
        method="POST", path="/api/folders", answer=api.open_folder, status=202,
        body=record(
            {"path": MAYBE_PATH, "dropped": YES_OR_NO, "demo": YES_OR_NO},
            optional=("path", "dropped", "demo"),
        ),
        answers=named("Job"), refusals=(404, 409, 503),
    ),
    Operation(
        name="close", summary="Close a folder", method="DELETE",
        path="/api/folders/{folder}", answer=api.close_folder, in_path={"folder": NAME},
        answers=ANY_RECORD, refusals=(404,),
    ),
    Operation(
        name="find", summary="Find the broken pixels of a folder's cameras", method="POST",
        path="/api/finds", answer=api.find, status=202,
        body=record(
            {"folder": NAME, "fdr": FDR, "fast": YES_OR_NO, "enough": YES_OR_NO},
            optional=("fdr", "fast", "enough"),
        ),
        answers=named("Job"), refusals=(404, 409, 503),
    ),
    Operation(
        name="repair", summary="Write repaired copies of a folder's photos, or list what would be "
        "repaired",
        method="POST", path="/api/repairs", answer=api.repair, status=202,
        body=record(
            {"folder": NAME, "out": MAYBE_PATH, "dry_run": YES_OR_NO, "changed_only": YES_OR_NO},
            optional=("out", "dry_run", "changed_only"),
        ),
        answers=named("Job"), refusals=(404, 409, 503),
    ),
    Operation(
        name="job", summary="State of a run", path="/api/jobs/{job}", answer=api.job,
        in_path={"job": NAME}, answers=named("Job"), refusals=(404,),
    ),
    Operation(
        name="stop", summary="Stop a run after the photos being read, and keep what is done",
        method="POST", path="/api/jobs/{job}/stop", answer=api.stop_job, status=202,
        in_path={"job": NAME}, answers=named("Job"), refusals=(404,),
    ),
    Operation(
        name="map", summary="A map with all its defects", path="/api/maps/{map}",
        answer=api.map_, in_path=OF_MAP, answers=named("Map"), refusals=(404, 409),
    ),
    Operation(
        name="photos", summary="The opened photos of a map's camera",
        path="/api/maps/{map}/photos", answer=api.photos, in_path=OF_MAP,
        answers=listed(named("Photo")), refusals=(404,),
    ),
    Operation(
        name="decide", summary="Accept or reject a defect", method="POST",
        path="/api/maps/{map}/decisions", answer=api.decide, in_path=OF_MAP,
        body=record(
            {"x": PIXEL, "y": PIXEL, "along": ALONG,
             "state": {"type": "string", "enum": ["accepted", "rejected"]}},
            optional=("along",),
        ),
        answers=named("Defect"), refusals=(404, 409),
    ),
    Operation(
        name="add", summary="Add a pixel; with a photo, the one that stands out most within two px",
        method="POST", path="/api/maps/{map}/defects", answer=api.add, status=201,
        in_path=OF_MAP,
        body=record({"x": PIXEL, "y": PIXEL, "photo": MAYBE_NAME}, optional=("photo",)),
        answers=named("Defect"), refusals=(404, 409),
    ),
    Operation(
        name="undo", summary="Undo the last decision", method="POST",
        path="/api/maps/{map}/undo", answer=api.undo, in_path=OF_MAP, answers=SPOT,
        refusals=(404, 409),
    ),
    Operation(
        name="redo", summary="Redo the decision that was undone", method="POST",
        path="/api/maps/{map}/redo", answer=api.redo, in_path=OF_MAP, answers=SPOT,
        refusals=(404, 409),
    ),
    Operation(
        name="sights", summary="Why each defect is listed, and the photos that show it best and "
        "least; reads some photos where they are new",
        path="/api/maps/{map}/sights", answer=api.sights, in_path=OF_MAP,
        answers=listed(named("Sight")), refusals=(404, 409),
    ),
    Operation(
        name="crop", summary="What is around one defect in one of the photos that sights lists",
        path="/api/maps/{map}/crops", answer=api.crop, in_path=OF_MAP,
        query={"x": PIXEL, "y": PIXEL, "number": PIXEL, "contrast": CONTRAST, "v": ANY_TAG},
        required=("x", "y", "number"), media_types=("image/png",), refusals=(404, 409),
    ),
    Operation(
        name="export", summary="A map as a file in one of the formats",
        path="/api/maps/{map}/export/{format}", answer=api.export,
        in_path={**OF_MAP, "format": FORMAT}, media_types=FILE, refusals=(404, 409),
    ),
    Operation(
        name="report", summary="The report of a map as a page of its own; reads some photos",
        path="/api/maps/{map}/report", answer=api.report, in_path=OF_MAP,
        query={"download": FLAG_TEXT, "v": ANY_TAG}, media_types=("text/html",),
        refusals=(404, 409),
    ),
    Operation(
        name="thumbnail", summary="A photo, small", path="/api/photos/{photo}/thumbnail",
        answer=api.photo_thumbnail, in_path=OF_PHOTO, media_types=("image/jpeg",),
        refusals=(404, 409, 413),
    ),
    Operation(
        name="tile", summary="A tile of a photo: 512 px, each level half the next",
        path="/api/photos/{photo}/tiles/{level}/{column}/{row}", answer=api.photo_tile,
        in_path={**OF_PHOTO, "level": LEVEL, "column": PIXEL, "row": PIXEL},
        query={"variant": VARIANT, "v": ANY_TAG}, media_types=("image/jpeg", "image/png"),
        refusals=(404, 409, 413),
    ),
    Operation(
        name="verdicts", summary="What a repair would do at each place of a photo",
        path="/api/photos/{photo}/verdicts", answer=api.photo_verdicts, in_path=OF_PHOTO,
        answers=named("Verdicts"), refusals=(404, 409),
    ),
    Operation(
        name="repaired", summary="A photo, repaired, as a file",
        path="/api/photos/{photo}/repaired", answer=api.photo_repaired, in_path=OF_PHOTO,
        media_types=FILE, refusals=(404, 409),
    ),
)  # fmt: skip
