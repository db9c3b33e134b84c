"""The virtual loop is a loop, and takes no time."""

from __future__ import annotations

import asyncio

import pytest

from tests.simulation import virtual_time
from tests.simulation.virtual_time import Deadlock, VirtualTimeLoop


def test_sleeping_moves_the_clock_and_nothing_else_does() -> None:
    async def main() -> list[float]:
        times = [virtual_time.loop().time()]
        await asyncio.sleep(86400.0)
        times.append(virtual_time.loop().time())
        for _ in range(100):
            await asyncio.sleep(0)
        return [*times, virtual_time.loop().time()]

    assert virtual_time.run(main(), start=5.0) == [5.0, 86405.0, 86405.0]


def test_timers_fire_at_their_times_and_in_order() -> None:
    async def main() -> list[tuple[str, float]]:
        loop = virtual_time.loop()
        seen: list[tuple[str, float]] = []

        def note(name: str) -> None:
            seen.append((name, loop.time() - 1000.0))

        for name, delay in (("c", 3.0), ("a", 0.0), ("b", 1.5)):
            loop.call_later(delay, note, name)
        loop.call_later(2.0, note, "never").cancel()
        await asyncio.sleep(10.0)
        return seen

    assert virtual_time.run(main()) == [("a", 0.0), ("b", 1.5), ("c", 3.0)]


def test_tasks_wait_for_each_other_and_for_no_longer_than_they_want() -> None:
    async def main() -> tuple[str, float, float]:
        async def work(seconds: float) -> str:
            await asyncio.sleep(seconds)
            return "done"

        found = await asyncio.wait_for(asyncio.ensure_future(work(4.0)), 5.0)
        then = virtual_time.loop().time()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(work(60.0), 5.0)
        return found, then, virtual_time.loop().time()

    assert virtual_time.run(main()) == ("done", 1004.0, 1009.0)


def test_standing_still_lets_timers_be_late() -> None:
    async def main() -> float:
        loop = virtual_time.loop()
        loop.call_later(1.0, loop.stand_still, 30.0)
        await asyncio.sleep(2.0)
        return loop.time()

    assert virtual_time.run(main()) == 1031.0


def test_waiting_for_ever_is_a_deadlock() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock, match=r"at 1000\.0 s"):
        virtual_time.run(main())


def test_what_fails_in_a_callback_is_raised() -> None:
    def fail() -> None:
        raise KeyError("nothing")

    async def main() -> None:
        asyncio.get_running_loop().call_later(1.0, fail)
        await asyncio.sleep(2.0)

    with pytest.raises(KeyError, match="nothing"):
        virtual_time.run(main())


def test_tasks_that_are_left_are_cancelled() -> None:
    seen: list[str] = []

    async def left() -> None:
        try:
            await asyncio.sleep(1e9)
        finally:
            seen.append("cancelled")

    async def main() -> asyncio.Task[None]:
        task = asyncio.ensure_future(left())
        await asyncio.sleep(1.0)
        return task

    assert virtual_time.run(main()).cancelled()
    assert seen == ["cancelled"]


def test_a_loop_is_stepped_from_outside_and_nothing_goes_on_in_between() -> None:
    made = VirtualTimeLoop()  # type: ignore[abstract]
    seen: list[float] = []

    async def tick() -> None:
        while True:
            await asyncio.sleep(1.0)
            seen.append(made.time())

    async def begin() -> asyncio.Task[None]:
        return asyncio.ensure_future(tick())

    task = made.step(begin())
    made.settle()
    assert seen == []
    made.step(asyncio.sleep(2.5))
    assert seen == [1001.0, 1002.0]
    made.step(asyncio.sleep(1.0))
    assert seen == [1001.0, 1002.0, 1003.0]
    made.close()
    assert task.cancelled()
