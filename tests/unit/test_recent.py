from __future__ import annotations

import pytest

from dnsbalancer_exporter.json_text import json_pieces
from dnsbalancer_exporter.model import Outcome, ProbeReason, ProbeResult
from dnsbalancer_exporter.probe.finding import BLAME
from dnsbalancer_exporter.recent import KEPT, Recent


def success(seconds: float) -> ProbeResult:
    return ProbeResult(Outcome.SUCCESS, 0.0, seconds)


@pytest.mark.parametrize("reason", ProbeReason)
def test_a_reason_comes_back_as_it_was(reason: ProbeReason) -> None:
    failed = ProbeResult(Outcome.FAILURE, 0.0, 2.0, reason)
    recent = Recent().plus(failed).plus(success(0.5))
    assert ([*recent.seconds()], recent.reasons()) == ([None, 0.5], [reason])


@pytest.mark.parametrize("seconds", [0.0, 0.000012, 0.0123, 1.5, 30.0, 86400.0])
def test_a_duration_comes_back_to_a_two_thousandth_part(seconds: float) -> None:
    (back,) = Recent().plus(success(seconds)).seconds()
    assert back == pytest.approx(min(seconds, 65.504), rel=1 / 2000)


def test_the_last_ones_are_kept_oldest_first() -> None:
    recent = Recent()
    for number in range(KEPT + 7):
        recent = recent.plus(success(number / 1000))
    assert [*recent.seconds()] == [number / 1000 for number in range(7, KEPT + 7)]
    assert len(recent.packed) == 2 * KEPT


def test_they_are_read_like_a_list() -> None:
    seconds = Recent().plus(success(1.0)).plus(success(2.0)).seconds()
    assert (len(seconds), seconds[-1], seconds[:1]) == (2, 2.0, [1.0])
    assert not Recent().seconds()
    assert "".join(json_pieces({"recent": seconds})) == '{"recent":[1.0,2.0]}'


def test_what_was_given_to_others_does_not_change() -> None:
    before = Recent().plus(success(1.0))
    before.plus(success(2.0))
    assert [*before.seconds()] == [1.0]


def test_whose_fault_a_reason_is_agrees_with_the_probes() -> None:
    verdicts = {verdict for pair in BLAME.values() for verdict in pair}
    assert len({verdict.reason for verdict in verdicts}) > 5
    for verdict in verdicts:
        assert verdict.reason.ours is (verdict.outcome is Outcome.ERROR), verdict
