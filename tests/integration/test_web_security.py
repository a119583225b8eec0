"""Who may speak to the page's server, and what it never gives or takes."""

from __future__ import annotations

import os
import struct
import time
import zlib
from contextlib import suppress

import httpx
import pytest

from stillpix.maps.library import Library
from stillpix.web import folders
from support import pages, photos, series

OTHERS_HOSTS = ("evil.example", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example", "")
OTHERS_ORIGINS = ("http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A server that several tests ask what it must not do."""
    with pages.serving(Library(tmp_path_factory.mktemp("library"))) as found:
        yield found


@pytest.fixture
def opened(shared, tmp_path):
    site, folder = shared, tmp_path / "photos"
    series.write(folder, range(3))
    return site, folder, site.open(folder)


def request_to(site, path, *headers, method="GET"):
    lines = [f"{method} {path} HTTP/1.1", *headers, "Connection: close", "", ""]
    return pages.raw(site, "\r\n".join(lines).encode())


@pytest.mark.parametrize(
    "path",
    ["", "/", "/api/state", "/{wrong}/", "/{wrong}/api/state", "/{upper}/", "/{cut}/", "/é/"],
)
def test_nothing_is_served_without_the_token(shared, path):
    tokens = {"wrong": "x" * 43, "upper": shared.token.swapcase(), "cut": shared.token[:-1]}
    answer = shared.client.get(f"http://127.0.0.1:{shared.port}" + path.format(**tokens))

    assert answer.status_code == 403
    assert shared.token not in answer.text


@pytest.mark.parametrize("host", OTHERS_HOSTS)
@pytest.mark.parametrize("path", ["", "api/state", "static/page.js"])
def test_another_hosts_name_is_refused_even_with_the_token(shared, host, path):
    assert shared.get(path, headers={"host": host}).status_code == 403


def test_a_request_with_two_hosts_or_none_is_refused(shared):
    path = f"/{shared.token}/api/state"
    own = f"Host: 127.0.0.1:{shared.port}"

    assert pages.status_of(request_to(shared, path, own, "Host: evil.example")) in {400, 403}
    assert pages.status_of(request_to(shared, path)) in {400, 403}
    assert pages.status_of(request_to(shared, path, own)) == 200


@pytest.mark.parametrize("origin", OTHERS_ORIGINS)
def test_another_pages_origin_is_refused(shared, origin):
    headers = {"origin": origin}

    assert shared.get("api/state", headers=headers).status_code == 403
    assert shared.post("api/folders", {"path": "/"}, headers=headers).status_code == 403
    assert shared.state()["folders"] == []


def test_a_change_that_a_browser_sends_must_name_its_page(site, tmp_path):
    own = f"http://127.0.0.1:{site.port}"
    body = {"path": str(tmp_path)}
    asked = {
        "cross-site": {"sec-fetch-site": "cross-site", "origin": own},
        "no page": {"sec-fetch-site": "same-origin"},
        "own page": {"sec-fetch-site": "same-origin", "origin": own},
        "no browser": {},
    }

    statuses = {}
    for name, headers in asked.items():
        statuses[name] = site.post("api/folders", body, headers=headers).status_code
        while any(job["state"] == "running" for job in site.state()["jobs"]):
            time.sleep(0.01)

    assert statuses == {"cross-site": 403, "no page": 403, "own page": 202, "no browser": 202}


def test_a_form_of_another_page_cannot_change_anything(shared):
    """It can send text/plain without asking the server first; JSON it cannot."""
    answer = shared.client.post(
        "api/folders", content=b'{"path": "/"}', headers={"content-type": "text/plain"}
    )

    assert answer.status_code == 415


def test_every_answer_forbids_what_is_not_the_pages_own(shared):
    for path in ("", "api/state", "static/page.js", "api/nonsense"):
        headers = shared.get(path).headers
        policy = headers["content-security-policy"]

        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "static/../serving.py", "static/..%2fserving.py", "static/%2e%2e/serving.py",
        "static//etc/passwd", "static/%2fetc%2fpasswd", "static/..\\serving.py",
        "static/vendor/../../serving.py", "static/", "../../etc/passwd", "static/%00",
        "//etc/passwd",
    ],
)  # fmt: skip
def test_no_path_leads_to_a_file_that_is_not_the_pages(shared, path):
    own = f"Host: 127.0.0.1:{shared.port}"
    answer = request_to(shared, f"/{shared.token}/{path}", own)

    assert pages.status_of(answer) in {400, 403, 404}
    assert b"root:" not in answer
    assert b"uvicorn" not in answer


