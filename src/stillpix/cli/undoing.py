"""`stillpix fix --undo`: gives the kept originals their names back.

Never decides which file is which: `restoration.undoing` does, by the log and the digests.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from .destinations import require_local
from .output import complain, complain_of_each, counted, print_json, say
from .statuses import DONE, NOTHING_USABLE, SOME_FAILED


def undo_repairs(paths: Sequence[str], *, dry_run: bool, as_json: bool) -> int:
    """Take back the repairs under some paths, say what came of it, and return the exit status."""
    for path in paths:
        require_local(path, "--undo")
    from ..restoration.log import FixLog
    from ..restoration.undoing import take_back

    with closing(FixLog()) as log:
        done = take_back(paths, dry_run=dry_run, log=log)
    if as_json:
        print_json({
            "dry_run": dry_run,
            "taken_back": [str(photo) for photo in done.photos],
            "not_taken_back": [{"path": each.path, "reason": each.reason} for each in done.skipped],
            "troubles": log.troubles,
        })  # fmt: skip
    elif done.photos:
        would = "would be its original again" if dry_run else "is its original again"
        many = would.replace("is its", "are their").replace("be its", "be their")
        many = many.replace("original", "originals")
        number = len(done.photos)
        say(f"{counted(number, 'photo')} {would if number == 1 else many}")
    elif not done.skipped:
        complain("there is no repair to take back: no photo there was repaired with --in-place")
    left = ((each.path, each.reason) for each in done.skipped)
    complain_of_each("not taken back", left, quiet=as_json)
    for trouble in log.troubles:
        complain(trouble)
    if not done.photos:
        return NOTHING_USABLE
    return SOME_FAILED if done.skipped or log.troubles else DONE
