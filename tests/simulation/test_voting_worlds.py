"""Drawn worlds with votes: the ten laws after every call, that of the majority, bounded writes.

`SEED=n` plays one world, `VOTING_WORLDS=n` as many as told; `make soak` has them, too.
"""

from __future__ import annotations

import os

import pytest

from dnsbalancer_exporter import plan
from tests.simulation import virtual_time
from tests.simulation.majority import VotingWorld, told

WORLDS = int(os.environ.get("VOTING_WORLDS", "240"))
CHUNKS = 24
SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else range(WORLDS)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_law_holds_with_votes_and_the_majority_keeps_its_machines(chunk: int) -> None:
    assert [story for seed in SEEDS[chunk::CHUNKS] if (story := told(seed))] == []


def test_in_these_worlds_machines_are_withdrawn_that_some_reach() -> None:
    """Else the test above would show nothing."""
    worlds = [virtual_time.run(VotingWorld(seed).play()) for seed in range(40)]
    assert sum(world.withdrawn for world in worlds) > 20
    assert sum(world.near for world in worlds) > 0


def test_without_the_votes_a_majority_loses_machines_that_it_reaches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The judge can find it: this is why there are votes."""
    monkeypatch.setattr(plan, "_agreed", lambda *_: True)
    assert any("law of votes" in told(seed) for seed in range(60))
