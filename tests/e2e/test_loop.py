"""The loop closed: three members, BIND, a resolver that caches, and a user who asks it.

Told from the user's chair: who is asked fails only for as long as the resolver may remember a dead
address, nobody fails when it returns, and the name always has an address.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.contract.primaries import Primary, primary
from tests.e2e.daemon import Daemon
from tests.e2e.lab import PORT, Lab, need_network_namespaces
from tests.e2e.loop import PATIENCE, PAUSE, REFUSED, SERVED, SILENT, Client, Request, Resolver
from tests.e2e.stage import ZONE, until
from tests.e2e.watcher import answer
from tests.needed import program

pytestmark = pytest.mark.real

TTL = 2
ROUNDING = 1.0
"""unbound counts in whole seconds."""

SLOWLY = {"fast_interval": "200ms", "probe_timeout": "250ms", "fall": 20}
"""Some seconds pass until a death is certain, so that a client cannot miss it."""


class Loop(NamedTuple):
    lab: Lab
    server: Primary
    client: Client

    def until_published(self, *hosts: str) -> float:
        """Wait until the name server has exactly these; a moment at which that was so."""
        port, hub = self.server.port, self.server.address
        until(lambda: answer(port, address=hub) == sorted(hosts), f"published: {hosts}", 60)
        return time.monotonic()

    def until_served(self, moment: float, *hosts: str) -> None:
        """Wait until requests begun after this moment were served by each of them."""
        what = f"served by {hosts}"
        until(lambda: {*hosts} <= {r.address for r in served(self.client, moment)}, what, 60)


def served(client: Client, moment: float) -> list[Request]:
    return [r for r in client.since(moment) if r.outcome == SERVED]


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    need_network_namespaces()
    program("unbound")
    with (
        Lab(tmp_path) as lab,
        primary("bind", tmp_path, lab.hub) as server,
        Resolver(tmp_path / "unbound", {ZONE: (lab.hub, server.port)}) as resolver,
    ):
        server.publish(TTL, *lab.hosts)
        lab.fleet(**server.keys(), **SLOWLY)
        with Client(resolver, PORT, [ZONE]) as client:
            made = Loop(lab, server, client)
            made.until_served(0, *lab.hosts)
            yield made
    lab.judge()


def changes(daemons: list[Daemon], action: str) -> list[float]:
    """How many records each has created or deleted."""
    return [d.metrics().value("record_changes_total", action=action) or 0.0 for d in daemons]


def settle(loop: Loop, dead: str) -> None:
    """Wait until ``dead`` is withdrawn and caches have forgotten it, and for requests after that.

    Its own member, which alone may publish it, must be certain of its death or cut off.
    """
    gone = loop.until_published(*(host for host in loop.lab.hosts if host != dead))
    forgotten = gone + TTL + ROUNDING
    until(lambda: len(served(loop.client, forgotten)) >= 30, "thirty requests later", 60)
    assert not loop.client.failed(forgotten)


def test_an_application_dies_and_returns(loop: Loop) -> None:
    lab, client = loop.lab, loop.client
    dead = lab.hosts[1]
    died = time.monotonic()
    lab.down(dead)
    lab.daemons[1].until_down(dead)
    lab.daemons[1].until_cycles(2)  # whatever it planned before that is over
    settle(loop, dead)
    assert {(r.address, r.outcome) for r in client.failed(0)} == {(dead, REFUSED)}
    assert not [r for r in client.failed(0) if r.at < died - PAUSE]
    returning = time.monotonic()
    lab.up(dead)
    loop.until_published(*lab.hosts)
    loop.until_served(returning, *lab.hosts)
    assert not client.failed(returning)
    created, deleted = changes(lab.daemons, "create"), changes(lab.daemons, "delete")
    assert created[0] == created[2] == 0, "only its own member puts it back"
    assert sum(created) == sum(deleted) >= 1


def test_a_machine_is_cut_off_and_returns(loop: Loop) -> None:
    lab, client = loop.lab, loop.client
    dead = lab.hosts[1]
    cut = time.monotonic()
    lab.isolate(dead)
    settle(loop, dead)
    assert {(r.address, r.outcome) for r in client.failed(0)} == {(dead, SILENT)}
    assert not [r for r in client.failed(0) if r.at < cut - PATIENCE]
    returning = time.monotonic()
    lab.heal()
    loop.until_published(*lab.hosts)
    loop.until_served(returning, *lab.hosts)
    assert not client.failed(returning)
    assert changes(lab.daemons, "create") == [0, 1, 0], "only its own member puts it back"
    assert sum(changes(lab.daemons, "delete")) == 1, "it judged nobody while it was cut off"
