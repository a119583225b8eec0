"""The page in a real browser: from a folder to a judged map and repaired photos."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from stillpix import fix, scan
from stillpix.images.gather import gather
from stillpix.maps.lens_laws import LensLaw
from support import browsing, series

pytestmark = browsing.needs_chromium
UNDER_WAY = "/^[4-9] of 21 .* left/.test(document.querySelector('.job .numbers').textContent)"
CLOSE_UP = 60  # px of the photo that the page shows around a chosen pixel


@pytest.fixture(scope="module")
def scanned(demo_series, tmp_path_factory):
    from stillpix.maps.library import Library

    library = Library(tmp_path_factory.mktemp("scanned"))
    list(scan.scan(gather([demo_series]), library=library, fast=True))
    return library


@pytest.fixture
def judged(site, scanned, demo_series):
    """A server with the demo series opened and its map found."""
    shutil.copytree(scanned.root, site.desk.library.root, dirs_exist_ok=True)
    site.open(demo_series)
    return site


def saved(site):
    ((_, kept),) = site.desk.library.maps()
    return kept


def states(site):
    return {(defect.x, defect.y): defect.state for defect in saved(site)}


def chosen(page):
    """Return the place that the page's address names; Playwright's own copy of it comes later."""
    return tuple(map(int, re.search(r"/(\d+),(\d+)$", page.evaluate("location.hash")).groups()))


def test_a_scan_is_watched_reloaded_and_seen_in_two_tabs(site, browser, demo_series, held):
    scan_at_six = held("find", after=6)
    with browsing.visiting(browser, site, tabs=2) as (page, other):
        browsing.open_folder(page, demo_series)
        page.click(".find")
        browsing.until(page, UNDER_WAY)
        assert re.search(
            r"\d+ of 21 photos · [\d.]+ photos/s · \d+ (s|min) left",
            page.inner_text(".job .numbers"),
        )
        browsing.picture(page, "page-finding-1280")

        browsing.begin(page, site)  # a reload in the middle
        browsing.until(page, UNDER_WAY)
        assert page.is_visible("button:text('Stop')")
        assert other.inner_text(".job h3") == page.inner_text(".job h3")
        page.set_viewport_size({"width": 390, "height": 844})
        browsing.picture(page, "page-finding-390")
        scan_at_six.let_go()
        for tab in (page, other):
            tab.wait_for_selector("text=Judge them")
            assert tab.inner_text(".job summary") == "1 file not used"
        page.click(".job summary")
        assert "cut.jpg" in page.inner_text(".job .files")

    assert saved(site).evidence.photos == 20


def test_what_is_sure_so_far_is_shown_until_all_photos_are_read(site, browser, demo_series, held):
    scan_at_six = held("find", after=6)
    with browsing.visiting(browser, site) as page:
        browsing.open_folder(page, demo_series)
        page.check("label:has-text('Stop when more photos would change little') input")
        page.click(".find")
        browsing.until(page, UNDER_WAY)
        job = site.desk.jobs.named(site.desk.jobs.summaries()[-1]["id"])
        job.so_far([(x, 7) for x in range(12)], 6)
        page.wait_for_selector("text=12 broken pixels sure after 6 photos")
        scan_at_six.let_go()
        page.wait_for_selector("text=Judge them")
        assert "sure after" not in page.inner_text(".job")


def test_a_scan_can_be_stopped_from_the_page(site, browser, demo_series, held):
    scan_at_six = held("find", after=6)
    with browsing.visiting(browser, site) as page:
        browsing.open_folder(page, demo_series)
        page.click(".find")
        browsing.until(page, UNDER_WAY)
        page.click("button:text('Stop')")
        page.wait_for_selector("text=stopping after the photos being read")
        scan_at_six.let_go()
        page.wait_for_selector("text=everything done so far is kept")
        told = re.search(r"stopped: (\d+) read, (\d+) left", page.inner_text(".job .phase"))

    photos = saved(site).evidence.photos
    assert 0 < photos < 20
    assert int(told[1]) == photos
    assert 19 <= int(told[1]) + int(told[2]) <= 21


def test_one_is_rejected_one_is_added_and_both_are_in_the_saved_map(judged, browser, demo_series):
    with browsing.visiting(browser, judged) as page:
        page.click("nav >> text=Judge")
        browsing.shown(page, "judge-viewer")
        first = chosen(page)
        doubts = [defect.q for defect in sorted(saved(judged), key=lambda one: -one.q)]
        assert next(one.q for one in saved(judged) if (one.x, one.y) == first) == doubts[0]
        page.click("#reject")
        browsing.said(page, "rejected")
        page.wait_for_selector("#gallery [data-state=rejected]")
        assert states(judged)[first] == "rejected"

        x, y = chosen(page)
        assert (x, y) != first
        photo = page.eval_on_selector("#judge-photo", "it => it.selectedOptions[0].text").split()[0]
        page.click("#zoom-defect")
        browsing.picture(page, "page-judging-1280")
        stage = page.locator("#judge-viewer").bounding_box()
        scale = min(stage["width"], stage["height"]) / CLOSE_UP
        clicked = (x + 8, y + 3)
        page.click("#add-pixel")
        page.mouse.click(
            stage["x"] + stage["width"] / 2 + 8 * scale,
            stage["y"] + stage["height"] / 2 + 3 * scale,
        )
        browsing.said(page, "Added")
        added = chosen(page)
        assert added == extreme(demo_series / photo, *clicked)
        assert states(judged)[added] == "accepted"
        assert states(judged)[first] == "rejected"

        page.click("#undo")
        browsing.said(page, "Undone")
        assert added not in states(judged)
        page.click("#redo")
        browsing.said(page, "Redone")
        assert states(judged)[added] == "accepted"
        browsing.begin(page, judged, page.evaluate("location.hash"))
        page.wait_for_selector("#gallery [data-state=accepted]")
        page.set_viewport_size({"width": 390, "height": 844})
        browsing.picture(page, "page-judging-390")


def extreme(path, x, y):
    """Return the pixel within two of a place that departs most from what is around it."""
    pixels = np.asarray(Image.open(path)).astype(int)
    around = pixels[max(y - 4, 0) : y + 5, max(x - 4, 0) : x + 5].reshape(-1, 3)
    middle = np.median(around, axis=0)
    best = None
    for row in range(y - 2, y + 3):
        for column in range(x - 2, x + 3):
            away = (column - x) ** 2 + (row - y) ** 2
            rank = (np.abs(pixels[row, column] - middle).max(), -away)
            if best is None or rank > best[0]:
                best = (rank, (column, row))
    return best[1]


def test_repair_is_compared_tried_and_done(judged, browser, demo_series, tmp_path_factory):
    few = tmp_path_factory.mktemp("trip")
    copies, written = few.with_name("copies"), few.with_name("fixed.jpg")
    for number in (7, 14):
        shutil.copy2(demo_series / f"IMG_{number:04}.JPG", few)
    judged.open(few)
    with browsing.visiting(browser, judged) as page:
        page.click("nav >> text=Repair")
        number = int(browsing.shown(page, "compare-viewer").partition("-")[2])
        browsing.shown(page, "after-viewer")
        photo = judged.desk.folders.all()[-1].photos[number].header.path
        # The strongest is in the middle of both halves, and only one of them shows it repaired.
        before = middle_of(page, "compare-viewer")
        browsing.soon(lambda: np.abs(before - middle_of(page, "after-viewer")).max() > 30, page)
        repaired = middle_of(page, "after-viewer")
        browsing.picture(page, "page-repair-1280")
        page.keyboard.down("b")
        browsing.soon(lambda: np.array_equal(before, middle_of(page, "after-viewer")), page)
        page.keyboard.up("b")
        browsing.soon(lambda: np.array_equal(repaired, middle_of(page, "after-viewer")), page)

        page.click("text=Blink")  # now there is one stage, which shows both in turn
        for seen in (before, repaired):
            browsing.soon(
                lambda seen=seen: np.array_equal(seen, middle_of(page, "compare-viewer")), page
            )
        page.click("text=Divider")  # and now the pixel is left of the divider
        browsing.soon(
            lambda: np.array_equal(before, middle_of(page, "compare-viewer", across=0.25)), page
        )
        page.click("text=16:1")
        first = page.inner_text("#compare-says")
        page.click("#compare-next")
        assert page.inner_text("#compare-says") != first
        page.click("#compare-previous")
        assert page.inner_text("#compare-says") == first

        page.click("#dry-run")
        page.wait_for_selector("text=would be repaired")
        assert not copies.exists()
        page.fill("#copies", str(copies))
        page.click("#repair-form >> text=Repair >> nth=-1")
        page.wait_for_selector(f"text=Copies are in {copies}")
        with page.expect_download() as map_download:
            page.click("#downloads >> text=stillpix")
        with page.expect_download() as photo_download:
            page.click(f"#downloads >> text={photo.name}")
        page.set_viewport_size({"width": 390, "height": 844})
        page.evaluate("scrollTo(0, 0)")
        browsing.picture(page, "page-repair-390")
        kept = judged.desk.library.map_path(saved(judged).sensor).read_bytes()
        assert map_download.value.path().read_bytes() == kept
        fix(photo, saved(judged), written)
        fixed = written.read_bytes()
        assert photo_download.value.path().read_bytes() == fixed
        assert (copies / photo.name).read_bytes() == fixed


def middle_of(page, viewer, across=0.5):
    """Return the colour in the middle of a photo's stage, or halfway down elsewhere."""
    box = page.locator(f"#{viewer}").bounding_box()
    x, y = int(box["x"] + box["width"] * across), int(box["y"] + box["height"] / 2)
    clip = {"x": x, "y": y, "width": 1, "height": 1}
    return np.asarray(browsing.seen_now(page, clip=clip))[0, 0].astype(int)


