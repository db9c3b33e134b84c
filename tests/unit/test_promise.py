"""The arithmetic of the promise is what health and the watch really do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnsbalancer_exporter import health
from dnsbalancer_exporter.model import (
    Health,
    HealthState,
    Outcome,
    ProbeReason,
    ProbeResult,
    Timing,
)
from dnsbalancer_exporter.promise import worst

TIMINGS = st.builds(
    Timing,
    interval=st.floats(10, 360),
    fast_interval=st.floats(0.1, 5),
    probe_timeout=st.floats(0.1, 5),
    fall=st.integers(1, 5),
    rise=st.integers(1, 5),
)


def seconds_until_down(timing: Timing, each: float) -> float:
    """Death just after a success, then probes that take ``each`` seconds to fail."""
    state, now = HealthState(Health.UP, successes=timing.rise), timing.interval
    while True:
        result = ProbeResult(Outcome.FAILURE, now, each, ProbeReason.TIMEOUT)
        state = health.step(state, result, timing)
        now += each
        if state.health is Health.DOWN:
            return now
        now += health.delay(state, timing)


@given(TIMINGS)
def test_a_death_is_noticed_as_late_as_promised_and_not_later(timing: Timing) -> None:
    silent = seconds_until_down(timing, timing.probe_timeout)
    assert worst(timing, 60).noticed == pytest.approx(silent)
    assert worst(timing, 60, silent=False).noticed == pytest.approx(seconds_until_down(timing, 0.0))


def test_caches_come_on_top() -> None:
    timing = Timing(interval=5, fast_interval=1, probe_timeout=2, fall=3)
    assert worst(timing, 60).noticed == 13
    assert worst(timing, 60, silent=False).noticed == 7
    assert worst(timing, 60).total == 73
