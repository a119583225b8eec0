"""From shards to maps: judges all photos together, merges the sums, and decides.

Reads the photos of a shard again only where other shards hold the same pictures, and a few photos
for dates. Holds one evidence in memory, and of each photo its record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ...atomic import write_error
from ...detection.settings import DetectionSettings
from ...errors import ReadError, StillpixError
from ...evidence.evidence import Evidence
from ...evidence.measures import MEASURES
from ...evidence.sightings import Sightings
from ...frame import Sensor
from ...images import Header
from ...images.gather import Skipped
from ...images.read_ahead import threads
from ...maps.library import Library
from ...watch import Watch
from ..body import Body, BodyOutcome
from ..concluding import conclude
from ..first_look import has_zoom, keep_spots
from ..saved_state import SavedState
from ..straightened import learned_law
from .crews import Crew, OneByOne
from .joining import Sums, join
from .plans import MERGED, Plan, Shard, read_shard
from .running import Result, give_verdicts, headers_of, result_of, seen_in
from .verdicts import COPY, COUNTED, REPEAT, Verdicts, verdicts_on

MOST_ROUNDS = 5  # of reading shards again: more only where photos go on changing
STRAIGHTENED = (
    "the camera corrects its lens's distortion, so a broken pixel's place moves with the focal "
    "length, and sums of shards do not know where; run `stillpix find` on the photos"
)
ASKED = 96  # photos of all shards, evenly, whose spots may show a law of the lens
NAMED = 3  # shards that are named of those that miss


@dataclass(slots=True)
class _Merging:
    """One body's shards, and what is to be done with them."""

    plan: Plan
    shards: Sequence[Shard]
    settings: DetectionSettings
    library: Library | None
    watch: Watch
    jobs: int | None
    fast: bool
    crew: Crew


def merge(
    plan: Plan,
    *,
    settings: DetectionSettings | None = None,
    library: Library | None = None,
    jobs: int | None = None,
    watch: Watch | None = None,
    fast: bool = False,
    crew: Crew | None = None,
) -> Iterator[BodyOutcome]:
    """Yield what comes of each body of a plan whose shards were run, as `scan` does.

    With a library, evidence and map are kept there. `fast` reads no photo for dates. The `crew`
    reads shards again and merges sums; without one, this process does. Raises
    StateFormatError where a shard's list of photos cannot be used.
    """
    watch = watch or Watch()
    bodies: dict[Sensor, list[Shard]] = {}
    for name in plan.shards:
        shard = read_shard(plan.path(name))
        bodies.setdefault(shard.sensor, []).append(shard)
    kept: list[Path] = []
    for sensor, shards in bodies.items():
        outcome = BodyOutcome(sensor)
        merging = _Merging(
            plan,
            shards,
            settings or DetectionSettings(),
            library,
            watch,
            jobs,
            fast,
            crew or OneByOne(jobs),
        )
        try:
            kept += _merge_body(merging, outcome)
        except StillpixError as error:
            outcome.troubles.append(str(error))
        yield outcome
    if not watch.stop():
        _forget_others(plan, kept)


def _merge_body(merging: _Merging, outcome: BodyOutcome) -> list[Path]:
    """Fill in the outcome of a body; return the files of sums that were kept."""
    results = _results(merging, outcome)
    if results is None:
        return []
    results, verdicts = _agreed(merging, results, outcome)
    if verdicts is None:
        return []
    folder = merging.plan.folder / MERGED
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise write_error(folder, error) from error
    sums = sorted(Sums(result.sums, result.digest) for result in results)
    watch = merging.watch
    make = partial(merging.crew.join, watch=watch)
    evidence, between = join(sums, outcome.sensor, folder, make, watch.stop)
    if evidence is None:
        outcome.left = sum(len(shard.photos) for shard in merging.shards)
        return between
    for digest, signature in verdicts.latest:
        evidence.remember(digest, signature)
    outcome.skipped = [each for result in results for each in result.skipped]
    outcome.read = verdicts.count(COUNTED)
    outcome.repeats, outcome.duplicates = verdicts.count(REPEAT), verdicts.count(COPY)
    if evidence.photos:
        _conclude(merging, outcome, evidence)
    return between


def _results(merging: _Merging, outcome: BodyOutcome) -> list[Result] | None:
    """Return what came of each shard; None, with a line, where one is missing."""
    results = [result_of(shard) for shard in merging.shards]
    missing = [
        shard for shard, result in zip(merging.shards, results, strict=True) if result is None
    ]
    if not missing:
        return [result for result in results if result is not None]
    names = " ".join(str(shard.folder) for shard in missing[:NAMED])
    more = f" (and {len(missing) - NAMED} more)" if len(missing) > NAMED else ""
    outcome.troubles.append(
        f"{outcome.sensor.name}: {len(missing)} of {len(merging.shards)} shards are not added up; "
        f"run `stillpix shard run {names}`{more}, then merge again"
    )
    return None


