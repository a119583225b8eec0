"""The tables, in markdown: for the terminal and for docs/accuracy.md alike.

Every figure comes from the results; none is typed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import attrgetter
from statistics import mean, median

from .methods import BANKS, IMPROVED, IMPROVED_3, PLAIN, TWIN, TWIN_RAW, Entry, entries
from .product import NAME, RATES
from .scorer import ASIDE_WITHIN, LOOSER, WIDER
from .summary import (
    Mean,
    Table,
    difference,
    growth,
    mean_of,
    own_found,
    own_summary,
    poisson_interval,
)

SHOWN = (NAME, PLAIN, IMPROVED)  # whose recall is broken down by kind, site and amplitude
NEVER = "not reached"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table.

    >>> print(markdown(["a", "b"], [["1", "2"]]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    lines = [head, ["---"] * len(head), *rows]
    made = ["| " + " | ".join(line) + " |" for line in lines]
    made[1] = "|" + "---|" * len(head)
    return "\n".join(made)


def with_interval(value: Mean, *, signed: bool = False) -> str:
    """Return a mean and its interval."""
    form = "+.3f" if signed else ".2f"
    low, high = value.interval
    return f"{value.value:{form}} ({low:{form}} to {high:{form}})"


def product_table(table: Table) -> str:
    """Return stillpix at its own cut: a row a number of photos."""
    rows = []
    for photos in table.photos:
        made = own_summary(table, table.runs(NAME, photos))
        if made:
            rows.append(
                [
                    str(photos), str(len(table.runs(NAME, photos))),
                    f"{made.recall.value:.2f} ({made.recall.least:.2f})",
                    str(made.false + made.aside), f"{made.stated:.1f}", f"{made.precision:.3f}",
                ]
            )  # fmt: skip
    head = [
        "photos",
        "cameras",
        "recall, mean (least)",
        "false finds, in all",
        "stated",
        "precision",
    ]
    return markdown(head, rows)


def product_breakdown(table: Table) -> str:
    """Return stillpix's recall at its own cut by kind, site and amplitude."""
    lines = []
    keys = {"kinds": "kind", "sites": "site", "amplitudes": "strength"}
    for photos in table.photos:
        for words, key in keys.items():
            counts = table.by(NAME, photos, attrgetter(key), own_found)
            parts = [f"{name} {found / n:.2f} of {n}" for name, (found, n) in counts.items()]
            lines.append(f"- {photos} photos, by {words}: " + ", ".join(parts))
    return "\n".join(lines)


def _rows_of(table: Table, kinds: Sequence[str], source: str) -> list[Entry]:
    return [
        entry
        for entry in entries()
        if entry.kind in kinds
        and entry.source == source
        and any(table.best(entry, photos) for photos in table.photos)
    ]


def methods_table(table: Table, source: str) -> str:
    """Return recall at the oracle's cut by method and number of photos."""
    rows = []
    for entry in _rows_of(table, ("product", "bank", "rival"), source):
        best = [(variant, n) for n in table.photos if (variant := table.best(entry, n))]
        if not best:
            continue
        strict = [with_interval(mean_of(table.recalls(*run))) for run in best]
        looser = [mean(table.recalls(*run, LOOSER)) for run in best]
        wider = [mean(table.recalls(*run, WIDER)) for run in best]
        common = [table.common_cut(*run)[0] for run in best]
        name = f"**{entry.name}**" if entry.kind == "product" else entry.name
        variant = best[-1][0].removeprefix(entry.name).strip(", ")
        rows.append([name, *strict, _slashed(looser), _slashed(wider), _slashed(common), variant])
    head = ["method", *(f"{photos} photos" for photos in table.photos)]
    head += [f"{LOOSER.largest_share:.0%} false", f"aside within {WIDER.aside_within} px"]
    head += ["one cut for all", "variant"]
    return markdown(head, rows)


def _slashed(recalls: Sequence[float]) -> str:
    return " / ".join(f"{recall:.2f}" for recall in recalls)


