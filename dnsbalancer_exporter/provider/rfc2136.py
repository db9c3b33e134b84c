"""Any name server that takes dynamic updates: the driver ``rfc2136``.

Reads are zone transfers: the first one whole (AXFR, RFC 5936), each later one only what has changed
since (IXFR, RFC 1995). A write is one UPDATE whose prerequisite is the record set exactly as it was
read (RFC 2136, 2.4.2): if anybody has written it since, nothing is done, so withdrawals need no
lock.

DNS has no record ids: see versions.py.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from dnsbalancer_exporter import names
from dnsbalancer_exporter.errors import ApiReason, Conflict, ProviderError
from dnsbalancer_exporter.model import Create, Record
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.provider.dns_wire import MISSING, DnsWire
from dnsbalancer_exporter.provider.patience import patient
from dnsbalancer_exporter.provider.versions import Key, Versions

if not MISSING:
    import dns.name
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype
    import dns.rdtypes.ANY.TXT
    import dns.rdtypes.txtbase
    import dns.update
    import dns.zone

ATTEMPTS = 3
"""How often a create is tried on a fresh read after somebody else has written the set."""


@dataclass(slots=True)
class _Copy:
    """A zone as it was last read."""

    zone: dns.zone.Zone
    versions: Versions = field(default_factory=Versions)
    mutex: threading.Lock = field(default_factory=threading.Lock)


class Rfc2136:
    """The driver; see provider.Driver and Exchanging for what its methods promise. Thread-safe.

    ``write_budget`` is in seconds; ``sleep`` waits between reads.
    """

    def __init__(
        self,
        *,
        wire: DnsWire,
        sleep: Callable[[float], None] = time.sleep,
        write_budget: float,
    ) -> None:
        self._wire = wire
        self._sleep = sleep
        self._write_budget = write_budget
        self._copies: dict[str, _Copy] = {}
        self._mutex = threading.Lock()

    def list_records(self, zone: str, type: RecordType, budget: float) -> tuple[Record, ...]:
        """All records of ``type`` in ``zone``, sorted; repeats what may pass within ``budget``."""
        deadline = self._wire.clock() + budget
        again = patient(deadline, self._wire.clock, self._sleep)
        return again(self._read, names.fqdn("@", zone), type, deadline)

    def create_record(self, zone: str, create: Create) -> Record:
        """Add one value to its record set; a set that exists keeps its TTL (RFC 2181, 5.2)."""
        zone = names.fqdn("@", zone)
        subject = f"create {create.name} {create.type.value} {create.value!r}"
        deadline = self._wire.clock() + self._write_budget
        for attempt in range(1, ATTEMPTS + 1):
            listed = self._read(zone, create.type, deadline)
            seen = [record for record in listed if record.name == create.name]
            if any(record.value == create.value for record in seen):
                break
            update = _if_exactly(zone, create.name, create.type, seen)
            ttl = seen[0].ttl if seen else create.ttl
            update.add(_name(create.name), ttl, _rdata(create.type, create.value))
            try:
                self._wire.update("create_record", subject, update, deadline)
            except Conflict:
                if attempt == ATTEMPTS:
                    raise
                continue
            return self._copy(zone).versions.made(create, ttl)
        raise Conflict(f"rfc2136: cannot {subject}: it is there already")

    def delete_record(self, zone: str, record: Record) -> None:
        """Delete ``record`` unless it has gone; one that was put back since is another one."""
        zone = names.fqdn("@", zone)
        listed = self._read(zone, record.type, self._wire.clock() + self._write_budget)
        if any(there.id == record.id for there in listed):
            update = dns.update.UpdateMessage(_name(zone))
            self._delete(zone, record.name, (record,), update)

    def delete_records(self, zone: str, seen: tuple[Record, ...], gone: tuple[Record, ...]) -> None:
        """In one UPDATE, delete ``gone`` if their set holds exactly the values of ``seen``.

        Raises Conflict, and has done nothing, if it does not; refuses to empty a set.
        """
        zone, name, kind = names.fqdn("@", zone), seen[0].name, seen[0].type
        if {record.value for record in seen} <= {record.value for record in gone}:
            said = f"rfc2136: will not delete all of {name} {kind.value}: a bug, please report it"
            raise ProviderError(ApiReason.CLIENT_ERROR, said)
        self._delete(zone, name, gone, _if_exactly(zone, name, kind, seen))

    def _delete(
        self, zone: str, name: str, gone: tuple[Record, ...], update: dns.update.UpdateMessage
    ) -> None:
        for record in gone:
            update.delete(_name(name), _rdata(record.type, record.value))
        values = ", ".join(repr(record.value) for record in gone)
        subject = f"delete {name} {gone[0].type.value} {values}"
        deadline = self._wire.clock() + self._write_budget
        self._wire.update("delete_record", subject, update, deadline)
        self._copy(zone).versions.gone(gone)

    # --- the copy of a zone ---------------------------------------------------------------

    def _copy(self, zone: str) -> _Copy:
        with self._mutex:
            return self._copies.setdefault(zone, _Copy(_nothing_of(zone)))

    def _read(self, zone: str, kind: RecordType, deadline: float) -> tuple[Record, ...]:
        copy = self._copy(zone)
        if not copy.mutex.acquire(timeout=max(0.0, deadline - self._wire.clock())):
            raise ProviderError(ApiReason.TIMEOUT, f"rfc2136: another read of {zone} has not ended")
        try:
            self._wire.transfer(copy.zone, deadline)
            return copy.versions.listed(kind, _ttls(copy.zone, kind))
        except ProviderError:
            copy.zone = _nothing_of(zone)  # the serial may have gone backwards: begin anew
            raise
        finally:
            copy.mutex.release()


def _ttls(zone: dns.zone.Zone, kind: RecordType) -> dict[Key, int]:
    return {
        (str(owner).rstrip(".").lower(), kind, _value(rdata)): int(rdataset.ttl)
        for owner, rdataset in zone.iterate_rdatasets(kind.value)
        for rdata in rdataset
    }


def _nothing_of(zone: str) -> dns.zone.Zone:
    return dns.zone.Zone(_name(zone), relativize=False)


def _name(name: str) -> dns.name.Name:
    return dns.name.from_text(name)


def _if_exactly(
    zone: str, name: str, kind: RecordType, seen: Iterable[Record]
) -> dns.update.UpdateMessage:
    """An UPDATE that does nothing unless the record set holds exactly ``seen``."""
    update = dns.update.UpdateMessage(_name(zone))
    values = [_rdata(kind, record.value) for record in seen]
    if values:
        update.present(_name(name), *values)
    else:
        update.absent(_name(name), kind.value)
    return update


def _rdata(kind: RecordType, value: str) -> dns.rdata.Rdata:
    internet, type_ = dns.rdataclass.IN, dns.rdatatype.from_text(kind.value)
    if kind is RecordType.TXT:
        return dns.rdtypes.ANY.TXT.TXT(internet, type_, [value.encode()])
    return dns.rdata.from_text(internet, type_, value)


def _value(rdata: dns.rdata.Rdata) -> str:
    """The value in its canonical spelling; a text of several strings is shown as one."""
    if isinstance(rdata, dns.rdtypes.txtbase.TXTBase):
        return b"".join(rdata.strings).decode("utf-8", "backslashreplace")
    return names.canonical_address(str(rdata))
