"""The first words of a report: how much is broken, whether it shows by day, and what to do next.

Never decides what is broken, and runs no command.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import numpy as np

from ..maps.records import DefectMap
from ..wording import body_of, broken_of, counted, likely_wrong, picture_of
from .looks import CLEARLY, Looks, sign_of
from .section import Detail, Section

# A photo by day: so short, and at so low an ISO, that a hot pixel has had no time to grow.
DAYLIGHT_S, DAYLIGHT_GAIN = 1 / 50, 8.0
USUAL_GAIN = 4.0  # of a photo that does not say
# Sound pixels clearly stand out in fewer photos than this by chance.
SHOWS_IN = 0.1  # of the daylight photos that could show it


def verdict(section: Section) -> str:
    """Return one sentence for a photographer.

    >>> from stillpix.frame import Sensor
    >>> from stillpix.maps.records import Defect
    >>> found = DefectMap(Sensor("a", "b", "c", 3008, 2000), (Defect(x=1, y=2, state="accepted"),))
    >>> verdict(Section(found, found.defects))
    '1 broken pixel in 6 million.'
    """
    found = section.map
    broken = found.in_state("confirmed", "accepted")
    million = found.sensor.width * found.sensor.height / 1e6
    size = f"{million:.2g} million" if million >= 0.1 else f"{1e6 * million:.0f}"
    if not broken:
        return f"No broken pixel in {size}, as far as these {picture_of(found)}s show."
    begins = f"{broken_of(broken)} in {size}"
    by_day = [
        shows
        for detail in section.details
        if detail.defect in broken and (shows := _shows_by_day(detail)) is not None
    ]
    return f"{begins}{_by_day(by_day, len(broken))}."


def _by_day(shows: Sequence[bool], broken: int) -> str:
    """Return how many of the broken pixels show in daylight photos, where that is known.

    >>> _by_day([False, False], 2), _by_day([True], 1), _by_day([True, False], 3)
    ('; none shows in your daylight photos', '; it shows in your daylight photos, too', \
'; 1 of 2 shows in your daylight photos')
    """
    if not shows:
        return ""
    count = sum(shows)
    if len(shows) == broken == 1:
        return f"; it {'shows' if count else 'does not show'} in your daylight photos" + (
            ", too" if count else ""
        )
    if not count and len(shows) == broken:
        return "; none shows in your daylight photos"
    if count == len(shows) == broken:
        return f"; all {count} show in your daylight photos"
    verb = "shows" if count == 1 else "show"
    return f"; {count or 'none'} of {len(shows)} {verb} in your daylight photos"


def _shows_by_day(detail: Detail) -> bool | None:
    """Return whether daylight photos show a pixel; None where none of them could."""
    looks = detail.looks
    if looks is None:
        return None
    able = looks.usable[:, 0] & _by_daylight(looks)
    if not able.any():
        return None
    clear = looks.sigmas[able, 0] * sign_of(detail.defect) >= CLEARLY
    return bool(clear.mean() > SHOWS_IN)


def _by_daylight(looks: Looks) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.array(
        [
            each.exposure_s is not None
            and each.exposure_s <= DAYLIGHT_S
            and (each.gain or USUAL_GAIN) <= DAYLIGHT_GAIN
            for each in looks.exposures
        ],
        np.bool_,
    )


def certainty(found: DefectMap) -> str:
    """Return how sure a map is, in a sentence.

    >>> from stillpix.frame import Sensor
    >>> certainty(DefectMap(Sensor("a", "b", "c", 64, 48)))
    'Judged from no photos.'
    """
    words = [f"Judged from {counted(found.evidence.photos, picture_of(found))}"]
    broken, candidates = found.in_state("confirmed", "accepted"), found.in_state("candidate")
    expected = found.detection.expected_false
    if broken:
        unknown = "it is not known how many of the broken pixels are wrong"
        words.append(unknown if expected is None else likely_wrong(expected))
    if candidates:
        maybe = counted(len(candidates), "more pixel")
        words.append(f"{maybe} may be broken, but that is not sure")
    return "; ".join(words) + "."


def next_steps(found: DefectMap, map_place: str = "") -> list[tuple[str, str]]:
    """Return the commands that may come next, and what each is for; none where nothing is broken.

    `map_place` is the file or folder of the map, where it is not in the library.
    """
    if not found.in_state("confirmed", "accepted", "candidate"):
        return []
    named = f" --map {shlex.quote(map_place)}" if map_place else ""
    name = shlex.quote(map_place or body_of(found.sensor))
    files = f"{found.sensor.recording}s"
    steps = [
        (f"stillpix fix {files.upper()}{named} --out fixed", f"repaired copies of your {files}")
    ]
    if not map_place and not found.sensor.is_video:  # the page shows no clips
        steps.append(("stillpix serve PHOTOS", "judge each pixel with your own eyes"))
    if found.sensor.is_mosaic:
        steps.append((f"stillpix export {name} --to list", "the map for RawTherapee and others"))
    return steps
