"""`stillpix demo`: the whole main job on a simulated camera, with the truth beside it.

Needs no photos, no download and nothing but stillpix itself.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .output import complain, counted, print_table, say, sentence
from .progress import Progress, stopping_on_interrupt

if TYPE_CHECKING:
    from ..defects import DefectMap
    from ..simulate import PlantedDefect

WITHIN = 1  # px: a find this near to a planted defect is that defect


def demo(
    folder: Annotated[
        Path, typer.Argument(metavar="[FOLDER]", help="where photos, truth and map are written")
    ] = Path("stillpix-demo"),
    photos: Annotated[int, typer.Option(min=1, max=500, help="how many photos to take")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="another number, another camera")] = 1,
) -> None:
    """Take photos with a simulated camera, find its broken pixels, and compare with the truth."""
    from ..gather import gather
    from ..library import save_map
    from ..scan import scan
    from ..simulate import CameraSettings, SimulatedCamera, write_series

    begun = time.monotonic()
    _refuse_foreign(folder)
    camera = SimulatedCamera(CameraSettings(width=1200, height=800, defects=60), seed=seed)
    say(f"Taking {counted(photos, 'photo')} of 1200x800 with a simulated camera, into {folder}")
    write_series(folder, camera, photos=photos)
    say("Looking for the pixels that stay still while the world changes")
    with Progress() as watch, stopping_on_interrupt(watch):
        outcome = scan(gather([folder]), watch=watch)
    if not outcome.bodies:
        complain("stopped before there was anything to say")
        raise typer.Exit(130)
    path = folder / "demo.stillpix.json"
    found = save_map(outcome.bodies[0].map, path)
    say(sentence(found))
    _compare(found, camera.defects)
    say(f"map: {path}   (stillpix show {path})")
    say(f"{time.monotonic() - begun:.0f} s in all")


def _refuse_foreign(folder: Path) -> None:
    """Write only into a new or empty folder, or into that of an earlier demo."""
    if folder.exists() and not (folder / "truth.json").exists():
        if not folder.is_dir() or any(folder.iterdir()):
            complain(f"{folder} holds something else; name another folder: stillpix demo FOLDER")
            raise typer.Exit(2)
    for old in [*folder.glob("IMG_*.JPG"), *folder.glob("*.stillpix.json")]:
        old.unlink()


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
