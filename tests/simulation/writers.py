"""A world of several writers: the real cycle and lock of each, over one zone in simulated time.

Everything is drawn from a seed: what each instance believes of each machine (they may disagree, as
when the network is cut between them), how long calls take, whether they fail before or after taking
effect, whether an instance crashes between two calls and starts again with nothing remembered. The
calls of different instances interleave at every await. `Zone.changed` checks after every effect.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from dataclasses import replace

from dnsbalancer_exporter.cycle import Cycle
from dnsbalancer_exporter.errors import AnswerLost, ApiReason, ProviderError
from dnsbalancer_exporter.model import (
    Create,
    Health,
    HealthState,
    LockTerms,
    Pool,
    ProbeSpec,
    Protocol,
    Record,
    Target,
    TargetKey,
    Timing,
)
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.report import TargetState
from dnsbalancer_exporter.roster import Watched
from dnsbalancer_exporter.zonelock import ZoneLock
from tests.contract.memory import Memory, Store
from tests.simulation import virtual_time

NAME = "example.com"
MACHINES = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
FOREIGN = ("www A 198.51.100.7", "@ AAAA 2001:db8::7", "note TXT hello")
TERMS = LockTerms(lease=60.0, margin=20.0)
SPEC = ProbeSpec(Protocol.TCP, "", 80, 2.0)


class LawBroken(AssertionError):
    """The zone is in a state that it must never be in."""


class Zone:
    """The store, checked after each write that takes effect."""

    def __init__(self, draw: random.Random, trouble: float) -> None:
        self.store = Store(records=[*(f"@ A {a}" for a in MACHINES), *FOREIGN])
        self.draw = draw
        self.trouble = trouble
        self.log: list[str] = []
        self._foreign = self._others()

    @property
    def published(self) -> list[str]:
        return self.store.values(NAME)

    def changed(self, who: str, what: str) -> None:
        self.log.append(f"{virtual_time.loop().time():.2f} {who} {what} -> {self.published}")
        if not self.published:
            raise LawBroken("the name is empty:\n" + "\n".join(self.log[-12:]))
        if self._others() != self._foreign:
            raise LawBroken("a foreign record was touched:\n" + "\n".join(self.log[-12:]))

    def _others(self) -> list[Record]:
        every = self.store.zones["example.com"].values()
        return [r for r in every if (r.name, r.type) != (NAME, RecordType.A) and "_" not in r.name]


class Wire:
    """One instance's way to the zone: slow, and failing before or after a call takes effect."""

    def __init__(self, zone: Zone, who: str) -> None:
        self._zone = zone
        self._who = who
        self._memory = Memory(zone.store)

    async def _way(self, lost: bool) -> None:
        """There, or back: never so long that a DELETE outlives the margin."""
        draw = self._zone.draw
        await asyncio.sleep(draw.choice((0.01, 0.05, 0.3, 2.0, 6.0)) * draw.random())
        if draw.random() < self._zone.trouble:
            kind = AnswerLost if lost else ProviderError
            raise kind(ApiReason.CONNECTION, "drawn")

    exchange = None

    async def list_records(self, zone: str, type: RecordType, budget: float) -> tuple[Record, ...]:
        await self._way(lost=False)
        found = self._memory.list_records(zone, type, budget)
        await self._way(lost=False)
        return found

    async def create_record(self, zone: str, create: Create) -> Record:
        await self._way(lost=self._zone.draw.random() < 0.5)
        made = self._memory.create_record(zone, create)
        self._zone.changed(self._who, f"create {create.value}")
        await self._way(lost=True)
        return made

    async def delete_record(self, zone: str, record: Record) -> None:
        await self._way(lost=self._zone.draw.random() < 0.5)
        if self._zone.draw.random() < self._zone.trouble:  # it takes effect when nobody waits
            delay = self._zone.draw.random() * 10.0
            asyncio.get_running_loop().call_later(delay, self._take_out, zone, record)
            raise AnswerLost(ApiReason.TIMEOUT, "drawn, and done later")
        self._take_out(zone, record)
        await self._way(lost=True)

    def _take_out(self, zone: str, record: Record) -> None:
        self._memory.delete_record(zone, record)
        self._zone.changed(self._who, f"delete {record.value}")


