"""Writes that go wrong: the zone ends as it should be, and nothing is repeated blindly."""

from __future__ import annotations

import pytest

from tests.e2e.stage import ZONE, Stage, until

CREATES = {
    "its answer is lost": ("lost", 1),
    "a 500 after it took effect": ("lost_error", 1),
    "an answer that is cut": ("cut", 1),
    "an answer that is no answer": ("garbage", 1),
    "a reset before it took effect": ("reset", 2),
    "a 500": ("status:code=500", 2),
    "a 400": ("status:code=400", 2),
    "a 403": ("status:code=403", 2),
    "a 429": ("status:code=429:retry_after=1", 2),
    "a 409 for a value that is absent": ("status:code=409", 2),
}


@pytest.mark.parametrize(("fault", "attempts"), CREATES.values(), ids=CREATES)
def test_a_create_that_goes_wrong_is_settled_by_reading(
    stage: Stage, fault: str, attempts: int
) -> None:
    one, two, three = stage.hosts[:3]
    stage.up(one, two)
    stage.publish(two, three)
    action, _, options = fault.partition(":")
    stage.emulator.faults.add(
        ":".join(filter(None, ("create_record", action, "type=A", "times=1", options)))
    )
    stage.member(one)
    stage.until_published(one, two)
    assert stage.asked("create_record", "a") == attempts
    assert sorted(stage.moves()[2:]) == [f"+{one}", f"-{three}"]


DELETES = {
    "its answer is lost": ("lost", 1),
    "a 500 after it took effect": ("lost_error", 1),
    "a reset before it took effect": ("reset", 2),
    "a 500": ("status:code=500", 2),
    "a 404 while it is there": ("status:code=404", 2),
    "a 429": ("status:code=429:retry_after=1", 2),
}


@pytest.mark.parametrize(("fault", "attempts"), DELETES.values(), ids=DELETES)
def test_a_delete_that_goes_wrong_is_settled_by_reading(
    stage: Stage, fault: str, attempts: int
) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    action, _, options = fault.partition(":")
    stage.emulator.faults.add(
        ":".join(filter(None, ("delete_record", action, "type=A", "times=1", options)))
    )
    stage.down(two)
    stage.until_published(one, three)
    daemon.until_cycles(2)
    assert stage.asked("delete_record", "a") == attempts
    assert stage.moves()[3:] == [f"-{two}"]


def test_a_record_that_somebody_else_deleted_first_is_done(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    stage.emulator.faults.add("delete_record:slow:type=A:seconds=2:times=1")
    stage.down(two)
    until(lambda: stage.asked("delete_record", "a"), "a delete on its way")
    stage.emulator.zones.remove(ZONE, "A", two)
    daemon.until_value(1, "record_changes_total", action="delete")
    assert stage.values() == sorted((one, three))
    assert daemon.metrics().value("record_change_failures_total") == 0
    assert stage.asked("delete_record", "a") == 1


def test_a_conflict_about_a_value_that_is_absent_is_shown_and_tried_again(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.up(one)
    stage.publish(two)
    stage.emulator.faults.add("create_record:status:type=A:code=409")
    daemon = stage.member(one)
    daemon.until_value(1, "cycle_unpublished", reason="conflict")
    seen = daemon.until_cycles(3)
    labels = {"operation": "create_record", "reason": "conflict"}
    assert (seen.value("api_request_failures_total", **labels) or 0) >= 1
    assert (seen.value("record_change_failures_total", action="create") or 0) >= 1
    assert stage.values() == [two]
    stage.emulator.faults.clear()
    stage.until_published(one)


def test_a_dead_record_stays_while_the_only_living_one_cannot_be_created(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.up(one)
    stage.publish(two)
    stage.emulator.switches.set(quota_a=2)  # one is taken by somebody else's record
    daemon = stage.member(one)
    daemon.until_value(1, "cycle_unpublished")
    daemon.until_down(two)
    daemon.until_value(1, "cycle_held", reason="min_records")
    daemon.until_cycles(2)
    assert stage.values() == [two]
    assert stage.asked("delete_record", "a") == 0
    stage.emulator.switches.set(quota_a=10)
    stage.until_published(one)


def test_a_failed_create_does_not_withhold_what_does_not_need_it(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    stage.up(one, two)
    stage.publish(two, three)
    stage.emulator.faults.add("create_record:status:type=A:code=403")
    stage.member(one)
    stage.until_published(two)


def test_writes_that_a_role_may_not_do_leave_the_zone_and_are_said(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    stage.up(one, two)
    stage.publish(two, three)
    stage.emulator.switches.set(role="viewer", viewer_code=403)
    daemon = stage.member(one)
    daemon.until_value(1, "cycle_unpublished", reason="api_error")
    daemon.until_down(three)
    daemon.until_cycles(2)
    assert stage.values() == sorted((two, three))
    assert "role" in daemon.log


def test_a_token_that_was_taken_back_costs_one_login(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    stage.emulator.faults.add("list_records:expire_tokens:times=1")
    seen = daemon.until_cycles(3)
    assert stage.asked("auth_token") == 2
    assert seen.value("cycle_failures_total") == 0


def test_a_token_that_expires_is_renewed_before(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.emulator.switches.set(token_ttl=2)
    daemon = stage.steady(one, two)
    seen = daemon.until(lambda _: stage.asked("auth_token") >= 3, "two renewals")
    assert seen.value("api_request_failures_total") == 0
    assert seen.value("cycle_failures_total") == 0


def test_a_token_lost_between_a_read_and_a_write_does_not_lose_the_write(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    stage.steady(one, two, three)
    stage.emulator.faults.add("delete_record:expire_tokens:type=A:times=1")
    stage.down(two)
    stage.until_published(one, three)
    assert stage.asked("auth_token") == 2
    assert stage.asked("delete_record", "a") == 2


def test_duplicates_of_a_value_are_reduced_to_one(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.emulator.switches.set(uniqueness="off")
    stage.publish(one, one, two, two)
    stage.up(one, two)
    stage.member(one)
    stage.until_published(one, two)
