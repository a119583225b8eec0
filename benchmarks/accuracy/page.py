"""The generated parts of docs/accuracy.md: tables, and the sentences that hold figures.

A part stands between `<!-- accuracy: NAME -->` and `<!-- end -->`. No figure on the page is typed
by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import attrgetter

from .methods import IMPROVED, PLAIN, PLAIN_RAW, TWIN, TWIN_RAW, entries
from .product import NAME
from .summary import Table, mean_of, own_summary
from .tables import (
    ablations_table,
    breakdown_table,
    calibration_table,
    cameras_table,
    clean_table,
    growth_table,
    markdown,
    methods_table,
    own_table,
    pooled_table,
    product_table,
)

FIRST_UNTOUCHED = 100  # seeds below are for development
PART = re.compile(r"(<!-- accuracy: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _run(table: Table) -> str:
    """Return what was run, where, and how long it took."""
    results = table.results
    first, last = table.seeds[0], table.seeds[-1]
    whole = table.seeds == list(range(first, last + 1))
    seeds = f"{first} to {last}" if whole else _numbers([str(seed) for seed in table.seeds])
    about = ""
    if table.seeds[-1] < FIRST_UNTOUCHED:
        about = (
            "**These are development cameras**: the finder was looked at on them while it was "
            "made, which may flatter it. "
        )
    return (
        f"{about}Seeds {seeds}, {results.size} pixels, "
        f"{len(results.cameras[0].planted)} defects each. "
        f"{results.machine}: {results.minutes:.0f} minutes, at most {results.peak_mb:.0f} MB of "
        f"memory.\n\n```\n{results.command}\n```"
    )


def _numbers(values: list[str]) -> str:
    return ", ".join(values[:-1]) + f" and {values[-1]}" if len(values) > 1 else values[0]


def _per_photos(table: Table, name: str) -> str:
    entry = next(entry for entry in entries() if entry.name == name)
    made = []
    for photos in table.photos:
        variant = table.best(entry, photos)
        made.append(f"{mean_of(table.recalls(variant, photos)).value:.2f}" if variant else "-")
    return _numbers(made)


def _short(table: Table) -> str:
    """Return what a photographer gets, in a table."""
    rows = []
    for photos in table.photos:
        made = own_summary(table, table.runs(NAME, photos))
        if made is None:
            continue
        per_camera = len(table.runs(NAME, photos))
        rows.append(
            [
                f"{photos} JPEGs", f"{100 * made.recall.value:.0f} of 100",
                f"{made.false + made.aside} of {made.found + made.false + made.aside}",
                f"{made.stated:.1f}",
            ]
        )  # fmt: skip
    head = [
        "photos per camera",
        "defects found",
        "false finds",
        "false finds that stillpix expected",
    ]
    return f"{per_camera} cameras, each with JPEGs of its own:\n\n{markdown(head, rows)}"


def _lead(table: Table) -> str:
    """Return the main result in a sentence or two."""
    numbers = _numbers([str(photos) for photos in table.photos])
    own = [own_summary(table, table.runs(NAME, photos)) for photos in table.photos]
    made = [summary for summary in own if summary is not None]
    recalls = _numbers([f"{summary.recall.value:.2f}" for summary in made])
    false = _numbers([str(summary.false + summary.aside) for summary in made])
    stated = _numbers([f"{summary.stated:.1f}" for summary in made])
    found = _numbers([str(summary.found) for summary in made])
    return (
        f"With {numbers} JPEGs per camera, stillpix finds {recalls} of the planted defects at its "
        f"own cut. Besides these {found} defects it lists {false} false finds; it expected "
        f"{stated}. At the oracle's cut it finds {_per_photos(table, NAME)}, the plain score bank "
        f"{_per_photos(table, PLAIN)}, the improved bank {_per_photos(table, IMPROVED)}, the mean "
        f"residual {_per_photos(table, 'mean residual')}, and least variance "
        f"{_per_photos(table, 'least variance')}. On the mosaics of the same photos the twin of "
        f"stillpix finds {_per_photos(table, TWIN_RAW)}, and the plain bank "
        f"{_per_photos(table, PLAIN_RAW)}."
    )


def _ties(table: Table) -> str:
    """Return recall of stuck and dead pixels by the simplest method, beside stillpix."""
    names = (
        "least variance, mosaic", TWIN_RAW, "least variance", NAME,
    )  # fmt: skip
    kinds = breakdown_rows(table, names, ("stuck", "dead"))
    head = "| | | " + " | ".join(names) + " |\n|---|---|" + "---|" * len(names)
    return head + "\n" + "\n".join(kinds)


def breakdown_rows(table: Table, names: tuple[str, ...], kinds: tuple[str, ...]) -> list[str]:
    """Return rows of a table: recall of some kinds at the oracle's cut, found of planted."""
    rows = []
    for kind in kinds:
        for photos in table.photos:
            cells = []
            for name in names:
                found, planted = table.by(name, photos, lambda d: d.kind).get(kind, (0, 0))
                cells.append(f"{found} of {planted}")
            rows.append(f"| {kind} | {photos} photos | " + " | ".join(cells) + " |")
    return rows