@pytest.mark.parametrize(
    "photo", ["../secret.jpg", "f1-..", "f1--1", "f1-99", "f1-0/../1", "%2e%2e", "f1-٣", "f1", "-0"]
)
def test_a_photo_is_named_by_its_number_alone(opened, photo):
    site, _, _ = opened

    for path in (f"api/photos/{photo}/tiles/1/0/0", f"api/photos/{photo}/repaired"):
        assert site.get(path).status_code in {404, 422}


def test_links_out_of_the_folder_are_not_followed(site, tmp_path):
    secret = series.write(tmp_path / "private", range(2))
    folder = tmp_path / "photos"
    series.write(folder, range(5, 7))
    (folder / "stolen.jpg").symlink_to(secret[0])
    (folder / "stolen folder").symlink_to(tmp_path / "private")
    (folder / "within.jpg").symlink_to(folder / "IMG_0005.JPG")
    opened = site.open(folder)
    told = site.state()["jobs"][-1]

    assert len(site.desk.folders.named(opened).photos) == 2
    assert {each["reason"] for each in told["not_used"]} == {folders.LEADS_OUT}
    assert len(told["not_used"]) == 2


def test_a_photo_that_becomes_a_link_out_is_no_longer_given(opened, tmp_path):
    site, _, opened_id = opened
    secret = series.write(tmp_path / "private", range(1))[0]
    assert site.get(f"api/photos/{opened_id}-0/tiles/8/0/0").status_code == 200
    first = site.desk.folders.photo(f"{opened_id}-0").header.path
    first.unlink()
    first.symlink_to(secret)

    assert site.get(f"api/photos/{opened_id}-0/repaired").status_code == 404
    assert site.get(f"api/photos/{opened_id}-0/tiles/8/0/0").status_code == 404


@pytest.mark.parametrize(
    "path", ["photos", "./photos", "", "\0", "/no/such/folder", "~nobody-here"]
)
def test_a_folder_that_is_none_is_refused(shared, path):
    assert shared.post("api/folders", {"path": path}).status_code in {404, 422}


@pytest.mark.parametrize("kind", ["the photos' own", "its parent", "full", "a file", "relative"])
def test_copies_go_nowhere_but_into_a_folder_of_their_own(opened, tmp_path, kind):
    site, folder, opened_id = opened
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.txt").write_text("dear", encoding="utf-8")
    out = {
        "the photos' own": str(folder),
        "its parent": str(tmp_path),
        "full": str(full),
        "a file": str(full / "thesis.txt"),
        "relative": "copies",
    }[kind]

    answer = site.post("api/repairs", {"folder": opened_id, "out": out})

    assert answer.status_code in {404, 409, 422}
    assert names(tmp_path) == ["full", "photos"]
    assert names(full) == ["thesis.txt"]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# Uploads


def upload(site, name, content):
    return site.client.post("api/uploads", params={"name": name}, content=content)


def kept(site):
    return names(site.desk.uploads.root)


@pytest.mark.parametrize(
    "content",
    [b"", b"MZ\x90\0", b"<script>alert(1)</script>", b"\xff\xd8\xff\xe0 cut", b"\x89PNG\r\n\x1a\n"],
)
def test_an_upload_that_is_no_picture_is_refused_and_not_kept(shared, content):
    answer = upload(shared, "a.jpg", content)

    assert answer.status_code == 415
    assert answer.json()["reason"].startswith("a.jpg: ")
    assert kept(shared) == []


