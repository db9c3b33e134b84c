"""Propagation in simulated time: when name servers are asked, and what is said of their answers."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from dnsbalancer_exporter.errors import DnsBalancerError
from dnsbalancer_exporter.model import (
    NameServer,
    Pool,
    ProbeSpec,
    Protocol,
    Record,
    RecordSetKey,
    Target,
    Timing,
)
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.propagation import SLOW, Propagation
from dnsbalancer_exporter.report import Change, DnsReason, PoolReport, Served
from tests.simulation import virtual_time

KEY = RecordSetKey("example.com", RecordType.A)
ONE, TWO = NameServer("192.0.2.53"), NameServer("192.0.2.54")
A, B = "198.51.100.1", "198.51.100.2"
SPEC = ProbeSpec(Protocol.TCP, A, 80, 2.0)
POOL = Pool(
    name="web",
    zone="example.com",
    records=("example.com",),
    member=True,
    own=(Target(A, A, SPEC),),
    probe=SPEC,
    timing=Timing(interval=60.0),
)


class World:
    """Name servers that serve what they are told to, and notes of what was asked and said.

    A server whose addresses are None does not answer, which takes it four seconds.
    """

    def __init__(self, *addresses: str) -> None:
        self.serves: dict[NameServer, tuple[str, ...] | None] = {ONE: addresses, TWO: addresses}
        self.found: tuple[NameServer, ...] = (ONE, TWO)
        self.finds = 0
        self.soas = 0
        self.ttl = 60
        self.asked: list[tuple[float, NameServer, bool]] = []
        self.visible: list[tuple[str, RecordSetKey, float]] = []
        self.events: list[tuple[float, str, str]] = []
        self.propagation = Propagation(
            self, self.now, lambda: 0.0, lambda *told: self.visible.append(told), self.tell
        )

    def now(self) -> float:
        return virtual_time.loop().time()

    def tell(self, event: str, text: str, zone: str) -> None:
        assert zone == "example.com"
        self.events.append((self.now(), event, text))

    async def find(self, zone: str) -> tuple[NameServer, ...]:
        assert zone == "example.com"
        self.finds += 1
        if not self.found:
            raise DnsBalancerError("not found")
        return self.found

    async def served(self, server: NameServer, key: RecordSetKey, *, recursive: bool) -> Served:
        assert key == KEY
        self.asked.append((self.now(), server, recursive))
        addresses = self.serves[server]
        await asyncio.sleep(0.01 if addresses is not None else 4.0)
        reason = DnsReason.TIMEOUT if addresses is None else None
        return Served(self.now(), addresses, self.ttl, reason=reason)

    async def negative_ttl(self, server: NameServer, zone: str, *, recursive: bool) -> int | None:
        self.soas += 1
        return 1800 if self.serves[server] is not None else None

    def api(self, *addresses: str, pool: Pool = POOL, wrote: bool = True) -> None:
        """A cycle has ended, in which the API says ``addresses``; ``wrote``: by our own write."""
        records = tuple(Record(a, KEY.name, KEY.type, a, 60) for a in addresses)
        changes = (Change("create", records[0], at=self.now()),) if wrote else ()
        self.propagation.cycled(
            PoolReport(pool, records=records, read_at=self.now(), changes=changes)
        )

    def in_sync(self) -> dict[NameServer, bool | None]:
        found = self.propagation.dns["web", KEY]
        return {server: found.in_sync(server) for server in found.served}

    def times(self, since: float) -> list[float]:
        return sorted({round(at - since, 1) for at, _, _ in self.asked if at >= since})


def play(story: Callable[[World], Coroutine[Any, Any, None]], world: World) -> World:
    async def main() -> None:
        following = asyncio.ensure_future(world.propagation.run())
        await story(world)
        assert not following.done()

    virtual_time.run(main())
    return world


def test_in_the_steady_state_each_server_is_asked_at_the_slow_pace() -> None:
    async def story(world: World) -> None:
        for _ in range(10):
            world.api(A, B, wrote=False)
            await asyncio.sleep(SLOW / 3)
        assert world.in_sync() == {ONE: True, TWO: True}
        assert world.times(1000.0) == [0.0, 300.0, 600.0, 900.0]
        assert world.propagation.zones.negative_ttls == {"example.com": 1800}

    world = play(story, World(A, B))
    assert len(world.asked) == 8
    assert world.soas == 4
    assert not any(recursive for _, _, recursive in world.asked)
    assert (world.finds, world.visible, world.events) == (1, [], [])


def test_a_change_is_asked_for_at_once_and_until_every_server_serves_it() -> None:
    async def story(world: World) -> None:
        world.api(A, wrote=False)
        await asyncio.sleep(100.0)
        changed = world.now()
        world.api(A, B)
        await asyncio.sleep(2.5)
        world.serves[ONE] = (A, B)
        await asyncio.sleep(1.0)
        assert world.in_sync() == {ONE: True, TWO: False}
        assert world.visible == []
        await asyncio.sleep(20.0)
        world.serves[TWO] = (A, B)
        await asyncio.sleep(10.0)
        assert world.in_sync() == {ONE: True, TWO: True}
        asked = len(world.asked)
        await asyncio.sleep(2 * SLOW)
        assert len(world.asked) == asked + 4
        times = [at for at in world.times(changed) if at < 40.0]
        assert times[:5] == [0.0, 1.0, 2.0, 3.0, 4.0]
        assert all(b - a <= max(1.2, a / 9) for a, b in itertools.pairwise(times))
        seen = [at - changed for at, server, _ in world.asked if server == ONE]
        assert not [at for at in seen if 4.0 < at < 100.0]

    world = play(story, World(A))
    ((pool, key, seconds),) = world.visible
    assert (pool, key) == ("web", KEY)
    assert 23.0 < seconds < 27.0
    assert world.events == []


def test_what_others_wrote_is_followed_and_not_measured() -> None:
    async def story(world: World) -> None:
        world.api(A, wrote=False)
        await asyncio.sleep(10.0)
        world.api(A, B, wrote=False)
        await asyncio.sleep(2.5)
        assert world.in_sync() == {ONE: False, TWO: False}
        world.serves = {ONE: (A, B), TWO: (A, B)}
        await asyncio.sleep(2.5)
        assert world.in_sync() == {ONE: True, TWO: True}

    assert play(story, World(A)).visible == []


def test_a_silent_server_delays_nothing_and_is_not_in_sync() -> None:
    async def story(world: World) -> None:
        world.serves[TWO] = None
        world.api(A)
        await asyncio.sleep(20.0)
        assert world.in_sync() == {ONE: True, TWO: None}

    world = play(story, World(A))
    assert [round(seconds, 2) for _, _, seconds in world.visible] == [0.01]
    assert world.events == []


def test_a_server_that_stays_behind_is_told_once_and_its_recovery_too() -> None:
    async def story(world: World) -> None:
        world.api(A, wrote=False)
        await asyncio.sleep(10.0)
        world.serves[ONE] = (A, B)
        world.api(A, B)
        await asyncio.sleep(3600.0)
        assert [event for _, event, _ in world.events] == ["dns_behind_begin"]
        at, _, text = world.events[0]
        assert 360.0 <= at - 1010.0 < 420.0
        assert text == (
            f"example.com A is not served as the API says ({A}, {B}): 192.0.2.54:53 serves {A}"
        )
        gaps = world.times(3000.0)
        assert all(b - a >= SLOW for a, b in itertools.pairwise(gaps))
        world.serves[TWO] = (A, B)
        await asyncio.sleep(SLOW + 10.0)

    world = play(story, World(A))
    assert [event for _, event, _ in world.events] == ["dns_behind_begin", "dns_behind_end"]
    assert len(world.visible) == 1
    assert len(world.asked) < 200


def test_while_one_stays_behind_the_others_are_asked_as_well() -> None:
    async def story(world: World) -> None:
        world.api(A, wrote=False)
        await asyncio.sleep(10.0)
        world.serves[ONE] = (A, B)
        world.api(A, B)
        await asyncio.sleep(1000.0)
        assert world.in_sync() == {ONE: True, TWO: False}
        world.serves[ONE] = (B,)
        await asyncio.sleep(SLOW + 10.0)
        assert world.in_sync() == {ONE: False, TWO: False}

    play(story, World(A))


def test_after_the_next_change_every_server_is_asked_anew() -> None:
    async def story(world: World) -> None:
        world.api(A, wrote=False)
        await asyncio.sleep(10.0)
        world.serves[ONE] = (A, B)
        world.api(A, B)
        await asyncio.sleep(5.0)
        assert world.in_sync() == {ONE: True, TWO: False}
        world.api(B)
        world.serves[TWO] = (B,)
        await asyncio.sleep(5.0)
        assert world.in_sync() == {ONE: False, TWO: True}
        assert world.visible == []
        world.serves[ONE] = (B,)
        await asyncio.sleep(5.0)
        assert world.in_sync() == {ONE: True, TWO: True}

    assert len(play(story, World(A)).visible) == 1


def test_of_several_writes_the_last_that_succeeded_counts() -> None:
    async def story(world: World) -> None:
        now = world.now()
        record = Record("1", KEY.name, KEY.type, A, 60)
        other = replace(record, name="www.example.com")
        changes = (
            Change("create", record, at=now - 8.0),
            Change("create", record, at=now - 5.0),
            Change("delete", record, error="refused"),
            Change("create", other, at=now),
        )
        world.propagation.cycled(PoolReport(POOL, records=(record,), read_at=now, changes=changes))
        await asyncio.sleep(1.0)

    ((_, _, seconds),) = play(story, World(A)).visible
    assert round(seconds, 1) == 5.0


def test_nobody_who_answers_is_told_as_such() -> None:
    async def story(world: World) -> None:
        world.serves = {ONE: None, TWO: None}
        world.api(A)
        await asyncio.sleep(1000.0)

    world = play(story, World())
    ((_, event, text),) = world.events
    assert event == "dns_behind_begin"
    assert "is not answered for by any name server" in text
    assert world.visible == []


def test_patience_lasts_longer_than_the_time_between_our_reads() -> None:
    async def story(world: World) -> None:
        world.api(A, B, pool=replace(POOL, timing=Timing(interval=3000.0)))
        await asyncio.sleep(3000.0)
        assert world.events == []
        await asyncio.sleep(500.0)
        assert [event for _, event, _ in world.events] == ["dns_behind_begin"]

    play(story, World(A))


def test_patience_lasts_as_long_as_what_a_cache_may_keep() -> None:
    async def story(world: World) -> None:
        world.ttl = 3000
        world.api(A, B)
        await asyncio.sleep(3000.0)
        assert world.events == []
        await asyncio.sleep(500.0)
        assert [event for _, event, _ in world.events] == ["dns_behind_begin"]

    play(story, World(A))


def test_a_change_that_is_overtaken_is_measured_with_the_next() -> None:
    async def story(world: World) -> None:
        world.api(A)
        await asyncio.sleep(5.0)
        world.api(A, B)
        await asyncio.sleep(5.0)
        world.serves = {ONE: (A, B), TWO: (A, B)}
        await asyncio.sleep(2.5)

    ((_, _, seconds),) = play(story, World()).visible
    assert 4.9 < seconds < 7.0


def test_name_servers_are_found_again_and_their_absence_is_told_once() -> None:
    async def story(world: World) -> None:
        world.found = ()
        world.api(A)
        await asyncio.sleep(200.0)
        assert [event for _, event, _ in world.events] == ["dns_find_failed"]
        assert world.asked == []
        world.found = (ONE, TWO)
        await asyncio.sleep(60.0)
        assert [event for _, event, _ in world.events] == ["dns_find_failed", "dns_find_works"]
        assert world.in_sync() == {ONE: True, TWO: True}
        world.found = (ONE,)
        await asyncio.sleep(4000.0)
        assert world.in_sync() == {ONE: True}

    world = play(story, World(A))
    assert world.finds == 6


def test_resolvers_of_the_configuration_are_asked_to_recurse_and_nobody_is_looked_for() -> None:
    async def story(world: World) -> None:
        world.api(A, pool=replace(POOL, resolvers=(TWO,)))
        await asyncio.sleep(10.0)
        assert world.in_sync() == {TWO: True}

    world = play(story, World(A))
    assert {(server, recursive) for _, server, recursive in world.asked} == {(TWO, True)}
    assert world.finds == 0


def test_other_resolvers_after_a_reload_take_the_place_of_the_old_ones() -> None:
    async def story(world: World) -> None:
        world.api(A)
        await asyncio.sleep(10.0)
        world.api(A, pool=replace(POOL, resolvers=(TWO,)), wrote=False)
        await asyncio.sleep(10.0)
        assert world.in_sync() == {TWO: True}
        world.api(A, pool=replace(POOL, resolvers=()), wrote=False)
        await asyncio.sleep(10.0)
        asked = len(world.asked)
        await asyncio.sleep(1000.0)
        assert (world.propagation.dns, len(world.asked)) == ({}, asked)
        world.api(A, wrote=False)
        await asyncio.sleep(10.0)
        assert world.in_sync() == {ONE: True, TWO: True}
        world.propagation.forget("web")
        assert world.propagation.dns == {}
        assert world.propagation.zones.negative_ttls == {}

    play(story, World(A))


def test_the_soa_is_read_at_the_slow_pace_however_many_record_sets_there_are() -> None:
    async def story(world: World) -> None:
        for _ in range(5):
            await world.propagation.zones.read_soa(POOL)
        assert world.soas == 1
        await asyncio.sleep(SLOW)
        await world.propagation.zones.read_soa(POOL)
        assert world.soas == 2

    play(story, World(A))


def test_a_pool_whose_zone_was_never_read_is_not_asked_about() -> None:
    async def story(world: World) -> None:
        world.propagation.cycled(PoolReport(POOL, error="no"))
        await asyncio.sleep(100.0)

    assert play(story, World(A)).asked == []


def test_a_bug_in_a_follower_is_seen() -> None:
    class Broken(World):
        async def served(self, server: NameServer, key: RecordSetKey, *, recursive: bool) -> Served:
            raise AssertionError("a bug")

    async def main() -> None:
        world = Broken(A)
        world.api(A)
        await asyncio.wait_for(world.propagation.run(), 10.0)

    with pytest.raises(AssertionError, match="a bug"):
        virtual_time.run(main())
