"""What a scan tells before its end: what is sure so far, and whether more photos are needed.

Judges the sums as they are between two photos, and never changes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..detection.reach import Glance, glance
from ..detection.settings import DetectionSettings
from ..images import Header
from ..maps.records import BROKEN
from .body import Body

FIRST, GROWTH = 8, 2.0  # photos before the first judgement, times as many before the next, at least
SHARE, SHARE_TO_STOP = 0.05, 0.15  # of the time of reading all photos, that judging may take
# Photos that are read while one judgement is made: of large pictures, and so many more of small
# ones, since a million pixels of decoys are judged for either.
OF_LARGE, OF_SMALL = 4.0, 75.0
MISSED = 0.05  # share of the pixels that show, which may still be missing when photos are enough


def moments(photos: int, megapixels: float, share: float) -> list[int]:
    """Return after how many of the photos to judge: as often as the share of the time allows.

    >>> moments(1000, 24.0, 0.05), moments(1000, 2.0, 0.05), moments(100, 2.0, 0.05)
    ([16, 32, 64, 128, 256, 512], [89], [])
    """
    cost = OF_LARGE + OF_SMALL / (1 + megapixels)
    times = int(share * photos / cost)
    if not times:
        return []
    growth = max(GROWTH, (photos / FIRST) ** (1 / (times + 1)))
    found = [round(FIRST * growth**number) for number in range(1, times + 1)]
    return [moment for moment in found if moment < photos]


def spread(photos: Sequence[Header]) -> list[Header]:
    """Return the photos so that those up to any one lie all over the whole row, the last first.

    >>> spread([0, 1, 2, 3, 4, 5, 6, 7])  # type: ignore[list-item]  # numbers, to be seen
    [7, 3, 5, 1, 6, 2, 4, 0]
    """
    bits = max(1, (len(photos) - 1).bit_length())
    last = len(photos) - 1
    places = sorted(range(len(photos)), key=lambda at: f"{last - at:0{bits}b}"[::-1])
    return [photos[at] for at in places]


@dataclass(slots=True)
class EarlyAnswers:
    """Judges the photos read so far, now and then, and tells the watch what is sure."""

    body: Body
    settings: DetectionSettings
    stops: bool  # where more photos would change nothing that matters
    _moments: list[int] = field(default_factory=list)
    _latest: Glance | None = None

    def planned(self, photos: list[Header]) -> list[Header]:
        """Return the new photos in the order in which to read them, and plan when to judge.

        Where reading may stop, those that are read lie all over the whole row: what began late
        shows in some of them. Frames of a clip stay in their order, in which they are decoded.
        """
        sensor = self.body.sensor
        share = SHARE_TO_STOP if self.stops else SHARE
        self._moments = moments(len(photos), sensor.width * sensor.height / 1e6, share)
        return spread(photos) if self.stops and not sensor.is_video else photos

    def suffice_before(self, photos: Sequence[Header]) -> bool:
        """Return whether earlier scans read enough: none of these was taken after their photos."""
        if not self.stops or not self._moments:
            return False
        times = [one.taken for one in self.body.evidence.exposures if one.taken is not None]
        taken = [one.exposure.taken for one in photos]
        if not times or any(one is None or one > max(times) for one in taken):
            return False
        now = self._judge(photos)
        return now is not None and now.missed <= MISSED

    def suffice(self, read: int, rest: Sequence[Header]) -> bool:
        """Judge if it is time to, after so many photos; return whether the rest is not needed."""
        if not rest or not self._moments or read < self._moments[0]:
            return False
        self._moments = [moment for moment in self._moments if moment > read]
        before, now = self._latest, self._judge(rest)
        if not self.stops or now is None or before is None:
            return False
        return now.missed <= MISSED and not now.differs(before)

    def spare(self, rest: Sequence[Header]) -> None:
        """Leave the rest of the photos unread."""
        body, keys = self.body, {header.key for header in rest}
        body.headers = [header for header in body.headers if header.key not in keys]
        body.outcome.spared, body.outcome.left = len(rest), 0
        body.outcome.missed = None if self._latest is None else self._latest.missed

    def _judge(self, rest: Sequence[Header]) -> Glance | None:
        """Return what the sums tell; None if there is not enough memory for it."""
        body, exposures = self.body, [header.exposure for header in rest]
        try:
            self._latest = now = glance(body.evidence, exposures, self.settings, body.pool)
        except MemoryError:
            self._moments = []
            return None
        sure = [(one.x, one.y) for one in now.found.in_state(*BROKEN)]
        body.watch.so_far(sure, body.evidence.scenes)
        return now
