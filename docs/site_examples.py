"""Lets the site show the examples in docstrings as code: Griffe's extension for `make docs`."""

from __future__ import annotations

import re
from typing import Any

import griffe

EXAMPLE = re.compile(r"^(?:>>> .*)(?:\n(?!\s*$).*)*", re.MULTILINE)


def fenced(text: str) -> str:
    """Return a docstring's text with fences around its examples."""
    return EXAMPLE.sub(lambda example: f"```pycon\n{example[0]}\n```", text)


class Examples(griffe.Extension):
    """Puts fences around the examples of everything that has a docstring."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Fence one object's examples."""
        if obj.docstring:
            obj.docstring.value = fenced(obj.docstring.value)
