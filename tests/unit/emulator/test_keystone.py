"""Keystone over real sockets: who gets a token, what is in it, when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from dnsbalancer_exporter.emulator import Emulator
from tests.unit.emulator.account import Clock, auth, log_in


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stage(clock: Clock) -> Iterator[Emulator]:
    with Emulator(dns=None, records=["@ A 127.0.0.11 60"], clock=clock) as running:
        yield running


@pytest.mark.parametrize("path", ["v3/auth/tokens", "identity/v3/auth/tokens"])
def test_a_login_gives_a_token_and_the_catalog(
    stage: Emulator, http: requests.Session, path: str
) -> None:
    reply = http.post(stage.auth_url.removesuffix("v3/") + path, json=auth(stage))
    token = reply.json()["token"]
    (service,) = token["catalog"]
    (endpoint,) = service["endpoints"]
    assert reply.status_code == 201
    assert reply.headers["X-Subject-Token"].startswith("gAAAAA")
    assert reply.headers["X-Subject-Token"] not in reply.text
    assert token["project"]["id"] == stage.project_id
    assert token["issued_at"] == "2023-11-14T22:13:20.000000Z"
    assert token["expires_at"] == "2023-11-14T23:13:20.000000Z"
    assert (service["type"], endpoint["interface"]) == ("publicdns", "public")
    assert (endpoint["region"], endpoint["region_id"]) == ("RegionOne", "RegionOne")
    assert endpoint["url"] + "/" == stage.url


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 201),
        ({"domain": {"id": "users"}}, 201),
        ({"domain": {"name": "default"}}, 401),
        ({"password": "wrong"}, 401),
        ({"login": "nobody@example.com"}, 401),
        ({"scope": {"project": {"id": "f" * 32}}}, 401),
        ({"scope": {"project": {"name": "ours"}}}, 401),
        ({"scope": {}}, 400),
        ({"scope": None}, 201),
    ],
)
def test_who_gets_a_token(
    stage: Emulator, http: requests.Session, changes: dict[str, Any], status: int
) -> None:
    reply = http.post(stage.auth_url + "auth/tokens", json=auth(stage, **changes))
    assert reply.status_code == status
    if status != 201:
        assert reply.json()["error"]["code"] == status
        assert "X-Subject-Token" not in reply.headers


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b'{"auth": {}}', 400),
        (b'{"auth": {"identity": {"methods": ["totp"]}}}', 401),
        (b'{"auth": {"identity": {"methods": ["password"], "password": 1}}}', 400),
    ],
)
def test_a_login_that_is_none(
    stage: Emulator, http: requests.Session, body: bytes, status: int
) -> None:
    reply = http.post(stage.auth_url + "auth/tokens", data=body)
    assert reply.status_code == status
    assert reply.json()["error"]["title"] in {"Bad Request", "Unauthorized"}


def test_a_token_renews_itself_and_the_old_one_stays(
    stage: Emulator, http: requests.Session
) -> None:
    old = log_in(stage, http)
    body = auth(stage)
    body["auth"]["identity"] = {"methods": ["token"], "token": {"id": old}}
    reply = http.post(stage.auth_url + "auth/tokens", json=body)
    assert reply.status_code == 201
    for token in (old, reply.headers["X-Subject-Token"]):
        got = http.get(stage.url + "v2/dns/", headers={"X-Auth-Token": token})
        assert got.status_code == 200


@pytest.mark.parametrize(("elapsed", "status"), [(59.0, 200), (60.0, 401)])
def test_a_token_ends(
    stage: Emulator, http: requests.Session, clock: Clock, elapsed: float, status: int
) -> None:
    stage.switches.set(token_ttl=60)
    log_in(stage, http)
    clock.now += elapsed
    assert http.get(stage.url + "v2/dns/").status_code == status


def test_a_token_without_scope_opens_nothing(stage: Emulator, http: requests.Session) -> None:
    reply = http.post(stage.auth_url + "auth/tokens", json=auth(stage, scope=None))
    assert "catalog" not in reply.json()["token"]
    headers = {"X-Auth-Token": reply.headers["X-Subject-Token"]}
    assert http.get(stage.url + "v2/dns/", headers=headers).status_code == 401
