"""A running emulator without a name server, and a session that asks it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from dnsbalancer_exporter.emulator import Emulator
from tests.unit.emulator.account import Api, log_in


@pytest.fixture
def stage() -> Iterator[Emulator]:
    with Emulator(dns=None, records=["@ A 127.0.0.11 60"]) as running:
        yield running


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def api(stage: Emulator, http: requests.Session) -> Api:
    log_in(stage, http)
    return Api(stage, http)
