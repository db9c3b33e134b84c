"""A driver in threads: what blocks (requests) must delay neither a probe nor a shutdown.

A call that is not waited for any more is left to its end: for a write, that means a lost answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from dnsbalancer_exporter.errors import AnswerLost, ApiReason, ProviderError
from dnsbalancer_exporter.model import Create, Record
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.provider import Driver, Exchanging, Login, LogsIn
from dnsbalancer_exporter.threads import Late, NoThread, aside

T = TypeVar("T")


class Threaded:
    """Satisfies the cycle's Provider with a synchronous driver.

    ``write_seconds`` is the longest wait for a write: the margin of the lock.
    """

    def __init__(self, driver: Driver, write_seconds: float) -> None:
        self._driver = driver
        self._write_seconds = write_seconds
        self.exchange = (
            ThreadedExchange(driver, write_seconds) if isinstance(driver, Exchanging) else None
        )

    async def log_in(self, budget: float) -> Login | None:
        """As the driver's; None from a driver that has no login of its own."""
        driver = self._driver
        if not isinstance(driver, LogsIn):
            return None
        return await _call(lambda: driver.log_in(budget), budget + 5.0, ProviderError)

    @property
    def token_expires_at(self) -> float | None:
        """As the driver's, at once; None from a driver that has no login of its own."""
        driver = self._driver
        return driver.token_expires_at if isinstance(driver, LogsIn) else None

    async def list_records(self, zone: str, type: RecordType, budget: float) -> tuple[Record, ...]:
        """As the driver's; given up a little after ``budget`` seconds."""
        return await _call(
            lambda: self._driver.list_records(zone, type, budget), budget + 5.0, ProviderError
        )

    async def create_record(self, zone: str, create: Create) -> Record:
        """As the driver's; AnswerLost when it takes too long."""
        return await _call(
            lambda: self._driver.create_record(zone, create), self._write_seconds, AnswerLost
        )

    async def delete_record(self, zone: str, record: Record) -> None:
        """As the driver's; AnswerLost when it takes too long."""
        return await _call(
            lambda: self._driver.delete_record(zone, record), self._write_seconds, AnswerLost
        )


class ThreadedExchange:
    """Satisfies the cycle's Exchange with a driver that can compare and swap."""

    def __init__(self, driver: Exchanging, write_seconds: float) -> None:
        self._driver = driver
        self._write_seconds = write_seconds

    async def delete_records(
        self, zone: str, seen: tuple[Record, ...], gone: tuple[Record, ...]
    ) -> None:
        """As the driver's; AnswerLost when it takes too long."""
        return await _call(
            lambda: self._driver.delete_records(zone, seen, gone), self._write_seconds, AnswerLost
        )


async def _call(work: Callable[[], T], seconds: float, late: type[ProviderError]) -> T:
    try:
        return await aside(work, seconds)
    except NoThread as error:
        text = f"no thread to be had for the API ({error}); nothing was sent"
        raise ProviderError(ApiReason.CONNECTION, text) from None
    except Late:
        text = f"the API did not answer within {seconds:.0f} s"
        raise late(ApiReason.TIMEOUT, text) from None
