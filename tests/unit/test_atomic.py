"""Writing: all of it or nothing, and a refusal that says what to do."""

from __future__ import annotations

import errno
import os

import pytest

from stillpix.atomic import (
    remove_leftovers,
    replacing,
    replacing_folder,
    set_aside,
    settled_folder,
    standing_in,
    write_atomically,
    write_error,
)
from stillpix.errors import WriteError


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_whole_and_alone(tmp_path):
    write_atomically(tmp_path / "a", b"old")
    write_atomically(tmp_path / "a", b"new")

    assert (tmp_path / "a").read_bytes() == b"new"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize(
    "failure", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt(), ValueError()]
)
def test_whatever_fails_half_way_the_old_file_stays(tmp_path, failure):
    write_atomically(tmp_path / "a", b"old")

    with (
        pytest.raises((WriteError, KeyboardInterrupt, ValueError)),
        replacing(tmp_path / "a") as file,
    ):
        file.write(b"ne")
        raise failure

    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")

    write_atomically(tmp_path / "a", b"new")

    assert (tmp_path / "a").is_symlink()
    assert (tmp_path / "b").read_bytes() == b"new"


def test_permissions_stay(tmp_path):
    write_atomically(tmp_path / "a", b"old")
    (tmp_path / "a").chmod(0o604)

    write_atomically(tmp_path / "a", b"new")

    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o604


def test_a_folder_is_never_replaced_by_a_file(tmp_path):
    (tmp_path / "a").mkdir()

    with pytest.raises(WriteError, match="is not a plain file"):
        write_atomically(tmp_path / "a", b"new")


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.ENOSPC, "the disk is full; free some space"),
        (errno.EACCES, "you may not write there; choose another place"),
        (errno.EROFS, "the disk is read-only; choose another place"),
        (errno.ENOENT, "its folder does not exist; make the folder first"),
        (errno.EIO, "could not be written (broken); choose another place"),
    ],
)
def test_a_refusal_names_the_file_and_the_remedy(code, remedy):
    assert str(write_error("maps/a.json", OSError(code, "broken"))).startswith(
        f"maps/a.json: {remedy}"
    )


def test_a_short_write_without_a_reason_on_a_full_disk_is_a_full_disk(tmp_path, monkeypatch):
    short = OSError("1000 requested and 10 written")  # as numpy puts it
    plain = str(write_error(tmp_path / "a", short))
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 0}))

    assert plain.endswith(
        "could not be written (1000 requested and 10 written); choose another place"
    )
    assert str(write_error(tmp_path / "a", short)).endswith("free some space and run again")


def test_a_write_for_which_numpy_sees_no_room_is_a_full_disk(tmp_path):
    refused = OSError("Not enough free space to write 96256000 bytes after offset 128")

    assert str(write_error(tmp_path / "a", refused)).endswith("free some space and run again")


def test_a_file_made_under_the_hidden_name_takes_the_old_ones_place_with_all_it_is(tmp_path):
    write_atomically(tmp_path / "a", b"old")

    with standing_in(tmp_path / "a") as beside:
        beside.write_bytes(b"new")
        beside.chmod(0o600)
        os.utime(beside, ns=(1, 7_000_000_000))
        assert (tmp_path / "a").read_bytes() == b"old"

    status = (tmp_path / "a").stat()
    assert (tmp_path / "a").read_bytes() == b"new"
    assert (status.st_mode & 0o777, status.st_mtime_ns) == (0o600, 7_000_000_000)
    assert names(tmp_path) == ["a"]


def test_a_hidden_file_that_was_never_made_is_a_refusal(tmp_path):
    write_atomically(tmp_path / "a", b"old")

    with pytest.raises(WriteError), standing_in(tmp_path / "a"):
        pass

    assert (tmp_path / "a").read_bytes() == b"old"


def test_old_leftovers_are_removed_and_nothing_else(tmp_path, monkeypatch):
    ours, others = ".stillpix-0123456789ab.tmp", [".stillpix-12.tmp", "a.tmp", "b"]
    for name in (ours, *others):
        (tmp_path / name).write_bytes(b"part")
    (tmp_path / ".stillpix-ba9876543210.tmp").mkdir()
    os.utime(tmp_path / ours, ns=(0, 0))  # a copy of an old photo, just being written

    remove_leftovers(tmp_path)
    assert ours in names(tmp_path)
    monkeypatch.setattr("stillpix.atomic.LEFTOVER_AGE_S", -1.0)
    remove_leftovers(tmp_path)
    remove_leftovers(tmp_path / "nowhere")

    assert names(tmp_path) == sorted([*others, ".stillpix-ba9876543210.tmp"])


# Folders


def fill(folder, content):
    with replacing_folder(folder) as beside:
        (beside / "x").write_bytes(content)


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    fill(tmp_path / "a", b"old")
    fill(tmp_path / "a", b"new")

    assert (tmp_path / "a" / "x").read_bytes() == b"new"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_whatever_fails_half_way_the_old_folder_stays(tmp_path, failure):
    fill(tmp_path / "a", b"old")

    with pytest.raises((WriteError, KeyboardInterrupt)), replacing_folder(tmp_path / "a") as beside:
        (beside / "x").write_bytes(b"ne")
        raise failure

    assert (tmp_path / "a" / "x").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_a_replacement_killed_between_its_two_renames_is_undone(tmp_path):
    fill(tmp_path / "a", b"old")
    (tmp_path / "a").rename(tmp_path / "a.old")

    assert (settled_folder(tmp_path / "a") / "x").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_a_replacement_killed_after_its_renames_is_finished(tmp_path):
    fill(tmp_path / "a.old", b"old")
    fill(tmp_path / "a", b"new")

    assert (settled_folder(tmp_path / "a") / "x").read_bytes() == b"new"
    assert names(tmp_path) == ["a"]


def test_what_cannot_be_settled_is_a_refusal(tmp_path, monkeypatch):
    fill(tmp_path / "a.old", b"old")

    def refuse(*_):
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr("pathlib.Path.rename", refuse)

    with pytest.raises(WriteError, match="you may not write there"):
        settled_folder(tmp_path / "a")
    with pytest.raises(WriteError, match="you may not write there"):
        set_aside(tmp_path / "a.old")


def test_what_is_set_aside_takes_no_earlier_ones_name(tmp_path):
    for _ in range(2):
        fill(tmp_path / "a", b"bad")
        set_aside(tmp_path / "a")

    assert names(tmp_path) == ["a.unusable1", "a.unusable2"]


def test_nothing_is_written_through_a_name_that_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr("secrets.token_hex", lambda _: "0")
    (tmp_path / ".stillpix-0.tmp").write_bytes(b"another's")

    with pytest.raises(WriteError):
        write_atomically(tmp_path / "a", b"new")

    assert not os.path.lexists(tmp_path / "a")
