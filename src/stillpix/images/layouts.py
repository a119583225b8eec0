"""The layout of photos whose files do not say it: named by a person, or seen in some of them.

Looks at the pixels of a few photos of a camera at most, and gives all of its photos one layout.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import TypeAlias

from stillpix.errors import ReadError
from stillpix.frame import Layout, Sensor
from stillpix.images import Header, read_frame
from stillpix.images.lattice import bayer_seen

LOOKED_AT = 5  # photos of a camera, evenly over them
ENOUGH = 2  # of those must show the lattice, or the only one

Bodies: TypeAlias = dict[Sensor, list[Header]]


def with_layout(header: Header, layout: Layout) -> Header:
    """Return a photo whose file does not say its layout with this one, and any other as it is."""
    if header.layout_told or header.sensor.layout == layout:
        return header
    return replace(header, sensor=replace(header.sensor, layout=layout))


def as_seen(header: Header) -> Header:
    """Return a photo with the layout that its pixels show, where its file does not say it."""
    seen = None if header.layout_told else _seen_in(header)
    return header if seen is None else with_layout(header, seen)


def settled(bodies: Bodies, named: Layout | None, pool: Executor) -> tuple[Bodies, list[str]]:
    """Return the photos by sensor with all layouts known, and what is to be said of those seen.

    `named` is a person's word for what no file says.
    """
    result: Bodies = {}
    notes: list[str] = []
    for sensor, headers in bodies.items():
        layout = named or _told_by_others(sensor, bodies)
        untold = [header for header in headers if not header.layout_told]
        if untold and layout is None:
            layout = _seen_in_some(untold, pool)
            if layout is not None:
                notes.append(_note(sensor, layout))
        if not headers:  # its photos are known, and not opened
            result.setdefault(sensor, [])
        for header in headers:
            known = header if layout is None else with_layout(header, layout)
            result.setdefault(known.sensor, []).append(known)
    return result, notes


def _told_by_others(sensor: Sensor, bodies: Bodies) -> Layout | None:
    """Return the layout that other files of the same camera say, if all that do agree."""
    told = {
        other.layout
        for other, headers in bodies.items()
        if replace(other, layout=sensor.layout) == sensor
        and other.is_mosaic
        and (not headers or any(header.layout_told for header in headers))
    }
    return told.pop() if len(told) == 1 else None


def _seen_in_some(headers: Sequence[Header], pool: Executor) -> Layout | None:
    """Return the layout that enough of some photos show: dim and dark ones show none."""
    chosen = list(_sample_evenly([header for header in headers if not header.dark]))
    votes = Counter(layout for layout in pool.map(_seen_in, chosen) if layout is not None)
    if not votes:
        return None
    layout, number = votes.most_common(1)[0]
    return layout if number >= min(ENOUGH, len(chosen)) else None


def _sample_evenly(headers: Sequence[Header]) -> Iterator[Header]:
    in_order = sorted(headers, key=lambda header: str(header.path))
    number = min(LOOKED_AT, len(in_order))
    yield from (in_order[place * len(in_order) // number] for place in range(number))


def _seen_in(header: Header) -> Layout | None:
    try:
        return bayer_seen(read_frame(header).pixels)
    except ReadError:  # reported when its turn comes
        return None


def _note(sensor: Sensor, layout: Layout) -> str:
    pattern = layout.removeprefix("bayer-")
    return (
        f"{sensor.name}: the files do not name a colour pattern, but show one; stillpix reads it "
        f"as {pattern} (it cannot tell red from blue). To name another, give --pattern; if there "
        "is none, give --pattern mono"
    )
