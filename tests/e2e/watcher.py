"""A resolver's view of a real name server, one that looks all the time, and a fleet beside it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import dns.message
import dns.query

from tests.e2e.daemon import Daemon
from tests.e2e.stage import ZONE, Stage, until

if TYPE_CHECKING:
    from typing_extensions import Self


def answer(port: int, kind: str = "A", name: str = ZONE, address: str = "127.0.0.1") -> list[str]:
    """What the name server says of the name, sorted."""
    query = dns.message.make_query(name + ".", kind)
    found = dns.query.tcp(query, address, 5, port).answer
    return sorted(str(rdata).strip('"') for rrset in found for rdata in rrset)


class Watcher:
    """Asks the name server all the time; ``empty`` says whether it ever had no address."""

    def __init__(self, port: int) -> None:
        self.empty = False
        self.asked = 0
        self._over = threading.Event()
        self._port = port
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._over.wait(0.01):
            self.empty |= not answer(self._port)
            self.asked += 1


def members(stage: Stage, port: int, keys: dict[str, object], *hosts: str) -> list[Daemon]:
    """``hosts`` up, a member for each with these ``keys``, and all published."""
    stage.up(*hosts)
    daemons = [stage.member(host, **keys) for host in hosts]
    until(lambda: answer(port) == sorted(hosts), "all are published", 60)
    for daemon in daemons:
        daemon.until_healthy(len(hosts))
    return daemons


def fail_and_return(stage: Stage, port: int, daemons: list[Daemon], *hosts: str) -> None:
    """Three go one after the other and come back; the name has an address all the time."""
    one, two, three = hosts
    with Watcher(port) as watcher:
        stage.down(two)
        until(lambda: answer(port) == sorted((one, three)), "the dead one is out")
        stage.down(three)
        until(lambda: answer(port) == [one], "the second dead one is out")
        stage.down(one)
        daemons[0].until_value(1, "pool_fail_open")
        stage.up(*hosts)
        until(lambda: answer(port) == sorted(hosts), "all are back", 60)
    assert watcher.asked
    assert not watcher.empty
    locks = [daemon.metrics().value("lock_events_total") or 0 for daemon in daemons]
    assert locks == [0, 0, 0], "no lock was needed"
