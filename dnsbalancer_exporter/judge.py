"""Judge one result: what it makes of all that is known of a target, its counters included."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from dnsbalancer_exporter import health, restraint
from dnsbalancer_exporter.model import Health, HealthState, ProbeResult
from dnsbalancer_exporter.report import PROBE_BUCKETS, Tally, TargetState


def judged(before: TargetState, result: ProbeResult, now: float, due: float) -> TargetState:
    """Return what one more result makes of a target: its health, restraint and counters.

    ``due`` is when it is to be probed next if it is settled. Values are made anew, not by
    replace(), which costs as much as the rest: this is done ten thousand times a second.
    """
    after = health.step(before.health, result, before.timing)
    held, expires = before.restraint, result.certificate_expires
    if before.health.health is Health.DOWN and after.health is Health.UP:
        held = restraint.note(held, restraint.hold_down(before.timing), now)
    return TargetState(
        target=before.target,
        health=after,
        last=result,
        tally=_counted(before.tally, before.health, after, result),
        restraint=held,
        timing=before.timing,
        next_at=due
        if health.settled(after, before.timing)
        else now + health.delay(after, before.timing),
        recent=before.recent.plus(result),
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
        count = transitions.get(after.health, 0) + 1
        transitions = _shared((*{**transitions, after.health: count}.items(),))
    return Tally(tally.probes + 1, failures, buckets, total, transitions)


@lru_cache(maxsize=1024)
def _shared(transitions: tuple[tuple[Health, int], ...]) -> Mapping[Health, int]:
    """One value for all targets that have it: ten thousand have come up once, and that is all."""
    return MappingProxyType(dict(transitions))
