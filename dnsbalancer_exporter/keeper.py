"""The keeper: saves what outlives the process, and has it loaded, beside everything else.

A disk that is full, slow or gone delays neither a probe nor a cycle; it is said, exported, and
tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from dnsbalancer_exporter import state
from dnsbalancer_exporter.clock import clock
from dnsbalancer_exporter.model import Kept, Pool
from dnsbalancer_exporter.state import Document
from dnsbalancer_exporter.threads import Late, NoThread, aside, begin, ended

SECONDS = 5.0
"""Seconds that a load, or a save, may take."""

AGAIN_SECONDS = 10.0
"""Seconds after which a save that failed is tried again."""

LATE = f"the disk did not answer within {SECONDS:.0f} s"


async def load(
    folder: str, pools: Sequence[Pool], epoch: float, now: float
) -> tuple[Mapping[str, Kept], str]:
    """As state.load; a disk that hangs is one more reason for a warning."""
    try:
        return await aside(lambda: state.load(folder, pools, epoch, now), SECONDS)
    except (Late, NoThread) as error:
        text = f"what {folder} keeps (drains!) cannot be read and is not in force"
        return {}, f"{text}: {str(error) or LATE}"


class Keeper:
    """Writes what `take` gives whenever it was told of a change and it differs from the last time.

    It is a folder and a document, as `write` wants them; ``write`` blocks and raises OSError.
    ``told`` hears of every attempt: "" for a good one, else why it failed.
    """

    def __init__(
        self,
        take: Callable[[], tuple[str, Document]],
        told: Callable[[str], None],
        write: Callable[[str, Document], None],
    ) -> None:
        self._take = take
        self._told = told
        self._write = write
        self._saved: tuple[str, Document] | None = None
        self._writing: asyncio.Future[None] | None = None
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
        error = await self._save(clock() + SECONDS)
        self._told(error)
        return error

    async def _save(self, end: float) -> str:
        # One write at a time: of two, the older one could end last and be what is kept. And while
        # a disk hangs, one thread hangs with it, not one per attempt.
        while self._writing:
            if not await ended(self._writing, end - clock()):
                return f"{self._take()[0]}: {LATE}"
        wanted = self._take()
        if wanted == self._saved:
            return ""
        try:
            self._writing = writing = begin(lambda: self._write(*wanted))
        except NoThread as error:
            return f"{wanted[0]}: {error}"
        writing.add_done_callback(lambda done: self._written(wanted, done))
        if not await ended(writing, end - clock()):
            return f"{wanted[0]}: {LATE}"
        try:
            writing.result()
        except OSError as error:
            # Not all of its text: that names a temporary file, another one each time.
            return f"{wanted[0]}: {error.strerror or error}"
        return ""

    def _written(self, wanted: tuple[str, Document], writing: asyncio.Future[None]) -> None:
        self._writing = None
        if writing.exception() is None:
            self._saved = wanted
