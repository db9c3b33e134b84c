"""The agenda: who is due when, and how many at once."""

from __future__ import annotations

import random

import pytest

from dnsbalancer_exporter.agenda import BEAT, BURST, SPACING, Agenda, Lateness
from dnsbalancer_exporter.report import LAG_BUCKETS


def drained(agenda: Agenda[str], until: float) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    while some := agenda.take(until, 1):
        found += some
    return found


def test_who_is_due_first_comes_first() -> None:
    agenda: Agenda[str] = Agenda()
    for key, at in (("c", 3.0), ("a", 1.0), ("d", 4.0), ("b", 2.0)):
        agenda.put(key, at)
    assert agenda.first() == 1.0
    assert drained(agenda, 3.0) == [("a", 1.0), ("b", 2.0), ("c", 3.0)]
    assert (agenda.first(), agenda.at("d"), agenda.at("a")) == (4.0, 4.0, None)


def test_equal_times_keep_their_order() -> None:
    agenda: Agenda[str] = Agenda()
    for key in "bca":
        agenda.put(key, 1.0)
    assert [key for key, _ in drained(agenda, 1.0)] == ["b", "c", "a"]


def test_who_is_in_no_hurry_is_taken_with_others_and_due_when_he_is() -> None:
    agenda: Agenda[str] = Agenda()
    beat = 32 * BEAT
    assert agenda.put("a", beat + 0.9 * BEAT, hurry=False) == beat
    assert agenda.put("b", beat + 0.1 * BEAT, hurry=False) == beat
    assert agenda.put("c", beat + 0.5 * BEAT) == beat + 0.5 * BEAT
    assert agenda.first() == beat
    assert drained(agenda, beat) == [("b", beat + 0.1 * BEAT), ("a", beat + 0.9 * BEAT)]
    assert drained(agenda, beat + BEAT) == [("c", beat + 0.5 * BEAT)]


@pytest.mark.parametrize("again", [0.5, 1.0, 9.0])
def test_only_the_last_time_of_each_counts(again: float) -> None:
    agenda: Agenda[str] = Agenda()
    agenda.put("a", 1.0)
    agenda.put("a", again)
    assert drained(agenda, 10.0) == [("a", again)]


def test_who_was_dropped_is_not_due() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.put("a", 1.0)
    agenda.drop("a")
    agenda.drop("b")
    assert agenda.first() is None
    assert agenda.take(9.0, 1) == []


def test_against_a_plain_dictionary() -> None:
    draw, agenda = random.Random(7), Agenda[int]()
    plain: dict[int, tuple[float, float]] = {}  # when it can be taken, and when it is due
    for step in range(20_000):
        key, at = draw.randrange(40), draw.randrange(1000) * BEAT / 4
        match draw.randrange(4):
            case 0:
                agenda.drop(key)
                plain.pop(key, None)
            case 1:
                most = draw.randrange(1, 9)
                for found, due in agenda.take(at, most):
                    taken, wanted = plain.pop(found)
                    # Who has become hurried may be taken with those of the beat that it was in.
                    assert (due, due - due % BEAT <= at) == (wanted, True), (step, taken)
                    most -= 1
                assert not most or min(t for t, _ in [*plain.values(), (1e9, 0)]) > at, step
            case _:
                hurry = draw.random() < 0.5
                plain[key] = agenda.put(key, at, hurry=hurry), at
                assert plain[key][0] == (at if hurry else at - at % BEAT)
        assert {key: agenda.at(key) for key in range(40)} == {
            key: plain.get(key, (None, None))[1] for key in range(40)
        }


def test_those_of_a_beat_are_taken_as_they_are_due_and_some_at_a_time() -> None:
    agenda: Agenda[int] = Agenda()
    for key in range(10):
        agenda.put(key, 1.0 + BEAT * (9 - key) / 10, hurry=False)
    agenda.drop(4)
    assert [key for key, _ in agenda.take(1.0, 3)] == [9, 8, 7]
    assert [key for key, _ in agenda.take(1.0, 3)] == [6, 5, 3]
    assert [key for key, _ in agenda.take(1.0, 9)] == [2, 1, 0]
    assert (agenda.first(), agenda.take(9.0, 9)) == (None, [])


@pytest.mark.parametrize("hurry", [True, False])
def test_times_that_do_not_count_any_more_take_no_room(hurry: bool) -> None:
    agenda: Agenda[str] = Agenda()
    for n in range(10_000):
        agenda.put("a", 1e6 - n, hurry=hurry)
        agenda.put("b", 1e6 + n, hurry=hurry)
        agenda.put("c", 1e6, hurry=hurry)
    assert len(agenda._hurried) + sum(map(len, agenda._beats.values())) <= 3 * BURST
    assert drained_keys(agenda) == {"a", "b", "c"}


def drained_keys(agenda: Agenda[str]) -> set[str]:
    return {key for key, _ in drained(agenda, 2e6)}


def test_of_many_who_are_asked_at_once_the_first_go_at_once_and_the_others_in_turn() -> None:
    agenda: Agenda[str] = Agenda()
    turns = [agenda.turn(100.0) for _ in range(BURST + 1000)]
    assert turns[:BURST] == pytest.approx([100.0] * BURST)
    assert turns[BURST:] == pytest.approx([100.0 + SPACING * n for n in range(1, 1001)], abs=1e-6)
    later = [agenda.turn(200.0) for _ in range(BURST + 1)]
    assert later == pytest.approx([200.0] * BURST + [200.0 + SPACING], abs=SPACING / 100)


def test_lateness_is_counted_and_the_worst_is_forgotten_after_two_beats() -> None:
    lateness = Lateness()
    for seconds in (-0.003, 0.0, 0.0011, 7.0):
        lateness.note(seconds)
    counted = lateness.counted()
    assert [i for i, n in enumerate(counted.buckets) for _ in range(n)] == [
        0,
        0,
        1,
        len(LAG_BUCKETS),
    ]
    assert counted.seconds == pytest.approx(7.0011)
    seen = [lateness.worst]
    for _ in range(2):
        lateness.beat()
        seen.append(lateness.worst)
    assert seen == [7.0, 7.0, 0.0]
