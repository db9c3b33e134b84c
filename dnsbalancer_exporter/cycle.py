"""One cycle, a straight line: read, agree, plan, apply, report.

    read     the records of the name            the DNS API: one GET per zone and managed type
    agree    our vote, if there is a quorum     the ballot; the votes of others were read with it
    plan     changes, withheld, hold            nothing (plan.py)
    create   what is wanted and missing         the DNS API; then read and plan again
    lock     withdrawals of several writers     the lock (law 9); then read and plan again
    delete   what has a ground to go            the DNS API, one by one, while the lock is valid
    report   what was seen and done             a PoolReport

The pools of a zone go this way together: they share its reads and its lock, those from which a dead
target is to be withdrawn go first, and every write waits for its place (pace.py). What found none
is left to the next cycle.

Observing and judging go on all the time beside it (watch.py); a plan takes the states as they are
when it is made. A write whose answer was lost is settled by reading, never repeated blindly. An
error ends the cycle of its pool and leaves the zone as it is; the next cycle is the retry.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from itertools import groupby
from typing import TypeVar

from dnsbalancer_exporter import plan, quorum, roster
from dnsbalancer_exporter.ballot import Ballot
from dnsbalancer_exporter.boundary import Exchange, Lock, Provider
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
from dnsbalancer_exporter.pace import Pace
from dnsbalancer_exporter.report import Change, PoolReport, TargetState
from dnsbalancer_exporter.roster import Refusal
from dnsbalancer_exporter.vote import RENEWALS

READ_BUDGET = 30.0
"""Seconds that one read may take with all its retries."""

ZONES_AT_ONCE = 4
"""How many zones are read and written at the same time."""

BUSY = 0.002
"""Seconds for which plans and reports are made before the probes have their turn."""

RETRY_FIRST = 5.0
"""Seconds after which a cycle that failed is tried again; doubles, at most the interval."""


T = TypeVar("T")


class Rank(Enum):
    """In which order the pools of a zone write."""

    QUIET = "nothing is to be written"
    DYING = "a dead target is to be withdrawn"
    IN_NEED = "the same, after something that is to be created (law 3)"
    CALM = "all else"


def rank(current: Plan) -> Rank:
    """The rank of a pool by what it is to write."""
    if any(delete.ground is Ground.DOWN for delete in current.deletes):
        return Rank.IN_NEED if current.creates else Rank.DYING
    return Rank.CALM if current.creates or current.deletes else Rank.QUIET


@dataclass(slots=True)
class Pass:
    """One pool's cycle while it goes on. ``crowded``: a write found no place, and is left."""

    pool: Pool
    began: float
    current: Plan = Plan()
    changes: list[Change] = field(default_factory=list)
    error: ProviderError | None = None
    crowded: bool = False


async def _attempt(each: Pass, work: Awaitable[T]) -> T | None:
    """Do something for one pool; an error of the provider ends its pass, and no other's."""
    try:
        return await work
    except ProviderError as error:
        each.error = error
        return None


