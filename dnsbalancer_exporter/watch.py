"""Watch: probes every target when it is due, judges each result, says who changed.

The watch never waits for the zone, and the zone's cycle never waits for a probe: both run on one
event loop, and the cycle takes the states as they are. Each target has a timer of its own, so one
that swallows packets delays nobody.

Two things are beyond a single target:

* When a target begins to fail, others of its pool are probed at once (the *roll call*): to be
  withdrawn needs somebody who has answered since, and at an interval of minutes nobody would have.
* When the process stood still (suspend, a frozen host), what it believed before is doubted: results
  that span the gap are discarded, and nobody is DOWN or vouches for others until probed again.
"""

from __future__ import annotations

import asyncio
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from dnsbalancer_exporter import health, restraint
from dnsbalancer_exporter.model import (
    Health,
    HealthState,
    Outcome,
    ProbeReason,
    ProbeResult,
    ProbeSpec,
    TargetKey,
    Timing,
)
from dnsbalancer_exporter.report import PROBE_BUCKETS, Tally, TargetState
from dnsbalancer_exporter.roster import Watched

LATE = 5.0
"""Seconds by which a result or a heartbeat may be late before we hold that we stood still."""

BEAT = 1.0
"""Seconds between two looks at whether we stood still."""

ROLL_CALL = 10
"""How many others are probed at once when a target begins to fail."""


class Prober(Protocol):
    """What makes one attempt; it never raises, whatever happens."""

    async def probe(self, spec: ProbeSpec) -> ProbeResult:
        """Probe once, within ``spec.timeout`` seconds."""
        ...


Listener = Callable[[TargetKey, TargetState, TargetState], None]
"""Told of every judged result: whose, the state before, the state after."""


