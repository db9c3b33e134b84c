"""Several writers that disagree: never empty, never foreign, and converged when they agree again.

`SEED=n` plays one world, `WORLDS=n` as many as told.
"""

from __future__ import annotations

import os

import pytest

from tests.simulation import virtual_time
from tests.simulation.writers import LawBroken, world

WORLDS = int(os.environ.get("WORLDS", "400"))
CHUNKS = 8


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_laws_hold_after_every_call_of_every_writer(chunk: int) -> None:
    seeds = [int(os.environ["SEED"])] if "SEED" in os.environ else range(chunk, WORLDS, CHUNKS)
    assert [story for seed in seeds if (story := _told(seed))] == []


def test_without_the_lock_the_same_worlds_empty_the_name() -> None:
    """The simulation can fail: this is why there is a lock."""
    assert any(_told(seed, locked=False) for seed in range(40))


def _told(seed: int, *, locked: bool = True) -> str:
    """How a law was broken in this world; "" if none was."""
    try:
        virtual_time.run(world(seed, locked=locked))
    except LawBroken as broken:
        return f"SEED={seed}: {broken}"
    return ""
