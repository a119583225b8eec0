"""Writing a map or another file of ours: whole or not at all, whatever the disk does."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys

import pytest

from stillpix.atomic import replacing, write_atomically
from stillpix.errors import WriteError
from stillpix.frame import Sensor
from stillpix.maps import write_map
from stillpix.maps.records import Defect, DefectMap

SENSOR = Sensor("NIKON CORPORATION", "NIKON D3200", "8964244", 30, 20)


def refuse_with(number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_map_and_no_other_file(tmp_path, monkeypatch, step):
    path = tmp_path / "a.stillpix.json"
    write_map(DefectMap(SENSOR, (Defect(x=3, y=4),)), path)
    before = path.read_bytes()
    monkeypatch.setattr(os, step, refuse_with(errno.ENOSPC))

    with pytest.raises(WriteError) as refused:
        write_map(DefectMap(SENSOR), path)

    assert str(refused.value) == f"{path}: the disk is full; free some space and run again"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


FILL = """
import sys
from pathlib import Path
from stillpix.atomic import write_atomically
from stillpix.errors import WriteError
target = Path(sys.argv[1], "a.stillpix.json")
write_atomically(target, b"old" * 100)
try:
    write_atomically(target, b"new" * 1_000_000)
except WriteError as error:
    kept = target.read_bytes() == b"old" * 100
    print(error.reason, kept, [path.name for path in target.parent.iterdir()])
"""


def test_a_disk_that_is_really_full_leaves_the_old_map_and_no_other_file(tmp_path):
    if not shutil.which("unshare") or not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("a small file system of one's own needs unshare and root")
    # In a mount name space of its own, so that nothing stays mounted whatever happens.
    mount = 'mount -t tmpfs -o size=64k tmpfs "$1" || exit 77; exec "$2" -c "$3" "$1"'
    command = ["unshare", "--mount", "sh", "-c", mount, "sh", tmp_path, sys.executable, FILL]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode == 77 or "unshare failed" in ran.stderr:
        pytest.skip(f"no file system may be mounted here: {ran.stderr.strip()}")

    full = "the disk is full; free some space and run again"
    assert (ran.stdout, ran.stderr) == (f"{full} True ['a.stillpix.json']\n", "")


def test_a_stop_half_way_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b"old")

    with pytest.raises(KeyboardInterrupt), replacing(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_named_with_the_remedy(tmp_path):
    with pytest.raises(WriteError, match="its folder does not exist; make the folder first"):
        write_map(DefectMap(SENSOR), tmp_path / "no such" / "a.stillpix.json")


def test_a_folder_in_the_place_of_the_file_is_not_replaced(tmp_path):
    with pytest.raises(WriteError, match="is not a plain file"):
        write_atomically(tmp_path, b"")


@pytest.mark.skipif(os.name == "nt", reason="links and permissions as on POSIX")
def test_a_link_stays_a_link_and_permissions_stay(tmp_path):
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)

    write_atomically(link, b"new")

    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert real.stat().st_mode & 0o777 == 0o640
