"""Tables of a run, as Markdown.

Of a method that was tried with several holes only its best is shown, chosen by its own figure on
the same photos. Never measures anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .results import (
    ALL,
    BAYER,
    EVERY,
    IN_FILE,
    MAP,
    NOTHING,
    OWN,
    PICTURE,
    PIXELS,
    PLACE,
    UNSEEN,
    XTRANS,
    Kept,
    Results,
    Row,
    Sums,
)  # fmt: skip
from .scoring import BUSY, MAIN, MIDDLE, STRENGTHS

OURS = (OWN, EVERY, PIXELS)
MEASURES = {PICTURE: MAIN, BAYER: "photosite, DN", XTRANS: "photosite, DN"}
AREAS = ("pixel", "5x5", "17x17")
WHITE = {PICTURE: 255.0, BAYER: 16383.0 - 512, XTRANS: 16383.0 - 512}  # DN, less black


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose first column is words and whose others are figures.

    >>> print(markdown(["", "n"], [["a", "1"]]))
    |  | n |
    |---|--:|
    | a | 1 |
    """
    lines = [f"| {' | '.join(head)} |", "|---|" + "--:|" * (len(head) - 1)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


@dataclass(frozen=True, slots=True)
class Standing:
    """One variant of a method over all cameras, in one group of places."""

    method: str
    variant: str
    rows: tuple[Row, ...]  # one a camera, or one for all

    def sums(self, measure: str) -> Sums:
        """Return the errors of all cameras by one measure."""
        return Sums.total(row.sums[measure] for row in self.rows if measure in row.sums)

    @property
    def places(self) -> int:
        """Return how many places there were."""
        return sum(row.places for row in self.rows)

    @property
    def nearer(self) -> float:
        """Return the share of places where `stillpix --all` is nearer; a tie counts half."""
        ties = sum(row.places - row.nearer - row.farther for row in self.rows)
        return (sum(row.nearer for row in self.rows) + ties / 2) / max(self.places, 1)


class Table:
    """The results, looked up by source, method and group."""

    def __init__(self, results: Results) -> None:
        self.results = results

    def standings(self, source: str, group: str) -> list[Standing]:
        """Return all variants of all methods."""
        found: dict[tuple[str, str], list[Row]] = {}
        for row in self.results.rows:
            if (row.source, row.group) == (source, group):
                found.setdefault((row.method, row.variant), []).append(row)
        return [Standing(*name, tuple(rows)) for name, rows in found.items()]

    def best(self, source: str, group: str) -> list[Standing]:
        """Return each method once: ours, the others from the best on, and nothing at all.

        The variant is the one that is best over all places that show, whatever the group.
        """
        chosen: dict[str, tuple[float, str]] = {}
        for each in self.standings(source, ALL):
            error = each.sums(MEASURES[source]).mean
            chosen[each.method] = min(chosen.get(each.method, (error, each.variant)),
                                      (error, each.variant))  # fmt: skip
        order = [*OURS, *sorted(chosen.keys() - {*OURS, NOTHING}, key=chosen.__getitem__), NOTHING]
        shown = {
            each.method: each
            for each in self.standings(source, group)
            if chosen.get(each.method, (0.0, None))[1] == each.variant
        }
        return [shown[method] for method in order if method in shown]

    def ahead(self, other: Standing, source: str, group: str) -> str:
        """Return on how many cameras `stillpix --all` has the smaller error, as "9 of 10"."""
        measure = MEASURES[source]
        ours = {
            row.seed: row.sums[measure].mean
            for each in self.standings(source, group)
            if each.method == EVERY
            for row in each.rows
        }
        won = sum(ours[row.seed] < row.sums[measure].mean for row in other.rows)
        return f"{won} of {len(other.rows)}"


def named(each: Standing) -> str:
    """Return a method's name and hole as tables have them."""
    words = f"**{each.method}**" if each.method in OURS else each.method
    return f"{words}, {each.variant}" if each.variant else words


def short_table(table: Table) -> str:
    """Return the errors of stillpix, of the best other method, and of doing nothing."""
    best = table.best(PICTURE, ALL)
    mine = [each for each in best if each.method in (OWN, NOTHING)]
    others = [each for each in best if each.method not in {*OURS, NOTHING}]
    plain = [each for each in others if not each.method.endswith(IN_FILE)]
    names = {OWN: "repaired by stillpix", NOTHING: "left broken"}
    rows = [
        [names[each.method], *(f"{each.sums(f'{area}, luma').mean:.1f}" for area in AREAS)]
        for each in mine
    ]
    least = [min(each.sums(f"{area}, luma").mean for each in plain) for area in AREAS]
    rows.insert(1, [f"the best of {len(plain)} other methods", *(f"{one:.1f}" for one in least)])
    head = ["mean error in brightness, of 255", "at the broken pixel", "5x5 around", "17x17 around"]
    return markdown(head, rows)


def pictures_table(table: Table) -> str:
    """Return the errors of all methods in JPEGs, over the places that show."""
    rows = []
    for each in table.best(PICTURE, ALL):
        cells = [f"{each.sums(f'pixel, {plane}').mean:.2f}" for plane in ("luma", "RGB")]
        cells += [f"{each.sums(f'5x5, {plane}').mean:.2f}" for plane in ("luma", "RGB")]
        cells += [f"{each.sums(f'5x5, {plane}').psnr(255):.1f}" for plane in ("luma", "RGB")]
        cells += [f"{each.sums(f'17x17, {plane}').mean:.2f}" for plane in ("luma", "RGB")]
        rows.append([named(each), *cells, *_against(table, each, PICTURE)])
    head = [
        "mean error, levels", "pixel: luma", "RGB", "5x5: luma", "RGB", "5x5 PSNR, dB: luma",
        "RGB", "17x17: luma", "RGB", "stillpix nearer: places", "cameras",
    ]  # fmt: skip
    return markdown(head, rows)


def _against(table: Table, each: Standing, source: str) -> list[str]:
    if each.method == EVERY:
        return ["", ""]
    return [f"{each.nearer:.0%}", table.ahead(each, source, ALL)]


def groups_table(table: Table, measure: str) -> str:
    """Return the errors by one measure, by kinds of places."""
    groups = [ALL, *(words for _, words in (*STRENGTHS, *BUSY))]
    groups += [f"{site} site" for site in "RGB"]
    columns = {group: table.best(PICTURE, group) for group in groups}
    columns = {group: found for group, found in columns.items() if found}
    rows = [["places", *(str(found[0].places) for found in columns.values())]]
    for each in columns[ALL]:
        cells = []
        for found in columns.values():
            same = next(other for other in found if other.method == each.method)
            cells.append(f"{same.sums(measure).mean:.2f}")
        rows.append([named(each), *cells])
    return markdown([f"mean error, {measure}", *columns], rows)


def variants_table(table: Table) -> str:
    """Return every hole and setting that was tried in JPEGs."""
    rows = [
        [f"{each.method}, {each.variant}", f"{each.sums('pixel, luma').mean:.2f}",
         f"{each.sums(MAIN).mean:.2f}", f"{each.sums('17x17, RGB').mean:.2f}"]
        for each in sorted(table.standings(PICTURE, ALL), key=lambda s: (s.method, s.variant))
        if each.variant
    ]  # fmt: skip
    return markdown(["tried", "pixel, luma", "5x5, luma", "17x17, RGB"], rows)


def unseen_table(table: Table) -> str:
    """Return what each method does to listed places at which nothing shows."""
    rows = [
        [named(each), str(each.places), *(f"{each.sums(measure).mean:.2f}" for measure in
         ("pixel, luma", "5x5, luma", "5x5, RGB", "17x17, RGB"))]
        for each in table.best(PICTURE, UNSEEN)
    ]  # fmt: skip
    head = ["mean error, levels", "places", "pixel, luma", "5x5, luma", "5x5, RGB", "17x17, RGB"]
    return markdown(head, rows)


def decided_table(table: Table) -> str:
    """Return how often stillpix by itself found something to repair."""
    groups = [ALL, *(words for _, words in STRENGTHS), UNSEEN]
    rows = []
    for group in groups:
        cells = []
        for knows in (MAP, PLACE):
            these = [
                each for each in table.results.decided if (each.group, each.knows) == (group, knows)
            ]
            places, repaired = sum(d.places for d in these), sum(d.repaired for d in these)
            cells += [str(repaired), f"{repaired / places:.0%}"] if places else []
        if cells:
            rows.append(["all that show" if group == ALL else group, str(places), *cells])
    head = ["difference in luma", "places", f"repaired, knowing {MAP}", "share"]
    return markdown([*head, f"repaired, knowing {PLACE}", "share"], rows)


def kept_table(table: Table) -> str:
    """Return what repaired files changed beyond what was to be repaired."""
    kept = table.results.kept
    repaired, pixels = _total(kept, "repaired"), _total(kept, "pixels")
    beside = Sums.total(each.beside for each in kept)
    whole = max(_total(kept, "all_pixels"), 1)
    a_place = max(repaired, 1)
    rows = [
        ["photos; places repaired in them", f"{_total(kept, 'photos')}; {repaired}"],
        ["blocks of coefficients changed where no repaired place reaches",
         str(_total(kept, "blocks_beyond"))],
        ["blocks of coefficients changed, a repaired place",
         f"{_total(kept, 'blocks') / a_place:.1f}"],
        ["decoded pixels changed, a repaired place", f"{pixels / a_place:.0f}"],
        ["of these beyond the 5x5", f"{beside.count / a_place:.0f}"],
        ["mean change in luma of those, levels", f"{beside.mean:.2f}"],
        ["decoded pixels changed, of all", f"{pixels / whole:.2%}"],
        ["the same when the photo is decoded and encoded just as before",
         f"{_total(kept, 'again_pixels') / whole:.0%}"],
        ["mean change in luma of all pixels then", f"{Sums.total(k.again for k in kept).mean:.2f}"],
        ["the same when an editor saves it at quality 90",
         f"{_total(kept, 'saved_pixels') / whole:.0%}"],
        ["mean change in luma of all pixels then", f"{Sums.total(k.saved for k in kept).mean:.2f}"],
    ]  # fmt: skip
    return markdown(["stillpix in JPEGs", ""], rows)


def _total(kept: Sequence[Kept], name: str) -> int:
    return sum(int(getattr(each, name)) for each in kept)


def mosaics_table(table: Table, source: str) -> str:
    """Return the errors of all methods at the photosites that show."""
    rows = []
    for each in table.best(source, ALL):
        sums = each.sums("photosite, DN")
        cells = [f"{sums.mean:.1f}", f"{each.sums('photosite, sigma').mean:.2f}",
                 f"{sums.psnr(WHITE[source]):.1f}"]  # fmt: skip
        sites = [_by_site(table, each, source, site) for site in "RGB"]
        rows.append([named(each), *cells, *sites, *_against(table, each, source)])
    head = ["mean error at the photosite", "DN", "in sigmas of its noise", "PSNR, dB", "R, DN",
            "G, DN", "B, DN", "stillpix nearer: places", "cameras"]  # fmt: skip
    return markdown(head, rows)


def _by_site(table: Table, each: Standing, source: str, site: str) -> str:
    for other in table.standings(source, f"{site} site"):
        if (other.method, other.variant) == (each.method, each.variant):
            return f"{other.sums('photosite, DN').mean:.1f}"
    return ""


def behind_table(table: Table) -> str:
    """Return by what measures and at what kinds of places another method is nearer."""
    rows = []
    for source, measure in MEASURES.items():
        groups = dict.fromkeys(row.group for row in table.results.rows if row.source == source)
        for group in groups:
            best = table.best(source, group)
            ours = next((each for each in best if each.method == EVERY), None)
            if ours is None:
                continue
            others = [each for each in best if each.method not in OURS]
            for name in ours.rows[0].sums if source == PICTURE else (measure,):
                mine = ours.sums(name).mean
                first = min(others, key=lambda each: each.sums(name).mean)
                if first.sums(name).mean < mine:
                    cells = [f"{ours.places}", f"{mine:.2f}", f"{first.sums(name).mean:.2f}"]
                    rows.append([f"{source}, {group}: {name}", *cells, named(first)])
    return markdown(["", "places", EVERY, "nearer", "by"], rows)


def cameras_table(table: Table) -> str:
    """Return the error over the 5x5 in luma on each camera: stillpix and the best other."""
    best = table.best(PICTURE, ALL)
    shown = [each for each in best if each.method == EVERY] + [
        each for each in best if each.method not in {*OURS, NOTHING}
    ][:3]
    rows = []
    for camera in table.results.cameras:
        kind = f"{camera.cfa}, {camera.demosaic}, {camera.quality}, {camera.subsampling}"
        cells = [
            f"{row.sums[MAIN].mean:.2f}"
            for each in shown
            for row in each.rows
            if row.seed == camera.seed
        ]
        rows.append([f"{camera.seed}: {kind}", *cells])
    head = ["camera: mosaic, demosaicing, JPEG quality, subsampling", *(s.method for s in shown)]
    return markdown(head, rows)


def tables(results: Results) -> dict[str, str]:
    """Return all tables there are figures for, by name, in the order to print them."""
    return {name: text for name, text in _tables(Table(results)) if text}


def _tables(table: Table) -> Iterator[tuple[str, str]]:
    results = table.results
    sources = {row.source for row in results.rows if row.group == ALL}
    if PICTURE in sources:
        yield "short", short_table(table)
        yield "pictures", pictures_table(table)
        yield "groups", groups_table(table, MAIN)
        yield "middles", groups_table(table, MIDDLE)
        yield "variants", variants_table(table)
        yield "unseen", unseen_table(table)
        yield "decided", decided_table(table)
        yield "kept", kept_table(table)
        yield "behind", behind_table(table)
        yield "cameras", cameras_table(table)
    for name, source in (("bayer", BAYER), ("xtrans", XTRANS)):
        if source in sources:
            yield name, mosaics_table(table, source)
