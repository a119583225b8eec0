"""`stillpix demo`: finds the broken pixels of a simulated camera, and compares with the truth.

Needs no photos, no download and nothing but stillpix itself.
"""

from __future__ import annotations

import re
import shlex
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .next_steps import suggest
from .output import complain, counted, print_table, say, sentence
from .progress import Progress, stopping_on_interrupt
from .statuses import INTERRUPTED

if TYPE_CHECKING:
    from ..maps.records import DefectMap
    from ..simulate import PlantedDefect, SimulatedCamera

MARK = ".stillpix-demo"  # a folder with this file is a demo's, which may delete what is in it
MAP_NAME = "demo.stillpix.json"
DEMO_FILE = re.compile(
    rf"IMG_\d{{4}}\.JPG(\.part)?|truth\.json(\.part)?|{re.escape(MAP_NAME)}|{re.escape(MARK)}"
)
SIZE = (900, 600)  # px
WITHIN = 1  # px: a find this near to a planted defect is that defect


def demo(
    folder: Annotated[
        Path,
        typer.Argument(metavar="[FOLDER]", help="Folder for the photos, the truth and the map."),
    ] = Path("stillpix-demo"),
    photos: Annotated[
        int, typer.Option(min=4, max=500, metavar="N", help="Number of photos to take: 4 to 500.")
    ] = 40,
    seed: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="Simulate another camera: each number gives one."),
    ] = 1,
) -> None:
    """See how it works, on a simulated camera with known defects."""
    from ..maps.library import save_map
    from ..simulate import CameraSettings, SimulatedCamera

    begun = time.monotonic()
    _prepare(folder)
    width, height = SIZE
    camera = SimulatedCamera(CameraSettings(width=width, height=height, defects=60), seed=seed)
    taken = f"{counted(photos, 'photo')} of {width}x{height}"
    say(f"Taking {taken} with a simulated camera, into {folder}")
    _take(folder, camera, photos)
    say("Looking for the pixels that stay still while the world changes")
    path = folder / MAP_NAME
    found = save_map(_scan_folder(folder), path)
    say(sentence(found))
    _compare(found, camera.defects)
    say(f"map: {path}")
    say(f"{time.monotonic() - begun:.0f} s in all")
    photos_there = shlex.quote(str(folder))
    suggest(
        (f"stillpix fix {photos_there} --out fixed", "repaired copies of these photos"),
        (f"stillpix show {shlex.quote(str(path))}", "each broken pixel"),
        ("stillpix find PHOTOS", "your own photos"),
    )


def _prepare(folder: Path) -> None:
    """Make the folder; refuse one that holds anything but an earlier demo, whose files go."""
    from ..atomic import write_error

    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = list(folder.iterdir())
        ours = (folder / MARK).exists()
        foreign = [path.name for path in there if not (ours and DEMO_FILE.fullmatch(path.name))]
        if foreign:
            raise typer.BadParameter(
                f"{folder} holds something else ({min(foreign)!r}); name a new folder",
                param_hint="FOLDER",
            )
        for path in there:
            path.unlink()
        (folder / MARK).write_text("stillpix demo may delete the photos here\n", encoding="utf-8")
    except FileExistsError as error:
        raise typer.BadParameter(
            f"{folder} is a file; name a new folder", param_hint="FOLDER"
        ) from error
    except OSError as error:
        raise write_error(folder, error) from error


def _take(folder: Path, camera: SimulatedCamera, photos: int) -> None:
    from ..atomic import write_error
    from ..simulate import write_series

    try:
        write_series(folder, camera, photos=photos)
    except OSError as error:
        raise write_error(error.filename or folder, error) from error


def _scan_folder(folder: Path) -> DefectMap:
    from ..images.gather import gather
    from ..scan import scan

    with Progress() as watch, stopping_on_interrupt(watch):
        (body,) = scan(gather([folder]), watch=watch)
    if body.left or body.map is None:
        complain("; ".join(["stopped before the end; run it again", *body.troubles]))
        raise typer.Exit(INTERRUPTED)
    return body.map


def _compare(found: DefectMap, planted: tuple[PlantedDefect, ...]) -> None:
    """Print found, missed and false against the truth, by kind."""
    confirmed = found.in_state("confirmed")
    met = {
        truth: [d for d in confirmed if max(abs(d.x - truth.x), abs(d.y - truth.y)) <= WITHIN]
        for truth in planted
    }
    true = {(defect.x, defect.y) for defects in met.values() for defect in defects}
    false = len(confirmed) - len(true)
    there = Counter(truth.kind for truth in planted)
    seen = Counter(truth.kind for truth, defects in met.items() if defects)
    rows = [(kind, str(seen[kind]), str(n - seen[kind])) for kind, n in there.most_common()]
    rows.append(("all", str(seen.total()), str(there.total() - seen.total())))
    print_table(("planted kind", "found", "missed"), rows, right={"found", "missed"})
    say(
        f"found {seen.total()} of {there.total()}, missed {there.total() - seen.total()}, "
        f"false {false}; many of the missed are too faint to show in any photo"
    )
