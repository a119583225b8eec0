"""`stillpix fix` that is interrupted, or killed at any moment: each photo is the old or the new."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.maps import write_map
from support import costs, effort, holding
from support.fixing import MOMENT, map_of, names, shot

pytestmark = [
    pytest.mark.usefixtures("library"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="forks and signals of POSIX"),
]
SIZE, PLACE = (64, 48), [(40, 30)]
LEFTOVER = re.compile(r"\.stillpix-[0-9a-f]{12}\.tmp")
RANDOM_KILLS = 12 if effort.long else 3  # of each way; more tries where it was done by then
EVERY = 1 if effort.long else 3  # step: of those that it takes with files
TRIES = 40

# A program that runs the command line again and again, each time in a child of its own, and kills
# that: after some seconds, or just before what it does to files below a folder for the n-th time.
# Once it runs it itself, so that the children find all that is to be loaded loaded.
KILLER = """
import io, json, os, signal, sys, time
from contextlib import redirect_stderr, redirect_stdout
from stillpix.restoration import fix as mend, placer as placing
from stillpix.cli import app
EVENTS = {"open", "os.link", "os.rename", "os.chmod", "os.chown", "os.utime", "os.remove",
          "os.mkdir", "os.setxattr", "os.listdir", "os.scandir"}
def die():
    os.kill(os.getpid(), signal.SIGKILL)
def count_down(root, left):
    fsync = os.fsync
    def step():
        nonlocal left
        left -= 1
        if left == 0:
            die()
    def hook(event, arguments):
        if event in EVENTS and any(root in os.fsdecode(each) for each in arguments
                                   if isinstance(each, (str, bytes, os.PathLike))):
            step()
    def flush(descriptor):
        step()
        fsync(descriptor)
    sys.addaudithook(hook)
    os.fsync = flush
