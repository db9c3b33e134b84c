"""The lock in the zone, clause by clause, over the strict provider in memory."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dnsbalancer_exporter.errors import AnswerLost, ApiReason, ProviderError
from dnsbalancer_exporter.lock import CONTENT, LABEL
from dnsbalancer_exporter.model import Create, LockTerms, Pool, ProbeSpec, Protocol, Record
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.zonelock import ZoneLock
from tests.contract.memory import Memory, Store

NAME = f"{LABEL}.example.com"
POOL = Pool("p", "example.com", ("example.com",), True, (), ProbeSpec(Protocol.TCP, "", 80, 1.0))
BROKEN = ProviderError(ApiReason.SERVER_ERROR, "500")
LOST = AnswerLost(ApiReason.TIMEOUT, "lost")
TERMS = LockTerms(lease=60.0, margin=20.0)


class Shared:
    """The memory driver as the cycle's Provider."""

    def __init__(self, store: Store) -> None:
        self._memory = Memory(store)

    async def list_records(self, zone: str, type: RecordType, budget: float) -> tuple[Record, ...]:
        return self._memory.list_records(zone, type, budget)

    async def create_record(self, zone: str, create: Create) -> Record:
        return self._memory.create_record(zone, create)

    async def delete_record(self, zone: str, record: Record) -> None:
        self._memory.delete_record(zone, record)


