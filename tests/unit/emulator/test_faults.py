"""Faults over real sockets: what the client gets, and what was done to the zone."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from dnsbalancer_exporter.emulator import Emulator, Fault, parse_fault
from tests.unit.emulator.account import Clock, auth

APEX = ("example.com", "A")


class Api:
    """The records of the first zone, one connection per request."""

    def __init__(self, stage: Emulator, clock: Clock) -> None:
        self.stage = stage
        self.clock = clock
        self.headers: dict[str, str] = {}
        self.zone = f"{stage.url}v2/dns/{stage.zones.list_zones()[0].uuid}"

    def log_in(self) -> requests.Response:
        reply = self.send("POST", self.stage.auth_url + "auth/tokens", json=auth(self.stage))
        self.headers["X-Auth-Token"] = reply.headers.get("X-Subject-Token", "none")
        return reply

    def send(self, method: str, url: str, **options: Any) -> requests.Response:
        with requests.Session() as http:
            http.trust_env = False
            return http.request(method, url, headers=self.headers, timeout=10, **options)

    def create(self, address: str = "127.0.0.12", kind: str = "a") -> requests.Response:
        field = {"a": "ipv4", "txt": "content"}[kind]
        return self.send("POST", f"{self.zone}/{kind}/", json={field: address, "ttl": 60})

    def read(self) -> requests.Response:
        return self.send("GET", self.zone + "/a/")

    def delete(self, place: int) -> requests.Response:
        zone = self.stage.zones.list_zones()[0].uuid
        record = self.stage.zones.list_records(zone, "a")[place]
        return self.send("DELETE", f"{self.zone}/a/{record.uuid}")

    @property
    def apex(self) -> tuple[str, ...]:
        return self.stage.zones.values(*APEX)

    def listed(self) -> list[str]:
        return [record["ipv4"] for record in self.read().json()]


@pytest.fixture
def api() -> Iterator[Api]:
    clock = Clock()
    records = ["@ A 127.0.0.1 60", "@ A 127.0.0.2 60", "@ A 127.0.0.3 60"]
    with Emulator(dns=None, records=records, clock=clock) as stage:
        api = Api(stage, clock)
        api.log_in()
        yield api


WRITTEN: tuple[str, ...] = ("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.12")
UNTOUCHED = WRITTEN[:3]


@pytest.mark.parametrize(
    ("fault", "outcome", "apex"),
    [
        ("create_record:status", 503, UNTOUCHED),
        ("create_record:status:code=429:retry_after=7", 429, UNTOUCHED),
        ("create_record:reset", "ConnectionResetError", UNTOUCHED),
        ("create_record:slow:seconds=0.01", 201, WRITTEN),
        ("create_record:lost", "RemoteDisconnected", WRITTEN),
        ("create_record:lost_error", 500, WRITTEN),
        ("create_record:delayed:seconds=5", 201, UNTOUCHED),
        ("create_record:delayed:seconds=5:answer=no", "RemoteDisconnected", UNTOUCHED),
        ("create_record:cut", "IncompleteRead", WRITTEN),
        ("create_record:garbage", 200, WRITTEN),
        ("create_record:expire_tokens", 401, UNTOUCHED),
    ],
)
def test_what_a_create_suffers(
    api: Api, fault: str, outcome: int | str, apex: tuple[str, ...]
) -> None:
    api.stage.faults.add(fault)
    if isinstance(outcome, str):
        with pytest.raises(requests.RequestException, match=outcome):
            api.create()
    else:
        reply = api.create()
        assert reply.status_code == outcome
        assert reply.headers.get("Retry-After") == ("7" if outcome == 429 else None)
    assert api.apex == apex
    assert api.stage.faults.hits() == ((parse_fault(fault), 1),)


@pytest.mark.parametrize(
    ("fault", "error"), [("lost", "RemoteDisconnected"), ("cut", "BadStatusLine")]
)
def test_a_delete_that_is_done_and_not_answered(api: Api, fault: str, error: str) -> None:
    api.stage.faults.add(f"delete_record:{fault}")
    with pytest.raises(requests.RequestException, match=error):
        api.delete(1)
    assert api.apex == ("127.0.0.1", "127.0.0.3")
    entry = api.stage.journal.entries("delete_record")[-1]
    assert (entry.status, entry.fate) == (204, "dropped" if fault == "lost" else "cut")


def test_a_delayed_write_takes_effect_in_its_time(api: Api) -> None:
    api.stage.faults.add("writes:delayed:seconds=5:times=2")
    assert api.delete(0).status_code == 204
    made = api.create().json()
    assert api.listed() == list(UNTOUCHED)
    assert api.send("GET", f"{api.zone}/a/{made['uuid']}").status_code == 404
    api.clock.now += 4.9
    assert api.apex == UNTOUCHED
    api.clock.now += 0.2
    assert api.apex == WRITTEN[1:]
    assert api.send("GET", f"{api.zone}/a/{made['uuid']}").json() == made


def test_a_delayed_write_yields_to_what_came_first(api: Api) -> None:
    api.stage.faults.add("writes:delayed:seconds=5:times=2")
    assert api.create().status_code == 201
    assert api.delete(0).status_code == 204
    kept = api.create().json()
    assert api.delete(0).status_code == 204
    api.clock.now += 6
    records = api.read().json()
    assert [r["ipv4"] for r in records] == list(WRITTEN[1:])
    assert records[-1] == kept


def test_a_stale_list_shows_what_there_was(api: Api) -> None:
    api.clock.now += 10
    api.create()
    api.delete(0)
    api.clock.now += 10
    api.stage.faults.add("list_records:stale_list:seconds=15:times=1")
    assert api.listed() == list(UNTOUCHED)
    assert api.listed() == list(WRITTEN[1:])


@pytest.mark.parametrize(
    ("fraction", "expected"), [("0", 3), ("0.3", 2), ("0.5", 1), ("0.9", 0), ("1", 0)]
)
def test_a_short_list(api: Api, fraction: str, expected: int) -> None:
    api.stage.faults.add(f"list_records:short_list:fraction={fraction}")
    assert api.listed() == list(UNTOUCHED[:expected])


@pytest.mark.parametrize(
    ("shape", "content_type", "body"),
    [
        ("html", "text/html", r"<html>.*"),
        ("object", "application/json", r"\{.*\}"),
        ("null", "application/json", "null"),
        ("text", "text/plain", "OK"),
    ],
)
def test_garbage(api: Api, shape: str, content_type: str, body: str) -> None:
    api.stage.faults.add(f"list_records:garbage:shape={shape}")
    reply = api.read()
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, content_type)
    assert re.fullmatch(body, reply.text)


def test_expired_tokens_are_replaced_by_a_login(api: Api) -> None:
    api.stage.faults.add("list_records:expire_tokens:times=1")
    assert api.read().status_code == 401
    assert api.read().status_code == 401
    assert api.log_in().status_code == 201
    assert api.read().status_code == 200


@pytest.mark.parametrize(("fault", "status"), [("status:code=503", 503), ("status:code=401", 401)])
def test_keystone_fails_in_its_own_words(api: Api, fault: str, status: int) -> None:
    api.stage.faults.add(f"auth_token:{fault}")
    assert api.log_in().json()["error"]["code"] == status
    assert api.read().status_code == 401


# --- which requests -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        ("list_records:status:times=2", [503, 503, 200, 200]),
        ("list_records:status:skip=1:times=2", [200, 503, 503, 200]),
        ("list_records:status:skip=3", [200, 200, 200, 503]),
        ("reads:status:times=1", [503, 200, 200, 200]),
        ("*:status:times=1", [503, 200, 200, 200]),
        ("list_records:status:type=A:times=1", [503, 200, 200, 200]),
        ("list_records:status:type=TXT", [200, 200, 200, 200]),
        ("list_records:status:match=/a/:times=1", [503, 200, 200, 200]),
        ("writes:status", [200, 200, 200, 200]),
        ("list_records:status:probability=0", [200, 200, 200, 200]),
    ],
)
def test_which_lists_are_hit(api: Api, fault: str, statuses: list[int]) -> None:
    api.stage.faults.add(fault)
    assert [api.read().status_code for _ in statuses] == statuses


def test_chance_is_repeatable(api: Api) -> None:
    runs = []
    for _ in range(2):
        api.stage.faults.replace("list_records:status:probability=0.5:seed=7")
        runs.append([api.read().status_code for _ in range(20)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 503}


def test_a_match_looks_into_the_body(api: Api) -> None:
    api.stage.faults.add("create_record:status:match=127.0.0.13")
    assert [api.create(f"127.0.0.{n}").status_code for n in (12, 13, 14)] == [201, 503, 201]


def test_faults_work_inside_one_another(api: Api) -> None:
    api.stage.faults.add("create_record:lost_error", "create_record:delayed:seconds=5")
    assert api.create().status_code == 500
    assert api.apex == UNTOUCHED
    api.clock.now += 6
    assert api.apex == WRITTEN


def test_a_reset_is_a_reset(api: Api) -> None:
    api.stage.faults.add("*:reset")
    host, port = api.stage.url.split("/")[2].split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(100)


def test_a_body_of_choice(api: Api) -> None:
    body = json.dumps([{"uuid": "x:y"}])
    api.stage.faults.add(Fault("list_records", "status", code=200, body=body))
    assert api.read().json() == [{"uuid": "x:y"}]
