"""A world: drawn from a seed, played, healed, and judged after every single API call.

Inside the assumptions of the lock (docs/adr/0008) no law is ever broken. Outside them lists lie,
deletes take effect after the margin, a person deletes, and one machine runs a tool that withdraws
after one failure, without a floor and without a lock: then the name may be empty, and not for long.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from dataclasses import replace

from dnsbalancer_exporter.model import (
    Mode,
    Pool,
    ProbeSpec,
    Protocol,
    Target,
    Timing,
)
from tests.contract.memory import Store
from tests.simulation import virtual_time
from tests.simulation.api import Api, Kind
from tests.simulation.instance import TERMS, Daemon, Instance, Surroundings, end
from tests.simulation.laws import NAME, LawBroken, Laws
from tests.simulation.network import Network

MACHINES = tuple(f"192.0.2.{n}" for n in range(1, 5))
GUEST = "192.0.2.77"
"""A machine that has no daemon, and may be put into the zone by hand."""
SECOND = "app.example.com"
"""The other name of a pool that has two."""
WITNESSES = ("203.0.113.8", "203.0.113.9")
FOREIGN = (
    "www A 198.51.100.7",
    "@ AAAA 2001:db8::7",
    "note TXT hello",
    "@ TXT v=spf1",
    "_dnsbalancer TXT hello",
)
SPEC = ProbeSpec(Protocol.TCP, "", 80, 2.0)
CYCLES = 30
"""Every world has at least so many cycles before it is healed."""


def target(address: str) -> Target:
    return Target(address, address, replace(SPEC, address=address))


class NoLock:
    """What the plain algorithm has: nothing. It shows that the laws can be broken."""

    writes = 0

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


class World:
    """One drawn world. ``strict``: inside the assumptions; not ``locked``: as without law 9."""

    patience = 0.0
    """Seconds that healing may take beyond the usual."""
    length = 1
    """How many times the usual number of cycles it has."""

    def __init__(self, seed: int, *, strict: bool = True, locked: bool = True) -> None:
        self.draw = draw = random.Random(seed)
        self.interval = draw.choice((5.0, 5.0, 30.0))
        self.strict = strict
        self.locked = locked
        self.kind = draw.choice((Kind.UNIQUE,) * 6 + (Kind.FLAG, Kind.EXCHANGE, Kind.SETS))
        count = 2 if self.kind is Kind.FLAG else draw.choice((2, 3, 3, 4))
        self.machines = MACHINES[:count]
        present = draw.sample(self.machines, draw.randint(0 if strict else 1, count))
        # Drawn apart, so that a world with one name is the same as ever.
        more = random.Random(f"names {seed}")
        several = strict and more.random() < 0.3
        self.names = (NAME, SECOND) if several else (NAME,)
        also = more.sample(self.machines, more.randint(0, count)) if several else []
        second = [f"{SECOND} A {a}" for a in also]
        self.store = Store(records=[*(f"@ A {a}" for a in present), *second, *FOREIGN])
        self.store.merges = self.kind is Kind.SETS
        self.network = Network(draw)
        self.network.up = dict.fromkeys((*self.machines, GUEST, *WITNESSES), True)
        self.api = Api(draw, self.network, self.store, self.kind)
        self.api.trouble = draw.choice((0.0, 0.02, 0.1, 0.25))
        self.laws = Laws(self.store, strict=strict, locked=locked, names=self.names)
        self.laws.api = self.api
        rate = more.choice((math.inf, math.inf, 2.0, 0.5))
        self.around = Surroundings(self.network, self.api, self.laws, draw, rate)
        self.listed = draw.random() < 0.4
        self.instances = [
            Instance(self.around, a, self._pool(a, member=True)) for a in self.machines
        ]
        room = {Kind.FLAG: 0}.get(self.kind, draw.choice((0, 0, 1, 1, 2)))
        self.instances += [
            Instance(self.around, w, self._pool(w, member=False))
            for w in WITNESSES[: min(room, 5 - count)]
        ]
        if not strict:
            self.api.lies = draw.choice((0.0, 0.05))
            self.api.late = draw.choice((17.5, 100.0))

    def _pool(self, place: str, *, member: bool) -> Pool:
        draw = self.draw
        return Pool(
            "p",
            NAME,
            self.names,
            member,
            (target(place),),
            SPEC,
            Timing(interval=self.interval, fast_interval=1.0, fall=draw.choice((1, 3, 3))),
            listed=tuple(map(target, self.machines)) if self.listed else (),
            max_withdrawals=draw.choice((None, None, 3)),
            min_records=draw.choice((1, 1, 1, 2)),
        )

    @property
    def cycles(self) -> int:
        return sum(run.cycles for instance in self.instances for run in instance.runs)

    # --- playing --------------------------------------------------------------------------

    async def play(self) -> World:
        """Play it to its end; raises LawBroken."""
        try:
            return await self._play()
        finally:
            end(self.api, self.laws.daemons)

    async def _play(self) -> World:
        for instance in self.instances:
            self._start(instance)
        events = self._events()
        least = self.length * CYCLES
        while self.cycles < least * len(self.instances) // 2 or self.cycles < least:
            await asyncio.sleep(self.draw.expovariate(1.0 / self.between))
            event = self.draw.choice(events)
            event(self.draw.choice(self.instances))
            self.happened()
        await self.heal()
        self.laws.end()
        return self

    @property
    def between(self) -> float:
        """The mean of the seconds between two events."""
        return self.interval / 2.0

    def happened(self) -> None:
        """Called after each event."""

    def _start(self, instance: Instance, *, remembers: bool = True) -> None:
        if instance.daemon is None:
            instance.start(remembers=remembers)
            assert instance.daemon
            if not self.locked:
                instance.daemon.cycle.lock = NoLock()
            self.laws.begins(instance.daemon)

    def _events(self) -> list[Callable[[Instance], None]]:
        """What may happen; the more often it stands here, the more often it does."""
        calm = [
            self._apart,
            self._together,
            self._flip,
            self._flip,
            self._cut,
            self._cut,
            self._join,
            self._join,
            self._lose,
        ]
        rough = [self._stop, self._begin, self._begin, self._pause, self._wake, self._wake]
        odd = [self._api_cut, self._api_join, self._offline, self._drain, self._reload, self._add]
        every = [*calm, *rough, *odd]
        return every if self.strict else [*every, self._take_out] + [self._publish_tool] * 3

    def _flip(self, _: Instance) -> None:
        address = self.draw.choice((*self.machines, GUEST))
        self.network.up[address] = not self.network.up[address]
        self.laws.say(f"application {address} {'returns' if self.network.up[address] else 'dies'}")

    def _cut(self, instance: Instance) -> None:
        address = self.draw.choice(self.machines)
        self.network.cuts.add((instance.place, address))
        if self.draw.random() < 0.5:
            self.network.cuts.add((address, instance.place))
        self.laws.say(f"cut between {instance.place} and {address}")

    def _apart(self, _: Instance) -> None:
        """Everybody is cut from everybody, at one moment: all of them decide at once."""
        for instance in self.instances:
            self.network.cuts |= {(instance.place, a) for a in self.machines if a != instance.place}
        self.laws.say("all are cut from each other")

    def _together(self, _: Instance) -> None:
        self.network.cuts.clear()

    def _join(self, instance: Instance) -> None:
        cuts = {pair for pair in self.network.cuts if instance.place in pair}
        self.network.cuts -= cuts
        self.network.offline.discard(instance.place)

    def _lose(self, _: Instance) -> None:
        self.network.loss = self.draw.choice((0.0, 0.0, 0.05, 0.4))

    def _api_cut(self, instance: Instance) -> None:
        self.draw.choice((self.network.mute, self.network.deaf)).add(instance.place)

    def _api_join(self, instance: Instance) -> None:
        self.network.mute.discard(instance.place)
        self.network.deaf.discard(instance.place)

    def _offline(self, instance: Instance) -> None:
        self.network.offline.add(instance.place)

    def _stop(self, instance: Instance) -> None:
        self.laws.say(f"{instance.place} is stopped")
        self.draw.choice((instance.kill, instance.kill, instance.terminate))()

    def _begin(self, instance: Instance) -> None:
        self._start(instance, remembers=self.draw.random() < 0.7)

    def _pause(self, instance: Instance) -> None:
        self.laws.say(f"{instance.place} pauses")
        instance.pause()

    def _wake(self, instance: Instance) -> None:
        instance.wake()

    def _drain(self, instance: Instance) -> None:
        if instance.lives and instance.daemon:
            address = self.draw.choice(self.machines)
            forced = self.draw.random() < 0.3
            seconds = 120.0 * self.draw.random()
            instance.daemon.process.run(instance.daemon.drain, address, seconds, forced)

    def _reload(self, instance: Instance) -> None:
        changes = self.draw.choice(
            (
                {},
                {"min_records": self.draw.choice((1, 2))},
                {"mode": Mode.OBSERVE},
                {"retired": (self.draw.choice(self.machines),)},
                {"listed": tuple(map(target, self.machines))},
            )
        )
        if instance.lives and instance.daemon:
            self.laws.say(f"{instance.place} is reloaded with {sorted(changes)}")
            pool = replace(instance.pool, **changes)
            instance.daemon.process.run(instance.daemon.reload, pool)

    def _add(self, _: Instance) -> None:
        address = self.draw.choice((*self.machines, GUEST))
        self.store.add(f"@ A {address}")
        self.laws.by_hand(f"adds {address}")

    # --- outside the assumptions ------------------------------------------------------------

    def _take_out(self, _: Instance) -> None:
        records = [
            r for r in self.store.zones[NAME].values() if (r.name, r.type.value) == (NAME, "A")
        ]
        if records:
            record = self.draw.choice(records)
            del self.store.zones[NAME][record.id]
            self.laws.by_hand(f"takes out {record.value}")

    def _publish_tool(self, instance: Instance) -> None:
        """The published tool has its turn on one machine: one failure, no floor, no lock."""
        place = self.draw.choice(self.machines)
        records = [
            r for r in self.store.zones[NAME].values() if (r.name, r.type.value) == (NAME, "A")
        ]
        for record in records:
            if self.network.fate(place, record.value)[1] is not None:
                del self.store.zones[NAME][record.id]
        if self.network.up[place] and place not in self.store.values(NAME):
            self.store.add(f"@ A {place}")
        self.laws.by_hand(f"runs the published tool at {place}")

    # --- healing ----------------------------------------------------------------------------

    async def heal(self) -> None:
        """No more trouble; the zone becomes what is true, when the longest restraint is over."""
        await asyncio.sleep(20.0)  # so that whoever has just been paused can wake
        self.laws.say("all is healed")
        self.network.heal()
        self.api.trouble = self.api.lies = 0.0
        alive = self.draw.sample(self.machines, self.draw.randint(1, len(self.machines)))
        self.network.up.update({a: a in alive for a in self.machines})
        for instance in self.instances:
            instance.wake()
            self._start(instance)
            if instance.daemon:
                instance.daemon.process.run(instance.daemon.reload, instance.pool)
        self.happened()
        end = virtual_time.loop().time() + 200.0 + 20 * self.interval + self.patience
        while not self._is_true(alive):
            now = virtual_time.loop().time()
            # A lock that a dead run has left may be in the way then, for as long as its lease.
            restrained = max(map(self._restrained_until, self.laws.daemons))
            end = max(end, restrained + TERMS.lease + 10 * self.interval)
            if now > end:
                raise self.laws.broken(f"not converged to {sorted(alive)}")
            await asyncio.sleep(self.interval)
        self.laws.say("converged")

    def _restrained_until(self, daemon: Daemon) -> float:
        """When the longest thing ends that keeps this daemon from what it would do."""
        if daemon not in [instance.daemon for instance in self.instances]:
            return 0.0
        memory, now = daemon.cycle.outlook.memory(daemon.pool), daemon.clock()
        ends = [c.until for c in memory.contests.values()]
        ends += [d.until for d in memory.drains.values()]
        ends += [r.until for r in memory.refusals.values()] + [memory.refused_until]
        ends += [s.restraint.until for s in daemon.watch.states.values()]
        return virtual_time.loop().time() + max((end - now for end in ends), default=0.0)

    def _is_true(self, alive: list[str]) -> bool:
        """Who is alive is published; who is dead is not, as far as the floor lets it go."""
        return all(self._name_is_true(name, alive) for name in self.names)

    def _name_is_true(self, name: str, alive: list[str]) -> bool:
        published = set(self.store.values(name))
        floor = max(instance.pool.min_records for instance in self.instances)
        # The guest has no daemon: it may stay if it is alive, and is foreign to a list.
        guest = {GUEST} if self.listed or self.network.up[GUEST] else set()
        dead = published - set(alive) - guest
        return set(alive) <= published and (not dead or len(published) <= floor)


def told(seed: int, *, strict: bool = True) -> str:
    """How a law was broken in this world; "" if none was."""
    try:
        virtual_time.run(World(seed, strict=strict).play())
    except LawBroken as broken:
        return f"SEED={seed}: {broken}"
    return ""
