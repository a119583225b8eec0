"""The refusals of JPEGs that cannot be read or written back.

Never decides what is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from stillpix.errors import ReadError

REMEDY = "copy it again from the card, or leave it out"


class Refusal:
    """The ReadErrors of one file.

    >>> Refusal(Path("a.jpg")).cut_short()
    Traceback (most recent call last):
    ...
    stillpix.errors.ReadError: a.jpg: is cut short; copy it again from the card, or leave it out
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def damaged(self, what: str) -> NoReturn:
        """Raise the ReadError of a file that contradicts the standard."""
        raise ReadError(self.path, f"is a damaged JPEG ({what}); {REMEDY}")

    def cut_short(self) -> NoReturn:
        """Raise the ReadError of a file whose end is missing."""
        raise ReadError(self.path, f"is cut short; {REMEDY}")

    def not_written(self, kind: str) -> NoReturn:
        """Raise the ReadError of a sound file of a kind that is not written back."""
        remedy = "save it as a baseline or progressive JPEG of 8 bits, or leave it out"
        raise ReadError(self.path, f"is {kind}, which cannot be changed in place; {remedy}")
