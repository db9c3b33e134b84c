"""Visitors of the name: ask DNS, connect to what it says, ten times a second, all the time."""

from __future__ import annotations

import socket
import threading
import time
from types import TracebackType

from dnsbalancer_exporter.emulator.lookup import lookup

PAUSE = 0.1
PATIENCE, MORE_PATIENCE = 1.0, 5.0
"""Seconds that a visitor waits for the first address that is tried, and for each other one."""


class Visitors:
    """Visits while the context lasts; the numbers are there to be read at any time.

    Nobody caches, so these are the best numbers that a TTL permits. Each visit begins with another
    address of the answer, as resolvers have it.
    """

    def __init__(self, server: tuple[str, int], name: str, port: int) -> None:
        self._server, self._name, self._port = server, name, port
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="visitors", daemon=True)
        self.visits = 0
        self.unanswered = 0  # DNS said nothing
        self.empty = 0  # DNS said that there is no address
        self.second = 0  # served, but not by the first address that was tried
        self.turned_away = 0  # no address answered
        self.longest = 0.0  # seconds between two visits that were served

    def __enter__(self) -> Visitors:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        served = time.monotonic()
        while not self._stop.wait(PAUSE):
            if self._visit():
                now = time.monotonic()
                self.longest = max(self.longest, now - served)
                served = now
        self.longest = max(self.longest, time.monotonic() - served)

    def _visit(self) -> bool:
        self.visits += 1
        try:
            addresses = sorted(lookup(self._server, self._name))
        except OSError:
            self.unanswered += 1
            return False
        if not addresses:
            self.empty += 1
            return False
        begin = self.visits % len(addresses)
        for number, address in enumerate(addresses[begin:] + addresses[:begin]):
            if self._connects(address, MORE_PATIENCE if number else PATIENCE):
                self.second += number > 0
                return True
        self.turned_away += 1
        return False

    def _connects(self, address: str, patience: float) -> bool:
        try:
            socket.create_connection((address, self._port), patience).close()
        except OSError:
            return False
        return True
