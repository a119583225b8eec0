"""The report in a real browser: by keyboard, without a network, in light and dark, on paper."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from stillpix.images.gather import Skipped
from stillpix.maps.records import Defect, Run
from stillpix.report import Report, write_report
from stillpix.report.section import Detail
from stillpix.simulate import CameraSettings, SimulatedCamera, write_series
from support import browsing, reports
from support.effort import spread
from support.places import AXE

pytest.importorskip("playwright", reason="Playwright is not installed")
pytestmark = browsing.needs_chromium
FOCUSED = "document.activeElement.textContent"
KINDS = "rows => rows.map(row => row.cells[2].textContent.trim())"
SORTED = (
    "[...document.querySelector('.defects').tBodies[0].rows].map(row => row.cells[{}].innerText)"
)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report of two simulated cameras, and of a file that is no photo."""
    folder = tmp_path_factory.mktemp("report")
    for seed, photos in ((5, 20), (6, 8)):
        settings = CameraSettings(width=420, height=280, defects=24)
        write_series(folder / f"{seed}", SimulatedCamera(settings, seed=seed), photos=photos)
    (folder / "5" / "cut.jpg").write_bytes((folder / "5" / "IMG_0001.JPG").read_bytes()[:2000])
    ran = reports.run("find", folder, "--out", folder / "maps", "--report", folder / "r.html")
    assert ran.exit_code == 1, ran.output
    return folder / "r.html"


@pytest.fixture(scope="module")
def of_one(report, tmp_path_factory):
    path = tmp_path_factory.mktemp("one") / "r.html"
    ran = reports.run(
        "find", report.parent / "5" / "IMG_*.JPG", "--out", path.parent, "--report", path
    )
    assert ran.exit_code == 0, ran.output
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A report with all that there can be in one, of few defects: axe looks at every element."""
    sections = [reports.noisy_section(3, photos=20, seed=seed) for seed in (1, 2)]
    run = Defect(x=0, y=9, run=Run("row", 0, 90), state="rejected")
    candidate = Defect(x=5, y=5, kind="bright", site="R", state="candidate", q=0.2, score=4.0)
    listed = (candidate, run, *sections[0].defects)
    details = (Detail(candidate), Detail(run), *sections[0].details)
    sensor = replace(reports.SENSOR, serial="8")
    other = replace(sections[1], map=replace(sections[1].map, sensor=sensor))
    sections = [replace(sections[0], defects=listed, details=details, notes=("A note.",)), other]
    path = tmp_path_factory.mktemp("small") / "r.html"
    write_report(Report(sections, [Skipped("a.jpg", "is empty; delete it")], ["a note"]), path)
    return path


def tab_to(page, words):
    """Press Tab until what has the focus says so."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED) == words:
            return
    raise AssertionError(f"Tab never came to {words!r}")


def test_the_table_is_sorted_by_keyboard(of_one, browser):
    with reports.visiting(browser, of_one) as page:
        before = page.evaluate(SORTED.format(0))
        tab_to(page, "x")
        page.keyboard.press("Enter")
        rising = [int(x) for x in page.evaluate(SORTED.format(0))]
        page.keyboard.press("Space")
        falling = [int(x) for x in page.evaluate(SORTED.format(0))]

        assert [int(x) for x in before] != sorted(map(int, before))
        assert rising == sorted(map(int, before))
        assert falling == rising[::-1]
        assert page.get_attribute(".defects th:nth-child(1)", "aria-sort") == "descending"
        assert page.get_attribute(".defects th:nth-child(2)", "aria-sort") == "none"


def test_what_is_not_known_is_sorted_last_both_ways(small, browser):
    with reports.visiting(browser, small) as page:
        column = page.locator("th", has_text="strength").first
        for _ in range(2):
            column.locator("button").press("Enter")
            at = column.evaluate("head => head.cellIndex")
            shown = page.evaluate(SORTED.format(at))
            known = [value for value in shown if value != "–"]
            values = [float(value) for value in known]

            assert shown[: len(known)] == known
            assert len(known) < len(shown)
            assert values in (sorted(values), sorted(values)[::-1])


def test_the_table_the_picture_and_the_details_are_filtered_by_keyboard(of_one, browser):
    with reports.visiting(browser, of_one) as page:
        kinds = Counter(page.locator(".defects tbody tr").evaluate_all(KINDS))
        total, (kind, number) = kinds.total(), kinds.most_common()[-1]
        page.focus("#s0-kind")
        page.keyboard.type(kind)

        assert number < total
        shown = page.locator(".defects tbody tr:visible").evaluate_all(KINDS)
        assert shown == [kind] * number
        assert page.locator("article:visible").count() == number
        assert page.locator(".mark:not(.away) title").count() == number
        assert f"{number} of {total} shown" in page.inner_text(".defects caption")

        page.focus("#s0-score")
        page.keyboard.type("1e9")
        assert page.locator(".defects tbody tr:visible").count() == 0
        tab_to(page, "Show all")
        page.keyboard.press("Enter")
        page.wait_for_selector(".defects tbody tr:visible")
        assert page.locator(".defects tbody tr:visible").count() == total
        assert page.locator("article:visible").count() == total


