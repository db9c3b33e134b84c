"""The simulated DNS API: one store for all, and a way to it that loses, delays and refuses.

What was sent goes on without whoever sent it: a request of a process that has died may still take
effect. `Laws` hears of every request that is sent and of every effect.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, Protocol

from dnsbalancer_exporter.errors import AnswerLost, ApiReason, Conflict, ProviderError
from dnsbalancer_exporter.model import Create, Record
from dnsbalancer_exporter.names import RecordType
from tests.contract.memory import Memory, Store
from tests.simulation import virtual_time
from tests.simulation.network import Network

DISTANCES = (0.01, 0.01, 0.05, 0.3, 2.0)
"""Seconds that a request or an answer takes at most, drawn evenly."""

REASONS = (
    ApiReason.AUTH,
    ApiReason.NOT_FOUND,
    ApiReason.RATE_LIMITED,
    ApiReason.SERVER_ERROR,
    ApiReason.CONNECTION,
)


class Kind(Enum):
    """What the provider can do: see the table of promises in docs/architecture.md."""

    UNIQUE = auto()
    """A second record of the same name and value is refused."""
    FLAG = auto()
    """It is not: the lock is a flag, sound for two writers."""
    EXCHANGE = auto()
    """Compare and swap: no lock."""
    SETS = auto()
    """A write replaces a whole set, without a condition: no lock, and of two writes one is lost."""


WITHOUT_LOCK = frozenset((Kind.EXCHANGE, Kind.SETS))


class Fate(Enum):
    """What becomes of a call."""

    GOOD = auto()
    REFUSED = auto()
    UNSENT = auto()
    UNANSWERED = auto()
    LATE = auto()
    NONSENSE = auto()
    SHORT = auto()


class Witness(Protocol):
    """Hears what is done to the zone."""

    def sent(self, who: Any, operation: str, what: Create | Record) -> object:
        """A write is sent; returns the evidence of that moment."""
        ...

    def effect(self, who: Any, operation: str, what: Create | Record, evidence: object) -> None:
        """A write has taken effect."""
        ...

    def listed(self, who: Any, type_: RecordType, found: tuple[Record, ...]) -> None:
        """A list was answered."""
        ...


class Api:
    """``trouble`` is how likely a call goes wrong; ``late`` the longest delay of a late effect, in
    seconds: with the way there, less than the lock's margin; ``lies`` how likely a list is short.
    """

    def __init__(self, draw: random.Random, network: Network, store: Store, kind: Kind) -> None:
        self.draw = draw
        self.network = network
        self.store = store
        self.kind = kind
        self.memory = Memory(store)
        self.trouble = 0.0
        self.late = 17.5
        self.lies = 0.0
        self.over = False
        self.readers: set[str] = set()
        """Places that may read, and nothing else: every write is refused."""

    def fate(self, place: str, operation: str) -> Fate:
        """Drawn for each call; the network has its say first."""
        if self.over:
            raise ProviderError(ApiReason.CONNECTION, "the world is over")
        if place in self.network.mute or place in self.network.offline:
            return Fate.UNSENT
        if place in self.network.deaf:
            return Fate.UNANSWERED
        if place in self.readers and operation != "list":
            return Fate.REFUSED
        if operation == "list" and self.lies and self.draw.random() < self.lies:
            return Fate.SHORT
        if self.draw.random() >= self.trouble:
            return Fate.GOOD
        kinds = [Fate.REFUSED, Fate.UNSENT, Fate.UNANSWERED, Fate.NONSENSE]
        return self.draw.choice(kinds + [Fate.LATE] * (operation == "delete"))


class Wire:
    """One process's Provider. ``who`` is handed to the witness."""

    def __init__(self, api: Api, place: str, who: Any, witness: Witness) -> None:
        self._api = api
        self._place = place
        self._who = who
        self._witness = witness

    @property
    def exchange(self) -> Wire | None:
        return self if self._api.kind in WITHOUT_LOCK else None

    async def list_records(self, zone: str, type: RecordType, budget: float) -> tuple[Record, ...]:
        def work() -> tuple[Record, ...]:
            return self._api.memory.list_records(zone, type, budget)

        fate = self._api.fate(self._place, "list")
        found: tuple[Record, ...] = await self._call("list", fate, work)
        if fate is Fate.SHORT:
            found = found[: self._api.draw.randrange(len(found) + 1)]
        self._witness.listed(self._who, type, found)
        return found

    async def create_record(self, zone: str, create: Create) -> Record:
        fate = self._api.fate(self._place, "create")
        evidence = self._witness.sent(self._who, "create", create)
        seen = self._set(zone, create)

        def work() -> Record:
            made = self._make(zone, create, seen)
            self._witness.effect(self._who, "create", made, evidence)
            return made

        made: Record = await self._call("create", fate, work)
        return made

    def _make(self, zone: str, create: Create, seen: tuple[Record, ...]) -> Record:
        text = f"{create.name} {create.type.value} {create.value}"
        if self._api.kind is Kind.FLAG:
            return self._api.store.add(text, zone, create.ttl)
        if self._api.kind is Kind.SETS:
            if create.value in {record.value for record in seen}:
                raise Conflict("it is there already")
            self._replace(zone, create, seen)
            return self._api.store.add(text, zone, create.ttl)
        return self._api.memory.create_record(zone, create)

    async def delete_record(self, zone: str, record: Record) -> None:
        fate = self._api.fate(self._place, "delete")
        evidence = self._witness.sent(self._who, "delete", record)

        def work() -> None:
            there = record.id in self._api.store.zones[zone]
            self._api.memory.delete_record(zone, record)
            if there:
                self._witness.effect(self._who, "delete", record, evidence)

        await self._call("delete", fate, work)

    async def delete_records(
        self, zone: str, seen: tuple[Record, ...], gone: tuple[Record, ...]
    ) -> None:
        fate = self._api.fate(self._place, "delete")
        evidence = [self._witness.sent(self._who, "delete", record) for record in gone]
        swaps = self._api.kind is Kind.EXCHANGE
        if not swaps and set(self._set(zone, gone[0])) != set(seen):
            raise Conflict("the record set has changed")

        def work() -> None:
            if swaps and set(self._set(zone, gone[0])) != set(seen):
                raise Conflict("the record set has changed")
            if not swaps:
                self._replace(zone, gone[0], seen)  # what others wrote since is lost
            for record, proof in zip(gone, evidence, strict=True):
                self._drop(zone, record)
                self._witness.effect(self._who, "delete", record, proof)

        await self._call("delete", fate, work)

    def _set(self, zone: str, of: Create | Record) -> tuple[Record, ...]:
        records = self._api.store.zones[zone].values()
        return tuple(r for r in records if (r.name, r.type) == (of.name, of.type))

    def _drop(self, zone: str, record: Record) -> None:
        """Take a record out; one that was put back meanwhile has another id."""
        held = {r.id: r for r in self._set(zone, record)}
        same = [held[record.id]] if record.id in held else held.values()
        for there in same:
            if there.value == record.value:
                del self._api.store.zones[zone][there.id]

    def _replace(self, zone: str, of: Create | Record, wanted: tuple[Record, ...]) -> None:
        """Have the set hold the values of ``wanted``, whatever it holds; what comes back is new."""
        held, values = self._set(zone, of), {record.value for record in wanted}
        for record in held:
            if record.value not in values:
                del self._api.store.zones[zone][record.id]
        for value in sorted(values - {record.value for record in held}):
            self._api.store.add(f"{of.name} {of.type.value} {value}", zone)

    async def _call(self, operation: str, fate: Fate, work: Callable[[], Any]) -> Any:
        """There, the effect, and back; what the fate leaves of it."""
        api, draw = self._api, self._api.draw
        there, back = (draw.choice(DISTANCES) * draw.random() for _ in range(2))
        box: list[tuple[Any, ProviderError | None]] = []
        if fate in (Fate.GOOD, Fate.UNANSWERED, Fate.LATE, Fate.NONSENSE, Fate.SHORT):
            delay = there + (api.late * draw.random() if fate is Fate.LATE else 0.0)
            context = virtual_time.OUTSIDE
            virtual_time.loop().call_later(delay, _do, work, box, context=context)
        await asyncio.sleep(there + back)
        if fate in (Fate.GOOD, Fate.SHORT):
            value, error = box[0]
            if error is not None:
                raise error
            return value
        if fate is Fate.REFUSED:
            reason = draw.choice(REASONS)
            if operation == "create" and reason is ApiReason.SERVER_ERROR and draw.random() < 0.5:
                raise Conflict("drawn: a conflict with nothing")
            wait = 30.0 * draw.random() if reason is ApiReason.RATE_LIMITED else None
            raise ProviderError(reason, "drawn", wait)
        kind = ProviderError if operation == "list" else AnswerLost
        nonsense = fate is Fate.NONSENSE
        raise kind(ApiReason.INVALID_RESPONSE if nonsense else ApiReason.TIMEOUT, "drawn")


def _do(work: Callable[[], Any], box: list[tuple[Any, ProviderError | None]]) -> None:
    try:
        box.append((work(), None))
    except ProviderError as error:
        box.append((None, error))
