"""Copies a file's attributes that are not in its bytes: tags, colours, access lists.

Never raises: attributes that the disk or the system does not support are lost.
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from pathlib import Path

ACCESS_LIST, EXTENDED = 1 << 0, 1 << 2  # COPYFILE_ACL and COPYFILE_XATTR of macOS's copyfile.h


def copy_attributes(old: Path, new: Path) -> None:
    """Give one file the extended attributes of another, as far as the system has them."""
    if sys.platform == "darwin":
        _copy_on_macos(old, new)
    elif hasattr(os, "listxattr"):
        with suppress(OSError):
            for name in os.listxattr(old):
                with suppress(OSError):
                    os.setxattr(new, name, os.getxattr(old, name))


def _copy_on_macos(old: Path, new: Path) -> None:
    """Call copyfile(3): Python has no functions for these attributes there."""
    with suppress(OSError, AttributeError):
        copyfile = ctypes.CDLL(None).copyfile
        copyfile.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_uint32]
        copyfile(os.fsencode(old), os.fsencode(new), None, ACCESS_LIST | EXTENDED)
