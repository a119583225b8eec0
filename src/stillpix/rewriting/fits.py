"""Replaces single numbers of a FITS image, or adds a mask, and keeps all else byte for byte.

It adds a HISTORY card, and renews CHECKSUM and DATASUM if a header has them. Never
touches another header or its data, and never writes into a compressed image (.fz).

The sums are those of the FITS standard 4.0, section 4.4.2.7 and appendix J.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

import astropy.io.fits as astropy_fits
import numpy as np
from numpy.typing import NDArray

from stillpix.errors import ReadError
from stillpix.images import fits
from stillpix.images.fits import BLOCK
from stillpix.rewriting.patch import Patch, points_of

CARD, END = 80, b"END".ljust(80)
MOST_CARDS = 36 * 4096
WORD = (1 << 32) - 1
NOT_ALPHANUMERIC = frozenset({*range(0x3A, 0x41), *range(0x5B, 0x61)})
MASK = "MASK"  # the name that CCDData gives its extension


def rewritten(
    content: bytes, path: Path, patches: Sequence[Patch], place: tuple[int, ...] = ()
) -> bytes:
    """Return the bytes of a FITS file with pixels of one picture replaced.

    It is the only one, or that at a `place`, which images.fits gives. Where nothing changes the
    content itself is returned. Raises ReadError where the file is of a kind that is not rewritten,
    and ValueError if a patch does not fit the picture.

    >>> file = BytesIO()
    >>> astropy_fits.PrimaryHDU(np.full((48, 64), 7, np.int16)).writeto(file)
    >>> patch = Patch(3, 2, np.full((1, 1), 99, np.uint16), np.ones((1, 1), bool))
    >>> changed = rewritten(file.getvalue(), Path("a.fits"), [patch])
    >>> with astropy_fits.open(BytesIO(changed)) as units:
    ...     np.argwhere(units[0].data != 7).tolist(), int(units[0].data[2, 3])
    ([[2, 3]], 99)
    """
    if not patches:
        return content
    plain = fits.unpacked(content)
    stored = fits.stored_in(plain, path, place)
    own = fits.alone(BytesIO(plain), path, place) if place else plain
    values = fits.values_in(own, path)
    height, width = values.shape[:2]
    points = points_of(
        patches, width, height, channels=3 if values.ndim == 3 else 1,
        dtype=patches[0].pixels.dtype,
    )  # fmt: skip
    meant = fits.scaling_in(own, path).stored(points.values, values.dtype)
    result = bytearray(plain)
    numbers = stored.numbers(result)
    new = stored.as_stored(meant).reshape(numbers[points.y, points.x].shape)
    if np.array_equal(numbers[points.y, points.x], new):
        return content
    numbers[points.y, points.x] = new
    pixels = "1 pixel" if len(points.x) == 1 else f"{len(points.x)} pixels"
    where = f" of plane {place[1] + 1}" if place and stored.size > numbers.nbytes else ""
    card = f"HISTORY stillpix {version('stillpix')} replaced the values of {pixels}{where}"
    data = bytes(result[stored.data : _end_of_data(stored, plain)])
    head = _with_card(plain[stored.head : stored.data], card.encode(), path)
    head = _with_sums(head, data)
    tail = plain[stored.data + len(data) :]
    return _packed_as(content, plain[: stored.head] + head + data + tail)


def with_mask(content: bytes, path: Path, broken: NDArray[np.bool_]) -> bytes:
    """Return the bytes of a FITS file with the broken pixels, (height, width), in a mask extension.

    It is named MASK and holds 1 where a pixel is broken. One that the file has keeps its marks.
    """
    plain = fits.unpacked(content)
    stored = fits.stored_in(plain, path)
    if stored.shape[-2:] != broken.shape:
        raise ValueError(f"a mask of {broken.shape} is none of a picture of {stored.shape}")
    place = _mask_in(plain, path, broken.shape)
    if place is None:
        padded = plain + bytes(-len(plain) % BLOCK)
        return _packed_as(content, padded + _mask_extension(broken))
    head, start = place
    result = bytearray(plain)
    there = np.frombuffer(result, np.uint8, broken.size, start).reshape(broken.shape)
    if not (broken & (there == 0)).any():
        return content
    there[broken & (there == 0)] = 1
    data = bytes(result[start : start + broken.size + -broken.size % BLOCK])
    new_head = _with_sums(plain[head:start], data)
    return _packed_as(content, plain[:head] + new_head + data + plain[start + len(data) :])


def masked_in(content: bytes, path: Path, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return what a file's mask extension marks, nothing where it has none of that shape."""
    plain = fits.unpacked(content)
    place = _mask_in(plain, path, shape)
    if place is None:
        return np.zeros(shape, bool)
    marks = np.frombuffer(plain, np.uint8, shape[0] * shape[1], place[1])
    return np.asarray(marks.reshape(shape) != 0)


