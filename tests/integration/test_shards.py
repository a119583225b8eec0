"""Shards: any cut of the photos, run in any order, killed and run again, gives one scan's maps."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from stillpix.errors import StateFormatError
from stillpix.evidence.evidence import Evidence
from stillpix.evidence.room import Room
from stillpix.images.gather import gather
from stillpix.maps.library import Library
from stillpix.maps.map_file import as_text
from stillpix.scan import scan
from stillpix.scan.shards import joining, plans, running
from stillpix.scan.shards.merging import merge
from stillpix.scan.shards.planning import plan_shards
from stillpix.scan.shards.running import run_shard
from stillpix.watch import Watch
from support import effort
from support.frames import texture

START = datetime(2026, 3, 1, 12)


def write_photo(path, pixels, number):
    """Write a photo of one camera; the later its number, the later it was taken."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Example Works", "Example One"
    inner = exif.get_ifd(0x8769)
    inner[0x9003] = f"{START + timedelta(hours=5 * number):%Y:%m:%d %H:%M:%S}"
    inner[0x829A], inner[0x8827] = 0.02, 400
    Image.fromarray(pixels).save(path, exif=exif)


def picture(seed, again=0):
    """Return scene `seed` with a hot pixel; `again` is another photo of it, with other noise."""
    pixels = texture(np.random.default_rng(seed), 96, 80).astype(np.int16)
    pixels += np.random.default_rng([seed, again]).integers(-1, 2, pixels.shape, np.int16)
    pixels = np.clip(pixels, 0, 255).astype(np.uint8)
    pixels[40, 31] = 255
    return pixels


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Return a folder of photos with copies and repeats far apart, by name and by date."""
    folder = tmp_path_factory.mktemp("archive")
    for number, seed in enumerate([1, 2, 3, 1, 4, 5, 2, 1, 6, 7, 3, 8]):
        write_photo(folder / f"b/{number * 7 % 12:02}.png", picture(seed, number), number)
    for number, name in enumerate(["00", "05", "11"]):
        (folder / "a").mkdir(exist_ok=True)
        shutil.copy(folder / f"b/{name}.png", folder / f"a/copy{number}.png")
    (folder / "b/broken.png").write_bytes((folder / "b/00.png").read_bytes()[:900])
    return folder


@pytest.fixture(scope="module")
def whole(archive, tmp_path_factory):
    """Return what one scan over all photos makes of them: the outcome, and its library."""
    library = Library(tmp_path_factory.mktemp("library"))
    (body,) = scan(gather([archive]), library=library)
    return body, library


def evidence_in(library, sensor):
    return Evidence.load(library.evidence_path(sensor), sensor)


def shards_of(plan):
    return [plans.read_shard(plan.path(name)) for name in plan.shards]


def merged_into(plan, library):
    (body,) = merge(plan, library=library)
    return body


def damage(plan, data):
    """Leave a shard as a kill at a bad moment may leave it, or somebody who tidies up."""
    shard = data.draw(st.sampled_from(shards_of(plan)))
    names = (plans.SUMS, plans.SEEN, plans.VERDICTS)
    path = shard.folder / data.draw(st.sampled_from(names))
    if path.exists():
        content = path.read_bytes()
        path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
        if data.draw(st.booleans()):
            path.unlink()


@pytest.mark.slow
@settings(max_examples=effort.some(30), phases=[Phase.generate])
@given(photos=st.integers(1, 15), data=st.data())
def test_any_plan_killed_and_run_again_at_random_gives_the_bits_of_one_scan(
    archive, whole, tmp_path_factory, photos, data
):
    one, library = whole
    folder, own = tmp_path_factory.mktemp("plan"), Library(tmp_path_factory.mktemp("own"))
    plan = plan_shards(gather([archive]), folder, photos)
    joining.FAN_IN = data.draw(st.integers(2, 16))
    for shard in data.draw(st.permutations(shards_of(plan))):
        run_shard(shard, jobs=1)
    for _ in range(data.draw(st.integers(0, 3))):
        damage(plan, data)
        if data.draw(st.booleans()):
            merged_into(plan, Library(tmp_path_factory.mktemp("other")))
    for shard in shards_of(plan):
        run_shard(shard, jobs=1)

    body = merged_into(plan, own)

    assert body.troubles == []
    assert as_text(body.map) == as_text(one.map)
    assert evidence_in(own, body.sensor) == evidence_in(library, body.sensor)
    assert (body.read, body.repeats, body.duplicates) == (one.read, one.repeats, one.duplicates)
    joining.FAN_IN = 16


def test_the_archive_has_repeats_and_copies_and_a_photo_that_is_not_used(whole):
    body, _ = whole

    # two of the eight scenes look alike
    assert (body.read, body.repeats, body.duplicates, len(body.skipped)) == (7, 5, 3, 1)


def test_the_next_find_goes_on_from_merged_shards(archive, whole, tmp_path):
    own = Library(tmp_path / "own")
    plan = plan_shards(gather([archive]), tmp_path / "plan", 4)
    for shard in shards_of(plan):
        run_shard(shard)
    merged_into(plan, own)
    write_photo(tmp_path / "new/a.png", picture(30), 40)

    (again,) = scan(gather([archive, tmp_path / "new"]), library=own)
    (one,) = scan(gather([archive, tmp_path / "new"]), library=whole[1])

    assert (again.read, again.known) == (1, 15)
    assert as_text(again.map) == as_text(one.map)


def test_a_shard_that_is_done_is_not_read_again(archive, tmp_path, monkeypatch):
    plan = plan_shards(gather([archive]), tmp_path, 6)
    first = [run_shard(shard) for shard in shards_of(plan)]
    monkeypatch.setattr(running, "read_ahead", None)

    again = plan_shards(gather([archive]), tmp_path, 6)

    assert [run_shard(shard) for shard in shards_of(again)] == first


def test_a_merge_that_was_done_makes_nothing_again(archive, tmp_path, monkeypatch):
    plan = plan_shards(gather([archive]), tmp_path / "plan", 2)
    for shard in shards_of(plan):
        run_shard(shard)
    monkeypatch.setattr(joining, "FAN_IN", 3)
    first = merged_into(plan, None)
    monkeypatch.setattr(joining, "pack", None)
    monkeypatch.setattr(running, "read_ahead", None)

    assert as_text(merged_into(plan, None).map) == as_text(first.map)


def test_sums_of_earlier_merges_are_deleted(archive, tmp_path, monkeypatch):
    plan = plan_shards(gather([archive]), tmp_path, 2)
    for shard in shards_of(plan):
        run_shard(shard)
    monkeypatch.setattr(joining, "FAN_IN", 3)
    (tmp_path / plans.MERGED).mkdir()
    (tmp_path / plans.MERGED / "of_an_earlier_plan.zip").write_bytes(b"")

    merged_into(plan, None)

    names = {path.name for path in (tmp_path / plans.MERGED).iterdir()}
    assert len(names) == 3
    assert "of_an_earlier_plan.zip" not in names


def test_a_shard_that_misses_is_named_with_the_remedy(archive, tmp_path):
    plan = plan_shards(gather([archive]), tmp_path, 6)
    first, *rest = shards_of(plan)
    for shard in rest:
        run_shard(shard)

    body = merged_into(plan, None)

    assert body.map is None
    (trouble,) = body.troubles
    assert "1 of 3 shards are not added up" in trouble
    assert f"stillpix shard run {first.folder}" in trouble


def test_a_stopped_shard_leaves_nothing(archive, tmp_path):
    class Stopping(Watch):
        def stop(self):
            return True

    (shard,) = shards_of(plan_shards(gather([archive]), tmp_path, 50))

    assert run_shard(shard, watch=Stopping()) is None
    assert [path.name for path in shard.folder.iterdir()] == [plans.PHOTOS]


def test_a_photo_that_changed_since_the_plan_is_named(archive, tmp_path):
    shutil.copytree(archive / "b", tmp_path / "photos")
    (shard,) = shards_of(plan_shards(gather([tmp_path / "photos"]), tmp_path / "plan", 50))
    write_photo(tmp_path / "photos/03.png", picture(77), 3)
    (tmp_path / "photos/04.png").unlink()

    result = run_shard(shard)

    told = {Path(each.path).name: each.reason for each in result.skipped}
    assert told.keys() == {"03.png", "04.png", "broken.png"}
    assert told["03.png"] == "has changed since the plan was made; plan again"
    assert told["04.png"] == "is gone since the plan was made; plan again"


def test_merging_into_a_library_loses_no_photo_that_it_knows(archive, tmp_path):
    library = Library(tmp_path / "library")
    write_photo(tmp_path / "other/a.png", picture(50), 50)
    list(scan(gather([tmp_path / "other"]), library=library))
    plan = plan_shards(gather([archive]), tmp_path / "plan")
    for shard in shards_of(plan):
        run_shard(shard)

    body = merged_into(plan, library)

    assert "the library knows 1 photos that are in none of these shards" in body.troubles[0]
    assert len(evidence_in(library, body.sensor).photos) == 1


@pytest.mark.parametrize("name", [plans.PLAN, plans.PHOTOS])
@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\x1f\x8b\x08", b'{"format": "x"}'])
def test_a_damaged_plan_is_one_clear_line(archive, tmp_path, name, content):
    plan = plan_shards(gather([archive]), tmp_path)
    path = tmp_path / name if name == plans.PLAN else plan.path(*plan.shards) / name
    path.write_bytes(content)

    with pytest.raises(StateFormatError, match="cannot be used"):
        shards_of(plans.read_plan(tmp_path))


def test_a_folder_without_a_plan_is_one_clear_line(tmp_path):
    with pytest.raises(StateFormatError, match="holds no plan; make one"):
        plans.read_plan(tmp_path)
    with pytest.raises(StateFormatError, match="is no shard; name a folder"):
        plans.read_shard(tmp_path)


def test_a_shard_of_a_large_sensor_has_the_bits_of_one_in_memory(archive, tmp_path, monkeypatch):
    made, laid, disk, mapped = [], [], tmp_path / "disk", Room._mapped
    disk.mkdir()
    monkeypatch.setattr(running, "gettempdir", lambda: str(disk))
    monkeypatch.setattr(Room, "_mapped", lambda room, size: laid.append(size) or mapped(room, size))
    for number, large in enumerate([10**9, 1]):
        monkeypatch.setattr(running, "LARGE", large)
        plan = plan_shards(gather([archive]), tmp_path / f"plan{number}", 99)
        (shard,) = shards_of(plan)
        made.append((run_shard(shard).digest, len(laid)))

    assert made[0][0] == made[1][0]
    assert made[0][1] == 0 < made[1][1]
    assert list(disk.iterdir()) == []
