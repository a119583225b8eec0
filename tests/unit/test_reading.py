"""Reading ahead: in order, never more at once than allowed, and never stopped by a bad photo."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from stillpix.errors import ReadError
from stillpix.images import read_header
from stillpix.images.read_ahead import read_ahead, threads
from support import series


@pytest.fixture(scope="module")
def headers(tmp_path_factory):
    return [
        read_header(path) for path in series.write(tmp_path_factory.mktemp("photos"), range(11))
    ]


def test_photos_come_in_order_some_together(headers):
    with threads(2) as pool:
        batches = read_ahead(headers, lambda header, _: header.path, pool, together=4, ahead=3)
        sizes, outcomes = [], []
        for batch in batches:
            sizes.append(len(batch))
            outcomes += batch

    assert sizes == [4, 4, 3]
    assert outcomes == [(header, header.path) for header in headers]


def test_a_photo_that_cannot_be_read_is_handed_on_as_the_reason(headers):
    def read(header, buffer):
        if header is headers[1]:
            raise ReadError(header.path, "is torn; glue it")
        return 1

    with threads(2) as pool:
        batches = read_ahead(headers, read, pool, together=1, ahead=1)
        outcomes = [outcome for ((_, outcome),) in batches]

    assert outcomes[0] == 1
    assert str(outcomes[1]).endswith("is torn; glue it")
    assert outcomes[2:] == [1] * 9


def test_no_more_photos_are_under_way_than_were_allowed(headers):
    begun, buffers = [], set()

    def read(header, buffer):
        begun.append(header)
        buffers.add(id(buffer))

    with threads(4) as pool:
        for done, _ in enumerate(read_ahead(headers, read, pool, together=2, ahead=3)):
            assert len(begun) <= 2 * done + 5

    assert len(buffers) <= 5


def test_a_reading_that_is_left_begins_no_more_photos(headers):
    go_on, begun = threading.Event(), []

    def read(header: object, buffer: bytearray) -> Path | None:
        begun.append(header)
        if len(begun) > 1:
            go_on.wait(10)

    with threads(1) as pool:
        batches = read_ahead(headers, read, pool, together=1, ahead=8)
        next(batches)
        batches.close()
        go_on.set()

    assert len(begun) <= 2
