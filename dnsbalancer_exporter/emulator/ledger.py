"""The state below the zone store: what is written, when it takes effect, what there was before.

A write may be late: it takes effect some seconds after it was accepted, before anything else is
looked at and at the time when it was due, so no timer runs. What was checked may have changed by
then: a late create of a value that is there, and a late change or delete of what is gone, do
nothing.

soa_serial is 1 in the answer to a zone's create and one more after each change of its records; its
two NS records make it 3.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from dnsbalancer_exporter.emulator.rules import Value
from dnsbalancer_exporter.emulator.soa import NAME_SERVERS
from dnsbalancer_exporter.emulator.stored import Moment, StoredRecord, Zone
from dnsbalancer_exporter.emulator.timeline import Timeline

Write = Callable[[float], None]


class Ledger:
    """Zones and records with their past. Everything but ``opened`` wants it to be open."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.zones: Timeline[Zone] = Timeline()
        self.records: Timeline[StoredRecord] = Timeline()
        self.moments: deque[Moment] = deque(maxlen=10_000)
        self._clock = clock
        self._lock = threading.RLock()
        self._late: list[tuple[float, int, Write]] = []
        self._number = itertools.count()

    @contextmanager
    def opened(self) -> Iterator[float]:
        """Hold the lock, let due writes take effect; gives the time."""
        with self._lock:
            now = self._clock()
            while self._late and self._late[0][0] <= now:
                due, _, write = heapq.heappop(self._late)
                write(due)
            yield now

    def do(self, now: float, defer: float, write: Write) -> None:
        """Write now, or ``defer`` seconds later."""
        if defer > 0:
            heapq.heappush(self._late, (now + defer, next(self._number), write))
        else:
            write(now)

    # --- looking ------------------------------------------------------------------------

    def zone_named(self, name: str) -> Zone | None:
        """The zone with a name."""
        return next((zone for zone in self.zones.now() if zone.name == name), None)

    def records_in(self, zone_id: str) -> list[StoredRecord]:
        """All records of a zone."""
        return [record for record in self.records.now() if record.zone == zone_id]

    def values(self, key: tuple[str, str]) -> tuple[str, ...]:
        """The values of a record set."""
        return tuple(record.value for record in self.records.now() if record.key == key)

    # --- writing ------------------------------------------------------------------------

    def put_zone(self, zone: Zone, at: float) -> None:
        """Begin a zone, with the two NS records that every zone has."""
        if self.zone_named(zone.name) is not None:
            return
        self.zones.put(zone.uuid, zone, at)
        for server in NAME_SERVERS:
            fields: dict[str, Value] = {"name": "@", "content": server, "ttl": 86400}
            record = StoredRecord(str(uuid.uuid4()), "ns", zone.uuid, zone.name, fields)
            self.put_record(record, at)

    def replace_zone(self, zone: Zone, at: float, *, keep_serial: bool) -> None:
        """Change a zone's fields, if it stands."""
        current = self.zones.get(zone.uuid)
        if current is None:
            return
        if keep_serial:
            serial = current.fields["soa_serial"]
            zone = replace(zone, fields={**zone.fields, "soa_serial": serial})
        self.zones.put(zone.uuid, zone, at)

    def drop_zone(self, zone_id: str, at: float) -> None:
        """End a zone with all its records."""
        for record in self.records_in(zone_id):
            self.drop_record(record.uuid, at)
        self.zones.remove(zone_id, at)

    def put_record(self, record: StoredRecord, at: float) -> None:
        """Begin or change a record, if its zone stands."""
        if self.zones.get(record.zone) is None:
            return
        old = self.records.get(record.uuid)
        self.records.put(record.uuid, record, at)
        self._changed(record.zone, {record.key, (old or record).key}, at)

    def drop_record(self, record_id: str, at: float) -> None:
        """End a record, if it stands."""
        record = self.records.get(record_id)
        if record is not None:
            self.records.remove(record_id, at)
            self._changed(record.zone, {record.key}, at)

    def _changed(self, zone_id: str, keys: set[tuple[str, str]], at: float) -> None:
        for name, kind in sorted(keys):
            self.moments.append(Moment(at, name, kind, self.values((name, kind))))
        zone = self.zones.get(zone_id)
        if zone is not None:
            serial = int(zone.fields["soa_serial"]) + 1
            self.zones.put(zone_id, replace(zone, fields={**zone.fields, "soa_serial": serial}), at)
