"""What was asked of the APIs, in order, without secrets: the body only of Public DNS writes."""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import asdict, dataclass, replace

from dnsbalancer_exporter.emulator.calls import OPERATIONS, Answer, Call

LENGTH = 10_000
"""How many entries are kept."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. ``status`` is what was decided, None while it is worked on.

    ``fate`` tells whether the client got that: answered, dropped, reset or cut. ``faults`` are
    those that it suffered. ``time`` is when it arrived.
    """

    n: int
    time: float
    method: str
    path: str
    operation: str
    status: int | None = None
    fate: str = "pending"
    faults: tuple[str, ...] = ()
    body: object = None


class Journal:
    """The requests since the start; the oldest are forgotten at last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=LENGTH)
        self._count = 0

    def arrived(self, call: Call, time: float, faults: tuple[str, ...]) -> int:
        """Note a request; its number."""
        path = call.path + ("?" + call.query if call.query else "")
        with self._lock:
            self._count += 1
            entry = Entry(
                self._count, time, call.method, path, call.operation, None, "pending", faults
            )
            self._entries.append(replace(entry, body=_body(call)))
            return self._count

    def settled(self, n: int, answer: Answer) -> None:
        """Note what became of a request."""
        with self._lock:
            place = n - self._count + len(self._entries) - 1
            if place >= 0:
                entry = self._entries[place]
                fate = answer.fate.value
                self._entries[place] = replace(entry, status=answer.status or None, fate=fate)

    def entries(self, operation: str | None = None) -> tuple[Entry, ...]:
        """The requests, or those for one operation."""
        with self._lock:
            return tuple(e for e in self._entries if operation in {None, e.operation})

    def clear(self) -> None:
        """Forget what was; the numbers go on."""
        with self._lock:
            self._entries.clear()

    def shown(self) -> list[dict[str, object]]:
        """The requests as JSON objects."""
        return [asdict(entry) for entry in self.entries()]


def _body(call: Call) -> object:
    if OPERATIONS[call.operation] != "write" or call.operation == "auth_token" or not call.body:
        return None
    try:
        return json.loads(call.body)
    except ValueError:
        return call.body[:1000].decode("utf-8", "replace")
