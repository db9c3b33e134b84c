"""Restraint: what happens too often is done more slowly each time."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pytest

from dnsbalancer_exporter import restraint
from dnsbalancer_exporter.model import Contest, Restraint, Timing
from dnsbalancer_exporter.restraint import Rule

RULE = Rule(allowed=5, within=600.0, first=2.0, cap=300.0)


def noted(times: Iterable[float], rule: Rule = RULE) -> Restraint:
    state = Restraint()
    for at in times:
        state = restraint.note(state, rule, at)
    return state


def test_five_returns_within_ten_minutes_delay_nothing() -> None:
    state = noted([0.0, 10.0, 20.0, 30.0, 40.0])
    assert (state.step, state.until) == (0, 0.0)


def test_the_sixth_delays_by_the_first_step() -> None:
    state = noted([0.0, 10.0, 20.0, 30.0, 40.0, 50.0])
    assert (state.step, state.until) == (1, 52.0)


@pytest.mark.parametrize(
    ("events", "delay"),
    [(6, 2.0), (7, 4.0), (8, 8.0), (12, 128.0), (13, 256.0), (14, 300.0), (15, 300.0), (90, 300.0)],
)
def test_the_delay_doubles_with_each_event_up_to_the_cap(events: int, delay: float) -> None:
    state = noted(float(second) for second in range(events))
    assert state.until - (events - 1) == delay


def test_an_event_that_is_ten_minutes_old_does_not_count() -> None:
    early = [0.0, 1.0, 2.0, 3.0, 4.0]
    assert noted([*early, 599.9]).step == 1
    assert noted([*early, 600.0]).step == 0


def test_all_is_forgotten_when_the_rate_has_fallen() -> None:
    many = noted(float(second) for second in range(20))
    later = restraint.note(many, RULE, 5000.0)
    assert (later.step, later.events) == (0, (5000.0,))


def test_no_more_events_are_kept_than_are_needed() -> None:
    assert len(noted(float(second) for second in range(500)).events) == 6


def test_a_thousand_steps_are_no_overflow() -> None:
    state = restraint.note(Restraint((1.0,) * 6, step=10**6), RULE, 2.0)
    assert state.until == 302.0


def test_hold_down_starts_with_what_it_takes_to_rise() -> None:
    timing = Timing(rise=4, fast_interval=0.5)
    assert restraint.hold_down(timing) == Rule(5, 600.0, 2.0, 300.0)


# --- contested ----------------------------------------------------------------------------


def look(
    contest: Contest, at: float, *, back: bool = False, up: bool = False, confirmed: float = 0.0
) -> Contest:
    return restraint.contest(contest, at, came_back=back, up=up, confirmed_at=confirmed)


def returned(times: Iterable[float]) -> Contest:
    """A record that we hold DOWN was put back at each of the times, and found DOWN after it."""
    contest = Contest()
    for at in times:
        contest = look(look(contest, at, back=True), at, confirmed=at + 0.1)
    return contest


@pytest.mark.parametrize(
    ("returns", "until"),
    [
        pytest.param(1, 1600.0, id="once is a disagreement"),
        pytest.param(2, 2200.0, id="twice as long"),
        pytest.param(3, 3400.0, id="again twice as long"),
        pytest.param(6, 20200.0, id="hours"),
        pytest.param(7, 22600.0, id="six hours at most"),
        pytest.param(900, 22600.0, id="ever"),
    ],
)
def test_a_withdrawal_waits_by_the_number_of_returns(returns: int, until: float) -> None:
    assert returned([1000.0] * returns) == Contest(returns, until)


def test_a_return_counts_only_when_a_later_probe_finds_us_right() -> None:
    back = look(Contest(), 1000.0, back=True, confirmed=999.0)
    assert back == Contest(returned_at=1000.0)
    assert look(back, 1001.0, confirmed=1000.0) == back
    assert look(back, 1002.0, confirmed=1001.5) == Contest(1, 1602.0)
    assert look(back, 1002.0, up=True) == Contest(agreed_since=1002.0)


def test_a_return_against_an_operators_word_counts_at_once() -> None:
    assert look(Contest(), 1000.0, back=True, confirmed=math.inf) == Contest(1, 1600.0)


def test_looks_without_a_return_change_nothing_while_we_hold_it_down() -> None:
    before = returned([1000.0] * 2)
    assert look(before, 1e9, up=False) == before


@pytest.mark.parametrize(
    ("seconds", "returns"),
    [(0.0, 2), (1199.9, 2), (1200.0, 1)],
    ids=["a blink", "not quite", "as long as the hold"],
)
def test_one_step_is_forgotten_by_agreement_as_long_as_the_hold(
    seconds: float, returns: int
) -> None:
    agreed = look(returned([0.0] * 2), 5000.0, up=True)
    later = look(agreed, 5000.0 + seconds, up=True)
    assert later.returns == returns


def test_each_further_step_takes_its_own_time() -> None:
    contest = returned([0.0] * 2)
    trail: list[tuple[int, int]] = []
    for at in range(0, 4000, 100):
        contest = look(contest, float(at), up=True)
        if not trail or trail[-1][1] != contest.returns:
            trail.append((at, contest.returns))
    assert trail == [(0, 2), (1200, 1), (1800, 0)]


def test_agreement_that_is_interrupted_counts_anew() -> None:
    contest = look(returned([0.0] * 2), 1000.0, up=True)
    contest = look(contest, 2000.0, up=False)
    contest = look(contest, 2100.0, up=True)
    assert look(contest, 3000.0, up=True).returns == 2
