"""The agenda: who is due when, and how many at once."""

from __future__ import annotations

import random

import pytest

from dnsbalancer_exporter.agenda import BEAT, BURST, SPACING, Agenda, Lateness
from dnsbalancer_exporter.report import LAG_BUCKETS


def drained(agenda: Agenda[str], until: float) -> list[tuple[str, float]]:
    found = []
    while entry := agenda.take(until):
        found.append(entry)
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
    assert drained(agenda, beat) == [("a", beat + 0.9 * BEAT), ("b", beat + 0.1 * BEAT)]
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
    assert agenda.take(9.0) is None


def test_against_a_plain_dictionary() -> None:
    draw, agenda = random.Random(7), Agenda[int]()
    plain: dict[int, float] = {}
    for step in range(5000):
        key, at = draw.randrange(40), float(draw.randrange(1000))
        match draw.randrange(4):
            case 0:
                agenda.drop(key)
                plain.pop(key, None)
            case 1:
                entry = agenda.take(at)
                due = min(plain.values(), default=1e9)
                assert (entry[1] if entry else None) == (due if due <= at else None), step
                if entry:
                    assert plain.pop(entry[0]) == entry[1]
            case _:
                agenda.put(key, at)
                plain[key] = at
        assert agenda.first() == min(plain.values(), default=None)


def test_times_that_do_not_count_any_more_take_no_room() -> None:
    agenda: Agenda[str] = Agenda()
    for n in range(10_000):
        agenda.put("a", 1e9 - n)
        agenda.put("b", 1e9 + n)
    assert len(agenda._heap) <= 3 * BURST


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
