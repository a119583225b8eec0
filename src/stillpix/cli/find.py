"""`stillpix find`: photos in, a map for each camera body out.

Never decides anything about pixels: it hands paths to scan and says what came of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .clusters import ClusterName, Store, require_cluster
from .destinations import is_file, map_place, require_local, require_place, require_writable
from .find_options import (
    Dark,
    Enough,
    Fast,
    Fdr,
    Least,
    Method,
    Out,
    ShapeText,
    shape_of,
    share_of,
)
from .joining import join_modes
from .next_steps import after_find
from .options import Camera, Jobs, Json, Paths, Pattern, listed
from .output import (
    complain,
    complain_of_each,
    counted,
    detail,
    picture_of,
    print_json,
    remarks,
    say,
    sentence,
)
from .progress import Progress, stopping_on_interrupt
from .reporting import ReportFile, require_report_file, section_of_body, write_find_report
from .statuses import DONE, INTERRUPTED, NOTHING_USABLE, SOME_FAILED

if TYPE_CHECKING:
    from ..images.gather import Gathering, Skipped
    from ..images.headless import Shape
    from ..maps.records import DefectMap
    from ..report import Section
    from ..scan import BodyOutcome
    from ..scan.known import Known

GO_ON = "run the same command again: it goes on from there"
BEGIN_AGAIN = "the map covers the photos that were read; run the same command again to read all"
BEGIN_AGAIN_FOR_DATES = "run the same command again to get all dates"


def find(
    paths: Paths,
    *,
    out: Out = None,
    report: ReportFile = None,
    fdr: Fdr = "1%",
    method: Method = "scores",
    least: Least = 1,
    jobs: Jobs = None,
    fast: Fast = False,
    enough: Enough = False,
    dark: Dark = False,
    pattern: Pattern = None,
    shape: ShapeText = None,
    camera: Camera = None,
    cluster: ClusterName = None,
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Find the broken pixels of each camera that took the photos."""
    rate = _require_sense(fdr, method, out, report, cluster, store, enough=enough)
    given = list(listed(paths))
    sections: list[Section] | None = None if report is None else []
    with_heads = dark or out or report or pattern or shape or camera or cluster
    with ExitStack() as stack:
        known = None if with_heads or method != "scores" else known_before(stack)
        found = gather_photos(given, jobs, pattern, shape_of(shape), camera, dark=dark, known=known)
        if method == "variance":
            raise typer.Exit(_print_least(found, least, jobs, as_json=as_json))
        if out is not None and found.bodies:
            require_place(out, list(found.bodies))
        if cluster is None:
            bodies = _scan_bodies(found, out, rate, jobs, known, sections, fast=fast, enough=enough)
        else:
            bodies = _on_cluster(found, cluster, store, out, rate, jobs, fast=fast)
    # Written before anything is printed: the reader of a pipe may have had enough.
    failed = report is not None and not write_find_report(sections or [], found, bodies, report)
    shown = None if failed else report
    status = _tell(found, bodies, _to_repair(found, given), out, shown, camera, as_json=as_json)
    raise typer.Exit(status or (SOME_FAILED if failed else DONE))


def _tell(
    found: Gathering, bodies: Sequence[BodyOutcome], to_repair: list[str], out: Path | None,
    report: Path | None, camera: str | None, *, as_json: bool,
) -> int:  # fmt: skip
    """Say what came of all bodies, and return the exit status that is due."""
    skipped = [*found.skipped, *(each for body in bodies for each in body.skipped)]
    if as_json:
        print_json(document_of(bodies, skipped, found.warnings))
    tell_of_bodies(bodies, skipped, out, quiet=as_json)
    if not as_json:
        _suggest(bodies, to_repair, out, report, camera)
    return status_of(bodies, skipped)


def _print_least(found: Gathering, least: int, jobs: int | None, *, as_json: bool) -> int:
    from .variance import print_least

    return print_least(found, least, jobs=jobs, as_json=as_json)


def known_before(stack: ExitStack) -> Known | None:
    """Return what knows the photos of the library, until the stack is unwound.

    Of no use where heads have to be read: a report shows them, and photos of which a person says
    something may be another camera's.
    """
    from ..maps.library import Library
    from ..scan.known import known_photos

    return stack.enter_context(known_photos(Library()))


def _suggest(
    bodies: Sequence[BodyOutcome], given: list[str], out: Path | None, report: Path | None,
    camera: str | None,
) -> None:  # fmt: skip
    """Say what to do with the maps that were made, if there are any."""
    maps = [body.map for body in bodies if body.map is not None]
    whole = not any(body.left for body in bodies)
    after_find(maps, given, out, report, camera, whole=whole)


def _to_repair(found: Gathering, given: list[str]) -> list[str]:
    """Return the paths as those of photos to repair: none if all are dark frames."""
    frames = [header for headers in found.bodies.values() for header in headers]
    return [] if frames and all(header.dark for header in frames) else given


