"""The porter: gives each connection the access of now, and notices when its files have changed.

Certificates are renewed by others, without a signal to us. So each connection looks, which costs
four `stat`; a new access is made apart and then put in the old one's place. One that is broken (a
certificate whose key has not been written yet) changes nothing and is tried again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from dnsbalancer_exporter.errors import ConfigError
from dnsbalancer_exporter.export.access import OPEN, Access, read_access, stamp
from dnsbalancer_exporter.export.instruments import Instruments
from dnsbalancer_exporter.export.journal import Journal

AGAIN_SECONDS = 1.0
"""A broken file is read again no more often than this, also when it seems unchanged."""


class Porter:
    """Keeps the access that ``use`` names. Thread-safe."""

    def __init__(
        self,
        journal: Journal,
        instruments: Instruments,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._instruments = instruments
        self._clock = clock
        self._mutex = threading.Lock()
        self._file: str | None = None
        self._access: Access | None = None
        self._told = ""
        self._again_at: float | None = None

    def use(self, file: str | None) -> None:
        """Take the access from ``file`` (None: plain HTTP for all) from now on.

        If it is broken the old access stays; before the first good one nobody is let in.
        """
        with self._mutex:
            self._file = file
            if file is None:
                self._take(OPEN)
            else:
                self._read(file)

    def access(self) -> Access | None:
        """What a connection meets now; None if nobody may come in yet.

        While one thread reads, the others are given what is there.
        """
        if self._mutex.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._mutex.release()
        return self._access

    def _look(self) -> None:
        if self._file is None:
            return
        if self._again_at is not None:
            if self._clock() >= self._again_at:
                self._read(self._file)
        elif self._access and any(stamp(f) != s for f, s in self._access.stamps.items()):
            self._read(self._file)

    def _read(self, file: str) -> None:
        before = self._access
        try:
            access = read_access(file)
        except ConfigError as error:
            self._refuse(error)
            return
        self._take(access)
        if before is not None:
            self._journal.say(logging.INFO, "web_config", f"{file} was read again and is in use")

    def _take(self, access: Access) -> None:
        self._access = access
        self._told, self._again_at = "", None
        self._instruments.web_config_read(access.expiry)

    def _refuse(self, error: ConfigError) -> None:
        self._again_at = self._clock() + AGAIN_SECONDS
        self._instruments.web_config_refused()
        if str(error) == self._told:
            return
        self._told = str(error)
        stays = "what was good stays in use" if self._access else "nobody is let in until it is"
        for problem in error.problems:
            text = f"{error.file}: {problem}; {stays}"
            self._journal.say(logging.WARNING, "web_config_failed", text)
