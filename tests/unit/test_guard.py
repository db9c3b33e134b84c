"""The guard: no write leaves the process but where a pool is enforced."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from dnsbalancer_exporter.errors import Conflict
from dnsbalancer_exporter.guard import Forbidden, Guard, writable
from dnsbalancer_exporter.lock import CONTENT
from dnsbalancer_exporter.model import (
    Create,
    Mode,
    Pool,
    ProbeSpec,
    Protocol,
    QuorumTerms,
    Record,
    Target,
)
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.provider.threaded import Threaded
from tests.contract.memory import Memory, Store, Swapping

A, V6 = "192.0.2.1", "2001:db8::1"
SPEC = ProbeSpec(Protocol.TCP, A, 80, 2.0)
LOCK = Create("_dnsbalancer-lock.example.com", RecordType.TXT, CONTENT, 60)


def pool(*own: str, **changes: Any) -> Pool:
    targets = tuple(Target(a, a, replace(SPEC, address=a)) for a in own or (A,))
    made = Pool("p", "example.com", ("example.com",), member=True, own=targets, probe=SPEC)
    return replace(made, **changes)


def guarded(*pools: Pool, store: Store | None = None) -> Guard:
    store = store or Store(zones=("example.com", "example.org"))
    return Guard(Threaded(Swapping(store), 5.0), writable(pools))


def record(value: str = A, name: str = "example.com", type: RecordType = RecordType.A) -> Record:
    return Record("id", name, type, value, 60)


ELSEWHERE: dict[str, tuple[str, Record]] = {
    "another name": ("example.com", record(name="www.example.com")),
    "another type": ("example.com", record(V6, type=RecordType.AAAA)),
    "another zone": ("example.org", record(name="example.org")),
    "a text at the name": ("example.com", record("v=spf1 -all", type=RecordType.TXT)),
    "a lock elsewhere": (
        "example.org",
        record(CONTENT, "_dnsbalancer-lock.example.org", RecordType.TXT),
    ),
    "a vote without a quorum": (
        "example.com",
        record("v=1 observer=192.0.2.1 seq=1", "_dnsbalancer.example.com", RecordType.TXT),
    ),
    "an address at the lock's name": ("example.com", record(name=LOCK.name)),
}

Write = Callable[[Guard, str, Record], Coroutine[Any, Any, Any]]
WRITES: dict[str, Write] = {
    "create": lambda g, zone, r: g.create_record(zone, Create(r.name, r.type, r.value, r.ttl)),
    "delete": lambda g, zone, r: g.delete_record(zone, r),
    "exchange": lambda g, zone, r: g.delete_records(zone, (r,), (r,)),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize(("zone", "what"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_every_write_outside_is_forbidden_and_not_made(
    zone: str, what: Record, write: Write
) -> None:
    store = Store(zones=("example.com", "example.org"))
    with pytest.raises(Forbidden, match=what.name):
        asyncio.run(write(guarded(pool(), store=store), zone, what))
    assert store.calls == []


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("what", [record(), record(LOCK.value, LOCK.name, LOCK.type)])
def test_who_is_observed_cannot_be_written_and_neither_can_its_lock(
    what: Record, write: Write
) -> None:
    store = Store()
    guard = guarded(pool(mode=Mode.OBSERVE), store=store)
    with pytest.raises(Forbidden):
        asyncio.run(write(guard, "example.com", what))
    assert store.calls == []


def test_an_enforced_pool_beside_an_observed_one_may_be_written() -> None:
    observed = pool(name="q", records=("www.example.com",), mode=Mode.OBSERVE)
    places = writable((pool(A, V6), observed))
    assert places == {
        ("example.com", "example.com", RecordType.A),
        ("example.com", "example.com", RecordType.AAAA),
        ("example.com", LOCK.name, RecordType.TXT),
    }


def test_what_is_allowed_is_done() -> None:
    async def story() -> None:
        store = Store()
        guard = guarded(pool(), store=store)
        made = await guard.create_record("example.com", Create("example.com", RecordType.A, A, 60))
        lock = await guard.create_record("example.com", LOCK)
        assert await guard.list_records("example.com", RecordType.A, 5.0) == (made,)
        await guard.delete_record("example.com", lock)
        await guard.delete_records("example.com", (made,), (made,))
        assert await guard.list_records("example.com", RecordType.A, 5.0) == ()

    asyncio.run(story())


def test_reading_is_free_whoever_is_observed() -> None:
    guard = guarded(pool(mode=Mode.OBSERVE))
    assert asyncio.run(guard.list_records("example.org", RecordType.TXT, 5.0)) == ()


def test_a_reload_moves_the_places() -> None:
    async def story() -> None:
        guard = guarded(pool())
        create = Create("example.com", RecordType.A, A, 60)
        made = await guard.create_record("example.com", create)
        guard.places = writable((pool(mode=Mode.OBSERVE),))
        with pytest.raises(Forbidden):
            await guard.delete_record("example.com", made)
        guard.places = writable((pool(),))
        await guard.delete_record("example.com", made)

    asyncio.run(story())


def test_it_exchanges_where_the_provider_can_and_what_that_says_is_heard() -> None:
    async def story() -> None:
        guard = guarded(pool())
        assert guard.exchange is guard
        with pytest.raises(Conflict):
            await guard.delete_records("example.com", (record(),), (record(),))

    asyncio.run(story())
    plain = Guard(Threaded(Memory(Store()), 5.0), writable((pool(),)))
    assert plain.exchange is None


def test_it_is_a_bug_and_no_error_of_the_provider() -> None:
    """So the cycle does not survive it: nobody may come to rely on being stopped here."""
    assert issubclass(Forbidden, AssertionError)


def test_votes_are_written_at_the_ballot_of_who_has_a_quorum_and_is_enforced() -> None:
    vote = Create("_dnsbalancer.example.com", RecordType.TXT, "v=1 observer=x seq=1", 60)
    agreeing = pool(quorum=QuorumTerms(A))
    asyncio.run(guarded(agreeing).create_record("example.com", vote))
    with pytest.raises(Forbidden):
        asyncio.run(
            guarded(replace(agreeing, mode=Mode.OBSERVE)).create_record("example.com", vote)
        )
