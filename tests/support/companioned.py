"""JPEG files that hold more than their picture, made for tests: previews, videos, trailers.

Shares no code with the package: the indexes are written by hand and read with Pillow.
"""

from __future__ import annotations

import io
import re
import struct

import numpy as np
from PIL import Image, MpoImagePlugin

CONTAINER = "http://ns.google.com/photos/1.0/container/"
GAIN_MAP = 'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"'
BASELINE, DISPARITY, DEPENDENT = 0x030000, 0x020002, 0x000000  # MP types (CIPA DC-007, 5.2.3.3)
ENTRIES = 0xB002
MINOLTA_START, MINOLTA_LENGTH = 0x0088, 0x0089


def picture(dots=(), *, size=(83, 61), seed=0, amount=120, **options):
    """Return a JPEG of a smooth scene, with dots that stand out by so many levels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    scene = 100 + 30 * np.sin(x / 15) + 20 * np.cos(y / 11) + rng.normal(0, 2, x.shape)
    for dot_x, dot_y in dots:
        scene[dot_y, dot_x] += amount
    return _saved(scene, options)


def striped(dots=(), *, size=(83, 61), seed=0, **options):
    """Return a JPEG of stripes, of which stuck pixels interrupt some: a repair lengthens it."""
    rng = np.random.default_rng(seed)
    x = np.arange(size[0]) + np.zeros((size[1], 1))
    scene = 100 + 60 * np.sin(x) + rng.normal(0, 2, x.shape)
    for dot_x, dot_y in dots:
        scene[dot_y, dot_x] = 100
    return _saved(scene, options)


def _saved(scene, options):
    grey = np.clip(scene, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    colours = np.stack([grey, grey // 2 + 40, 255 - grey], axis=-1)
    Image.fromarray(colours).save(file, "JPEG", **({"quality": 90} | options))
    return file.getvalue()


def segment(marker, body):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def with_segments(content, *segments):
    """Return a JPEG with segments behind SOI."""
    return content[:2] + b"".join(segments) + content[2:]


def directory(order, fields, first):
    """Return a TIFF directory that lies at an offset; fields are (tag, type, values, bytes)."""
    head, rest = struct.pack(order + "H", len(fields)), b""
    behind = first + 2 + 12 * len(fields) + 4
    for tag, kind, values, content in fields:
        head += struct.pack(order + "HHI", tag, kind, values)
        if len(content) > 4:
            head += struct.pack(order + "I", behind + len(rest))
            rest += content + bytes(len(content) % 2)
        else:
            head += content.ljust(4, b"\0")
    return head + bytes(4) + rest


def mpf_segment(sizes, places, *, order=">", kinds=()):
    """Return an APP2 segment that indexes pictures; places count from its byte order mark."""
    kinds = kinds or (BASELINE, *[DEPENDENT] * len(places))
    entries = b"".join(
        struct.pack(order + "IIIHH", kind, size, place, 0, 0)
        for kind, size, place in zip(kinds, sizes, places, strict=False)
    )
    fields = [
        (0xB000, 7, 4, b"0100"),
        (0xB001, 4, 1, struct.pack(order + "I", len(sizes))),
        (ENTRIES, 7, len(entries), entries),
    ]
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", 8)
    return segment(0xE2, b"MPF\0" + head + directory(order, fields, 8))


def indexed(primary, others, *, order=">", gap=b"", copies=1, kinds=(), tail=b""):
    """Return a file of several pictures with a Multi-Picture index, said so many times."""
    length = len(mpf_segment([0] * (len(others) + 1), [0] * (len(others) + 1), order=order))
    whole = len(primary) + copies * length
    sizes, starts, at = [whole], [0], whole
    for other in others:
        at += len(gap)
        sizes.append(len(other))
        starts.append(at)
        at += len(other)
    segments = []
    for number in range(copies):
        mark = 2 + number * length + 8
        places = [start and start - mark for start in starts]
        segments.append(mpf_segment(sizes, places, order=order, kinds=kinds))
    return with_segments(primary, *segments) + b"".join(gap + other for other in others) + tail


def xmp_segment(inside, attributes=""):
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        f'xmlns:Container="{CONTAINER}" xmlns:Item="{CONTAINER}item/" '
        f'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" {attributes}>{inside}'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet.encode())


def contained(primary, items, *, own_length=None, padding=0, attributes="", make=None):
    """Return a file with a Google container: items are (semantic, media type, content).

    own_length: None for a directory that does not give the first picture's length. `make` turns
    a picture and the other items into the file; by default they are joined.
    """
    make = make or (lambda first, others: first + bytes(padding) + b"".join(others))
    told = own_length or ""
    while True:
        own = f' Item:Length="{told}"' if told else ""
        own += f' Item:Padding="{padding}"' if padding else ""
        rows = [f'<Container:Item Item:Mime="image/jpeg" Item:Semantic="Primary"{own}/>']
        rows += [
            f'<Container:Item Item:Mime="{mime}" Item:Semantic="{name}" Item:Length="{len(each)}"/>'
            for name, mime, each in items
        ]
        listed = "".join(f'<rdf:li rdf:parseType="Resource">{row}</rdf:li>' for row in rows)
        inside = f"<Container:Directory><rdf:Seq>{listed}</rdf:Seq></Container:Directory>"
        first = with_segments(primary, xmp_segment(inside, attributes))
        file = make(first, [each for _, _, each in items])
        length = end_of_first(file)
        if not told or int(told) == length:
            return file
        told = length


def end_of_first(content):
    """Return the offset behind the first picture of a file, by walking over its segments."""
    at = 2
    while content[at + 1] != 0xD9:
        marker = content[at + 1]
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        if marker == 0xDA:
            at = re.compile(rb"\xff+[\x01-\xcf\xd8-\xfe]", re.DOTALL).search(content, at).end() - 2
    return at + 2


def ultra_hdr(primary, *, seed=9, own_length=None, tail=b""):
    """Return an Ultra HDR photo and its gain map."""
    gain_map = with_segments(picture(size=(40, 32), seed=seed), xmp_segment("", GAIN_MAP))
    file = contained(
        primary, [("GainMap", "image/jpeg", gain_map)], own_length=own_length, attributes=GAIN_MAP,
        make=lambda first, others: indexed(first, others, tail=tail),
    )  # fmt: skip
    return file, gain_map


def video(seed=3):
    """Return bytes that begin as an MP4 does."""
    body = np.random.default_rng(seed).bytes(900)
    boxes = struct.pack(">I", 24) + b"ftypmp42" + bytes(4) + b"mp42isom"
    return boxes + struct.pack(">I", len(body) + 8) + b"mdat" + body


def samsung_trailer(blocks):
    """Return a trailer as Samsung's phones write it; blocks are (type, name, content)."""
    whole, rows, ends = b"", [], []
    for kind, name, content in blocks:
        block = struct.pack("<HHI", 0, kind, len(name)) + name + content
        ends.append((kind, len(whole), len(block)))
        whole += block
    for kind, start, length in ends:
        rows.append(struct.pack("<HHII", 0, kind, len(whole) - start, length))
    listed = b"SEFH" + struct.pack("<II", 107, len(rows)) + b"".join(rows)
    return whole + listed + struct.pack("<I", len(listed)) + b"SEFT"


