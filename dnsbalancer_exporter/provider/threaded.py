"""A driver in threads: what blocks (requests) must delay neither a probe nor a shutdown.

Each call runs in a daemon thread of its own and is waited for no longer than a deadline. A call
that is not waited for any more is left to its end: for a write, that means a lost answer.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from dnsbalancer_exporter.errors import AnswerLost, ApiReason, ProviderError
from dnsbalancer_exporter.model import Create, Record
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.provider import Driver

T = TypeVar("T")


class Threaded:
    """Satisfies the cycle's Provider with a synchronous driver.

    ``write_seconds`` is the longest wait for a write: the margin of the lock.
    """

    def __init__(self, driver: Driver, write_seconds: float) -> None:
        self._driver = driver
        self._write_seconds = write_seconds

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


async def _call(work: Callable[[], T], seconds: float, late: type[ProviderError]) -> T:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)  # type: ignore[arg-type]

    def run() -> None:
        value: T | None = None
        failure: BaseException | None = None
        try:
            value = work()
        except BaseException as error:  # noqa: BLE001 - it is raised again in the loop
            failure = error
        try:
            loop.call_soon_threadsafe(settle, value, failure)
        except RuntimeError:
            return  # the loop has closed: nobody waits any more

    try:
        threading.Thread(target=run, name="api", daemon=True).start()
    except RuntimeError as error:
        text = f"no thread to be had for the API ({error}); nothing was sent"
        raise ProviderError(ApiReason.CONNECTION, text) from None
    # Not wait_for: before Python 3.12 it can lose a cancellation, and SIGTERM with it.
    await asyncio.wait({future}, timeout=seconds)
    if future.done():
        return future.result()
    raise late(ApiReason.TIMEOUT, f"the API did not answer within {seconds:.0f} s")
