"""Photos behind URLs, in the memory of fsspec: what is read, tried again, told, and hidden."""

from __future__ import annotations

import logging
import sys
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.errors import MissingReaderError, ReadError
from stillpix.images import open_frames, read_header, remote
from stillpix.images.gather import gather
from support import photos, series

fsspec = pytest.importorskip("fsspec")
memory = fsspec.filesystem("memory")


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(remote, "WAIT_S", 0.0)
    yield
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


@pytest.fixture
def bucket():
    """Return the names of photos in a bucket, with what is left out beside them."""
    for name in ("b/IMG_2.JPG", "b/IMG_1.JPG", "a.JPG"):
        memory.pipe_file(f"/bucket/{name}", series.jpeg(series.scene(len(name) + ord(name[-5]))))
    memory.pipe_file("/bucket/thumbnails/IMG_1.JPG", b"a thumbnail")
    memory.pipe_file("/bucket/.trash/IMG_3.JPG", b"deleted")
    memory.pipe_file("/bucket/notes.txt", b"no photo")
    return ["a.JPG", "IMG_1.JPG", "IMG_2.JPG"]


def names_of(found):
    return [header.path.name for headers in found.bodies.values() for header in headers]


def test_a_folder_is_read_with_its_subfolders(bucket):
    found = gather(["memory://bucket"])

    assert names_of(found) == bucket
    assert not found.skipped


def test_a_photo_and_a_pattern_are_read_and_each_photo_once(bucket):
    found = gather(["memory://bucket/a.JPG", "memory://bucket/b/*.JPG", "memory://bucket"])

    assert names_of(found) == bucket


def test_a_remote_photo_has_the_frame_of_the_local_one(bucket, tmp_path):
    (tmp_path / "a.JPG").write_bytes(memory.cat_file("/bucket/a.JPG"))

    (there,) = open_frames([remote.path_of("memory://bucket/a.JPG")])
    (here,) = open_frames([tmp_path / "a.JPG"])

    assert (there.digest, there.exposure, there.origin) == (here.digest, here.exposure, "a.JPG")
    assert (there.pixels == here.pixels).all()


def test_the_head_of_a_large_file_is_read_alone(monkeypatch):
    content = photos.camera_jpeg() + bytes(5_000_000)
    memory.pipe_file("/bucket/large.jpg", content)
    read, cat_file = [], memory.cat_file
    monkeypatch.setattr(
        type(memory), "cat_file", lambda _, *asked: read.append(len(cat_file(*asked))) or
        cat_file(*asked),
    )  # fmt: skip

    read_header(remote.path_of("memory://bucket/large.jpg"))

    assert 0 < sum(read) <= 2 * remote.HEAD_BYTES


def test_photos_in_an_archive_are_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "night.zip", "w") as archive:
        for number in (1, 2):
            archive.writestr(f"night/IMG_{number}.JPG", series.jpeg(series.scene(number)))

    found = gather([f"zip://night::{tmp_path}/night.zip"])

    assert names_of(found) == ["IMG_1.JPG", "IMG_2.JPG"]


def failing(monkeypatch, error, times):
    """Let so many requests fail."""
    left, cat_file = [times], type(memory).cat_file

    def fail(self, *asked, **more):
        left[0] -= 1
        if left[0] >= 0:
            raise error
        return cat_file(self, *asked, **more)

    monkeypatch.setattr(type(memory), "cat_file", fail)


def test_a_request_that_fails_is_tried_again(bucket, monkeypatch):
    failing(monkeypatch, ConnectionResetError("secret=7"), remote.TRIES - 1)

    assert read_header(remote.path_of("memory://bucket/a.JPG")).sensor.model == "Example One"


def test_each_wait_before_a_request_is_tried_again_is_twice_as_long(bucket, monkeypatch):
    waits = []
    monkeypatch.setattr(remote, "WAIT_S", 0.5)
    monkeypatch.setattr(remote.time, "sleep", waits.append)
    failing(monkeypatch, ConnectionResetError(), 99)

    with pytest.raises(ReadError):
        read_header(remote.path_of("memory://bucket/a.JPG"))

    assert waits == [0.5, 1.0, 2.0]


