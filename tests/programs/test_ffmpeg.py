"""FFmpeg runs the exported line as printed, and other programs open the clips that fix writes."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from stillpix import fix
from stillpix.cli import app
from stillpix.images import read_headers
from stillpix.maps import write_map
from stillpix.maps.records import Defect, DefectMap
from support import costs
from support.clips import film, write_clip

SHARE = 0.95
pytestmark = pytest.mark.slow


def program(name):
    return shutil.which(name) or pytest.skip(f"{name} is not installed")


def run(*words):
    ran = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=costs.LONGEST_S,
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2000:]
    return ran.stdout


def luma_in(path):
    with av.open(str(path)) as container:
        planes = [frame.planes[0] for frame in container.decode(video=0)]
        rows = [np.frombuffer(memoryview(one), np.uint8).reshape(one.height, -1) for one in planes]
        return np.array(
            [each[:, : one.width] for each, one in zip(rows, planes, strict=True)], float
        )


@pytest.fixture
def clip(tmp_path):
    filmed = film()
    path = write_clip(
        tmp_path / "a clip.mp4", filmed.pictures[:20], options={"crf": "12", "preset": "veryfast"}
    )
    defects = tuple(Defect(x=d.x, y=d.y, state="confirmed") for d in filmed.defects)
    found = DefectMap(read_headers(path)[0].sensor.in_folder(str(tmp_path)), defects)
    write_map(found, tmp_path / "a.stillpix.json")
    return path, found, filmed


def test_the_exported_line_runs_as_printed_and_repairs_the_places(clip, tmp_path):
    program("ffmpeg")
    path, found, filmed = clip
    mask = tmp_path / "it's a, mask.png"
    answer = CliRunner().invoke(
        app, ["export", str(tmp_path / "a.stillpix.json"), "--to", "ffmpeg", "--photo", str(path),
              "--out", str(mask)],
    )  # fmt: skip
    assert answer.exit_code == 0, answer.output
    line = next(row for row in answer.stdout.splitlines() if "run: " in row).partition("run: ")[2]
    run(*shlex.split(line))
    before, after = luma_in(path), luma_in(tmp_path / "a clip-repaired.mp4")
    shares = np.array([0.299, 0.587, 0.114])
    sound = np.array([each @ shares for each in filmed.sound[:20]]) * 219 / 255 + 16
    ys, xs = zip(*((one.y, one.x) for one in found.defects), strict=True)
    off, left = (np.abs(each - sound)[:, ys, xs].mean(axis=0) for each in (before, after))
    assert np.mean(left < 0.5 * off) >= SHARE


@pytest.mark.parametrize("name", ["a.mov", "a.avi", "a.mkv"])
def test_other_programs_open_what_fix_writes_and_find_the_same_tags(clip, tmp_path, name):
    program("ffprobe")
    _, _, filmed = clip
    path = write_clip(
        tmp_path / name, filmed.pictures[:8], "mjpeg", "yuvj420p", sound=True,
        bits_per_s=8_000_000, tags={"make": "Acme", "title": "A day"},
    )  # fmt: skip
    defects = tuple(Defect(x=d.x, y=d.y, state="confirmed") for d in filmed.defects)
    own = read_headers(path)[0].sensor.in_folder(str(tmp_path))
    new = tmp_path / "out" / name
    fix(path, DefectMap(own, defects), new)
    asked = ("ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json")
    told = [json.loads(run(*asked, each)) for each in (path, new)]
    for both in told:
        for each in (both["format"], *both["streams"]):
            for changing in ("filename", "size", "bit_rate"):
                each.pop(changing, None)
    assert told[0] == told[1]
    assert run("ffmpeg", "-v", "error", "-i", new, "-f", "null", "-") == ""
    if shutil.which("exiftool"):
        assert "Error" not in run("exiftool", new)
