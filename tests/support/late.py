"""A series of photos in which one pixel breaks, and what a find makes of it."""

from __future__ import annotations

from datetime import date, timedelta

from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.detection.settings import DetectionSettings
from stillpix.images.gather import gather
from stillpix.scan import scan
from support import series

PHOTOS, BROKE = 24, 10
LATE = series.HOT[1]  # not there before photo BROKE
FIRST = date(2021, 3, 1)
WEEK = timedelta(days=7)
MOST_AGAIN = 6 + 12  # photos looked at again: for what was there before, and for one beginning
LENIENT = DetectionSettings(fdr=0.1)  # so that the late one is confirmed on so small a sensor


def taken(number):
    return FIRST + number * WEEK


def broke_in(since):
    """Return whether these are the dates of the late one, to a photo more than all would tell."""
    return since in {(taken(BROKE - 2), taken(BROKE)), (taken(BROKE - 1), taken(BROKE))}


def write(folder, numbers):
    """Write photos a week apart; one pixel is sound before photo BROKE."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        pixels = series.scene(number)
        if number < BROKE:
            x, y = LATE
            pixels[y, x] = (pixels[y, x - 1].astype(int) + pixels[y, x + 1]) // 2
        stamp = f"{taken(number):%Y:%m:%d} 10:00:{number:02}"
        content = series.jpeg(pixels, {36867: stamp, 306: stamp})
        (folder / f"IMG_{number:04}.JPG").write_bytes(content)


def scanned(folder, library=None, **options):
    (body,) = scan(gather([folder]), settings=LENIENT, library=library, **options)
    return body


def dates(found, place):
    (one,) = [one for one in found if max(abs(one.x - place[0]), abs(one.y - place[1])) <= 1]
    return one.since


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])
