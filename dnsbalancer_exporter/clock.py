"""The process's clock, for those who build the others; whoever decides is told the time."""

from __future__ import annotations

import time

_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", None)


def clock() -> float:
    """Seconds that never step back, and that count suspended time where the system can."""
    return time.monotonic() if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)


def epoch() -> float:
    """What must be added to ``clock()`` to make it Unix time."""
    return time.time() - clock()
