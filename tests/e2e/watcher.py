"""A resolver's view of a real name server, and one that looks all the time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import dns.message
import dns.query

from tests.e2e.stage import ZONE

if TYPE_CHECKING:
    from typing_extensions import Self


def answer(port: int, kind: str = "A", name: str = ZONE) -> list[str]:
    """What the name server says of the name, sorted."""
    query = dns.message.make_query(name + ".", kind)
    found = dns.query.tcp(query, "127.0.0.1", 5, port).answer
    return sorted(str(rdata).strip('"') for rrset in found for rdata in rrset)


class Watcher:
    """Asks the name server all the time; ``empty`` says whether it ever had no address."""

    def __init__(self, port: int) -> None:
        self.empty = False
        self.asked = 0
        self._over = threading.Event()
        self._port = port
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._over.wait(0.01):
            self.empty |= not answer(self._port)
            self.asked += 1
