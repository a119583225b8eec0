"""From photos to shards: photos of one body that were taken one after the other.

So a shard is of one period, and bursts and copies mostly lie in one shard. Never decodes a photo.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from ...errors import ReadError
from ...frame import Sensor
from ...images import Header
from ...images.gather import Gathering, Skipped, lenses_beside
from ...images.remote import absolute, status_of
from ...maps.library import body_name
from ..body import OF_ANY_LENS
from .plans import Plan, PlannedPhoto, Shard, write_plan

PHOTOS_OF_SHARD = 2000
GONE = "is gone since it was found; leave it out"


def plan_shards(found: Gathering, folder: Path, photos: int = PHOTOS_OF_SHARD) -> Plan:
    """Cut the photos that were gathered into shards of so many at most, and write the plan.

    Shards of an earlier plan that hold the same photos stay as they are, results included. Raises
    WriteError.
    """
    skipped = list(found.skipped)
    shards: list[Shard] = []
    for sensor, headers in found.bodies.items():
        if sensor.is_untold and lenses_beside(sensor, found.bodies):
            reason = OF_ANY_LENS.format(sensor.model)
            skipped += [Skipped(str(header.path), reason) for header in headers]
        else:
            shards += _shards_of(sensor, headers, folder, photos, skipped)
    return write_plan(folder, shards, skipped)


def _shards_of(
    sensor: Sensor, headers: Sequence[Header], folder: Path, photos: int, skipped: list[Skipped]
) -> Iterator[Shard]:
    planned = dict[int, PlannedPhoto]()
    for number, header in enumerate(headers):
        photo = _planned(header, number)
        if photo is None:
            skipped.append(Skipped(str(header.path), GONE))
        else:
            planned[number] = photo
    by_date = sorted(planned, key=lambda number: (_date(headers[number]), number))
    for first in range(0, len(by_date), photos):
        numbers = by_date[first : first + photos]
        dates = [headers[numbers[0]].exposure.taken, headers[numbers[-1]].exposure.taken]
        yield Shard(
            folder / _name(sensor, dates, first // photos + 1),
            sensor,
            tuple(planned[number] for number in sorted(numbers)),
            headers[0].format,
            headless=headers[0].headless,
        )


def _planned(header: Header, number: int) -> PlannedPhoto | None:
    try:
        status = status_of(header.path)
    except (OSError, ReadError):
        return None
    part = 0 if header.part is None else header.part.number
    return PlannedPhoto(
        absolute(header.path), part, status.size, status.modified_ns, header.dark, number
    )  # fmt: skip


def _date(header: Header) -> datetime:
    return header.exposure.taken or datetime.max


def _name(sensor: Sensor, dates: Sequence[datetime | None], number: int) -> str:
    """Return a shard's name: whose photos it holds, from when to when, and its number.

    >>> _name(Sensor("NIKON", "NIKON D3200", "8964244", 3008, 2000), [datetime(2019, 7, 1)] * 2, 3)
    'NIKON__NIKON_D3200__8964244__3008x2000__rendered__20190701-20190701__0003'
    """
    first, last = (f"{date:%Y%m%d}" if date else "undated" for date in dates)
    return f"{body_name(sensor)}__{first}-{last}__{number:04d}"
