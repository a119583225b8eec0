"""`stillpix find --method variance`: the least varying subpixels, as in an article of 2011.

Makes no map and keeps nothing: it reads the photos, prints, and forgets.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from .output import complain, counted, print_json, print_table, say
from .progress import Progress, stopping_on_interrupt
from .statuses import DONE, INTERRUPTED, NOTHING_USABLE, SOME_FAILED

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ..evidence.least_variance import LeastSubpixel, SubpixelVariance
    from ..frame import Pixels, Sensor
    from ..images import Buffer, Header
    from ..images.gather import Gathering

FEWEST = 2  # photos: a value does not vary over one
AHEAD = 3  # photos being read while one is added
CHANNELS = ("R", "G", "B")
HEADINGS = ("index", "x", "y", "channel", "sum of squares", "mean (DN)", "ties")


@dataclass(slots=True)
class BodyVariance:
    """What came of one body's photos."""

    sensor: Sensor
    photos: int = 0
    least: list[LeastSubpixel] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)  # a file, and why
    left: int = 0  # not looked at because it was stopped


def print_least(found: Gathering, least: int, *, jobs: int | None, as_json: bool) -> int:
    """Print the subpixels of each body that vary least over its photos; return the exit status."""
    from ..images.read_ahead import threads

    with Progress() as watch, stopping_on_interrupt(watch), threads(jobs) as pool:
        bodies = [
            _body_variance(sensor, headers, least, pool, watch)
            for sensor, headers in found.bodies.items()
        ]
    skipped = [(each.path, each.reason) for each in found.skipped]
    skipped += [each for body in bodies for each in body.skipped]
    if as_json:
        print_json(_document(bodies, skipped, found.warnings))
    else:
        for body in bodies:
            _tell(body)
    for path, reason in skipped:
        complain(f"not used: {path}: {reason}")
    left = sum(body.left for body in bodies)
    if left:
        complain(f"stopped: {counted(left, 'photo')} not read; run again to read all")
        return INTERRUPTED
    if not any(body.least for body in bodies):
        complain("nothing to compare; give two or more photos of one camera, of one size")
        return NOTHING_USABLE
    return SOME_FAILED if skipped else DONE


def _body_variance(
    sensor: Sensor, headers: Sequence[Header], least: int, pool: Executor, watch: Progress
) -> BodyVariance:
    """Read a body's photos and return the least varying subpixels of those of one kind.

    Colour and grey, 8 and 16 bits are never added up: the kind of most photos is what counts.
    """
    from ..errors import ReadError
    from ..evidence.least_variance import SubpixelVariance
    from ..images.read_ahead import read_ahead

    body = BodyVariance(sensor, left=len(headers))
    kinds: dict[str, tuple[SubpixelVariance, list[str]]] = {}
    if watch.stop():
        return body
    watch.body(sensor, len(headers))
    # One at a time: colours take three times the memory of luma.
    with closing(read_ahead(headers, _colours, pool, together=1, ahead=AHEAD)) as batches:
        for ((header, picture),) in batches:
            if isinstance(picture, ReadError):
                body.skipped.append((picture.path, picture.reason))
            else:
                kind = f"{8 * picture.itemsize}-bit {'colour' if picture.ndim > 2 else 'grey'}"
                sums, paths = kinds.setdefault(kind, (SubpixelVariance(sensor), []))
                sums.update(picture)
                paths.append(str(header.path))
            body.left -= 1
            watch.photos(len(headers) - body.left)
            if watch.stop():
                break
    _choose(body, kinds, least)
    return body


def _colours(header: Header, buffer: Buffer) -> Pixels:
    from ..images import read_colour

    return read_colour(header, buffer=buffer)


def _choose(
    body: BodyVariance, kinds: dict[str, tuple[SubpixelVariance, list[str]]], least: int
) -> None:
    """Take the kind of most photos, and name the photos of the others."""
    if not kinds:
        return
    main = max(kinds, key=lambda kind: len(kinds[kind][1]))
    for kind in kinds.keys() - {main}:
        reason = f"is {kind}, most are {main}; only photos of one kind can be compared"
        body.skipped += [(path, reason) for path in kinds[kind][1]]
    sums, paths = kinds[main]
    body.photos = len(paths)
    if body.photos >= FEWEST:
        body.least = sums.least(least)


def _tell(body: BodyVariance) -> None:
    if not body.least:
        say(
            f"{body.sensor.name}: {counted(body.photos, 'photo')}, too few to compare; give at "
            f"least two"
        )
        return
    say(f"{body.sensor.name}: least varying over {counted(body.photos, 'photo')}")
    rows = [
        (
            *map(str, (each.index, each.x, each.y)),
            "-" if each.channel is None else CHANNELS[each.channel],
            f"{each.sum_of_squares:.6g}",
            f"{each.mean:.6g}",
            str(each.ties),
        )
        for each in body.least
    ]
    print_table(HEADINGS, rows, right=set(HEADINGS) - {"channel"})
    last = body.least[-1]
    unlisted = last.ties - sum(e.sum_of_squares == last.sum_of_squares for e in body.least)
    if unlisted:
        say(
            f"{unlisted} more vary exactly as little as the last one: this method cannot tell "
            f"which is broken"
        )


def _document(
    bodies: Sequence[BodyVariance], skipped: Sequence[tuple[str, str]], notes: Sequence[str]
) -> dict[str, Any]:
    return {
        "bodies": [
            {
                "sensor": body.sensor.facts,
                "photos": body.photos,
                "least": [asdict(each) for each in body.least],
            }
            for body in bodies
        ],
        "not_used": [{"path": path, "reason": reason} for path, reason in skipped],
        "notes": list(notes),
        "left": sum(body.left for body in bodies),
    }
