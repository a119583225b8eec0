"""Puts a map, a camera body and a defect into words, the same everywhere.

Never prints and never decides anything.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from .frame import Sensor
    from .maps.records import Defect, DefectMap, Pattern

LEAST_EXPECTED = 0.0001  # a smaller estimate says nothing more
RARELY = 0.02  # an estimate below is told as the chance that there is one
WORTH_A_DECIMAL = 0.1  # MP; a smaller sensor (a crop, a test) shows two significant digits
JOINERS = "\u200c\u200d"  # Persian, the languages of India and emoji are spelled with them
LEAST_LEFT_OUT = 0.005  # share of the frame; less is not worth a word
# Different pictures that are few, and photos a picture from which nearly all photos are repeats.
FEW_PICTURES, MANY_ALIKE = 8, 5
TEENS = (11, 12, 13)  # which are eleventh to thirteenth
FITS = "fits"  # the format of astronomers, who call a picture of it a frame
PHOTO = re.compile(r"\b([Pp]hoto)(s?)\b")
MOST_CLUSTERS, MOST_PLACES = 5, 12  # that are named, of a map, of a cluster
SHORT_S = 0.3  # a photographer writes shorter exposures as fractions


def printable(text: str) -> str:
    r"""Return text that cannot steer a terminal: control characters become escapes.

    Bytes of a file name that are not text become escapes, too. Spaces and joiners of every script
    stay.

    >>> printable("D3200\x1b[2J, \udcff.jpg")
    'D3200\\x1b[2J, \\udcff.jpg'
    """
    return "".join(
        mark if _is_plain(mark) else mark.encode("unicode_escape").decode() for mark in text
    )


def _is_plain(mark: str) -> bool:
    return mark.isprintable() or mark in JOINERS or unicodedata.category(mark) == "Zs"


def counted(count: int, noun: str) -> str:
    """Return a count and its noun, in the plural if needed.

    >>> counted(1, "photo"), counted(4, "broken pixel"), counted(0, "candidate")
    ('1 photo', '4 broken pixels', 'no candidates')
    """
    return f"{count or 'no'} {noun}" + ("" if count == 1 else "s")


def picture_of(defect_map: DefectMap) -> str:
    """Return what was counted for a map: photo, or frame (of a video, or FITS), or field.

    >>> from stillpix.maps.records import DefectMap
    >>> from stillpix.frame import Sensor
    >>> picture_of(DefectMap(Sensor("a", "b", "c", 64, 48), sensor_extra={"files": "fits"}))
    'frame'
    """
    return "frame" if defect_map.files == FITS else defect_map.sensor.picture


def called(text: str, picture: str) -> str:
    """Return what is said of photos as said of other pictures, such as frames.

    >>> called("Photos of each photosite: one photo.", "frame")
    'Frames of each photosite: one frame.'
    """
    words = {"photo": picture, "Photo": picture.capitalize()}
    return PHOTO.sub(lambda found: words[found[1]] + found[2], text)


def broken_of(defects: Sequence[Defect]) -> str:
    """Return how many pixels are broken, and how many columns and rows as a whole.

    >>> from stillpix.maps.records import Defect, Run
    >>> broken_of([Defect(x=1, y=2), Defect(x=5, y=0, run=Run("column", 0, 63))])
    '1 broken pixel and 1 bad column'
    """
    along = [defect.run.along for defect in defects if defect.run is not None]
    lines = [
        counted(along.count(each), f"bad {each}") for each in ("column", "row") if each in along
    ]
    singles = len(defects) - len(along)
    parts = [counted(singles, "broken pixel")] * (singles > 0 or not lines) + lines
    return " and ".join([", ".join(parts[:-1])] * (len(parts) > 1) + parts[-1:])


def body_of(sensor: Sensor) -> str:
    """Return a body's name without its size, such as "NIKON D3200, serial 8964244"."""
    return sensor.name.rpartition(f", {sensor.width}x{sensor.height}")[0]


def sentence(defect_map: DefectMap) -> str:
    """Return a map in one sentence.

    >>> from stillpix.maps.records import Defect, DefectMap, DetectionSummary, EvidenceSummary
    >>> from stillpix.frame import Sensor
    >>> sentence(DefectMap(
    ...     Sensor("NIKON CORPORATION", "NIKON D3200", "8964244", 3008, 2000),
    ...     (Defect(x=2797, y=791, state="confirmed"), Defect(x=1, y=1)),
    ...     EvidenceSummary(photos=16), DetectionSummary(expected_false=0.04)))
    'NIKON D3200, serial 8964244: 1 broken pixel in 6.0 MP, found in 16 photos; expect 0.04 of \
them to be wrong; and 1 candidate'
    """
    sensor, detection = defect_map.sensor, defect_map.detection
    broken = defect_map.in_state("confirmed", "accepted")
    candidates = defect_map.in_state("candidate")
    megapixels = sensor.width * sensor.height / 1e6
    size = f"{megapixels:.1f}" if megapixels >= WORTH_A_DECIMAL else f"{megapixels:.2g}"
    pictures = counted(defect_map.evidence.photos, picture_of(defect_map))
    parts = [
        f"{body_of(sensor)}: {broken_of(broken)} in {size} MP, "
        f"{'found in' if broken else 'after'} {pictures}"
    ]
    if broken and detection.expected_false is not None:
        parts.append(likely_wrong(detection.expected_false))
    elif broken:
        parts.append("it is not known how many of them are wrong")
    if candidates:
        parts.append(f"and {counted(len(candidates), 'candidate')}")
    return "; ".join(parts)


