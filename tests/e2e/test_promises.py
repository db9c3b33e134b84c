"""The promises to the people who use it: who is withdrawn, who is published, and in which order."""

from __future__ import annotations

from tests.e2e.stage import Stage


def test_own_address_is_withdrawn_while_others_answer_and_comes_back(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    stage.steady(one, two, three)
    stage.down(one)
    stage.until_published(two, three)
    stage.up(one)
    stage.until_published(one, two, three)
    assert stage.moves()[3:] == [f"-{one}", f"+{one}"]


def test_a_missing_own_record_is_created_before_the_dead_neighbour_goes(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.up(one)
    stage.publish(two)
    stage.member(one)
    stage.until_published(one)
    assert stage.moves()[1:] == [f"+{one}", f"-{two}"]
    asked = stage.operations()
    assert asked.index("create_record") < asked.index("delete_record")
    assert stage.writes() == 2


def test_a_dead_neighbour_goes_and_its_own_daemon_brings_it_back(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    stage.up(one, two, three)
    stage.publish(one, two, three)
    daemons = [stage.member(host) for host in (one, two, three)]
    for daemon in daemons:
        daemon.until_healthy(3)
    stage.down(two)
    stage.until_published(one, three)
    stage.up(two)
    stage.until_published(one, two, three)
    assert stage.moves()[3:] == [f"-{two}", f"+{two}"]


def test_a_neighbour_is_not_brought_back_by_a_member(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    stage.down(two)
    stage.until_published(one, three)
    stage.up(two)
    daemon.until_value(1, "target_up", target=two)
    daemon.until_cycles(2)
    assert stage.values() == sorted((one, three))


def test_a_witness_brings_back_a_learned_target_that_it_withdrew(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    stage.up(one, two, three)
    stage.publish(one, two, three)
    witness = stage.witness()
    witness.until_healthy(3)
    stage.down(two)
    stage.until_published(one, three)
    stage.up(two)
    stage.until_published(one, two, three)
    assert stage.moves()[3:] == [f"-{two}", f"+{two}"]


def test_a_witness_never_publishes_its_own_address(stage: Stage) -> None:
    one, *_, own = stage.hosts
    stage.up(one, own)
    stage.publish(one)
    witness = stage.witness()
    witness.until_healthy(1)
    witness.until_cycles(2)
    assert stage.values() == [one]
    assert stage.writes() == 0


def test_two_of_three_dead_leave_the_third_to_three_daemons(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    stage.up(one, two, three)
    stage.publish(one, two, three)
    daemons = [stage.member(host) for host in (one, two, three)]
    for daemon in daemons:
        daemon.until_healthy(3)
    stage.down(one, two)
    stage.until_published(three)
    stage.up(one, two)
    stage.until_published(one, two, three)


def test_two_of_three_dead_leave_the_third_to_its_own_daemon_alone(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    stage.steady(three, one, two)
    stage.down(one, two)
    stage.until_published(three)


def test_two_of_three_dead_leave_the_third_to_the_daemon_of_a_dead_one(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    stage.steady(one, two, three)
    stage.down(one, two)
    stage.until_published(three)


def test_machines_that_were_dead_before_the_start_are_withdrawn(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    stage.up(one)
    stage.publish(one, two, three)
    stage.member(one)
    stage.until_published(one)


def test_an_own_address_that_never_answered_is_not_withdrawn(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.up(two)
    stage.publish(one, two)
    daemon = stage.member(one)
    daemon.until_value(1, "cycle_held", reason="own_unproven")
    daemon.until_cycles(2)
    assert stage.values() == sorted((one, two))
    assert stage.writes() == 0


def test_all_dead_leave_the_zone_as_it_was(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three, fast_interval="500ms")  # so they die as one
    stage.down(one, two, three)
    daemon.until_down(one, two, three)
    seen = daemon.until_value(1, "pool_fail_open")
    daemon.until_cycles(2)
    assert seen.value("pool_available") == 0
    assert stage.values() == sorted((one, two, three))
    stage.up(two)
    stage.until_published(two)


def test_all_dead_from_the_start_leave_the_zone_as_it_was(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    stage.publish(one, two, three)
    daemon = stage.member(one)
    daemon.until_value(1, "pool_fail_open")
    daemon.until_cycles(2)
    assert stage.values() == sorted((one, two, three))
    assert stage.writes() == 0


def test_an_empty_name_gets_the_own_record(stage: Stage) -> None:
    one = stage.hosts[0]
    stage.up(one)
    daemon = stage.member(one)
    stage.until_published(one)
    assert daemon.until_value(1, "record_addresses_published").value("record_in_sync") == 1


def test_hands_in_the_console_are_repaired_by_the_next_cycle(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.steady(one, two)
    stage.emulator.zones.remove("example.com", "A", one)
    stage.until_published(one, two)


def test_a_new_record_has_the_ttl_of_its_siblings(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.up(one, two)
    stage.publish(two, ttl=333)
    stage.member(one, ttl=77)
    stage.until_published(one, two)
    ((_, records),) = stage.emulator.zones.snapshot()
    assert {r.ttl for r in records if r.value in {one, two}} == {333}


def test_observe_mode_says_what_it_would_do_and_never_writes(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.up(one)
    stage.publish(two)
    daemon = stage.member(one, mode="observe")
    daemon.until_value(1, "cycle_held", reason="observe_mode")
    daemon.until_value(1, "cycle_unpublished", reason="observe_mode")
    daemon.until_cycles(2)
    assert stage.values() == [two]
    assert stage.writes() == 0
