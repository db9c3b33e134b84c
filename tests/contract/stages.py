"""The worlds that the contract suite is played in: one interface, a provider in memory and the
emulator over HTTP.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Protocol

import requests

from dnsbalancer_exporter.emulator import Emulator
from dnsbalancer_exporter.provider import Driver
from tests.contract.memory import Memory, Store
from tests.contract.scripted import PASSWORD, Client, client

LOGIN = "example@test"
PROJECT = "777e19938fe947666d5d3be5c00053d7"


class Stage(Protocol):
    """A zone example.com that is empty, and ways to it.

    ``ids_are_shared``: two writers see a record under the same id.
    """

    ids_are_shared: bool

    def driver(self) -> Driver:
        """Another writer."""

    def add(self, *texts: str, ttl: int = 60) -> None:
        """Put records in by hand: ``NAME TYPE VALUE``."""

    def lose(self) -> None:
        """Do the next write and lose its answer."""


class InMemory:
    """A Store and drivers over it."""

    ids_are_shared = True

    def __init__(self) -> None:
        self.store = Store()

    def driver(self) -> Driver:
        return Memory(self.store)

    def add(self, *texts: str, ttl: int = 60) -> None:
        for text in texts:
            self.store.add(text, ttl=ttl)

    def lose(self) -> None:
        self.store.lost += 1


class OverHttp:
    """The emulator and VkCloud drivers; ``driver`` drivers have a clock that tests move."""

    ids_are_shared = True

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self._hand = self.client()

    def client(self, password: str = PASSWORD) -> Client:
        url = self.emulator.url + "v2/dns/"
        return client(url, self.emulator.auth_url, password)

    def driver(self) -> Driver:
        return self.client().driver

    def add(self, *texts: str, ttl: int = 60) -> None:
        for text in texts:
            self._add(text, ttl)

    def _add(self, text: str, ttl: int) -> None:
        name, kind, value = text.split(" ", 2)
        hand, field = self._hand, {"A": "ipv4", "AAAA": "ipv6", "TXT": "content"}[kind]
        deadline = hand.clock() + 30
        zone_id = hand.driver._zone_id("example.com", deadline)
        response = requests.post(
            f"{self.emulator.url}v2/dns/{zone_id}/{kind.lower()}/",
            json={"name": name, field: value, "ttl": ttl},
            headers={"X-Auth-Token": hand.keystone.token(deadline).reveal()},
            timeout=10,
        )
        assert response.status_code == 201, response.text

    def lose(self) -> None:
        self.emulator.faults.add("writes:lost:times=1")

    def asked(self, operation: str) -> int:
        """How many requests for an operation there were, those by hand included."""
        return len(self.emulator.journal.entries(operation))


@contextlib.contextmanager
def over_http(**switches: object) -> Iterator[OverHttp]:
    with Emulator(
        listen=("127.0.0.1", 0),
        dns=("127.0.0.1", 0),
        zones=["example.com"],
        records=[],
        login=LOGIN,
        password=PASSWORD,
        project_id=PROJECT,
        switches=switches,
    ) as emulator:
        yield OverHttp(emulator)


def sets(texts: tuple[str, ...]) -> dict[tuple[str, str], list[str]]:
    """The contents of ``NAME TYPE VALUE`` texts by full name and type, as zone files write them."""
    found: dict[tuple[str, str], list[str]] = {}
    for text in texts:
        name, kind, value = text.split(" ", 2)
        fqdn = "example.com." if name == "@" else f"{name}.example.com."
        found.setdefault((fqdn, kind), []).append(f'"{value}"' if kind == "TXT" else value)
    return found
