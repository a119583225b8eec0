"""stillpix's own map file: JSON in UTF-8, one defect per line.

Version 2 says which of a body's sensors a map is of, and by which laws its places move in pictures
whose distortion the camera corrected. A map that need not say either is version 1, as earlier
programs wrote and read it.

Never loses a key it does not know, and never leaves half a file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args

from ..atomic import write_atomically
from ..errors import MapFormatError
from ..frame import BAYER, UNKNOWN, Layout, Sensor
from .fields import Fields
from .lens_laws import LensLaw, are_ascending
from .records import (
    Area,
    Defect,
    DefectMap,
    DetectionSummary,
    EvidenceSummary,
    Kind,
    Pattern,
    Run,
    State,
)

FORMAT = "stillpix-map"
VERSION = 2
WITHOUT_WHICH = 1  # what a map is written as where its body has no other sensor
KINDS: tuple[Kind, ...] = get_args(Kind)
NEVER_TOLD = "blinking"  # a kind of earlier maps that no test stood behind: read as unknown
STATES: tuple[State, ...] = get_args(State)
LAYOUTS: tuple[Layout, ...] = get_args(Layout)

MOST_OF_LAW = 1e5  # mm, or a term: no lens has more

T = TypeVar("T")


def read(path: Path) -> DefectMap:
    """Read a map file.

    Raises:
        MapFormatError: the file is missing, damaged, or written by a newer stillpix.
    """
    try:
        if path.exists() and not path.is_file():  # a folder, a device, a pipe that never ends
            raise MapFormatError(f"{path}: is not a file; give the path of a map")
        content = path.read_bytes()
    except FileNotFoundError:
        remedy = "`stillpix show` lists the maps you have"
        raise MapFormatError(f"{path}: there is no such file; {remedy}") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise MapFormatError(f"{path}: cannot be read ({reason}); check its permissions") from error
    try:
        return from_text(content.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        raise MapFormatError(f"{path}: is not a stillpix map: it is not UTF-8 text") from error


def write(defect_map: DefectMap, path: Path) -> None:
    """Write a map file, after making sure that it can be read again.

    Raises:
        WriteError: the disk is full, the folder is missing, ...; an old map is untouched.
        MapFormatError: the map breaks its own rules (a defect outside its sensor, a duplicate).
    """
    try:
        text = as_text(defect_map)
    except ValueError as error:  # JSON has no NaN and no infinity
        raise MapFormatError(f"{path}: not written: {error}") from error
    from_text(text, str(path))
    # A lone surrogate (a broken file name, a broken EXIF text) becomes a JSON escape of itself.
    write_atomically(path, text.encode("utf-8", errors="backslashreplace"))


def as_text(defect_map: DefectMap) -> str:
    """Return the map file's text.

    >>> text = as_text(DefectMap(Sensor("Canon", "EOS R", "7", 30, 20), (Defect(x=3, y=4),)))
    >>> for line in text.splitlines():
    ...     print(line[:74])
    {
      "format": "stillpix-map", "version": 1,
      "sensor": {"make": "Canon", "model": "EOS R", "serial": "7", "width": 30
      "evidence": {"photos": 0, "scenes": 0},
      "detection": {"method": "scores", "fdr": 0.01},
      "defects": [
        {"x": 3, "y": 4, "kind": "unknown", "score": 0.0, "q": 1.0, "state": "
      ]
    }
    """
    sections = {
        "sensor": _sensor_object(defect_map),
        "evidence": _evidence_object(defect_map.evidence),
        "detection": _detection_object(defect_map.detection),
        **({"laws": [law_object(law) for law in defect_map.laws]} if defect_map.laws else {}),
    }
    version = VERSION if defect_map.sensor.which or defect_map.laws else WITHOUT_WHICH
    head = f'"format": {_dump_value(FORMAT)}, "version": {version}'
    lines = [
        head,
        *(f"{_dump_value(key)}: {_dump_value(value)}" for key, value in sections.items()),
    ]
    rows = ",\n    ".join(_dump_value(defect_object(defect)) for defect in defect_map)
    lines.append(f'"defects": [\n    {rows}\n  ]' if rows else '"defects": []')
    lines += [
        f"{_dump_value(key)}: {_dump_value(value)}" for key, value in defect_map.extra.items()
    ]
    return "{\n  " + ",\n  ".join(lines) + "\n}\n"


def from_text(text: str, origin: str) -> DefectMap:
    """Return the map that a file's text describes; `origin` names the file in errors.

    Raises:
        MapFormatError: the text is not a map, is damaged, or was written by a newer stillpix.
    """
    document = Fields(origin, "", _document(text, origin))
    _check_version(document)
    sensor, sensor_extra = _sensor(Fields(origin, "sensor", document.require("sensor")))
    evidence = _evidence(document.section("evidence"), sensor)
    detection = _detection(document.section("detection"))
    laws = laws_from(document)
    listed = document.require("defects")
    if not isinstance(listed, list):
        raise document.refuse("defects", "must be a list")
    defects = tuple(
        defect_from(Fields(origin, f"defects[{index}]", entry), sensor)
        for index, entry in enumerate(listed)
    )
    _refuse_duplicates(document, defects)
    return DefectMap(sensor, defects, evidence, detection, document.rest(), sensor_extra, laws)


def _document(text: str, origin: str) -> object:
    def refuse(constant: str) -> NoReturn:
        raise MapFormatError(
            f"{origin}: holds {constant}, which is not a number; correct it, or make the map "
            f"again with `stillpix find`"
        )

    def finite(number: str) -> float:
        value = float(number)
        return value if math.isfinite(value) else refuse(number[:20])

    try:
        return json.loads(text, parse_constant=refuse, parse_float=finite)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}: {error.msg}"
        ends = " (the file ends too early)" if error.pos >= len(text.rstrip()) else ""
        reason = f"is not valid JSON, {where}{ends}"
    except (ValueError, RecursionError) as error:  # endless digits, endless brackets
        reason = f"is not valid JSON ({error})"
    remedy = "copy it again, or make the map again with `stillpix find`"
    raise MapFormatError(f"{origin}: {reason}; {remedy}")


def _check_version(document: Fields) -> None:
    word, version = document.take("format"), document.take("version")
    if word != FORMAT:
        raise MapFormatError(
            f'{document.origin}: is not a stillpix map: its "format" is not "{FORMAT}"; '
            "give a file that `stillpix find` wrote"
        )
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise document.refuse("version", f"must be {WITHOUT_WHICH} or {VERSION}")
    if version > VERSION:
        raise MapFormatError(
            f"{document.origin}: was written by a newer stillpix (map version {version}); "
            "update stillpix"
        )


def _sensor(fields: Fields) -> tuple[Sensor, Mapping[str, Any]]:
    make = fields.text("make", UNKNOWN)
    model = fields.text("model", UNKNOWN)
    serial = fields.text("serial", UNKNOWN)
    width, height = fields.whole("width", 1), fields.whole("height", 1)
    layout = fields.word("layout", LAYOUTS, "rendered")
    which = fields.text("which", "")
    visible = fields.sequence("visible", 4)
    if visible == [0, 0, width, height]:
        visible = None  # "all of it" has one spelling in memory, so sensors compare equal
    if visible is None:
        return Sensor(make, model, serial, width, height, layout, which=which), fields.rest()
    x = fields.within("visible", visible[0], 0, width - 1)
    y = fields.within("visible", visible[1], 0, height - 1)
    area = (
        x,
        y,
        fields.within("visible", visible[2], 1, width - x),
        fields.within("visible", visible[3], 1, height - y),
    )
    return Sensor(make, model, serial, width, height, layout, area, which), fields.rest()


def _evidence(fields: Fields, sensor: Sensor) -> EvidenceSummary:
    return EvidenceSummary(
        photos=fields.whole("photos", 0, default=0),
        scenes=fields.whole("scenes", 0, default=0),
        first=fields.moment("first"),
        last=fields.moment("last"),
        left_out=fields.share("left_out", 0.0),
        areas=tuple(_areas(fields, sensor)),
        patterns=tuple(_patterns(fields)),
        untold_mm=_focal_range(fields),
        bayer=_bayer(fields),
        extra=fields.rest(),
    )


def _focal_range(fields: Fields) -> tuple[float, float] | None:
    pair = fields.sequence("untold_mm", 2)
    if pair is None:
        return None
    if not all(type(each) in (int, float) for each in pair) or not are_ascending(pair):
        raise fields.refuse("untold_mm", "must be the shortest and the longest focal length")
    return float(pair[0]), float(pair[1])


def _bayer(fields: Fields) -> str:
    told = fields.take("bayer")
    if told is None:
        return ""
    if not isinstance(told, str) or told not in BAYER:
        raise fields.refuse("bayer", f"must be one of {', '.join(BAYER)}")
    return told


def _areas(fields: Fields, sensor: Sensor) -> Iterator[Area]:
    listed = fields.listed("left_out_areas")
    for index, area in enumerate(listed):
        key = f"left_out_areas[{index}]"
        if not isinstance(area, list) or len(area) != len("xywh"):
            raise fields.refuse(key, "must be a list of 4 values: x, y, width, height")
        x = fields.within(key, area[0], 0, sensor.width - 1)
        y = fields.within(key, area[1], 0, sensor.height - 1)
        width = fields.within(key, area[2], 1, sensor.width - x)
        yield x, y, width, fields.within(key, area[3], 1, sensor.height - y)


def laws_from(document: Fields) -> tuple[LensLaw, ...]:
    """Return the laws under the key "laws"; none where it is absent. Raises MapFormatError."""
    listed = document.listed("laws")
    return tuple(
        _law(Fields(document.origin, f"laws[{index}]", entry)) for index, entry in enumerate(listed)
    )


def _law(fields: Fields) -> LensLaw:
    lens, focal, terms = fields.text("lens", ""), fields.take("focal_mm"), fields.take("terms")
    if not isinstance(focal, list) or not isinstance(terms, list) or len(focal) != len(terms):
        raise fields.refuse("terms", "must be a list as long as that of focal_mm")
    numbers = [*focal, *(each for row in terms for each in (row if isinstance(row, list) else "?"))]
    if not all(type(each) in (int, float) and abs(each) < MOST_OF_LAW for each in numbers):
        raise fields.refuse("terms", "must hold lists of numbers, as focal_mm does")
    if not are_ascending(focal) or any(len(row) != 3 for row in terms):
        raise fields.refuse("terms", "must hold 3 numbers for each of ascending focal lengths")
    rows = tuple((float(a), float(b), float(c)) for a, b, c in terms)
    law = LensLaw(lens, tuple(map(float, focal)), rows)
    if not law.is_one_to_one():
        raise fields.refuse("terms", "lay two points of a picture on one place of the map")
    return law


def law_object(law: LensLaw) -> dict[str, Any]:
    """Return a law as an object of a map file."""
    return {
        "lens": law.lens,
        "focal_mm": list(law.focal_mm),
        "terms": [[round(each, 7) + 0.0 for each in row] for row in law.terms],
    }


def _patterns(fields: Fields) -> Iterator[Pattern]:
    listed = fields.listed("patterns")
    for index, each in enumerate(listed):
        entry = Fields(fields.origin, f"evidence.patterns[{index}]", each)
        across, down = entry.whole("across", 1), entry.whole("down", 1)
        at = entry.require("at")
        if not isinstance(at, list) or not all(isinstance(p, list) and len(p) == 2 for p in at):
            raise entry.refuse("at", "must be a list of [x, y]")
        places = tuple(
            (entry.within("at", x, 0, across - 1), entry.within("at", y, 0, down - 1))
            for x, y in at
        )
        yield Pattern(across, down, places, entry.optional_number("strength"))


def _detection(fields: Fields) -> DetectionSummary:
    return DetectionSummary(
        method=fields.text("method", "scores"),
        fdr=fields.share("fdr", 0.01),
        expected_false=fields.optional_number("expected_false", low=0.0),
        stillpix=fields.text("stillpix", ""),
        extra=fields.rest(),
    )


def defect_from(fields: Fields, sensor: Sensor) -> Defect:
    """Return the defect that an object of a map file describes.

    Raises:
        MapFormatError: a value is of the wrong type, out of range, or outside the sensor.
    """
    site = fields.take("site")
    if site is not None and not isinstance(site, str):
        raise fields.refuse("site", "must be text")
    return Defect(
        x=fields.whole("x", 0, sensor.width - 1),
        y=fields.whole("y", 0, sensor.height - 1),
        kind=_kind(fields),
        site=site,
        strength=fields.optional_number("strength"),
        exposure_s=fields.optional_number("exposure_s", low=0.0),
        gain=fields.optional_number("gain", low=0.0),
        score=fields.number("score", 0.0),
        q=fields.share("q", 1.0),
        seen=_seen_share(fields),
        since=fields.span("since"),
        until=fields.span("until"),
        state=fields.word("state", STATES, "candidate"),
        run=_run(fields, sensor),
        extra=fields.rest(),
    )


def _kind(fields: Fields) -> Kind:
    word = fields.word("kind", (*KINDS, NEVER_TOLD), "unknown")
    return next((kind for kind in KINDS if kind == word), "unknown")


def _seen_share(fields: Fields) -> tuple[float, int] | None:
    seen = fields.sequence("seen", 2)
    if seen is None:
        return None
    return fields.within_share("seen", seen[0]), fields.within("seen", seen[1], 0)


def _run(fields: Fields, sensor: Sensor) -> Run | None:
    run = fields.sequence("run", 3)
    if run is None:
        return None
    along = run[0]
    if along not in ("row", "column"):
        raise fields.refuse("run", 'must begin with "row" or "column"')
    end = (sensor.width if along == "row" else sensor.height) - 1
    first = fields.within("run", run[1], 0, end)
    return Run(along, first, fields.within("run", run[2], first, end))


def _refuse_duplicates(document: Fields, defects: tuple[Defect, ...]) -> None:
    places: dict[tuple[int, int, Run | None], int] = {}
    for index, defect in enumerate(defects):
        before = places.setdefault((defect.x, defect.y, defect.run), index)
        if before != index:
            reason = f"is at x {defect.x}, y {defect.y}, as defects[{before}] is already"
            raise document.refuse(f"defects[{index}]", reason)


def _sensor_object(defect_map: DefectMap) -> dict[str, Any]:
    sensor = defect_map.sensor
    return {
        "make": sensor.make,
        "model": sensor.model,
        "serial": sensor.serial,
        "width": int(sensor.width),
        "height": int(sensor.height),
        "layout": sensor.layout,
        "visible": [int(edge) for edge in sensor.visible_area],
        **({"which": sensor.which} if sensor.which else {}),
        **defect_map.sensor_extra,
    }


def _evidence_object(evidence: EvidenceSummary) -> dict[str, Any]:
    known = {
        "photos": int(evidence.photos),
        "scenes": int(evidence.scenes),
        "first": evidence.first and evidence.first.isoformat(),
        "last": evidence.last and evidence.last.isoformat(),
        "left_out": _significant(evidence.left_out or None, 3),
        "left_out_areas": [list(map(int, area)) for area in evidence.areas] or None,
        "patterns": [_pattern_object(pattern) for pattern in evidence.patterns] or None,
        "untold_mm": evidence.untold_mm and list(evidence.untold_mm),
        "bayer": evidence.bayer or None,
    }
    return {**_present(known), **evidence.extra}


def _pattern_object(pattern: Pattern) -> dict[str, Any]:
    known = {
        "across": pattern.across,
        "down": pattern.down,
        "at": [list(place) for place in pattern.at],
        "strength": _significant(pattern.strength, 4),
    }
    return _present(known)


def _detection_object(detection: DetectionSummary) -> dict[str, Any]:
    known = {
        "method": detection.method,
        "fdr": _significant(detection.fdr, 6),
        "expected_false": _significant(detection.expected_false, 2),
        "stillpix": detection.stillpix or None,
    }
    return {**_present(known), **detection.extra}


def defect_object(defect: Defect) -> dict[str, Any]:
    """Return a defect as an object of a map file, its numbers rounded to what they can say."""
    seen, run = defect.seen, defect.run
    known = {
        "x": int(defect.x),
        "y": int(defect.y),
        "kind": defect.kind,
        "site": defect.site,
        "strength": _decimals(defect.strength, 1),
        "exposure_s": _significant(defect.exposure_s, 4),
        "gain": _significant(defect.gain, 4),
        "score": _decimals(defect.score, 2),
        "q": _significant(defect.q, 2),
        "seen": seen and [_significant(seen[0], 2), int(seen[1])],
        "since": defect.since and [day.isoformat() for day in defect.since],
        "until": defect.until and [day.isoformat() for day in defect.until],
        "state": defect.state,
        "run": run and [run.along, int(run.first), int(run.last)],
    }
    return {**_present(known), **defect.extra}


def _present(known: Mapping[str, T | None]) -> dict[str, T]:
    return {key: value for key, value in known.items() if value is not None}


def _decimals(number: float | None, places: int) -> float | None:
    """Round for the file; adding 0.0 turns -0.0 into 0.0."""
    return None if number is None else round(float(number), places) + 0.0


def _significant(number: float | None, digits: int) -> float | None:
    return None if number is None else float(f"{float(number):.{digits}g}") + 0.0


def _dump_value(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