class Scene:
    """Two writers, one zone, one clock."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.store = Store()
        self.told: list[str] = []
        self.one, self.two = self.writer(), self.writer()

    def writer(self) -> ZoneLock:
        return ZoneLock(
            Shared(self.store),
            TERMS,
            lambda: self.now,
            lambda: 0.5,
            lambda zone, event, detail: self.told.append(event),
        )

    @property
    def locks(self) -> int:
        return len(self.store.values(NAME, RecordType.TXT))

    @property
    def calls(self) -> list[str]:
        return [operation for operation, _ in self.store.calls]

    def left_over(self) -> None:
        self.store.add(f"{LABEL} TXT {CONTENT}")


def take(writer: ZoneLock) -> bool:
    return asyncio.run(writer.take(POOL))


def release(writer: ZoneLock, **how: Any) -> None:
    asyncio.run(writer.release(POOL, **how))


def test_one_writer_has_it_and_the_other_waits_until_it_is_released() -> None:
    scene = Scene()
    assert (take(scene.one), take(scene.two)) == (True, False)
    release(scene.one, settled=True)
    scene.now += 2.0
    assert take(scene.two) is True
    assert scene.told == ["taken", "refused", "released", "taken"]


def test_it_is_created_before_it_is_listed_and_deleted_by_its_id() -> None:
    scene = Scene()
    take(scene.one)
    release(scene.one, settled=True)
    assert scene.calls == ["create", "list", "delete"]
    assert scene.locks == 0


def test_it_is_valid_for_the_lease_less_the_margin_from_before_the_create() -> None:
    scene = Scene()
    take(scene.one)
    scene.now += 39.9
    assert scene.one.valid(POOL) is True
    scene.now += 0.2
    assert scene.one.valid(POOL) is False


def test_a_create_whose_answer_was_lost_is_not_mine() -> None:
    scene = Scene()
    scene.store.lost = 1
    assert take(scene.one) is False
    assert scene.locks == 1
    assert scene.told == ["failed"]


def test_an_unsettled_withdrawal_leaves_the_lock_to_its_lease() -> None:
    scene = Scene()
    take(scene.one)
    release(scene.one, settled=False)
    scene.now += 30.0
    assert scene.locks == 1
    assert take(scene.one) is False


def test_a_lock_left_over_is_broken_after_a_whole_lease_of_the_same_id() -> None:
    scene = Scene()
    scene.left_over()
    assert take(scene.one) is False
    scene.now += 59.0
    assert take(scene.one) is False
    scene.now += 2.0
    assert take(scene.one) is True
    assert scene.told == ["refused", "refused", "broken", "taken"]


def test_a_lock_that_changes_hands_is_never_broken() -> None:
    scene = Scene()
    for _ in range(20):
        scene.left_over()
        assert take(scene.one) is False
        scene.store.zones["example.com"].clear()
        scene.now += 10.0
    assert "broken" not in scene.told


def test_a_restarted_writer_counts_anew() -> None:
    scene = Scene()
    scene.left_over()
    take(scene.one)
    scene.now += 59.0
    restarted = scene.writer()
    assert take(restarted) is False
    scene.now += 3.0
    assert take(restarted) is False


def test_another_lock_beside_mine_means_that_values_are_not_unique_and_is_no_lock() -> None:
    scene = Scene()

    class NotUnique(Shared):
        async def create_record(self, zone: str, create: Create) -> Record:
            return scene.store.add(f"{create.name} TXT {create.value}")

    scene.left_over()
    writer = ZoneLock(
        NotUnique(scene.store), TERMS, lambda: scene.now, lambda: 0.5, lambda *_: None
    )
    assert take(writer) is False
    assert scene.locks == 1


def test_a_list_that_fails_after_the_create_gives_the_lock_back() -> None:
    scene = Scene()
    scene.store.failures.extend([None, BROKEN])
    with pytest.raises(ProviderError, match="500"):
        take(scene.one)
    assert scene.locks == 0
    assert scene.one.valid(POOL) is False


def test_a_release_that_failed_is_made_up_for_before_the_next_attempt() -> None:
    scene = Scene()
    take(scene.one)
    scene.store.failures.append(BROKEN)
    release(scene.one, settled=True)
    assert scene.locks == 1
    scene.now += 5.0
    assert take(scene.one) is True
    assert scene.told == ["taken", "left", "released", "taken"]


def test_without_the_right_to_write_it_withdrawals_wait() -> None:
    scene = Scene()
    scene.store.failures.append(ProviderError(ApiReason.CLIENT_ERROR, "403"))
    assert take(scene.one) is False
    assert take(scene.one) is False  # and the API is not asked again at once
    assert scene.calls == ["create"]


class Slow(Shared):
    """``seconds`` are how long the next call of each kind takes."""

    def __init__(self, scene: Scene, **seconds: float) -> None:
        super().__init__(scene.store)
        self._scene = scene
        self._seconds = seconds

    async def list_records(self, zone: str, type: RecordType, budget: float) -> tuple[Record, ...]:
        self._scene.now += self._seconds.pop("list", 0.0)
        return await super().list_records(zone, type, budget)

    async def create_record(self, zone: str, create: Create) -> Record:
        made = await super().create_record(zone, create)
        self._scene.now += self._seconds.pop("create", 0.0)
        return made


def slow(scene: Scene, **seconds: float) -> ZoneLock:
    return ZoneLock(Slow(scene, **seconds), TERMS, lambda: scene.now, lambda: 0.5, lambda *_: None)


def test_the_time_that_a_create_took_is_time_of_the_lease() -> None:
    scene = Scene()
    writer = slow(scene, create=30.0)
    assert take(writer) is True
    scene.now += 9.0
    assert writer.valid(POOL) is True
    scene.now += 2.0
    assert writer.valid(POOL) is False


def test_a_lock_is_seen_when_it_is_answered_and_not_when_it_is_asked_for() -> None:
    scene = Scene()
    scene.left_over()
    writer = slow(scene, list=30.0)
    assert take(writer) is False
    scene.now += 40.0  # 70 s since it was asked for, 40 s since it was seen
    assert take(writer) is False
    scene.now += 30.0
    assert take(writer) is True


def test_whoever_breaks_a_lock_competes_for_the_next_one_like_all_others() -> None:
    scene = Scene()
    scene.left_over()
    take(scene.one)
    scene.now += 61.0
    scene.store.calls.clear()
    assert take(scene.one) is True
    assert scene.calls == ["create", "list", "delete", "create", "list"]
    assert scene.locks == 1


def test_a_release_that_comes_late_does_not_release_the_next_holders_lock() -> None:
    scene = Scene()
    take(scene.one)
    scene.store.failures.append(BROKEN)
    release(scene.one, settled=True)
    take(scene.two)
    scene.now += 61.0
    assert take(scene.two) is True
    asyncio.run(scene.one.tidy(POOL))
    assert scene.told[-1] == "released"
    assert scene.locks == 1
    assert take(scene.writer()) is False
