"""Debian's Chromium on a page of ours: what it may ask for, and what it must not complain of."""

from __future__ import annotations

import io
import os
import shutil
import time
from contextlib import contextmanager

import pytest
from PIL import Image

from support import costs
from support.places import ROOT

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
IMAGES = ROOT / "docs" / "images"
# With this set, the pictures of the documentation are made anew.
PICTURES = "STILLPIX_PICTURES"
COLOURS = 128  # of a picture that is kept: it is half as large then
GAP, MOST_BYTES = 12, 100_000  # px between pictures of a sheet; bytes of a sheet
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@contextmanager
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visiting(browser, site, *, width=1280, height=800, tabs=1, refused=0, color_scheme="light"):
    """Give tabs on the page; at the end, nothing was asked of others and nothing went wrong.

    `refused` is the status of requests that were meant to be refused.
    """
    complaints, foreign = [], []
    told = {
        "console": lambda said: said.type == "error" and heard(said),
        "weberror": lambda error: complaints.append(str(error.error)),
        "request": lambda request: foreign.append(request.url),
    }
    context = profile(browser, site)
    already = list(context.pages)

    def heard(said):
        if said.page not in already:
            complaints.append(said.text)

    for event, listener in told.items():
        context.on(event, listener)
    try:
        pages = [context.new_page() for _ in range(tabs)]
        for page in pages:
            page.emulate_media(color_scheme=color_scheme)
            page.set_viewport_size({"width": width, "height": height})
            begin(page, site)
        yield pages[0] if tabs == 1 else pages
    finally:
        for page in [each for each in context.pages if each not in already]:
            page.close()
        for event, listener in told.items():
            context.remove_listener(event, listener)
    wrong = [text for text in complaints if not (refused and f"status of {refused}" in text)]
    foreign = [url for url in foreign if not url.startswith((site.address, "blob:"))]
    assert (wrong, foreign) == ([], []), (wrong, foreign)


def profile(browser, site):
    """Return a person's profile for all visits, as if new.

    A tab of it stays open, on a file that does nothing: the program that shows our pages lives as
    long, and to start it and all that it has ready costs more than a visit.
    """
    if not browser.contexts:
        made = browser.new_context(reduced_motion="reduce")
        made.set_default_timeout(1000 * costs.LONGEST_S)
        made.new_page()
    context = browser.contexts[0]
    stays = context.pages[0]
    stays.goto(site.address + "static/base.css")
    stays.evaluate("localStorage.clear()")
    return context


def begin(page, site, where=""):
    page.goto(site.address + where)
    page.wait_for_selector("body[data-ready]")


def open_folder(page, folder):
    page.fill("#open-path", str(folder))
    page.press("#open-path", "Enter")
    page.wait_for_selector(".find:enabled")


def shown(page, viewer):
    """Wait until a photo is there in full, and return which."""
    # Asked in one step: the page may leave this photo for the next one at any moment.
    seen = []

    def happens():
        seen.append(page.evaluate("id => document.getElementById(id).dataset.shown", viewer))
        return seen[-1] is not None

    soon(happens, page, f"{viewer} shows a photo")
    return seen[-1]


def until(page, condition, *arguments):
    """Wait until JavaScript says so; Playwright's own way needs eval, which the page forbids."""
    soon(lambda: page.evaluate(condition, *arguments), page, condition)


def soon(happens, page, what="in time"):
    deadline = time.monotonic() + costs.LONGEST_S
    while not happens():
        assert time.monotonic() < deadline, what
        page.wait_for_timeout(20)


def said(page, text):
    """Wait until the page has said something with this text in it."""
    until(page, "text => document.getElementById('said').textContent.includes(text)", text)


def settled(page):
    """Wait until what was changed is laid out and drawn."""
    page.evaluate("new Promise((it) => requestAnimationFrame(() => requestAnimationFrame(it)))")


def seen_now(seen, **part):
    """Return a picture of a page, of a part of it, or of an element."""
    return Image.open(io.BytesIO(seen.screenshot(**part))).convert("RGB")


def picture(seen, name):
    """Keep a picture of a page or an element for the documentation where asked to."""
    if not os.environ.get(PICTURES):
        return
    getattr(seen, "page", seen).wait_for_timeout(300)  # until all of it has its place
    few = seen_now(seen).quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(IMAGES / f"{name}.png", optimize=True)


def sheet(taken, name):
    """Keep pictures of a page side by side, half as wide, for the documentation where asked to."""
    if not os.environ.get(PICTURES):
        return
    halves = [each.reduce(2) for each in taken]
    width = sum(half.width + GAP for half in halves) - GAP
    whole = Image.new("RGB", (width, max(half.height for half in halves)), "#808890")
    left = 0
    for half in halves:
        whole.paste(half, (left, 0))
        left += half.width + GAP
    file = IMAGES / f"{name}.webp"
    whole.save(file, quality=50, method=6)
    assert file.stat().st_size < MOST_BYTES, file
