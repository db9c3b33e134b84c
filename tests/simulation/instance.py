"""A simulated instance: the watch, the rounds, the cycle, the guard and the lock of the daemon.

An `Instance` is a machine's daemon for the whole of a world; a `Daemon` is one run of it, which may
be frozen, killed between any two steps, ended in order, reloaded, and followed by another run that
begins with what was kept, or with nothing.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Iterable
from dataclasses import dataclass, replace

from dnsbalancer_exporter import plan, state
from dnsbalancer_exporter.calm import Basis, Calm
from dnsbalancer_exporter.cycle import Cycle
from dnsbalancer_exporter.guard import Guard, writable
from dnsbalancer_exporter.model import Drain, Kept, LockTerms, Plan, Pool, TargetKey
from dnsbalancer_exporter.outlook import Outlook
from dnsbalancer_exporter.report import PoolReport, TargetState
from dnsbalancer_exporter.roster import Watched
from dnsbalancer_exporter.rounds import Rounds
from dnsbalancer_exporter.watch import LATE, Watch
from dnsbalancer_exporter.zonelock import ZoneLock
from tests.simulation import virtual_time
from tests.simulation.api import Api, Wire, Witness
from tests.simulation.network import Eyes, Network, Seen

TERMS = LockTerms(lease=60.0, margin=20.0)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all instances of a world share; ``rate`` is their `api_rate`."""

    network: Network
    api: Api
    witness: Witness
    draw: random.Random
    rate: float = math.inf


class Compared(Calm):
    """Makes every plan that is given again anew as well: it must be the same."""

    def __init__(self, outlook: Outlook) -> None:
        super().__init__()
        self._outlook = outlook

    def still(self, basis: Basis) -> Plan | None:
        kept = super().still(basis)
        if kept is not None and kept != self._outlook.plan(basis.pool):
            raise AssertionError(f"{kept} was given again: {self._outlook.plan(basis.pool)}")
        return kept


class Daemon:
    """One run. ``pace`` and ``offset`` are its clock's: no two machines have the same."""

    def __init__(
        self, around: Surroundings, place: str, pool: Pool, pace: float, offset: float
    ) -> None:
        self.around = around
        self.place = place
        self.pool = pool
        self.pace = pace
        self.offset = offset
        self.cycles = 0
        self.gaps = 0
        self.reports: list[PoolReport] = []
        self.process = virtual_time.Process()
        self._time = virtual_time.loop().time
        self._next: Pool | None = None
        self.seen: dict[str, Seen] = {}
        self.watch = Watch(Eyes(around.network, place, self.clock), self.clock, self._judged)
        self.guard = Guard(Wire(around.api, place, self, around.witness), writable([pool]))
        self.lock = ZoneLock(self.guard, TERMS, self.clock, around.draw.random, lambda *_: None)
        self.cycle = Cycle(
            self.guard, self.lock, self.clock, lambda: self.watch.states, self._follow
        )
        self.cycle.pace.rate = around.rate
        self.cycle.outlook.calm = Compared(self.cycle.outlook)
        self.rounds = Rounds(self.cycle, self.clock, self._cycled)
        self._task: asyncio.Task[None] | None = None

    def clock(self) -> float:
        return self._time() * self.pace + self.offset

    def start(self, kept: Kept | None) -> None:
        """As the daemon does: begin with what was kept, then turn."""
        if kept:
            self.cycle.outlook.restore(self.pool, kept)
        self.cycle.outlook.begin(self.pool)
        self.rounds.begin(self.pool)
        self._task = asyncio.ensure_future(self.rounds.run(self._pools))
        self._task.add_done_callback(_raise)

    def reload(self, pool: Pool) -> None:
        """Use another configuration from the next turn on."""
        self._next = pool
        self.rounds.wake()

    async def _pools(self) -> tuple[Pool, ...]:
        if self._next is not None:
            self.pool, self._next = self._next, None
            self.guard.places = writable([self.pool])
            self.cycle.outlook.begin(self.pool)
            self.rounds.begin(self.pool)
        return (self.pool,)

    def _judged(self, key: TargetKey, before: TargetState, after: TargetState) -> None:
        if after.last:
            if before.last is None:
                self.seen[key.address] = Seen()  # it is followed anew
            self.seen[key.address].note(after.last, self.pool.timing)
        self.rounds.judged(key, before, after)

    def _follow(self, pool: Pool, wanted: Iterable[Watched]) -> None:
        self.watch.follow(pool.name, pool.timing, wanted)

    def _cycled(self, _: PoolReport | None, report: PoolReport) -> None:
        self.cycles += 1
        self.gaps += len(report.gaps)

    def drain(self, address: str, seconds: float, forced: bool) -> None:
        """As the desk does, if it is admitted."""
        outlook = self.cycle.outlook
        report = self.rounds.reports[self.pool.name]
        if report.read_at is None:
            return
        if forced or plan.drainable(outlook.situation(self.pool), address):
            now = self.clock()
            outlook.drain(self.pool, address, Drain(now, now + seconds, forced))
            self.rounds.wake(self.pool.name)

    def would_publish(self) -> bool:
        """Whether it would put something into its record set if that were empty."""
        if self.rounds.reports[self.pool.name].read_at is None:
            return False
        situation = replace(self.cycle.outlook.situation(self.pool), records=())
        return bool(plan.make(situation).creates)

    def saved(self) -> state.Document:
        """What its state file has."""
        return state.to_document(self.cycle.outlook.kept([self.pool]), -self.offset)

    def terminate(self) -> None:
        """SIGTERM: what is under way ends in order."""
        if self._task:
            self._task.cancel()
        self.watch.close()


