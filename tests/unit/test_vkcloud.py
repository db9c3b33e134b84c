"""The driver's words: what it sends, and what it makes of answers; tests/contract/ has the rest."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import pytest

from dnsbalancer_exporter.errors import AnswerLost, ApiReason, ProviderError
from dnsbalancer_exporter.model import Create, Record
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.provider import ListsZones, wire
from dnsbalancer_exporter.report import API_OPERATIONS
from tests.contract.scripted import (
    A_RECORD,
    TOKEN,
    ZONE_ID,
    ZONES,
    Client,
    Reply,
    Scripted,
    client,
    scripted,
)
from tests.contract.verbs import NEW, NEW_JSON, OLD, ZONE_LIST, A, failure, settled


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted() as script:
        yield script


@pytest.fixture
def here(server: Scripted) -> Client:
    return settled(server)


# --- what is sent -----------------------------------------------------------------------


def test_paths_headers_and_bodies_are_the_documented_ones(server: Scripted) -> None:
    here = client(server.url, server.auth_url)
    server.says(ZONE_LIST, Reply(200, [A_RECORD]), Reply(201, NEW_JSON), Reply(204))
    assert here.driver.list_records("Example.COM.", A, 30) == (OLD,)
    assert here.driver.create_record("example.com", NEW).id == "a-7"
    here.driver.delete_record("example.com", OLD)
    assert server.seen() == [
        "GET ",
        f"GET {ZONE_ID}/a/",
        f"POST {ZONE_ID}/a/",
        f"DELETE {ZONE_ID}/a/a-1",
    ]
    sent = server.requests[3]
    assert json.loads(sent.body) == {"name": "www", "ipv4": "192.0.2.7", "ttl": 60}
    assert {request.headers["X-Auth-Token"] for request in server.requests[1:]} == {TOKEN}
    assert all(r.headers["User-Agent"].startswith("dnsbalancer/") for r in server.requests)
    operations = ["auth_token", "list_zones", "list_records", "create_record", "delete_record"]
    assert [call.operation for call in here.calls] == operations == list(API_OPERATIONS)
    assert {call.reason for call in here.calls} == {None}


def test_a_small_ttl_is_raised_and_the_apex_is_an_at_sign(server: Scripted, here: Client) -> None:
    server.says(Reply(201, {"uuid": "a-9", "name": "@", "ipv6": "2001:DB8::0:9", "ttl": 60}))
    record = here.driver.create_record(
        "example.com", Create("example.com", RecordType.AAAA, "2001:db8::9", 5)
    )
    assert record == Record("a-9", "example.com", RecordType.AAAA, "2001:db8::9", 60)
    assert json.loads(server.requests[0].body) == {"name": "@", "ipv6": "2001:db8::9", "ttl": 60}


def test_an_id_that_is_no_id_never_becomes_a_path(server: Scripted, here: Client) -> None:
    with pytest.raises(ProviderError, match="not sent"):
        here.driver.delete_record("example.com", Record("../x", "example.com", A, "192.0.2.1", 60))
    assert server.requests == []


# --- what is not the documented JSON ----------------------------------------------------


def bad(**changes: object) -> object:
    return [{**A_RECORD, **changes}]


def without(key: str) -> object:
    return [{k: v for k, v in A_RECORD.items() if k != key}]


BAD_LISTS: dict[str, object] = {
    "nothing": b"",
    "HTML": b"<html>welcome</html>",
    "half": json.dumps([A_RECORD]).encode()[:-3],
    "no UTF-8": b'["\xff"]',
    "too deep": b"[" * 200_000,
    "null": None,
    "an envelope": {"a_records": [A_RECORD]},
    "an error": {"message": "later"},
    "a number": 7,
    "a text in it": [A_RECORD, "x"],
    "null in it": [None],
    "a list in it": [[A_RECORD]],
    **{f"no {key}": without(key) for key in ("uuid", "name", "ipv4", "ttl")},
    **{f"null {key}": bad(**{key: None}) for key in ("uuid", "name", "ipv4", "ttl")},
    **{f"a number as {key}": bad(**{key: 7}) for key in ("uuid", "name", "ipv4")},
    "a text as ttl": bad(ttl="60"),
    "true as ttl": bad(ttl=True),
    "a fraction as ttl": bad(ttl=60.5),
    "a negative ttl": bad(ttl=-1),
    "a huge ttl": bad(ttl=2**31 + 1),
    "no address": bad(ipv4="here"),
    "an address of the other family": bad(ipv4="2001:db8::1"),
    "a network": bad(ipv4="192.0.2.0/24"),
    "an empty id": bad(uuid=""),
    "a path as id": bad(uuid="../zone"),
    "a line break in an id": bad(uuid="a-1\n"),
    "half a surrogate": bad(name="\ud800"),
    "one id twice": [A_RECORD, {**A_RECORD, "ipv4": "192.0.2.2"}],
}


@pytest.mark.parametrize("body", BAD_LISTS.values(), ids=BAD_LISTS)
def test_an_undocumented_list_is_an_error(server: Scripted, here: Client, body: object) -> None:
    server.says(Reply(200, body), Reply(200, body))
    error = failure(here, "list")
    assert error.reason is ApiReason.INVALID_RESPONSE
    assert "list the A records of example.com: HTTP 200" in str(error)
    assert len(str(error)) < 400
    assert len(here.calls) == 2, "garbage is asked for once more, and no more"
    assert {call.reason for call in here.calls} == {ApiReason.INVALID_RESPONSE}


@pytest.mark.parametrize(
    "zones",
    [
        {"zones": ZONES},
        [{"uuid": ZONE_ID}],
        [{"zone": "example.com"}],
        [{"uuid": "a/b", "zone": "example.com"}],
        [*ZONES, {"uuid": "z-2", "zone": "EXAMPLE.com."}],
    ],
)
def test_an_undocumented_list_of_zones_is_an_error(server: Scripted, zones: object) -> None:
    server.says(Reply(200, zones), Reply(200, zones))
    error = failure(client(server.url, server.auth_url), "list")
    assert error.reason is ApiReason.INVALID_RESPONSE


def test_the_zones_of_the_project_are_told_by_their_canonical_names(server: Scripted) -> None:
    here = client(server.url, server.auth_url).driver
    listed = [{"uuid": "z-2", "zone": "WWW.example.org."}, *ZONES]
    server.says(Reply(503), Reply(200, listed))
    assert isinstance(here, ListsZones)
    assert here.zones(30) == ("example.com", "www.example.org")


def test_unknown_fields_and_odd_content_types_are_no_harm(server: Scripted, here: Client) -> None:
    records = [{**A_RECORD, "weight": 3}, {**A_RECORD, "uuid": "a-0", "name": ""}]
    server.says(Reply(200, records, {"Content-Type": "text/html"}))
    listed = here.driver.list_records("example.com", A, 30)
    assert [(record.id, record.name) for record in listed] == [
        ("a-0", "example.com"),
        ("a-1", "example.com"),
    ]


def test_a_body_has_a_limit(
    server: Scripted, here: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_BODY", 5000)
    server.says(*[Reply(200, b" " * 9000 + b"[]")] * 2)
    assert failure(here, "list").reason is ApiReason.INVALID_RESPONSE


def test_a_body_has_a_deadline(server: Scripted, here: Client) -> None:
    ticks = itertools.count(here.clock(), 4.0)
    here.wire.clock = lambda: next(ticks)
    server.says(Reply(200, b" " * 100_000 + b"[]"))
    assert failure(here, "list", budget=20).reason is ApiReason.TIMEOUT
    assert here.calls[-1].reason is ApiReason.TIMEOUT


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        [NEW_JSON],
        {**NEW_JSON, "uuid": ""},
        {**NEW_JSON, "ipv4": "192.0.2.8"},
        {**NEW_JSON, "name": "@"},
        {"message": "queued"},
    ],
)
def test_a_create_whose_answer_is_not_its_record_is_in_doubt(
    server: Scripted, here: Client, answer: object
) -> None:
    server.says(Reply(201, answer))
    error = failure(here, "create")
    assert isinstance(error, AnswerLost)
    assert error.reason is ApiReason.INVALID_RESPONSE
    assert "the next read" in str(error)
