"""The zones, in memory: what the Public DNS API reads and writes and the name servers publish.

A write is checked at once and takes effect ``defer`` seconds later; a read shows what there was
``age`` seconds ago. All methods are safe to call from any thread; those that refuse raise
rules.Refused, which is a ValueError. Types are path segments, ``a``, ``txt``; by hand also ``A``.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from dnsbalancer_exporter.emulator.ledger import Ledger
from dnsbalancer_exporter.emulator.rules import Refused, check_record, conflict, invalid, unknown
from dnsbalancer_exporter.emulator.soa import check_zone
from dnsbalancer_exporter.emulator.stored import StoredRecord, Zone, parse_record
from dnsbalancer_exporter.emulator.switches import SwitchBoard, Switches
from dnsbalancer_exporter.names import fqdn

Body = Mapping[str, object]
Snapshot = tuple[tuple[Zone, tuple[StoredRecord, ...]], ...]


class ZoneStore:
    """The zones of one project and their records."""

    def __init__(self, board: SwitchBoard, tenant: str, clock: Callable[[], float]) -> None:
        self._board = board
        self._tenant = tenant
        self._ledger = Ledger(clock)

    # --- zones --------------------------------------------------------------------------

    def list_zones(self, age: float = 0.0) -> tuple[Zone, ...]:
        """All zones, in order of creation."""
        with self._ledger.opened() as now:
            return self._ledger.zones.as_of(now - age)

    def get_zone(self, zone_id: str) -> Zone:
        """A zone by its id."""
        with self._ledger.opened():
            return self._zone(zone_id)

    def create_zone(self, body: Body, defer: float = 0.0) -> Zone:
        """A new zone."""
        ledger = self._ledger
        with ledger.opened() as now:
            zone = Zone(str(uuid.uuid4()), self._tenant, check_zone(body, self._board.current))
            if ledger.zone_named(zone.name) is not None:
                raise conflict(f"Zone {zone.name} already exists.")
            self._within(self._board.current.quota_zones, len(ledger.zones.now()))
            ledger.do(now, defer, lambda at: ledger.put_zone(zone, at))
            return zone

    def update_zone(self, zone_id: str, body: Body, defer: float = 0.0) -> Zone:
        """Change some SOA fields."""
        ledger, keep = self._ledger, "soa_serial" not in body
        with ledger.opened() as now:
            old = self._zone(zone_id)
            zone = replace(old, fields=check_zone(body, self._board.current, old.fields))
            ledger.do(now, defer, lambda at: ledger.replace_zone(zone, at, keep_serial=keep))
            return zone

    def delete_zone(self, zone_id: str, defer: float = 0.0) -> None:
        """End a zone with all its records."""
        with self._ledger.opened() as now:
            zone = self._zone(zone_id)
            records = self._ledger.records_in(zone_id)
            if self._board.current.zone_delete == "refuse" and any(
                record.key != (zone.name, "ns") for record in records
            ):
                raise conflict(f"Zone {zone.name} has records.")
            self._ledger.do(now, defer, lambda at: self._ledger.drop_zone(zone_id, at))

    # --- records ------------------------------------------------------------------------

    def list_records(self, zone_id: str, kind: str, age: float = 0.0) -> tuple[StoredRecord, ...]:
        """The records of one type in a zone, in order of creation."""
        with self._ledger.opened() as now:
            self._zone(zone_id)
            records = self._ledger.records.as_of(now - age)
        return tuple(r for r in records if (r.zone, r.kind) == (zone_id, kind))

    def get_record(self, zone_id: str, kind: str, record_id: str) -> StoredRecord:
        """A record by its id."""
        with self._ledger.opened():
            return self._record(zone_id, kind, record_id)

    def create_record(
        self, zone_id: str, kind: str, body: Body, defer: float = 0.0
    ) -> StoredRecord:
        """A new record, unless its value is there, the quota is used up or a CNAME forbids it."""
        with self._ledger.opened() as now:
            zone, switches = self._zone(zone_id), self._board.current
            fields = check_record(kind, zone.name, body, switches)
            full = fqdn(str(fields["name"]), zone.name)
            record = StoredRecord(str(uuid.uuid4()), kind, zone_id, full, fields)
            present = self._ledger.records_in(zone_id)
            check_neighbours(record, zone, present, switches)
            limit = switches.quota_a if kind == "a" else switches.quota
            self._within(limit, sum(other.kind == kind for other in present))
            self._ledger.do(now, defer, lambda at: self._put_if_free(record, at))
            return record

    def update_record(
        self, zone_id: str, kind: str, record_id: str, body: Body, defer: float = 0.0
    ) -> StoredRecord:
        """Change some fields of a record."""
        with self._ledger.opened() as now:
            zone, old = self._zone(zone_id), self._record(zone_id, kind, record_id)
            fields = check_record(kind, zone.name, body, self._board.current, old.fields)
            record = replace(old, fqdn=fqdn(str(fields["name"]), zone.name), fields=fields)
            present = self._ledger.records_in(zone_id)
            check_neighbours(record, zone, present, self._board.current)
            self._ledger.do(now, defer, lambda at: self._change_if_there(record, at))
            return record

    def delete_record(self, zone_id: str, kind: str, record_id: str, defer: float = 0.0) -> None:
        """End a record."""
        with self._ledger.opened() as now:
            self._record(zone_id, kind, record_id)
            self._ledger.do(now, defer, lambda at: self._ledger.drop_record(record_id, at))

    # --- for the name servers, the console and tests ---------------------------------------

    def snapshot(self, age: float = 0.0) -> Snapshot:
        """Each zone with its records, as they were ``age`` seconds ago."""
        with self._ledger.opened() as now:
            records = self._ledger.records.as_of(now - age)
            zones = self._ledger.zones.as_of(now - age)
        return tuple((z, tuple(r for r in records if r.zone == z.uuid)) for z in zones)

    def values(self, name: str, kind: str) -> tuple[str, ...]:
        """The values of a FQDN now, in order of creation: ``values("example.com", "A")``."""
        with self._ledger.opened():
            return self._ledger.values(_key(name, kind))

    def history(self, name: str, kind: str) -> tuple[tuple[str, ...], ...]:
        """All the values that a FQDN has had, one entry per change, oldest first."""
        key = _key(name, kind)
        with self._ledger.opened():
            return tuple(m.values for m in self._ledger.moments if (m.fqdn, m.kind) == key)

    def add(self, line: str) -> StoredRecord:
        """A record by hand, ``NAME TYPE VALUE [TTL]``, in the zone that its name tells.

        A name that is in none of the zones is relative to the first one.
        """
        parsed = parse_record(line)
        with self._ledger.opened():
            zones = self._ledger.zones.now()
            if not zones:
                raise unknown("Zone")
            zone = closest(zones, parsed.name) or zones[0]
            return self.create_record(zone.uuid, parsed.kind, parsed.fields)

    def remove(self, name: str, kind: str, value: str | None = None) -> int:
        """End the records of a FQDN by hand, all or those with a value; how many there were."""
        key = _key(name, kind)
        with self._ledger.opened() as now:
            records = [r for r in self._ledger.records.now() if r.key == key]
            gone = [r for r in records if value in {None, r.value}]
            for record in gone:
                self._ledger.drop_record(record.uuid, now)
        return len(gone)

    # --- inside, with the ledger open ---------------------------------------------------------

    def _zone(self, zone_id: str) -> Zone:
        zone = self._ledger.zones.get(zone_id)
        if zone is None:
            raise unknown("Zone")
        return zone

    def _record(self, zone_id: str, kind: str, record_id: str) -> StoredRecord:
        self._zone(zone_id)
        record = self._ledger.records.get(record_id)
        if record is None or (record.zone, record.kind) != (zone_id, kind):
            raise unknown("Record")
        return record

    def _within(self, limit: int, present: int) -> None:
        if present >= limit:
            code = self._board.current.quota_code
            raise Refused(code, "QuotaExceeded", f"The quota of {limit} is used up.")

    def _put_if_free(self, record: StoredRecord, at: float) -> None:
        present = self._ledger.records_in(record.zone)
        if not any(same_value(record, other, self._board.current) for other in present):
            self._ledger.put_record(record, at)

    def _change_if_there(self, record: StoredRecord, at: float) -> None:
        if self._ledger.records.get(record.uuid) is not None:
            self._ledger.put_record(record, at)


def _key(name: str, kind: str) -> tuple[str, str]:
    return name.rstrip(".").lower(), kind.lower()


def closest(zones: Sequence[Zone], name: str) -> Zone | None:
    """The zone with the longest name that ``name``, a FQDN, is in."""
    dotted = "." + name.rstrip(".").lower()
    holding = [zone for zone in zones if dotted.endswith("." + zone.name)]
    return max(holding, key=lambda zone: len(zone.name), default=None)


def same_value(one: StoredRecord, other: StoredRecord, switches: Switches) -> bool:
    """Whether the provider takes two records for duplicates; the ttl does not count."""
    if switches.uniqueness == "off" or one.uuid == other.uuid or one.key != other.key:
        return False
    if switches.uniqueness == "spelling" and one.fields["name"] != other.fields["name"]:
        return False
    if one.kind == "txt":
        return one.value == other.value
    return one.value.lower() == other.value.lower()


def check_neighbours(
    record: StoredRecord, zone: Zone, present: Sequence[StoredRecord], switches: Switches
) -> None:
    """Refuse a record that does not go with what its name has: duplicates, CNAMEs, ttls."""
    others = [r for r in present if r.fqdn == record.fqdn and r.uuid != record.uuid]
    if any(same_value(record, other, switches) for other in others):
        raise conflict("A record with this name and value already exists.")
    if record.kind == "cname" and record.fqdn == zone.name and switches.cname_rules != "off":
        raise invalid("A CNAME cannot stand at the top of a zone.")
    kinds = {record.kind, *(other.kind for other in others)}
    if switches.cname_rules == "full" and "cname" in kinds and others:
        raise conflict("A CNAME stands alone at its name.")
    ttls = {other.ttl for other in others if other.kind == record.kind}
    if switches.rrset_ttl == "equal" and ttls - {record.ttl}:
        raise invalid("All records of a name and type have one ttl.")
