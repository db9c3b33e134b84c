"""How long a failover took, step by step; and the way back.

    histogram  begins with the first probe of                steps
    ---------  --------------------------------------------  ------------------------------------
    failover   the run of failures that made a target DOWN   detected, locked, accepted, visible
    recovery   the run of successes that made it UP again    detected, accepted, visible

*detected*: it is DOWN, or UP. *locked*: the lock was held; not without a lock. *accepted*: the API
acknowledged our write. *visible*: every name server that answers serves it; only if they are asked.

A step never comes before the one ahead of it in the table. Only our own writes count, once for
each record set and each change of mind: what a peer has done, or what was so anyway, is not ours to
measure, and a record that somebody moves again hours later is no failover. What delays us counts:
holds, hold-down, an API that is away. A drain does not: an operator took that time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from dnsbalancer_exporter.model import Ground, Health, RecordSetKey, TargetKey
from dnsbalancer_exporter.report import Change, PoolReport, TargetState

STEPS = {
    "failover_duration_seconds": ("detected", "locked", "accepted", "visible"),
    "recovery_duration_seconds": ("detected", "accepted", "visible"),
}
"""The closed set of the label ``step``, by histogram."""

FAILOVER, RECOVERY = STEPS

Observe = Callable[[str, str, str, float], None]
"""Told a histogram, a pool, one of its STEPS, and seconds."""


@dataclass(slots=True)
class _Turn:
    """A change of mind: when the first probe of its run began, and when it was made.

    ``done`` are the record sets that are as it wants them, or whose change has been counted.
    """

    began: float
    turned: float
    done: set[RecordSetKey] = field(default_factory=set)


@dataclass(slots=True)
class _Unseen:
    """Our writes to a record set that DNS does not show yet.

    ``acknowledged`` is when the API took the last one, ``values`` what the set then held; ``began``
    has the histogram and the first probe's time for each address.
    """

    acknowledged: float = 0.0
    values: frozenset[str] = frozenset()
    began: dict[str, tuple[str, float]] = field(default_factory=dict)


class Failovers:
    """Follows every target from the first probe of a run to DNS; ``observe`` is told of the steps.

    It is told what happens, in order, by the event loop's thread; times are the process's clock's.
    """

    def __init__(self, observe: Observe) -> None:
        self._observe = observe
        self._first_success: dict[str, dict[str, float]] = {}
        self._turns: dict[str, dict[tuple[str, str], _Turn]] = {}
        self._locked_at: dict[str, float] = {}
        self._unseen: dict[tuple[str, RecordSetKey], _Unseen] = {}

    def judged(self, key: TargetKey, before: TargetState, after: TargetState) -> None:
        """A target was probed."""
        if key.reference:
            return
        old, new = before.health, after.health
        first_success = self._first_success.setdefault(key.pool, {})
        if after.last and not old.successes and new.successes:
            first_success[key.address] = after.last.started
        if old.health is new.health or new.since is None:
            return
        turns = self._turns.setdefault(key.pool, {})
        if new.health is Health.DOWN and new.failing_since is not None:
            turns[FAILOVER, key.address] = _Turn(new.failing_since, new.since)
        elif old.health is Health.DOWN and key.address in first_success:
            turns[RECOVERY, key.address] = _Turn(first_success[key.address], new.since)

    def locked(self, zone: str, at: float) -> None:
        """The lock of a zone was taken, for all pools of it whose cycles are under way."""
        self._locked_at[zone] = at

    def turned(self) -> None:
        """All cycles that were under way have ended, and no lock is held any more."""
        self._locked_at.clear()

    def cycled(self, report: PoolReport) -> None:
        """A cycle ended."""
        locked_at = self._locked_at.get(report.pool.zone)
        for change in reversed(report.changes):  # of duplicates, the last to go counts
            self._written(report.pool.name, change, locked_at)
        for name in report.pool.records:
            for type_ in report.pool.types:
                self._follow(RecordSetKey(name, type_), report)
        if not report.error:
            self._settle(report)

    def visible(self, pool: str, key: RecordSetKey, seconds: float) -> None:
        """DNS serves a record set as the API has it, ``seconds`` after it took our last write."""
        unseen = self._unseen.pop((pool, key), _Unseen())
        for metric, began in unseen.began.values():
            self._observe(metric, pool, "visible", unseen.acknowledged + seconds - began)

    def forget(self, pool: str) -> None:
        """A pool is not configured any more."""
        self._first_success.pop(pool, None)
        self._turns.pop(pool, None)
        for name, key in list(self._unseen):
            if name == pool:
                del self._unseen[name, key]

    # --- one cycle ------------------------------------------------------------------------

    def _written(self, pool: str, change: Change, locked_at: float | None) -> None:
        """Count one write, if it is the first that a change of mind led to in its record set."""
        record, at = change.record, change.at
        metric = FAILOVER if change.action == "delete" else RECOVERY
        key = RecordSetKey(record.name, record.type)
        turn = self._turns.get(pool, {}).get((metric, record.value))
        if turn is None or at is None or key in turn.done:
            return
        if metric is FAILOVER and change.ground is not Ground.DOWN:
            return
        turn.done.add(key)
        steps = {"detected": turn.turned, "locked": locked_at, "accepted": at}
        reached = turn.turned
        for step, moment in steps.items():
            if moment is not None and step in STEPS[metric]:
                reached = max(reached, moment)
                self._observe(metric, pool, step, reached - turn.began)
        unseen = self._unseen.setdefault((pool, key), _Unseen())
        unseen.began[record.value] = metric, turn.began

    def _follow(self, key: RecordSetKey, report: PoolReport) -> None:
        """Keep what DNS is to show of a record set; what a peer has written since is not ours."""
        unseen = self._unseen.get((report.pool.name, key))
        if unseen is None:
            return
        values = frozenset(r.value for r in report.records if (r.name, r.type) == key)
        acknowledged = [
            change.at
            for change in report.changes
            if change.at is not None and (change.record.name, change.record.type) == key
        ]
        if acknowledged:
            unseen.acknowledged, unseen.values = max(acknowledged), values
        elif values != unseen.values:
            del self._unseen[report.pool.name, key]

    def _settle(self, report: PoolReport) -> None:
        """Let go of changes of mind that nothing is left to do for."""
        pool = report.pool
        self._forget_but(pool.name, frozenset(report.targets))
        published = {(RecordSetKey(r.name, r.type), r.value) for r in report.records}
        sets = [RecordSetKey(name, type_) for name in pool.records for type_ in pool.types]
        for (metric, address), turn in self._turns.get(pool.name, {}).items():
            ours_to_measure = metric is FAILOVER or address not in report.drains
            wanted = metric is RECOVERY
            turn.done.update(
                key
                for key in sets
                if not ours_to_measure or ((key, address) in published) is wanted
            )

    def _forget_but(self, pool: str, addresses: frozenset[str]) -> None:
        firsts, turns = self._first_success.pop(pool, {}), self._turns.pop(pool, {})
        self._first_success[pool] = {a: at for a, at in firsts.items() if a in addresses}
        self._turns[pool] = {key: turn for key, turn in turns.items() if key[1] in addresses}
