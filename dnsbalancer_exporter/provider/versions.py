"""Ids for the records of providers that have none.

A record gets an id when this process first sees it, and another when it has been gone in between:
so that what somebody puts back is another record, as with a provider that has ids.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Mapping

from dnsbalancer_exporter.model import Create, Record
from dnsbalancer_exporter.names import RecordType

Key = tuple[str, RecordType, str]
"""A record as DNS knows it: name, type, value."""


class Versions:
    """The ids of the records of one zone. Thread-safe."""

    def __init__(self) -> None:
        self._ids: dict[Key, str] = {}
        self._counter = itertools.count(1)
        self._mutex = threading.Lock()

    def listed(self, kind: RecordType, ttls: Mapping[Key, int]) -> tuple[Record, ...]:
        """All records of a type, as just read, sorted by name and value; ``ttls`` has each one."""
        with self._mutex:
            for key in [key for key in self._ids if key[1] is kind and key not in ttls]:
                del self._ids[key]
            for key in sorted(ttls.keys() - self._ids.keys(), key=str):
                self._ids[key] = str(next(self._counter))
            found = [Record(self._ids[key], *key, ttl) for key, ttl in ttls.items()]
        return tuple(sorted(found, key=lambda record: (record.name, record.value)))

    def made(self, create: Create, ttl: int) -> Record:
        """A record that has just been created."""
        key = (create.name, create.type, create.value)
        with self._mutex:
            new = self._ids[key] = str(next(self._counter))
        return Record(new, *key, ttl)

    def gone(self, records: Iterable[Record]) -> None:
        """These have just been deleted: whoever puts one back, puts back another record."""
        with self._mutex:
            for record in records:
                self._ids.pop((record.name, record.type, record.value), None)
