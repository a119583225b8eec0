"""Which sensor of a phone took a photo, from what its maker writes of the lens.

A phone has several sensors of one make, model and often picture size. Each has a lens of its own,
whose focal length does not change; a digital zoom changes only the 35 mm equivalent, and words like
"back triple camera" change with the phone's language. So the focal length tells them apart.

A phone's photo that tells no focal length may be of any of its sensors, and says so (UNTOLD).

Never splits a camera: one whose focal length can change is no phone, and what could be either is
taken for a camera.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from stillpix.frame import UNTOLD

LONGEST_MM = 50.0  # of a lens that fits into a phone
ROUND_UP = 0.51  # tenths of a millimetre: 4.25, 4.249999 and 4.3 are one focal length
# Makers whose devices with a camera are phones and tablets, or nearly all: the others are below.
MAKERS: Final = frozenset({
    "alcatel", "apple", "asus", "blackberry", "blackview", "bq", "cubot", "doogee", "essential",
    "essential products", "fairphone", "google", "hmd global", "honor", "htc", "huawei", "infinix",
    "infinix mobility limited", "itel", "itel mobile limited", "lenovo", "letv", "lg electronics",
    "lge", "meizu", "microsoft", "motorola", "nokia", "nothing", "nubia", "oneplus", "oppo",
    "oukitel", "poco", "razer", "realme", "redmi", "smartisan", "tcl", "tecno",
    "tecno mobile limited", "ulefone", "umidigi", "vivo", "wiko", "xiaomi", "zte",
})  # fmt: skip
# Makers of phones and of cameras: how the models of their phones are called.
SOME_MODELS: Final = {
    "samsung": re.compile(
        r"SM-|GT-[IMNPST]\d|S[CGPH]H-|SAMSUNG-S|SHV-|SC-\d\d[A-Z]|SC[GV]\d\d|Galaxy (?!camera|NX)",
        re.IGNORECASE,
    ),
    "sony": re.compile(
        r"XQ-|SO-\d\d[A-Z]|SO[GV]\d\d|[A-Z]\d\d\dSO$|[C-L]\d{4}$|Xperia ", re.IGNORECASE
    ),
}
# Phones with a zoom lens: by its focal lengths, one sensor would become many.
ZOOMS: Final = re.compile(
    r"SM-C1\d\d$|Galaxy (S4|K) zoom|ZX551ML|ASUS_Z00XS|(Nokia ?)?N93i?$|XQ-(CT|DQ|EC|FS)\d\d",
    re.IGNORECASE,
)
# "Phone 9 back camera 4.2mm f/1.6": the words of Android and iOS for a camera that is built in.
BUILT_IN: Final = re.compile(r"\b(back|front|rear)\b.*\bcamera\b", re.IGNORECASE)
FRONT: Final = re.compile(r"\bfront\b", re.IGNORECASE)
TOLD: Final = re.compile(r"(front )?\d+\.\d mm")  # as module_of writes it
FOCAL: Final = re.compile(r"(\d{1,2}(?:[.,]\d{1,15})?) ?mm\b")


class Lens(NamedTuple):
    """What a file says of the lens."""

    model: str | None
    focal_mm: float | None


def module_of(make: str | None, model: str | None, serial: str | None, lens: Lens) -> str | None:
    """Return which of a phone's sensors took a photo; None for a camera.

    >>> module_of("samsung", "SM-G991B", None, Lens(None, 5.4))
    '5.4 mm'
    >>> module_of("Apple", "iPhone 8", None, Lens("iPhone 8 front camera 2.87mm f/2.2", 2.87))
    'front 2.9 mm'
    >>> module_of("Apple", "iPhone 8", None, Lens(None, None))
    'lens unknown'
    >>> module_of("SONY", "DSC-RX100M7", None, Lens("24-200mm F2.8-4.5", 9.0)) is None
    True
    """
    words = lens.model or ""
    if not _is_phone(make or "", model or "", serial, words):
        return None
    focal_mm = lens.focal_mm or _focal_in(words)
    if focal_mm is None or not 0 < focal_mm <= LONGEST_MM:  # NaN fails too
        return UNTOLD
    front = "front " if FRONT.search(words) else ""
    return f"{front}{int(focal_mm * 10 + ROUND_UP) / 10:.1f} mm"


def is_lens(which: str) -> bool:
    """Return whether these words, as module_of writes them, name one of a phone's sensors.

    >>> is_lens("front 2.9 mm"), is_lens("lens unknown"), is_lens("band Blue (camera 0)")
    (True, False, False)
    """
    return TOLD.fullmatch(which) is not None


def _is_phone(make: str, model: str, serial: str | None, lens: str) -> bool:
    if ZOOMS.match(model):
        return False
    maker = make.casefold()
    if maker in MAKERS:
        return True
    if maker in SOME_MODELS:
        return SOME_MODELS[maker].match(model) is not None
    named = "phone" in f"{maker} {model.casefold()}"
    return serial is None and (named or BUILT_IN.search(lens) is not None)


def _focal_in(words: str) -> float | None:
    """Return the focal length in a lens's name; None if there is none, or the two of a zoom."""
    found = FOCAL.findall(words)
    zoom = re.search(r"\d ?- ?\d[\d.,]* ?mm", words)
    return float(found[0].replace(",", ".")) if len(found) == 1 and not zoom else None
