"""The log beside repaired photos: nothing earlier is lost, whatever runs, or is in the file."""

from __future__ import annotations

import json

import pytest

from stillpix.restoration import log as fixlog
from stillpix.restoration.log import LOG_NAME, FixLog, merged


def entry(target, before, after, **more):
    return {"target": target, "before": before, "after": after, "time": "now", **more}


def noted(folder):
    document = json.loads((folder / LOG_NAME).read_text(encoding="utf-8"))
    return [(each["target"], each["before"], each["after"]) for each in document["photos"]]


def write(folder, *entries):
    log = FixLog()
    for each in entries:
        log.add(folder, each)
    log.close()
    return log.troubles


def test_each_change_is_kept_and_a_run_that_changes_nothing_adds_nothing(tmp_path):
    write(tmp_path, entry("a", "0", "1"), entry("b", "5", "5"))
    first = (tmp_path / LOG_NAME).stat()
    write(tmp_path, entry("a", "1", "1"), entry("b", "5", "5"))
    assert (tmp_path / LOG_NAME).stat().st_ino == first.st_ino

    write(tmp_path, entry("a", "1", "2"), entry("c", "7", "8"))

    assert noted(tmp_path) == [
        ("a", "0", "1"), ("b", "5", "5"), ("a", "1", "2"), ("c", "7", "8"),
    ]  # fmt: skip


def test_two_runs_at_once_lose_nothing_of_each_other(tmp_path):
    one, other = FixLog(), FixLog()
    one.add(tmp_path, entry("a", "0", "1"))
    other.add(tmp_path, entry("b", "0", "1"))
    one.close()
    other.close()
    one.add(tmp_path, entry("c", "0", "1"))
    one.close()

    assert [target for target, _, _ in noted(tmp_path)] == ["a", "b", "c"]


def test_a_long_run_writes_its_log_now_and_then(tmp_path, monkeypatch):
    monkeypatch.setattr(fixlog, "EVERY_S", -1.0)
    monkeypatch.setattr(fixlog, "LARGEST_SHARE", 0)
    log = FixLog()

    log.add(tmp_path, entry("a", "0", "1"))

    assert noted(tmp_path) == [("a", "0", "1")]


def test_each_folder_has_a_log_of_its_own(tmp_path):
    (tmp_path / "deep").mkdir()
    log = FixLog()
    for folder in (tmp_path, tmp_path / "deep"):
        log.add(folder, entry("a", "0", "1"))
    log.close()

    assert log.paths == [tmp_path / LOG_NAME, tmp_path / "deep" / LOG_NAME]
    assert noted(tmp_path / "deep") == [("a", "0", "1")]


def test_the_logs_are_named_in_the_order_of_their_folders_whichever_photo_ended_first(tmp_path):
    deep = tmp_path / "deep"
    deep.mkdir()
    log = FixLog()
    for folder in (deep, tmp_path):
        log.add(folder, {"target": "a.jpg", "before": "1", "after": "2"})
    log.close()

    assert log.paths == [tmp_path / LOG_NAME, deep / LOG_NAME]


def test_a_name_that_is_no_text_can_be_noted_and_read_again(tmp_path):
    write(tmp_path, entry("caf\udce9.jpg", "0", "1"))
    write(tmp_path, entry("b", "0", "1"))

    assert [target for target, _, _ in noted(tmp_path)] == ["caf\udce9.jpg", "b"]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"null", b"[1]", b"{}", b"\xff\xfe", b'{"format": "stillpix-map", "photos": []}',
        b'{"format": "stillpix-fix", "version": 2, "photos": []}',
        b'{"format": "stillpix-fix", "version": 1, "photos": [3]}',
        b'{"format": "stillpix-fix", "version": 1}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_log_or_a_newer_one_is_put_aside_not_lost(tmp_path, content):
    (tmp_path / LOG_NAME).write_bytes(content)

    troubles = write(tmp_path, entry("a", "0", "1"))

    assert len(troubles) == 1
    assert (tmp_path / f"{LOG_NAME}.unusable1").read_bytes() == content
    assert noted(tmp_path) == [("a", "0", "1")]


def test_a_log_that_somebody_edited_is_merged_all_the_same():
    strange = [{"target": ["a"], "before": {}}, {}, {"target": "b", "after": None}]

    assert merged(strange, [entry("b", "0", "1")]) == [*strange, entry("b", "0", "1")]