class Cycle:
    """The cycle of one process, over all its pools; `outlook` keeps what it must know.

    ``states`` gives the watch's states, ``follow`` tells it whom to probe; ``clock`` is the
    process's clock in seconds; `pace` says when a write may be sent; ``wrote`` hears of each write,
    or attempt at one, when it is over.
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
        self.pace = Pace(clock)
        self.ballot = Ballot(lambda: self.provider, partial(self.pace.place, urgent=True), clock)
        self.wrote: Callable[[Pool, Change], None] = lambda *_: None
        self._clock = clock
        self._busy_since = -math.inf
        self._reports: dict[str, PoolReport] = {}

    def forget(self, pool: Pool) -> None:
        """Drop what is kept of a pool that is no longer configured."""
        self.outlook.forget(pool)
        self.ballot.forget(pool)
        self._reports.pop(pool.name, None)

    async def run(
        self, pools: Iterable[Pool], done: Callable[[PoolReport], None] = lambda _: None
    ) -> tuple[PoolReport, ...]:
        """Run one cycle over ``pools`` and tell ``done`` of each as it ends.

        Zones are independent: one that cannot be read does not delay another. The first to be read
        are those where somebody is published whom we hold DOWN.
        """
        self.outlook.lists.reread()
        self.pace.begin()
        zones: dict[str, list[Pool]] = {}
        for pool in pools:
            zones.setdefault(pool.zone, []).append(pool)
        pressing = {p.zone for members in zones.values() for p in members if self._presses(p)}
        order = sorted(zones, key=lambda zone: zone not in pressing)
        reading = asyncio.Semaphore(ZONES_AT_ONCE)
        found = await asyncio.gather(*(self._zone(zones[zone], reading, done) for zone in order))
        reports = {report.pool.name: report for reports in found for report in reports}
        return tuple(reports[pool.name] for members in zones.values() for pool in members)

    def _presses(self, pool: Pool) -> bool:
        return pool.mode is Mode.ENFORCE and self.outlook.presses(pool)

    async def _zone(
        self,
        members: Sequence[Pool],
        reading: asyncio.Semaphore,
        done: Callable[[PoolReport], None],
    ) -> list[PoolReport]:
        """The cycle of all pools of one zone: who has nothing to write, dead targets, the rest."""
        async with reading:
            passes = [await self._begin(pool) for pool in members]
            await self._tidy(passes)
            for each in passes:
                await self._agree(each)
        ranks = {each.pool.name: rank(each.current) for each in passes}
        reports = []
        for turn in Rank:
            group = [each for each in passes if ranks[each.pool.name] is turn]
            urgent = turn in (Rank.DYING, Rank.IN_NEED)
            await self._publish(group, urgent=urgent)
            await self._withdraw(group, urgent=urgent)
            for each in group:
                reports.append(self._end(each))
                done(reports[-1])
                await self._give_way()
        return reports

    async def _begin(self, pool: Pool) -> Pass:
        begun = Pass(pool, self._clock())
        await _attempt(begun, self._look(begun))
        await self._give_way()
        return begun

    async def _give_way(self) -> None:
        """Let the probes have their turn, if plans and reports have taken theirs for a while."""
        if self._clock() >= self._busy_since + BUSY:
            await asyncio.sleep(0)
            self._busy_since = self._clock()

    async def _look(self, each: Pass) -> None:
        each.current = await self.outlook.look(each.pool, each.changes)

    async def _tidy(self, passes: Iterable[Pass]) -> None:
        for each in passes:
            if each.pool.mode is Mode.ENFORCE and not each.error:
                await self.lock.tidy(each.pool)
                break  # they have one lock

    async def _agree(self, each: Pass) -> None:
        """Say what we hold of the targets, before anything is done about it."""
        pool, terms = each.pool, each.pool.quorum
        if terms is None or each.error or pool.mode is not Mode.ENFORCE:
            return
        polls = self.outlook.polls
        said = quorum.says(polls.poll(pool), terms, self.outlook.words(pool))
        if await self.ballot.agree(pool, terms, polls.slips(pool), said):
            self.outlook.lists.unread(pool, [RecordType.TXT])

    def _end(self, each: Pass) -> PoolReport:
        report = self._failed(each, each.error) if each.error else self._reported(each)
        report = replace(
            report,
            duration=self._clock() - each.began,
            cycles=report.cycles + 1,
            gaps=self.outlook.take_gaps(each.pool),
        )
        self._reports[each.pool.name] = report
        return report

    async def _read(self, zone: str, type_: RecordType) -> tuple[Record, ...]:
        return await self.provider.list_records(zone, type_, READ_BUDGET)

    # --- publish ------------------------------------------------------------------------

    async def _publish(self, passes: Sequence[Pass], *, urgent: bool) -> None:
        """Create what the plans want and is missing; then read and plan again."""
        written = [p for p in passes if await _attempt(p, self._create_all(p, urgent=urgent))]
        for each in written:
            await _attempt(each, self._look(each))

    async def _create_all(self, each: Pass, *, urgent: bool) -> bool:
        """Create what the plan of one pool wants; whether anything was created."""
        wanted, made = each.current.creates, False
        for create in wanted:
            if not await self.pace.place(urgent=urgent):
                each.crowded = True
                break
            if create not in self.outlook.plan(each.pool, each.changes).creates:
                continue  # it fell while we were busy
            change = await self._create(each.pool, create)
            self._tell(each.pool, each.changes, change)
            made |= not change.error
        if wanted and not made:
            each.current = self.outlook.plan(each.pool, each.changes)
        return made

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
        self.outlook.lists.unread(pool, [create.type])
        try:
            made = await self.provider.create_record(pool.zone, create)
        except (Conflict, AnswerLost) as error:
            refused: ProviderError = error
            listed, _ = await self.outlook.lists.listed(pool, create.type)
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

    async def _withdraw(self, passes: Sequence[Pass], *, urgent: bool) -> None:
        """Withdraw by compare and swap where the provider has it, else under the zone's lock."""
        ready = []
        for each in passes:
            refused_until = self.outlook.memory(each.pool).refused_until
            if each.error or not each.current.deletes:
                continue
            if self._clock() < refused_until:
                each.current = plan.without_lock(each.current, refused_until)
            elif self.provider.exchange:
                swaps = self._exchange(each, self.provider.exchange, urgent=urgent)
                await _attempt(each, swaps)
            else:
                ready.append(each)
        try:
            if ready and await self._take_lock(ready, urgent=urgent):
                await self._withdraw_under_lock(ready, urgent=urgent)
        except ProviderError as error:
            for each in ready:
                each.error = each.error or error

    async def _take_lock(self, passes: Sequence[Pass], *, urgent: bool) -> bool:
        """Take the lock of the zone, once there is a place for the first write under it."""
        pool = passes[0].pool
        if self._clock() >= self.lock.retry_at(pool):
            if not await self.pace.place(urgent=urgent, writes=1 + self.lock.writes):
                for each in passes:
                    each.crowded = True
                return False
            if await self.lock.take(pool):
                return True
        for each in passes:
            again_at = self._clock() + each.pool.timing.fast_interval
            again_at = max(again_at, self.lock.retry_at(pool))
            each.current = plan.without_lock(each.current, again_at)
        return False

    async def _withdraw_under_lock(self, passes: Sequence[Pass], *, urgent: bool) -> None:
        """One fresh read for all, their deletes, one list back; and then the lock is given back."""
        settled = True
        try:
            await self._look_anew(passes)
            await self._publish(passes, urgent=urgent)
            deleted: list[Pass] = []
            for each in passes:
                before = len(each.changes)
                settled = False  # until its deletes, if there are any, are known to be done
                settled = await self._delete_all(each, urgent=urgent, paid=not deleted)
                deleted += [each] if len(each.changes) > before else []
                if not settled:
                    break
            if settled and deleted:
                settled = False
                await self._look_anew(deleted)
                settled = True
                await self._publish(deleted, urgent=urgent)
        finally:
            await self.lock.release(passes[0].pool, settled=settled)

    async def _look_anew(self, passes: Sequence[Pass]) -> None:
        for each in passes:
            self.outlook.lists.unread(each.pool, (*each.pool.types, RecordType.TXT))
        for each in passes:
            await self._look(each)

    async def _delete_all(self, each: Pass, *, urgent: bool, paid: bool) -> bool:
        """Delete what has a ground to go while the lock is valid; False if nobody knows if it did.

        ``paid``: the first delete has its place already.
        """
        for delete in () if each.error else each.current.deletes:
            if not paid and not await self.pace.place(urgent=urgent):
                each.crowded = True
                break
            if not self.lock.valid(each.pool):
                break
            paid = False
            each.current = self.outlook.plan(each.pool, each.changes)
            if delete not in each.current.deletes:
                continue  # it came back while we were busy
            call = self.provider.delete_record(each.pool.zone, delete.record)
            settled = await self._remove(each.pool, [delete], call, each.changes)
            each.current = self.outlook.plan(each.pool, each.changes)
            if not settled:
                return False
        return True

    async def _exchange(self, each: Pass, exchange: Exchange, *, urgent: bool) -> None:
        """Withdraw in one step per record set: who else has written it makes the step fail."""
        pool = each.pool
        for key, group in groupby(each.current.deletes, lambda d: (d.record.name, d.record.type)):
            if not await self.pace.place(urgent=urgent):
                each.crowded = True
                break
            still = self.outlook.plan(pool, each.changes).deletes
            deletes = [delete for delete in group if delete in still]
            if not deletes:
                continue  # it came back while we were busy
            seen = [r for r in self.outlook.records(pool) if (r.name, r.type) == key]
            gone = tuple(delete.record for delete in deletes)
            call = exchange.delete_records(pool.zone, tuple(seen), gone)
            try:
                await self._remove(pool, deletes, call, each.changes)
            except Conflict:
                continue  # somebody has written since: the next look tells
        await self._look_anew([each])
        await self._publish([each], urgent=urgent)

    async def _remove(
        self, pool: Pool, deletes: Sequence[Delete], call: Awaitable[None], changes: list[Change]
    ) -> bool:
        """Have ``call`` delete records of one set; False if nobody knows yet whether it did."""
        self.outlook.lists.unread(pool, [deletes[0].record.type])
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
            done = [Change("delete", d.record, d.ground, error, at=at) for d in deletes]
            self._tell(pool, changes, *done)
        if not error:
            self.outlook.keep(pool, refusals_of_deletes=0)
            for delete in deletes:
                self.outlook.gone(pool, delete.record)
        return settled

    def _tell(self, pool: Pool, changes: list[Change], *done: Change) -> None:
        """Note writes as they are made: the cycle may last, and may be cut short."""
        changes += done
        for change in done:
            self.wrote(pool, change)

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
        listed, _ = await self.outlook.lists.listed(pool, deletes[0].record.type)
        ids = {record.id for record in listed}
        return all(delete.record.id not in ids for delete in deletes)

    # --- report -------------------------------------------------------------------------

    def _reported(self, each: Pass) -> PoolReport:
        pool, current = each.pool, each.current
        memory, last = self.outlook.memory(pool), self._reports.get(pool.name, PoolReport(pool))
        if current is last.plan and not each.changes:
            # Nothing has changed since (`Outlook.look`): nor has anything that is told of it.
            return replace(last, read_at=memory.read_at, changes=(), error="", again_at=None)
        self.outlook.keep(pool, errors=0)
        pending = bool(current.creates or current.deletes)
        soon = self._clock() + pool.timing.fast_interval
        if each.crowded:
            soon = self.pace.free_at
        again = [at for at in (current.again_at, soon if pending else None) if at is not None]
        if not memory.warm_up.over and memory.warm_up.since is not None:
            again.append(memory.warm_up.since + memory.warm_up.seconds(pool))
        again += self._votes_due(pool)
        return replace(
            last,
            pool=pool,
            targets=tuple(t.address for t in roster.targets(pool, memory.known)),
            records=self.outlook.records(pool),
            read_at=memory.read_at,
            plan=current,
            changes=tuple(each.changes),
            warming=not memory.warm_up.over,
            again_at=min(again, default=None),
            remembered=tuple(sorted({e.address for e in memory.remembered}, key=address_order)),
            drains=self.outlook.drains(pool),
            contests=memory.contests,
            votes=self.outlook.votes(pool),
            error="",
        )

    def _votes_due(self, pool: Pool) -> list[float]:
        """When votes are to be read, and ours to be renewed, if there are votes."""
        if pool.quorum is None:
            return []
        poll, words, now = self.outlook.polls.poll(pool), self.outlook.words(pool), self._clock()
        renewal = self.ballot.due_at(pool, pool.quorum)
        said = quorum.says(poll, pool.quorum, words)
        dues = [quorum.look_again(poll, pool.quorum, words, now)]
        # One that is overdue found no place, or was refused: the next look is soon enough.
        return dues + [renewal] * (said is not None and renewal > now)

    def _failed(self, each: Pass, error: ProviderError) -> PoolReport:
        pool = each.pool
        memory = self.outlook.memory(pool)
        self.outlook.keep(pool, errors=memory.errors + 1)
        known = roster.targets(pool, memory.known)
        last = self._reports.get(pool.name) or PoolReport(pool, tuple(t.address for t in known))
        wait = roster.backoff(memory.errors + 1, RETRY_FIRST, error.retry_after)
        longest = pool.timing.interval
        if pool.quorum:  # who does not read for a lease has to begin to watch again
            longest = min(longest, pool.quorum.lease / RENEWALS)
        again_at = self._clock() + max(min(longest, wait), error.retry_after or 0.0)
        return replace(
            last,
            pool=pool,
            changes=tuple(each.changes),
            drains=self.outlook.drains(pool),
            votes=self.outlook.votes(pool),
            error=str(error),
            again_at=again_at,
        )
