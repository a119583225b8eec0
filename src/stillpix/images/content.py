"""The bytes of a photo's file: the memory they are read into, and the digest they are known by.

Never looks at what the bytes mean.
"""

from __future__ import annotations

from hashlib import blake2b


def grown(buffer: bytearray | None, size: int) -> bytearray | None:
    """Return the buffer, grown to `size` bytes where it is too small.

    None where there is none, or where an earlier frame that is too small to hold this one still
    lies in it.

    >>> len(grown(bytearray(2), 8)), grown(None, 8)
    (8, None)
    """
    if buffer is None or len(buffer) >= size:
        return buffer
    try:
        buffer.extend(bytes(size - len(buffer)))
    except BufferError:
        return None
    return buffer


def digest_of(content: bytes | memoryview) -> str:
    """Return the digest of a file's bytes, as `b2sum -l 128` prints it (BLAKE2b, RFC 7693).

    >>> digest_of(b"")
    'cae66941d9efbd404e4d88758ea67670'
    """
    return blake2b(content, digest_size=16).hexdigest()
