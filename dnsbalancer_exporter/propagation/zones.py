"""Whom to ask about a zone: the configured resolvers, or its own name servers, found now and then.

The zone's negative TTL is read on the way, at the slow pace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from dnsbalancer_exporter.errors import DnsBalancerError
from dnsbalancer_exporter.model import NameServer, Pool, RecordSetKey
from dnsbalancer_exporter.report import Served

SOA_AGAIN = 300.0
"""Seconds after which a zone's SOA is read again."""

FIND_AGAIN = 3600.0
"""Seconds after which a zone's name servers are looked for again."""

FIND_RETRY = 60.0
"""The same after they could not be found."""


class Asker(Protocol):
    """Who asks the name servers; only `find` raises, DnsBalancerError."""

    async def find(self, zone: str) -> tuple[NameServer, ...]:
        """The zone's own name servers."""
        ...

    async def served(self, server: NameServer, key: RecordSetKey, *, recursive: bool) -> Served:
        """What a name server says of a record set."""
        ...

    async def negative_ttl(self, server: NameServer, zone: str, *, recursive: bool) -> int | None:
        """For how many seconds "no such record" may be cached; None without an answer."""
        ...


Tell = Callable[[str, str, str], None]
"""Told an event, a sentence and a zone; an event that lasts is told when it begins, and once."""


@dataclass(slots=True)
class _Zone:
    servers: tuple[NameServer, ...] = ()
    find_at: float = 0.0
    soa_at: float = 0.0
    told: bool = False
    searching: asyncio.Lock = field(default_factory=asyncio.Lock)


class Zones:
    """Knows the name servers of zones. ``negative_ttls`` is in seconds, by zone."""

    def __init__(
        self,
        asker: Asker,
        clock: Callable[[], float],
        spread: Callable[[], float],
        tell: Tell,
    ) -> None:
        self.negative_ttls: dict[str, int] = {}
        self._asker = asker
        self._clock = clock
        self._spread = spread
        self._tell = tell
        self._zones: dict[str, _Zone] = {}

    async def servers(self, pool: Pool) -> tuple[NameServer, ...]:
        """Whom to ask for a pool; none if they cannot be found."""
        if pool.resolvers is not None:
            return pool.resolvers
        zone = self._zones.setdefault(pool.zone, _Zone())
        async with zone.searching:
            if self._clock() >= zone.find_at:
                await self._find(pool.zone, zone)
        return zone.servers

    async def _find(self, name: str, zone: _Zone) -> None:
        try:
            zone.servers = await self._asker.find(name)
        except DnsBalancerError as error:
            zone.find_at = self._clock() + FIND_RETRY
            if not zone.told:
                self._tell("dns_find_failed", str(error), name)
            zone.told = True
            return
        zone.find_at = self._clock() + FIND_AGAIN * (1 - self._spread() / 10)
        if zone.told:
            found = ", ".join(map(str, zone.servers))
            self._tell("dns_find_works", f"the name servers of {name} are {found}", name)
        zone.told = False

    async def read_soa(self, pool: Pool) -> None:
        """Take the negative TTL from the first server that gives it, if it is time to."""
        zone = self._zones.setdefault(pool.zone, _Zone())
        if self._clock() < zone.soa_at:
            return
        zone.soa_at = self._clock() + SOA_AGAIN
        for server in await self.servers(pool):
            recursive = pool.resolvers is not None
            found = await self._asker.negative_ttl(server, pool.zone, recursive=recursive)
            if found is not None:
                self.negative_ttls[pool.zone] = found
                return

    def forget(self, zone: str) -> None:
        """Nobody asks about a zone any more."""
        self._zones.pop(zone, None)
        self.negative_ttls.pop(zone, None)
