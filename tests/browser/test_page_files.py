"""Files that are dropped on the page in a real browser, and a notice when a run is done."""

from __future__ import annotations

import pytest

from support import browsing, series

pytestmark = browsing.needs_chromium


def test_photos_that_are_dropped_are_found_in(site, browser, tmp_path):
    paths = series.write(tmp_path / "photos", range(5))
    with browsing.visiting(browser, site) as page:
        drop(page, [(path.name, path.read_bytes()) for path in paths[:2]])
        page.wait_for_selector("text=2 photos received")
        page.set_input_files("#files", [str(path) for path in paths[2:]])
        page.wait_for_selector("text=3 photos received")
        browsing.until(page, "document.querySelector('#folders').textContent.includes('5 photos')")
        page.click(".find")
        page.wait_for_selector("text=Judge them")


def drop(page, files):
    listed = [[name, list(content)] for name, content in files]
    page.evaluate(
        """files => {
          const dropped = new DataTransfer();
          for (const [name, bytes] of files) {
            dropped.items.add(new File([new Uint8Array(bytes)], name));
          }
          document.getElementById("drop").dispatchEvent(
            new DragEvent("drop", { dataTransfer: dropped, bubbles: true, cancelable: true }));
        }""",
        listed,
    )


def test_a_folder_that_is_dropped_is_searched_through_with_its_subfolders(site, browser, tmp_path):
    paths = series.write(tmp_path / "photos", range(30, 33))
    with browsing.visiting(browser, site) as page:
        drop_folder(page, [(path.name, path.read_bytes()) for path in paths])
        page.wait_for_selector("text=3 photos received")


def drop_folder(page, files):
    """Drop a folder as the browser tells of one: entries, of which a reader gives some at a time.

    The first photo is in it, the others are in a folder within, beside a text.
    """
    listed = [[name, list(content)] for name, content in files]
    page.evaluate(
        """files => {
          const file = ([name, bytes]) => ({
            isFile: true, isDirectory: false, name,
            file: (give) => give(new File([new Uint8Array(bytes)], name)),
          });
          const folder = (name, entries) => ({
            isFile: false, isDirectory: true, name,
            createReader: () => {
              const left = [...entries];
              return { readEntries: (give) => give(left.splice(0, 2)) };
            },
          });
          const [first, ...others] = files.map(file);
          const within = folder("within", [...others, file(["notes.txt", [1]])]);
          const items = [{ webkitGetAsEntry: () => folder("Holiday", [first, within]) }];
          const dropped = new DragEvent("drop", { bubbles: true, cancelable: true });
          Object.defineProperty(dropped, "dataTransfer", { value: { items, files: [] } });
          document.getElementById("drop").dispatchEvent(dropped);
        }""",
        listed,
    )


LOOKS_AWAY = """
window.told = [];
window.Notification = class {
  static permission = "granted";
  constructor(title, options) { window.told.push([title, options.body]); }
};
Object.defineProperty(document, "hidden", { get: () => window.away });
"""


@pytest.mark.parametrize("away", [True, False])
def test_a_finished_run_notifies_who_looks_at_something_else(site, browser, tmp_path, away):
    series.write(tmp_path / "photos", range(40, 44))
    with browsing.visiting(browser, site) as page:
        page.evaluate(LOOKS_AWAY)
        page.evaluate("away => { window.away = away; }", away)
        page.set_input_files("#files", [str(path) for path in (tmp_path / "photos").iterdir()])
        page.wait_for_selector("text=4 photos received")
        page.click(".find")
        page.wait_for_selector("text=Judge them")

        told = page.evaluate("window.told")
        assert [title for title, _ in told] == ["stillpix"] * away
