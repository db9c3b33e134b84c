"""The pace of writes, in virtual time: how many at once, how many a second, and who goes first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from dnsbalancer_exporter.pace import BURST, PATIENCE, Pace
from tests.simulation import virtual_time

START = 1000.0
Story = Callable[["Scene"], Awaitable[None]]


class Scene:
    """A pace of ``rate``, and who got a place when: (seconds, name)."""

    def __init__(self, rate: float) -> None:
        self.pace = Pace(lambda: asyncio.get_running_loop().time(), rate)
        self.got: list[tuple[float, str]] = []
        self.left: list[tuple[float, str]] = []

    async def write(self, name: str, *, urgent: bool = False, writes: int = 1) -> None:
        placed = await self.pace.place(urgent=urgent, writes=writes)
        now = round(asyncio.get_running_loop().time() - START, 3)
        (self.got if placed else self.left).append((now, name))


def play(rate: float, story: Story) -> Scene:
    scene = Scene(rate)

    async def told() -> None:
        scene.pace.begin()
        await story(scene)

    virtual_time.run(told(), START)
    return scene


def many(count: int, name: str, *, urgent: bool = False) -> Story:
    async def story(scene: Scene) -> None:
        await asyncio.gather(*(scene.write(f"{name}{n}", urgent=urgent) for n in range(count)))

    return story


def test_a_burst_goes_at_once_and_then_so_many_in_a_second() -> None:
    scene = play(2.0, many(BURST + 4, "w"))
    assert [at for at, _ in scene.got] == [0.0] * BURST + [0.5, 1.0, 1.5, 2.0]


def test_without_a_rate_nobody_waits() -> None:
    assert play(float("inf"), many(1000, "w")).got[-1][0] == 0.0


def test_in_any_second_there_are_no_more_than_a_burst_and_the_rate() -> None:
    async def story(scene: Scene) -> None:
        for n in range(40):
            await scene.write(f"w{n}")
            await asyncio.sleep(0.13 * (n % 5))
            scene.pace.begin()

    times = [at for at, _ in play(4.0, story).got]
    assert len(times) == 40
    assert all(sum(at <= other < at + 1.0 for other in times) <= BURST + 4 for at in times)


@pytest.mark.parametrize("order", ["calm first", "urgent first"])
def test_what_is_urgent_goes_first_whenever_it_comes(order: str) -> None:
    async def story(scene: Scene) -> None:
        await many(BURST, "at once")(scene)
        calm, urgent = many(3, "calm"), many(3, "urgent", urgent=True)
        first, second = (calm, urgent) if order == "calm first" else (urgent, calm)
        await asyncio.gather(first(scene), second(scene))

    names = [name.rstrip("012345") for _, name in play(2.0, story).got]
    assert names[BURST:] == ["urgent"] * 3 + ["calm"] * 3


def test_after_the_patience_of_a_turn_the_rest_is_left() -> None:
    scene = play(2.0, many(BURST + 25, "w", urgent=True))
    assert len(scene.got) == BURST + int(PATIENCE * 2)
    assert len(scene.left) == 25 - int(PATIENCE * 2)
    assert scene.pace.free_at == pytest.approx(START + PATIENCE + 0.5)


def test_a_pace_too_slow_for_one_turn_leaves_it_to_the_moment_of_the_next_place() -> None:
    async def story(scene: Scene) -> None:
        await many(BURST + 1, "w", urgent=True)(scene)
        assert scene.left == [(0.0, f"w{BURST}")]
        await asyncio.sleep(scene.pace.free_at - asyncio.get_running_loop().time())
        scene.pace.begin()
        await scene.write("at last")

    assert play(0.05, story).got[-1] == (20.0, "at last")


def test_who_is_not_urgent_gives_way_when_a_turn_is_asked_for() -> None:
    async def story(scene: Scene) -> None:
        await many(BURST, "at once")(scene)
        asyncio.get_running_loop().call_later(0.2, scene.pace.hurry)
        await asyncio.gather(scene.write("calm"), scene.write("urgent", urgent=True))
        scene.pace.begin()
        await scene.write("calm again")

    scene = play(2.0, story)
    assert scene.left == [(0.2, "calm")]
    assert scene.got[BURST:] == [(0.5, "urgent"), (1.0, "calm again")]


def test_the_writes_of_a_lock_count_and_wait_for_nobody() -> None:
    async def story(scene: Scene) -> None:
        await many(BURST - 1, "at once")(scene)
        await scene.write("with its lock", urgent=True, writes=3)
        await scene.write("next")

    assert play(2.0, story).got[-2:] == [(0.0, "with its lock"), (1.5, "next")]


def test_who_is_cancelled_is_in_nobodys_way() -> None:
    async def story(scene: Scene) -> None:
        await many(BURST, "at once")(scene)
        urgent = asyncio.ensure_future(scene.write("urgent", urgent=True))
        await asyncio.sleep(0.1)
        urgent.cancel()
        await scene.write("calm")

    assert play(2.0, story).got[-1] == (0.6, "calm")


def test_who_waits_is_told_at_once_that_it_is_over() -> None:
    async def story(scene: Scene) -> None:
        waiting = asyncio.gather(
            *(scene.write(name, urgent=name == "u") for name in (*"abcdef", "u"))
        )
        await asyncio.sleep(0.25)
        scene.pace.close()
        await waiting
        await scene.write("late", urgent=True)

    scene = play(1.0, story)
    assert len(scene.got) == BURST
    assert {at for at, _ in scene.left} == {0.25}
    assert "u" in [name for _, name in scene.left]
    assert scene.left[-1] == (0.25, "late")