class Instance:
    """One writer: a member of one machine, or a witness. ``view`` is what it believes."""

    def __init__(self, zone: Zone, own: str, *, member: bool, locked: bool = True) -> None:
        self.zone = zone
        self.own = own
        self.view: dict[str, Health] = dict.fromkeys(MACHINES, Health.UP)
        timing = Timing(interval=30.0, fast_interval=1.0)
        target = Target(own, own, replace(SPEC, address=own))
        self.pool = Pool(
            "p", "example.com", (NAME,), member, (target,), SPEC, timing, max_withdrawals=3
        )
        self.states: dict[TargetKey, TargetState] = {}
        self.locked = locked
        self.deletes = 0
        self._begin()

    def _begin(self) -> None:
        """Start, or start again after a crash with nothing remembered."""
        clock = virtual_time.loop().time
        wire = Wire(self.zone, self.own)
        spread = self.zone.draw.random
        self.lock = ZoneLock(wire, TERMS, clock, spread, lambda *_: None)
        lock = self.lock if self.locked else NoLock()
        self.cycle = Cycle(wire, lock, clock, self._states, self._follow)

    def _states(self) -> dict[TargetKey, TargetState]:
        """As a watch would have them: judged by this instance's own view of the moment."""
        now = virtual_time.loop().time()
        made = {}
        for key, state in self.states.items():
            up = self.view.get(key.address, Health.DOWN) is Health.UP
            health = (
                HealthState(Health.UP, successes=2, succeeded_at=now, proven=True)
                if up
                else HealthState(Health.DOWN, failures=3, failing_since=now - 1.0, proven=True)
            )
            made[key] = replace(state, health=health)
        return made

    def _follow(self, pool: Pool, wanted: Iterable[Watched]) -> None:
        self.states = {w.key: TargetState(w.target) for w in wanted}

    async def live(self, until: float) -> None:
        """Run cycles; crash now and then in the middle of one."""
        clock, draw = virtual_time.loop().time, self.zone.draw
        while clock() < until:
            running = asyncio.ensure_future(self.cycle.run([self.pool]))
            patience = draw.random() * 20.0 if draw.random() < self.zone.trouble else None
            try:
                (report,) = await asyncio.wait_for(running, patience)
                self.deletes += sum(c.action == "delete" for c in report.changes)
                wait = (report.again_at or clock() + 30.0) - clock()
            except asyncio.TimeoutError:
                self._begin()
                wait = draw.random() * 30.0
            await asyncio.sleep(max(0.1, min(wait, 30.0)) * (0.5 + draw.random()))


class NoLock:
    """What the plain algorithm has: nothing. For seeing that the laws can be broken."""

    async def take(self, pool: Pool) -> bool:
        return True

    def valid(self, pool: Pool) -> bool:
        return True

    def retry_at(self, pool: Pool) -> float:
        return 0.0

    async def release(self, pool: Pool, *, settled: bool) -> None:
        return

    async def tidy(self, pool: Pool) -> None:
        return


async def world(seed: int, *, seconds: float = 900.0, locked: bool = True) -> Zone:
    """Play one world to its end, then heal it and see it converge; raises LawBroken."""
    draw = random.Random(seed)
    zone = Zone(draw, trouble=draw.choice((0.0, 0.05, 0.2)))
    members = draw.sample(MACHINES, draw.choice((2, 3)))
    witnesses = draw.choice((0, 0, 1))
    instances = [Instance(zone, own, member=True, locked=locked) for own in members]
    instances += [
        Instance(zone, "203.0.113.9", member=False, locked=locked) for _ in range(witnesses)
    ]
    end = virtual_time.loop().time() + seconds
    lives = [asyncio.ensure_future(i.live(end)) for i in instances]
    while virtual_time.loop().time() < end:
        await asyncio.sleep(draw.random() * 60.0)
        for instance in draw.sample(instances, draw.randint(1, len(instances))):
            instance.view = {a: draw.choice((Health.UP, Health.DOWN)) for a in MACHINES}
    await asyncio.gather(*lives)
    await _heal(zone, instances)
    return zone


async def _heal(zone: Zone, instances: list[Instance]) -> None:
    """No more trouble, one truth for all: the zone becomes that truth."""
    zone.trouble = 0.0
    owners = {i.own for i in instances if i.pool.member}
    up = set(zone.draw.sample(sorted(owners), zone.draw.randint(1, len(owners))))
    for instance in instances:
        instance.view = {a: Health.UP if a in up else Health.DOWN for a in MACHINES}
    # Longer than the longest contest (an hour), the lease and every back-off together.
    end = virtual_time.loop().time() + 5400.0
    await asyncio.gather(*(i.live(end) for i in instances))
    if set(zone.published) != up:
        tail = "\n".join(zone.log[-12:])
        raise LawBroken(f"after healing {zone.published}, not {sorted(up)}:\n{tail}")
