"""A provider in memory, stricter than any real one: what it takes, all of them take.

A call that no driver may make (another spelling, a wrong type, a TTL below 60) is a bug of the
caller's and a ValueError; what the world may do to a caller is a ProviderError.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable

from dnsbalancer_exporter import names
from dnsbalancer_exporter.errors import AnswerLost, ApiReason, Conflict, ProviderError
from dnsbalancer_exporter.model import Create, Record
from dnsbalancer_exporter.names import RecordType

MIN_TTL, MAX_TTL = 60, 2**31


class Store:
    """The zones, which several drivers may share. ``records`` are texts like ``@ A 192.0.2.1``.

    ``calls`` is what was done, in order: (operation, what). ``failures`` are raised by the next
    calls before these do anything, None lets one pass; ``lost`` is the number of writes to come
    that are done and answered with AnswerLost. ``merges``: a value is in its set once at most.
    """

    def __init__(
        self, zones: Iterable[str] = ("example.com",), records: Iterable[str] = ()
    ) -> None:
        self.lock = threading.RLock()
        self.zones: dict[str, dict[str, Record]] = {zone: {} for zone in zones}
        self.calls: list[tuple[str, object]] = []
        self.failures: deque[ProviderError | None] = deque()
        self.lost = 0
        self.merges = False
        self._made = 0
        for text in records:
            self.add(text)

    def add(self, text: str, zone: str | None = None, ttl: int = 60) -> Record:
        """Put a record in by hand, as an operator does in the console; no check for duplicates."""
        name, kind, value = text.split(" ", 2)
        zone = zone or next(iter(self.zones))
        what = (names.fqdn(name, zone), RecordType(kind), value)
        same = [r for r in self.zones[zone].values() if (r.name, r.type, r.value) == what]
        if self.merges and same:
            return same[0]
        self._made += 1
        uuid = f"{self._made:08x}-0000-4000-8000-000000000000"
        record = Record(uuid, *what, ttl)
        self.zones[zone][uuid] = record
        return record

    def values(self, name: str, kind: RecordType = RecordType.A) -> list[str]:
        """The values of one name and type, sorted."""
        records = [r for zone in self.zones.values() for r in zone.values()]
        return sorted(r.value for r in records if (r.name, r.type) == (name, kind))

    def begin(self, operation: str, what: object) -> None:
        """Note a call; raise what is to be raised instead of it."""
        self.calls.append((operation, what))
        failure = self.failures.popleft() if self.failures else None
        if failure is not None:
            raise failure

    def end(self) -> None:
        """Lose the answer of a write, if it is to be lost."""
        if self.lost:
            self.lost -= 1
            raise AnswerLost(ApiReason.TIMEOUT, "memory: the answer was lost")


class Memory:
    """A Driver over a Store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list_records(
        self,
        zone: str,
        type: RecordType,
        budget: float,
    ) -> tuple[Record, ...]:
        _demand(budget > 0, f"a budget of {budget} s")
        with self._store.lock:
            self._store.begin("list", type)
            found = [r for r in self._zone(zone).values() if r.type is RecordType(type)]
        return tuple(sorted(found, key=lambda r: (r.name, r.value, r.id)))

    def create_record(self, zone: str, create: Create) -> Record:
        _check(zone, create)
        with self._store.lock:
            self._store.begin("create", create)
            same = (create.name, create.type, create.value)
            if same in [(r.name, r.type, r.value) for r in self._zone(zone).values()]:
                raise Conflict(f"memory: {create.name} {create.value} exists")
            text = f"{create.name} {create.type.value} {create.value}"
            record = self._store.add(text, zone, create.ttl)
            self._store.end()
            return record

    def delete_record(self, zone: str, record: Record) -> None:
        _check(zone, record)
        with self._store.lock:
            self._store.begin("delete", record)
            self._zone(zone).pop(record.id, None)
            self._store.end()

    def _zone(self, zone: str) -> dict[str, Record]:
        _demand(zone == names.fqdn("@", zone), f"{zone!r} is not canonical")
        if zone not in self._store.zones:
            raise ProviderError(ApiReason.NOT_FOUND, f"memory: no zone {zone}")
        return self._store.zones[zone]


class Swapping(Memory):
    """A driver that can compare and swap, too: strictly, by ids, and one record set at a time."""

    def delete_records(self, zone: str, seen: tuple[Record, ...], gone: tuple[Record, ...]) -> None:
        for record in seen:
            _check(zone, record)
        sets = {(r.name, r.type) for r in seen}
        _demand(len(sets) == 1, f"not one record set: {sets}")
        _demand(bool(gone) and set(gone) <= set(seen), "what goes must have been seen")
        _demand(len(set(gone)) == len(gone), "a record goes once")
        with self._store.lock:
            self._store.begin("exchange", gone)
            held = self._zone(zone)
            if {r for r in held.values() if (r.name, r.type) in sets} != set(seen):
                raise Conflict(f"memory: {seen[0].name} has been written since")
            for record in gone:
                del held[record.id]
            self._store.end()


def _demand(condition: bool, text: str) -> None:
    if not condition:
        raise ValueError(text)


def _check(zone: str, what: Create | Record) -> None:
    _demand(what.name == names.fqdn(what.name, zone), f"{what.name!r} is not canonical in {zone}")
    _demand(isinstance(what.type, RecordType), f"{what.type!r} is no type")
    _demand(type(what.ttl) is int and MIN_TTL <= what.ttl <= MAX_TTL, f"a TTL of {what.ttl!r}")
    if what.type is RecordType.TXT:
        _demand(0 < len(what.value) <= 255, "a text that is empty or too long")
        return
    _demand(what.value == names.canonical_address(what.value), f"{what.value!r} is not canonical")
    _demand(names.address_type(what.value) is what.type, f"{what.value!r} in {what.type}")