def end(api: Api, daemons: Iterable[Daemon]) -> None:
    """Let everything that still runs come to its end, the dead as well."""
    api.over = True
    for daemon in daemons:
        daemon.process.thaw()
        daemon.process.run(daemon.terminate)


def _raise(task: asyncio.Task[None]) -> None:
    """A daemon ends when it is told to, or by a bug."""
    if not task.cancelled():
        task.result()


class Instance:
    """A machine with a daemon. ``pool`` is its configuration in quiet times."""

    def __init__(self, around: Surroundings, place: str, pool: Pool) -> None:
        self.around = around
        self.place = place
        self.pool = pool
        self.pace = around.draw.uniform(0.99, 1.01)
        self.daemon: Daemon | None = None
        self.runs: list[Daemon] = []
        self._file: state.Document = {}
        self._paused_at = 0.0

    @property
    def lives(self) -> bool:
        return self.daemon is not None and not self.daemon.process.frozen

    def start(self, *, remembers: bool = True) -> None:
        """Start a run, with what the last one kept if it ``remembers``; clocks begin anew."""
        if self.daemon is not None:
            return
        offset = self.around.draw.uniform(0.0, 1e6)
        daemon = Daemon(self.around, self.place, self.pool, self.pace, offset)
        kept = None
        if remembers and self._file:
            found = state.of_document(self._file, [self.pool], -offset, daemon.clock())
            kept = found.get(self.pool.name)
        daemon.process.run(daemon.start, kept)
        self.daemon = daemon
        self.runs.append(daemon)

    def kill(self) -> None:
        """kill -9: nothing of it runs any more, not even a ``finally``."""
        if self.daemon:
            self._file = self.daemon.saved()
            self.daemon.process.frozen = True
            self.daemon = None

    def terminate(self) -> None:
        """SIGTERM."""
        if self.lives and self.daemon:
            self._file = self.daemon.saved()
            self.daemon.process.run(self.daemon.terminate)
            self.daemon = None

    def pause(self) -> None:
        """Suspend: its clock goes on, it does not."""
        if self.lives and self.daemon:
            self.daemon.process.frozen = True
            self._paused_at = virtual_time.loop().time()

    def wake(self) -> None:
        """Go on after a pause, if it was long enough to be noticed."""
        paused = virtual_time.loop().time() - self._paused_at
        if self.daemon and self.daemon.process.frozen and paused > 2 * LATE:
            for seen in self.daemon.seen.values():
                seen.doubt()
            self.daemon.process.thaw()
