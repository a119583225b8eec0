"""From a body's evidence to its map: decides, tells the dates, and keeps what came of it.

Reads photos again for dates only.
"""

from __future__ import annotations

from dataclasses import replace

from ..detection.dates import dated
from ..detection.decide import detect
from ..detection.settings import DetectionSettings
from ..maps.merging import with_marks_of
from ..maps.records import FILES, DefectMap
from .body import Body
from .saved_state import SavedState
from .second_look import look_again
from .standing import with_lens_told


def conclude(
    body: Body, state: SavedState, settings: DetectionSettings, previous: DefectMap | None, *,
    form: str, fast: bool,
) -> None:  # fmt: skip
    """Fill in the map of a body with evidence; `form` is the format of its files."""
    before = body.laws
    found = with_lens_told(body, detect(body.evidence, settings, body.pool), settings)
    if body.laws != before:
        state.keep_evidence()
    found = replace(found, sensor_extra={FILES: form}, laws=body.laws)
    if previous is not None:  # a person's marks have dates, too
        found = with_marks_of(previous, found)
    else:
        state.tell_of_earlier_map()
    body.outcome.map = _with_dates(found, body, state, fast=fast)
    state.keep_map(body.outcome.map)


def _with_dates(found: DefectMap, body: Body, state: SavedState, *, fast: bool) -> DefectMap:
    """Return the map with dates, or without them if there is not enough memory."""
    try:
        if not fast and look_again(body, found):
            state.keep_log()
        return dated(found, body.log)
    except MemoryError:
        body.outcome.troubles.append(
            f"{body.sensor.name}: there is not enough memory to tell when defects began; "
            "close other programs and run again, or run with --fast"
        )
        return found
