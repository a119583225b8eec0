"""Files and folders that are no photos to be read, and what they are called.

Looks at names only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

USE_JPEGS = "use the camera's JPEGs or RAW files, or export"
SINGLE_FRAMES = "save single frames as TIFF or FITS"
SAVE_AS_TIFF = "save them as 16-bit TIFF"


class Kind(NamedTuple):
    """What files of a suffix are, and what to do about them."""

    name: str
    remedy: str = ""
    photo: bool = False  # what a person took for a photo: that it is not used is told as such


KINDS: dict[str, Kind] = {
    ".webp": Kind("WebP pictures", USE_JPEGS, photo=True),
    ".jp2": Kind("JPEG 2000 pictures", USE_JPEGS, photo=True),
    ".exr": Kind("OpenEXR pictures", "save them as 16-bit TIFF", photo=True),
    ".bmp": Kind("BMP pictures", "save them as PNG", photo=True),
    ".gif": Kind("GIF pictures"),
    ".psd": Kind("Photoshop documents", "save them as TIFF"),
    ".xisf": Kind("XISF images of PixInsight", "save them as FITS", photo=True),
    ".thm": Kind("thumbnails of videos"),
    **dict.fromkeys((".j2k", ".jpf", ".jpx"), Kind("JPEG 2000 pictures", USE_JPEGS, photo=True)),
    **dict.fromkeys((".jxr", ".wdp"), Kind("JPEG XR pictures", SAVE_AS_TIFF, photo=True)),
    **dict.fromkeys(
        (".pbm", ".pgm", ".pnm", ".ppm"), Kind("Netpbm pictures", SAVE_AS_TIFF, photo=True)
    ),
    **dict.fromkeys(
        (".dpx", ".hdr", ".tga"), Kind("DPX, HDR or TGA pictures", SAVE_AS_TIFF, photo=True)
    ),
    **dict.fromkeys(
        (".dcm", ".czi", ".nd2", ".lif"),
        Kind("pictures of microscopes and scanners", SAVE_AS_TIFF, photo=True),
    ),
    ".insp": Kind("pictures of two lenses (Insta360)", "export them with its program", photo=True),
    ".eip": Kind("packages of Capture One", "unpack them there", photo=True),
    **dict.fromkeys((".lfp", ".lfr"), Kind("light fields", "export them with Lytro's program")),
    **dict.fromkeys(
        (".psb", ".xcf", ".kra", ".afphoto"), Kind("documents of editors", "save them as TIFF")
    ),
    **dict.fromkeys((".ico", ".svg", ".pdf", ".eps"), Kind("files of drawings and texts")),
    **dict.fromkeys(
        (".360", ".lrv", ".mod", ".mpg", ".mpeg", ".mxf", ".ogv", ".tod", ".webm", ".wmv"),
        Kind("videos"),
    ),
    ".cine": Kind("high-speed videos", SINGLE_FRAMES),
    ".mp4": Kind("videos"),
    ".m4v": Kind("videos"),
    ".mov": Kind("videos"),
    ".avi": Kind("videos"),
    ".mkv": Kind("videos"),
    ".mts": Kind("videos"),
    ".m2ts": Kind("videos"),
    ".3gp": Kind("videos"),
    ".insv": Kind("videos"),
    ".ser": Kind("SER videos of planets", SINGLE_FRAMES),
    ".mlv": Kind("Magic Lantern RAW videos", "convert them to DNG with MLV App"),
    ".braw": Kind("Blackmagic RAW videos", SINGLE_FRAMES),
    ".r3d": Kind("RED RAW videos", SINGLE_FRAMES),
    ".ari": Kind("ARRI RAW frames", SINGLE_FRAMES),
    ".crm": Kind("Canon RAW videos", SINGLE_FRAMES),
}
PLURAL = re.compile(r"(?<=[a-z])s\b")  # the first in a kind's name is that of its noun
# Folders that other programs fill with small copies of the photos beside them.
COPIES = frozenset({"@eadir", "__macosx", "thumbnails", "thumbs", "previews.lrdata"})


def photos_not_read(paths: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """Yield a pattern and a reason for each kind of picture that is not read.

    >>> list(photos_not_read([Path("a.bmp"), Path("b.BMP"), Path("c.mp4")]))
    [('*.bmp', '2 BMP pictures, which are not read yet; save them as PNG')]
    >>> list(photos_not_read([Path("a.tga")]))
    [('*.tga', '1 DPX, HDR or TGA picture, which is not read yet; save it as 16-bit TIFF')]
    """
    kinds: dict[Kind, dict[str, int]] = {}
    for suffix, number in sorted(_numbers(paths).items()):
        if KINDS[suffix].photo:
            kinds.setdefault(KINDS[suffix], {})[f"*{suffix}"] = number
    for kind, numbers in kinds.items():
        total = sum(numbers.values())
        are = "is" if total == 1 else "are"
        remedy = kind.remedy.replace(" them ", " it ") if total == 1 else kind.remedy
        yield ", ".join(numbers), f"{_counted(total, kind)}, which {are} not read yet; {remedy}"


def left_out(paths: Iterable[Path], folders: int = 0) -> Iterator[str]:
    """Yield a line for all that is no photo, by what it is, and one for folders of copies.

    >>> list(left_out([Path("a.mp4"), Path("b.mov"), Path("c.ser")]))
    ['left out: 1 SER video of planets (save single frames as TIFF or FITS), 2 videos']
    """
    kinds: dict[Kind, int] = {}
    for suffix, number in _numbers(paths).items():
        if not KINDS[suffix].photo:
            kinds[KINDS[suffix]] = kinds.get(KINDS[suffix], 0) + number
    if kinds:
        named = [
            _counted(number, kind) + (f" ({kind.remedy})" if kind.remedy else "")
            for kind, number in sorted(kinds.items())
        ]
        yield f"left out: {', '.join(named)}"
    if folders:
        many = "1 folder" if folders == 1 else f"{folders} folders"
        yield f"left out: {many} of thumbnails, such as @eaDir"


def _counted(number: int, kind: Kind) -> str:
    """Return how many files of a kind there are, in words."""
    return f"{number} {kind.name if number > 1 else PLURAL.sub('', kind.name, count=1)}"


def _numbers(paths: Iterable[Path]) -> Counter[str]:
    return Counter(path.suffix.lower() for path in paths)