def _on_cluster(
    found: Gathering, cluster: str, store: Path | None, out: Path | None, fdr: float,
    jobs: int | None, *, fast: bool,
) -> list[BodyOutcome]:  # fmt: skip
    """Let a cluster add up the photos, and write each map."""
    from ..detection.settings import DetectionSettings
    from ..maps.library import Library
    from .clustered import scan_on_cluster

    library = None if out else Library()
    settings = DetectionSettings(fdr=fdr)
    bodies = scan_on_cluster(found, cluster, store, settings, library, jobs, fast=fast)
    for body in bodies:
        if out is not None:
            write_map_of(body, out)
    return bodies


def _require_sense(
    fdr: str, method: str, out: Path | None, report: Path | None, cluster: str | None,
    store: Path | None, *, enough: bool,
) -> float:  # fmt: skip
    """Refuse, before any photo is read, what has no effect or cannot be; return the share."""
    share = share_of(fdr)
    if cluster is not None:
        require_cluster(cluster)
        if report is not None or method != "scores":
            raise typer.BadParameter(
                "works without --report and --method; leave them out (`stillpix show --report` "
                "shows a map)", param_hint="--cluster",
            )  # fmt: skip
    if enough and (cluster is not None or method != "scores"):
        raise typer.BadParameter(
            "works without --cluster and --method; leave them out", param_hint="--enough"
        )
    if store is not None:
        if cluster is None:
            raise typer.BadParameter(
                "works only with --cluster; give both, or leave it out", param_hint="--store"
            )
        require_local(store, "--store")
    for flag, place in (("--out", out), ("--report", report)):
        if method == "variance" and place is not None:
            raise typer.BadParameter(
                "--method variance only prints and makes no map; leave this out",
                param_hint=flag,
            )
    if report is not None:
        require_report_file(report)
    if out is not None:
        require_writable(out)
    return share


def gather_photos(
    given: list[str], jobs: int | None, pattern: str | None, shape: Shape | None,
    camera: str | None, *, dark: bool, known: Known | None = None,
) -> Gathering:  # fmt: skip
    """Find the photos, and say what is to be noted about them."""
    from ..frame import PATTERNS
    from ..images.gather import gather, without_odd_sizes
    from ..restoration.earlier_runs import notes_on_repaired

    layout = None if pattern is None else PATTERNS[pattern]

    with Progress() as watch:
        found = gather(
            given, jobs=jobs, report=watch.heads, dark=dark, layout=layout, shape=shape,
            camera=camera, known=known,
        )  # fmt: skip
    found = without_odd_sizes(found)
    for sensor, number in found.numbers.items():
        detail(f"{sensor.name}: {counted(number, sensor.picture)} found")
    found.warnings += notes_on_repaired(found)
    for warning in found.warnings:
        complain(f"note: {warning}")
    return found


def _scan_bodies(
    found: Gathering, out: Path | None, fdr: float, jobs: int | None, known: Known | None,
    sections: list[Section] | None, *, fast: bool, enough: bool,
) -> list[BodyOutcome]:  # fmt: skip
    """Scan, write each map as soon as it is made, and add each body's part of the report."""
    from ..detection.settings import DetectionSettings
    from ..maps.library import Library
    from ..scan import scan

    settings, library = DetectionSettings(fdr=fdr), None if out else Library()
    one_file = out is not None and is_file(out) and len(found.bodies) > 1
    bodies = []
    try:
        with Progress() as watch, stopping_on_interrupt(watch):
            for body in scan(
                found, settings=settings, jobs=jobs, library=library, watch=watch, fast=fast,
                with_evidence=sections is not None, known=known, enough=enough,
            ):  # fmt: skip
                if out is not None and not one_file:
                    write_map_of(body, out)
                bodies.append(body)
                if sections is not None and (section := section_of_body(body, jobs, watch, out)):
                    sections.append(section)
    except KeyboardInterrupt:
        complain(
            "stopped at once; everything saved before is unchanged; run the same command again "
            "to go on"
        )
        raise typer.Exit(INTERRUPTED) from None
    for line in join_modes(bodies, out) if out is not None else ():
        complain(f"note: {line}")
    return bodies


def write_map_of(body: BodyOutcome, out: Path) -> None:
    """Write a body's map to where --out puts it."""
    from ..errors import StillpixError
    from ..maps.library import save_map

    if body.map is None:
        return
    path = map_place(out, body.sensor)
    try:
        body.map, body.path = save_map(body.map, path), path
    except StillpixError as error:
        body.troubles.append(f"{error} (the map of {body.sensor.name} was not written)")


