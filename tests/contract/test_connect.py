"""Putting a driver together."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest

from dnsbalancer_exporter import provider
from dnsbalancer_exporter.config.drivers import TERMS
from dnsbalancer_exporter.model import Secret
from dnsbalancer_exporter.report import ApiCall
from dnsbalancer_exporter.trust import STORES, VARIABLES, trust
from tests.contract.scripted import (
    A_RECORD,
    PASSWORD,
    Reply,
    Scripted,
    client,
    scripted,
)
from tests.contract.verbs import OLD, ZONE_LIST, A


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted() as script:
        yield script


class _Account:
    driver = "vkcloudns"
    login = "example@test"
    password = Secret(PASSWORD)
    project_id = "777e19938fe947666d5d3be5c00053d7"
    user_domain = "users"
    ca_file = None
    tsig_algorithm = "hmac-sha256"

    def __init__(self, server: Scripted) -> None:
        self.url = server.url
        self.auth_url = server.auth_url


def test_connect_builds_the_driver_that_is_named(server: Scripted) -> None:
    calls: list[ApiCall] = []
    clock = client(server.url, server.auth_url).clock
    driver = provider.connect(_Account(server), meter=calls.append, clock=clock, environ={})
    assert server.requests == []
    server.says(ZONE_LIST, Reply(200, [A_RECORD]))
    assert driver.list_records("example.com", A, 30) == (OLD,)
    assert len(calls) == 3
    assert set(provider.DRIVERS) == set(TERMS)


@pytest.mark.parametrize("store", STORES)
def test_trust_prefers_what_a_person_named(store: str) -> None:
    everything = {variable: f"/{variable}" for variable in VARIABLES}
    assert trust("/own.pem", everything, lambda _: True) == "/own.pem"
    for variable in VARIABLES:
        assert trust(None, everything, lambda _: True) == f"/{everything.pop(variable)[1:]}"
    assert trust("", {"SSL_CERT_FILE": ""}, lambda path: path == store) == store
    assert trust(None, {}, lambda _: False) == certifi.where()
    default = ssl.get_default_verify_paths().openssl_cafile
    assert trust(None, {}, lambda path: path == default) == default
    assert Path(trust(None, {})).is_file()