@pytest.mark.parametrize(
    "name", ["../a.jpg", "/etc/a.jpg", "..", ".a.jpg", "a\0.jpg", "b\\a.jpg", "C:a.jpg", "é" * 150]
)
def test_an_uploads_name_is_only_a_name(shared, name):
    assert upload(shared, name, series.jpeg(series.scene(1))).status_code == 422
    assert kept(shared) == []


def test_a_program_named_as_one_is_refused_whatever_is_in_it(shared):
    assert upload(shared, "a.html", series.jpeg(series.scene(1))).status_code == 415


def test_two_uploads_of_one_name_are_both_kept(site):
    for number in (1, 2):
        assert upload(site, "a.jpg", series.jpeg(series.scene(number))).status_code == 201

    assert kept(site) == ["a (2).jpg", "a.jpg"]
    told = site.ended(site.post("api/folders", {"dropped": True}))
    assert told["result"]["photos"] == 2


def test_an_upload_of_two_gigabytes_is_refused_before_it_is_sent(site):
    head = (
        f"POST /{site.token}/api/uploads?name=a.jpg HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n"
        f"Content-Length: {2 << 30}\r\n\r\n"
    )

    answer = pages.raw(site, head.encode() + b"\xff\xd8\xff")

    assert pages.status_of(answer) == 413
    assert kept(site) == []


def test_an_upload_that_hides_its_length_is_refused_at_the_limit(site):
    site.desk.uploads.most_bytes = 1 << 20
    sent = []

    def parts():
        for number in range(64):
            sent.append(number)
            yield b"\xff\xd8\xff" + bytes(1 << 18)

    with suppress(httpx.TransportError):  # it may end the connection while more is being sent
        assert upload(site, "a.jpg", parts()).status_code == 413

    assert len(sent) < 64
    assert kept(site) == []


def png_that_claims(width, height):
    def chunk(kind, content):
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(10_000, 10_000), (2**31 - 1, 2**31 - 1), (100_000, 4)])
def test_a_picture_that_claims_to_be_huge_harms_nothing(site, size):
    answer = upload(site, "a.png", png_that_claims(*size))
    if answer.status_code == 201:
        told = site.ended(site.post("api/folders", {"dropped": True}))
        if told["result"]["photos"]:
            tile = site.get(f"api/photos/{told['result']['folder']}-0/tiles/8/0/0")
            assert tile.status_code in {413, 422}
    else:
        assert answer.status_code == 415

    assert site.get("api/state").status_code == 200


def test_a_photo_too_large_to_be_shown_says_so(site, tmp_path, monkeypatch):
    monkeypatch.setattr("stillpix.web.photos.MOST_DECODED_BYTES", 1000)
    series.write(tmp_path / "photos", range(1))
    opened = site.open(tmp_path / "photos")

    answer = site.get(f"api/photos/{opened}-0/tiles/8/0/0")

    assert answer.status_code == 413
    assert "too large to be shown" in answer.json()["reason"]


def test_a_name_that_is_no_text_does_not_break_the_state(site, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    try:
        (folder / os.fsdecode(b"\xff\xfe.jpg")).write_bytes(series.jpeg(series.scene(1)))
    except OSError:
        pytest.skip("this file system takes no such name")
    opened = site.open(folder)

    assert site.get("api/state").status_code == 200
    (photo,) = site.get(f"api/maps/{site.state()['maps'][0]['id']}/photos").json()
    assert photo["id"] == f"{opened}-0"


def test_cmyk_and_other_rare_photos_are_shown_or_refused(site, tmp_path):
    from PIL import Image

    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "cmyk.jpg").write_bytes(photos.encoded(Image.new("CMYK", (64, 48)), "JPEG"))
    (folder / "grey.png").write_bytes(photos.encoded(Image.new("L", (64, 48)), "PNG"))
    (folder / "deep.tif").write_bytes(photos.encoded(Image.new("I;16", (64, 48)), "TIFF"))
    opened = site.open(folder)

    for number in range(len(site.desk.folders.named(opened).photos)):
        for level in (0, 3, 6):
            answer = site.get(f"api/photos/{opened}-{number}/tiles/{level}/0/0")
            assert answer.status_code == 200, answer.text
