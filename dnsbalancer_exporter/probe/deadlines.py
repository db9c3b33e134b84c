"""Deadlines of thousands of probes: equal timeouts end in the order in which they began.

So each value of a timeout needs one queue and one timer, however many probes are on their way: no
heap, no timer per probe. A probe that ends leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_COARSE = 0.002
"""Seconds between two looks at a queue: its probes may end that much later, together."""


class Deadlines(Generic[T]):
    """Tells ``overdue`` of what was not dropped in time, in batches; belongs to one event loop."""

    def __init__(self, overdue: Callable[[list[T]], None]) -> None:
        self._overdue = overdue
        self._queues: dict[float, _Queue[T]] = {}

    def add(self, item: T, timeout: float) -> None:
        """Begin to wait for ``item``, for ``timeout`` seconds."""
        queue = self._queues.get(timeout)
        if queue is None:
            queue = self._queues[timeout] = _Queue(timeout, self._overdue)
        queue.add(item)

    def drop(self, item: T, timeout: float) -> None:
        """It has ended."""
        queue = self._queues.get(timeout)
        if queue is not None:
            queue.waiting.pop(item, None)

    def clear(self) -> list[T]:
        """Wait no more; what was waited for."""
        queues, self._queues = self._queues.values(), {}
        return [item for queue in queues for item in queue.clear()]


class _Queue(Generic[T]):
    """What ends after ``timeout`` seconds, the first to end first, and when that is."""

    def __init__(self, timeout: float, overdue: Callable[[list[T]], None]) -> None:
        self.waiting: dict[T, float] = {}
        self._timeout = timeout
        self._overdue = overdue
        self._timer: asyncio.TimerHandle | None = None

    def add(self, item: T) -> None:
        self.waiting[item] = time.perf_counter() + self._timeout
        if self._timer is None:
            self._wake_after(self._timeout)

    def clear(self) -> list[T]:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        waiting, self.waiting = list(self.waiting), {}
        return waiting

    def _wake_after(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._expire)

    def _expire(self) -> None:
        """Runs once per timeout while probes are answered: those that ended are not here."""
        self._timer = None
        now, late = time.perf_counter(), []
        for item, ends in self.waiting.items():
            if ends > now:
                self._wake_after(max(_COARSE, ends - now))
                break
            late.append(item)
        for item in late:
            del self.waiting[item]
        if late:
            self._overdue(late)
