"""One defect after the other: why it is listed, its mean response, crops of photos, and its course.

Draws what a section holds, and never reads a photo.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..maps.records import DefectMap
from ..wording import called, exposed, picture_of
from . import chart
from .looks import sign_of
from .markup import Markup, joined, tag
from .pictures import data_address, of_crop, of_stamp
from .reasons import Clusters, explanation, reasons
from .section import Crop, Detail
from .sensor_map import place_of, symbol

BAR_SIGMAS = 30.0  # that fill a bar


def article(
    detail: Detail, found: DefectMap, clusters: Clusters, element_id: str, back: str
) -> Markup:
    """Return all that is shown of one defect; `back` leads to its row in the table."""
    defect, first, picture = detail.defect, found.evidence.first, picture_of(found)
    scores = None if detail.stamp is None else detail.stamp.scores
    sentences = reasons(
        defect, found.detection.fdr, first and first.date(), scores, picture=picture,
        cluster=clusters.get((defect.x, defect.y), ()),
    )  # fmt: skip
    words = [tag("p", *_join_spaced(sentences))]
    if scores is not None:
        words.append(_explain_scores(scores, picture))
    parts = [
        tag("h4", symbol(defect), f" {place_of(defect)}: {defect.kind}"),
    ]
    pictures = [*_crops(detail), *_stamp(detail, picture)]
    if pictures:
        parts.append(tag("div", *pictures, class_="pictures"))
    parts.append(tag("div", tag("div", *words), *_course(detail, picture), class_="why"))
    parts.append(tag("p", tag("a", "back to the table", href=f"#{back}"), class_="back"))
    return tag("article", *parts, id=element_id, class_="defect", tabindex="-1")


def _join_spaced(sentences: Iterator[str]) -> Iterator[str]:
    for number, sentence in enumerate(sentences):
        yield (" " if number else "") + sentence


def _explain_scores(scores: tuple[float, ...], picture: str) -> Markup:
    rows = [
        tag(
            "tr",
            tag("th", supposed, scope="row"),
            tag("td", f"{score:+.1f}", class_="n"),
            tag("td", _bar(score)),
        )
        for supposed, score in explanation(scores)
    ]
    caption = f"How well each explanation fits all {picture}s (as a score): the pixel ..."
    return tag("table", tag("caption", caption), tag("tbody", *rows), class_="explained")


def _bar(score: float) -> Markup:
    width = f"{100 * min(abs(score) / BAR_SIGMAS, 1.0):.0f}"
    bar = tag("rect", width=width, height="10", class_="darker" if score < 0 else "brighter")
    return tag("svg", bar, viewBox="0 0 100 10", class_="bar", aria_hidden="true")


def _stamp(detail: Detail, picture: str) -> Iterator[Markup]:
    if detail.stamp is None:
        return
    side = len(detail.stamp.response)
    middle = float(detail.stamp.response[side // 2, side // 2])
    text = f"mean response over all {picture}s, {side}x{side} px: {middle:+.1f} times the noise"
    yield _figure("stamp", data_address(of_stamp(detail.stamp.response)), side, text, detail)


def _crops(detail: Detail) -> Iterator[Markup]:
    for title, crops in (("shows it best", detail.best), ("shows it least", detail.least)):
        for crop in crops:
            yield _crop(crop, title, detail)


def _crop(crop: Crop, title: str, detail: Detail) -> Markup:
    conditions = exposed(crop.exposure.exposure_s, crop.exposure.gain)
    taken = str(crop.exposure.taken.date()) if crop.exposure.taken else ""
    facts = [crop.photo, conditions, taken, f"{crop.excess:+.0f} grey levels"]
    words = joined(tag("strong", title), ": ", ", ".join(filter(None, facts)))
    return _figure("crop", data_address(of_crop(crop.cut)), len(crop.cut), words, detail)


def _figure(kind: str, address: str, side: int, caption: str, detail: Detail) -> Markup:
    alternative = f"{kind} around {place_of(detail.defect)}"
    picture = tag("img", src=address, width=str(side), height=str(side), alt=alternative)
    framed = tag("span", picture, class_="sight" if kind == "crop" else "plain")
    return tag("figure", framed, tag("figcaption", caption), class_=kind)


def _course(detail: Detail, picture: str) -> Sequence[Markup]:
    looks = detail.looks
    if looks is None or not looks.digests:
        return ()
    sign = sign_of(detail.defect)
    drawing = chart.drawn(looks, sign, detail.defect.since)
    words = called(chart.said(looks, sign), picture)
    return [tag("figure", drawing, tag("figcaption", words), class_="course")]
