"""Rounds: when each pool's next cycle is due, and the loop that runs it.

A cycle is due after the pool's `interval`, or when its last plan wanted another look, or at once
when a target's health has changed. Pools of one zone run together where they can: they share reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from dnsbalancer_exporter import health
from dnsbalancer_exporter.clock import happens
from dnsbalancer_exporter.cycle import Cycle
from dnsbalancer_exporter.model import Health, Hold, Pool, TargetKey
from dnsbalancer_exporter.report import PoolReport, TargetState

HOLDS_ON_HEALTH = frozenset({Hold.ISOLATED, Hold.UNKNOWN_HEALTH, Hold.MIN_RECORDS})
"""Holds that may end when a target vouches again, without a transition."""

Done = Callable[[PoolReport | None, PoolReport], None]
"""Told of every cycle that ended: the pool's report before it, and after it."""


class Rounds:
    """Runs ``cycle`` over the pools that it was told of; ``reports`` has the last one of each.

    ``due`` says when the next is due, on the process's clock; ``turned`` is told after each turn
    how many seconds there is nothing to do.
    """

    def __init__(
        self,
        cycle: Cycle,
        clock: Callable[[], float],
        done: Done,
        turned: Callable[[float], None] = lambda _: None,
    ) -> None:
        self.reports: dict[str, PoolReport] = {}
        self._cycle = cycle
        self._clock = clock
        self._done = done
        self._turned = turned
        self.due: dict[str, float] = {}
        self._woken: set[str] = set()
        self._wake = asyncio.Event()
        self._ending = False

    def begin(self, pool: Pool) -> None:
        """Have a cycle of this pool at once, and from then on when it is due."""
        self.reports.setdefault(pool.name, PoolReport(pool))
        self.due[pool.name] = self._clock()

    def forget(self, pool: Pool) -> None:
        """Run no more cycles of this pool."""
        del self.reports[pool.name], self.due[pool.name]

    def wake(self, *pools: str) -> None:
        """Turn at once, with a cycle of these pools."""
        self._woken.update(pools)
        self._wake.set()
        self._cycle.pace.hurry()

    def end(self) -> None:
        """Send no more writes, and end when what has been sent is settled."""
        self._ending = True
        self._cycle.pace.close()
        self._wake.set()

    def judged(self, key: TargetKey, before: TargetState, after: TargetState) -> None:
        """Have a cycle at once if a result may change what is to be done."""
        changed = before.health.health is not after.health.health
        vouches = health.vouches(after.health) and not health.vouches(before.health)
        holds = set(self.reports[key.pool].plan.holds)
        confirms = after.health.health is Health.DOWN and Hold.UNKNOWN_HEALTH in holds
        if changed or confirms or (vouches and HOLDS_ON_HEALTH & holds):
            self.wake(key.pool)

    async def run(self, pools: Callable[[], Awaitable[tuple[Pool, ...]]]) -> None:
        """Turn until `end`; ``pools`` is asked before each turn who there is."""
        while not self._ending:
            self._wake.clear()
            there = await pools()
            began = self._clock()
            await self._cycle.run(self._due_pools(there, began), partial(self._cycled, began))
            idle = max(0.0, min(self.due.values()) - self._clock())
            self._turned(idle)
            await happens(self._wake, idle)

    def _due_pools(self, pools: tuple[Pool, ...], now: float) -> list[Pool]:
        """The pools whose cycle is due, and those of the same zones that soon are.

        Pools of one zone share its reads only if they run together; after a transition of one of
        them they would else go apart for ever.
        """
        woken, self._woken = self._woken, set()
        due = {p.zone for p in pools if p.name in woken or self.due[p.name] <= now}
        return [
            p
            for p in pools
            if p.zone in due
            and (p.name in woken or self.due[p.name] <= now + p.timing.interval / 2)
        ]

    def _cycled(self, began: float, report: PoolReport) -> None:
        name = report.pool.name
        before, self.reports[name] = self.reports.get(name), report
        next_at = began + report.pool.timing.interval
        if report.again_at is not None:
            # After an error it may be later than the interval: the API may have asked for it.
            next_at = report.again_at if report.error else min(next_at, report.again_at)
        self.due[name] = next_at
        self._done(before, report)
