"""Deadlines: who is told of, when nobody is on time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from dnsbalancer_exporter.probe.deadlines import Deadlines


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def test_who_is_overdue_is_told_and_who_was_dropped_is_not() -> None:
    told: list[str] = []

    async def run() -> None:
        deadlines: Deadlines[str] = Deadlines(told.extend)
        for name in ("a", "b", "c"):
            deadlines.add(name, 0.02)
        deadlines.add("long", 30.0)
        deadlines.drop("b", 0.02)
        deadlines.drop("b", 0.02)
        deadlines.drop("never there", 5.0)
        await until(lambda: len(told) == 2)
        deadlines.add("d", 0.02)
        await until(lambda: len(told) == 3)
        assert deadlines.clear() == ["long"]

    asyncio.run(run())
    assert told == ["a", "c", "d"]


def test_equal_timeouts_have_one_timer_and_leave_nothing() -> None:
    async def run() -> None:
        timers = 0
        loop = asyncio.get_running_loop()
        call_later = loop.call_later

        def counting(*arguments: object) -> asyncio.TimerHandle:
            nonlocal timers
            timers += 1
            return call_later(*arguments)  # type: ignore[arg-type]

        loop.call_later = counting  # type: ignore[assignment]
        deadlines: Deadlines[int] = Deadlines(lambda _: None)
        for number in range(10_000):
            deadlines.add(number, 60.0)
            if number >= 100:
                deadlines.drop(number - 100, 60.0)
        assert timers == 1
        assert deadlines.clear() == list(range(9900, 10_000))

    asyncio.run(run())


def test_what_ends_soon_does_not_wait_for_what_ends_late() -> None:
    told: list[str] = []

    async def run() -> None:
        deadlines: Deadlines[str] = Deadlines(told.extend)
        deadlines.add("long", 0.3)
        deadlines.add("short", 0.01)
        await until(lambda: len(told) == 2)

    asyncio.run(run())
    assert told == ["short", "long"]
