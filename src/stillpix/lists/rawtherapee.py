"""RawTherapee's `.badpixels`: `x y` per line, and the name by which RawTherapee finds the file.

Never writes a first line of one number: RawTherapee adds such a number to all others.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import MapFormatError
from ..frame import UNKNOWN, Sensor
from ..maps.records import Defect
from .entries import ListedDefect, Target, lines_of, pixel, pixels_of, require_words, whole

# As RawTherapee 5.9 shortens them: any make that holds one of these becomes it.
SHORT_MAKES = (
    "AgfaPhoto", "Canon", "Casio", "Epson", "Fujifilm", "Mamiya", "Minolta", "Motorola", "Kodak",
    "Konica", "Leica", "Nikon", "Nokia", "Olympus", "Pentax", "Phase One", "Ricoh", "Samsung",
    "Sigma", "Sinar", "Sony", "YI",
)  # fmt: skip
DROPPED_FROM_MODELS = ("FinePix ", "Digital Camera ")
UNSAFE = re.compile(r"[/\\\x00-\x1f]")
# GLib's key files write a backslash as two, and a space in front as \s.
ESCAPE = re.compile(r"\\(.)")
ESCAPED = {"s": " ", "t": "\t", "n": "\n", "r": "\r"}
FOLDERS = ("RawTherapee", "RawTherapee5", "RawTherapee5-dev")


def encode(defects: Sequence[Defect], target: Target) -> bytes:
    """Return the file's content."""
    del target  # what is listed is all there is to say
    lines = [f"{x} {y}\n" for x, y, _ in pixels_of(defects)]
    return "".join(["# x y, written by stillpix\n", *lines]).encode()


def decode(content: bytes, path: Path, target: Target) -> Iterator[ListedDefect]:
    """Yield the entries; a first line of one number is added to all, as RawTherapee does."""
    del target
    offset = 0
    for number, (where, words) in enumerate(lines_of(content, path)):
        if number == 0 and len(words) == 1:
            offset = whole(words[0], where, path)
            continue
        require_words(words, 2, 3, where, path)  # a third is dcraw's time, which is not read
        x, y = (whole(word, where, path) + offset for word in words[:2])
        yield pixel(where, x, y)


def file_name(sensor: Sensor) -> str:
    """Return the name under which RawTherapee looks for a camera's list.

    Measured on RawTherapee 5.9 (`Verbose=true` prints it). Where EXIF has a serial number it looks
    for the name with it first, then for the one without.

    >>> file_name(Sensor("NIKON CORPORATION", "NIKON D750", "6012345", 6032, 4032))
    'Nikon D750 6012345.badpixels'
    >>> file_name(Sensor("FUJIFILM", "FinePix X100", "unknown", 4310, 2870))
    'Fujifilm X100.badpixels'
    """
    make, model = sensor.make.strip(), sensor.model.strip()
    for short in SHORT_MAKES:
        if short.lower() in make.lower():
            make = short
    if make in ("Kodak", "Leica"):
        model = re.split(r" DIGITAL CAMERA", model, flags=re.IGNORECASE)[0]
    if model.upper().startswith("PENTAX"):
        make = "Pentax"
    if model.lower().startswith(f"{make.lower()} "):
        model = model[len(make) + 1 :]
    for word in DROPPED_FROM_MODELS:
        model = model.removeprefix(word)
    serial = [] if sensor.serial == UNKNOWN else [sensor.serial.strip()]
    return UNSAFE.sub("-", " ".join([make, model, *serial])) + ".badpixels"


def dark_frames_folder() -> Path:
    """Return the folder that RawTherapee's `options` file names for dark frames.

    Raises:
        MapFormatError: there is no `options` file, or it names no such folder.
    """
    places = _settings_folders()
    options = next((place / "options" for place in places if (place / "options").is_file()), None)
    if options is None:
        looked = ", ".join(map(str, places))
        raise MapFormatError(
            f"RawTherapee's settings were not found (looked in {looked}); start RawTherapee once, "
            "or give --out the folder that its preferences name for dark frames"
        )
    try:
        named = _dark_frames_path(options.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise MapFormatError(f"{options}: cannot be read ({error}); give --out DIR") from error
    if not named or not Path(named).is_dir():
        said = f"names {named}, which is no folder" if named else "names no folder for dark frames"
        raise MapFormatError(
            f"{options}: {said}; choose one in RawTherapee under Preferences, Image Processing, "
            "Directories, or give --out DIR"
        )
    return Path(named)


def _settings_folders() -> list[Path]:
    """Return where RawTherapee keeps its settings, the likeliest place first."""
    named = os.environ.get("RT_SETTINGS")
    if named:
        return [Path(named)]
    home = Path.home()
    if sys.platform == "win32":
        root = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
    elif sys.platform == "darwin":
        root = home / "Library" / "Application Support"
    else:
        root = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    inside = "config" if sys.platform == "darwin" else ""
    return [root / folder / inside for folder in FOLDERS]


def _dark_frames_path(options: str) -> str:
    """Return the folder in the text of an `options` file, "" where there is none."""
    section = ""
    for text in options.splitlines():
        if text.startswith("["):
            section = text.strip()
        key, _, value = text.partition("=")
        if section == "[General]" and key.strip() == "DarkFramesPath":
            return ESCAPE.sub(lambda found: ESCAPED.get(found[1], found[1]), value.strip())
    return ""
