"""The end: SIGTERM and SIGINT, whatever is on its way; the zone stays as it is."""

from __future__ import annotations

import signal

import pytest

from tests.e2e.stage import LOCK, ZONE, Stage, until

HANG = 5.0
"""Three seconds are promised; this is against hanging, and no measure of speed."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_daemon_and_leaves_the_zone(stage: Stage, number: int) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    daemon.process.send_signal(number)
    assert daemon.wait(HANG) == 0
    assert "event=stop" in daemon.log
    assert stage.values() == sorted((one, two))
    assert stage.writes() == 0
    assert not list((daemon.folder / "state").glob("*.sock"))


def test_it_ends_while_a_delete_hangs_and_the_next_one_finds_what_came_of_it(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    stage.emulator.faults.add("delete_record:slow:type=A:seconds=4")
    stage.down(two)
    until(lambda: stage.asked("delete_record", "a"), "a delete that hangs")
    daemon.terminate()
    assert daemon.wait(HANG) == 0
    assert stage.values() == sorted((one, two, three))
    stage.until_published(one, three)  # the request was on its way
    stage.emulator.faults.clear()
    stage.member(one).until_value(1, "web_listening")
    stage.up(two)
    stage.member(two)
    stage.until_published(one, two, three)


def test_it_ends_in_the_middle_of_its_withdrawals_with_the_lock_given_back(stage: Stage) -> None:
    """Writes are paced: a machine of many names leaves them one after the other."""
    one, two = stage.hosts[:2]
    names = [f"n{number}" for number in range(40)]
    stage.managed = {(f"{name}.{ZONE}", "a") for name in names}
    stage.up(one, two)
    for name in names:
        stage.publish(one, two, name=name)
    daemon = stage.witness(targets=[one, two], own_ip=None, record=names, api_rate=1)
    until(lambda: daemon.log.count("event=target_up") == 2, "both are up")
    stage.down(two)
    until(lambda: stage.asked("delete_record", "a"), "the first withdrawal")
    daemon.terminate()
    assert daemon.wait(HANG) == 0
    left = [name for name in names if two in stage.values(name=f"{name}.{ZONE}")]
    assert 30 < len(left) < 40
    assert not stage.emulator.zones.values(*LOCK)
    assert daemon.log.count("event=record_delete ") == len(names) - len(left)
    assert "event=lock_left" not in daemon.log


def test_two_signals_end_it_as_one_does(stage: Stage) -> None:
    one = stage.hosts[0]
    daemon = stage.steady(one)
    daemon.terminate()
    daemon.terminate()
    assert daemon.wait(HANG) == 0


def test_a_daemon_that_was_killed_is_followed_by_one_that_goes_on(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    daemon.may_end_with = {-signal.SIGKILL}
    daemon.kill()
    stage.down(two)
    stage.run(daemon.config)  # its control socket and, by chance, its lock are still there
    stage.until_published(one, three)
    stage.daemons[1].until_value(1, "web_listening")
    until(lambda: not stage.emulator.zones.values(*LOCK), "the lock is given back")
