"""Makes the pictures of the repair page: places before and after, enlarged.

    python docs/make_repair_pictures.py [PHOTO PLACES]

Needs matplotlib, which stillpix itself does not. Without arguments it draws the simulated places,
whose undamaged twin is known. PHOTO is a real JPEG with broken pixels and PLACES a JSON file with
a list of {"x": ..., "y": ...}; then the clearest of them are drawn as well.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stillpix.images import decode_colour, read_header
from stillpix.maps.records import Defect
from stillpix.restoration import repaired_file
from stillpix.simulate import CameraSettings, SimulatedCamera

mpl.use("Agg")
from matplotlib import pyplot as plt

IMAGES = Path(__file__).parent / "images"
SIMULATED, REAL = IMAGES / "repair-simulated.png", IMAGES / "repair-real.png"
SEED = 52
PHOTOS = 8
REACH = 16  # px from a place to the edge of its picture
PLACES = 6
CLEAR, DARK = 25.0, 45.0  # levels in luma: a place must show, and what is around it, too
AMPLIFIED = 8
LUMA = np.array([0.299, 0.587, 0.114])


class Row(NamedTuple):
    """One place: its pictures from left to right, and how clearly it shows."""

    pictures: list[NDArray[Any]]
    strength: float  # levels in luma
    level: float  # mean luma of what is around
    detail: float  # standard deviation in luma of it


def simulated_rows(folder: Path) -> list[Row]:
    """Return the places of some simulated photos: damaged, repaired, undamaged, the change."""
    settings = CameraSettings(
        width=900, height=600, defects=60, amplitude_sigma=(20.0, 100.0), cfa="BGGR",
        demosaic="edge", quality=90, sharpening=0.7,
    )  # fmt: skip
    broken, whole = SimulatedCamera(settings, SEED), SimulatedCamera(settings, SEED)
    whole.defects = ()
    places = [(each.x, each.y) for each in broken.defects]
    rows = []
    for number in range(PHOTOS):
        path = folder / f"{number}.jpg"
        path.write_bytes(broken.photograph(number).jpeg())
        before, after = repaired(path, places)
        truth = decode_colour(read_header(path), whole.photograph(number).jpeg())
        rows += [row for x, y in places if (row := row_of(x, y, before, after, truth))]
    return rows


def real_rows(photo: Path, places: Sequence[tuple[int, int]]) -> list[Row]:
    """Return places of a real photo: as it was, repaired, the change."""
    before, after = repaired(photo, places)
    return [row for x, y in places if (row := row_of(x, y, before, after))]


def repaired(photo: Path, places: Sequence[tuple[int, int]]) -> list[NDArray[Any]]:
    """Return the decoded picture of a photo and of its repaired file."""
    header = read_header(photo)
    content = photo.read_bytes()
    fixed = repaired_file(content, header, [Defect(x=x, y=y) for x, y in places])
    return [decode_colour(header, each) for each in (content, fixed.content)]


def row_of(
    x: int, y: int, before: NDArray[Any], after: NDArray[Any], truth: NDArray[Any] | None = None
) -> Row | None:
    """Return one place's row; None at the frame's edge, where no picture fits."""
    height, width = before.shape[:2]
    if not (REACH <= x < width - REACH and REACH <= y < height - REACH):
        return None
    area = np.s_[y - REACH : y + REACH + 1, x - REACH : x + REACH + 1]
    old, new = before[area].astype(float), after[area].astype(float)
    change = np.clip(128 + AMPLIFIED * (new - old), 0, 255).astype(np.uint8)
    pictures = [before[area], after[area], *([] if truth is None else [truth[area]]), change]
    around = new @ LUMA
    near = np.abs((new - old) @ LUMA)[REACH - 1 : REACH + 2, REACH - 1 : REACH + 2]
    return Row(pictures, float(near.max()), float(around.mean()), float(around.std()))


def chosen(rows: Sequence[Row]) -> list[Row]:
    """Return places that show clearly, from even surroundings to busy ones; all if few do."""
    clear = [row for row in rows if row.strength >= CLEAR and row.level >= DARK]
    by_detail = sorted(clear if len(clear) >= PLACES else rows, key=lambda row: row.detail)
    steps = np.linspace(0, len(by_detail) - 1, min(PLACES, len(by_detail)))
    return [by_detail[round(step)] for step in steps.tolist()]


def draw(path: Path, rows: Sequence[Row], titles: Sequence[str]) -> None:
    """Draw places as columns, their pictures below each other, without smoothing."""
    figure, grid = plt.subplots(
        len(titles), len(rows), figsize=(1.6 * len(rows) + 1.4, 1.6 * len(titles)), dpi=100,
        squeeze=False,
        gridspec_kw={"left": 1.35 / (1.6 * len(rows) + 1.4), "right": 0.995, "top": 0.99,
                     "bottom": 0.01, "wspace": 0.05, "hspace": 0.05},
    )  # fmt: skip
    for axes in grid.flat:
        axes.set_axis_off()
    for column, row in zip(grid.T, rows, strict=True):
        for axes, picture in zip(column, row.pictures, strict=True):
            axes.imshow(picture, interpolation="nearest")
    for axes, title in zip(grid[:, 0], titles, strict=True):
        axes.text(-0.06, 0.5, title, transform=axes.transAxes, ha="right", va="center", fontsize=10)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    path.parent.mkdir(exist_ok=True)
    Image.open(buffer).convert("RGB").save(path, optimize=True)
    sys.stdout.write(f"{path.name}: {path.stat().st_size / 1000:.0f} kB\n")


def main(arguments: Sequence[str]) -> None:
    """Draw the simulated places, and those of a real photo where one is given."""
    from tempfile import TemporaryDirectory

    change = f"what changed,\n{AMPLIFIED} times"
    with TemporaryDirectory() as folder:
        rows = chosen(simulated_rows(Path(folder)))
    draw(SIMULATED, rows, ["the broken\npixel", "repaired", "the same photo\nby a whole\nsensor",
                           change])  # fmt: skip
    if arguments:
        photo, places = Path(arguments[0]), json.loads(Path(arguments[1]).read_text())
        listed = [(place["x"], place["y"]) for place in places]
        draw(REAL, chosen(real_rows(photo, listed)), ["before", "after", change])


if __name__ == "__main__":
    main(sys.argv[1:])
