"""Thousands of drawn worlds: inside the lock's assumptions every law holds after every call.

`SEED=n` plays one world, `WORLDS=n` as many as told; `make soak` plays until it is told to stop.
"""

from __future__ import annotations

import os

import pytest

from tests.simulation import virtual_time
from tests.simulation.laws import LawBroken
from tests.simulation.world import CYCLES, World, told

WORLDS = int(os.environ.get("WORLDS", "5000"))
CHUNKS = 40
SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else range(WORLDS)


def chunk_of(seeds: range | list[int], chunk: int) -> list[int]:
    return list(seeds[chunk::CHUNKS])


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_law_holds_after_every_call(chunk: int) -> None:
    assert [story for seed in chunk_of(SEEDS, chunk) if (story := told(seed))] == []


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_outside_the_assumptions_a_gap_is_refilled_and_counted(chunk: int) -> None:
    seeds = chunk_of(SEEDS, chunk)[: max(1, WORLDS // CHUNKS // 10)]
    assert [story for seed in seeds if (story := told(seed, strict=False))] == []


def test_a_world_has_its_cycles_and_plays_alike_twice() -> None:
    first, second = (virtual_time.run(World(7).play()) for _ in range(2))
    assert first.laws.log == second.laws.log
    assert first.cycles >= CYCLES


def test_outside_the_assumptions_there_are_gaps_and_somebody_counts_them() -> None:
    """Else the test above would show nothing."""
    worlds = [virtual_time.run(World(seed, strict=False).play()) for seed in range(40)]
    assert any(line.endswith("-> []") for world in worlds for line in world.laws.log)
    assert sum(daemon.gaps for world in worlds for daemon in world.laws.daemons) > 0


def test_without_the_lock_the_name_is_emptied() -> None:
    """The simulation can fail: this is why there is a lock."""
    stories = (_told_without_lock(seed) for seed in range(400))
    assert any("law 1" in story for story in stories)


def _told_without_lock(seed: int) -> str:
    try:
        virtual_time.run(World(seed, locked=False).play())
    except LawBroken as broken:
        return str(broken)
    return ""
