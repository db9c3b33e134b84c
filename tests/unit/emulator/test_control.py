"""The director's desk, and the emulator's own life: start, stop, again."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from dnsbalancer_exporter.emulator import Emulator, SampleApp
from dnsbalancer_exporter.emulator.control import ControlDesk
from tests.unit.emulator.account import log_in


@pytest.fixture
def stage() -> Iterator[Emulator]:
    with Emulator(records=["@ A 127.0.0.11 60"], password="not-a-secret") as running:
        yield running


def test_the_state(stage: Emulator, http: requests.Session) -> None:
    stage.faults.add("create_record:lost:times=2")
    state = http.get(stage.control_url).json()
    (zone,) = state["zones"]
    assert zone["zone"] == "example.com"
    assert [(r["type"], r["name"]) for r in zone["records"]] == [
        ("ns", "@"),
        ("ns", "@"),
        ("a", "@"),
    ]
    assert state["switches"]["slash"] == "strict"
    assert state["faults"] == [{"fault": "create_record:lost:times=2", "hits": 0}]


def test_the_journal_tells_all_and_keeps_secrets(stage: Emulator, http: requests.Session) -> None:
    token = log_in(stage, http)
    zone = stage.zones.list_zones()[0].uuid
    path = f"/public-dns/v2/dns/{zone}/a/"
    body = {"name": "@", "ipv4": "127.0.0.12", "ttl": 60}
    stage.faults.add("create_record:lost:times=1")
    with pytest.raises(requests.ConnectionError):
        http.post(stage.url.removesuffix("/public-dns/") + path, json=body)
    http.get(stage.url.removesuffix("/public-dns/") + path + "?x=1")
    http.get(stage.url + "nothing")
    http.get(stage.control_url)
    reply = http.get(stage.control_url + "journal")
    lines = [
        (e["n"], e["method"], e["path"], e["operation"], e["status"], e["fate"])
        for e in reply.json()
    ]
    assert lines == [
        (1, "POST", "/v3/auth/tokens", "auth_token", 201, "answered"),
        (2, "POST", path, "create_record", 201, "dropped"),
        (3, "GET", path + "?x=1", "list_records", 400, "answered"),
        (4, "GET", "/public-dns/nothing", "unknown", 404, "answered"),
    ]
    assert [e["body"] for e in reply.json()] == [None, body, None, None]
    assert reply.json()[1]["faults"] == ["create_record:lost:times=1"]
    assert "not-a-secret" not in reply.text
    assert token not in reply.text
    http.delete(stage.control_url + "journal")
    assert http.get(stage.control_url + "journal").json() == []


@pytest.mark.parametrize(
    ("method", "body", "status", "faults"),
    [
        ("POST", "reads:slow\nwrites:lost\n", 200, ["*:reset", "reads:slow", "writes:lost"]),
        ("POST", '["reads:slow"]', 200, ["*:reset", "reads:slow"]),
        ("PUT", "reads:slow", 200, ["reads:slow"]),
        ("PUT", "", 200, []),
        ("DELETE", "", 200, []),
        ("POST", "reads:slow\nreads:quick", 400, ["*:reset"]),
        ("POST", "[1]", 400, ["*:reset"]),
        ("POST", "[", 400, ["*:reset"]),
        ("PATCH", "reads:slow", 405, ["*:reset"]),
    ],
)
def test_faults_are_ordered(
    stage: Emulator,
    http: requests.Session,
    method: str,
    body: str,
    status: int,
    faults: list[str],
) -> None:
    stage.faults.add("*:reset")
    reply = http.request(method, stage.control_url + "faults", data=body)
    assert reply.status_code == status
    assert [str(fault) for fault, _ in stage.faults.hits()] == faults
    if status == 200:
        assert [line["fault"] for line in reply.json()] == faults
    else:
        assert reply.json()["error"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"slash": "lenient", "txt_max": null, "quota": 3}', ("lenient", None, 3)),
        ("slash=lenient\nquota=3", ("lenient", 255, 3)),
        ("slash = lenient", ("lenient", 255, 500)),
        ("slash=loose", "'loose' is none of strict, lenient"),
        ("slosh=strict", "unknown switch 'slosh'"),
        ('{"slash": "lenient", "quota": -1}', "'-1' is not a whole number"),
        ("token_ttl=nan", "'nan' is not a number of seconds"),
    ],
)
def test_switches_are_set(
    stage: Emulator, http: requests.Session, body: str, expected: Any
) -> None:
    before = stage.switches.current
    reply = http.put(stage.control_url + "switches", data=body)
    now = stage.switches.current
    if isinstance(expected, str):
        assert reply.status_code == 400
        assert expected in reply.json()["error"]
        assert now == before
    else:
        assert (now.slash, now.txt_max, now.quota) == expected
        assert http.get(stage.control_url + "switches").json() == reply.json()


@pytest.mark.parametrize(
    ("client", "status"),
    [
        ("127.0.0.9", 200),
        ("::1", 200),
        ("::ffff:127.0.0.1", 200),
        ("192.0.2.1", 403),
        ("2001:db8::1", 403),
        ("fe80::1%eth0", 403),
    ],
)
def test_the_desk_is_for_loopback(stage: Emulator, client: str, status: int) -> None:
    desk = ControlDesk(stage.zones, stage.switches, stage.faults, stage.journal)
    assert desk.answer("GET", "/_emulator/", b"", client).status == status


def test_a_stopped_emulator_is_gone_and_comes_back_as_it_was(
    stage: Emulator, http: requests.Session
) -> None:
    log_in(stage, http)
    url, dns = stage.url, stage.dns_address
    stage.stop()
    with pytest.raises(requests.ConnectionError):
        http.get(url + "v2/dns/")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(dns, timeout=5)
    stage.stop()
    stage.start()
    assert (stage.url, stage.dns_address) == (url, dns)
    assert http.get(url + "v2/dns/").status_code == 200


def test_a_stop_ends_what_is_under_way(stage: Emulator) -> None:
    stage.faults.add("*:slow:seconds=600")
    host, port = stage.url.split("/")[2].split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        deadline = time.monotonic() + 10
        while not stage.journal.entries():
            assert time.monotonic() < deadline
        stage.stop()
        assert connection.recv(100) == b""


def test_a_busy_port_is_said_and_leaves_nothing_open(stage: Emulator) -> None:
    port = int(stage.url.split(":")[2].split("/")[0])
    second = Emulator(listen=("127.0.0.1", port))
    with pytest.raises(OSError, match=rf"127\.0\.0\.1:{port}: .*in use"):
        second.start()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(second.dns_address, timeout=5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"records": ["@ A nonsense"]}, "not an IPv4 address"),
        ({"zones": ["nonsense"]}, "not a zone name"),
        ({"switches": {"slash": "loose"}}, "none of strict"),
        ({"faults": ["x"]}, "none of"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Emulator(**arguments)


@pytest.mark.parametrize("address", ["127.0.0.21", "127.0.0.22"])
def test_a_sample_application(http: requests.Session, address: str) -> None:
    with SampleApp(address) as app:
        host, port = app.address
        reply = http.get(f"http://{host}:{port}/")
        assert (reply.status_code, reply.text) == (200, address + "\n")
        app.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(app.address, timeout=5)
        app.start()
        assert app.address == (host, port)
        socket.create_connection(app.address, timeout=5).close()