def remarks(defect_map: DefectMap) -> Iterator[str]:
    """Yield what else is to be known of a map: what was left out, and which photos would help.

    >>> from stillpix.maps.records import DefectMap, EvidenceSummary
    >>> from stillpix.frame import Sensor
    >>> sensor = Sensor("a", "b", "c", 640, 480)
    >>> list(remarks(DefectMap(sensor, evidence=EvidenceSummary(80, 80, left_out=0.119))))
    ["12 % of the frame never changes and was left out (a bar, a border or the camera's own \
housing)"]
    >>> len(list(remarks(DefectMap(sensor, evidence=EvidenceSummary(80, 1)))))
    1
    """
    evidence, pictures = defect_map.evidence, f"{picture_of(defect_map)}s"
    yield from _of_lens(defect_map)
    if evidence.left_out >= LEAST_LEFT_OUT:
        yield (
            f"{100 * evidence.left_out:.0f} % of the frame never changes and was left out "
            "(a bar, a border or the camera's own housing)"
        )
    for pattern in evidence.patterns:
        yield patterned(pattern, defect_map.sensor)
    if evidence.scenes < FEW_PICTURES and evidence.photos >= MANY_ALIKE * max(evidence.scenes, 1):
        yield (
            f"nearly all {pictures} repeat the same pictures: add {pictures} of other scenes, or "
            f"about {FEW_PICTURES} with the lens cap on (any format, JPEG too)"
        )
    if any(defect.kind == "bright" for defect in defect_map.in_state("confirmed", "accepted")):
        yield (
            f"bright pixels are hot or offset: {pictures} with other exposure times would show "
            "which"
        )
    yield from _of_clusters(defect_map.clusters())
    if evidence.bayer:
        yield (
            f"the colours of many broken pixels tell the sensor's Bayer pattern: {evidence.bayer}, "
            "from the top left"
        )


def clustered(cluster: Sequence[Defect]) -> str:
    """Return a cluster in words: how many pixels it has, and where it is.

    >>> from stillpix.maps.records import Defect
    >>> clustered([Defect(x=7, y=2), Defect(x=5, y=3)])
    'a cluster of 2 broken pixels at x 5..7, y 2..3'
    """
    x, y = (_stretch([getattr(one, axis) for one in cluster]) for axis in ("x", "y"))
    return f"a cluster of {counted(len(cluster), 'broken pixel')} at x {x}, y {y}"


def _stretch(numbers: Sequence[int]) -> str:
    first, last = min(numbers), max(numbers)
    return str(first) if first == last else f"{first}..{last}"


def _of_clusters(clusters: Sequence[Sequence[Defect]]) -> Iterator[str]:
    """Yield each cluster once, with its pixels; of many the largest.

    >>> from stillpix.maps.records import Defect
    >>> list(_of_clusters([[Defect(x=7, y=2), Defect(x=5, y=3)]]))
    ['a cluster of 2 broken pixels at x 5..7, y 2..3: (7, 2), (5, 3)']
    """
    for cluster in clusters[:MOST_CLUSTERS]:
        places = ", ".join(f"({one.x}, {one.y})" for one in cluster[:MOST_PLACES])
        more = f" and {len(cluster) - MOST_PLACES} more" if len(cluster) > MOST_PLACES else ""
        yield f"{clustered(cluster)}: {places}{more}"
    others = clusters[MOST_CLUSTERS:]
    if others:
        pixels = sum(len(cluster) for cluster in others)
        yield f"{counted(len(others), 'smaller cluster')} of {pixels} broken pixels in all"


def _of_lens(defect_map: DefectMap) -> Iterator[str]:
    """Yield what is known of places that move with the focal length."""
    from .maps.lens_laws import are_assumed, focal_lengths  # it needs numpy

    untold = defect_map.evidence.untold_mm
    if are_assumed(defect_map.laws):
        yield (
            "the photos do not tell whether this camera straightens its lens; places hold for "
            f"{focal_lengths(defect_map.laws)}, and other photos are left out; more photos at "
            "other focal lengths would tell"
        )
    elif defect_map.laws:
        yield (
            "the camera corrects its lens's distortion: places are the sensor's, and move in the "
            f"photos with the focal length; known for {focal_lengths(defect_map.laws)}"
        )
    elif untold is not None:
        yield (
            f"the photos do not tell whether this camera straightens its lens ({untold[0]:g}-"
            f"{untold[1]:g} mm); if it does, broken pixels far from the middle may be missed, or "
            "listed where they are at one focal length; more photos would tell"
        )


