"""Watch: probes every target when it is due, judges each result, says who changed.

The watch never waits for the zone, and the zone's cycle never waits for a probe: both run on one
event loop, and the cycle takes the states as they are. One agenda has everybody's next time, with
one timer for all; a target that swallows packets delays nobody.

What concerns more than one target:

* When a target begins to fail, others of its pool are probed at once (the *roll call*): to be
  withdrawn needs somebody who has answered since, and at an interval of minutes nobody would have.
* When the process stood still (suspend, a frozen host), what it believed before is doubted: results
  that span it are discarded, and nobody is DOWN or vouches for others until probed again.
* Who is asked at once waits for a turn, and who is settled for its own moment in the interval
  (rhythm.py): probes are spread, and never a burst.
* No target fails by probes that begin late; but the picture is old then, and `behind` says so.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from dnsbalancer_exporter.agenda import Agenda, Lateness
from dnsbalancer_exporter.judge import judged
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
from dnsbalancer_exporter.report import Lag, TargetState
from dnsbalancer_exporter.rhythm import next_moment
from dnsbalancer_exporter.roster import Watched

LATE = 5.0
"""Seconds by which a result or a heartbeat may be late before we hold that we stood still."""

BEAT = 1.0
"""Seconds between two looks at whether we stood still."""

BEHIND = 1.0
"""Seconds by which probes may begin late before what they say is held to be an old picture."""

ROLL_CALL = 10
"""How many others are probed at once when a target begins to fail."""

NEAR = 0.004
"""Seconds by which a probe may begin early, to share a turn of the event loop with others."""

LEISURE = 0.5
"""Seconds from which on a wait may end a beat of the agenda earlier."""

AT_ONCE = 64
"""Probes that begin in one turn of the event loop: between two turns it reads answers."""


class Attempt(Protocol):
    """A probe on its way."""

    def cancel(self) -> object:
        """End it; nothing is told any more."""
        ...


class Prober(Protocol):
    """What makes attempts; it never raises, whatever happens."""

    def begin(self, spec: ProbeSpec, done: Callable[[ProbeResult], None]) -> Attempt:
        """Probe once; ``done`` is told within ``spec.timeout`` seconds, after we returned."""
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
        self._loop: asyncio.AbstractEventLoop  # whose time the agenda is in
        self._agenda: Agenda[TargetKey] = Agenda()
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = float("inf")
        self._attempts: dict[TargetKey, Attempt] = {}
        self._asked: dict[str, OrderedDict[TargetKey, None]] = {}  # the longest ago first
        self._astray: set[TargetKey] = set()  # whose next probe is not at their own moment
        self._asked_again: set[TargetKey] = set()  # whose turn came while they were being probed
        self._lateness = Lateness()
        self._beat_at = clock()
        self._last_lag = 0.0
        self.stood_still = 0
        self._heart: asyncio.TimerHandle | None = None

    def follow(self, pool: str, timing: Timing, wanted: Iterable[Watched]) -> None:
        """Probe exactly ``wanted`` for ``pool`` from now on; what is unchanged keeps its state.

        A target whose probe has changed starts UNKNOWN again and keeps its counters.
        """
        if self._heart is None:
            self._loop = asyncio.get_running_loop()
            self._beat()
        entries = {entry.key: entry for entry in wanted}
        for key in [k for k in self._asked.get(pool, ()) if k not in entries]:
            self._forget(key)
        for key, entry in entries.items():
            if self._followed(key, timing, entry):
                self._ask(key)

    def unfollow(self, pool: str) -> None:
        """Stop probing for ``pool`` and forget its states."""
        for key in list(self._asked.get(pool, ())):
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

    def behind(self) -> bool:
        """Whether probes begin so late, or did in the last second, that the picture is old."""
        first = self._agenda.first()
        waiting = 0.0 if first is None else self._loop.time() - first
        return max(waiting, self._lateness.worst) > BEHIND

    def probe_lag(self) -> Lag:
        """By how much probes began late, since the start; from any thread."""
        return self._lateness.counted()

    def close(self) -> None:
        """Stop all probes."""
        for timer in (self._heart, self._alarm):
            if timer:
                timer.cancel()
        for key in list(self.states):
            self._forget(key)

    def _followed(self, key: TargetKey, timing: Timing, entry: Watched) -> bool:
        """Take over what is wanted of one target; whether it is to be probed at once."""
        state, target = self.states.get(key), entry.target
        if state is None:
            self._asked.setdefault(key.pool, OrderedDict())[key] = None
            health_then = HealthState(proven=entry.proven)
            self.states[key] = TargetState(
                target, health_then, timing=timing, restraint=entry.restraint
            )
            return True
        if state.target.probe != target.probe:
            self.states[key] = TargetState(
                target, timing=timing, tally=state.tally, next_at=state.next_at
            )
            stale = self._attempts.pop(key, None)
            if stale:
                stale.cancel()
            return True
        if (state.target, state.timing) != (target, timing):
            self.states[key] = state._replace(target=target, timing=timing)
        asked = entry.ask_after is not None and not _probed_since(state, entry.ask_after)
        return asked or state.timing != timing

    def _forget(self, key: TargetKey) -> None:
        attempt = self._attempts.pop(key, None)
        if attempt:
            attempt.cancel()
        self._agenda.drop(key)
        self._astray.discard(key)
        self._asked_again.discard(key)
        del self.states[key], self._asked[key.pool][key]
        if not self._asked[key.pool]:
            del self._asked[key.pool]

    # --- one probe after another --------------------------------------------------------

    def _ask(self, key: TargetKey) -> None:
        """Have a target probed at once, or as soon as it is its turn."""
        self._astray.add(key)
        now, due = self._loop.time(), self._agenda.at(key)
        if due is not None and due <= now:
            return  # it is next anyway
        turn = self._agenda.turn(now)
        if due is None or turn < due:
            state, delay = self.states[key], turn - now
            self.states[key] = state._replace(next_at=self._clock() + delay)
            self._put(key, turn)

    def _put(self, key: TargetKey, at: float, *, hurry: bool = True) -> None:
        taken = self._agenda.put(key, at, hurry=hurry)
        if taken < self._alarm_at:
            self._set_alarm(taken)

    def _set_alarm(self, at: float) -> None:
        if self._alarm:
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = self._loop.call_at(at, self._begin_due)

    def _begin_due(self) -> None:
        """Begin what is due, and what nearly is."""
        self._alarm_at = float("-inf")  # it is set when we are done
        now = self._loop.time()
        for key, due in self._agenda.take(now + NEAR, AT_ONCE):
            if key in self._attempts:  # it was asked since that began
                self._asked_again.add(key)
            else:
                self._lateness.note(now - due)
                self._asked[key.pool].move_to_end(key)
                spec = self.states[key].target.probe
                self._attempts[key] = self._prober.begin(spec, partial(self._finished, key))
        self._alarm, self._alarm_at = None, float("inf")
        first = self._agenda.first()
        if first is not None:
            self._set_alarm(first)

    def _finished(self, key: TargetKey, result: ProbeResult) -> None:
        del self._attempts[key]
        before, now = self.states[key], self._clock()
        stood_still = now - self._beat_at > LATE + BEAT
        if stood_still or now - result.started > before.target.probe.timeout + LATE:
            result = ProbeResult(
                Outcome.ERROR, result.started, now - result.started, ProbeReason.LATE
            )
        due = self._next_moment(key, before, now)
        self.states[key] = after = judged(before, result, now, due)
        if after.next_at != due:
            self._astray.add(key)
        asked = self._agenda.at(key)  # since this probe began, which does not answer it
        delay = after.next_at - now
        self._put(key, self._loop.time() + delay, hurry=delay < LEISURE)
        if asked is not None or key in self._asked_again:
            self._asked_again.discard(key)
            self._ask(key)
        if result.outcome is Outcome.FAILURE and before.health.health is not Health.DOWN:
            self._roll_call(key, result.started)
        self._listener(key, before, after)

    def _next_moment(self, key: TargetKey, before: TargetState, now: float) -> float:
        """When a target is due next if it is settled."""
        due = before.next_at + before.timing.interval
        if key in self._astray or due <= now:
            self._astray.discard(key)
            return next_moment(key, before.timing.interval, max(now, before.next_at))
        return due

    def _roll_call(self, failed: TargetKey, since: float) -> None:
        asked = 0
        for key in self._asked[failed.pool]:
            if key == failed or key in self._attempts:
                continue
            if asked == ROLL_CALL or _probed_since(self.states[key], since):
                break  # and so have been all that were asked later
            self._ask(key)
            asked += 1

    # --- standing still -----------------------------------------------------------------

    def _beat(self) -> None:
        now = self._clock()
        self._lateness.beat()
        if self._heart:  # not the first one
            self._last_lag = max(0.0, now - self._beat_at - BEAT)
            if now - self._beat_at > LATE:
                self.stood_still += 1
                self._doubt_everything()
        self._beat_at = now
        self._heart = self._loop.call_later(BEAT, self._beat)

    def _doubt_everything(self) -> None:
        attempts, self._attempts = self._attempts, {}
        for attempt in attempts.values():
            attempt.cancel()
        for key, state in list(self.states.items()):
            doubted = state.health._replace(failures=0, successes=0, failing_since=None, errors=1)
            self.states[key] = state._replace(health=doubted)
            self._agenda.drop(key)  # what was due meanwhile waits for its turn, too
            self._ask(key)


def _probed_since(state: TargetState, at: float) -> bool:
    return state.last is not None and state.last.started >= at
