"""The simulated network: whose application answers, and who reaches whom."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from dnsbalancer_exporter.model import Outcome, ProbeReason, ProbeResult, ProbeSpec, Timing
from dnsbalancer_exporter.probe.task import InTask

KEPT = 10


class Network:
    """What is true at the moment. A place is where an instance runs.

    ``cuts`` holds the pairs (place, address) whose probes are swallowed: one way, or both in two
    pairs. ``mute`` places cannot reach the API, ``deaf`` ones do not hear its answers; ``offline``
    ones have no network at all, and know it.
    """

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.up: dict[str, bool] = {}
        self.cuts: set[tuple[str, str]] = set()
        self.mute: set[str] = set()
        self.deaf: set[str] = set()
        self.offline: set[str] = set()
        self.loss = 0.0

    def heal(self) -> None:
        """Everybody reaches everybody."""
        for trouble in (self.cuts, self.mute, self.deaf, self.offline):
            trouble.clear()
        self.loss = 0.0

    def fate(self, place: str, address: str) -> tuple[Outcome, ProbeReason | None]:
        """What becomes of a probe that is sent now."""
        if place in self.offline and place != address:
            return Outcome.ERROR, ProbeReason.NO_ROUTE
        lost = self.loss and self.draw.random() < self.loss and place != address
        if lost or (place, address) in self.cuts:
            return Outcome.FAILURE, ProbeReason.TIMEOUT
        if not self.up.get(address, False):
            return Outcome.FAILURE, ProbeReason.REFUSED
        return Outcome.SUCCESS, None


@dataclass(slots=True)
class Seen:
    """What one daemon has been told of one address, and what may follow from it: the rule of
    rise and fall, written down a second time.
    """

    outcomes: deque[Outcome] = field(default_factory=lambda: deque(maxlen=KEPT))
    run: int = 0
    run_since: float = 0.0
    successes: int = 0
    succeeded_at: float | None = None
    up: bool | None = None

    def note(self, result: ProbeResult, timing: Timing) -> None:
        if result.outcome is Outcome.ERROR:
            return
        self.outcomes.append(result.outcome)
        if result.outcome is Outcome.SUCCESS:
            self.run, self.succeeded_at = 0, result.started
            self.successes += 1
            if self.successes >= timing.rise:
                self._turn(up=True)
        else:
            self.run_since = result.started if self.run == 0 else self.run_since
            self.run += 1
            self.successes = 0
            failures = sum(outcome is Outcome.FAILURE for outcome in self.outcomes)
            if self.run >= timing.fall or failures >= max(timing.fall, 5):
                self._turn(up=False)

    def _turn(self, *, up: bool) -> None:
        if up is not self.up:
            self.up = up
            self.outcomes.clear()

    def doubt(self) -> None:
        """Its process stood still: what was counted up to now is no run any more."""
        self.run = self.successes = 0

    @property
    def fails(self) -> bool:
        """Whether anybody may withdraw it now: held down, and the last result agrees."""
        return self.up is False and self.run > 0

    @property
    def answers(self) -> bool:
        """Whether it answered the last time."""
        return self.successes > 0


class Eyes:
    """A Prober that looks from one place."""

    def __init__(self, network: Network, place: str, clock: Callable[[], float]) -> None:
        self._network = network
        self._place = place
        self._clock = clock

    def begin(self, spec: ProbeSpec, done: Callable[[ProbeResult], None]) -> InTask[ProbeResult]:
        """See watch.Prober."""
        return InTask(self.probe(spec), lambda task: done(task.result()))

    async def probe(self, spec: ProbeSpec) -> ProbeResult:
        started = self._clock()
        outcome, reason = self._network.fate(self._place, spec.address)
        slow = reason is ProbeReason.TIMEOUT
        await asyncio.sleep(spec.timeout if slow else 0.02 * self._network.draw.random())
        return ProbeResult(outcome, started, self._clock() - started, reason)
