"""The lock in the zone: feeds the state machine of lock.py with the provider's answers.

One TXT record per zone, `_dnsbalancer-lock`. It is looked at only when something is to be
withdrawn, so a quiet cycle costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from dnsbalancer_exporter import lock
from dnsbalancer_exporter.boundary import Records
from dnsbalancer_exporter.errors import Conflict, ProviderError
from dnsbalancer_exporter.lock import LockState, Phase
from dnsbalancer_exporter.model import Create, LockTerms, Pool, Record
from dnsbalancer_exporter.names import RecordType, fqdn

TTL = 60
BUDGET = 10.0
"""Seconds for one LIST of the locks: it is in the way of a withdrawal, and of the lease."""

PAUSE = 1.0
"""Mean seconds between two attempts at a lock that somebody else has."""

TROUBLE_PAUSE = 15.0
"""Mean seconds between attempts when the lock cannot be written at all, or is not unique."""


class ZoneLock:
    """Takes and releases the lock of a pool's zone.

    ``spread`` gives a random number from 0 to 1, so that competitors do not march in step;
    ``listener`` is told the zone, one of report.LOCK_EVENTS, and a detail.
    """

    writes = 2

    def __init__(
        self,
        records: Records,
        terms: LockTerms,
        clock: Callable[[], float],
        spread: Callable[[], float],
        listener: Callable[[str, str, str], None],
    ) -> None:
        self._records = records
        self._terms = terms
        self._clock = clock
        self._spread = spread
        self._tell = listener
        self._states: dict[str, LockState] = {}
        self._unreleased: dict[str, Record] = {}
        self._not_before: dict[str, float] = {}

    async def take(self, pool: Pool) -> bool:
        """Try once; False means that withdrawals wait. Raises ProviderError if a LIST fails."""
        zone = pool.zone
        if self._clock() < self._not_before.get(zone, 0.0) or not await self._clear(zone):
            return False
        await self._compete(zone)
        left_over = self._states[zone].stale and zone not in self._unreleased
        if left_over and await self._break(zone):
            await self._compete(zone)
        held = self._states[zone].phase is Phase.HELD
        if held:
            self._tell(zone, "taken", "")
        return held

    def valid(self, pool: Pool) -> bool:
        """Say whether a DELETE may be sent now."""
        return lock.valid(self._states.get(pool.zone, LockState()), self._clock(), self._terms)

    async def release(self, pool: Pool, *, settled: bool) -> None:
        """Delete the lock by its id; leave it to its lease if something is not settled."""
        zone = pool.zone
        state = self._states[zone]
        self._states[zone] = lock.ended(state)
        if settled:
            self._unreleased[zone] = _record(zone, state.id)
            await self._clear(zone)
        else:
            self._tell(zone, "left", "a delete is not settled; the lease will free the lock")

    def retry_at(self, pool: Pool) -> float:
        """When the next attempt is made; before, `take` says no without asking anybody."""
        return self._not_before.get(pool.zone, 0.0)

    async def tidy(self, pool: Pool) -> None:
        """Delete our own lock if its release failed: else the next peer would wait for a lease."""
        if self._clock() >= self.retry_at(pool):
            await self._clear(pool.zone)

    # --- the steps ----------------------------------------------------------------------

    async def _compete(self, zone: str) -> None:
        """One CREATE and the LIST that its answer calls for."""
        state = lock.want(self._states.get(zone, LockState()), self._clock())
        self._states[zone] = state
        try:
            made = await self._records.create_record(zone, _create(zone))
            state = lock.created(state, made.id)
        except Conflict:
            state = lock.refused(state)
        except ProviderError as error:
            self._states[zone] = lock.failed(state)
            self._pause(zone, TROUBLE_PAUSE)
            self._tell(zone, "failed", str(error))
            return
        self._states[zone] = state
        try:
            ids = await self._list(zone)
        except ProviderError:
            self._give_up(zone, state)
            await self._clear(zone)
            raise
        self._states[zone] = after = lock.listed(state, ids, self._clock(), self._terms)
        if after.clashed:
            self._give_up(zone, state)
            await self._clear(zone)
            if not after.stale:
                self._pause(zone, TROUBLE_PAUSE)
            self._tell(zone, "not_unique", "another lock beside ours: values are not unique here")
        elif after.phase is not Phase.HELD and not after.stale:
            self._pause(zone, PAUSE)
            self._tell(zone, "refused", "another instance has the lock")

    def _give_up(self, zone: str, state: LockState) -> None:
        """Nothing was withdrawn under this lock, so it may be deleted whenever that succeeds."""
        if state.phase is Phase.PLACED:
            self._unreleased[zone] = _record(zone, state.id)
            self._states[zone] = lock.failed(self._states[zone])

    async def _break(self, zone: str) -> bool:
        """Delete a lock that was seen for a whole lease; True if we may compete again."""
        stale = self._states[zone].stale
        try:
            await self._records.delete_record(zone, _record(zone, stale))
        except ProviderError as error:
            self._pause(zone, PAUSE)
            self._tell(zone, "failed", f"a lock that was left over cannot be broken: {error}")
            return False
        self._tell(zone, "broken", f"the lock {stale} was left over and has been broken")
        return True

    async def _clear(self, zone: str) -> bool:
        """Delete our own lock that is not needed any more; True if there is none."""
        record = self._unreleased.get(zone)
        if record is None:
            return True
        try:
            await self._records.delete_record(zone, record)
        except ProviderError as error:
            self._pause(zone, PAUSE)
            self._tell(zone, "left", f"the lock could not be released: {error}")
            return False
        del self._unreleased[zone]
        self._tell(zone, "released", "")
        return True

    async def _list(self, zone: str) -> list[str]:
        records = await self._records.list_records(zone, RecordType.TXT, BUDGET)
        name = fqdn(lock.LABEL, zone)
        return [r.id for r in records if r.name == name and r.value == lock.CONTENT]

    def _pause(self, zone: str, mean: float) -> None:
        self._not_before[zone] = self._clock() + mean * (0.5 + self._spread())


def _create(zone: str) -> Create:
    return Create(fqdn(lock.LABEL, zone), RecordType.TXT, lock.CONTENT, TTL)


def _record(zone: str, lock_id: str) -> Record:
    return Record(lock_id, fqdn(lock.LABEL, zone), RecordType.TXT, lock.CONTENT, TTL)
