"""Judge: what one more probe result makes of a target.

    health    the result makes                          becomes   then
    --------  ----------------------------------------  --------  ---------------------------
    any       ERROR, whatever the history               the same  asked again, ever more slowly
    UNKNOWN   `rise` successes in a row                 UP        proven, window emptied
    DOWN      `rise` successes in a row                 UP        proven, window emptied
    UNKNOWN   `fall` failures in a row, or too many     DOWN      window emptied
    UP        `fall` failures in a row, or too many     DOWN      window emptied

*Too many* is max(`fall`, 5) failures among the last ten results since the last transition, so that
a link which loses half of its packets does fall (gdnsd counts interleaved failures, too).
An ERROR is ours and counts for nothing: not a failure, not a success, not an end of a run.

A target is *settled* when its latest results agree with its health; until then it is probed again
after `fast_interval` (HAProxy's fastinter), else after `interval`.
"""

from __future__ import annotations

from dnsbalancer_exporter.model import Health, HealthState, Outcome, ProbeResult, Timing

WINDOW = 10
TOO_MANY = 5

_ALL_WELL = (True,) * WINDOW


def step(state: HealthState, result: ProbeResult, timing: Timing) -> HealthState:
    """Return what ``state`` becomes by ``result``; see the table above."""
    if result.outcome is Outcome.ERROR:
        return state._replace(errors=state.errors + 1)
    success = result.outcome is Outcome.SUCCESS
    first_failure = result.started if state.failing_since is None else state.failing_since
    counted = HealthState(
        health=state.health,
        failures=0 if success else state.failures + 1,
        successes=state.successes + 1 if success else 0,
        errors=0,
        window=_with(state.window, success),
        since=state.since,
        failing_since=None if success else first_failure,
        failed_at=state.failed_at if success else result.started,
        succeeded_at=result.started if success else state.succeeded_at,
        proven=state.proven,
    )
    verdict = _verdict(counted, timing)
    if verdict is state.health:
        return counted
    return counted._replace(
        health=verdict,
        window=(),
        since=result.started + result.duration,
        proven=state.proven or verdict is Health.UP,
    )


def _with(window: tuple[bool, ...], success: bool) -> tuple[bool, ...]:  # noqa: FBT001
    """One more outcome. What nearly all targets have is one value, and not one for each."""
    if success and window is _ALL_WELL:
        return window
    longer = (*window, success)[-WINDOW:]
    return _ALL_WELL if longer == _ALL_WELL else longer


def _verdict(state: HealthState, timing: Timing) -> Health:
    if state.successes >= timing.rise:
        return Health.UP
    too_many = state.window.count(False) >= max(timing.fall, TOO_MANY)
    if state.failures >= timing.fall or (state.failures and too_many):
        return Health.DOWN
    return state.health


def settled(state: HealthState, timing: Timing) -> bool:
    """Say whether the latest results agree with the health, so that nothing needs confirming."""
    if state.errors:
        return False
    if state.health is Health.UP:
        return state.successes >= timing.rise
    return state.health is Health.DOWN and state.failures > 0


def delay(state: HealthState, timing: Timing) -> float:
    """Seconds to the next probe: `interval` if settled; ERRORs double `fast_interval` up to it."""
    if state.errors:
        return float(min(timing.interval, timing.fast_interval * 2 ** min(state.errors - 1, 20)))
    return timing.interval if settled(state, timing) else timing.fast_interval


def vouches(state: HealthState) -> bool:
    """Say whether the target is UP beyond doubt: no failure or error since its last success.

    Only such a target can stand in for one that is withdrawn.
    """
    return state.health is Health.UP and not (state.failures or state.errors)
