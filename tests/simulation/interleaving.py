"""Every order in which the API calls of a few writers can take effect, with at most one fault.

The writers are real: Cycle, Outlook, plan, ZoneLock. Each of their calls parks; a `Run` does what a
path of choices says and then knows which choices there are next. A `search` goes through all paths,
depth first, from the start each time, and never twice from one state: a writer is what it was told
and when, so a state is the zone, the time, and what each writer has been told.

    choice    what happens
    --------  --------------------------------------------------------------------------------------
    do        the call takes effect and is answered
    tick      a lease passes for all; not while a DELETE is under way, by the lock's assumptions
    land      a DELETE whose sender has given up takes effect
    wake      who stood still hears the answer

    fault     (one in a path, at a call of the first writer; the others are like it)
    fail      the call does not take effect, and its sender knows
    lose      it does, and its sender does not know
    late      a DELETE's sender gives up, and it takes effect later, within the lock's margin
    hold      it takes effect, and its sender stands still for a lease before it hears of it
    die       its sender dies before it is sent
    die_late  a DELETE's sender dies, and it takes effect later
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dnsbalancer_exporter.boundary import Lock, Records
from dnsbalancer_exporter.cycle import Cycle
from dnsbalancer_exporter.errors import AnswerLost, ApiReason, Conflict, ProviderError
from dnsbalancer_exporter.model import (
    Create,
    Health,
    HealthState,
    LockTerms,
    Pool,
    Record,
    TargetKey,
    Timing,
)
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.report import TargetState
from dnsbalancer_exporter.roster import Watched
from dnsbalancer_exporter.zonelock import ZoneLock
from tests.contract.memory import Memory, Store
from tests.simulation.laws import NAME
from tests.simulation.virtual_time import VirtualTimeLoop
from tests.simulation.world import FOREIGN, SPEC, target

TERMS = LockTerms(lease=60.0, margin=20.0)
START = 1000.0

UP = HealthState(Health.UP, successes=2, succeeded_at=990.0, proven=True)
DOWN = HealthState(Health.DOWN, failures=3, failing_since=900.0, failed_at=math.inf, proven=True)
"""Confirmed whenever it is asked for: a doubt would make the search smaller."""

FAULTS = ("fail", "lose", "late", "hold", "die", "die_late")


class Choice(NamedTuple):
    """What happens next, and at whose call."""

    what: str
    writer: int = -1


Path = tuple[Choice, ...]
Locks = Callable[[Records, Callable[[], float]], Lock]


class Emptied(AssertionError):
    """A path that breaks law 1 or 2."""


def zone_lock(records: Records, clock: Callable[[], float]) -> Lock:
    """The real one. Nobody waits between two attempts: the search says who is next."""
    return ZoneLock(records, TERMS, clock, lambda: -0.5, lambda *_: None)


@dataclass
class Call:
    """A call that is parked: what it will do, and who waits for it. ``held``: it is done, and its
    sender stands still; ``awake`` says that it may go on.
    """

    operation: str
    work: Callable[[], Any]
    answer: asyncio.Future[Any]
    type: RecordType
    sent: float
    done: tuple[Any, ProviderError | None] | None = None
    held: bool = False
    awake: bool = False

    @property
    def deletes(self) -> bool:
        """Whether it is a withdrawal, which must take effect in time."""
        return self.operation == "delete" and self.type is RecordType.A


class Told(NamedTuple):
    """What a writer was told of a call, which it sent and heard of at these times."""

    what: str
    operation: str
    type: RecordType
    sent: float
    heard: float
    value: object
    error: str

    def at(self, now: float) -> object:
        """What of it may still matter at this time: how old it is only if that is ever asked."""
        mine = (self.operation, self.type) == ("create", RecordType.TXT)
        seen = (self.operation, self.type) == ("list", RecordType.TXT)
        if self.error:
            age = min(TERMS.lease, now - self.heard)
        elif mine or seen:
            age = min(TERMS.lease, now - (self.sent if mine else self.heard))
        else:
            age = 0.0
        return self.what, age, self.value, self.error


class Writer:
    """One writer that holds itself UP and everybody else DOWN, for ``cycles`` cycles."""

    def __init__(self, run: Run, own: str, cycles: int) -> None:
        self._run = run
        self.own = own
        self.call: Call | None = None
        self.told: list[Told] = []
        self.dead = False
        self._states: dict[TargetKey, TargetState] = {}
        timing = Timing(interval=5.0)
        pool = Pool("p", NAME, (NAME,), True, (target(own),), SPEC, timing, max_withdrawals=9)
        lock = run.locks(self, run.clock)
        cycle = Cycle(self, lock, run.clock, lambda: self._states, self._follow)

        async def live() -> None:
            for _ in range(cycles):
                await cycle.run([pool])

        self.life = live

    def _follow(self, pool: Pool, wanted: Iterable[Watched]) -> None:
        for entry in wanted:
            health = UP if entry.target.address == self.own else DOWN
            self._states[entry.key] = TargetState(entry.target, health)

    # --- its provider -----------------------------------------------------------------------

    @property
    def exchange(self) -> Writer | None:
        return self if self._run.swaps else None

    async def list_records(self, zone: str, type: RecordType, budget: float) -> tuple[Record, ...]:
        def work() -> tuple[Record, ...]:
            return self._run.memory.list_records(zone, type, budget)

        found: tuple[Record, ...] = await self._park("list", work, type)
        return found

    async def create_record(self, zone: str, create: Create) -> Record:
        def work() -> Record:
            return self._run.memory.create_record(zone, create)

        made: Record = await self._park("create", work, create.type)
        return made

    async def delete_record(self, zone: str, record: Record) -> None:
        def work() -> None:
            there = record.id in self._run.store.zones[NAME]
            self._run.memory.delete_record(zone, record)
            if there:
                self._run.judge(self, record)

        await self._park("delete", work, record.type)

    async def delete_records(
        self, zone: str, seen: tuple[Record, ...], gone: tuple[Record, ...]
    ) -> None:
        def work() -> None:
            records = self._run.store.zones[zone].values()
            if {r for r in records if (r.name, r.type) == (NAME, RecordType.A)} != set(seen):
                raise Conflict("the record set has changed")
            for record in gone:
                del self._run.store.zones[zone][record.id]
            self._run.judge(self, gone[0])

        await self._park("delete", work, RecordType.A)

    async def _park(self, operation: str, work: Callable[[], Any], type_: RecordType) -> Any:
        if self._run.over:
            raise ProviderError(ApiReason.CONNECTION, "the search goes on elsewhere")
        answer = asyncio.get_running_loop().create_future()
        self.call = Call(operation, work, answer, type_, self._run.now)
        return await answer


@dataclass
class Run:
    """One path, played from the start."""

    own: tuple[str, ...]
    cycles: tuple[int, ...] = (1, 1, 1)
    ticks: bool = False
    locks: Locks = zone_lock
    swaps: bool = False
    faults: tuple[str, ...] = FAULTS
    now: float = START
    log: list[str] = field(default_factory=list)
    over: bool = False

    def __post_init__(self) -> None:
        self.store = Store(records=[*(f"@ A {a}" for a in self.own), *FOREIGN])
        self.memory = Memory(self.store)
        self._foreign = self._others()
        self._under_way: list[Call] = []
        self._loop = VirtualTimeLoop()  # type: ignore[abstract]
        self.writers = [Writer(self, a, n) for a, n in zip(self.own, self.cycles, strict=False)]
        for writer in self.writers:
            self._loop.create_task(writer.life())
        self._loop.settle()

    def clock(self) -> float:
        return self.now

    # --- what may happen next, and what does ------------------------------------------------

    def choices(self) -> list[Choice]:
        """All that may happen next; nothing once everybody has come to the end."""
        found = []
        for number, writer in enumerate(self.writers):
            call = writer.call
            if call is None:
                continue
            if call.held:
                found += [Choice("wake", number)] if call.awake else []
                continue
            found.append(Choice("do", number))
            not_here = set() if call.deletes else {"late", "die_late"}
            not_here |= {"lose"} if call.operation == "list" else set()
            faults = self.faults if number == 0 else ()
            found += [Choice(fault, number) for fault in faults if fault not in not_here]
        found += [Choice("land", n) for n in range(len(self._under_way))]
        if self.ticks and any(w.call for w in self.writers) and not self._deletes_under_way():
            found.append(Choice("tick"))
        return found

    def _deletes_under_way(self) -> bool:
        parked = [w.call for w in self.writers if w.call and not w.call.held]
        return any(call.deletes for call in [*parked, *self._under_way])

    def choose(self, choice: Choice) -> None:
        """Let it happen, and everybody go on as far as they can; raises Emptied."""
        self.log.append(f"{choice.what} {self._subject(choice)}")
        if choice.what in self.faults:
            self.faults = ()
        if choice.what == "tick":
            self._tick()
        elif choice.what == "land":
            self._work(self._under_way.pop(choice.writer))
        else:
            writer = self.writers[choice.writer]
            assert writer.call is not None
            self._at(writer, writer.call, choice.what)
        self._loop.settle()

    def _subject(self, choice: Choice) -> str:
        call = self.writers[choice.writer].call if choice.writer >= 0 else None
        return f"{choice.writer} {call.operation}" if call else ""

    def _tick(self) -> None:
        self.now += TERMS.lease
        for writer in self.writers:
            if writer.call and writer.call.held:
                writer.call.awake = True

    def _at(self, writer: Writer, call: Call, what: str) -> None:
        writer.call = None
        if what in ("die", "die_late"):
            writer.dead = True
        if what in ("late", "die_late"):
            self._under_way.append(call)
        if what in ("do", "lose", "hold"):
            self._work(call)
        if what == "hold":
            call.held = True
            writer.call = call
        elif not writer.dead:
            self._tell(writer, call, what)

    def _work(self, call: Call) -> None:
        try:
            call.done = call.work(), None
        except ProviderError as error:
            call.done = None, error

    def _tell(self, writer: Writer, call: Call, what: str) -> None:
        value, error = call.done or (None, None)
        if what == "fail":
            error = ProviderError(ApiReason.SERVER_ERROR, "refused")
        elif what in ("lose", "late"):
            error = AnswerLost(ApiReason.TIMEOUT, "lost")
        told = self._short(value), type(error).__name__ if error else ""
        writer.told.append(Told(what, call.operation, call.type, call.sent, self.now, *told))
        if error:
            call.answer.set_exception(error)
        else:
            call.answer.set_result(value)

    # --- judging ----------------------------------------------------------------------------

    def judge(self, writer: Writer, record: Record) -> None:
        """A record has been deleted, because this writer once sent it."""
        values = self.store.values(NAME)
        self.log[-1] += f" -> {values}"
        if self._others() != self._foreign:
            raise Emptied("\n".join([f"{record} was touched", *self.log]))
        if record.type is RecordType.A and writer.own not in values:
            raise Emptied("\n".join([f"{writer.own} withdrew {record.value}", *self.log]))

    def _others(self) -> list[Record]:
        found = self.store.zones[NAME].values()
        return [r for r in found if r.name != NAME and not r.name.startswith("_")]

    # --- what it is -------------------------------------------------------------------------

    def state(self) -> object:
        """Equal states have equal futures."""
        zone = tuple(sorted(map(self._named, self.store.zones[NAME].values())))
        writers = tuple(map(self._of, self.writers))
        return zone, bool(self.faults), writers, len(self._under_way)

    def _of(self, writer: Writer) -> object:
        told = tuple(told.at(self.now) for told in writer.told)
        call = writer.call
        lock = call and call.type is RecordType.TXT
        since = min(TERMS.lease, self.now - call.sent) if call and lock else 0.0
        parked = call and (call.held, call.awake, since)
        return told, writer.dead, parked

    def _named(self, record: Record) -> tuple[str, str]:
        return record.value, record.id

    def _short(self, value: Any) -> object:
        if isinstance(value, tuple):
            return tuple(map(self._named, value))
        return self._named(value) if isinstance(value, Record) else value

    def close(self) -> None:
        """Let everybody come to an end."""
        self.over = True
        self._loop.close()


@dataclass
class Found:
    """What a search has gone through."""

    states: int = 0
    ends: int = 0


def search(begin: Callable[[], Run], first: Path = ()) -> Found:
    """Go through every path that begins with ``first``; raises Emptied if one breaks a law."""
    found, seen = Found(), set[object]()
    open_paths: list[Path] = [first]
    while open_paths:
        path = list(open_paths.pop())
        run = begin()
        try:
            for choice in path:
                run.choose(choice)
            while True:
                state = run.state()
                if state in seen:
                    break
                seen.add(state)
                choices = run.choices()
                if not choices:
                    found.ends += 1
                    break
                open_paths += [(*path, other) for other in choices[1:]]
                path.append(choices[0])
                run.choose(choices[0])
        finally:
            run.close()
    found.states = len(seen)
    return found