def _agreed(
    merging: _Merging, results: list[Result], outcome: BodyOutcome
) -> tuple[list[Result], Verdicts | None]:
    """Return results that agree on which photos count, after reading some shards again."""
    numbers = [
        np.array([photo.number for photo in shard.photos], np.int64) for shard in merging.shards
    ]
    for _ in range(MOST_ROUNDS):
        seen = [seen_in(shard) for shard in merging.shards]
        verdicts = verdicts_on(seen, numbers, outcome.sensor.layout)
        differ = [
            number
            for number, (result, letters) in enumerate(
                zip(results, verdicts.of_shards, strict=True)
            )
            if result.verdicts != letters
        ]
        if not differ:
            return results, verdicts
        merging.watch.message(
            f"{outcome.sensor.name}: {len(differ)} of {len(results)} shards hold pictures of "
            "others; their photos are read again"
        )
        for number in differ:
            letters = verdicts.of_shards[number]
            give_verdicts(merging.shards[number], letters, results[number].seen)
        merging.crew.run([merging.shards[number] for number in differ], merging.watch)
        for number in differ:
            again = result_of(merging.shards[number])
            if again is None:
                outcome.left = sum(len(merging.shards[each].photos) for each in differ)
                return results, None
            results[number] = again
    outcome.troubles.append(
        f"{outcome.sensor.name}: its photos change while they are read; merge when they do not"
    )
    return results, None


def _conclude(merging: _Merging, outcome: BodyOutcome, evidence: Evidence) -> None:
    """Decide, and keep what came of it, as a scan does."""
    with threads(merging.jobs) as pool, ExitStack() as stack:
        body = Body([], outcome, merging.watch, pool, 1)
        state = SavedState(merging.library, body)
        if not state.lock(stack):
            outcome.left = sum(len(shard.photos) for shard in merging.shards)
            return
        others = state.evidence().photos.keys() - evidence.photos.keys()
        if others:
            outcome.troubles.append(
                f"{outcome.sensor.name}: the library knows {len(others)} photos that are in none "
                "of these shards; plan and merge them, too, or give --out"
            )
            return
        body.evidence, body.log = evidence, _log_of(evidence)
        if state.laws()[0] or _is_straightened(body, merging):
            outcome.troubles.append(f"{outcome.sensor.name}: {STRAIGHTENED}")
            return
        _take_headers(body, merging)
        previous = state.map()
        state.keep_evidence()
        form = merging.shards[0].form
        conclude(body, state, merging.settings, previous, form=form, fast=merging.fast)


def _is_straightened(body: Body, merging: _Merging) -> bool:
    """Keep the spots of some photos of zooms, and return whether they slide by a law."""
    if body.sensor.is_mosaic:
        return False
    photos = [(photo, shard) for shard in merging.shards for photo in shard.photos]
    step = -(-len(photos) // ASKED)
    for photo, shard in photos[::step]:
        for _, header in headers_of([photo], shard, body.pool):
            if isinstance(header, Header):
                body.headers = [*body.headers, header]
    body.tried = len(photos)  # sums of shards are of all focal lengths: no group is made of them
    if not has_zoom(body):
        return False
    for header in body.headers:
        with suppress(ReadError):
            keep_spots(body, header)
    return learned_law(body) is not None


def _log_of(evidence: Evidence) -> Sightings:
    """Return a log of all photos that count, of which none was looked at anywhere."""
    log, nothing = Sightings(evidence.sensor), np.zeros((0, MEASURES), np.float16)
    for digest, record in evidence.photos.items():
        if record.counted:
            log.note(digest, record.exposure, nothing)
    return log


def _take_headers(body: Body, merging: _Merging) -> None:
    """Give the body the names of its files, and the headers of those that can tell dates."""
    headers: list[tuple[int, Header]] = []
    for shard in merging.shards:
        digests = seen_in(shard)["digest"]
        used = [
            (photo, bytes(digest).decode())
            for photo, digest in zip(shard.photos, digests, strict=True)
            if digest
        ]
        body.log.files.update({photo.name: digest for photo, digest in used})
        if merging.fast:
            continue
        for photo, header in headers_of([photo for photo, _ in used], shard, body.pool):
            if isinstance(header, ReadError):
                body.outcome.skipped.append(Skipped(header.path, header.reason))
                continue
            body.names[header.key] = photo.name
            headers.append((photo.number, header))
    if not merging.fast:
        body.headers = [header for _, header in sorted(headers, key=lambda each: each[0])]


def _forget_others(plan: Plan, kept: Sequence[Path]) -> None:
    """Delete sums between shards and maps that nothing is made of any more."""
    for path in set((plan.folder / MERGED).glob("*.zip")) - set(kept):
        with suppress(OSError):
            path.unlink()
