"""`stillpix find`: photos in, a map for each camera body out.

Never decides anything about pixels: it hands paths to scan and says what came of them.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .output import body_of, complain, counted, print_json, say, sentence
from .progress import Progress, stopping_on_interrupt

if TYPE_CHECKING:
    from ..defects import DefectMap
    from ..gather import Gathering, Skipped
    from ..scan import BodyOutcome, ScanOutcome

SOME_SKIPPED = 1
WRONG_USAGE = 2
NOTHING_USABLE = 3
INTERRUPTED = 130
NAMED = 20  # files that could not be used, named one by one before the rest is counted


def find(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="photos, folders (searched in depth), patterns in quotes, or - for a list on "
            "standard input",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="write the map to this .json file, or one map a body into this folder; without "
            "it, maps and evidence go to your library and the next find goes on from there"
        ),
    ] = None,
    fdr: Annotated[float, typer.Option(help="share of false finds to accept")] = 0.01,
    method: Annotated[
        Literal["scores", "variance"],
        typer.Option(help="variance: the least varying subpixels, as the 2011 article did it"),
    ] = "scores",
    least: Annotated[
        int, typer.Option(help="with --method variance: how many subpixels to print")
    ] = 1,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="threads; as many as there are cores by default")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="print one JSON document and nothing else")
    ] = False,
) -> None:
    """Find the broken pixels of each camera whose photos are given."""
    from ..gather import gather

    if not 0 < fdr < 1:
        raise typer.BadParameter("must lie between 0 and 1, such as 0.01", param_hint="--fdr")
    found = gather(_listed(paths), jobs=jobs)
    for warning in found.warnings:
        complain(f"note: {warning}")
    if method == "variance":
        from .variance import print_least

        raise typer.Exit(print_least(found, least, as_json=as_json))
    _refuse_several(found, out)
    outcome = _scanned(found, out, fdr, jobs)
    written = list(_written(outcome, out))
    if as_json:
        print_json(_document(outcome, written, found.warnings))
    else:
        _tell(outcome, written)
    raise typer.Exit(_status(outcome, written))


def _listed(paths: list[str]) -> Iterator[str]:
    for path in paths:
        if path == "-":
            yield from (line for line in sys.stdin.read().splitlines() if line.strip())
        else:
            yield path


def _is_file(out: Path) -> bool:
    return out.suffix.lower() == ".json" and not out.is_dir()


def _refuse_several(found: Gathering, out: Path | None) -> None:
    """One file holds one body's map."""
    if out is not None and _is_file(out) and len(found.bodies) > 1:
        names = "; ".join(f"{sensor.name} ({len(found.bodies[sensor])})" for sensor in found.bodies)
        complain(
            f"{out} can hold one body's map, but these photos are of {len(found.bodies)}: {names}; "
            "give --out a folder, or fewer photos"
        )
        raise typer.Exit(WRONG_USAGE)


def _scanned(found: Gathering, out: Path | None, fdr: float, jobs: int | None) -> ScanOutcome:
    from ..detection import DetectionSettings
    from ..library import Library
    from ..scan import scan

    library = Library() if out is None else None
    with Progress() as watch, stopping_on_interrupt(watch):
        return scan(
            found, settings=DetectionSettings(fdr=fdr), jobs=jobs, library=library, watch=watch
        )


def _written(
    outcome: ScanOutcome, out: Path | None
) -> Iterator[tuple[BodyOutcome, DefectMap, Path]]:
    """Write each map where it belongs (the library has its own already), and say where that is."""
    from ..errors import StillpixError
    from ..library import SUFFIX, Library, body_name, save_map

    for body in outcome.bodies:
        if out is None:
            yield body, body.map, Library().map_path(body.map.sensor)
            continue
        path = out if _is_file(out) else out / (body_name(body.map.sensor) + SUFFIX)
        try:
            if not _is_file(out):
                out.mkdir(parents=True, exist_ok=True)
            yield body, save_map(body.map, path), path
        except OSError as error:
            complain(f"{out}: the folder cannot be made ({error.strerror}); choose another")
        except StillpixError as error:
            complain(str(error))


def _tell(outcome: ScanOutcome, written: list[tuple[BodyOutcome, DefectMap, Path]]) -> None:
    for body, defect_map, path in written:
        say(sentence(defect_map))
        confirmed = defect_map.in_state("confirmed", "accepted")
        kinds = Counter(defect.kind for defect in confirmed)
        if kinds:
            say("  " + ", ".join(f"{number} {kind}" for kind, number in kinds.most_common()))
        say("  " + ", ".join(_counts(body, defect_map)))
        if defect_map.evidence.scenes < 4:  # noqa: PLR2004
            say(
                "  too few different pictures to confirm anything: candidates only; give at least "
                "four, better thirty"
            )
        say(f"  map: {path}")
    for skipped in outcome.skipped[:NAMED]:
        complain(f"not used: {skipped.path}: {skipped.reason}")
    if len(outcome.skipped) > NAMED:
        complain(f"not used: {len(outcome.skipped) - NAMED} more; --json names them all")
    if outcome.left:
        complain(
            f"stopped: {counted(outcome.left, 'photo')} not read; run the same command again to go on"
        )


def _counts(body: BodyOutcome, defect_map: DefectMap) -> Iterator[str]:
    yield f"{counted(body.read, 'photo')} read"
    if body.known:
        yield f"{body.known} known from earlier scans"
    if body.duplicates:
        yield f"{counted(body.duplicates, 'exact copy').replace('copys', 'copies')} left out"
    if body.repeats:
        yield f"{counted(body.repeats, 'repeat')} of a picture counted with it"
    yield f"{counted(defect_map.evidence.scenes, 'different picture')} in all"


def _status(outcome: ScanOutcome, written: list[Any]) -> int:
    if outcome.left:
        return INTERRUPTED
    if not written:
        from ..scan import why_nothing

        if not outcome.bodies:
            complain(why_nothing(outcome.skipped))
        return NOTHING_USABLE
    return SOME_SKIPPED if outcome.skipped or len(written) < len(outcome.bodies) else 0


def _document(
    outcome: ScanOutcome, written: list[tuple[BodyOutcome, DefectMap, Path]], notes: list[str]
) -> dict[str, Any]:
    from ..maps.native import as_text

    return {
        "maps": [
            {
                "path": str(path),
                "read": body.read,
                "known": body.known,
                "duplicates": body.duplicates,
                "repeats": body.repeats,
                "map": json.loads(as_text(defect_map)),
            }
            for body, defect_map, path in written
        ],
        "not_used": [_named(skipped) for skipped in outcome.skipped],
        "notes": notes,
        "left": outcome.left,
    }


def _named(skipped: Skipped) -> dict[str, str]:
    return {"path": skipped.path, "reason": skipped.reason}


__all__ = ["body_of", "find"]
