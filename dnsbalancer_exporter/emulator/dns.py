"""The name servers: answers for the zones over UDP and TCP, as they were published.

    asked for                                 answer
    ----------------------------------------  ------------------------------------------------
    a name that has the type                  its records
    a name with a CNAME                       the CNAME, and what it leads to in our zones
    a name below a wildcard, not there        the wildcard's records, under the asked name
    SOA of a zone                             made of the zone's fields
    ANY                                       one record set (RFC 8482)
    a name with other types only, or that     NODATA: NOERROR and the SOA
    others stand below
    a name that is not there                  NXDOMAIN and the SOA
    a name in none of our zones, AXFR, a      REFUSED
    class that is not IN

Negative answers have the smaller of the SOA's ttl and minimum, both soa_ttl. There are no
referrals: NS records below the top of a zone are data.
"""

from __future__ import annotations

import socketserver
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress

from dnsbalancer_exporter.emulator import wire
from dnsbalancer_exporter.emulator.serving import Address, DatagramServer, Running, StreamServer
from dnsbalancer_exporter.emulator.stored import StoredRecord, Zone
from dnsbalancer_exporter.emulator.wire import Query, Reply, ResourceRecord
from dnsbalancer_exporter.emulator.zones import Snapshot, closest

_TYPES = {
    "a": wire.A,
    "aaaa": wire.AAAA,
    "cname": wire.CNAME,
    "mx": wire.MX,
    "ns": wire.NS,
    "srv": wire.SRV,
    "txt": wire.TXT,
}

_CHAIN = 8
"""How many CNAMEs are followed."""


def resolve(zones: Snapshot, query: Query) -> Reply:
    """The answer to a query."""
    if query.rcode:
        return Reply(query.rcode, authoritative=False)
    if query.cls != wire.IN or query.type == wire.AXFR:
        return Reply(wire.REFUSED, authoritative=False)
    answers: tuple[ResourceRecord, ...] = ()
    name = query.name
    for _ in range(_CHAIN):
        zone = closest([zone for zone, _ in zones], name)
        if zone is None:
            break
        records = next(records for other, records in zones if other is zone)
        rcode, found = _at_name(zone, records, name, query.type)
        if not found:
            return Reply(rcode, answers, (_soa(zone),))
        answers += found
        if found[0].type != wire.CNAME or query.type in {wire.CNAME, wire.ANY}:
            break
        name = found[0].target
    if not answers:
        return Reply(wire.REFUSED, authoritative=False)
    return Reply(answers=answers)


def _at_name(
    zone: Zone, records: Sequence[StoredRecord], name: str, kind: int
) -> tuple[int, tuple[ResourceRecord, ...]]:
    """What a zone has for a name and type: a CNAME if there is one; else why there is nothing."""
    owner = _owner(zone, records, name)
    if owner is None:
        return wire.NXDOMAIN, ()
    sets: dict[int, list[ResourceRecord]] = {}
    if owner == zone.name:
        sets[wire.SOA] = [_soa(zone)]
    for record in records:
        if record.fqdn == owner:
            written = _written(record, name)
            sets.setdefault(written.type, []).append(written)
    if kind == wire.ANY and sets:
        kind = next(reversed(sets))
    return wire.NOERROR, tuple(sets.get(kind) or sets.get(wire.CNAME) or ())


def _owner(zone: Zone, records: Sequence[StoredRecord], name: str) -> str | None:
    """The name whose records answer for ``name``: itself, a wildcard, or none."""
    names = {zone.name, *(record.fqdn for record in records)}

    def exists(name: str) -> bool:
        return name in names or any(other.endswith("." + name) for other in names)

    if exists(name):
        return name
    parent = name
    while not exists(parent):
        parent = parent.partition(".")[2]
    return "*." + parent if "*." + parent in names else None


def _written(record: StoredRecord, owner: str) -> ResourceRecord:
    kind, fields = record.kind, record.fields
    target = ""
    if kind in {"a", "aaaa"}:
        data = wire.address_data(record.value)
    elif kind == "txt":
        data = wire.text_data(record.value)
    else:
        target = str(fields["host" if kind == "srv" else "content"]).rstrip(".").lower()
        numbers = [int(fields[n]) for n in ("priority", "weight", "port") if n in fields]
        data = wire.numbers_data(*numbers) + wire.name_data(target)
    return ResourceRecord(owner, _TYPES[kind], record.ttl, data, target)


def _soa(zone: Zone) -> ResourceRecord:
    fields = zone.fields
    mailbox, _, domain = str(fields["soa_admin_email"]).rpartition("@")
    serial = int(fields["soa_serial"]) % 2**32
    times = [int(fields[f"soa_{name}"]) for name in ("refresh", "retry", "expire", "ttl")]
    data = (
        wire.name_data(str(fields["soa_primary_dns"]))
        + wire.label_data(mailbox)
        + wire.name_data(domain)
        + struct.pack("!5I", serial, *times)
    )
    return ResourceRecord(zone.name, wire.SOA, times[-1], data)


# --- the servers --------------------------------------------------------------------------


class _Udp(socketserver.BaseRequestHandler):
    server: _UdpServer

    def handle(self) -> None:
        message, sock = self.request
        query = wire.read_query(message)
        if query is not None:
            reply = resolve(self.server.look(), query)
            limit = wire.datagram_limit(query)
            sock.sendto(wire.write_reply(query, reply, limit), self.client_address)


class _Tcp(socketserver.BaseRequestHandler):
    server: _TcpServer

    def handle(self) -> None:
        self.request.settimeout(10.0)
        with suppress(OSError), self.request.makefile("rb") as stream:
            while len(head := stream.read(2)) == 2:
                query = wire.read_query(stream.read(int.from_bytes(head, "big")))
                if query is None:
                    return
                message = wire.write_reply(query, resolve(self.server.look(), query), 65535)
                self.request.sendall(len(message).to_bytes(2, "big") + message)


class _UdpServer(DatagramServer):
    def __init__(self, address: Address, look: Callable[[], Snapshot]) -> None:
        self.look = look
        super().__init__(address, _Udp)


class _TcpServer(StreamServer):
    def __init__(self, address: Address, look: Callable[[], Snapshot]) -> None:
        self.look = look
        super().__init__(address, _Tcp)


class NameServer:
    """Listens on one port, UDP and TCP; ``look`` gives the zones as they are published."""

    def __init__(self, address: Address, look: Callable[[], Snapshot]) -> None:
        host, port = address
        # The kernel chooses a free port for one protocol, which the other one may not have.
        for attempt in range(20):
            tcp = _TcpServer(address, look)
            try:
                udp = _UdpServer((host, int(tcp.server_address[1])), look)
                break
            except OSError:
                tcp.server_close()
                if port or attempt == 19:
                    raise
        self._running = (Running(tcp), Running(udp))

    @property
    def address(self) -> Address:
        """Where it listens."""
        return self._running[0].address

    def stop(self) -> None:
        """Stop listening."""
        for running in self._running:
            running.stop()
