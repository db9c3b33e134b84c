"""The process's clock, for those who build the others; whoever decides is told the time."""

from __future__ import annotations

import asyncio
import time

_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", None)


def clock() -> float:
    """Seconds that never step back, and that count suspended time where the system can."""
    return time.monotonic() if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)


class Epoch:
    """What must be added to ``clock()`` to make it Unix time.

    It moves only when the wall clock is set, so that a moment has the same time in each scrape.
    """

    def __init__(self) -> None:
        self._offset = time.time() - clock()

    def __call__(self) -> float:
        """Seconds; the same as the last time unless the wall clock has moved by half a second."""
        offset = time.time() - clock()
        if abs(offset - self._offset) > 0.5:
            self._offset = offset
        return self._offset


async def happens(event: asyncio.Event, seconds: float) -> None:
    """Wait for ``event``, but no longer than ``seconds``.

    asyncio.wait_for would do, but before Python 3.12 it can lose a cancellation.
    """
    waiting = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({waiting}, timeout=seconds)
    finally:
        waiting.cancel()