def _mask_in(plain: bytes, path: Path, shape: tuple[int, ...]) -> tuple[int, int] | None:
    """Return where a mask's header and numbers begin; raise ReadError if it is of another kind."""
    with astropy_fits.open(BytesIO(plain), memmap=False) as units:
        for unit in units:
            if unit.name.upper() == MASK and unit.is_image:
                if unit.shape != shape or unit.header["BITPIX"] != 8:
                    raise ReadError(
                        path, "has a MASK extension of another shape or depth; remove it"
                    )
                where = unit.fileinfo()
                return where["hdrLoc"], where["datLoc"]
    return None


def _mask_extension(broken: NDArray[np.bool_]) -> bytes:
    file = BytesIO()
    mask = astropy_fits.ImageHDU(broken.astype(np.uint8), name=MASK)
    astropy_fits.HDUList([astropy_fits.PrimaryHDU(), mask]).writeto(file)
    with astropy_fits.open(BytesIO(file.getvalue())) as units:
        start: int = units[1].fileinfo()["hdrLoc"]
    return file.getvalue()[start:]


def _end_of_data(stored: fits.Stored, plain: bytes) -> int:
    return min(stored.data + stored.size + -stored.size % BLOCK, len(plain))


def _packed_as(content: bytes, result: bytes) -> bytes:
    """Return a new file, packed where the old one was; without a time, so that it is the same."""
    return gzip.compress(result, mtime=0) if content.startswith(fits.GZIP) else result


def _with_card(head: bytes, card: bytes, path: Path) -> bytes:
    """Return a header with one more card at its end."""
    for at in range(0, min(len(head), MOST_CARDS * CARD), CARD):
        if head[at : at + CARD] == END:
            cards = head[:at] + card.ljust(CARD) + END
            return cards + b" " * (-len(cards) % BLOCK)
    raise ReadError(path, "is a damaged FITS file: a header has no end; copy it again")


def _with_sums(head: bytes, data: bytes) -> bytes:
    """Return a header whose CHECKSUM and DATASUM, where it has them, are right."""
    cards = [head[at : at + CARD] for at in range(0, len(head), CARD)]
    places = {card[:8].rstrip(): at for at, card in enumerate(cards)}
    of_data = _sum_of(data)
    if (at := places.get(b"DATASUM")) is not None:
        cards[at] = _with_value(cards[at], str(of_data))
    if (at := places.get(b"CHECKSUM")) is not None:
        cards[at] = _with_value(cards[at], "0" * 16)
        whole = _added(_sum_of(b"".join(cards)), of_data)
        cards[at] = _with_value(cards[at], _as_letters(WORD - whole))
    return b"".join(cards)


def _with_value(card: bytes, value: str) -> bytes:
    """Return a card with another text for its value, and its comment where it was."""
    text = card[:8] + f"= '{value}'".encode()
    slash = card.find(b" /", 10)
    if slash < 0:
        return text.ljust(CARD)
    return (text.ljust(slash) + card[slash:])[:CARD]


def _sum_of(content: bytes) -> int:
    """Return the 32-bit sum of a header or data, carries added at the other end."""
    padded = content + bytes(-len(content) % 4)
    return _folded(int(np.frombuffer(padded, ">u4").sum(dtype=np.uint64)))


def _added(one: int, other: int) -> int:
    return _folded(one + other)


def _folded(total: int) -> int:
    while total > WORD:
        total = (total & WORD) + (total >> 32)
    return total


def _as_letters(number: int) -> str:
    """Return a sum as 16 letters and digits that add up to it (appendix J)."""
    letters = [0] * 16
    for place, octet in enumerate(number.to_bytes(4, "big")):
        four = [octet // 4 + 0x30] * 4
        four[0] += octet % 4
        while NOT_ALPHANUMERIC.intersection(four):
            for first in (0, 2):
                if NOT_ALPHANUMERIC.intersection(four[first : first + 2]):
                    four[first] += 1
                    four[first + 1] -= 1
        for row, letter in enumerate(four):
            letters[4 * row + place] = letter
    text = bytes(letters).decode("ascii")
    return text[-1] + text[:-1]
