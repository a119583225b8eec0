"""Makes the README's picture from the demo's photos and map.

    stillpix demo stillpix-demo
    python docs/make_pictures.py stillpix-demo

Needs matplotlib, which stillpix itself does not. Left: one photo of the demo with its finds. Right:
the same places of the sensor in several photos, enlarged: the scene changes, the pixel stays.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image

import stillpix

mpl.use("Agg")
from matplotlib import pyplot as plt

PICTURE = Path(__file__).parent / "images" / "demo.png"
COLOURS = {
    "hot": "#e03131", "offset": "#f08c00", "stuck": "#9c36b5", "high": "#2f9e44",
    "dead": "#1971c2", "low": "#0c8599", "bright": "#e8590c", "dark": "#364fc7",
    "unknown": "#495057",
}  # fmt: skip
SHOWN = ("hot", "offset", "stuck", "dead")  # kinds that get a row of enlargements, where found
COLUMNS = 5
STEP = 6  # grey levels
REACH = 10  # px from the pixel to the edge of an enlargement


def main(folder: Path) -> None:
    """Draw the picture of a demo's folder."""
    found = stillpix.read_map(folder / "demo.stillpix.json").in_state("confirmed")
    photos = [np.asarray(Image.open(path)) for path in sorted(folder.glob("IMG_*.JPG"))]
    rows = [best for kind in SHOWN if (best := clearest_of(kind, found, photos[0].shape))]
    figure = plt.figure(figsize=(12, 4.3), dpi=100)
    left, right = figure.subfigures(1, 2, width_ratios=(1.35, 1), wspace=0)
    draw_photo(left, clearest(photos), found)
    draw_places(right, photos, rows)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    drawn = np.asarray(Image.open(buffer).convert("RGB"), np.uint16)
    # Levels that no eye tells apart are made one: photos as PNG are large.
    coarse = np.minimum((drawn + STEP // 2) // STEP * STEP, 255).astype(np.uint8)
    PICTURE.parent.mkdir(exist_ok=True)
    Image.fromarray(coarse).save(PICTURE, optimize=True)
    sys.stdout.write(f"{PICTURE.name}: {PICTURE.stat().st_size / 1000:.0f} kB\n")


def clearest_of(
    kind: str, found: Iterable[stillpix.Defect], shape: tuple[int, ...]
) -> stillpix.Defect | None:
    """Return the defect of a kind that shows most often and strongest, if there is one."""
    height, width = shape[:2]
    whole = [
        defect
        for defect in found
        if defect.kind == kind and defect.seen and defect.strength
        and REACH <= defect.x < width - REACH and REACH <= defect.y < height - REACH
    ]  # fmt: skip
    return max(whole, key=lambda d: d.score * abs(d.strength) * d.seen[1], default=None)


def clearest(photos: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return the photo whose level is nearest the middle: neither night nor blown sky."""
    return min(photos, key=lambda photo: abs(float(np.median(photo)) - 110))


def draw_photo(figure: Any, photo: NDArray[Any], found: Iterable[stillpix.Defect]) -> None:
    """Draw one photo, and a ring around each find in its kind's colour."""
    axes = figure.add_axes((0.01, 0.01, 0.98, 0.85))
    axes.imshow(photo)
    counts: dict[str, int] = {}
    for defect in found:
        counts[defect.kind] = counts.get(defect.kind, 0) + 1
        for width, colour in ((3.6, "white"), (1.8, COLOURS[defect.kind])):
            axes.plot(
                defect.x, defect.y, "o", markersize=11, markerfacecolor="none",
                markeredgecolor=colour, markeredgewidth=width,
            )  # fmt: skip
    for kind, number in sorted(counts.items(), key=lambda each: -each[1]):
        axes.plot([], [], "o", markersize=9, markerfacecolor="none", markeredgewidth=2,
                  markeredgecolor=COLOURS[kind], label=f"{number} {kind}")  # fmt: skip
    axes.set_axis_off()
    figure.legend(loc="upper center", ncols=len(counts), frameon=False, fontsize=10,
                  title="one of the photos, and what was found", title_fontsize=11,
                  columnspacing=1.0, handletextpad=0.2)  # fmt: skip


def draw_places(figure: Any, photos: Sequence[NDArray[Any]], rows: Sequence[Any]) -> None:
    """Draw each row's place in several photos, enlarged without smoothing."""
    grid = figure.subplots(
        len(rows), COLUMNS, squeeze=False,
        gridspec_kw={"left": 0.16, "right": 0.98, "top": 0.88, "bottom": 0.02,
                     "wspace": 0.06, "hspace": 0.06},
    )  # fmt: skip
    figure.suptitle("the same place of the sensor in five photos", fontsize=11, y=0.965)
    for row, defect in zip(grid, rows, strict=True):
        row[0].text(-0.12, 0.5, f"{defect.kind}\n{defect.x}, {defect.y}", ha="right", va="center",
                    transform=row[0].transAxes, fontsize=10,
                    color=COLOURS[defect.kind])  # fmt: skip
        places = [around(photo, defect) for photo in photos]
        for axes, place in zip(row, telling(places), strict=False):
            axes.imshow(place, interpolation="nearest")
        for axes in row:
            axes.set_axis_off()


def around(photo: NDArray[Any], defect: stillpix.Defect) -> NDArray[Any]:
    """Return the square around a defect."""
    x, y = defect.x, defect.y
    return photo[y - REACH : y + REACH + 1, x - REACH : x + REACH + 1]


def telling(places: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Return the places of as many photos as fit, from those that show their middle best."""

    def contrast(place: NDArray[Any]) -> float:
        luma = place.astype(float).mean(-1)
        return abs(float(luma[REACH, REACH] - np.median(luma)))

    best = sorted(range(len(places)), key=lambda n: contrast(places[n]))[-2 * COLUMNS :]
    return [places[n] for n in sorted(best)[::2]]


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "stillpix-demo"))
