"""Withdrawals of several writers are kept apart by a TXT record in the zone."""

from __future__ import annotations

import random
import time

from tests.e2e.daemon import Daemon
from tests.e2e.stage import LOCK, ZONE, Stage, kinds_of, until

FAULTS = (
    "*:status:code=500:probability=0.1",
    "writes:lost:probability=0.1:seed=1",
    "*:slow:seconds=0.5:probability=0.1:seed=2",
    "writes:lost_error:probability=0.05:seed=3",
)


def locks(stage: Stage) -> list[str]:
    """The locks in the zone now."""
    return stage.values("TXT", LOCK[0])


def place_lock(stage: Stage) -> None:
    """Put a lock into the zone that no living daemon has."""
    stage.emulator.zones.add("_dnsbalancer-lock TXT dnsbalancer 60")


def three_members(stage: Stage, **keys: object) -> list[Daemon]:
    """Three hosts up and published, each with a member that sees all of them."""
    hosts = stage.hosts[:3]
    stage.up(*hosts)
    stage.publish(*hosts)
    daemons = [stage.member(host, **keys) for host in hosts]
    for daemon in daemons:
        daemon.until_healthy(3)
    return daemons


def locks_at_deletes(stage: Stage) -> list[int]:
    """How many locks there were in the zone at each delete of an address, by the journal."""
    standing, found = 0, []
    for entry in stage.emulator.journal.entries():
        if "txt" in kinds_of(entry):
            standing += entry.operation == "create_record" and entry.status == 201
            standing -= entry.operation == "delete_record" and entry.status == 204
        elif entry.operation == "delete_record":
            found.append(standing)
    return found


def test_three_daemons_withdraw_only_while_one_has_the_lock(stage: Stage) -> None:
    daemons = three_members(stage)
    one, two, three = stage.hosts[:3]
    assert stage.asked("create_record", "txt") == 0  # a quiet fleet needs none
    stage.down(two)
    stage.until_published(one, three)
    for daemon in daemons:
        daemon.until_cycles(2)
    until(lambda: not locks(stage), "no lock is left")
    # Its own daemon may not know yet, and put it back once.
    assert set(locks_at_deletes(stage)) == {1}
    assert set(stage.moves()[3:]) <= {f"-{two}", f"+{two}"}
    taken = [d.metrics().value("lock_events_total", event="taken") or 0 for d in daemons]
    released = [d.metrics().value("lock_events_total", event="released") or 0 for d in daemons]
    assert sum(taken) >= 1
    assert sum(released) >= 1


def test_two_of_three_die_at_once_and_every_delete_is_under_a_lock(stage: Stage) -> None:
    three_members(stage)
    one, two, three = stage.hosts[:3]
    stage.down(one, two)
    stage.until_published(three)
    until(lambda: not locks(stage), "no lock is left")
    at_deletes = locks_at_deletes(stage)
    assert len(at_deletes) >= 2
    assert set(at_deletes) == {1}


def test_a_left_over_lock_makes_withdrawals_wait_and_is_broken_after_its_lease(
    stage: Stage,
) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three, lock={"lease": 5, "margin": 2})
    place_lock(stage)
    stage.down(two)
    daemon.until_value(1, "cycle_held", reason="no_lock")
    assert stage.values() == sorted((one, two, three))
    stage.until_published(one, three)
    until(lambda: not locks(stage), "no lock is left")
    seen = daemon.until_value(0, "cycle_held", reason="no_lock")
    assert seen.value("lock_events_total", event="broken") == 1
    assert (seen.value("lock_events_total", event="refused") or 0) >= 1
    assert set(locks_at_deletes(stage)) == {0}  # the one by hand, broken, is not in the journal


def test_somebody_elses_lock_is_left_alone_for_its_lease(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three, lock={"lease": 60, "margin": 20})
    place_lock(stage)
    stage.down(two)
    daemon.until_value(1, "cycle_held", reason="no_lock")
    daemon.until_cycles(3)
    assert stage.values() == sorted((one, two, three))
    assert stage.asked("delete_record") == 0
    assert stage.emulator.zones.remove(*LOCK) == 1
    stage.until_published(one, three)


def test_creates_need_no_lock(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    place_lock(stage)
    stage.up(one)
    stage.publish(two)
    daemon = stage.member(one, lock={"lease": 60, "margin": 20})
    stage.until_published(one, two)
    daemon.until_value(1, "cycle_held", reason="no_lock")
    assert len(locks(stage)) == 1


def test_a_lock_that_may_not_be_written_withholds_withdrawals(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    stage.emulator.faults.add("writes:status:code=403:type=TXT")
    stage.down(two)
    daemon.until_value(1, "cycle_held", reason="no_lock")
    seen = daemon.until_cycles(3)
    assert (seen.value("lock_events_total", event="failed") or 0) >= 1
    assert stage.values() == sorted((one, two, three))
    assert stage.asked("delete_record", "a") == 0
    assert "event=lock_failed" in daemon.log


def test_where_values_are_not_unique_a_second_lock_withholds_withdrawals(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    stage.emulator.switches.set(uniqueness="off")
    place_lock(stage)
    stage.down(two)
    daemon.until_value(1, "lock_events_total", event="not_unique")
    daemon.until_value(1, "cycle_held", reason="no_lock")
    daemon.until_cycles(3)
    until(lambda: len(locks(stage)) == 1, "our own lock is taken back")
    assert stage.values() == sorted((one, two, three))
    assert stage.asked("delete_record", "a") == 0


def test_without_the_lock_no_txt_is_ever_touched(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three, lock="off")
    place_lock(stage)
    stage.down(two)
    stage.until_published(one, three)
    daemon.until_cycles(2)
    assert [e for e in stage.emulator.journal.entries() if "txt" in kinds_of(e)] == []
    assert len(locks(stage)) == 1


def test_a_lock_whose_answer_was_lost_is_not_held(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    stage.emulator.faults.add("create_record:lost:type=TXT:times=1")
    stage.down(two)
    daemon.until_value(1, "cycle_held", reason="no_lock")
    assert stage.asked("delete_record", "a") == 0
    assert len(locks(stage)) == 1


def test_the_name_is_never_empty_whatever_dies_and_fails(stage: Stage) -> None:
    three_members(stage)
    hosts = stage.hosts[:3]
    dice = random.Random()
    stage.emulator.faults.add(*FAULTS)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        host = dice.choice(hosts)
        dice.choice((stage.up, stage.down))(host)
        time.sleep(dice.uniform(0, 0.8))
    stage.emulator.faults.clear()
    stage.up(*hosts)
    for daemon in stage.daemons:
        daemon.until_cycles(2)
    assert stage.asked("delete_record", "a")
    assert () not in stage.emulator.zones.history(ZONE, "A")
