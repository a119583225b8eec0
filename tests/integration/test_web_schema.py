"""The HTTP interface keeps what its OpenAPI document promises, whatever is asked of it."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings

from stillpix.maps.library import Library
from stillpix.web import api, runs
from stillpix.web.folders import gathered
from stillpix.web.operations import described
from stillpix.web.refusal import Refused
from stillpix.web.routes import OPERATIONS
from stillpix.web.schema import checked, from_text, record
from stillpix.web.streams import DESCRIBED
from support import pages, series
from support.effort import some

EXAMPLES = some(60)  # an operation; the ids of a third of them are of what there is
WHOLE = {"type": "integer", "minimum": 0, "maximum": 9}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A server whose folders and copies are the test's own, whatever paths are sent."""
    base = tmp_path_factory.mktemp("base")
    series.write(base / "photos", range(5))
    with (
        pytest.MonkeyPatch.context() as patch,
        pages.serving(Library(base / "library")) as found,
    ):
        patch.setattr(
            runs, "gathered", lambda _, report, camera: gathered(base / "photos", report, camera)
        )
        patch.setattr(runs, "DEMO_SIZE", (120, 80))
        opened = found.open(base / "photos")
        found.find(opened)
        named = api.folder_for_copies

        def copies(text):
            named(text)
            return base / "copies"

        patch.setattr(api, "folder_for_copies", copies)
        yield found


DOCUMENT = {**described(OPERATIONS, DESCRIBED), "servers": [{"url": "/"}]}
ASKED = [
    (method, path)
    for path, methods in DOCUMENT["paths"].items()
    for method in methods
    if path != "/api/events"
]


@pytest.fixture(scope="module")
def promised(site):
    """Return the document as schemathesis reads it, which takes it seconds."""
    from support import promises

    promises.MAPS[:] = [each["id"] for each in site.state()["maps"]]
    return promises.Promises(DOCUMENT)


@pytest.mark.parametrize(("method", "path"), ASKED)
def test_nothing_that_is_sent_breaks_the_server_or_its_promises(method, path, site, promised):
    cases = promised.cases(method, path)

    @settings(max_examples=EXAMPLES, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(cases)
    def is_kept(case):
        case.call_and_validate(base_url=site.address.rstrip("/"), checks=promised.checks)

    is_kept()


def test_the_document_names_every_operation_and_no_other(site):
    document = site.get("api/openapi.json").json()
    told = {(path, method) for path, methods in document["paths"].items() for method in methods}
    table = {(each.path, each.method.lower()) for each in OPERATIONS}

    streams = {("/api/events", "get"), ("/api/uploads", "post"), ("/api/maps/{map}/lists", "post")}

    assert told == table | streams


def test_every_address_in_a_path_is_described():
    for operation in OPERATIONS:
        assert set(re.findall(r"{(\w+)}", operation.path)) == set(operation.in_path)


@pytest.mark.parametrize(
    "value",
    [None, 3, [], "x", {}, {"x": None}, {"x": 10}, {"x": -1}, {"x": True}, {"x": 1, "y": 1}],
)
def test_a_value_that_the_schema_does_not_allow_is_refused(value):
    with pytest.raises(Refused) as refusal:
        checked(value, record({"x": WHOLE}), "body")

    assert refusal.value.status == 422


@pytest.mark.parametrize("text", ["", "1_0", " 1", "+1", "٣", "1e1", "1.0", "0x1", "9" * 20, "10"])
def test_a_number_in_an_address_is_written_in_plain_digits(text):
    with pytest.raises(Refused):
        from_text(text, WHOLE, "x")
