"""What the cycle needs of the world: a provider's records, and a lock. Drivers are seen only so."""

from __future__ import annotations

from typing import Protocol

from dnsbalancer_exporter.model import Create, Pool, Record
from dnsbalancer_exporter.names import RecordType


class Exchange(Protocol):
    """What a provider offers beyond single writes if it can compare and swap (RFC 2136, 2.4)."""

    async def delete_records(
        self, zone: str, seen: tuple[Record, ...], gone: tuple[Record, ...]
    ) -> None:
        """In one step, delete ``gone`` if their record set holds exactly ``seen``.

        Raises Conflict if it does not, else ProviderError and AnswerLost as other writes.
        """
        ...


class Records(Protocol):
    """The records of zones, one at a time. Names and addresses are canonical; every call may raise
    ProviderError, a write also Conflict (create) and AnswerLost.
    """

    async def list_records(
        self,
        zone: str,
        type: RecordType,
        budget: float,
    ) -> tuple[Record, ...]:
        """All records of one type in the zone, within ``budget`` seconds."""
        ...

    async def create_record(self, zone: str, create: Create) -> Record:
        """Create one record: one attempt."""
        ...

    async def delete_record(self, zone: str, record: Record) -> None:
        """Delete one record by its id: one attempt; done, too, if there is no such id."""
        ...


class Provider(Records, Protocol):
    """The zone, as the cycle sees it."""

    @property
    def exchange(self) -> Exchange | None:
        """Compare and swap, which needs no lock; None: withdrawals take the lock."""
        ...


class Lock(Protocol):
    """What keeps the withdrawals of several writers of a pool's zone apart (law 9).

    ``writes`` is how many writes it costs to take it and to give it back.
    """

    writes: int

    async def take(self, pool: Pool) -> bool:
        """Try to take the lock; False means that withdrawals wait."""
        ...

    def valid(self, pool: Pool) -> bool:
        """Say whether a DELETE may be sent now."""
        ...

    def retry_at(self, pool: Pool) -> float:
        """When `take` is worth another attempt, on the process's clock."""
        ...

    async def release(self, pool: Pool, *, settled: bool) -> None:
        """Give the lock back, or leave it to its lease if a DELETE is not settled."""
        ...

    async def tidy(self, pool: Pool) -> None:
        """Make up for a release that failed; nothing if there is none."""
        ...
