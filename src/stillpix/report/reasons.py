"""Why a pixel is on the list, in sentences that a photographer understands.

Puts the map and the evidence into words, and never decides anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TypeAlias

from ..detection.kinds import CLEARLY, HOT, HOT_TEMPERED, OFFSET, RESPONSE
from ..maps.records import Defect, DefectMap, Kind
from ..wording import called, clustered

# By the order of the templates: what each supposes of a pixel.
SUPPOSITIONS = (
    "adds the same at any shutter time",
    "grows slowly with shutter time",
    "grows with shutter time",
    "responds wrongly to light",
)
KINDS: dict[Kind, str] = {
    "hot": "Hot: it leaks charge, so it grows brighter with shutter time and ISO.",
    "offset": "Offset: it adds the same to every photo at any shutter time, and more at high ISO.",
    "bright": "Bright: it is hot or offset, and the photos do not show which. Photos with other "
    "exposure times would show it.",
    "stuck": "Stuck: it has the same value in any light, so it stands out where the picture is "
    "dark and disappears where it is bright.",
    "dead": "Dead: it stays dark in any light, so it is a hole where the picture is bright.",
    "low": "Low: it responds too weakly to light, so it is too dark in proportion to the light.",
    "high": "High: it responds too strongly to light, so it is too bright in proportion to the "
    "light.",
    "dark": "Dark: it is darker than its neighbours, and the photos do not show whether it "
    "responds too weakly to light.",
    "unknown": "Its kind is unknown: there are too few photos to tell, or the pixel comes from "
    "another program's list.",
}
HARDLY = 1.0  # null sigmas between two templates that tell nothing
Scores: TypeAlias = tuple[float, ...]
Clusters: TypeAlias = dict[tuple[int, int], tuple[Defect, ...]]  # by x and y of each pixel
SITES = {"R": "red", "G": "green", "B": "blue"}


def reasons(
    defect: Defect,
    fdr: float,
    first_photo: date | None,
    scores: Scores | None = None,
    *,
    picture: str = "photo",
    cluster: Sequence[Defect] = (),
) -> Iterator[str]:
    """Yield the sentences: what it is and why, how often it shows, how sure that is, since when.

    `scores` are the four templates', in null sigmas; `picture` is what a picture is called;
    `cluster` the broken pixels that it is one of.

    >>> list(reasons(Defect(x=1, y=2, kind="hot", seen=(0.9375, 16)), 0.01, None))[1]
    'It shows in 94 % of the 16 photos that could show it.'
    """
    for each in _sentences(defect, fdr, first_photo, scores, cluster):
        yield called(each, picture)


def clusters_by_place(defect_map: DefectMap) -> Clusters:
    """Return for x and y of each broken pixel in a cluster all those of its cluster."""
    return {(one.x, one.y): cluster for cluster in defect_map.clusters() for one in cluster}


def _sentences(
    defect: Defect, fdr: float, first_photo: date | None, scores: Scores | None,
    cluster: Sequence[Defect],
) -> Iterator[str]:  # fmt: skip
    yield KINDS[defect.kind]
    if scores is not None:
        yield from _because(defect.kind, scores)
    if defect.run is not None:
        yield f"It is a whole stretch of a {defect.run.along}."
    elif defect in cluster:
        yield f"It is one of {clustered(cluster)}."
    if defect.site in SITES:
        yield f"Its photosite is under a {SITES[defect.site]} filter."
    if defect.seen is not None:
        share, photos = defect.seen
        yield f"It shows in {100 * share:.0f} % of the {photos} photos that could show it."
    yield _sureness(defect, fdr)
    yield from _dates(defect, first_photo)


def explanation(scores: Scores) -> list[tuple[str, float]]:
    """Return what each supposition explains of a pixel, in null sigmas, the best first.

    >>> explanation((6.0, 9.0, 12.0, -1.0))[0]
    ('grows with shutter time', 12.0)
    """
    pairs = zip(SUPPOSITIONS, scores, strict=True)
    return sorted(pairs, key=lambda pair: -abs(pair[1]))


def _because(kind: Kind, scores: Scores) -> Iterator[str]:
    """Yield what in the scores made it this kind, as `characterise.kind_of` decides.

    >>> next(_because("hot", (6.0, 9.0, 12.0, 1.0)))
    'Growth with shutter time explains the photos better (score 12.0) than adding the same to \
each photo (6.0).'
    """
    same, grows = scores[OFFSET], max(scores[HOT_TEMPERED], scores[HOT])
    light = scores[RESPONSE]
    better = "better" if abs(grows - same) >= CLEARLY else "a little better"
    if kind == "bright" or (kind in ("hot", "offset") and abs(grows - same) < HARDLY):
        yield (
            f"The photos hardly show whether it grows with shutter time (score {grows:.1f}) or "
            f"adds the same to each photo ({same:.1f})."
        )
    elif kind == "hot" and grows > same:
        yield (
            f"Growth with shutter time explains the photos {better} (score {grows:.1f}) than "
            f"adding the same to each photo ({same:.1f})."
        )
    elif kind == "offset" and same >= grows:
        yield (
            f"Adding the same to each photo explains them {better} (score {same:.1f}) than "
            f"growth with shutter time ({grows:.1f})."
        )
    elif kind == "high":
        yield (
            f"Too strong a response to light explains the photos better (score {light:.1f}) than "
            f"an addition that does not depend on light ({max(same, grows):.1f})."
        )
    elif kind == "stuck" and light < -CLEARLY:
        yield f"In bright light it is too dark, not too bright (score {light:.1f})."
    elif kind == "stuck":
        yield "It is very bright in nearly all photos."
    elif kind in ("dead", "low", "dark"):
        yield f"Over all photos it is darker than its neighbours (score {min(scores):.1f})."


def _sureness(defect: Defect, fdr: float) -> str:
    if defect.state == "accepted":
        return "A person accepted it, so it is repaired."
    if defect.state == "rejected":
        return "A person rejected it, so it is left alone."
    stands_out = f"It stands out (score {defect.score:.1f})" if defect.score else "It stands out"
    if defect.state == "confirmed":
        return f"{stands_out} clearly enough to be confirmed with at most {fdr:g} of finds false."
    if defect.q < 1:
        return (
            f"{stands_out}, but not enough to be confirmed: {defect.q:.2g} of the finds up to it "
            f"are likely false, and you asked for at most {fdr:g}. It is repaired only if you "
            "accept it."
        )
    return f"{stands_out}, but not enough to be confirmed. It is repaired only if you accept it."


def _dates(defect: Defect, first_photo: date | None) -> Iterator[str]:
    if defect.since is None:
        return
    first, last = defect.since
    if first_photo is not None and first <= first_photo:
        yield f"It was broken by {last}, and perhaps before the first photo."
    else:
        yield f"It broke {_within(first, last)}."
    if defect.until is not None:
        yield f"It stopped showing {_within(*defect.until)}."


def _within(first: date, last: date) -> str:
    """Return an interval of days in words.

    >>> _within(date(2019, 7, 11), date(2020, 5, 2)), _within(date(2020, 5, 2), date(2020, 5, 2))
    ('between 2019-07-11 and 2020-05-02', 'on 2020-05-02')
    """
    return f"on {first}" if first == last else f"between {first} and {last}"
