"""The tree of errors, as drawn and as it is."""

from __future__ import annotations

import re

import pytest

from stillpix import errors
from stillpix.errors import MissingReaderError, ReadError, StillpixError, WriteError

DEPTH = 4  # characters of the drawing that make one level


def drawn() -> dict[str, str]:
    """Return each error of the docstring's drawing and the one it hangs from."""
    parents, above = {}, []
    for line in errors.__doc__.splitlines():
        match = re.match(r"^([│├└─ ]*)(\w+Error)\b", line)
        if match:
            level = len(match[1]) // DEPTH
            del above[level:]
            parents[match[2]] = above[-1] if above else "Exception"
            above.append(match[2])
    return parents


def test_the_tree_in_the_docstring_is_the_tree_that_exists():
    existing = {
        name: kind.__base__.__name__
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, StillpixError)
    }

    assert drawn() == existing


@pytest.mark.parametrize("kind", [ReadError, MissingReaderError, WriteError])
def test_an_error_about_a_file_names_it_and_the_reason(kind):
    error = kind("photos/a.jpg", "is empty; delete it or copy it again")

    assert str(error) == "photos/a.jpg: is empty; delete it or copy it again"
    assert (error.path, error.reason) == ("photos/a.jpg", "is empty; delete it or copy it again")
