"""JPEGs that decoders read though something is missing or too much, made regular.

Frames of Motion JPEG have no Huffman tables: they mean those of ITU-T T.81, annex K.3. Some writers
leave out the end-of-image marker, or put bytes before the picture or between its segments. Never
invents a pixel: a picture whose data ends early stays cut short.
"""

from __future__ import annotations

import struct

SOI, EOI, SOS, DHT = b"\xff\xd8", b"\xff\xd9", 0xDA, 0xC4
BASELINE = frozenset({0xC0, 0xC1})  # of Huffman codes, without progression
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers that no segment follows
MOST_JUNK = 4096  # bytes in one place; more is no slip of a writer
MOST_SEGMENTS = 4096
# By class and number, as a DHT segment holds them: 16 counts of codes, then the values.
STANDARD_TABLES = {
    0x00: bytes.fromhex("00010501010101010100000000000000000102030405060708090a0b"),
    0x01: bytes.fromhex("00030101010101010101010000000000000102030405060708090a0b"),
    0x10: bytes.fromhex(
        "0002010303020403050504040000017d01020300041105122131410613516107227114328191a108"
        "2342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a43444546474849"
        "4a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798"
        "999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2"
        "e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"
    ),
    0x11: bytes.fromhex(
        "00020102040403040705040400010277000102031104052131061241510761711322328108144291"
        "a1b1c109233352f0156272d10a162434e125f11718191a262728292a35363738393a434445464748"
        "494a535455565758595a636465666768696a737475767778797a82838485868788898a9293949596"
        "9798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9da"
        "e2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
    ),
}


def start_of(head: bytes) -> int:
    """Return where a JPEG begins in a file's first bytes, -1 where none does."""
    return head.find(SOI + b"\xff", 0, MOST_JUNK)


def tidied(content: bytes) -> bytes:
    r"""Return a JPEG without junk, with its tables and its end; the same object if all is there.

    Junk between segments becomes fill bytes, so that no offset changes.

    >>> tidied(b"junk" + SOI + b"\xff\xfe\0\x02\xff\xda\0\x02data")
    b'\xff\xd8\xff\xfe\x00\x02\xff\xda\x00\x02data'
    """
    start = start_of(content)
    if start < 0:
        return content
    result = content if start == 0 else content[start:]
    junk, tables, frame, scan = _walked(result)
    if scan < 0:
        return content
    if junk:
        filled = bytearray(result)
        for first, last in junk:
            filled[first:last] = b"\xff" * (last - first)
        result = bytes(filled)
    if frame not in BASELINE:  # of others scans may be missing, and nothing would tell
        return result
    if result.rfind(EOI, scan) < 0:
        result += EOI
    if not tables:
        parts = (bytes([key]) + table for key, table in STANDARD_TABLES.items())
        held = b"".join(parts)
        segment = b"\xff\xc4" + struct.pack(">H", len(held) + 2) + held
        result = result[:scan] + segment + result[scan:]
    return result


def _walked(content: bytes) -> tuple[list[tuple[int, int]], bool, int, int]:
    """Return where junk lies before the first scan, if there are tables, the frame, and the scan.

    The scan is -1 where none is reached.
    """
    junk, tables, frame, at = list[tuple[int, int]](), False, 0, len(SOI)
    for _ in range(MOST_SEGMENTS):
        marker = next_marker(content, at)
        if marker < 0:
            break
        if marker > at:
            junk.append((at, marker))
        code = content[marker + 1]
        if code == SOS:
            return (
                [span for span in junk if content[slice(*span)].strip(b"\xff")],
                tables,
                frame,
                marker,
            )
        tables |= code == DHT
        frame = code if code in FRAMES else frame
        at = marker + 2
        if code not in ALONE:
            at += max(int.from_bytes(content[at : at + 2], "big"), 2)
    return [], False, 0, -1


def next_marker(content: bytes, at: int) -> int:
    """Return where the next marker is, its fill bytes left out; -1 where none is near."""
    for place in range(at, min(len(content) - 1, at + MOST_JUNK)):
        if content[place] == 0xFF and content[place + 1] not in {0x00, 0xFF}:
            return place
    return -1