class Watch:
    """Keeps ``states`` up to date. All methods belong to the event loop's thread.

    ``states`` holds frozen values; other threads may copy it with ``dict(watch.states)``.
    ``stood_still`` counts how often the process did.
    """

    def __init__(self, prober: Prober, clock: Callable[[], float], listener: Listener) -> None:
        self.states: dict[TargetKey, TargetState] = {}
        self._prober = prober
        self._clock = clock
        self._listener = listener
        self._timers: dict[TargetKey, asyncio.TimerHandle] = {}
        self._attempts: dict[TargetKey, asyncio.Task[ProbeResult]] = {}
        self._beat_at = clock()
        self._last_lag = 0.0
        self.stood_still = 0
        self._heart: asyncio.TimerHandle | None = None

    def follow(self, pool: str, timing: Timing, wanted: Iterable[Watched]) -> None:
        """Probe exactly ``wanted`` for ``pool`` from now on; what is unchanged keeps its state.

        A target whose probe has changed starts UNKNOWN again and keeps its counters.
        """
        if self._heart is None:
            self._beat()
        entries = {entry.key: entry for entry in wanted}
        for key in [k for k in self.states if k.pool == pool and k not in entries]:
            self._forget(key)
        for key, entry in entries.items():
            state, target = self.states.get(key), entry.target
            if state is None:
                health_then = HealthState(proven=entry.proven)
                self.states[key] = TargetState(
                    target, health_then, timing=timing, restraint=entry.restraint
                )
            elif state.target.probe != target.probe:
                self.states[key] = TargetState(target, timing=timing, tally=state.tally)
                stale = self._attempts.pop(key, None)
                if stale:
                    stale.cancel()
            else:
                self.states[key] = replace(state, target=target, timing=timing)
                asked = entry.ask_after is not None and not _probed_since(state, entry.ask_after)
                if state.timing == timing and not asked:
                    continue
            self._due(key, 0.0)

    def unfollow(self, pool: str) -> None:
        """Stop probing for ``pool`` and forget its states."""
        for key in [k for k in self.states if k.pool == pool]:
            self._forget(key)

    def lag(self) -> float:
        """Seconds by which the heartbeat is late, or was the last time; from any thread."""
        if self._heart is None:
            return 0.0
        return max(self._last_lag, self._clock() - self._beat_at - BEAT)

    def late(self) -> float:
        """Seconds by which the heart, or the most overdue probe, is late; 0 if none is."""
        due = [state.next_at + state.target.probe.timeout for state in self.states.values()]
        return max(0.0, self._clock() - min([self._beat_at + BEAT, *due]))

    def close(self) -> None:
        """Stop all probes."""
        if self._heart:
            self._heart.cancel()
        for key in list(self.states):
            self._forget(key)

    def _forget(self, key: TargetKey) -> None:
        timer, attempt = self._timers.pop(key, None), self._attempts.pop(key, None)
        if timer:
            timer.cancel()
        if attempt:
            attempt.cancel()
        del self.states[key]

    # --- one probe after another --------------------------------------------------------

    def _due(self, key: TargetKey, delay: float) -> None:
        timer = self._timers.pop(key, None)
        if timer:
            timer.cancel()
        self.states[key] = replace(self.states[key], next_at=self._clock() + delay)
        loop = asyncio.get_running_loop()
        self._timers[key] = loop.call_later(delay, self._attempt, key)

    def _attempt(self, key: TargetKey) -> None:
        self._timers.pop(key, None)
        if key in self._attempts:
            return  # its end sets the next timer
        probe = self._prober.probe(self.states[key].target.probe)
        attempt = asyncio.ensure_future(probe)
        self._attempts[key] = attempt
        attempt.add_done_callback(lambda done: self._finished(key, done))

    def _finished(self, key: TargetKey, attempt: asyncio.Task[ProbeResult]) -> None:
        if self._attempts.get(key) is not attempt:
            return  # forgotten, or replaced, while it was on its way
        del self._attempts[key]
        before, now = self.states[key], self._clock()
        result = attempt.result()
        stood_still = now - self._beat_at > LATE + BEAT
        if stood_still or now - result.started > before.target.probe.timeout + LATE:
            result = ProbeResult(
                Outcome.ERROR, result.started, now - result.started, ProbeReason.LATE
            )
        after = judged(before, result, now)
        self.states[key] = after
        wait = health.delay(after.health, before.timing)
        if before.health.health is Health.UNKNOWN and health.settled(after.health, before.timing):
            wait *= _phase(key)  # from here on the probes of a pool are spread over the interval
        self._due(key, wait)
        if result.outcome is Outcome.FAILURE and before.health.health is not Health.DOWN:
            self._roll_call(key, result.started)
        self._listener(key, before, after)

    def _roll_call(self, failed: TargetKey, since: float) -> None:
        asked = 0
        for key, state in self.states.items():
            if key.pool != failed.pool or key == failed or key in self._attempts:
                continue
            if not _probed_since(state, since):
                self._due(key, 0.0)
                asked += 1
            if asked == ROLL_CALL:
                break

    # --- standing still -----------------------------------------------------------------

    def _beat(self) -> None:
        now = self._clock()
        if self._heart:  # not the first one
            self._last_lag = max(0.0, now - self._beat_at - BEAT)
            if now - self._beat_at > LATE:
                self.stood_still += 1
                self._doubt_everything()
        self._beat_at = now
        self._heart = asyncio.get_running_loop().call_later(BEAT, self._beat)

    def _doubt_everything(self) -> None:
        attempts, self._attempts = self._attempts, {}
        for attempt in attempts.values():
            attempt.cancel()
        for key, state in list(self.states.items()):
            doubted = replace(state.health, failures=0, successes=0, failing_since=None, errors=1)
            self.states[key] = replace(state, health=doubted)
            self._due(key, 0.0)


def _probed_since(state: TargetState, at: float) -> bool:
    return state.last is not None and state.last.started >= at


def judged(before: TargetState, result: ProbeResult, now: float) -> TargetState:
    """Return what one more result makes of a target: its health, restraint and counters."""
    after = health.step(before.health, result, before.timing)
    held = before.restraint
    expires = result.certificate_expires
    if before.health.health is Health.DOWN and after.health is Health.UP:
        held = restraint.note(held, restraint.hold_down(before.timing), now)
    return replace(
        before,
        health=after,
        last=result,
        recent=before.recent.plus(result),
        restraint=held,
        tally=_counted(before.tally, before.health, after, result),
        certificate_expires=before.certificate_expires if expires is None else expires,
    )


def _counted(tally: Tally, before: HealthState, after: HealthState, result: ProbeResult) -> Tally:
    failures, transitions = tally.failures, tally.transitions
    buckets, total = tally.buckets, tally.duration_sum
    if result.reason is not None:
        failures = {**failures, result.reason: failures.get(result.reason, 0) + 1}
    else:
        index = bisect_left(PROBE_BUCKETS, result.duration)
        buckets = (*buckets[:index], buckets[index] + 1, *buckets[index + 1 :])
        total += result.duration
    if before.health is not after.health:
        transitions = {**transitions, after.health: transitions.get(after.health, 0) + 1}
    return Tally(tally.probes + 1, failures, buckets, total, transitions)


def _phase(key: TargetKey) -> float:
    """Where in the interval a target is probed: the same in each run, different for each target."""
    return (zlib.crc32(f"{key.pool}/{key.address}".encode()) + 1) / 2**32
