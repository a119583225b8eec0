"""`stillpix fix` where the disk is full or closed: one clear line, and no part of a file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.maps import write_map
from support import costs
from support.fixing import map_of, names, shot, sound, tree

pytestmark = pytest.mark.usefixtures("library")


@pytest.fixture
def folder(tmp_path):
    """Return a folder of two photos, one in which nothing shows."""
    shot(tmp_path / "in" / "a.jpg")
    sound(tmp_path / "in" / "c.jpg")
    return tmp_path / "in"


@pytest.fixture
def map_file(folder, tmp_path):
    path = tmp_path / "m.stillpix.json"
    write_map(map_of(folder / "a.jpg"), path)
    # Kernels are compiled and kept while there is room for them.
    assert run(folder, "--map", path, "--out", tmp_path / "before").exit_code == 0
    return path


def run(*arguments, **options):
    return CliRunner().invoke(app, ["fix", *map(str, arguments)], **options)


def test_a_folder_that_may_not_be_written_into_costs_nothing(folder, map_file):
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("needs root, to be somebody else for a while")
    with tempfile.TemporaryDirectory() as name:
        closed = Path(name)
        for path in (*folder.iterdir(), map_file):
            shutil.copy2(path, closed)
            (closed / path.name).chmod(0o644)
        closed.chmod(0o555)
        before = tree(closed)
        os.seteuid(65534)
        try:
            ran = run(closed, "--map", closed / map_file.name, "--in-place")
        finally:
            os.seteuid(0)
        closed.chmod(0o755)

        assert ran.exit_code == 1, ran.output  # nothing shows in one of the photos
        assert f"not repaired: {closed}/a.jpg: you may not write there; " in ran.stderr
        assert tree(closed) == before


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
def test_a_file_larger_than_the_system_allows_is_one_line_and_no_part_of_it_stays(
    folder, map_file, tmp_path
):
    import resource

    # What coverage would write of the program is larger than it may write. So is compiled Python
    # (-B): cut at that length, it would stop every later run.
    unmeasured = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    ran = subprocess.run(
        [sys.executable, "-B", "-m", "stillpix", "fix", folder, "--map", map_file, "--out",
         tmp_path / "out"],
        capture_output=True, text=True, check=False, timeout=costs.LONGEST_S, env=unmeasured,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000)),
    )  # fmt: skip

    assert ran.returncode == 1
    assert "out/a.jpg: could not be written (File too large); choose another place" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert names(tmp_path / "out") == ["c.jpg", "stillpix-fix.json"]


FULL = """
import json, os, sys
from pathlib import Path
from stillpix.__main__ import main
root = Path(sys.argv[1])
with open(root / "filler", "wb") as file:
    file.write(bytes(os.statvfs(root).f_bavail * os.statvfs(root).f_frsize - 100_000))
sys.argv = ["stillpix", "fix", sys.argv[2], "--map", sys.argv[3], "--out", str(root / "out")]
try:
    main()
finally:
    for path in sorted((root / "out").rglob("*")):
        print(path.name, path.stat().st_size)
"""


def test_a_full_disk_is_said_once_and_holds_whole_photos_alone(tmp_path):
    if not shutil.which("unshare") or not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("a small file system of one's own needs unshare and root")
    for number in range(12):
        path, _ = shot(tmp_path / "in" / f"{number:02}.jpg", number)
    write_map(map_of(path), tmp_path / "m.json")
    run(tmp_path / "in", "--map", tmp_path / "m.json", "--out", tmp_path / "whole")
    (tmp_path / "small").mkdir()
    mount = 'mount -t tmpfs -o size=600k tmpfs "$1" || exit 77; exec "$2" -c "$3" "$1" "$4" "$5"'
    ran = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mount, "sh", tmp_path / "small", sys.executable, FULL,
         tmp_path / "in", tmp_path / "m.json"],
        capture_output=True, text=True, check=False, timeout=costs.LONGEST_S,
    )  # fmt: skip
    if ran.returncode == 77 or "unshare failed" in ran.stderr:
        pytest.skip("no file systems can be mounted here")

    left = dict(line.rsplit(" ", 1) for line in ran.stdout.splitlines() if ".jpg " in line)
    whole = {path.name: str(path.stat().st_size) for path in (tmp_path / "whole").glob("*.jpg")}
    assert ran.returncode == 1
    assert "the disk is full; free some space and run again" in ran.stderr
    assert "nothing more can be written there: " in ran.stderr
    assert "Traceback" not in ran.stderr
    assert 0 < len(left) < 12
    assert left.items() <= whole.items()
    assert ".tmp" not in ran.stdout
