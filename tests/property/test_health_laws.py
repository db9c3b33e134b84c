"""The laws of judging, over any history of results."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from dnsbalancer_exporter import health
from dnsbalancer_exporter.model import Health, HealthState, Outcome, ProbeResult, Timing

SUCCESS, FAILURE, ERROR = Outcome.SUCCESS, Outcome.FAILURE, Outcome.ERROR

laws = settings(deadline=None, max_examples=150)

answers = st.lists(st.sampled_from([SUCCESS, FAILURE]), max_size=40)
outcomes = st.lists(st.sampled_from([SUCCESS, SUCCESS, FAILURE, FAILURE, ERROR]), max_size=40)
timings = st.builds(
    Timing,
    interval=st.sampled_from([1.0, 60.0, 180.0]),
    fast_interval=st.sampled_from([0.5, 1.0]),
    fall=st.integers(1, 12),
    rise=st.integers(1, 6),
)


def history(
    found: Sequence[Outcome], timing: Timing, state: HealthState | None = None
) -> list[HealthState]:
    """The states after each result; one probe each second, 100 ms long."""
    states = [state or HealthState()]
    for second, outcome in enumerate(found):
        states.append(health.step(states[-1], ProbeResult(outcome, float(second), 0.1), timing))
    return states


def run_length(found: Sequence[Outcome], outcome: Outcome) -> int:
    """How many of the latest results are ``outcome``, ERRORs left out."""
    length = 0
    for one in (o for o in reversed(found) if o is not ERROR):
        if one is not outcome:
            break
        length += 1
    return length


@laws
@given(st.lists(st.tuples(st.sampled_from([SUCCESS, FAILURE]), st.integers(0, 3))), timings)
def test_errors_anywhere_never_change_the_outcome(
    found: list[tuple[Outcome, int]], timing: Timing
) -> None:
    clean = noisy = HealthState()
    for second, (outcome, errors) in enumerate(found):
        for _ in range(errors):
            noisy = health.step(noisy, ProbeResult(ERROR, float(second), 0.1), timing)
        assert noisy._replace(errors=0) == clean
        result = ProbeResult(outcome, float(second), 0.1)
        clean, noisy = health.step(clean, result, timing), health.step(noisy, result, timing)
        assert noisy == clean


@laws
@given(outcomes, timings)
def test_a_target_rises_exactly_by_rise_successes_in_a_row(
    found: list[Outcome], timing: Timing
) -> None:
    states = history(found, timing)
    for n, (before, after) in enumerate(pairwise(states), 1):
        if found[n - 1] is ERROR:
            assert after.health is before.health
            continue
        enough = run_length(found[:n], SUCCESS) >= timing.rise
        if enough:
            assert after.health is Health.UP
        elif after.health is Health.UP:
            assert before.health is Health.UP


@laws
@given(outcomes, timings)
def test_a_target_falls_only_by_a_failure_and_never_with_fewer_than_fall_of_the_last_ten(
    found: list[Outcome], timing: Timing
) -> None:
    states = history(found, timing)
    for n, (before, after) in enumerate(pairwise(states), 1):
        in_a_row = run_length(found[:n], FAILURE)
        if found[n - 1] is FAILURE and in_a_row >= timing.fall:
            assert after.health is Health.DOWN
        if after.health is Health.DOWN and before.health is not Health.DOWN:
            assert found[n - 1] is FAILURE
            latest = [o for o in found[:n] if o is not ERROR][-max(10, timing.fall) :]
            assert latest.count(FAILURE) >= timing.fall
            assert in_a_row >= timing.fall or latest[-10:].count(FAILURE) >= max(5, timing.fall)


@laws
@given(timings.filter(lambda t: t.fall <= 5 and t.rise >= 2), st.integers(0, 9))
def test_whoever_loses_every_other_packet_falls_within_ten_results(
    timing: Timing, healthy: int
) -> None:
    """And never rises by it."""
    start = history([SUCCESS] * (timing.rise + healthy), timing)[-1]
    lossy = [h.health for h in history([FAILURE, SUCCESS] * 20, timing, start)]
    assert Health.DOWN in lossy[:11]
    assert set(lossy[lossy.index(Health.DOWN) :]) == {Health.DOWN}


@laws
@given(outcomes, timings)
def test_the_counters_are_what_they_say(found: list[Outcome], timing: Timing) -> None:
    answered = [o for o in found if o is not ERROR]
    starts = {o: [s for s, one in enumerate(found) if one is o] for o in Outcome}
    state = history(found, timing)[-1]
    assert state.failures == run_length(found, FAILURE)
    assert state.successes == run_length(found, SUCCESS)
    assert state.errors == len(found) - 1 - max(
        (s for s, o in enumerate(found) if o is not ERROR), default=-1
    )
    assert min(state.failures, state.successes) == 0
    assert len(state.window) <= health.WINDOW
    assert list(state.window) == [
        o is SUCCESS for o in answered[len(answered) - len(state.window) :]
    ]
    assert state.succeeded_at == max(map(float, starts[SUCCESS]), default=None)
    failing = starts[FAILURE][len(starts[FAILURE]) - state.failures :]
    assert state.failing_since == (float(failing[0]) if failing else None)


@laws
@given(outcomes, timings)
def test_once_proven_is_for_ever_and_only_by_being_up(found: list[Outcome], timing: Timing) -> None:
    states = history(found, timing)
    for n, state in enumerate(states):
        assert state.proven is any(s.health is Health.UP for s in states[: n + 1])


@laws
@given(outcomes, timings)
def test_nobody_is_unknown_again(found: list[Outcome], timing: Timing) -> None:
    healths = [s.health for s in history(found, timing)]
    known = [h is not Health.UNKNOWN for h in healths]
    assert known == sorted(known)


@laws
@given(outcomes, timings)
def test_whoever_vouches_is_up_and_answered_last(found: list[Outcome], timing: Timing) -> None:
    state = history(found, timing)[-1]
    expected = state.health is Health.UP and bool(found) and found[-1] is SUCCESS
    assert health.vouches(state) is expected


@laws
@given(outcomes, timings)
def test_the_next_probe_is_never_later_than_the_interval_and_soon_unless_settled(
    found: list[Outcome], timing: Timing
) -> None:
    state = history(found, timing)[-1]
    delay = health.delay(state, timing)
    assert min(timing.fast_interval, timing.interval) <= delay <= timing.interval
    if health.settled(state, timing):
        assert delay == timing.interval
        assert state.health is not Health.UNKNOWN
    elif not state.errors:
        assert delay == timing.fast_interval


@laws
@given(answers, timings)
def test_answers_alone_settle_every_target(found: list[Outcome], timing: Timing) -> None:
    """Whatever came before, a target that keeps giving one answer is settled by it."""
    start = history(found, timing)[-1]
    up = history([SUCCESS] * timing.rise, timing, start)[-1]
    down = history([FAILURE] * timing.fall, timing, start)[-1]
    assert (up.health, health.settled(up, timing)) == (Health.UP, True)
    assert (down.health, health.settled(down, timing)) == (Health.DOWN, True)
