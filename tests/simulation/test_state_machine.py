"""The world's events as rules of a state machine: what breaks a law is shrunk to the fewest steps.

The drawn worlds (test_worlds.py) are many and long; these are few and short, and tell a story.
Every law is judged after every call (laws.py), and a name that has a record has one for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dnsbalancer_exporter.model import Mode
from tests.simulation.instance import Instance
from tests.simulation.stage import A, B, C, Stage
from tests.simulation.virtual_time import VirtualTimeLoop

MACHINES = st.sampled_from((A, B, C))
SECONDS = st.sampled_from((0.1, 1.0, 5.0, 20.0, 70.0))
CHANGES: tuple[dict[str, Any], ...] = (
    {},
    {"min_records": 2},
    {"mode": Mode.OBSERVE},
    {"retired": (B,)},
)


class Life(RuleBasedStateMachine):
    """Three machines; each step is an event and the time that passes after it."""

    lease: float | None = None

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualTimeLoop()  # type: ignore[abstract]
        self.stage = Stage(A, B, C)
        self.had = True

    def happen(self, event: Callable[[], object], seconds: float) -> None:
        """Let it happen, and time pass; raises what breaks a law."""

        async def story() -> None:
            event()
            await asyncio.sleep(seconds)

        self.loop.step(story())

    @initialize(seed=st.integers(0, 1000), there=st.sets(MACHINES))
    def begin(self, seed: int, there: set[str]) -> None:
        self.stage = Stage(A, B, C, records=sorted(there), seed=seed, lease=self.lease)
        self.had = bool(there)
        for place in (A, B, C):
            self.happen(partial(self.stage.start, place), 0.0)

    # --- the network ------------------------------------------------------------------------

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.happen(lambda: None, seconds)

    @rule(address=MACHINES, seconds=SECONDS)
    def an_application_dies_or_returns(self, address: str, seconds: float) -> None:
        up = self.stage.network.up
        self.happen(lambda: up.update({address: not up[address]}), seconds)

    @rule(place=MACHINES, address=MACHINES, seconds=SECONDS)
    def a_way_is_cut(self, place: str, address: str, seconds: float) -> None:
        self.happen(lambda: self.stage.network.cuts.add((place, address)), seconds)

    @rule(seconds=SECONDS)
    def all_are_apart(self, seconds: float) -> None:
        self.happen(lambda: self.stage.part((A,), (B,), (C,)), seconds)

    @rule(loss=st.sampled_from((0.1, 0.5)), seconds=SECONDS)
    def packets_are_lost(self, loss: float, seconds: float) -> None:
        self.stage.network.loss = loss
        self.happen(lambda: None, seconds)

    @rule(seconds=SECONDS)
    def the_network_is_well(self, seconds: float) -> None:
        self.happen(self.stage.join, seconds)

    # --- the API ----------------------------------------------------------------------------

    @rule(trouble=st.sampled_from((0.1, 0.5)), seconds=SECONDS)
    def the_api_has_trouble(self, trouble: float, seconds: float) -> None:
        self.stage.api.trouble = trouble
        self.happen(lambda: None, seconds)

    @rule(seconds=SECONDS)
    def the_api_is_well(self, seconds: float) -> None:
        self.stage.api.trouble = 0.0
        self.happen(lambda: None, seconds)

    @rule(place=MACHINES, kind=st.sampled_from(("mute", "deaf", "offline")), seconds=SECONDS)
    def a_machine_is_without_the_api(self, place: str, kind: str, seconds: float) -> None:
        self.happen(lambda: getattr(self.stage.network, kind).add(place), seconds)

    # --- the daemons ------------------------------------------------------------------------

    @rule(place=MACHINES, seconds=SECONDS)
    def a_daemon_stands_still(self, place: str, seconds: float) -> None:
        self.happen(self.stage.at[place].pause, seconds)

    @rule(place=MACHINES, seconds=SECONDS)
    def a_daemon_goes_on(self, place: str, seconds: float) -> None:
        self.happen(self.stage.at[place].wake, seconds)

    @rule(place=MACHINES, end=st.sampled_from((Instance.terminate, Instance.kill)), seconds=SECONDS)
    def a_daemon_ends(self, place: str, end: Callable[[Instance], None], seconds: float) -> None:
        self.happen(lambda: end(self.stage.at[place]), seconds)

    @precondition(lambda self: any(i.daemon is None for i in self.stage.at.values()))
    @rule(remembers=st.booleans(), seconds=SECONDS)
    def a_daemon_starts(self, remembers: bool, seconds: float) -> None:
        place = next(place for place, i in self.stage.at.items() if i.daemon is None)
        self.happen(lambda: self.stage.start(place, remembers=remembers), seconds)

    # --- people -----------------------------------------------------------------------------

    @rule(place=MACHINES, address=MACHINES, forced=st.booleans(), seconds=SECONDS)
    def somebody_drains(self, place: str, address: str, forced: bool, seconds: float) -> None:
        instance = self.stage.at[place]
        if instance.lives and instance.daemon:
            daemon = instance.daemon
            drain = daemon.drain
            self.happen(lambda: daemon.process.run(drain, address, 60.0, forced), seconds)

    @rule(place=MACHINES, changes=st.sampled_from(CHANGES), seconds=SECONDS)
    def somebody_reloads(self, place: str, changes: dict[str, Any], seconds: float) -> None:
        if self.stage.at[place].lives:
            self.happen(lambda: self.stage.reload(place, **changes), seconds)

    @rule(address=MACHINES, seconds=SECONDS)
    def somebody_adds_a_record(self, address: str, seconds: float) -> None:
        self.happen(lambda: self._add(address), seconds)

    def _add(self, address: str) -> None:
        self.stage.store.add(f"@ A {address}")
        self.stage.laws.by_hand(f"adds {address}")

    # --- what holds -------------------------------------------------------------------------

    @invariant()
    def once_there_is_a_record_there_always_is_one(self) -> None:
        there = bool(self.stage.published)
        assert there or not self.had
        self.had = there

    def teardown(self) -> None:
        async def story() -> None:
            self.stage.end()

        self.loop.stops = False
        self.loop.step(story())
        self.loop.close()


class LifeWithVotes(Life):
    """The same, with a quorum."""

    lease = 30.0


TestLife = Life.TestCase
TestLifeWithVotes = LifeWithVotes.TestCase
TestLife.settings = TestLifeWithVotes.settings = settings(
    max_examples=100,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
