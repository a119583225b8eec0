"""The programs of the folder examples do what they say, with photos whose defects are known."""

from __future__ import annotations

import re
import runpy
from functools import partial
from subprocess import CompletedProcess

import numpy as np
import pytest

from support import costs, starting
from support.places import ROOT

EXAMPLES = ROOT / "examples"
SIZE = HEIGHT, WIDTH = 120, 160
HOT = [(50, 40), (100, 81), (20, 17)]  # x, y


def run(name, *arguments):
    path = str(EXAMPLES / name)
    program = starting.started(
        partial(runpy.run_path, path, run_name="__main__"), [path], *arguments
    )
    printed, complained = program.communicate(costs.LONGEST_S)
    ran = CompletedProcess(arguments, program.returncode, printed, complained)
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran


def test_every_example_is_listed_and_its_command_is_shown():
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    programs = sorted(path.name for path in EXAMPLES.glob("*.py"))

    assert sorted(re.findall(r"^\| `(\w+\.py)`", page, re.MULTILINE)) == programs
    assert sorted(re.findall(r"^python examples/(\w+\.py) ", page, re.MULTILINE)) == programs


def test_a_nights_frames_are_masked_and_repaired(tmp_path):
    pytest.importorskip("ccdproc")
    fits = pytest.importorskip("astropy.io.fits")
    rng, night = np.random.default_rng(5), tmp_path / "night"
    night.mkdir()
    for number in range(10):
        frame = rng.normal(900, 12, SIZE)
        stars = rng.integers(0, [HEIGHT, WIDTH], (30, 2))
        frame[stars[:, 0], stars[:, 1]] += rng.uniform(200, 4000, 30)
        for x, y in HOT:
            frame[y, x] += 1500
        header = fits.Header({"EXPTIME": 60.0, "INSTRUME": "Example"})
        fits.writeto(night / f"light{number}.fits", frame.astype(np.uint16), header)

    ran = run("astronomy.py", night, "--out", tmp_path / "calibrated")

    assert ran.stdout.startswith(f"Example, {WIDTH}x{HEIGHT} RAW: {len(HOT)} broken pixels\n")
    with fits.open(tmp_path / "calibrated" / "light3.fits") as file:
        assert sorted((x, y) for y, x in np.argwhere(file["MASK"].data)) == sorted(HOT)
        assert all(abs(int(file[0].data[y, x]) - 900) < 100 for x, y in HOT)


def test_a_video_is_written_without_its_hot_pixels(tmp_path):
    cv2 = pytest.importorskip("cv2")
    rng, clip, out = np.random.default_rng(6), tmp_path / "clip.avi", tmp_path / "out.avi"
    video = cv2.VideoWriter(str(clip), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (WIDTH, HEIGHT))
    for _ in range(24):
        wide = cv2.resize(
            rng.integers(30, 120, (27, 36, 3), np.uint8), (3 * WIDTH, 3 * HEIGHT),
            interpolation=cv2.INTER_CUBIC,
        )  # fmt: skip
        y, x = rng.integers(0, HEIGHT), rng.integers(0, WIDTH)  # no kink stays at its pixel
        scene = wide[y : y + HEIGHT, x : x + WIDTH]
        frame = np.clip(scene + rng.normal(0, 2, scene.shape), 0, 255).astype(np.uint8)
        for x, y in HOT:
            frame[y, x] = 250
        video.write(frame)
    video.release()

    ran = run("video.py", clip, "--out", out, "--every", 1)

    found = {tuple(map(int, each)) for each in re.findall(r"x (\d+), y (\d+):", ran.stdout)}
    assert found == set(HOT)
    assert "24 different pictures\n" in ran.stdout
    assert f"24 frames in {out}" in ran.stdout
    before, after = (cv2.VideoCapture(str(each)).read()[1].astype(int) for each in (clip, out))
    assert all((before[y, x] - after[y, x]).max() > 50 for x, y in HOT)


@pytest.mark.parametrize(("most", "verdict", "status"), [(3, "accepted", 0), (2, "refused", 1)])
def test_a_camera_is_accepted_or_refused_by_its_dark_frames(tmp_path, most, verdict, status):
    rng = np.random.default_rng(7)
    for number in range(3):
        dark = rng.normal(64, 3, SIZE)
        for x, y in HOT:
            dark[y, x] += 700
        np.save(tmp_path / f"dark-10s-{number:03}.npy", dark.astype(np.uint16))

    ran = run("camera_test.py", tmp_path, "--most", most)

    assert ran.stdout.endswith(f"3 broken pixels: {verdict}\n")
    assert ran.returncode == status
    assert np.argwhere(np.load(tmp_path / "broken.npy")).sum(0).tolist() == [138, 170]
