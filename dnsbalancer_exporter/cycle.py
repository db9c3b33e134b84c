"""One cycle, a straight line: read, agree, plan, apply, report.

    read     the records of the name            the DNS API: one GET per managed type
    plan     changes, withheld, hold            nothing (plan.py)
    create   what is wanted and missing         the DNS API; then read and plan again
    lock     withdrawals of several writers     the lock (law 9); then read and plan again
    delete   what has a ground to go            the DNS API, one by one, while the lock is valid
    report   what was seen and done             a PoolReport

Observing and judging go on all the time beside it (watch.py); a plan takes the states as they are
when it is made. A write whose answer was lost is settled by reading, never repeated blindly. An
error ends the cycle of its pool and leaves the zone as it is; the next cycle is the retry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from dnsbalancer_exporter import health, plan, roster
from dnsbalancer_exporter.errors import AnswerLost, Conflict, ProviderError
from dnsbalancer_exporter.model import (
    Create,
    Delete,
    Ground,
    HealthState,
    Plan,
    Pool,
    Record,
    RecordSetKey,
    TargetKey,
    Unpublished,
)
from dnsbalancer_exporter.names import RecordType, address_order
from dnsbalancer_exporter.report import Change, PoolReport, TargetState
from dnsbalancer_exporter.roster import Belief, Memory, Refusal

READ_BUDGET = 30.0
"""Seconds that one read may take with all its retries."""

ZONES_AT_ONCE = 4
"""How many zones are read and written at the same time."""

RETRY_FIRST = 5.0
"""Seconds after which a cycle that failed is tried again; doubles, at most the interval."""


class Provider(Protocol):
    """The zone, as the cycle sees it. Names and addresses are canonical; every call may raise
    ProviderError, a write also Conflict (create) and AnswerLost.
    """

    async def list_records(
        self,
        zone: str,
        type: RecordType,
        budget: float,
    ) -> tuple[Record, ...]:
        """All records of one type in the zone, within ``budget`` seconds."""
        ...

    async def create_record(self, zone: str, create: Create) -> Record:
        """Create one record: one attempt."""
        ...

    async def delete_record(self, zone: str, record: Record) -> None:
        """Delete one record by its id: one attempt; done, too, if there is no such id."""
        ...


@dataclass(frozen=True, slots=True)
class View:
    """What a pool's record sets held when they were read; ``doubtful`` after a list too short."""

    records: tuple[Record, ...]
    doubtful: bool


class Lock(Protocol):
    """What keeps the withdrawals of several writers of one pool apart (law 9)."""

    async def take(self, pool: Pool) -> bool:
        """Try to take the lock; False means that withdrawals wait."""
        ...

    def valid(self, pool: Pool) -> bool:
        """Say whether a DELETE may be sent now."""
        ...

    def retry_at(self, pool: Pool) -> float:
        """When `take` is worth another attempt, on the process's clock."""
        ...

    async def release(self, pool: Pool, *, settled: bool) -> None:
        """Give the lock back, or leave it to its lease if a DELETE is not settled."""
        ...

    async def tidy(self, pool: Pool) -> None:
        """Make up for a release that failed; nothing if there is none."""
        ...


