"""A stranger's first hour with the page: five tasks in few clicks, and what stands beside them."""

from __future__ import annotations

import os

import numpy as np
import pytest

from stillpix.frame import Sensor
from stillpix.images import read_header
from stillpix.maps.library import Library
from stillpix.maps.records import Defect, DefectMap
from stillpix.simulate import CameraSettings, SimulatedCamera, write_series
from support import browsing, pages, series

pytestmark = browsing.needs_chromium
MOST_CLICKS = 6
WINDOWS = {390: 844, 768: 1024, 1280: 800, 1920: 1080}


class Stranger:
    """Somebody who clicks, and counts how often."""

    def __init__(self, page):
        self.page, self.clicks = page, 0

    def click(self, where):
        self.page.click(where)
        self.clicks += 1

    def begins(self):
        self.clicks = 0


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home folder with a folder of photos, one of which is cut short."""
    found = tmp_path_factory.mktemp("home")
    folder = found / "Pictures" / "Holiday"
    if os.environ.get(browsing.PICTURES):  # then the documentation shows these photos
        camera = SimulatedCamera(CameraSettings(width=1200, height=800, defects=60), seed=1)
        write_series(folder, camera, photos=20)
    else:
        series.write(folder, range(20))
    (folder / "cut.jpg").write_bytes((folder / "IMG_0001.JPG").read_bytes()[:3000])
    (found / ".hidden").mkdir()
    return found


@pytest.fixture(scope="module")
def opened(home, tmp_path_factory):
    """A server whose person lives in that home; all tests of this module go on with it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        library = Library(tmp_path_factory.mktemp("library"))
        library.save(mosaic_map())
        with pages.serving(library) as site:
            yield site


@pytest.fixture
def searched(opened, home):
    """That server with the home's photos searched, whichever test this process begins with."""
    if all("Two" in each["name"] for each in opened.state()["maps"]):
        opened.find(opened.open(home / "Pictures" / "Holiday"))
    return opened


def mosaic_map():
    sensor = Sensor("Example Works", "Example Two", "8", 64, 48, "bayer-RGGB")
    return DefectMap(sensor, (Defect(x=9, y=8, kind="hot", score=9.0, q=1e-6, state="confirmed"),))


def own(site):
    """Return what the page knows of the map of the home's photos."""
    return next(each for each in site.state()["maps"] if "Two" not in each["name"])


def saved(site):
    """Return the map of the home's photos."""
    return next(kept for _, kept in site.desk.library.maps() if kept.sensor.model != "Example Two")


def judged(site):
    return [one for one in saved(site) if one.state in {"accepted", "rejected"}]


def test_a_stranger_finds_judges_undoes_and_repairs_in_at_most_six_clicks_each(
    opened, browser, home
):
    with browsing.visiting(browser, opened) as page:
        who = Stranger(page)

        # Find
        assert page.locator("h2", has_text="broken pixels of your camera").is_visible()
        who.click("#browse")
        assert ".hidden" not in page.inner_text("#picker-folders")
        who.click("#picker-folders >> text=Pictures")
        who.click("#picker-folders >> text=Holiday")
        browsing.until(
            page, "/^21 photos/.test(document.getElementById('picker-photos').textContent)"
        )
        who.click("#picker-open")
        who.click(".find:enabled")
        page.wait_for_selector("text=Judge them")
        assert who.clicks <= MOST_CLICKS
        assert "broken pixels in" in page.inner_text(".outcome")
        assert page.locator(".thumbnails img").count() == 8
        browsing.until(
            page,
            "[...document.querySelectorAll('.thumbnails img')].some((it) => it.naturalWidth > 40)",
        )

        # Judge three
        who.begins()
        who.click("text=Judge them")
        page.wait_for_selector(".sight[aria-current] img")
        for state in ("accept", "reject", "accept"):
            count = len(judged(opened))
            who.click(f"#{state}")
            browsing.soon(lambda count=count: len(judged(opened)) == count + 1, page)
        assert who.clicks <= MOST_CLICKS
        crop = page.locator(".sight[aria-current] img").first
        browsing.soon(
            lambda: (box := crop.bounding_box()) and min(box["width"], box["height"]) >= 200, page
        )

        # Undo
        who.begins()
        who.click("#undo")
        browsing.soon(lambda: len(judged(opened)) == 2, page)
        assert who.clicks <= MOST_CLICKS

        # Repair a folder
        who.begins()
        who.click("nav >> text=Repair")
        who.click("#repair-form >> text=Repair >> nth=-1")
        page.wait_for_selector("text=Copies are in")
        assert who.clicks <= MOST_CLICKS
        assert len(list((home / "Pictures" / "Holiday-repaired").glob("*.JPG"))) == 20

        # What RawTherapee cannot use is grey, with the reason
        page.click("#downloads summary")
        assert "RawTherapee counts photosites" in page.inner_text("#downloads")


