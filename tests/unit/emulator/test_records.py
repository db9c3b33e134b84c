"""Records over the API: what is accepted, in which form it is kept, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dnsbalancer_exporter.emulator import Emulator
from tests.unit.emulator.account import Api

LONG = "x" * 256


@pytest.fixture
def stage() -> Iterator[Emulator]:
    with Emulator(dns=None) as running:
        yield running


ADDRESS = {"ipv4": "127.0.0.12", "ttl": 60}
TARGET = "mail.example.com"


@pytest.mark.parametrize(
    ("kind", "fields", "kept"),
    [
        ("a", {"name": "@"}, {"name": "@"}),
        ("a", {"name": ""}, {"name": "@"}),
        ("a", {}, {"name": "@"}),
        ("a", {"name": "www"}, {"name": "www"}),
        ("a", {"name": "www."}, {"name": "www"}),
        ("a", {"name": "a.b"}, {"name": "a.b"}),
        ("a", {"name": "Grafana"}, {"name": "Grafana"}),
        ("a", {"name": "example.com"}, {"name": "example.com"}),
        ("a", {"name": "example.com."}, {"name": "example.com"}),
        ("a", {"name": "www.example.com"}, {"name": "www.example.com"}),
        ("a", {"name": "www.example.com."}, {"name": "www.example.com"}),
        ("a", {"name": "*"}, {"name": "*"}),
        ("a", {"name": "*.sub"}, {"name": "*.sub"}),
        ("a", {"ttl": 60}, {"ttl": 60}),
        ("a", {"ttl": 2147483647}, {"ttl": 2147483647}),
        ("aaaa", {"ipv6": "2001:0DB8:AA10:0001::00FB"}, {"ipv6": "2001:db8:aa10:1::fb"}),
        ("txt", {"name": "_x", "content": "some text; a=b:c~"}, {"content": "some text; a=b:c~"}),
        ("txt", {"content": "x" * 255}, {"content": "x" * 255}),
        ("cname", {"name": "www", "content": "example.com"}, {"content": "example.com"}),
        ("mx", {"priority": 0, "content": TARGET}, {"priority": 0, "content": TARGET}),
        ("ns", {"name": "sub", "content": TARGET}, {"content": TARGET}),
        (
            "srv",
            {"name": "_sip._udp", "priority": 13, "weight": 0, "port": 5060, "host": TARGET},
            {"name": "_sip._udp", "priority": 13, "weight": 0, "port": 5060, "host": TARGET},
        ),
    ],
)
def test_accepted(api: Api, kind: str, fields: dict[str, Any], kept: dict[str, Any]) -> None:
    base = ADDRESS if kind == "a" else {"ttl": 300}
    reply = api.create(kind, **{**base, **fields})
    assert reply.status_code == 201, reply.text
    made = reply.json()
    assert made | kept == made
    assert api.list(kind)[-1] == made
    assert api.http.get(f"{api.zone}/{kind}/{made['uuid']}").json() == made


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("a", {"ttl": 59}),
        ("a", {"ttl": 2147483648}),
        ("a", {"ttl": "60"}),
        ("a", {"ttl": 60.0}),
        ("a", {"ttl": True}),
        ("a", {"ttl": None}),
        ("a", {"ipv4": "127.0.0.256"}),
        ("a", {"ipv4": "::1"}),
        ("a", {"ipv4": " 127.0.0.1"}),
        ("a", {"ipv4": 2130706433}),
        ("a", {"colour": "red"}),
        ("a", {"uuid": "00000000-0000-4000-8000-000000000000"}),
        ("a", {"name": "."}),
        ("a", {"name": "a..b"}),
        ("a", {"name": "-a"}),
        ("a", {"name": "a b"}),
        ("a", {"name": "a.*"}),
        ("a", {"name": "x" * 64}),
        ("a", {"name": ".".join(["x" * 60] * 4)}),
        ("a", {"name": 1}),
        ("a", {"name": None}),
        ("aaaa", {"ipv6": "127.0.0.1"}),
        ("aaaa", {"ipv6": "fe80::1%lo"}),
        ("aaaa", {}),
        ("txt", {"content": LONG}),
        ("txt", {"content": "é"}),
        ("txt", {"content": "a\nb"}),
        ("cname", {"name": "www", "content": "example.com."}),
        ("cname", {"name": "www", "content": "bare"}),
        ("cname", {"name": "www", "content": "_a.example.com"}),
        ("cname", {"name": "@", "content": "example.org"}),
        ("mx", {"content": TARGET}),
        ("mx", {"priority": 65536, "content": TARGET}),
        ("mx", {"name": "*", "priority": 1, "content": TARGET}),
        ("ns", {"content": TARGET, "priority": 11}),
        ("srv", {"name": "@", "priority": 1, "weight": 1, "port": 1, "host": TARGET}),
        ("srv", {"priority": 1, "weight": 1, "port": 1, "host": TARGET}),
    ],
)
def test_refused(api: Api, kind: str, fields: dict[str, Any]) -> None:
    before = api.list(kind)
    reply = api.create(kind, **{**(ADDRESS if kind == "a" else {"ttl": 300}), **fields})
    assert reply.status_code == 400, reply.text
    assert api.list(kind) == before


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"null", "application/json"),
        (b'{"ipv4": "127.0.0.1"}', "text/plain"),
    ],
)
def test_bodies_that_are_none(api: Api, body: bytes, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    assert api.http.post(api.zone + "/a/", data=body, headers=headers).status_code == 400


@pytest.mark.parametrize(
    ("switches", "kind", "fields", "status"),
    [
        ({"unknown_keys": "ignore"}, "a", {**ADDRESS, "colour": "red"}, 201),
        ({"txt_max": "none"}, "txt", {"content": LONG}, 201),
        ({"txt_max": 10}, "txt", {"content": "x" * 11}, 400),
        ({"txt_charset": "any"}, "txt", {"content": "é"}, 201),
        ({"wildcards": "reject"}, "a", {**ADDRESS, "name": "*"}, 400),
        ({"target_trailing_dot": "strip"}, "ns", {"content": "ns.example.net."}, 201),
        ({"target_trailing_dot": "keep"}, "ns", {"content": "ns.example.net."}, 201),
        ({"target_underscore": "allow"}, "ns", {"content": "_a.example.net"}, 201),
        ({"cname_rules": "off"}, "cname", {"content": "example.org"}, 201),
        ({"quota_a": 0, "quota_code": 403}, "a", ADDRESS, 403),
        ({"quota": 2}, "ns", {"content": "ns.example.net"}, 409),
        ({"quota": 3}, "ns", {"content": "ns.example.net"}, 201),
        ({"default_ttl": 600}, "txt", {"content": "x"}, 201),
    ],
)
def test_switches(
    api: Api, switches: dict[str, Any], kind: str, fields: dict[str, Any], status: int
) -> None:
    api.stage.switches.set(**switches)
    reply = api.create(kind, **fields)
    assert reply.status_code == status, reply.text
    if "default_ttl" in switches:
        assert reply.json()["ttl"] == 600
    if "target_trailing_dot" in switches:
        dotted = switches["target_trailing_dot"] == "keep"
        assert reply.json()["content"].endswith(".") is dotted


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ({"name": "@"}, {"name": "@"}, {"on": 409, "spelling": 409, "off": 201}),
        ({"name": "@"}, {"name": "@", "ttl": 90}, {"on": 409, "spelling": 409, "off": 201}),
        ({"name": "@"}, {"name": "example.com"}, {"on": 409, "spelling": 201, "off": 201}),
        ({"name": "w"}, {"name": "W.example.com"}, {"on": 409, "spelling": 201, "off": 201}),
        ({"name": "@"}, {"name": "www"}, {"on": 201, "spelling": 201, "off": 201}),
        ({}, {"ipv4": "127.0.0.13"}, {"on": 201, "spelling": 201, "off": 201}),
    ],
)
@pytest.mark.parametrize("uniqueness", ["on", "spelling", "off"])
def test_duplicates(
    api: Api,
    first: dict[str, Any],
    second: dict[str, Any],
    status: dict[str, int],
    uniqueness: str,
) -> None:
    api.stage.switches.set(uniqueness=uniqueness)
    assert api.create("a", **{**ADDRESS, **first}).status_code == 201
    assert api.create("a", **{**ADDRESS, **second}).status_code == status[uniqueness]


def test_a_cname_stands_alone(api: Api) -> None:
    assert api.create("cname", name="www", content="example.org").status_code == 201
    assert api.create("a", name="www", **ADDRESS).status_code == 409
    assert api.create("cname", name="www", content="example.net").status_code == 409
    api.stage.switches.set(cname_rules="apex")
    assert api.create("a", name="www", **ADDRESS).status_code == 201


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"ttl": 90}, 200),
        ({"name": "www"}, 200),
        ({"ipv4": "127.0.0.99"}, 200),
        ({}, 200),
        ({"ipv4": "127.0.0.2"}, 409),
        ({"ipv4": "no"}, 400),
        ({"uuid": "x"}, 400),
    ],
)
def test_put_changes_what_it_names(api: Api, change: dict[str, Any], status: int) -> None:
    api.stage.zones.add("@ A 127.0.0.1 60")
    api.stage.zones.add("@ A 127.0.0.2 60")
    old, other = api.list("a")
    reply = api.http.put(f"{api.zone}/a/{old['uuid']}", json=change)
    assert reply.status_code == status
    expected = {**old, **change} if status == 200 else old
    assert api.list("a") == [expected, other]
    if status == 200:
        assert reply.json() == expected