def tell_of_bodies(
    bodies: Sequence[BodyOutcome], skipped: Sequence[Skipped], out: Path | None, *, quiet: bool
) -> None:
    """Say what came of each body, then what went wrong, then how to go on."""
    for body in bodies:
        if body.map is not None and not quiet:
            _tell_of(body)
    tell_not_used(skipped, quiet=quiet)
    troubles = [trouble for body in bodies for trouble in body.troubles]
    for trouble in troubles:
        complain(trouble)
    if out is None and any(body.troubles and body.path is None for body in bodies):
        complain("to save maps outside the library, give --out FILE or --out DIR")
    left, picture = sum(body.left for body in bodies), _picture_of_all(bodies)
    if left:
        kept = any(body.map is not None for body in bodies)
        advice = "run the same command again" if not kept else BEGIN_AGAIN if out else GO_ON
        complain(f"stopped: {counted(left, picture)} not read; {advice}")
    elif unlooked := sum(body.unlooked for body in bodies):
        advice = BEGIN_AGAIN_FOR_DATES if out else GO_ON
        complain(f"stopped: {counted(unlooked, picture)} not read again for dates; {advice}")
    elif all(body.map is None for body in bodies) and not skipped and not troubles:
        from ..scan import why_nothing

        complain(why_nothing(skipped))


def tell_not_used(skipped: Sequence[Skipped], *, quiet: bool) -> None:
    """Name the files that were not used."""
    complain_of_each("not used", ((each.path, each.reason) for each in skipped), quiet=quiet)


def _tell_of(body: BodyOutcome) -> None:
    from ..detection.settings import DetectionSettings

    found = body.map
    if found is None:
        return
    say(sentence(found))
    kinds = Counter(defect.kind for defect in found.in_state("confirmed", "accepted"))
    if kinds:
        say("  " + ", ".join(f"{number} {kind}" for kind, number in kinds.most_common()))
    if later := _came_later(found):
        say(f"  {later} broke after the first photo (`stillpix show MAP --timeline` shows when)")
    say("  " + ", ".join(_counts(body)) + f"; {_scenes(found.evidence.scenes)}")
    if body.spared:
        say(f"  {_why_enough(body)}")
    fewest = DetectionSettings().fewest_scenes
    if found.evidence.scenes < fewest and found.detection.expected_false is None:
        say(f"  too few to be sure of anything; give at least {fewest} different photos, better 30")
        if body.sensor.is_mosaic:
            say("  or two dark frames (lens covered, long exposure) with --dark")
    for remark in remarks(found):
        say(f"  {remark}")
    if body.path is not None:
        say(f"  map: {body.path}")
    else:  # it would be lost
        from .show import print_defects

        print_defects(found)


def _why_enough(body: BodyOutcome) -> str:
    """Return why photos were left unread, and what that means."""
    most = max(round(100 * (body.missed or 0.0)), 1)
    return (
        f"{counted(body.spared, body.sensor.picture)} not read: of the pixels that show clearly, "
        f"at most {most} in 100 should be missing (find without --enough reads all)"
    )


def _came_later(found: DefectMap) -> int:
    """Return how many broken pixels were not there in the first photo."""
    from ..maps.records import BROKEN
    from ..scan.news import began_later

    return len(began_later(found.in_state(*BROKEN), found))


def _counts(body: BodyOutcome) -> Iterator[str]:
    picture = picture_of(body.map) if body.map is not None else body.sensor.picture
    yield f"{counted(body.read + body.repeats, f'new {picture}')} read"
    if body.known:
        yield f"{body.known} known from before"
    if body.looked:
        yield f"{body.looked} read again for dates (`--fast` skips this)"
    if body.duplicates:
        yield f"{body.duplicates} left out as exact copies"


def _picture_of_all(bodies: Sequence[BodyOutcome]) -> str:
    """Return what the pictures of all bodies are called: photos, where they are not all alike."""
    called = {body.sensor.picture for body in bodies}
    return called.pop() if len(called) == 1 else "photo"


def _scenes(scenes: int) -> str:
    """Return how many different pictures there are: what the certainty of a map stands on."""
    return f"{counted(scenes, 'different picture')} in all"


def status_of(bodies: Sequence[BodyOutcome], skipped: Sequence[Skipped]) -> int:
    """Return the exit status that is due."""
    if any(body.left or body.unlooked for body in bodies):
        return INTERRUPTED
    if all(body.map is None for body in bodies):
        return NOTHING_USABLE
    return SOME_FAILED if skipped or any(body.troubles for body in bodies) else DONE


def document_of(
    bodies: Sequence[BodyOutcome], skipped: Sequence[Skipped], notes: Sequence[str]
) -> dict[str, Any]:
    """Return what came of all bodies, ready for JSON."""
    from ..maps.map_file import as_text

    return {
        "maps": [
            {
                "path": str(body.path) if body.path else None,
                "read": body.read,
                "known": body.known,
                "duplicates": body.duplicates,
                "repeats": body.repeats,
                "looked": body.looked,
                "spared": body.spared,
                "map": json.loads(as_text(body.map)),
            }
            for body in bodies
            if body.map is not None
        ],
        "not_used": [{"path": each.path, "reason": each.reason} for each in skipped],
        "troubles": [trouble for body in bodies for trouble in body.troubles],
        "notes": list(notes),
        "left": sum(body.left for body in bodies),
        "unlooked": sum(body.unlooked for body in bodies),
    }
