"""Where a report is written: whole or not at all, and over nothing but an older report.

Never overwrites a photo, a map, or any other file that is not a report of ours.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from ..atomic import takes_files, write_atomically, write_error
from ..errors import WriteError
from .page import SIGN, Report, page_of

SUFFIXES = frozenset({".html", ".htm"})
HEAD_BYTES = 1024


def require_report_place(path: Path) -> None:
    """Raise WriteError where a report cannot be written, or would overwrite what is no report.

    >>> require_report_place(Path("photo.jpg"))
    Traceback (most recent call last):
    ...
    stillpix.errors.WriteError: photo.jpg: a report is an HTML file; give it a name that ends in .html
    """  # noqa: E501  # a doctest cannot break the message
    try:
        path.stat()
    except FileNotFoundError:
        pass  # the usual case: there is no report yet
    except OSError as error:  # a name too long, a folder that is a file, ...
        raise write_error(path, error) from error
    if path.is_dir():
        raise WriteError(path, "is a folder; name a file in it, such as report.html")
    if path.suffix.lower() not in SUFFIXES:
        raise WriteError(path, "a report is an HTML file; give it a name that ends in .html")
    if path.exists() and not _is_report(path):
        raise WriteError(
            path, "is not a report of stillpix, so it will not be overwritten; choose another name"
        )
    if not path.parent.is_dir():
        raise WriteError(path, "its folder does not exist; make the folder first")
    if not takes_files(path.parent):
        raise WriteError(path, "you may not write there; choose another place")


def write_report(report: Report, path: Path) -> None:
    """Write a report, over an older one at most; raise WriteError.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_report(Report([]), Path(folder, "r.html"))
    ...     SIGN in Path(folder, "r.html").read_text(encoding="utf-8")
    True
    """
    require_report_place(path)
    page = page_of(report, date.today())  # the reader's own calendar
    write_atomically(path, page.encode("utf-8", errors="backslashreplace"))


def _is_report(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return SIGN.encode() in file.read(HEAD_BYTES)
    except OSError:
        return False
