"""The lock of law 9: when a withdrawal may begin, and until when it may go on.

`SingleWriter` is `lock: off`: nobody else writes, so the lock is always to be had, but the terms
of time are the same. A DELETE is sent only while the read that it rests on is young (`lease` less
`margin`), and after an unsettled one no other until the lease has passed: it may still take effect.
"""

from __future__ import annotations

from collections.abc import Callable

from dnsbalancer_exporter.model import LockTerms, Pool


class SingleWriter:
    """The terms of a lock without a lock. ``clock`` is the process's clock in seconds."""

    def __init__(self, terms: LockTerms, clock: Callable[[], float]) -> None:
        self.terms = terms
        self._clock = clock
        self._taken_at: dict[str, float] = {}
        self._closed_until: dict[str, float] = {}

    async def take(self, pool: Pool) -> bool:
        """Say whether a withdrawal may begin: not while an earlier one is unsettled."""
        now = self._clock()
        if now < self._closed_until.get(pool.name, now):
            return False
        self._taken_at[pool.name] = now
        return True

    def valid(self, pool: Pool) -> bool:
        """Say whether a DELETE may be sent now."""
        age = self._clock() - self._taken_at[pool.name]
        return age < self.terms.lease - self.terms.margin

    async def release(self, pool: Pool, *, settled: bool) -> None:
        """End the withdrawal; an unsettled one closes the way until the lease has passed."""
        if not settled:
            self._closed_until[pool.name] = self._taken_at[pool.name] + self.terms.lease