def test_credentials_of_a_server_that_fails_are_in_no_message_and_no_log(
    tmp_path, library, monkeypatch, caplog, capfd
):
    pytest.importorskip("aiohttp", reason="stillpix[http] is not installed")
    caplog.set_level(logging.DEBUG)
    asked = []

    class Failing(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.headers["Authorization"])
            self.send_error(500, f"not for {asked[-1]}")

        def log_message(self, *_):
            pass

    monkeypatch.setitem(
        fsspec.config.conf, "http", {"client_kwargs": {"headers": {"Authorization": "geheim"}}}
    )
    with ThreadingHTTPServer(("127.0.0.1", 0), Failing) as server:
        Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}/a.jpg"
        result = CliRunner().invoke(app, ["find", url, "--out", str(tmp_path / "maps")])
        server.shutdown()
    fsspec.spec.AbstractFileSystem.clear_instance_cache()

    shown = result.output + result.stderr + caplog.text + "".join(capfd.readouterr())
    kept = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert set(asked) == {"geheim"}
    assert len(asked) >= remote.TRIES
    assert result.exit_code != 0
    assert url in result.stderr
    assert "geheim" not in shown + "".join(kept)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionResetError("token=secret"), "could not be fetched (ConnectionResetError); "),
        (PermissionError("key secret"), "may not be used; check the credentials"),
        (FileNotFoundError("secret"), "is not there; check the address"),
    ],
)
def test_what_goes_on_failing_is_one_line_without_secrets(bucket, monkeypatch, error, said):
    failing(monkeypatch, error, 99)

    with pytest.raises(ReadError) as told:
        read_header(remote.path_of("memory://bucket/a.JPG"))

    assert str(told.value).startswith(f"memory://bucket/a.JPG: {said}")
    assert "secret" not in str(told.value)


def test_a_photo_that_changes_while_it_is_read_is_named(bucket, monkeypatch):
    path = remote.path_of("memory://bucket/a.JPG")
    header = read_header(path)
    monkeypatch.setattr(remote, "_info", lambda _: {"size": 999_999})

    with pytest.raises(ReadError, match="has changed while it was read"):
        remote.open_remote(header.path).read()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("memory://bucket/none", "memory://bucket/none: is not there; check the address"),
        ("nowhere://a/b", "'nowhere' is no place that fsspec knows"),
        ("sftp://me:geheim@host/a", "sftp://***@host/a: has a password in it"),
        ("sftp://me:ge@heim/geheim@host/a", "sftp://***@host/a: has a password in it"),
        ("https://host/a.jpg?X-Sig=geheim&b=1", "https://host/a.jpg?X-Sig=***&b=1: has a password"),
    ],
)
def test_an_address_that_cannot_be_is_one_line(url, said):
    (skipped,) = gather([url]).skipped

    assert f"{skipped.path}: {skipped.reason}".find(said) >= 0
    assert "geheim" not in skipped.path + skipped.reason


def test_a_package_that_misses_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)

    with pytest.raises(MissingReaderError, match=r"pip install 'stillpix\[s3\]'"):
        remote.open_remote(remote.path_of("s3://bucket/a.jpg"))


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket/a/b.jpg",
        "https://host:8443/a.jpg",
        "sftp://me@host/srv/a.jpg",
        "https://host:8443/me@home/a.jpg",
        "zip://a.jpg::sftp://me@host/x.jpg",
        "zip://a/b.jpg::s3://bucket/x.zip",
        "zip://a.jpg::/photos/x.zip",
    ],
)
def test_a_url_survives_being_a_path(url):
    path = remote.path_of(url)

    assert remote.url_of(path) == url
    assert path.suffix == ".jpg"
    assert remote.is_remote(path)


@pytest.mark.parametrize(
    "arguments",
    [
        ("find", "memory://bucket", "--out", "s3://bucket/maps"),
        ("shard", "plan", "memory://bucket", "--out", "s3://bucket/plan"),
    ],
)
def test_maps_and_plans_are_never_written_to_a_url(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(app, list(arguments))

    assert result.exit_code == 2
    assert "is a URL, and maps and plans are only written to disks" in " ".join(
        result.stderr.split()
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("a.jpg", "--out", "https://example.org/fixed"), "cannot take a file in one piece"),
        (("a.jpg", "--out", "zip://fixed::a.zip"), "cannot take a file in one piece"),
        (("a.jpg", "--out", "sftp://me:secret@nas/fixed"), "has a password in it"),
        (("s3://bucket", "--in-place"), "works only on disks, and s3://bucket is a URL"),
        (("s3://bucket", "--out", "fixed", "--complete"), "works only from disk to disk"),
        (("s3://bucket", "--undo"), "only written to disks"),
    ],
)
def test_repairs_that_cannot_be_written_whole_are_refused(arguments, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(app, ["fix", *arguments])

    assert result.exit_code == 2
    assert reason in " ".join(result.stderr.split())
    assert "secret" not in result.output
    assert list(tmp_path.iterdir()) == []
