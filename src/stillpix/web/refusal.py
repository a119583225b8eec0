"""What the page refuses, with the status that HTTP has for it.

Never decides what is refused.
"""

from __future__ import annotations


class Refused(Exception):  # noqa: N818  # it names what happened, as the tree in errors.py does
    """A request that is not carried out: the status and one line with the reason and the remedy.

    >>> refused = Refused(404, "there is no such photo; open its folder again")
    >>> refused.status, str(refused)
    (404, 'there is no such photo; open its folder again')
    """

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(reason)