def _weak(table: Table) -> str:
    """Return which kinds, sites and amplitudes are found least, the worst first."""
    lines = []
    last = table.photos[-1]
    for words, key in (("kind", "kind"), ("colour site", "site"), ("amplitude", "strength")):
        counts = table.by(NAME, last, attrgetter(key))
        ranked = sorted(counts, key=lambda name: counts[name][0] / counts[name][1])
        parts = [f"{name} {counts[name][0] / counts[name][1]:.2f}" for name in ranked]
        lines.append(f"- By {words}, after {last} photos: {', '.join(parts)}.")
    return "\n".join(lines)


def _losses(table: Table) -> str:
    """Return where another method on the same JPEGs stands above stillpix."""
    lines = []
    for photos in table.photos:
        ours = mean_of(table.recalls(NAME, photos)).value
        above = []
        for entry in entries():
            variant = table.best(entry, photos)
            if entry.source == "JPEG" and variant and entry.kind not in {"product", "ablation"}:
                theirs = mean_of(table.recalls(variant, photos)).value
                if theirs > ours + 0.0005 and entry.name != TWIN:
                    above.append(f"{variant} ({theirs:.3f})")
        beaten = ", ".join(above) or "none"
        lines.append(f"- {photos} photos: stillpix {ours:.3f}; above it: {beaten}.")
    return "\n".join(lines)


PARTS: dict[str, Callable[[Table], str]] = {
    "run": _run,
    "short": _short,
    "lead": _lead,
    "own": product_table,
    "jpeg": lambda table: methods_table(table, "JPEG"),
    "raw": lambda table: methods_table(table, "RAW"),
    "cuts": own_table,
    "kinds": lambda table: breakdown_table(table, "kind"),
    "sites": lambda table: breakdown_table(table, "site"),
    "strengths": lambda table: breakdown_table(table, "strength"),
    "raw-sites": lambda table: breakdown_table(table, "site", (TWIN_RAW, PLAIN_RAW)),
    "raw-strengths": lambda table: breakdown_table(table, "strength", (TWIN_RAW, PLAIN_RAW)),
    "growth": growth_table,
    "calibration": calibration_table,
    "clean": clean_table,
    "pooled": pooled_table,
    "ablations": lambda table: ablations_table(table, "ablation"),
    "choices": lambda table: ablations_table(table, "choice"),
    "ties": _ties,
    "weak": _weak,
    "losses": _losses,
    "cameras": cameras_table,
}


def renewed(text: str, table: Table) -> str:
    """Return the page with its generated parts made anew; raises KeyError at an unknown part."""

    def made(part: re.Match[str]) -> str:
        return f"{part[1]}\n{PARTS[part[2]](table)}\n\n{part[3]}"

    return PART.sub(made, text)
