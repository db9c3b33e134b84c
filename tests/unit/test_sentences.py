from __future__ import annotations

from dataclasses import replace

import pytest

from dnsbalancer_exporter.export import sentences
from dnsbalancer_exporter.export.sentences import latency, names, span, state_of, why
from dnsbalancer_exporter.model import (
    Delete,
    Ground,
    Hold,
    Mode,
    Omitted,
    Plan,
    RecordSetKey,
    Unpublished,
    Withheld,
)
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.report import PoolReport, TargetState
from tests.unit.pages import NOW, ZONE, document_of, down, pool_of, record, unknown, up

A, B, C = up(0, "app-a"), up(1, "app-b"), up(2, "app-c")
B_DOWN, C_DOWN = down(1, "app-b"), down(2, "app-c")
SET = RecordSetKey(ZONE, RecordType.A)
HELD = Withheld(record(B_DOWN), Ground.DOWN, Hold.MIN_RECORDS)


def verdict_of(*states: TargetState, report: PoolReport) -> tuple[str, str]:
    found = document_of(*states, report=report)["pools"][0]["verdict"]
    return found["level"], found["text"]


def test_all_well() -> None:
    report = pool_of(A, B, C, published=(A, B, C))
    assert verdict_of(A, B, C, report=report) == ("good", "3 of 3 up, zone in sync")


def test_one_is_down_and_out() -> None:
    report = pool_of(A, B_DOWN, C, published=(A, C))
    text = "app-b has been down for 40 s and is out of the zone; 2 of 3 up"
    assert verdict_of(A, B_DOWN, C, report=report) == ("attention", text)


def test_one_is_down_and_still_there() -> None:
    report = pool_of(A, B_DOWN, published=(A, B_DOWN), plan=Plan(withheld=(HELD,)))
    text = "app-b has been down for 40 s and is still published; 1 of 2 up"
    assert verdict_of(A, B_DOWN, report=report) == ("trouble", text)


def test_what_is_worse_is_said_first() -> None:
    report = pool_of(A, B_DOWN, C_DOWN, published=(A, C_DOWN))
    level, text = verdict_of(A, B_DOWN, C_DOWN, report=report)
    assert level == "trouble"
    assert text.index("app-c") < text.index("app-b")


def test_nothing_is_up() -> None:
    states = (down(0, "app-a"), B_DOWN)
    report = pool_of(*states, published=states, plan=Plan(fail_open=(SET,)))
    text = "FAIL OPEN: nothing of example.com A is up, so what is published stays"
    assert verdict_of(*states, report=report) == ("trouble", text)


def test_one_family_fails_open_and_another_does_not() -> None:
    report = pool_of(A, B_DOWN, published=(A, B_DOWN), plan=Plan(fail_open=(SET,)))
    level, text = verdict_of(A, B_DOWN, report=report)
    assert level == "trouble"
    assert text.startswith("FAIL OPEN")
    assert text.endswith("; 1 of 2 up")


@pytest.mark.parametrize(
    ("given", "level", "text"),
    [
        ({"error": "503"}, "attention", "the zone cannot be read or written, and stays as it is"),
        ({"read_at": None, "records": ()}, "attention", "starting, the zone was not read yet"),
        ({"warming": True}, "attention", "warming up, nothing is withdrawn yet"),
        ({"read_at": NOW - 720}, "attention", "the zone was last read 12 min ago"),
        ({"records": ()}, "trouble", "NOTHING IS PUBLISHED"),
    ],
)
def test_the_zone_is_not_well(given: dict[str, object], level: str, text: str) -> None:
    report = pool_of(A, B, published=(A, B), **given)
    found = verdict_of(A, B, report=report)
    assert found[0] == level
    assert found[1].startswith(text)


def test_a_change_that_waits_is_not_in_sync() -> None:
    plan = Plan(deletes=(Delete(replace(record(B), id="twice"), Ground.DUPLICATE),))
    report = pool_of(A, B, published=(A, B), plan=plan)
    assert verdict_of(A, B, report=report)[0] == "attention"


def test_what_was_asked_for_is_no_alarm() -> None:
    plan = Plan(omitted=(Omitted(ZONE, B.target.address, Unpublished.DRAINED),))
    report = pool_of(A, B, published=(A,), plan=plan)
    level, text = verdict_of(A, B, report=report)
    assert level == "good"
    assert "app-b is not published, as was asked for" in text


def test_a_pool_that_is_only_observed_says_so() -> None:
    report = pool_of(A, published=(A,))
    report = replace(report, pool=replace(report.pool, mode=Mode.OBSERVE))
    assert verdict_of(A, report=report)[1].endswith("observe mode, the zone is never written")


def test_without_a_time_there_is_no_age() -> None:
    report = pool_of(A, B_DOWN, published=(A,))
    (pool,) = document_of(A, B_DOWN, report=report)["pools"]
    said = sentences.verdict(pool, None).text
    assert said == "app-b has been down and is out of the zone; 1 of 2 up"


@pytest.mark.parametrize(
    ("state", "published", "kind", "said"),
    [
        (B, True, "well", []),
        (
            B,
            False,
            "unpublished",
            [("it is for its own daemon, or for a witness, to publish it", "")],
        ),
        (B_DOWN, False, "down_out", [("it is down", "")]),
        (B_DOWN, True, "down_published", [("the next cycle decides", "")]),
        (unknown(1), False, "unknown", [("it is not known yet whether it is up", "")]),
    ],
)
def test_why_if_no_reason_is_given(
    state: TargetState, published: bool, kind: str, said: list[tuple[str, str]]
) -> None:
    report = pool_of(A, state, published=(A, state) if published else (A,))
    target = document_of(A, state, report=report)["pools"][0]["targets"][1]
    assert (state_of(target), why(target)) == (kind, said)


def test_a_reason_is_a_sentence_with_its_word() -> None:
    report = pool_of(A, B_DOWN, published=(A, B_DOWN), plan=Plan(withheld=(HELD,)))
    target = document_of(A, B_DOWN, report=report)["pools"][0]["targets"][1]
    assert why(target) == [(sentences.NOT_WITHDRAWN["min_records"], "min_records")]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (0.9, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (400000, "4 d")],
)
def test_spans(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.00001, "0.01 ms"), (0.00123, "1.2 ms"), (1.5, "1500 ms")]
)
def test_latencies(seconds: float, text: str) -> None:
    assert latency(seconds) == text


@pytest.mark.parametrize(
    ("of", "text"),
    [("a", "a"), ("ab", "a and b"), ("abcd", "a, b, c and d"), ("abcdef", "a, b, c and 3 more")],
)
def test_names(of: str, text: str) -> None:
    assert names(list(of)) == text