def patterned(pattern: Pattern, sensor: Sensor) -> str:
    """Return in words which sites of a sensor are a lattice.

    >>> from stillpix.frame import Sensor
    >>> from stillpix.maps.records import Pattern
    >>> patterned(Pattern(12, 16, ((5, 9),), -3.04), Sensor("a", "b", "c", 640, 480))
    'every 12th pixel of every 16th row, 1,590 in all, is about 3 grey levels darker than others: \
a pattern of the sensor or its firmware, such as autofocus pixels; they are not listed as broken'
    """
    number = sum(
        len(range(x, sensor.width, pattern.across)) * len(range(y, sensor.height, pattern.down))
        for x, y in pattern.at
    )
    which = f"every {_ordinal(pattern.across)} pixel of every {_ordinal(pattern.down)} row"
    if len(pattern.at) > 1:
        which = f"{len(pattern.at)} pixels of every {pattern.across}x{pattern.down}"
    verb, differ = ("is", "differs") if len(pattern.at) == 1 else ("are", "differ")
    stands = f"{differ} from others"
    if pattern.strength is not None:
        side = "brighter" if pattern.strength > 0 else "darker"
        stands = f"{verb} about {abs(pattern.strength):.2g} grey levels {side} than others"
    return (
        f"{which}, {number:,} in all, {stands}: a pattern of the sensor or its firmware, such as "
        "autofocus pixels; they are not listed as broken"
    )


def _ordinal(number: int) -> str:
    """Return a number as a place in an order.

    >>> [_ordinal(number) for number in (1, 2, 3, 11, 12, 21, 32)]
    ['1st', '2nd', '3rd', '11th', '12th', '21st', '32nd']
    """
    last = number % 10 if number % 100 not in TEENS else 0
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"


def likely_wrong(expected: float) -> str:
    """Return how many of a map's broken pixels are likely wrong.

    >>> likely_wrong(0.043)
    'expect 0.043 of them to be wrong'
    >>> likely_wrong(0.0008)
    '1 in 1,200 chance that any of them is wrong'
    >>> likely_wrong(3.9e-11)
    'less than 1 in 10,000 chance that any of them is wrong'
    """
    if 0 < expected < LEAST_EXPECTED:
        return "less than 1 in 10,000 chance that any of them is wrong"
    if 0 < expected < RARELY:
        one_in = float(f"{1 / float(f'{expected:.2g}'):.2g}")  # of what the map's file holds
        return f"1 in {one_in:,.0f} chance that any of them is wrong"
    return f"expect {expected:.2g} of them to be wrong"


def exposure_time(exposure_s: float) -> str:
    """Return an exposure time as photographers write it.

    >>> exposure_time(0.02), exposure_time(2.5)
    ('1/50 s', '2.5 s')
    """
    if 0 < exposure_s < SHORT_S:
        return f"1/{1 / exposure_s:.0f} s"
    return f"{exposure_s:g} s"


def exposed(exposure_s: float | None, gain: float | None) -> str:
    """Return exposure time and ISO in words, "" if neither is known.

    >>> exposed(0.02, 4.0), exposed(None, 1.0)
    ('1/50 s, ISO 400', 'ISO 100')
    """
    known = []
    if exposure_s is not None:
        known.append(exposure_time(exposure_s))
    if gain is not None:
        known.append(f"ISO {gain * 100:.0f}")
    return ", ".join(known)


def since(defect: Defect, first_photo: date | None = None) -> str:
    """Return when a defect began, and when it ended if it did; "" if that is not known.

    "by" a date means: at that date at the latest, perhaps before the first photo.

    >>> from datetime import date
    >>> from stillpix.maps.records import Defect
    >>> july, may = date(2019, 7, 11), date(2020, 5, 2)
    >>> since(Defect(x=1, y=2, since=(july, may))), since(Defect(x=1, y=2, since=(may, may)))
    ('2019-07-11 .. 2020-05-02', '2020-05-02')
    >>> since(Defect(x=1, y=2, since=(july, july), until=(may, may)), first_photo=july)
    'by 2019-07-11, until 2020-05-02'
    """
    if defect.since is None:
        return ""
    first, last = defect.since
    began = f"by {last}" if first_photo and first <= first_photo else _between(first, last)
    return began + (f", until {_between(*defect.until)}" if defect.until else "")


def _between(first: date, last: date) -> str:
    return str(first) if first == last else f"{first} .. {last}"
