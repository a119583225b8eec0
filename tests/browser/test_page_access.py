"""The page for everybody: screen readers, narrow and wide windows, large photos, many defects."""

from __future__ import annotations

import re
import signal
import sys
import time
from itertools import starmap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stillpix.images import read_header
from stillpix.maps.library import Library
from stillpix.maps.records import Defect, DefectMap
from support import browsing, costs, pages, photos, series, starting
from support.effort import spread
from support.places import AXE

STEPS = ("photos", "judge", "repair")
WIDTHS = (360, 390, 768, 1280, 2560)
LARGE = (6000, 4000)
# A photo of 24 MP opens in half a second; a machine that is slow, or has other work, may take as
# much longer as it takes longer to decode one.
OPENS_WITHIN_S, OPENS_WITHIN_DECODINGS = 1.0, 6
SMOOTH_MS = 150  # a frame while the gallery is scrolled, nine of ten


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A server with a few photos and a map of them."""
    base = tmp_path_factory.mktemp("small")
    series.write(base / "photos", range(8))
    (base / "photos" / "none.jpg").write_bytes(b"no photo")
    with pages.serving(Library(base / "library")) as site:
        site.find(site.open(base / "photos"))
        (brief,) = site.state()["maps"]
        for place, state in ((series.HOT[0], "accepted"), (series.HOT[1], "rejected")):
            body = {"x": place[0], "y": place[1], "state": state}
            site.post(f"api/maps/{brief['id']}/decisions", body)
        yield site


@browsing.needs_chromium
@pytest.mark.parametrize(("width", "scheme"), spread((390, 1280), ("light", "dark")))
def test_axe_finds_nothing_wrong_in_any_step(small, browser, width, scheme):
    with browsing.visiting(browser, small, width=width, color_scheme=scheme) as page:
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = {}
        for step in STEPS:
            page.click(f"nav a[href='#{step}']")
            page.wait_for_timeout(400)
            found[step] = violations(page)
        for opens, shown in (("show-keys", "keys"), ("show-words", "words"), ("browse", "picker")):
            if shown == "picker":
                page.click("nav a[href='#photos']")
            page.click(f"#{opens}")
            page.wait_for_selector(f"#{shown}[open]")
            found[shown] = violations(page)
            page.keyboard.press("Escape")

    assert found == {step: [] for step in (*STEPS, "keys", "words", "picker")}


def violations(page):
    told = page.evaluate("axe.run({resultTypes: ['violations']})")  # of others only one each
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in told["violations"]]


@browsing.needs_chromium
def test_every_step_fits_its_window(small, browser):
    with browsing.visiting(browser, small) as page:
        for step in STEPS:
            page.click(f"nav a[href='#{step}']")
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 800})
                browsing.settled(page)
                wide = page.evaluate("document.documentElement.scrollWidth")
                cut = page.evaluate(CUT_OFF)
                assert (step, wide, cut) == (step, width, [])


# Buttons and fields that are seen and that the window, or what holds them, cuts off.
CUT_OFF = """[...document.querySelectorAll("button, input, a.button")].filter((it) => {
  const box = it.getBoundingClientRect();
  return box.width && !it.closest("#gallery, #filmstrip, .skip")
    && (box.left < -1 && !it.matches("#split") || box.right > innerWidth + 9);
}).map((it) => it.id || it.textContent)"""


@browsing.needs_chromium
def test_a_photo_of_24_megapixels_opens_within_a_second(site, browser, tmp_path):
    rng = np.random.default_rng(1)
    coarse = rng.integers(20, 235, (400, 600, 3), np.uint8)
    content = photos.encoded(Image.fromarray(coarse).resize(LARGE), "JPEG", quality=92)
    for number in range(4):
        (tmp_path / f"{number}.jpg").write_bytes(content + bytes([number]))  # four files, not one
    site.open(tmp_path)
    with browsing.visiting(browser, site) as page:
        page.click("nav >> text=Judge")
        browsing.shown(page, "judge-viewer")
        took = []
        while len(took) < 3 and not any(starmap(in_time, took)):
            took.append((page.evaluate(OPENED) / 1000, decoding_s(tmp_path / "0.jpg")))

    assert any(starmap(in_time, took)), took


def in_time(opening_s, one_s):
    return opening_s < max(OPENS_WITHIN_S, OPENS_WITHIN_DECODINGS * one_s)


def decoding_s(path):
    begun = time.monotonic()
    np.asarray(Image.open(path))
    return time.monotonic() - begun


# From the click to the moment at which all that is seen of the next photo is there.
OPENED = """() => new Promise((resolve) => {
  const viewer = document.getElementById("judge-viewer");
  const before = viewer.dataset.shown;
  const begun = performance.now();
  document.getElementById("photo-next").click();
  const look = () => viewer.dataset.shown && viewer.dataset.shown !== before
    ? resolve(performance.now() - begun) : requestAnimationFrame(look);
  look();
})"""


@browsing.needs_chromium
def test_a_gallery_of_500_defects_loads_lazily_and_scrolls_smoothly(site, browser, tmp_path):
    size = (600, 400)
    paths = series.write(tmp_path / "photos", range(4), size=size)
    rng = np.random.default_rng(2)
    places = rng.choice(size[0] * size[1], 500, replace=False)
    defects = tuple(
        Defect(x=int(at % size[0]), y=int(at // size[0]), score=6.0, q=float(rng.random() / 10))
        for at in places
    )
    site.desk.library.save(DefectMap(read_header(paths[0]).sensor, defects))
    site.open(tmp_path / "photos")
    slow_ms = []
    while len(slow_ms) < 3 and not any(each < SMOOTH_MS for each in slow_ms):
        frames = scrolled_through(browser, site)
        assert len(frames) > 200
        slow_ms.append(np.percentile(frames, 90))

    assert min(slow_ms) < SMOOTH_MS, slow_ms


def scrolled_through(browser, site):
    """Return how long each frame took, while the pictures came that were not there before."""
    asked = []
    with browsing.visiting(browser, site) as page:
        page.on("request", lambda request: "/crops" in request.url and asked.append(request.url))
        page.click("nav >> text=Judge")
        browsing.shown(page, "judge-viewer")
        browsing.until(page, "document.querySelectorAll('#gallery li').length === 500")
        assert len(asked) < 150
        frames = page.evaluate(SCROLLED)
        browsing.until(
            page,
            "[...document.querySelectorAll('#gallery img')].filter((it) => {"
            " const box = it.getBoundingClientRect();"
            " return box.top < innerHeight && box.bottom > 0 && !it.naturalWidth; }).length === 0",
        )
    return frames


# The gallery in 240 steps of a third of its height, as fast as anybody looks: how long each took.
SCROLLED = """() => new Promise((resolve) => {
  const list = document.getElementById("gallery");
  const frames = [];
  let last = performance.now(), step = 0;
  const next = (now) => {
    frames.push(now - last);
    last = now;
    step += 1;
    list.scrollTop += list.clientHeight / 3;
    if (step < 240) requestAnimationFrame(next); else resolve(frames.slice(1));
  };
  requestAnimationFrame(next);
})"""


# The program itself


@pytest.fixture
def program(library, tmp_path):
    """`stillpix serve` as a program of its own, and its address."""
    folder = tmp_path / "photos"
    series.write(folder, range(4))
    with starting.stillpix("serve", folder, "--no-browser", TMPDIR=str(tmp_path)) as ran:
        address = ran.stdout.readline().strip()
        try:
            yield ran, address, tmp_path
        finally:
            ran.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_ends_clean_while_it_works(program, number):
    import httpx

    ran, address, base = program
    folder = httpx.get(f"{address}api/state").json()["folders"][0]["id"]
    content = series.jpeg(series.scene(1))
    httpx.post(f"{address}api/uploads", params={"name": "a.jpg"}, content=content)
    assert list(base.glob("stillpix-*/dropped/a.jpg"))
    httpx.post(f"{address}api/finds", json={"folder": folder})
    ran.send_signal(number)

    assert ran.wait(costs.LONGEST_S) == 0
    assert "Traceback" not in ran.stderr.read()
    assert list(base.glob("stillpix-*")) == []
    assert [path for path in base.rglob("*") if path.name.startswith((".stillpix", ".part"))] == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux's /proc")
def test_the_server_stays_below_a_gigabyte(program):
    import httpx

    ran, address, base = program
    folder = base / "large"
    folder.mkdir()
    for number in range(4):
        large = Image.new("RGB", LARGE, (number, 90, 40))
        (folder / f"{number}.jpg").write_bytes(photos.encoded(large, "JPEG"))
    huge = Image.new("RGB", (10_000, 10_000), "teal")
    (folder / "huge.jpg").write_bytes(photos.encoded(huge, "JPEG"))
    with httpx.Client(base_url=address, timeout=costs.LONGEST_S) as client:
        job = client.post("api/folders", json={"path": str(folder)}).json()["id"]
        while client.get(f"api/jobs/{job}").json()["state"] == "running":
            time.sleep(0.02)
        opened = client.get("api/state").json()["folders"][-1]["id"]
        statuses = [
            client.get(f"api/photos/{opened}-{number}/tiles/{level}/0/0").status_code
            for number in range(5)
            for level in (8, 13)
        ]
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{ran.pid}/status").read_text())

    assert statuses == [200] * 10
    assert int(peak[1]) < 1_000_000, "kB"


def test_a_port_that_is_taken_is_told_in_one_line(site):
    ran = starting.run("serve", "--no-browser", "--port", site.port)

    assert ran.returncode == 1
    assert ran.stderr.count("\n") == 1
    assert f"port {site.port} cannot be used" in ran.stderr


def test_a_folder_that_is_none_is_wrong_usage(tmp_path):
    ran = starting.run("serve", "--no-browser", tmp_path / "none")

    assert ran.returncode == 2
    assert "there is no such folder" in ran.stderr


def test_what_is_bundled_comes_with_its_licence():
    import stillpix.web

    bundled = Path(stillpix.web.__file__).parent / "static" / "vendor"

    assert "OpenSeadragon" in (bundled / "openseadragon-LICENSE.txt").read_text(encoding="utf-8")
    assert "Mozilla Public License" in AXE.with_name("axe-core-LICENSE").read_text(encoding="utf-8")
