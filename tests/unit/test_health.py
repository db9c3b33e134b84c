"""Judge, row by row: what one more result makes of a target."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dnsbalancer_exporter import health
from dnsbalancer_exporter.model import (
    Health,
    HealthState,
    Outcome,
    ProbeReason,
    ProbeResult,
    Timing,
)

TIMING = Timing(interval=180.0, fast_interval=1.0, fall=3, rise=2)
UNKNOWN, UP, DOWN = Health.UNKNOWN, Health.UP, Health.DOWN
OUTCOMES = {"S": Outcome.SUCCESS, "F": Outcome.FAILURE, "E": Outcome.ERROR}
REASONS = {"S": None, "F": ProbeReason.REFUSED, "E": ProbeReason.NO_ROUTE}


def result(letter: str, started: float = 0.0) -> ProbeResult:
    return ProbeResult(OUTCOMES[letter], started, 0.5, REASONS[letter])


def after(letters: str, timing: Timing = TIMING, state: HealthState | None = None) -> HealthState:
    """What results make of a target, the first one started at 0 s, one more each second."""
    state = state or HealthState()
    for second, letter in enumerate(letters):
        state = health.step(state, result(letter, float(second)), timing)
    return state


def fall_rise(fall: int, rise: int) -> Timing:
    return replace(TIMING, fall=fall, rise=rise)


# --- the table in the module's docstring --------------------------------------------------


@pytest.mark.parametrize(
    ("before", "letters", "becomes"),
    [
        pytest.param(UNKNOWN, "E", UNKNOWN, id="an ERROR leaves UNKNOWN as it is"),
        pytest.param(UP, "E", UP, id="an ERROR leaves UP as it is"),
        pytest.param(DOWN, "E", DOWN, id="an ERROR leaves DOWN as it is"),
        pytest.param(UP, "E" * 50, UP, id="so do fifty of them"),
        pytest.param(UP, "FFEEEE", UP, id="an ERROR is not the last failure"),
        pytest.param(UP, "FFEF", DOWN, id="nor the end of a run of failures"),
        pytest.param(DOWN, "SE", DOWN, id="an ERROR is not the last success"),
        pytest.param(DOWN, "SES", UP, id="nor the end of a run of successes"),
        pytest.param(UNKNOWN, "S", UNKNOWN, id="one success is not enough"),
        pytest.param(UNKNOWN, "SS", UP, id="UNKNOWN rises"),
        pytest.param(UNKNOWN, "SFS", UNKNOWN, id="successes must be in a row"),
        pytest.param(DOWN, "S", DOWN, id="DOWN stays DOWN after one success"),
        pytest.param(DOWN, "SS", UP, id="DOWN rises"),
        pytest.param(DOWN, "SFS", DOWN, id="DOWN rises by successes in a row only"),
        pytest.param(UNKNOWN, "FF", UNKNOWN, id="two failures are not enough"),
        pytest.param(UNKNOWN, "FFF", DOWN, id="UNKNOWN falls"),
        pytest.param(UNKNOWN, "FSFSFSFSF", DOWN, id="UNKNOWN falls by too many"),
        pytest.param(UP, "FF", UP, id="UP stays UP after two failures"),
        pytest.param(UP, "FFF", DOWN, id="UP falls"),
        pytest.param(UP, "FFSFF", UP, id="four of five with a success between are not enough"),
        pytest.param(UP, "FSFSFSFSF", DOWN, id="UP falls by too many"),
        pytest.param(UP, "FFSFFSF", DOWN, id="UP falls by five of seven"),
        pytest.param(UP, "FFSFFSSSSSSF", UP, id="what is older than ten results is forgotten"),
        pytest.param(UP, "FFSSFSSFSF", DOWN, id="five of exactly ten are too many"),
    ],
)
def test_a_result_makes_of_a_health(before: Health, letters: str, becomes: Health) -> None:
    start = {UNKNOWN: "", UP: "SS", DOWN: "FFF"}[before]
    assert after(start).health is before
    assert after(letters, state=after(start)).health is becomes


@pytest.mark.parametrize(
    ("fall", "rise", "letters", "becomes"),
    [
        (1, 1, "S", UP),
        (1, 1, "F", DOWN),
        (1, 1, "SF", DOWN),
        (1, 1, "FS", UP),
        (5, 2, "SSFFFF", UP),
        (5, 2, "SSFFFFF", DOWN),
        (3, 4, "SSS", UNKNOWN),
        (3, 4, "SSSS", UP),
        (7, 1, "S" + "FFS" * 2 + "F", UP),  # five of ten are fewer than `fall`
        (7, 1, "S" + "FFFFFFSF", DOWN),  # seven of eight
        (20, 1, "S" + "F" * 19, UP),
        (20, 1, "S" + "F" * 20, DOWN),
    ],
)
def test_rise_and_fall_are_what_the_timing_says(
    fall: int, rise: int, letters: str, becomes: Health
) -> None:
    assert after(letters, fall_rise(fall, rise)).health is becomes


def test_a_link_that_loses_half_of_its_packets_falls() -> None:
    trail = [after("SS" + "SF" * n).health for n in range(1, 6)]
    assert trail == [UP, UP, UP, UP, DOWN]


def test_a_success_never_makes_a_target_fall() -> None:
    """Not even when a reload has made six failures of the last seven too many."""
    state = after("SSFFFSFFF", fall_rise(7, 2))
    assert state.health is UP
    assert after("S", fall_rise(3, 2), state).health is UP
    assert after("SF", fall_rise(3, 2), state).health is DOWN


def test_the_window_is_emptied_at_each_transition() -> None:
    up = after("FFSS")
    assert (up.health, up.window) == (UP, ())
    down = after("FFF", state=up)
    assert (down.health, down.window) == (DOWN, ())
    # What failed before the rise does not count towards too many afterwards.
    assert after("SSFFSFFS", state=down).health is UP


def test_the_window_holds_ten_results() -> None:
    assert after("SS" + "S" * 30).window == (True,) * 10


# --- what is kept -------------------------------------------------------------------------


def test_nothing_but_the_number_of_errors_changes_by_an_error() -> None:
    before = after("SSF")
    assert after("E", state=before) == before._replace(errors=1)
    assert after("EEE", state=before) == before._replace(errors=3)
    assert after("EEES", state=before).errors == 0
    assert after("EEEF", state=before).errors == 0


def test_proven_is_to_have_been_up_once() -> None:
    assert not after("SF").proven
    assert not after("FFF").proven
    assert after("SS").proven
    assert after("SSFFF").proven


def test_since_is_the_end_of_the_probe_that_made_the_transition() -> None:
    assert after("S").since is None
    assert after("SS").since == 1.5
    assert after("SSSF").since == 1.5
    assert after("SSSFFF").since == 5.5


@pytest.mark.parametrize(
    ("letters", "failing_since", "succeeded_at"),
    [
        ("", None, None),
        ("E", None, None),
        ("F", 0.0, None),
        ("EF", 1.0, None),
        ("FEF", 0.0, None),
        ("S", None, 0.0),
        ("SS", None, 1.0),
        ("SSF", 2.0, 1.0),
        ("SSFFFF", 2.0, 1.0),
        ("SSFSF", 4.0, 3.0),
        ("SSFFFS", None, 5.0),
        ("SSE", None, 1.0),
    ],
)
def test_failing_since_and_succeeded_at_are_starts_of_probes(
    letters: str, failing_since: float | None, succeeded_at: float | None
) -> None:
    state = after(letters)
    assert (state.failing_since, state.succeeded_at) == (failing_since, succeeded_at)


# --- when to ask again, and who vouches ---------------------------------------------------


@pytest.mark.parametrize(
    ("letters", "settled", "delay", "vouches"),
    [
        pytest.param("", False, 1.0, False, id="never asked"),
        pytest.param("S", False, 1.0, False, id="rising"),
        pytest.param("SS", True, 180.0, True, id="up"),
        pytest.param("SSF", False, 1.0, False, id="up, one failure"),
        pytest.param("SSFS", False, 1.0, True, id="up, one success after a failure"),
        pytest.param("SSFSS", True, 180.0, True, id="up, as many as to rise"),
        pytest.param("F", False, 1.0, False, id="falling from the start"),
        pytest.param("FFF", True, 180.0, False, id="down"),
        pytest.param("FFFS", False, 1.0, False, id="down, one success"),
        pytest.param("FFFSF", True, 180.0, False, id="down, a failure after a success"),
        pytest.param("SSE", False, 1.0, False, id="up, one error"),
        pytest.param("SSES", True, 180.0, True, id="up, a success after an error"),
        pytest.param("FFFE", False, 1.0, False, id="down, one error"),
    ],
)
def test_a_state_is_settled_asks_again_and_vouches(
    letters: str, settled: bool, delay: float, vouches: bool
) -> None:
    state = after(letters)
    assert health.settled(state, TIMING) is settled
    assert health.delay(state, TIMING) == delay
    assert health.vouches(state) is vouches


def test_errors_are_asked_again_ever_more_slowly_up_to_the_interval() -> None:
    delays = [health.delay(after("SS" + "E" * n), TIMING) for n in range(1, 11)]
    assert delays == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 180.0, 180.0]
    assert health.delay(HealthState(errors=10**6), TIMING) == 180.0
