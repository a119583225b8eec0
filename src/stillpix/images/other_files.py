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
    ".lrv": Kind("small copies of videos (GoPro)"),
    **dict.fromkeys(
        (".360", ".insv"),
        Kind("videos of two lenses", "export one lens with the program of the camera's maker"),
    ),
    ".mod": Kind("videos", "rename it to .mpg"),
    ".cine": Kind("high-speed videos", SINGLE_FRAMES),
    ".mlv": Kind("Magic Lantern RAW videos", "convert them to DNG with MLV App"),
    ".braw": Kind("Blackmagic RAW videos", "convert them to ProRes or TIFF with DaVinci Resolve"),
    ".r3d": Kind("RED RAW videos", "convert them to ProRes or TIFF with REDCINE-X"),
    ".ari": Kind("ARRI RAW frames", SINGLE_FRAMES),
    ".crm": Kind("Canon RAW videos", "convert them to ProRes with Canon's Cinema RAW Development"),
}
# Those that are read, where the package for them is not installed.
CLIPS = Kind("videos", "pip install 'stillpix[video]' to use them")
NAMED_ONLY = "repaired only where you name one: stillpix fix clip.mp4 --out fixed"
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
        if KINDS.get(suffix, CLIPS).photo:
            kinds.setdefault(KINDS[suffix], {})[f"*{suffix}"] = number
    for kind, numbers in kinds.items():
        total = sum(numbers.values())
        are = "is" if total == 1 else "are"
        remedy = kind.remedy.replace(" them ", " it ") if total == 1 else kind.remedy
        yield ", ".join(numbers), f"{_counted(total, kind)}, which {are} not read yet; {remedy}"


def left_out(paths: Iterable[Path], folders: int = 0, *, clips: bool = True) -> Iterator[str]:
    """Yield a line for all that is no photo, by what it is, and one for folders of copies.

    `clips` says that clips are used where the package for them is installed.

    >>> list(left_out([Path("a.gif"), Path("b.gif"), Path("c.cine")]))
    ['left out: 2 GIF pictures, 1 high-speed video (save single frames as TIFF or FITS)']
    """
    kinds: dict[Kind, int] = {}
    for suffix, number in _numbers(paths).items():
        kind = KINDS.get(suffix, CLIPS if clips else CLIPS._replace(remedy=NAMED_ONLY))
        if not kind.photo:
            kinds[kind] = kinds.get(kind, 0) + number
    if kinds:
        named = [
            _counted(number, kind) + (f" ({kind.remedy})" if kind.remedy else "")
            for kind, number in sorted(kinds.items())
        ]
        yield f"left out: {', '.join(named)}"
    if folders:
        many = "1 folder" if folders == 1 else f"{folders} folders"
        yield f"left out: {many} of thumbnails, such as @eaDir"


def what_it_is(suffix: str) -> str:
    """Return why a file of a known kind is not read, and the remedy.

    >>> what_it_is(".mlv")
    'is one of the Magic Lantern RAW videos, which are not read; convert them to DNG with MLV App'
    """
    kind = KINDS[suffix]
    return f"is one of the {kind.name}, which are not read; {kind.remedy or 'leave it out'}"


def _counted(number: int, kind: Kind) -> str:
    """Return how many files of a kind there are, in words."""
    return f"{number} {kind.name if number > 1 else PLURAL.sub('', kind.name, count=1)}"


def _numbers(paths: Iterable[Path]) -> Counter[str]:
    return Counter(path.suffix.lower() for path in paths)
