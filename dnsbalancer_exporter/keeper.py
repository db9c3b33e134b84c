"""The keeper: saves what outlives the process, beside everything else.

A disk that is full, slow or gone delays neither a probe nor a cycle; it is said, exported, and
tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from dnsbalancer_exporter.state import Document, write
from dnsbalancer_exporter.threads import Late, NoThread, aside

SAVE_SECONDS = 5.0
AGAIN_SECONDS = 10.0
"""Seconds after which a save that failed is tried again."""


class Keeper:
    """Writes what `take` gives whenever it was told of a change and it differs from the last time.

    ``told`` hears of every attempt: "" for a good one, else why it failed.
    """

    def __init__(
        self, take: Callable[[], tuple[str, Document]], told: Callable[[str], None]
    ) -> None:
        self._take = take
        self._told = told
        self._saved: tuple[str, Document] | None = None
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Something may be different from what was saved."""
        self._changed.set()

    async def run(self) -> None:
        """Save for ever, when something has changed; after a failure again and again."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            if await self.save():
                await asyncio.sleep(AGAIN_SECONDS)
                self._changed.set()

    async def save(self) -> str:
        """Save now what is to be saved; "" if the file has it, else why it has not."""
        wanted = self._take()
        if wanted == self._saved:
            return ""
        try:
            await aside(lambda: write(*wanted), SAVE_SECONDS)
        except Late:
            error = f"{wanted[0]}: the disk did not answer within {SAVE_SECONDS:.0f} s"
        except (OSError, NoThread) as failure:
            error = str(failure)
        else:
            error, self._saved = "", wanted
        self._told(error)
        return error
