"""From pictures in a program's memory to a map: one after the other, in memory that does not grow.

Never opens a file, and never keeps a picture longer than it takes to add it up.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from datetime import datetime
from itertools import chain, count, islice
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from ..arguments import moment, one_of, positive, share, text, whole, wrong
from ..detection.decide import detect
from ..detection.settings import DetectionSettings
from ..errors import ArgumentError, NothingUsableError
from ..evidence.evidence import Evidence
from ..evidence.repeats import KnownPictures, signature_of
from ..evidence.rules import TOGETHER
from ..frame import PATTERNS, UNKNOWN, Frame, Layout
from ..images.arrays import Facts, frame_in
from ..images.lattice import bayer_seen
from ..images.read_ahead import threads
from ..maps.records import DefectMap

Of: TypeAlias = float | Iterable[float | None] | None  # one value of all arrays, or one of each
LAYOUTS: dict[str, Layout] = {**PATTERNS, "xtrans": "xtrans", "rendered": "rendered"}
SEVERAL = "several pictures, such as a list of arrays or a generator"
ENOUGH = 2  # of the first arrays must show a colour pattern, or the only one
UNNAMED = (
    "the arrays show a colour pattern, which stillpix reads as {} (it cannot tell red from blue); "
    'name it with layout="RGGB" or the like, or give layout="mono" if there is none'
)


def find_in(
    arrays: Iterable[Any],
    *,
    exposure_s: Of = None,
    gain: Of = None,
    taken: Iterable[datetime | None] | None = None,
    layout: str | None = None,
    order: Literal["RGB", "BGR"] = "RGB",
    white: float | None = None,
    black: float = 0.0,
    dark: bool = False,
    camera: str = UNKNOWN,
    digests: Iterable[str] | None = None,
    fdr: float = 0.01,
    jobs: int | None = None,
) -> DefectMap:
    """Return the map of the camera that took some pictures, which a program has in its memory.

    Args:
        arrays: pictures of one size: arrays (height, width) or (height, width, 3) of whole numbers
            or floats in any byte order, CCDData, frames, or a generator of them. Each is read once.
        exposure_s: seconds, of all arrays or of each. CCDData says it itself.
        gain: ISO / 100, of all arrays or of each.
        taken: when each was taken, by the camera's own clock.
        layout: how a sensor's own values are laid out: "mono", "RGGB", "BGGR", "GRBG", "GBRG" or
            "xtrans"; or "rendered" for developed pictures. Without it, colours and 8 bits count as
            rendered, and other arrays as mono, unless they show a colour pattern.
        order: of the colours; frames of OpenCV are "BGR".
        white: the value of a full pixel.
        black: the value of a pixel without light.
        dark: the arrays are dark frames of a sensor's own values: two are enough.
        camera: a name for the camera in the map.
        digests: a text for each array. Two with one text are one photo and count once. Without
            them, the pixels tell.
        fdr: share of false finds that you accept in the list.
        jobs: number of threads; the default is one per core.

    An array that shows what one before showed, as in a burst, counts as its repeat. Dates when
    defects began are left to `find`, which can look at photos twice.

    >>> rng = np.random.default_rng(1)
    >>> pictures = rng.normal(100, 3, (8, 120, 160)).astype(np.uint16)
    >>> pictures[:, 40, 50] = 250
    >>> found = find_in(pictures, exposure_s=0.02, gain=4.0)
    >>> [(defect.x, defect.y, defect.state) for defect in found]
    [(50, 40, 'confirmed')]

    Raises:
        ArgumentError: an argument is wrong; the message names it and what is expected.
        NothingUsableError: there was no array.
    """
    settings = DetectionSettings(fdr=share("fdr", fdr))
    threads_wanted = None if jobs is None else whole("jobs", jobs, least=1, example=2)
    usual = Facts(
        layout=None if layout is None else LAYOUTS[one_of("layout", layout, LAYOUTS)],
        order="BGR" if one_of("order", order, get_args(Literal["RGB", "BGR"])) == "BGR" else "RGB",
        white=None if white is None else positive("white", white, "4095"),
        black=_black(black), dark=bool(dark), camera=text("camera", camera),
    )  # fmt: skip
    facts = _facts_of_each(usual, exposure_s, gain, taken, digests)
    frames = _settled(_frames(_pictures(arrays), facts), usual)
    evidence: Evidence | None = None
    with threads(threads_wanted) as pool:
        while batch := list(islice(frames, TOGETHER)):
            if evidence is None:
                evidence = Evidence(batch[0].sensor)
                known = KnownPictures(evidence.sensor.layout)
            _add(evidence, known, batch, pool)
        if evidence is None:
            raise NothingUsableError("there is no array; give several pictures of one camera")
        return detect(evidence, settings, pool)


def _pictures(arrays: object) -> Iterator[object]:
    """Yield the pictures; refuse one picture, whose rows would be taken for pictures."""
    if isinstance(arrays, np.ndarray):
        one_in_colour = arrays.ndim == 3 and arrays.shape[2] in {3, 4}
        if arrays.ndim < 3 or one_in_colour:
            raise wrong("arrays", SEVERAL, arrays)
    elif not isinstance(arrays, Iterable) or isinstance(arrays, str | bytes) or _is_ccd(arrays):
        raise wrong("arrays", SEVERAL, arrays)
    return iter(arrays)


def _is_ccd(given: object) -> bool:
    return isinstance(getattr(given, "data", None), np.ndarray)


def _facts_of_each(
    usual: Facts, exposure_s: Of, gain: Of, taken: Iterable[datetime | None] | None,
    digests: Iterable[str] | None,
) -> Iterator[Facts]:  # fmt: skip
    """Yield the facts of one array after the other, without end where all have the same."""
    exposures, gains = _each("exposure_s", exposure_s, "0.02"), _each("gain", gain, "4.0")
    times = iter(()) if taken is None else _several("taken", taken)
    names = iter(()) if digests is None else _several("digests", digests)
    for number in count(1):
        try:
            when = None if taken is None else next(times)
            digest = None if digests is None else text("digests", next(names))
            yield replace(
                usual, exposure_s=next(exposures), gain=next(gains), digest=digest,
                taken=None if when is None else moment("taken", when),
            )  # fmt: skip
        except StopIteration:
            raise ArgumentError(
                f"there is an array {number}, but exposure_s, gain, taken or digests ends before "
                "it; give one for each array"
            ) from None


def _each(name: str, given: Of, example: str) -> Iterator[float | None]:
    """Yield the value of each array: the one of all again and again, or the next of several."""
    if isinstance(given, np.ndarray) and given.ndim == 0:
        given = given.item()
    if given is None or not isinstance(given, Iterable) or isinstance(given, str | bytes):
        value = None if given is None else positive(name, given, example)
        while True:
            yield value
    for each in given:
        yield None if each is None else positive(name, each, example)


def _several(name: str, given: object) -> Iterator[Any]:
    if not isinstance(given, Iterable) or isinstance(given, str | bytes):
        raise wrong(name, "a list with one entry for each array", given)
    return iter(given)


def _black(given: object) -> float:
    return 0.0 if np.isscalar(given) and given == 0 else positive("black", given, "512")


def _frames(pictures: Iterator[object], facts: Iterator[Facts]) -> Iterator[tuple[Frame, bool]]:
    """Yield the frame of each picture, and whether its layout was told; all are of one size."""
    first: Frame | None = None
    for number, given in enumerate(pictures, start=1):
        frame, told = frame_in(given, f"array {number}", next(facts))
        first = first or frame
        one, other = (f"{each.sensor.width}x{each.sensor.height}" for each in (frame, first))
        if one != other:
            raise ArgumentError(
                f"array {number} is {one}, but array 1 is {other}; give arrays of one camera and "
                "one size"
            )
        if frame.sensor.layout != first.sensor.layout:
            raise ArgumentError(
                f"array {number} counts as {frame.sensor.layout}, but array 1 as "
                f"{first.sensor.layout}; give arrays of one kind, or name their layout"
            )
        yield frame, told


def _settled(frames: Iterator[tuple[Frame, bool]], usual: Facts) -> Iterator[Frame]:
    """Yield the frames with one layout: the one that the first ones show, if none is told."""
    begun = list(islice(frames, TOGETHER))
    if not begun:
        return
    layout: Layout | None = None
    if usual.layout is None and not any(told or frame.dark for frame, told in begun):
        seen = Counter(bayer_seen(frame.pixels) for frame, _ in begun)
        layout, number = seen.most_common(1)[0]
        layout = layout if number >= min(ENOUGH, len(begun)) else None
        if layout is not None:
            warnings.warn(UNNAMED.format(layout.removeprefix("bayer-")), stacklevel=4)
    for frame, _ in chain(begun, frames):
        laid_out = frame.sensor if layout is None else replace(frame.sensor, layout=layout)
        yield replace(frame, sensor=laid_out)


def _add(evidence: Evidence, known: KnownPictures, frames: Sequence[Frame], pool: Executor) -> None:
    """Add the frames that are new and show something new; remember the others as repeats."""
    fresh: dict[str, Frame] = {}
    for frame in frames:
        if evidence.knows(frame.digest) or frame.digest in fresh:
            continue
        signature = signature_of(frame.pixels, frame.sensor.layout)
        if not frame.dark and known.shows(signature):
            evidence.note_repeat(frame, pool)
        else:
            known.add(signature)
            fresh[frame.digest] = frame
    evidence.update_all(list(fresh.values()), pool)
