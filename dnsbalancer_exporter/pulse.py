"""The pulse: what a supervisor is told, and proof that the daemon lives before it is told so.

The watchdog is fed only while both activities go on: no probe is long overdue, and the zone loop
has given a sign of life (a turn, a pool's cycle, an answer of the API) within the time that it may
take. A loop that hangs feeds nothing anyway; an activity that hangs beside it is found out here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from dnsbalancer_exporter.clock import clock
from dnsbalancer_exporter.notify import Notifier

READY_SECONDS = 15.0
"""Seconds after which we are ready, even if the API hangs and the first pass is not over."""

SLACK = 60.0
"""Seconds that probes may be late, and that the zone loop has beyond three writes: more than the
longest read (30 s and a little)."""

FEED_SECONDS = 5.0


class Pulse:
    """Speaks to ``notifier``; ``late`` says by how many seconds the most overdue probe is late.

    ``now`` is the process's clock. `sign` may be called from any thread.
    """

    def __init__(
        self, notifier: Notifier, late: Callable[[], float], now: Callable[[], float] = clock
    ) -> None:
        self._notifier = notifier
        self._late = late
        self._now = now
        self._silence = SLACK
        self._due = now() + SLACK
        self._ready = False

    def begin(self, write_seconds: float) -> None:
        """A configuration begins, with which one write may take so long; the zone loop starts."""
        self._silence = SLACK + 3 * write_seconds
        self.sign()
        if not self._ready:
            text = "STATUS=waiting for the API's first answer"
            asyncio.get_running_loop().call_later(READY_SECONDS, self.ready, text)

    def sign(self, idle: float = 0.0) -> None:
        """The zone loop lives, and will be idle for so many seconds."""
        self._due = self._now() + idle + self._silence

    def alive(self) -> bool:
        """Whether neither the zone loop nor the watch is overdue."""
        return self._now() < self._due and self._late() < SLACK

    def ready(self, *lines: str) -> None:
        """The first pass is over."""
        if not self._ready:
            self._ready = True
            self._notifier.send("READY=1", *lines)

    def say(self, sentence: str) -> None:
        """What `systemctl status` shows."""
        self._notifier.send(f"STATUS={sentence}")

    def reloading(self) -> None:
        """A reload has begun."""
        self._notifier.send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def reloaded(self) -> None:
        """It is over, well or badly."""
        self._notifier.send("READY=1")

    def stopping(self) -> None:
        """The end has begun."""
        self._notifier.send("STOPPING=1")

    async def feed(self) -> None:
        """Feed the watchdog, if there is one, while we are alive."""
        seconds = min(FEED_SECONDS, self._notifier.watchdog_seconds / 4)
        while seconds:
            if self.alive():
                self._notifier.send("WATCHDOG=1")
            await asyncio.sleep(seconds)
        await asyncio.get_running_loop().create_future()