def test_the_map_of_a_raw_camera_goes_to_rawtherapee_in_at_most_six_clicks(opened, browser):
    (raw,) = [each["id"] for each in opened.state()["maps"] if "Two" in each["name"]]
    with browsing.visiting(browser, opened) as page:
        who = Stranger(page)
        who.click("nav >> text=Judge")
        page.wait_for_selector(f"#judge-map option[value={raw}]", state="attached")
        page.select_option("#judge-map", raw)
        who.clicks += 2  # on the list of cameras, and on one of them
        page.wait_for_selector("#detail-title:text('9, 8')")
        who.click("#judge-lists summary")
        with page.expect_download() as taken:
            who.click("#judge-lists >> text=RawTherapee")

        assert who.clicks <= MOST_CLICKS
        assert taken.value.path().read_text(encoding="utf-8").splitlines()[-1] == "9 8"


def test_the_report_opens_with_its_own_policy_and_a_list_comes_back(searched, browser, tmp_path):
    with browsing.visiting(browser, searched) as page:
        page.click("nav >> text=Repair")
        page.wait_for_selector("#downloads >> text=Open the report")
        with page.context.expect_page() as opening:
            page.click("#downloads >> text=Open the report")
        report = opening.value
        report.wait_for_selector("body[data-ready]")  # its script runs, and so its policy lets it
        assert "broken pixels in" in report.inner_text(".summary")
        assert report.locator("article img").count() > 5
        styled = report.evaluate("getComputedStyle(document.querySelector('article')).borderRadius")
        assert styled == "8px"
        report.close()

        listed = tmp_path / "other.csv"
        listed.write_text("x,y\n5,6\n", encoding="utf-8")
        page.select_option("#import-format", "csv")
        page.set_input_files("#import-file", str(listed))
        page.click("#import-form button")
        browsing.said(page, "1 pixel added")
    assert (5, 6) in {(one.x, one.y) for one in saved(searched) if one.state == "accepted"}


def test_words_have_their_meaning_beside_them(searched, browser):
    with browsing.visiting(browser, searched) as page:
        page.click("nav >> text=Judge")
        page.wait_for_selector("#detail-facts .term")
        told = page.get_attribute("#detail-facts .term:text('doubt')", "title")
        assert "likely wrong" in told
        page.click("#detail-facts .term:text('doubt')")
        assert page.inner_text("#words-list .asked dd") == told
        assert "leaks charge" in page.inner_text("#words-list")
        page.keyboard.press("Escape")
        assert "wrong" in page.inner_text("#judge-count")


def test_a_photo_that_cannot_be_shown_makes_way_for_one_that_can(browser, tmp_path):
    paths = series.write(tmp_path / "photos", range(6))
    longest = series.jpeg(series.scene(9), {33434: (4, 1)})
    paths[2].write_bytes(longest[: len(longest) // 2])
    library = Library(tmp_path / "library")
    library.save(DefectMap(read_header(paths[0]).sensor, (Defect(x=40, y=30, score=9.0),)))
    with pages.serving(library) as site:
        site.open(tmp_path / "photos")
        with browsing.visiting(browser, site, refused=422) as page:
            page.click("nav >> text=Judge")
            number = browsing.shown(page, "judge-viewer").partition("-")[2]
            browsing.until(
                page, "[...document.querySelectorAll('#judge-photo option:disabled')].length"
            )
            assert number != "2"
            assert "IMG_0002.JPG cannot be shown" in page.inner_text("#judge-photo option:disabled")
            page.click("nav >> text=Repair")
            assert browsing.shown(page, "compare-viewer").partition("-")[2] != "2"


def test_each_step_is_whole_at_four_widths_in_light_and_dark(searched, browser):
    first = own(searched)["id"]
    steps = {
        "photos": ("#photos", ".thumbnails img"),
        "judge": (f"#judge/{first}", ".sight[aria-current] img"),
        "repair": ("#repair", "#after-viewer[data-shown]"),
    }
    with browsing.visiting(browser, searched, refused=422) as page:
        for name, (address, ready) in steps.items():
            browsing.begin(page, searched, address)
            page.wait_for_selector(ready)
            taken = {"light": [], "dark": []}
            for width, height in WINDOWS.items():
                page.set_viewport_size({"width": width, "height": height})
                browsing.settled(page)
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                for scheme, shots in taken.items():
                    page.emulate_media(color_scheme=scheme)
                    shots.append(seen_in(page, width))
            for scheme, shots in taken.items():
                browsing.sheet(shots, f"page-{name}-{scheme}")
                # The head of the page is its lightest or its darkest part.
                heads = [np.asarray(shot.convert("L"))[10:40, -60:-20] for shot in shots]
                assert all((np.median(head) > 128) == (scheme == "light") for head in heads)


def seen_in(page, width):
    """Return a picture of the whole window, where pictures are to be kept, or of its head."""
    if os.environ.get(browsing.PICTURES):
        page.wait_for_timeout(400)
        return browsing.seen_now(page)
    return browsing.seen_now(page, clip={"x": 0, "y": 0, "width": width, "height": 50})
