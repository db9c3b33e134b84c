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
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Protocol

from dnsbalancer_exporter import plan, roster
from dnsbalancer_exporter.errors import AnswerLost, Conflict, ProviderError
from dnsbalancer_exporter.model import (
    Create,
    Delete,
    Entry,
    Ground,
    Mode,
    Plan,
    Pool,
    Record,
    RecordSetKey,
    TargetKey,
    Unpublished,
)
from dnsbalancer_exporter.names import RecordType, address_order
from dnsbalancer_exporter.outlook import Outlook
from dnsbalancer_exporter.report import Change, PoolReport, TargetState
from dnsbalancer_exporter.roster import Refusal

READ_BUDGET = 30.0
"""Seconds that one read may take with all its retries."""

ZONES_AT_ONCE = 4
"""How many zones are read and written at the same time."""

RETRY_FIRST = 5.0
"""Seconds after which a cycle that failed is tried again; doubles, at most the interval."""


class Exchange(Protocol):
    """What a provider offers beyond single writes if it can compare and swap (RFC 2136, 2.4)."""

    async def delete_records(
        self, zone: str, seen: tuple[Record, ...], gone: tuple[Record, ...]
    ) -> None:
        """In one step, delete ``gone`` if their record set holds exactly ``seen``.

        Raises Conflict if it does not, else ProviderError and AnswerLost as other writes.
        """
        ...