def test_a_decision_in_one_tab_is_seen_in_the_other(judged, browser):
    with browsing.visiting(browser, judged, tabs=2) as (page, other):
        for tab in (page, other):
            tab.click("nav >> text=Judge")
            tab.wait_for_selector("#gallery [aria-current]")
        page.click("#accept")
        other.wait_for_selector("#gallery [data-state=accepted]")
        other.click("#undo")
        page.wait_for_selector("#gallery [data-state=accepted]", state="detached")


def test_finding_and_judging_can_be_done_with_the_keyboard_alone(site, browser, demo_series):
    with browsing.visiting(browser, site) as page:
        keys = page.keyboard
        tab_to(page, "open-path")
        keys.type(str(demo_series))
        keys.press("Enter")
        page.wait_for_selector(".find:enabled")
        tab_to(page, "find")
        keys.press("Enter")
        page.wait_for_selector("text=Judge them")
        page.evaluate("document.activeElement.blur()")
        keys.press("2")
        browsing.shown(page, "judge-viewer")
        first = chosen(page)
        keys.press("j")
        second = chosen(page)
        keys.press("k")
        assert chosen(page) == first != second
        keys.press("r")
        browsing.said(page, "rejected")
        assert chosen(page) == second
        keys.press("a")
        browsing.said(page, "accepted")
        assert (states(site)[first], states(site)[second]) == ("rejected", "accepted")
        keys.press("u")
        browsing.said(page, "Undone")
        assert states(site)[second] not in {"accepted", "rejected"}
        keys.press("Shift+U")
        browsing.said(page, "Redone")
        keys.press("Control+z")
        browsing.said(page, "Undone")
        before = set(states(site))
        keys.press("n")
        for _ in range(3):
            keys.press("ArrowRight")
        keys.press("Enter")
        browsing.until(
            page, "document.getElementById('said').textContent.match(/Added|in the map/)"
        )
        assert len(states(site)) >= len(before)
        assert states(site)[chosen(page)] == "accepted"
        keys.press("?")
        assert page.is_visible("#keys")
        keys.press("Escape")
        assert not page.is_visible("#keys")


