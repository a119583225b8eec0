"""Reports for tests: of a simulated camera, of hand-made defects, and in Debian's Chromium."""

from __future__ import annotations

import io
from base64 import b64decode
from contextlib import contextmanager
from datetime import datetime, timedelta
from html.parser import HTMLParser

import numpy as np
from PIL import Image
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.frame import Exposure, Sensor
from stillpix.maps.records import Defect, DefectMap
from stillpix.report.looks import Looks
from stillpix.report.section import Crop, Detail, Section
from stillpix.report.stamps import Stamp
from support import costs

SENSOR = Sensor("Example Works", "Example One", "7", 640, 480)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


class Elements(HTMLParser):
    """The elements of a page, as a browser's parser would find them."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.text = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)

    def named(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def decoded(address):
    """Return the picture in a data address."""
    return Image.open(io.BytesIO(b64decode(address.removeprefix("data:image/png;base64,"))))


def words_of(page):
    """Return what a reader of a page sees, without its styles and its script."""
    shown = page.partition("<main>")[2].partition("<script>")[0]
    return " ".join(" ".join(Elements(shown).text).split())


def noisy_section(defects, photos, seed=1):
    """Return a section whose pictures are noise, which no PNG makes smaller."""
    rng = np.random.default_rng(seed)
    start = datetime(2024, 1, 1)
    exposures = tuple(
        Exposure(float(rng.uniform(0.001, 2)), 4.0, start + timedelta(days=n))
        for n in range(photos)
    )

    def detail(defect):
        said = np.abs(rng.normal(3, 2, (photos, 1, 5)))
        looks = Looks(tuple(map(str, range(photos))), exposures, said)
        crops = [
            Crop(f"IMG_{n:04}.JPG", exposures[0], 9.0, 3.0,
                 rng.integers(0, 256, (25, 25, 3)).astype(np.float32))
            for n in range(5)
        ]  # fmt: skip
        stamp = Stamp(rng.normal(0, 1, (15, 15)), tuple(rng.normal(0, 9, 4)))
        return Detail(defect, stamp, looks, tuple(crops[:3]), tuple(crops[3:]))

    listed = tuple(
        Defect(x=6 * n + 3, y=4 * n + 3, kind="hot", strength=9.0, score=30.0 - n / 10, q=1e-5,
               seen=(0.5, 20), state="confirmed")
        for n in range(defects)
    )  # fmt: skip
    return Section(DefectMap(SENSOR, listed), listed, tuple(map(detail, listed)))


@contextmanager
def visiting(browser, path, *, width=1280, height=900, **options):
    """Give a page with a report open; at the end nothing was asked of others or went wrong."""
    complaints, asked = [], []
    context = browser.new_context(viewport={"width": width, "height": height}, **options)
    context.set_default_timeout(1000 * costs.LONGEST_S)
    context.on("console", lambda said: complaints.append(said.text))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.goto(path.as_uri())
    try:
        yield page
    finally:
        context.close()
    assert complaints == []
    assert {url.partition("#")[0] for url in asked if not url.startswith("data:")} == {
        path.as_uri()
    }