class Records(Protocol):
    """The records of zones, one at a time. Names and addresses are canonical; every call may raise
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


class Provider(Records, Protocol):
    """The zone, as the cycle sees it."""

    @property
    def exchange(self) -> Exchange | None:
        """Compare and swap, which needs no lock; None: withdrawals take the lock."""
        ...


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
    """The cycle of one process, over all its pools; `outlook` keeps what it must know.

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
        self.outlook = Outlook(self._read, clock, states, follow)
        self._clock = clock
        self._reports: dict[str, PoolReport] = {}

    def forget(self, pool: Pool) -> None:
        """Drop what is kept of a pool that is no longer configured."""
        self.outlook.forget(pool)
        self._reports.pop(pool.name, None)

    async def run(
        self, pools: Iterable[Pool], done: Callable[[PoolReport], None] = lambda _: None
    ) -> tuple[PoolReport, ...]:
        """Run one cycle over ``pools`` and tell ``done`` of each as it ends.

        Zones are independent: one that cannot be read does not delay another. Within a zone pools
        follow each other, and what they share is read once.
        """
        self.outlook.reread()
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
            current = await self.outlook.look(pool)
            if pool.mode is Mode.ENFORCE:
                await self.lock.tidy(pool)
            current = await self._publish(pool, current, changes)
            if current.deletes:
                current = await self._withdraw(pool, current, changes)
        except ProviderError as error:
            report = self._failed(pool, changes, error)
        else:
            report = self._reported(pool, current, changes)
        report = replace(
            report,
            duration=self._clock() - began,
            cycles=report.cycles + 1,
            gaps=self.outlook.take_gaps(pool),
        )
        self._reports[pool.name] = report
        return report

    async def _read(self, zone: str, type_: RecordType) -> tuple[Record, ...]:
        return await self.provider.list_records(zone, type_, READ_BUDGET)

    # --- publish ------------------------------------------------------------------------

    async def _publish(self, pool: Pool, current: Plan, changes: list[Change]) -> Plan:
        """Create what ``current`` wants and is missing; the plan after it."""
        made = False
        for create in current.creates:
            if create not in self.outlook.plan(pool, changes).creates:
                continue  # it fell while we were busy
            changes.append(await self._create(pool, create))
            made |= not changes[-1].error
        if made:
            return await self.outlook.look(pool, changes)
        return self.outlook.plan(pool, changes) if current.creates else current

    async def _create(self, pool: Pool, create: Create) -> Change:
        change, refusal = await self._create_one(pool, create)
        refusals = dict(self.outlook.memory(pool).refusals)
        refusals.pop((create.name, create.value), None)
        if refusal:
            refusals[create.name, create.value] = refusal
        self.outlook.keep(pool, refusals=refusals)
        return change

    async def _create_one(self, pool: Pool, create: Create) -> tuple[Change, Refusal | None]:
        refills = self.outlook.is_gap(pool, RecordSetKey(create.name, create.type))
        self.outlook.unread(pool.zone, [create.type])
        try:
            made = await self.provider.create_record(pool.zone, create)
        except (Conflict, AnswerLost) as error:
            refused: ProviderError = error
            listed, _ = await self.outlook.listed(pool.zone, create.type)
            found = [r for r in listed if (r.name, r.value) == (create.name, create.value)]
            if found:
                # After a Conflict it is somebody else's, or the list had lied.
                refills &= isinstance(error, AnswerLost)
                self.outlook.made(pool, found[0])
                return Change("create", found[0], refills=refills, at=self._clock()), None
        except ProviderError as error:
            refused = error
        else:
            self.outlook.made(pool, made)
            return Change("create", made, refills=refills, at=self._clock()), None
        earlier = self.outlook.memory(pool).refusals.get((create.name, create.value))
        step = earlier.step + 1 if earlier else 1
        conflict = isinstance(refused, Conflict)
        reason = Unpublished.CONFLICT if conflict else Unpublished.API_ERROR
        wait = roster.backoff(step, pool.timing.fast_interval, refused.retry_after)
        wanted = Record("", create.name, create.type, create.value, create.ttl)
        refusal = Refusal(reason, self._clock() + wait, step)
        return Change("create", wanted, error=str(refused)), refusal

    # --- withdraw -----------------------------------------------------------------------

    async def _withdraw(self, pool: Pool, wanted: Plan, changes: list[Change]) -> Plan:
        """Withdraw by compare and swap where the provider has it, else under the lock."""
        refused_until = self.outlook.memory(pool).refused_until
        if self._clock() < refused_until:
            return plan.without_lock(wanted, refused_until)
        if self.provider.exchange:
            return await self._exchange(pool, self.provider.exchange, wanted, changes)
        if not await self.lock.take(pool):
            again_at = self._clock() + pool.timing.fast_interval
            return plan.without_lock(wanted, max(again_at, self.lock.retry_at(pool)))
        settled = True
        try:
            self.outlook.unread(pool.zone, pool.types)
            current = await self._publish(pool, await self.outlook.look(pool), changes)
            for delete in current.deletes:
                if not self.lock.valid(pool):
                    break
                current = self.outlook.plan(pool, changes)
                if delete not in current.deletes:
                    continue  # it came back while we were busy
                settled = False  # until its answer, or a read, says otherwise
                call = self.provider.delete_record(pool.zone, delete.record)
                settled = await self._remove(pool, [delete], call, changes)
                current = self.outlook.plan(pool, changes)
                if not settled:
                    break
            if settled and any(change.action == "delete" for change in changes):
                settled = False
                self.outlook.unread(pool.zone, pool.types)
                current = await self.outlook.look(pool, changes)
                settled = True
                current = await self._publish(pool, current, changes)
        finally:
            await self.lock.release(pool, settled=settled)
        return current

    async def _exchange(
        self, pool: Pool, exchange: Exchange, wanted: Plan, changes: list[Change]
    ) -> Plan:
        """Withdraw in one step per record set: who else has written it makes the step fail."""
        for key, group in groupby(wanted.deletes, lambda d: (d.record.name, d.record.type)):
            still = self.outlook.plan(pool, changes).deletes
            deletes = [delete for delete in group if delete in still]
            if not deletes:
                continue  # it came back while we were busy
            seen = [r for r in self.outlook.records(pool) if (r.name, r.type) == key]
            gone = tuple(delete.record for delete in deletes)
            call = exchange.delete_records(pool.zone, tuple(seen), gone)
            try:
                await self._remove(pool, deletes, call, changes)
            except Conflict:
                continue  # somebody has written since: the next look tells
        self.outlook.unread(pool.zone, pool.types)
        return await self._publish(pool, await self.outlook.look(pool, changes), changes)

    async def _remove(
        self, pool: Pool, deletes: Sequence[Delete], call: Awaitable[None], changes: list[Change]
    ) -> bool:
        """Have ``call`` delete records of one set; False if nobody knows yet whether it did."""
        self.outlook.unread(pool.zone, [deletes[0].record.type])
        self._remember(pool, deletes)
        error, settled = "", True
        try:
            await call
        except AnswerLost as lost:
            error, settled = str(lost), False
        except Conflict:
            raise  # only an exchange says so: nothing was done, there is nothing to tell
        except ProviderError as refused:
            error = str(refused)
            self._refused(pool, refused)
        try:
            if not settled and await self._are_gone(pool, deletes):
                error, settled = "", True
        finally:
            at = None if error else self._clock()
            changes += [Change("delete", d.record, d.ground, error, at=at) for d in deletes]
        if not error:
            self.outlook.keep(pool, refusals_of_deletes=0)
            for delete in deletes:
                self.outlook.gone(pool, delete.record)
        return settled

    def _remember(self, pool: Pool, deletes: Iterable[Delete]) -> None:
        """Note who goes before it happens: by the next read it may be UP, and be forgotten."""
        until = self._clock() + pool.remember
        grounds = (Ground.DOWN, Ground.DRAINED)
        going = {
            Entry(d.record.name, d.record.value): until for d in deletes if d.ground in grounds
        }
        if going and not pool.listed:
            remembered = {**self.outlook.memory(pool).remembered, **going}
            self.outlook.keep(pool, remembered=remembered)

    def _refused(self, pool: Pool, error: ProviderError) -> None:
        """Let withdrawals wait, longer each time, after a DELETE that was refused."""
        step = self.outlook.memory(pool).refusals_of_deletes + 1
        wait = roster.backoff(step, RETRY_FIRST, error.retry_after)
        self.outlook.keep(pool, refused_until=self._clock() + wait, refusals_of_deletes=step)

    async def _are_gone(self, pool: Pool, deletes: Sequence[Delete]) -> bool:
        """Settle a lost answer by reading; if that fails, the delete is told as it stands."""
        listed, _ = await self.outlook.listed(pool.zone, deletes[0].record.type)
        ids = {record.id for record in listed}
        return all(delete.record.id not in ids for delete in deletes)

    # --- report -------------------------------------------------------------------------

    def _reported(self, pool: Pool, current: Plan, changes: Sequence[Change]) -> PoolReport:
        self.outlook.keep(pool, errors=0)
        memory = self.outlook.memory(pool)
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
            records=self.outlook.records(pool),
            read_at=memory.read_at,
            plan=current,
            changes=tuple(changes),
            warming=not memory.warm_up.over,
            again_at=min(again, default=None),
            remembered=tuple(sorted({e.address for e in memory.remembered}, key=address_order)),
            drains=self.outlook.drains(pool),
            contests=memory.contests,
            error="",
        )

    def _failed(self, pool: Pool, changes: Sequence[Change], error: ProviderError) -> PoolReport:
        memory = self.outlook.memory(pool)
        self.outlook.keep(pool, errors=memory.errors + 1)
        known = roster.targets(pool, memory.known)
        last = self._reports.get(pool.name) or PoolReport(pool, tuple(t.address for t in known))
        wait = roster.backoff(memory.errors + 1, RETRY_FIRST, error.retry_after)
        again_at = self._clock() + max(min(pool.timing.interval, wait), error.retry_after or 0.0)
        return replace(
            last,
            pool=pool,
            changes=tuple(changes),
            drains=self.outlook.drains(pool),
            error=str(error),
            again_at=again_at,
        )
