"""From photos to maps: adds up the evidence of each body, and saves the results.

Never prints: it reports to a Watch. If a photo cannot be read or a body fails, the others go on.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack

from ..arguments import one_of, path, text, whole, wrong
from ..compiling import told_of_compiling
from ..detection.settings import DetectionSettings
from ..errors import NothingUsableError, StillpixError
from ..frame import PATTERNS, Sensor
from ..images import Header
from ..images.cores import usable_cores
from ..images.gather import Gathering, Skipped, gather, lenses_beside, without_odd_sizes
from ..images.read_ahead import threads
from ..maps.library import Library
from ..maps.records import DefectMap
from ..watch import Watch
from .body import OF_ANY_LENS, Body, BodyOutcome
from .concluding import conclude
from .early import EarlyAnswers
from .first_look import add_photos, has_zoom
from .known import Known
from .saved_state import SavedState
from .second_look import list_places
from .standing import begin_anew
from .straightened import lay_back, leave_out_unlaid
from .suspecting import suspect

PATHS = "paths of photos or folders; for arrays there is find_in"

__all__ = ["BodyOutcome", "find", "scan", "why_nothing"]


def find(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    fdr: float = 0.01,
    jobs: int | None = None,
    fast: bool = False,
    dark: bool = False,
    pattern: str | None = None,
    camera: str | None = None,
    enough: bool = False,
) -> list[DefectMap]:
    """Return a map for each camera body whose photos are under the paths, or under one path.

    Photos are read twice where anything is found: the second time to tell since when. `fast`
    leaves that out. With `dark` all RAW and FITS files are dark frames: two are enough. `pattern`
    is the sensor's from the first stored photosite on, where the files do not say it: RGGB, BGGR,
    GRBG, GBRG or mono. `camera` is a name for the camera in photos that do not name it, and for the
    lens in photos of a phone that do not name that. With `enough`, reading stops when more photos
    would change nothing that matters; the map is that of the photos that were read.

    Nothing is read from or kept in the user's library. A file that cannot be used becomes a Python
    warning that names it. Raises NothingUsableError when no photo can be used.

    >>> from tempfile import TemporaryDirectory
    >>> from stillpix.simulate import CameraSettings, SimulatedCamera, write_series
    >>> camera = SimulatedCamera(CameraSettings(width=160, height=120, defects=0), seed=1)
    >>> with TemporaryDirectory() as folder:
    ...     _ = write_series(folder, camera, photos=4)
    ...     [(found.sensor.width, found.evidence.photos) for found in find([folder])]
    [(160, 4)]
    """
    layout = None if pattern is None else PATTERNS[one_of("pattern", pattern, PATTERNS)]
    settings = DetectionSettings(fdr=fdr)
    jobs = None if jobs is None else whole("jobs", jobs, least=1, example=2)
    camera = None if camera is None else text("camera", camera)
    found = without_odd_sizes(
        gather(_each_path(paths), jobs=jobs, dark=dark, layout=layout, camera=camera)
    )
    outcomes = list(scan(found, settings=settings, jobs=jobs, fast=fast, enough=enough))
    skipped = [*found.skipped, *(each for body in outcomes for each in body.skipped)]
    maps = [body.map for body in outcomes if body.map is not None]
    troubles = [line for body in outcomes for line in body.troubles]
    if not maps:
        raise NothingUsableError(troubles[0] if troubles else why_nothing(skipped))
    for line in [*(f"{each.path}: {each.reason}" for each in skipped), *troubles]:
        warnings.warn(line, stacklevel=2)
    return maps


def _each_path(paths: object) -> list[str]:
    """Return the paths; a text is one path, not its letters."""
    if isinstance(paths, str | os.PathLike):
        return [path("paths", paths)]
    if not isinstance(paths, Iterable) or isinstance(paths, bytes) or hasattr(paths, "dtype"):
        raise wrong("paths", PATHS, paths)
    found = []
    for each in paths:
        if not isinstance(each, str | os.PathLike):
            raise wrong("paths", PATHS, each)
        found.append(path("paths", each))
    return found


def scan(
    found: Gathering,
    *,
    settings: DetectionSettings | None = None,
    jobs: int | None = None,
    library: Library | None = None,
    watch: Watch | None = None,
    fast: bool = False,
    with_evidence: bool = False,
    known: Known | None = None,
    enough: bool = False,
) -> Iterator[BodyOutcome]:
    """Read the photos that were gathered and yield what comes of each body, as it is done.

    With a library, evidence of earlier scans is taken up, photos that are in it already are not
    read again (but for a defect that is new), and evidence and map are kept there. `fast` reads
    no photo a second time: defects that are new have no dates then. `with_evidence` hands each
    body's evidence, log and photos on with it, until the next body is asked for. `known` is what
    the photos were gathered with, if that knew some. `enough` leaves photos unread that would
    change nothing that matters (`BodyOutcome.spared`).
    """
    settings, watch = settings or DetectionSettings(), watch or Watch()
    with threads(jobs) as pool, told_of_compiling(lambda begins: watch.preparing(begins=begins)):
        for sensor, headers in found.bodies.items():
            if sensor.is_untold and lenses_beside(sensor, found.bodies):
                yield _of_any_lens(sensor, headers, watch)
                continue
            body = Body(headers, BodyOutcome(sensor), watch, pool, jobs or usable_cores())
            body.unread = known if sensor in found.known else None
            if with_evidence:
                body.read_heads()
            # Held by no name here: it holds the body.
            _scan_or_explain(
                body, library, settings, EarlyAnswers(body, settings, stops=enough), fast=fast
            )
            outcome = body.outcome
            if with_evidence and outcome.map is not None:
                outcome.evidence, outcome.log = body.evidence, body.log
                outcome.photos = body.photos_by_digest()
            del body  # its evidence is 16 bytes a pixel and more
            yield outcome
            outcome.evidence = outcome.log = None


def _of_any_lens(sensor: Sensor, headers: Sequence[Header], watch: Watch) -> BodyOutcome:
    """Leave out photos of a phone with several lenses that do not say which one took them."""
    reason = OF_ANY_LENS.format(sensor.model)
    outcome = BodyOutcome(sensor, skipped=[Skipped(str(each.path), reason) for each in headers])
    for each in outcome.skipped:
        watch.skipped(each.path, each.reason)
    return outcome


def _scan_or_explain(
    body: Body, library: Library | None, settings: DetectionSettings, early: EarlyAnswers, *,
    fast: bool,
) -> None:  # fmt: skip
    """Fill in a body's outcome, if only with what went wrong."""
    try:
        _scan_body(body, library, settings, early, fast=fast)
    except StillpixError as error:
        _give_up(body.outcome, str(error))
    except MemoryError:
        _give_up(
            body.outcome,
            f"{body.sensor.name}: there is not enough memory for so large a picture; "
            "close other programs and run again",
        )