def with_preview_of_notes(primary, preview, *, order="<", gap=b"", field=None):
    """Return a file whose Minolta maker note leads to a preview behind the picture.

    field: what else the note holds, (tag, type, values) and a function of the offset of `preview`.
    """
    make = b"Minolta Co., Ltd.\0"
    notes = 8 + len(directory(order, [(271, 2, 18, make), (34665, 4, 1, b"")], 8))
    pack = struct.Struct(order + "I").pack

    def block(start):
        fields = [
            (MINOLTA_START, 4, 1, pack(start)), (MINOLTA_LENGTH, 4, 1, pack(len(preview))),
        ]  # fmt: skip
        if field is not None:
            (tag, kind, values), told = field
            fields = [(tag, kind, values, pack(told(start)))]
        exif_first = notes + 2 + 12 + 4
        note = directory(order, fields, exif_first)
        exif = struct.pack(order + "HHHII", 1, 37500, 7, len(note), exif_first) + bytes(4) + note
        first = [(271, 2, len(make), make), (34665, 4, 1, pack(notes))]
        head = {"<": b"II*\0", ">": b"MM\0*"}[order] + pack(8)
        return segment(0xE1, b"Exif\0\0" + head + directory(order, first, 8) + exif)

    start = len(primary) + len(block(0)) + len(gap) - 12
    return with_segments(primary, block(start)) + gap + preview


def _opened(content):
    """Return a file as Pillow reads it; gain maps as pictures, though by itself it passes over."""
    with Image.open(io.BytesIO(content)) as image:
        several = "mp" in image.info or image.format == "MPO"
    return MpoImagePlugin.MpoImageFile(io.BytesIO(content)) if several else None


def pictures(content):
    """Return the bytes of each picture that Pillow finds through the index, but the first."""
    image = _opened(content)
    if image is None:
        return []
    starts = image._MpoImageFile__mpoffsets
    sizes = [entry["Size"] for entry in image.mpinfo[ENTRIES]]
    return [
        content[start : start + size] for start, size in zip(starts, sizes, strict=True) if start
    ]


def own_size(content):
    """Return the size that the index gives the first picture."""
    return _opened(content).mpinfo[ENTRIES][0]["Size"]


def frames(content):
    """Return the pixels of each picture that Pillow finds, but the first."""
    image, found = _opened(content), []
    for number in range(1, image.n_frames if image else 1):
        image.seek(number)
        found.append(np.asarray(image.convert("RGB")))
    return found