def test_a_repair_can_be_tried_and_stopped_with_the_keyboard_alone(judged, browser, held):
    repair_at_two = held("fix", after=2)
    with browsing.visiting(browser, judged, refused=422) as page:  # the thumbnail of cut.jpg
        keys = page.keyboard
        keys.press("3")
        browsing.shown(page, "compare-viewer")
        keys.press("j")
        browsing.until(
            page, "/pixel 2 of/.test(document.getElementById('compare-says').textContent)"
        )
        tab_to(page, "dry-run")
        keys.press("Enter")
        tab_to(page, "stop")
        keys.press("Enter")
        page.wait_for_selector("text=stopping after the photos being read")
        repair_at_two.let_go()
        page.wait_for_selector("text=photos not looked at.")


def tab_to(page, wanted):
    """Press Tab until the element of this id or class has the focus."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate(
            "wanted => document.activeElement.id === wanted"
            " || document.activeElement.classList.contains(wanted)",
            wanted,
        ):
            return
    pytest.fail(f"Tab does not lead to {wanted}")


def test_the_keys_and_manners_of_other_photo_programs_work_here(judged, browser):
    with browsing.visiting(browser, judged, refused=422) as page:  # the thumbnail of cut.jpg
        keys = page.keyboard
        keys.press("2")
        browsing.shown(page, "judge-viewer")
        first = chosen(page)
        keys.press("ArrowRight")
        assert chosen(page) != first
        keys.press("ArrowLeft")
        assert chosen(page) == first
        assert re.fullmatch(r"1 of \d+", page.inner_text("#detail-count"))
        near = page.locator("#judge-viewer").screenshot()
        keys.press("z")
        browsing.soon(lambda: page.locator("#judge-viewer").screenshot() != near, page)
        keys.press("x")
        browsing.said(page, "rejected")
        assert states(judged)[first] == "rejected"

        keys.press("3")
        browsing.shown(page, "compare-viewer")
        pressed = "#sizes [aria-pressed=true]"
        assert page.inner_text(pressed) == "8:1"
        page.hover("#compare-viewer")
        page.mouse.wheel(0, 240)  # now no button tells how large a pixel is
        browsing.until(page, "/:/.test(document.getElementById('size-now').textContent)")
        assert page.locator(pressed).count() == 0
        keys.press("f")
        browsing.soon(lambda: page.inner_text(pressed) == "Fit", page)
        keys.press("y")
        assert page.get_attribute("#compare-stage", "data-view") == "divide"
        page.eval_on_selector("#split", "it => { it.value = 20; }")
        page.dblclick(".divider")
        assert page.input_value("#split") == "50"
        before = page.input_value("#repair-photo")
        page.click("#filmstrip button:enabled[aria-pressed=false] >> nth=0")
        browsing.soon(lambda: page.input_value("#repair-photo") != before, page)
        now = page.get_attribute("#filmstrip [aria-pressed=true]", "data-photo")
        assert now == page.input_value("#repair-photo")


def test_single_keys_can_be_turned_off(judged, browser):
    with browsing.visiting(browser, judged) as page:
        page.click("nav >> text=Judge")
        page.wait_for_selector("#gallery [aria-current]")
        page.click("#show-keys")
        page.uncheck("#single-keys")
        page.keyboard.press("Escape")
        page.keyboard.press("r")
        page.wait_for_timeout(200)

    assert "rejected" not in states(judged).values()


def test_the_sensor_map_zooms_and_takes_the_pixel_that_is_clicked(judged, browser):
    with browsing.visiting(browser, judged) as page:
        page.click("nav >> text=Judge")
        browsing.shown(page, "judge-viewer")
        first = chosen(page)
        page.focus("#sensor")
        blank = page.locator("#sensor").screenshot()
        for key in ("+", "+", "ArrowLeft", "ArrowUp"):
            page.keyboard.press(key)
        browsing.soon(lambda: page.locator("#sensor").screenshot() != blank, page)
        page.click("#sensor-fit")
        page.click("#sensor-out")
        page.focus("#sensor")
        page.keyboard.press("Enter")
        sensor = saved(judged).sensor
        middle = min(
            states(judged),
            key=lambda at: (at[0] - sensor.width / 2) ** 2 + (at[1] - sensor.height / 2) ** 2,
        )
        assert chosen(page) == middle != first


def test_names_with_script_in_them_are_text(site, browser, tmp_path):
    evil = "<img src=x onerror=document.title=1>"
    folder = tmp_path / f"{evil} folder"
    folder.mkdir()
    (folder / f"{evil}.jpg").write_bytes(series.jpeg(series.scene(1), {271: evil, 272: evil}))
    (folder / f"{evil} broken.jpg").write_bytes(b"no photo")
    with browsing.visiting(browser, site, refused=415) as page:
        browsing.open_folder(page, folder)
        assert evil in page.inner_text("#folders")
        page.click(".folder .skipped summary")
        assert f"{evil} broken.jpg" in page.inner_text(".folder .files")
        page.set_input_files(
            "#files",
            [{"name": f"{evil}.txt", "mimeType": "text/plain", "buffer": b"<script>1</script>"}],
        )
        page.wait_for_selector("#refused-files li")
        assert evil in page.inner_text("#refused-files")
        page.click("nav >> text=Judge")
        page.wait_for_selector("#judge-photo option", state="attached")
        assert evil in page.text_content("#judge-photo")
        assert page.locator("main img[src=x]").count() == 0
        assert page.title().startswith("Judge")


def test_the_page_says_that_a_law_of_the_lens_could_not_be_told(judged, browser):
    found = saved(judged)
    untold = replace(found.evidence, untold_mm=(24.0, 70.0))
    judged.desk.library.save(replace(found, evidence=untold))
    with browsing.visiting(browser, judged) as page:
        page.wait_for_selector(".folder .cameras .notes li")
        of_folder = page.inner_text(".folder .cameras")
        page.click("nav >> text=Judge")
        browsing.shown(page, "judge-viewer")
        of_map = page.inner_text("#judge-remarks")

    for told in (of_folder, of_map):
        assert "do not tell whether this camera straightens its lens (24-70 mm)" in told


def test_marks_lie_where_a_corrected_photo_shows_the_pixels(browser, site):
    law = LensLaw("", (24.0,), ((0.01, -0.08, 0.005),))
    photo = {"width": 640, "height": 480, "terms": law.terms[0]}
    places = [(600, 31), (12, 470), (320, 240)]
    with browsing.visiting(browser, site) as page:
        told = page.evaluate(
            """async ([places, photo]) => {
                const { inPhoto } = await import("./static/lens.js");
                return places.map(([x, y]) => Object.values(inPhoto({ x, y }, photo)));
            }""",
            [places, photo],
        )

    expected = law.in_picture(np.array(places, float), 24.0, (640, 480)).round()
    assert told == expected.astype(int).tolist()
