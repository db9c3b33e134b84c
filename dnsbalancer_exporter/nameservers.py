"""The name servers: what does each say? Asked by dnspython, the extra `dns`.

Without dnspython MISSING says what to install and nobody can be asked. Questions go by UDP, and by
TCP if the answer was truncated; at most AT_ONCE are under way. Authoritative name servers are asked
without recursion, resolvers with it. Only IP addresses are spoken to, so nothing here looks a name
up behind our back, and nothing blocks the event loop.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from dnsbalancer_exporter.errors import DnsBalancerError
from dnsbalancer_exporter.model import NameServer, RecordSetKey
from dnsbalancer_exporter.names import RecordType, address_order, canonical_address
from dnsbalancer_exporter.report import DnsReason, Served

MISSING = ""
"""Why nobody can be asked; empty if all is well."""

try:
    import dns.asyncquery
    import dns.asyncresolver
    import dns.exception
    import dns.flags
    import dns.message
    import dns.rcode
    import dns.rdatatype
    import dns.rrset
except ImportError:
    MISSING = "dnspython is not installed: pip install 'dnsbalancer-exporter[dns]'"

AT_ONCE = 4
"""Questions that may be under way at the same time."""

SECONDS = 2.0
"""How long one attempt may take."""

ATTEMPTS = 2
"""How often a question is put: UDP loses datagrams."""

FIND_SECONDS = 5.0
"""How long one question of the search for a zone's name servers may take."""

MOST = 8
"""Name servers of a zone that are asked, at most."""

Meter = Callable[[NameServer, DnsReason | None], None]
"""Told of every attempt; the reason is None for an answer."""


class NameServersUnknown(DnsBalancerError):
    """The name servers of a zone could not be found; the text says what to do."""