def test_text_is_looked_for_in_all_columns(of_one, browser):
    with reports.visiting(browser, of_one) as page:
        page.fill("#s0-text", "candidate")
        rows = page.locator(".defects tbody tr:visible").all_inner_texts()

        assert all("candidate" in row for row in rows)
        assert len(rows) < page.locator(".defects tbody tr").count()


def test_the_arrow_keys_go_from_defect_to_defect_on_the_sensor(of_one, browser):
    with reports.visiting(browser, of_one) as page:
        first = page.inner_text(".defects tbody tr:nth-child(1) td")
        second = page.inner_text(".defects tbody tr:nth-child(2) td")
        page.focus(".map .mark[tabindex='0']")
        page.keyboard.press("ArrowRight")

        assert page.inner_text(".readout").startswith(f"{second}, ")
        assert "near" in page.get_attribute(".defects tbody tr:nth-child(2)", "class")
        page.keyboard.press("ArrowLeft")
        assert page.inner_text(".readout").startswith(f"{first}, ")
        page.keyboard.press("Enter")  # a link to the details
        assert page.url.endswith("#s0d0")
        assert page.locator("#s0d0").is_visible()


def test_what_is_under_the_pointer_is_named(of_one, browser):
    with reports.visiting(browser, of_one) as page:
        page.hover(".map .mark[data-row='0']", force=True)

        assert re.match(r"\d+, \d+: \w+, confirmed", page.inner_text(".readout"))


def test_without_its_script_the_report_is_all_there(of_one, browser):
    with reports.visiting(browser, of_one, java_script_enabled=False) as page:
        rows = page.locator(".defects tbody tr").count()

        assert rows > 10
        assert page.locator("article").count() == rows
        assert not page.locator(".filters").is_visible()
        assert page.locator(".map a").count() == rows


def test_it_fits_its_window(report, browser):
    with reports.visiting(browser, report) as page:
        for width in (360, 390, 768, 1280, 2560):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "scheme"), spread((390, 1280), ("light", "dark")))
def test_axe_finds_nothing_wrong(small, browser, width, scheme):
    with reports.visiting(browser, small, width=width, color_scheme=scheme) as page:
        page.evaluate(AXE.read_text(encoding="utf-8"))
        told = page.evaluate("axe.run({resultTypes: ['violations']})")

    assert told["passes"]
    found = [(each["id"], [node["html"] for node in each["nodes"]]) for each in told["violations"]]
    assert found == []


def test_axe_would_find_what_is_wrong(small, browser, tmp_path):
    broken = tmp_path / "broken.html"
    page_text = small.read_text(encoding="utf-8")
    broken.write_text(re.sub(r' alt="[^"]*"', "", page_text), encoding="utf-8")
    with reports.visiting(browser, broken) as page:
        page.evaluate(AXE.read_text(encoding="utf-8"))
        told = page.evaluate("axe.run({resultTypes: ['violations']})")

    assert "image-alt" in {each["id"] for each in told["violations"]}


def test_a_script_that_is_not_its_own_does_not_run(of_one, browser, tmp_path):
    hostile = tmp_path / "hostile.html"
    added = "<main><script>document.title = 'taken'</script><img src=x onerror='document.title=1'>"
    text = of_one.read_text(encoding="utf-8").replace("<main>", added, 1)
    hostile.write_text(text, encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    page.goto(hostile.as_uri())
    title = page.title()
    context.close()

    assert title.startswith("Broken pixels of ")


def test_on_paper_it_is_dark_on_white_and_without_what_needs_a_hand(of_one, browser):
    with reports.visiting(browser, of_one, color_scheme="dark") as page:
        page.emulate_media(media="print")
        colours = page.evaluate(
            "(style => [style.color, style.backgroundColor])(getComputedStyle(document.body))"
        )

        assert colours == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
        assert not page.locator(".filters").is_visible()
        assert page.locator("article").first.is_visible()
        assert len(page.pdf(format="A4")) > 10_000


def test_pictures_of_the_report(of_one, browser):
    shots = []
    with reports.visiting(browser, of_one, height=1000) as page:
        detail = page.locator("article").first
        for seen, name in ((page, "report-1280"), (detail, "report-detail-1280")):
            browsing.picture(seen, name)
            shots.append(browsing.seen_now(seen))
    with reports.visiting(browser, of_one, width=390, height=844, color_scheme="dark") as page:
        browsing.picture(page, "report-390")
        shots.append(browsing.seen_now(page))

    for shot in shots:
        assert np.asarray(shot.convert("L")).std() > 10