def _give_up(outcome: BodyOutcome, reason: str) -> None:
    outcome.troubles.append(reason)
    outcome.left = 0  # they were not left because somebody stopped the scan


def _scan_body(
    body: Body, library: Library | None, settings: DetectionSettings, early: EarlyAnswers, *,
    fast: bool,
) -> None:  # fmt: skip
    """Lock and load, read, decide, look again, keep."""
    state = SavedState(library, body)
    with ExitStack() as stack:
        if not state.lock(stack):
            body.outcome.left = len(body.headers)
            return
        form = body.form
        body.evidence, body.log = state.evidence(), state.log()
        body.spotted, (body.laws, body.tried) = state.spotted(), state.laws()
        if body.laws or has_zoom(body):  # what is known of a lens, all heads together tell
            body.read_heads()
        begin_anew(body)
        leave_out_unlaid(body)
        previous = state.map()
        list_places(body, previous)
        body.earlier = frozenset(body.evidence.photos)
        changed = add_photos(body, early) | lay_back(body, previous)
        if changed:
            state.keep_evidence()
        if not body.evidence.photos:
            return
        state.keep_catalogue(form)
        conclude(body, state, settings, previous, form=form, fast=fast)
        if changed and body.outcome.map is not None:
            suspect(body, body.outcome.map)


def why_nothing(skipped: Sequence[Skipped]) -> str:
    """Return one line that says why there was no photo to work with.

    >>> why_nothing([Skipped("a.jpg", "is empty; delete it"), Skipped("b.jpg", "is empty")])
    'no photo there can be used: a.jpg: is empty; delete it (and 1 more)'
    """
    if not skipped:
        return "no photo there; give photos, or a folder of them (JPEG, PNG, TIFF, RAW or FITS)"
    first = skipped[0]
    more = f" (and {len(skipped) - 1} more)" if len(skipped) > 1 else ""
    return f"no photo there can be used: {first.path}: {first.reason}{more}"
