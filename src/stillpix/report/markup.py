"""HTML and SVG as text in which whatever comes from outside is only text.

Never lets a file name, a camera's name or a reason become an element or an attribute of its own.
"""

from __future__ import annotations

from html import escape

from ..wording import printable

EMPTY = frozenset({"img", "input", "meta"})  # elements that HTML gives no end tag


class Markup(str):
    """Text that is markup already; all other text is escaped where it is put in."""

    __slots__ = ()


def safe(text: str) -> Markup:
    """Return text as markup that shows it, control characters and lost bytes as escapes.

    >>> safe("<script>&.jpg")
    '&lt;script&gt;&amp;.jpg'
    """
    return text if isinstance(text, Markup) else Markup(escape(printable(text)))


def joined(*parts: str) -> Markup:
    """Return parts one after the other, those escaped that are not markup.

    >>> joined(Markup("<p>"), "a < b")
    '<p>a &lt; b'
    """
    return Markup("".join(map(safe, parts)))


def tag(name: str, /, *children: str, **attributes: str | float | bool | None) -> Markup:
    """Return an element; of attributes, True stands alone, and False and None are left out.

    A name's last underscore is dropped, others are hyphens.

    >>> tag("td", "2 < 3", class_="n", data_value=2.5, hidden=False)
    '<td class="n" data-value="2.5">2 &lt; 3</td>'
    """
    said = "".join(
        f" {key.rstrip('_').replace('_', '-')}"
        + ("" if value is True else f'="{safe(f"{value:g}" if _is_number(value) else str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    end = "" if name in EMPTY else f"</{name}>"
    return Markup(f"<{name}{said}>{joined(*children)}{end}")


def _is_number(value: object) -> bool:
    return isinstance(value, float)