def half(new, content):
    new.write_bytes(content[:len(content) // 2])
    die()
def here(order):
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            app(order["arguments"])
    except SystemExit as stop:
        return stop.code or 0
def child(order):
    if order.get("half"):
        placing._fill = half
    if order.get("at"):
        count_down(order["root"], order["at"])
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1), os.dup2(null, 2)
    try:
        app(order["arguments"])
    except SystemExit as stop:
        os._exit(stop.code or 0)
    os._exit(99)
for line in sys.stdin:
    order = json.loads(line)
    begun = time.monotonic()
    if order.get("here"):
        print(here(order), 0, flush=True)
        continue
    number = os.fork()
    if number == 0:
        child(order)
    if order.get("after_s") is not None:
        time.sleep(order["after_s"])
        os.kill(number, signal.SIGKILL)
    _, status = os.waitpid(number, 0)
    print(os.waitstatus_to_exitcode(status), time.monotonic() - begun, flush=True)
"""


class Killer:
    """The program above, at work."""

    def __init__(self):
        self.program = subprocess.Popen(
            [sys.executable, "-c", KILLER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip

    def run(self, *arguments, **order):
        """Return the exit status (negative: killed), and the seconds it took."""
        order = {"arguments": ["fix", *map(str, arguments)], **order}
        self.program.stdin.write(json.dumps(order) + "\n")
        self.program.stdin.flush()
        status, took_s = self.program.stdout.readline().split()
        return int(status), float(took_s)


@pytest.fixture(scope="module")
def killer():
    killer = Killer()
    yield killer
    killer.program.stdin.close()
    killer.program.wait(timeout=costs.LONGEST_S)


class Scene:
    """Some photos, one way to fix them, and what their files may be at any moment."""

    def __init__(self, root, killer, way, photos=3):
        self.root, self.way = root, way
        self.photos, self.out = root / "in", root / "out"
        self.old = {}
        for number in range(photos):
            path, _ = shot(self.photos / f"{number}.jpg", number, size=SIZE)
        write_map(map_of(path, PLACE), root / "m.json")
        self.arguments = [self.photos, "--map", root / "m.json", "--jobs", "2"]
        assert killer.run(*self.arguments, "--out", root / "whole", here=True)[0] == 0
        self.new = {path.name: path.read_bytes() for path in (root / "whole").glob("*.jpg")}
        self.old = {path.name: path.read_bytes() for path in self.photos.glob("*.jpg")}
        self.arguments += {
            "in place": ["--in-place"],
            "copies": ["--out", self.out],
            "copies by force": ["--out", self.out, "--force"],
        }[way]
        assert len(self.new) == photos
        assert all(self.new[name] != self.old[name] for name in self.old)

    def set_up(self):
        for folder in (self.photos, self.out):
            shutil.rmtree(folder, ignore_errors=True)
        for name, content in self.old.items():
            for folder in (self.photos, *([self.out] if "force" in self.way else [])):
                folder.mkdir(exist_ok=True)
                (folder / name).write_bytes(content if folder == self.photos else b"another's")
                os.utime(folder / name, ns=(MOMENT, MOMENT))

    def check(self, *, done=False):
        """Make sure that each file is the old one or the new one, and nothing else is there."""
        folder = self.photos if self.way == "in place" else self.out
        before = {"in place": self.old, "copies": {}}.get(
            self.way, dict.fromkeys(self.old, b"another's")
        )
        seen = {path.name: path.read_bytes() for path in folder.glob("*")}
        for name in self.old:
            content, original = seen.pop(name, None), seen.pop(f"{name}.orig", None)
            assert content == self.new[name] or (not done and content == before.get(name))
            assert original in {self.old[name], None}
            if content is not None:  # what is repaired in place is newer: backups look at that
                renewed = self.way == "in place" and content == self.new[name]
                assert ((folder / name).stat().st_mtime_ns == MOMENT) is not renewed
            if self.way == "in place" and content == self.new[name]:
                assert original == self.old[name]
                assert (folder / f"{name}.orig").stat().st_mtime_ns == MOMENT
        if log := seen.pop("stillpix-fix.json", None):
            assert {each["target"] for each in json.loads(log)["photos"]} <= self.old.keys()
        assert [name for name in seen if not LEFTOVER.fullmatch(name)] == []
        if folder == self.out:
            assert {path.name: path.read_bytes() for path in self.photos.iterdir()} == self.old


WAYS = ("in place", "copies", "copies by force")


@pytest.mark.parametrize("way", WAYS)
def test_killed_before_any_step_it_takes_with_files_each_is_old_or_new(tmp_path, killer, way):
    scene = Scene(tmp_path, killer, way, photos=1)

    for step in range(1 + WAYS.index(way), 100, EVERY):
        scene.set_up()
        status, _ = killer.run(*scene.arguments, at=step, root=str(tmp_path))
        scene.check(done=status == 0)
        if status == 0:
            break
        assert status == -signal.SIGKILL
        assert killer.run(*scene.arguments)[0] == 0
        scene.check(done=True)
    assert 15 < step < 97


@pytest.mark.parametrize("way", WAYS)
def test_killed_at_any_time_each_is_old_or_new_and_the_next_run_completes(tmp_path, killer, way):
    scene = Scene(tmp_path, killer, way)
    scene.set_up()
    killer.run(*scene.arguments)
    scene.set_up()
    _, whole_s = killer.run(*scene.arguments)
    killed = 0

    for share in np.random.default_rng(1).uniform(0, 1, TRIES):
        scene.set_up()
        status, took_s = killer.run(*scene.arguments, after_s=float(share * whole_s))
        if status == 0:  # done by then: the machine has become faster
            whole_s = min(whole_s, took_s)
        scene.check()
        assert killer.run(*scene.arguments)[0] == 0
        scene.check(done=True)
        killed += status == -signal.SIGKILL
        if killed == RANDOM_KILLS:
            break
    assert killed == RANDOM_KILLS


@pytest.mark.parametrize("way", WAYS)
def test_killed_amid_a_file_nothing_but_a_hidden_part_stays(tmp_path, killer, way):
    scene = Scene(tmp_path, killer, way)
    scene.set_up()

    status, _ = killer.run(*scene.arguments, half=True)

    scene.check()
    assert status == -signal.SIGKILL
    assert any(LEFTOVER.fullmatch(path.name) for path in tmp_path.glob("*/*"))
    assert killer.run(*scene.arguments)[0] == 0
    scene.check(done=True)


# Ctrl-C


def log_of(folder):
    return json.loads((folder / "stillpix-fix.json").read_text(encoding="utf-8"))["photos"]


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_keeps_what_is_done_and_the_next_run_goes_on(tmp_path, times):
    for number in range(12):
        path, _ = shot(tmp_path / "in" / f"{number:02}.jpg", number)
    write_map(map_of(path), tmp_path / "m.json")
    arguments = [tmp_path / "in", "--map", tmp_path / "m.json", "--out", tmp_path / "out"]
    status, _, complained = holding.interrupted(
        tmp_path / "go", "fix", *arguments,
        held="stillpix.restoration.fix.repaired_pictures", after=4, times=times,
    )  # fmt: skip

    done = [name for name in names(tmp_path / "out") if name.endswith(".jpg")]
    noted = [entry["target"] for entry in log_of(tmp_path / "out")]
    assert re.match(
        r"stillpix: Example One, serial 0012345, 160x120: \d+ of 12 photos, ", complained
    )
    assert status == 130
    assert "Traceback" not in complained
    assert 0 < len(done) < 12
    # Stopped at once, it may not have noted a photo that it was just putting in its place.
    assert set(noted) <= set(done) if times == 2 else sorted(noted) == done
    how = (
        f"stopped: {12 - len(done)} photos not looked at; run the same command again: it goes on "
        "with the rest"
        if times == 1
        else "stopped at once; each photo is either unchanged or repaired; run the same command "
        "again to go on"
    )
    assert how in complained

    again = CliRunner().invoke(app, ["fix", *map(str, arguments)])
    assert again.exit_code == 0
    assert len(log_of(tmp_path / "out")) == 12
