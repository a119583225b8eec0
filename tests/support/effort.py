"""How much of what is tried at random or in all combinations is tried: a part, or all of it.

`pytest` tries a part, so that a change is judged in minutes; `pytest --long` tries all.
"""

from __future__ import annotations

from itertools import product

# conftest.py sets it before a test is imported.
long = False
PART = 5
FEWEST = 8


def some(examples):
    """Return how many of these examples to try."""
    return examples if long else min(examples, max(FEWEST, examples // PART))


def chosen(values, *few):
    """Return all values, or these few of them.

    >>> chosen("abcd", "b")
    ['b']
    """
    return list(values if long else few)


def spread(*parameters):
    """Return combinations of parameters: all, or so few that each value comes up once or twice.

    >>> spread("abcd", (1, 2, 3))
    [('a', 1), ('b', 2), ('c', 3), ('d', 1)]
    """
    if long:
        return list(product(*parameters))
    return [
        tuple(values[number % len(values)] for values in parameters)
        for number in range(max(map(len, parameters)))
    ]
