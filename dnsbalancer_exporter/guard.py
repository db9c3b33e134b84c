"""The guard: the one place through which every write goes, and where it is refused.

A record may be written only under the names and types of the pools that are enforced; the lock only
in their zones, votes only at their ballots. So `mode: observe` and the verb `plan` cannot write,
and law 2 (never foreign) holds for names and types, whatever the code above may come to do. A write
that is refused here is a bug.
"""

from __future__ import annotations

from collections.abc import Iterable

from dnsbalancer_exporter.boundary import Exchange, Provider
from dnsbalancer_exporter.lock import LABEL
from dnsbalancer_exporter.model import Create, Mode, Pool, Record
from dnsbalancer_exporter.names import RecordType, fqdn
from dnsbalancer_exporter.vote import ballot_name

Place = tuple[str, str, RecordType]
"""A zone, a name in it, and a type."""


class Forbidden(AssertionError):
    """Something tried to write what no pool allows."""


def writable(pools: Iterable[Pool]) -> frozenset[Place]:
    """Where records may be written: nowhere for a pool that is observed."""
    enforced = [pool for pool in pools if pool.mode is Mode.ENFORCE]
    sets = {(p.zone, name, type_) for p in enforced for name in p.records for type_ in p.types}
    locks = {(p.zone, fqdn(LABEL, p.zone), RecordType.TXT) for p in enforced}
    ballots = {(p.zone, ballot_name(p), RecordType.TXT) for p in enforced if p.quorum}
    return frozenset(sets | locks | ballots)


class Guard:
    """A Provider that writes nowhere but in ``places``, which may be changed."""

    def __init__(self, provider: Provider, places: frozenset[Place]) -> None:
        self._provider = provider
        self.places = places

    @property
    def exchange(self) -> Exchange | None:
        """The provider's, guarded; None if it has none."""
        return self if self._provider.exchange else None

    async def list_records(self, zone: str, type: RecordType, budget: float) -> tuple[Record, ...]:
        """As the provider's: reading is free."""
        return await self._provider.list_records(zone, type, budget)

    async def create_record(self, zone: str, create: Create) -> Record:
        """As the provider's, or Forbidden."""
        self._check(zone, create)
        return await self._provider.create_record(zone, create)

    async def delete_record(self, zone: str, record: Record) -> None:
        """As the provider's, or Forbidden."""
        self._check(zone, record)
        await self._provider.delete_record(zone, record)

    async def delete_records(
        self, zone: str, seen: tuple[Record, ...], gone: tuple[Record, ...]
    ) -> None:
        """As the provider's exchange, or Forbidden."""
        for record in gone:
            self._check(zone, record)
        assert self._provider.exchange  # noqa: S101 - `exchange` above has said so
        await self._provider.exchange.delete_records(zone, seen, gone)

    def _check(self, zone: str, what: Create | Record) -> None:
        if (zone, what.name, what.type) not in self.places:
            raise Forbidden(f"not to be written: {what.name} {what.type.value} in {zone}")