class Cycle:
    """The cycle of one process, over all its pools; keeps what must be known from one to the next.

    ``states`` gives the watch's states, ``follow`` tells it whom to probe; ``clock`` is the
    process's clock in seconds.
    """

    def __init__(
        self,
        provider: Provider,
        lock: Lock,
        clock: Callable[[], float],
        states: Callable[[], Mapping[TargetKey, TargetState]],
        follow: Callable[[Pool, Iterable[roster.Watched]], None],
    ) -> None:
        self.provider = provider
        self.lock = lock
        self._clock = clock
        self._states = states
        self._follow = follow
        self._memories: dict[str, Memory] = {}
        self._beliefs: dict[tuple[str, RecordType], Belief] = {}
        self._lists: dict[tuple[str, RecordType], tuple[Record, ...]] = {}
        self._views: dict[str, View] = {}
        self._reports: dict[str, PoolReport] = {}

    def begin(self, pool: Pool) -> None:
        """Start to probe what is known of a pool before its zone has been read."""
        self._follow(pool, roster.watched(pool, self._memory(pool).known))

    def forget(self, pool: Pool) -> None:
        """Drop what is kept of a pool that is no longer configured."""
        for kept in (self._memories, self._views, self._reports):
            kept.pop(pool.name, None)

    async def run(
        self, pools: Iterable[Pool], done: Callable[[PoolReport], None] = lambda _: None
    ) -> tuple[PoolReport, ...]:
        """Run one cycle over ``pools`` and tell ``done`` of each as it ends.

        Zones are independent: one that cannot be read does not delay another. Within a zone pools
        follow each other, and what they share is read once.
        """
        self.reread()
        zones: dict[str, list[Pool]] = {}
        for pool in pools:
            zones.setdefault(pool.zone, []).append(pool)
        places = asyncio.Semaphore(ZONES_AT_ONCE)

        async def zone(members: list[Pool]) -> list[PoolReport]:
            reports = []
            async with places:
                for pool in members:
                    reports.append(await self._pass(pool))
                    done(reports[-1])
            return reports

        found = await asyncio.gather(*(zone(members) for members in zones.values()))
        return tuple(report for reports in found for report in reports)

    async def _pass(self, pool: Pool) -> PoolReport:
        changes: list[Change] = []
        began = self._clock()
        try:
            current = await self.look(pool)
            await self.lock.tidy(pool)
            await self._create(pool, current.creates, changes)
            if any(not change.error for change in changes):
                current = await self.look(pool)
            elif changes:
                current = self._plan(pool, changes)
            if current.deletes:
                current = await self._withdraw(pool, current, changes)
        except ProviderError as error:
            report = self._failed(pool, changes, error)
        else:
            report = self._reported(pool, current, changes)
        cycles = report.cycles + 1
        report = replace(report, duration=self._clock() - began, cycles=cycles)
        self._reports[pool.name] = report
        return report

    # --- read and plan ------------------------------------------------------------------

    def reread(self) -> None:
        """Have the next look read the zones anew."""
        self._lists.clear()

    def records(self, pool: Pool) -> tuple[Record, ...]:
        """What the pool's record sets held when they were last read."""
        return self._views[pool.name].records

    async def look(self, pool: Pool, changes: Sequence[Change] = ()) -> Plan:
        """Read the pool's record sets, learn who its targets are, and plan."""
        records: list[Record] = []
        doubtful = False
        for type_ in pool.types:
            listed, doubted = await self._list(pool.zone, type_)
            doubtful |= doubted
            records += [r for r in listed if r.name in pool.records]
        view = View(tuple(records), doubtful)
        self._views[pool.name] = view
        self._learn(pool, view)
        return self._plan(pool, changes)

    async def _list(self, zone: str, type_: RecordType) -> tuple[tuple[Record, ...], bool]:
        """One list per zone, type and cycle, until something is written."""
        key = (zone, type_)
        if key not in self._lists:
            listed = await self.provider.list_records(zone, type_, READ_BUDGET)
            self._beliefs[key] = roster.believe(self._beliefs.get(key), len(listed))
            self._lists[key] = listed
        return self._lists[key], self._beliefs[key].doubted is not None

    def _learn(self, pool: Pool, view: View) -> None:
        memory, now = self._memory(pool), self._clock()
        seen = roster.values(view.records)
        if not view.doubtful:
            before, states = roster.values(memory.records), self._healths(pool)
            remembered = roster.remember(pool, memory.remembered, before, seen, states, now)
            old = view.records if memory.read_at is None else memory.records
            contests = roster.contests(memory.contests, old, view.records, states, now)
            memory = replace(memory, records=view.records, remembered=remembered, contests=contests)
        self._follow(pool, roster.watched(pool, memory.known | seen))
        warm_up = memory.warm_up.step(pool, self._healths(pool), now)
        self._memories[pool.name] = replace(memory, read_at=now, warm_up=warm_up)

    def _plan(self, pool: Pool, changes: Sequence[Change]) -> Plan:
        """Plan on the view and on the states as they are."""
        memory, states, view = self._memory(pool), self._states(), self._views[pool.name]
        vouching = [s.health.succeeded_at for s in states.values() if health.vouches(s.health)]
        mine = {k: s for k, s in states.items() if k.pool == pool.name}
        references = [s for k, s in mine.items() if k.reference]
        situation = plan.Situation(
            pool=pool,
            records=view.records,
            health=self._healths(pool),
            now=self._clock(),
            vouched_at=max((at for at in vouching if at is not None), default=None),
            isolated=bool(references) and not any(health.vouches(s.health) for s in references),
            doubtful=view.doubtful,
            warming=not memory.warm_up.over,
            remembered=frozenset(memory.remembered),
            restrained={k.address: s.restraint.until for k, s in mine.items() if not k.reference},
            refused={k: (r.reason, r.until) for k, r in memory.refusals.items()},
            contested={address: c.until for address, c in memory.contests.items()},
            spent=_spent(view.records, changes),
        )
        return plan.make(situation)

    # --- apply --------------------------------------------------------------------------

    async def _create(self, pool: Pool, creates: tuple[Create, ...], changes: list[Change]) -> None:
        for create in creates:
            change, refusal = await self._create_one(pool, create)
            changes.append(change)
            refusals = dict(self._memory(pool).refusals)
            refusals.pop((create.name, create.value), None)
            if refusal:
                refusals[create.name, create.value] = refusal
            self._memories[pool.name] = replace(self._memory(pool), refusals=refusals)

    async def _create_one(self, pool: Pool, create: Create) -> tuple[Change, Refusal | None]:
        self._lists.pop((pool.zone, create.type), None)
        try:
            return Change("create", await self.provider.create_record(pool.zone, create)), None
        except (Conflict, AnswerLost) as error:
            refused: ProviderError = error
            listed, _ = await self._list(pool.zone, create.type)
            found = [r for r in listed if (r.name, r.value) == (create.name, create.value)]
            if found:
                return Change("create", found[0]), None
        except ProviderError as error:
            refused = error
        earlier = self._memory(pool).refusals.get((create.name, create.value))
        step = earlier.step + 1 if earlier else 1
        conflict = isinstance(refused, Conflict)
        reason = Unpublished.CONFLICT if conflict else Unpublished.API_ERROR
        wait = roster.backoff(step, pool.timing.fast_interval, refused.retry_after)
        wanted = Record("", create.name, create.type, create.value, create.ttl)
        refusal = Refusal(reason, self._clock() + wait, step)
        return Change("create", wanted, error=str(refused)), refusal

    async def _withdraw(self, pool: Pool, wanted: Plan, changes: list[Change]) -> Plan:
        """Withdraw under the lock what a fresh read still calls for; without it, nothing."""
        refused_until = self._memory(pool).refused_until
        if self._clock() < refused_until:
            return plan.without_lock(wanted, refused_until)
        if not await self.lock.take(pool):
            again_at = self._clock() + pool.timing.fast_interval
            return plan.without_lock(wanted, max(again_at, self.lock.retry_at(pool)))
        settled = True
        try:
            self._unread(pool)
            current = await self.look(pool)
            for delete in current.deletes:
                if not self.lock.valid(pool):
                    break
                current = self._plan(pool, changes)
                if delete not in current.deletes:
                    continue  # it came back while we were busy
                settled = False  # until its answer, or a read, says otherwise
                settled = await self._delete(pool, delete, changes)
                current = self._plan(pool, changes)
                if not settled:
                    break
            if settled and any(change.action == "delete" for change in changes):
                settled = False
                self._unread(pool)
                current = await self.look(pool, changes)
                settled = True
        finally:
            await self.lock.release(pool, settled=settled)
        return current

    def _unread(self, pool: Pool) -> None:
        """Have the next look read this pool's zone anew."""
        for type_ in pool.types:
            self._lists.pop((pool.zone, type_), None)

    async def _delete(self, pool: Pool, delete: Delete, changes: list[Change]) -> bool:
        """Delete one record; False if nobody knows yet whether it happened."""
        record = delete.record
        self._lists.pop((pool.zone, record.type), None)
        if delete.ground is Ground.DOWN and not pool.listed:
            # Noted before it happens: by the next read it may be UP, and would be forgotten.
            memory, until = self._memory(pool), self._clock() + pool.remember
            remembered = {**memory.remembered, record.value: until}
            self._memories[pool.name] = replace(memory, remembered=remembered)
        error, settled = "", True
        try:
            await self.provider.delete_record(pool.zone, record)
        except AnswerLost as lost:
            error, settled = str(lost), False
        except ProviderError as refused:
            error = str(refused)
            self._refused(pool, refused)
        if not settled and await self._is_gone(pool, record, changes, delete.ground, error):
            error, settled = "", True
        changes.append(Change("delete", record, delete.ground, error))
        if not error:
            memory = self._memory(pool)
            self._memories[pool.name] = replace(memory, refusals_of_deletes=0)
            view = self._views[pool.name]
            left = tuple(r for r in view.records if r.id != record.id)
            self._views[pool.name] = replace(view, records=left)
        return settled

    def _refused(self, pool: Pool, error: ProviderError) -> None:
        """Let withdrawals wait, longer each time, after a DELETE that was refused."""
        memory = self._memory(pool)
        step = memory.refusals_of_deletes + 1
        wait = roster.backoff(step, RETRY_FIRST, error.retry_after)
        self._memories[pool.name] = replace(
            memory, refused_until=self._clock() + wait, refusals_of_deletes=step
        )

    async def _is_gone(
        self, pool: Pool, record: Record, changes: list[Change], ground: Ground, error: str
    ) -> bool:
        """Settle a lost answer by reading; if that fails, the delete is told as it stands."""
        try:
            listed, _ = await self._list(pool.zone, record.type)
        except ProviderError:
            changes.append(Change("delete", record, ground, error))
            raise
        return all(r.id != record.id for r in listed)

    # --- report -------------------------------------------------------------------------

    def _reported(self, pool: Pool, current: Plan, changes: Sequence[Change]) -> PoolReport:
        self._memories[pool.name] = memory = replace(self._memory(pool), errors=0)
        pending = bool(current.creates or current.deletes)
        soon = self._clock() + pool.timing.fast_interval
        again = [at for at in (current.again_at, soon if pending else None) if at is not None]
        if not memory.warm_up.over and memory.warm_up.since is not None:
            again.append(memory.warm_up.since + memory.warm_up.seconds(pool))
        last = self._reports.get(pool.name, PoolReport(pool))
        return replace(
            last,
            pool=pool,
            targets=tuple(t.address for t in roster.targets(pool, memory.known)),
            records=self._views[pool.name].records,
            read_at=memory.read_at,
            plan=current,
            changes=tuple(changes),
            warming=not memory.warm_up.over,
            again_at=min(again, default=None),
            remembered=tuple(sorted(memory.remembered, key=address_order)),
            error="",
        )

    def _failed(self, pool: Pool, changes: Sequence[Change], error: ProviderError) -> PoolReport:
        memory = self._memory(pool)
        self._memories[pool.name] = replace(memory, errors=memory.errors + 1)
        known = roster.targets(pool, memory.known)
        last = self._reports.get(pool.name) or PoolReport(pool, tuple(t.address for t in known))
        wait = roster.backoff(memory.errors + 1, RETRY_FIRST, error.retry_after)
        again_at = self._clock() + max(min(pool.timing.interval, wait), error.retry_after or 0.0)
        return replace(last, pool=pool, changes=tuple(changes), error=str(error), again_at=again_at)

    def _memory(self, pool: Pool) -> Memory:
        return self._memories.get(pool.name, Memory())

    def _healths(self, pool: Pool) -> dict[str, HealthState]:
        """The health of each target of the pool, by address."""
        states = self._states()
        keys = [k for k in states if k.pool == pool.name and not k.reference]
        return {key.address: states[key].health for key in keys}


def _spent(records: Iterable[Record], changes: Sequence[Change]) -> dict[RecordSetKey, int]:
    """How many values of each record set this cycle has withdrawn to the last record."""
    left = {(RecordSetKey(r.name, r.type), r.value) for r in records}
    values = {
        (RecordSetKey(c.record.name, c.record.type), c.record.value)
        for c in changes
        if c.action == "delete" and not c.error and c.ground is not Ground.DUPLICATE
    } - left
    return {key: sum(k == key for k, _ in values) for key, _ in values}