def own_table(table: Table) -> str:
    """Return what methods do at cuts of their own, a row a variant."""
    rows = []
    for entry in entries():
        if entry.kind in {"ablation", "choice"}:
            continue
        for variant in entry.variants:
            cells = [_own_words(table, variant, photos) for photos in table.photos]
            if any(cells):
                rows.append([variant, *cells])
    head = [f"{photos}: recall; precision; false / stated" for photos in table.photos]
    return markdown(["method", *head], rows)


def _own_words(table: Table, variant: str, photos: int) -> str:
    made = own_summary(table, table.runs(variant, photos))
    if made is None:
        return ""
    stated = "" if made.stated is None else f" / {made.stated:.1f}"
    return f"{made.recall.value:.2f}; {made.precision:.3f}; {made.false + made.aside}{stated}"


def ablations_table(table: Table, kind: str) -> str:
    """Return what each ablation (or choice) costs: recall at the oracle's cut, less the twin's."""
    zero = [f"{TWIN}, itself", *(["0"] * len(table.photos))]
    rows = [[*zero, *(_own_words(table, TWIN, photos) for photos in table.photos)]]
    for entry in _rows_of(table, (kind,), "JPEG"):
        row = [entry.name]
        less = [difference(table, entry.name, TWIN, photos) for photos in table.photos]
        row += [with_interval(one, signed=True) for one in less]
        rows.append(row + [_own_words(table, entry.name, photos) for photos in table.photos])
    head = ["", *(f"{photos} photos" for photos in table.photos)]
    head += [f"own, {photos}: recall; precision; false / stated" for photos in table.photos]
    return markdown(head, rows)


def breakdown_table(table: Table, key: str, methods: Sequence[str] = SHOWN) -> str:
    """Return recall at the oracle's cut by kind, site or strength, a row each."""
    names = [name for name in methods if table.runs(name, table.photos[0])]
    columns = [(name, photos) for name in names for photos in table.photos]
    counts = [table.by(*column, lambda defect: getattr(defect, key)) for column in columns]
    order = sorted(counts[0], key=_least_amplitude) if key == "strength" else list(counts[0])
    rows = [
        [
            words, str(counts[0][words][1]),
            *(f"{count[words][0] / count[words][1]:.2f}" for count in counts),
        ]
        for words in order
    ]  # fmt: skip
    words = "amplitude, sigmas" if key == "strength" else key
    head = [words, "planted", *(f"{name}, {photos}" for name, photos in columns)]
    return markdown(head, rows)


def _least_amplitude(strength: str) -> float:
    return float(strength.partition("..")[0])


def growth_table(table: Table) -> str:
    """Return stillpix's recall of hot and offset pixels by amplitude, and N50 and N95."""
    lines = growth(table)
    if not lines:
        return ""
    rows = []
    for line in lines:
        needed = [line.needed(share) for share in (0.5, 0.95)]
        cells = [NEVER if n is None else _photos_words(n, line.photos[0]) for n in needed]
        rows.append([line.words, str(line.planted), *(f"{r:.2f}" for r in line.recall), *cells])
    head = ["amplitude, sigmas", "planted", *(str(n) for n in lines[0].photos), "N50", "N95"]
    return markdown(head, rows)


def _photos_words(needed: float, fewest: int) -> str:
    return f"up to {fewest}" if needed <= fewest else f"{needed:.0f}"


def calibration_table(table: Table) -> str:
    """Return stated and realised false finds at several false-discovery rates."""
    rows = []
    for photos in table.photos:
        for rate in RATES:
            runs = table.runs(NAME, photos, rate)
            made = own_summary(table, runs)
            if made:
                false = made.false + made.aside
                low, high = poisson_interval(false)
                rows.append(
                    [
                        str(photos), f"{rate:g}", f"{made.recall.value:.3f}",
                        str(made.found + false), f"{made.stated:.1f}",
                        f"{false} ({low:.1f} to {high:.1f})", str(made.aside),
                    ]
                )  # fmt: skip
    head = [
        "photos", "--fdr", "recall", "finds", "stated false", "false (interval)",
        f"of these within {ASIDE_WITHIN} px of a found defect",
    ]  # fmt: skip
    return markdown(head, rows)


