"""The plots of docs/accuracy.md, from results alone.

Needs matplotlib. Never draws a figure that is not in a table of the same page.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from .methods import IMPROVED, PLAIN, PLAIN_RAW, TWIN, TWIN_RAW, Entry, entries
from .product import NAME, RATES
from .results import AMPLITUDES
from .summary import Table, difference, growth, mean_of, own_summary, poisson_interval

COLOURS = {
    NAME: "#c0392b", TWIN_RAW: "#c0392b", PLAIN: "#2e6da4", PLAIN_RAW: "#2e6da4",
    IMPROVED: "#7d5ba6", "mean residual": "#3a8f5c", "least variance": "#555555",
    "ccdmask of the mean": "#b8860b", "darktable-like votes": "#16a2a2",
    "RawTherapee-like votes": "#d17f9c", "rawpy.enhance": "#8c6d46",
}  # fmt: skip
COMPARED = (NAME, PLAIN, IMPROVED, "mean residual")  # by amplitude
STYLE: dict[Any, Any] = {
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "svg.fonttype": "none",
    "svg.hashsalt": "stillpix", "axes.grid": True, "grid.alpha": 0.3, "legend.frameon": False,
}  # fmt: skip


def _colour(entry: Entry) -> str:
    return COLOURS.get(entry.name.removesuffix(", mosaic"), COLOURS.get(entry.name, "#999999"))


def _entry(name: str) -> Entry:
    return next(entry for entry in entries() if entry.name == name)


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None, "Creator": None}, bbox_inches="tight")


def _photos_axis(axes: Any, photos: Sequence[int]) -> None:
    axes.set_xscale("log")
    axes.set_xticks(photos, [str(n) for n in photos])
    axes.minorticks_off()
    axes.set_xlabel("photos")


def _recall_by_photos(table: Table) -> Figure:
    figure = Figure(figsize=(9, 4))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, source in zip(panels, ("JPEG", "RAW"), strict=True):
        for entry in entries():
            if entry.source != source or entry.kind in {"ablation", "choice"}:
                continue
            best = [table.best(entry, photos) for photos in table.photos]
            if not all(best) or (entry.name not in COLOURS and entry.kind == "bank"):
                continue
            means = [
                mean_of(table.recalls(variant, photos))
                for variant, photos in zip(best, table.photos, strict=True)
                if variant
            ]
            values = [mean.value for mean in means]
            below = [mean.value - mean.interval[0] for mean in means]
            above = [mean.interval[1] - mean.value for mean in means]
            axes.errorbar(
                table.photos, values, (below, above), color=_colour(entry), capsize=2,
                label=entry.name, marker="o", markersize=3,
                linewidth=2.2 if entry.name in {NAME, TWIN_RAW} else 1.1,
            )  # fmt: skip
        axes.set_title(source)
        _photos_axis(axes, table.photos)
        axes.legend(fontsize=7, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.16))
    panels[0].set_ylabel("recall at the oracle's cut")
    panels[0].set_ylim(0, 1)
    return figure


def _recall_by_amplitude(table: Table) -> Figure:
    figure = Figure(figsize=(9, 3.2))
    panels = figure.subplots(1, len(table.photos), sharey=True, squeeze=False)[0]
    order = [
        f"{low:g}.." + (f"{high:g}" if high < AMPLITUDES[-1] else "")
        for low, high in pairwise(AMPLITUDES)
    ]
    for axes, photos in zip(panels, table.photos, strict=True):
        for name in COMPARED:
            variant = table.best(_entry(name), photos)
            if variant is None:
                continue
            counts = table.by(variant, photos, lambda defect: defect.strength)
            shown = [strength for strength in order if strength in counts]
            values = [counts[strength][0] / counts[strength][1] for strength in shown]
            axes.plot(shown, values, color=COLOURS[name], marker="o", markersize=3, label=name)
        axes.set_title(f"{photos} photos")
        axes.set_xlabel("amplitude, sigmas")
        axes.tick_params(axis="x", labelsize=7)
    panels[0].set_ylabel("recall at the oracle's cut")
    panels[0].set_ylim(0, 1)
    panels[0].legend(fontsize=7)
    return figure


def _stated(table: Table) -> Figure:
    figure = Figure(figsize=(5.2, 4.2))
    axes = figure.subplots()
    least = 0.05
    for number, photos in enumerate(table.photos):
        points = [own_summary(table, table.runs(NAME, photos, rate)) for rate in RATES]
        made = [point for point in points if point is not None and point.stated is not None]
        stated = [max(point.stated or 0.0, least) for point in made]
        false = [point.false + point.aside for point in made]
        ends = [poisson_interval(count) for count in false]
        drawn = [max(count, least) for count in false]
        below = [max(d - max(low, least), 0) for d, (low, _) in zip(drawn, ends, strict=True)]
        above = [high - d for d, (_, high) in zip(drawn, ends, strict=True)]
        moved = [value * 1.06 ** (number - 1) for value in stated]
        axes.errorbar(
            moved, drawn, (below, above), linestyle="", marker="o", markersize=4, capsize=2,
            label=f"{photos} photos",
        )  # fmt: skip
    limits = axes.get_ylim()[1]
    axes.plot([least, limits], [least, limits], color="#555555", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("false finds stated, all cameras")
    axes.set_ylabel(f"false finds (none: at {least:g})")
    axes.legend(fontsize=8)
    return figure


def _growth(table: Table) -> Figure:
    figure = Figure(figsize=(5.6, 3.8))
    axes = figure.subplots()
    lines = growth(table)
    colours = mpl.colormaps["viridis"]
    for number, line in enumerate(lines):
        shade = colours(number / max(len(lines) - 1, 1))
        axes.plot(
            line.photos, line.recall, color=shade, marker="o", markersize=3,
            label=f"{line.words} sigmas ({line.planted})",
        )  # fmt: skip
    _photos_axis(axes, lines[0].photos if lines else table.photos)
    axes.set_ylim(0, 1)
    axes.set_ylabel("recall of hot and offset pixels, own cut")
    axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _ablations(table: Table) -> Figure:
    names = [
        entry
        for entry in entries()
        if entry.kind in {"ablation", "choice"} and table.runs(entry.name, table.photos[0])
    ]
    figure = Figure(figsize=(9, 0.28 * len(names) + 1))
    panels = figure.subplots(1, len(table.photos), sharey=True, sharex=True, squeeze=False)[0]
    for axes, photos in zip(panels, table.photos, strict=True):
        means = [difference(table, entry.name, TWIN, photos) for entry in names]
        values = [mean.value for mean in means]
        below = [mean.value - mean.interval[0] for mean in means]
        above = [mean.interval[1] - mean.value for mean in means]
        colours = ["#c0392b" if entry.kind == "ablation" else "#2e6da4" for entry in names]
        axes.barh(range(len(names)), values, xerr=(below, above), color=colours, height=0.6)
        axes.axvline(0, color="#555555", linewidth=0.8)
        axes.set_title(f"{photos} photos")
        axes.set_xlabel("recall, less the twin's")
    panels[0].set_yticks(range(len(names)), [entry.name for entry in names])
    panels[0].invert_yaxis()
    return figure


PLOTS = {
    "photos": _recall_by_photos,
    "amplitudes": _recall_by_amplitude,
    "stated": _stated,
    "growth": _growth,
    "ablations": _ablations,
}


def draw(table: Table, folder: Path) -> None:
    """Write all plots as accuracy-NAME.svg."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(STYLE):
        for name, plot in PLOTS.items():
            _save(plot(table), folder / f"accuracy-{name}.svg")
