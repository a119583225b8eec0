"""The body's serial number out of the makers' private notes, and how Nikon packed the pixels.

Never raises on a broken note and reads nothing else of it: a note holds hundreds of fields, and
walking to this one takes microseconds.
"""

from __future__ import annotations

from io import BytesIO

from stillpix.images.directories import BrokenStructureError, Directory, Entry, Structure

MOST_NOTE = 1 << 20  # bytes; notes are some 10 kB
MOST_SERIAL = 64  # bytes

NIKON_SERIALS = (0x001D, 0x00A0)
NIKON_PACKING = 0x0093  # NEFCompression
NIKON_HEAD = b"Nikon\0\x02"
CANON_SERIAL = 0x000C
FUJIFILM_SERIAL = 0x0010
# Notes that are a directory after a head, with offsets from the EXIF block's start: head, its
# length, and where the number is.
PLAIN_NOTES = (
    (b"OLYMP\0", 8, (0x0404, 0x101A)),
    (b"Panasonic\0\0\0", 12, (0x0025,)),
    (b"SIGMA\0", 10, (0x0002,)),
)
OLYMPUS_EQUIPMENT, OLYMPUS_EQUIPMENT_SERIAL = 0x2010, 0x0101


def maker_serial(structure: Structure, note: Entry, make: str) -> bytes | None:
    """Return the serial number in a maker note as it stands there; None where it says none.

    `structure` is the EXIF block that holds the note: some makers' offsets count from its start.
    """
    try:
        content = structure.content(note, MOST_NOTE)
        for head, length, tags in PLAIN_NOTES:
            if content.startswith(head):
                return _first_text(structure, structure.directory(note.where + length), tags)
        if content.startswith(NIKON_HEAD):
            return _nikon(content)
        if content.startswith(b"FUJIFILM"):
            return _fujifilm(content)
        if content.startswith((b"OLYMPUS\0", b"OM SYSTEM\0")):
            return _olympus_equipment(content)
        if make == "Canon":
            return _canon(structure, note)
    except BrokenStructureError:
        pass
    return None


def _nikon(content: bytes) -> bytes | None:
    """Read the whole TIFF structure that follows the name and version."""
    structure = Structure.of(BytesIO(content[10:]))
    tags = next(structure.chain(), {})
    newer, older = (_first_text(structure, tags, (tag,)) for tag in NIKON_SERIALS)
    if newer is not None and newer.strip(b" \0").isdigit():
        return newer
    # The D50 and its kin say their model in the newer field and "NO= 1234abcd" in the older.
    return newer if older is None else older.removeprefix(b"NO=")


def nikon_packing(structure: Structure, note: Entry) -> int | None:
    """Return the number of the packing that a note of Nikon's names; None where it names none."""
    try:
        content = structure.content(note, MOST_NOTE)
        if not content.startswith(NIKON_HEAD):
            return None
        inner = Structure.of(BytesIO(content[10:]))
        tags = next(inner.chain(), {})
        number = inner.numbers(tags[NIKON_PACKING], 1) if NIKON_PACKING in tags else ()
    except BrokenStructureError:
        return None
    return number[0] if number and isinstance(number[0], int) else None


def _fujifilm(content: bytes) -> bytes | None:
    """Read a directory that is always little-endian; its offsets count from the note's start."""
    first = int.from_bytes(content[8:12], "little")
    structure = Structure(BytesIO(content), "<", first)
    return _first_text(structure, structure.directory(first), (FUJIFILM_SERIAL,))


def _olympus_equipment(content: bytes) -> bytes | None:
    """Read the directory of the equipment, which the one after the note's head points at."""
    head = content.index(b"\0") + (1 if content.startswith(b"OLYMPUS") else 3)
    order = {b"II": "<", b"MM": ">"}.get(content[head : head + 2])
    if order is None:
        return None
    structure = Structure(BytesIO(content), order, head + 4)
    pointer = structure.directory(head + 4).get(OLYMPUS_EQUIPMENT)
    if pointer is None:
        return None
    # Older bodies store the directory as a field's value, newer ones point at it.
    where = pointer.where if pointer.count > 1 else int(structure.numbers(pointer, 1)[0])
    return _first_text(structure, structure.directory(where), (OLYMPUS_EQUIPMENT_SERIAL,))


def _canon(structure: Structure, note: Entry) -> bytes | None:
    """Read the note as a directory whose offsets count from the EXIF block's start."""
    entry = structure.directory(note.where).get(CANON_SERIAL)
    if entry is None:
        return None
    return b"%d" % int(structure.numbers(entry, 1)[0])


def _first_text(structure: Structure, tags: Directory, wanted: tuple[int, ...]) -> bytes | None:
    for tag in wanted:
        if tag in tags:
            return structure.content(tags[tag], MOST_SERIAL)
    return None
