"""Zones over the API, and records by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from dnsbalancer_exporter.emulator import Emulator, parse_record
from tests.unit.emulator.account import Api

ADDRESS = {"ipv4": "127.0.0.12", "ttl": 60}


@pytest.fixture
def stage() -> Iterator[Emulator]:
    with Emulator(dns=None) as running:
        yield running


# --- zones ------------------------------------------------------------------------------------


def test_a_new_zone(api: Api) -> None:
    reply = api.http.post(api.root, json={"zone": "example.org"})
    zone = reply.json()
    assert reply.status_code == 201
    assert reply.text.startswith(f'{{"uuid": "{zone["uuid"]}", "tenant": "01234567-89ab-cdef-')
    assert list(zone)[2:] == [
        *("soa_primary_dns", "soa_admin_email", "soa_serial", "soa_refresh", "soa_retry"),
        *("soa_expire", "soa_ttl", "zone", "status"),
    ]
    assert (zone["soa_serial"], zone["status"]) == (1, "pending")
    assert api.http.get(api.root + zone["uuid"]).json()["soa_serial"] == 3
    servers = api.http.get(f"{api.root}{zone['uuid']}/ns/").json()
    assert [(s["name"], s["content"], s["ttl"]) for s in servers] == [
        ("@", "ns1.mcs.mail.ru", 86400),
        ("@", "ns2.mcs.mail.ru", 86400),
    ]
    assert api.http.get(f"{api.root}{zone['uuid']}/a/").text == "[]"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"zone": "example.com"}, 409),
        ({"zone": "EXAMPLE.com"}, 409),
        ({"zone": "example.org."}, 400),
        ({"zone": "org"}, 400),
        ({"zone": "example.c0"}, 400),
        ({"zone": "-a.example"}, 400),
        ({"zone": "a" * 60 + ".org"}, 400),
        ({"zone": "example.org", "soa_ttl": 59}, 400),
        ({"zone": "example.org", "soa_retry": 86400}, 400),
        ({"zone": "example.org", "soa_expire": 93600}, 400),
        ({"zone": "example.org", "soa_admin_email": "admin.example.org"}, 400),
        ({"zone": "example.org", "tenant": "x"}, 400),
        ({"zone": "example.org", "soa_serial": 7, "soa_ttl": 60}, 201),
    ],
)
def test_which_zones_are_made(api: Api, body: dict[str, Any], status: int) -> None:
    assert api.http.post(api.root, json=body).status_code == status


def test_a_zone_is_changed_in_part_and_keeps_its_name(api: Api) -> None:
    old = api.http.get(api.zone).json()
    reply = api.http.put(api.zone, json={"soa_ttl": 300})
    assert (reply.status_code, reply.json()) == (200, {**old, "soa_ttl": 300})
    assert api.http.put(api.zone, json={"zone": "example.org"}).status_code == 400
    assert api.http.put(api.zone, json={"soa_serial": 9}).status_code == 400
    api.stage.switches.set(put_serial="allow")
    assert api.http.put(api.zone, json={"soa_serial": 9}).json()["soa_serial"] == 9


def test_the_serial_counts_changes_of_records(api: Api) -> None:
    serials = []
    for step in ("create", "list", "update", "delete"):
        if step == "create":
            made = api.create("a", **ADDRESS).json()
        elif step == "update":
            api.http.put(f"{api.zone}/a/{made['uuid']}", json={"ttl": 90})
        elif step == "delete":
            api.http.delete(f"{api.zone}/a/{made['uuid']}")
        serials.append(api.http.get(api.zone).json()["soa_serial"])
    assert serials == [4, 4, 5, 6]


def test_a_zone_goes_with_its_records(api: Api) -> None:
    api.create("a", **ADDRESS)
    api.stage.switches.set(zone_delete="refuse")
    assert api.http.delete(api.zone).status_code == 409
    api.stage.switches.set(zone_delete="cascade")
    assert api.http.delete(api.zone).status_code == 204
    assert api.http.get(api.zone + "/a/").status_code == 404
    assert api.stage.zones.values("example.com", "A") == ()


# --- by hand -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "name", "kind", "value"),
    [
        ("@ A 127.0.0.11", "example.com", "a", "127.0.0.11"),
        ("www.example.com aaaa ::1 60", "www.example.com", "aaaa", "::1"),
        ('@ TXT "some text" 60', "example.com", "txt", "some text"),
        ("@ MX 10 mail.example.com", "example.com", "mx", "10 mail.example.com"),
        ("x.sub.example.org A 127.0.0.1", "x.sub.example.org", "a", "127.0.0.1"),
        ("example.org A 127.0.0.1", "example.org", "a", "127.0.0.1"),
    ],
)
def test_record_lines(line: str, name: str, kind: str, value: str) -> None:
    stage = Emulator(zones=["example.com", "example.org"], records=[line])
    assert stage.zones.values(name, kind) == (value,)
    assert stage.zones.remove(name, kind, value) == 1
    assert stage.zones.history(name, kind) == ((value,), ())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("@ A", "NAME TYPE VALUE"),
        ("@ CAA x", "none of A, AAAA"),
        ("@ MX mail.example.com", "NAME MX PRIORITY CONTENT"),
        ("@ A 127.0.0.1 60 x", "NAME A IPV4"),
        ("@ A 127.0.0.1 soon", "ttl is not a whole number"),
        ('@ TXT "x', "quotation"),
    ],
)
def test_lines_that_are_no_records(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(line) + ".*" + message):
        parse_record(line)