class NameServers:
    """Asks name servers, on the running event loop. ``clock`` is the process's, in seconds.

    ``system`` makes the resolver that knows the way to a zone, anew for each search; by default
    the one that /etc/resolv.conf describes.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        meter: Meter,
        system: Callable[[], dns.asyncresolver.Resolver] | None = None,
    ) -> None:
        self._clock = clock
        self._meter = meter
        self._system = system
        self._places = asyncio.Semaphore(AT_ONCE)

    async def find(self, zone: str) -> tuple[NameServer, ...]:
        """The zone's own name servers that can be reached from here by their family, in order.

        Raises NameServersUnknown.
        """
        if MISSING:
            raise NameServersUnknown(MISSING)
        advice = "is it delegated, and does this machine's resolver work? Else list `resolvers`"
        try:
            resolver = self._system() if self._system else dns.asyncresolver.Resolver()
            resolver.lifetime = FIND_SECONDS
            async with self._places:
                answer = await resolver.resolve(zone + ".", "NS", search=False)
                hosts = sorted(str(rdata.target) for rdata in answer)[:MOST]
                found = [await _addresses_of(resolver, host) for host in hosts]
        except (dns.exception.DNSException, OSError) as error:
            said = f"the name servers of {zone} cannot be found ({error}): {advice}"
            raise NameServersUnknown(said) from error
        addresses = {address for several in found for address in several if _has_route(address)}
        if not addresses:
            said = f"{zone} has no name server with an address that has a route from here: {advice}"
            raise NameServersUnknown(said)
        return tuple(NameServer(a) for a in sorted(addresses, key=address_order)[:MOST])

    async def served(self, server: NameServer, key: RecordSetKey, *, recursive: bool) -> Served:
        """What ``server`` says of a record set. Raises only CancelledError."""
        found = await self._ask(server, key.name, key.type.value, recursive=recursive)
        if isinstance(found, DnsReason):
            return Served(self._clock(), None, reason=found)
        addresses: tuple[str, ...] = ()
        ttl: int | None = None
        rrset = _find(found, key.name, key.type.value)
        if rrset is not None:
            ttl = int(rrset.ttl)
            canonical = {canonical_address(rdata.address) for rdata in rrset}
            addresses = tuple(sorted(canonical, key=address_order))
        return Served(self._clock(), addresses, ttl, authoritative=_is_authoritative(found))

    async def negative_ttl(self, server: NameServer, zone: str, *, recursive: bool) -> int | None:
        """For how many seconds "no such record" may be cached (RFC 2308); None: no answer."""
        found = await self._ask(server, zone, "SOA", recursive=recursive)
        rrset = None if isinstance(found, DnsReason) else _find(found, zone, "SOA")
        if rrset is None or isinstance(found, DnsReason):
            return None
        minimum = int(rrset[0].minimum)
        # What a cache has left of the SOA's own TTL says nothing.
        return min(minimum, int(rrset.ttl)) if _is_authoritative(found) else minimum

    async def _ask(
        self, server: NameServer, name: str, type_: str, *, recursive: bool
    ) -> dns.message.Message | DnsReason:
        answer: dns.message.Message | DnsReason = DnsReason.INVALID
        for _ in range(ATTEMPTS):
            async with self._places:
                answer = await _attempt(server, name, type_, recursive=recursive)
            reason = answer if isinstance(answer, DnsReason) else None
            self._meter(server, reason)
            if reason is not DnsReason.TIMEOUT:
                break
        return answer


async def _attempt(
    server: NameServer, name: str, type_: str, *, recursive: bool
) -> dns.message.Message | DnsReason:
    query = dns.message.make_query(name + ".", type_, use_edns=0, payload=1232)
    if not recursive:
        query.flags &= ~dns.flags.RD
    if not _has_route(server.address):  # older dnspythons do not hear of it, and wait
        return DnsReason.UNREACHABLE
    try:
        answer, _ = await dns.asyncquery.udp_with_fallback(
            query, server.address, SECONDS, server.port, ignore_unexpected=True
        )
    except (dns.exception.Timeout, TimeoutError, asyncio.TimeoutError):
        return DnsReason.TIMEOUT
    except OSError:
        return DnsReason.UNREACHABLE
    except Exception:  # noqa: BLE001 - a strange answer ends nothing but this question
        return DnsReason.INVALID
    return _judged(answer, recursive=recursive)


def _judged(answer: dns.message.Message, *, recursive: bool) -> dns.message.Message | DnsReason:
    refusals = {
        dns.rcode.REFUSED: DnsReason.REFUSED,
        dns.rcode.NOTAUTH: DnsReason.REFUSED,
        dns.rcode.SERVFAIL: DnsReason.SERVER_FAILURE,
        dns.rcode.NOERROR: None,
        dns.rcode.NXDOMAIN: None,
    }
    reason = refusals.get(answer.rcode(), DnsReason.INVALID)
    if reason is not None:
        return reason
    recursed = recursive and bool(answer.flags & dns.flags.RA)
    return answer if recursed or _is_authoritative(answer) else DnsReason.LAME


def _is_authoritative(answer: dns.message.Message) -> bool:
    return bool(answer.flags & dns.flags.AA)


def _find(answer: dns.message.Message, name: str, type_: str) -> dns.rrset.RRset | None:
    """The record set itself: what a CNAME leads to is not what we publish."""
    wanted = (name + ".", dns.rdatatype.from_text(type_))
    matching = (r for r in answer.answer if (str(r.name).lower(), r.rdtype) == wanted)
    return next(matching, None)


async def _addresses_of(resolver: dns.asyncresolver.Resolver, host: str) -> list[str]:
    """All addresses of a name server; one that has none, or is not found, is no error here."""
    found: list[str] = []
    for type_ in (RecordType.A, RecordType.AAAA):
        try:
            answer = await resolver.resolve(host, type_.value, search=False)
        except (dns.exception.DNSException, OSError):
            continue
        found += [canonical_address(rdata.address) for rdata in answer]
    return found


def _has_route(address: str) -> bool:
    """Whether a packet could leave for ``address``; a UDP connect sends none."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 53))
    except OSError:
        return False
    return True
