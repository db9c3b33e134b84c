"""The three verbs of a driver, for tests that do the same with each."""

from __future__ import annotations

import pytest

from dnsbalancer_exporter.errors import ProviderError
from dnsbalancer_exporter.model import Create, Record
from dnsbalancer_exporter.names import RecordType
from tests.contract.scripted import PASSWORD, TOKEN, ZONES, Client, Reply, Scripted, client
from tests.contract.secrecy import assert_secret

A = RecordType.A
NEW = Create("www.example.com", A, "192.0.2.7", 60)
NEW_JSON = {"uuid": "a-7", "name": "www", "ipv4": "192.0.2.7", "ttl": 60}
OLD = Record("a-1", "example.com", A, "192.0.2.1", 60)
ZONE_LIST = Reply(200, ZONES)


def settled(server: Scripted) -> Client:
    """A client that knows its zone already; nothing of that is left on record."""
    here = client(server.url, server.auth_url, read=0.3)
    server.says(ZONE_LIST, Reply(200, []))
    here.driver.list_records("example.com", A, 30)
    server.requests.clear()
    here.calls.clear()
    return here


def act(here: Client, verb: str, budget: float = 30) -> object:
    if verb == "list":
        return here.driver.list_records("example.com", A, budget)
    if verb == "create":
        return here.driver.create_record("example.com", NEW)
    here.driver.delete_record("example.com", OLD)
    return None


def failure(here: Client, verb: str, budget: float = 30) -> ProviderError:
    """The error of a verb; no secret is in it, and its text says who speaks."""
    with pytest.raises(ProviderError) as caught:
        act(here, verb, budget)
    assert_secret(caught.value, PASSWORD, TOKEN)
    assert str(caught.value).startswith("vkcloudns: cannot ")
    return caught.value