def clean_table(table: Table) -> str:
    """Return what stillpix finds on cameras without defects."""
    rows = []
    for photos in sorted({clean.photos for clean in table.results.clean}):
        these = [clean for clean in table.results.clean if clean.photos == photos]
        finds, stated = sum(c.finds for c in these), sum(c.stated for c in these)
        low, high = (end / len(these) for end in poisson_interval(finds))
        rows.append(
            [
                str(photos), str(len(these)), str(finds),
                f"{finds / len(these):.2f} ({low:.2f} to {high:.2f})",
                f"{median(c.finds for c in these):g}", f"{stated:.1f}",
            ]
        )  # fmt: skip
    head = ["photos", "cameras", "finds", "a camera (interval)", "median", "stated"]
    return markdown(head, rows)


def pooled_table(table: Table) -> str:
    """Return what two bodies have in common, and what their pooled photos give."""
    rows = [
        [
            f"{p.first} and {p.second}", f"{p.photos} each", str(p.in_common),
            str(p.of_first), str(p.of_second), str(p.of_neither),
        ]
        for p in table.results.pooled
    ]  # fmt: skip
    head = [
        "cameras", "photos", "confirmed of both, alone", "pooled: of the first",
        "of the second", "of neither",
    ]  # fmt: skip
    return markdown(head, rows)


def cameras_table(table: Table) -> str:
    """Return the cameras, and stillpix beside the plain and the improved bank on each."""
    shown = [name for name in (*SHOWN, IMPROVED_3, TWIN_RAW) if table.runs(name, table.photos[0])]
    rows = []
    for here, camera in enumerate(table.results.cameras):
        cells = [
            " / ".join(f"{table.recalls(name, photos)[here]:.2f}" for photos in table.photos)
            for name in shown
        ]
        kind = f"{camera.cfa}, {camera.demosaic}, {camera.quality}, {camera.subsampling}"
        rows.append([str(camera.seed), kind, *cells])
    return markdown(["seed", "mosaic, demosaicing, JPEG quality, subsampling", *shown], rows)


def _comparisons(table: Table) -> Iterator[tuple[str, str]]:
    for source in ("JPEG", "RAW"):
        if _rows_of(table, ("product", "bank", "rival"), source):
            yield f"recall at the oracle's cut, {source}", methods_table(table, source)
    yield "own cuts", own_table(table)
    for kind in ("ablation", "choice"):
        if _rows_of(table, (kind,), "JPEG") and table.runs(TWIN, table.photos[0]):
            yield f"{kind}s, less the twin", ablations_table(table, kind)
    shown = [name for name in (*SHOWN, *BANKS) if table.runs(name, table.photos[0])]
    for key in ("kind", "site", "strength") if shown else ():
        columns = list(dict.fromkeys(shown))[:3]
        yield f"by {key}, oracle's cut", breakdown_table(table, key, columns)


def _of_the_product(table: Table) -> Iterator[tuple[str, str]]:
    yield "hot and offset pixels, stillpix's own cut", growth_table(table)
    yield "calibration", calibration_table(table)


def everything(table: Table) -> str:
    """Return all tables with headings, for the terminal."""
    parts: list[tuple[str, str]] = []
    ran_product = bool(table.photos) and bool(table.runs(NAME, table.photos[0]))
    if ran_product:
        parts.append(("stillpix at its own cut", product_table(table)))
        parts.append(("", product_breakdown(table)))
    parts += _comparisons(table)
    if ran_product:
        parts += _of_the_product(table)
    if table.results.clean:
        parts.append(("without defects", clean_table(table)))
    if table.results.pooled:
        parts.append(("two bodies", pooled_table(table)))
    return "\n\n".join(f"## {head}\n\n{body}" if head else body for head, body in parts)
