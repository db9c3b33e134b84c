"""What is not ours: other names, other types, and with `targets` other addresses of the name.

That nothing of it was ever touched is judged after every test, by the stage; here there is more
of it, and reasons to touch it.
"""

from __future__ import annotations

from tests.e2e.stage import ZONE, Stage

STRANGER = "192.0.2.77"


def test_other_names_and_types_are_left_alone_whatever_is_in_them(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    stage.add_foreign(
        f"old A {two} 60",
        f"*.apps A {two} 60",
        "@ AAAA 2001:db8::77 60",
        "_dmarc TXT v=DMARC1 60",
        f"_dnsbalancer TXT {two} 60",
        f"txt TXT {two} 60",
    )
    stage.steady(one, two, three)
    stage.down(two)
    stage.until_published(one, three)
    stage.down(one)
    stage.until_published(three)
    stage.up(one)
    stage.until_published(one, three)


def test_with_targets_other_addresses_of_the_name_are_left_alone(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    stage.add_foreign(f"@ A {STRANGER} 60", f"@ A {three} 60")
    stage.up(one, two)
    stage.publish(one, two)
    daemon = stage.member(one, targets=[one, two])
    daemon.until_healthy(2)
    stage.down(two)
    stage.until_published(one, three, STRANGER)
    seen = daemon.metrics()
    assert seen.value("record_foreign") == 2
    assert seen.labels("target_up", "target") == {one, two}
    stage.up(two)
    stage.until_published(one, two, three, STRANGER)


def test_a_stranger_is_not_what_a_name_may_be_left_with(stage: Stage) -> None:
    """The floor counts ours: a foreign address that nobody probes vouches for nothing."""
    one, two = stage.hosts[:2]
    stage.add_foreign(f"@ A {STRANGER} 60")
    stage.up(one, two)
    stage.publish(one, two)
    daemon = stage.member(one, targets=[one, two], fast_interval="500ms")
    daemon.until_healthy(2)
    stage.down(one, two)
    daemon.until_down(one, two)
    daemon.until_value(2, "cycle_held", reason="fail_open")
    daemon.until_cycles(2)
    assert stage.values() == sorted((one, two, STRANGER))


def test_targets_that_are_listed_are_published_by_anyone_who_sees_them_up(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    stage.up(one, two, three)
    stage.publish(one)
    stage.witness(targets=[one, two, three])
    stage.until_published(one, two, three)


def test_a_subdomain_is_written_and_the_apex_is_not(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.add_foreign(f"@ A {two} 60")
    stage.managed = {(f"app.{ZONE}", "a")}
    stage.up(one)
    stage.publish(two, name="app")
    stage.member(one, record="app")
    stage.until_published(one, name=f"app.{ZONE}")
    assert stage.values() == [two]


def test_several_names_share_one_verdict(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.managed = {(ZONE, "a"), (f"app.{ZONE}", "a")}
    stage.up(one, two)
    stage.publish(one, two)
    stage.publish(two, name="app")
    stage.member(one, record=["@", "app"])
    stage.until_published(one, two, name=f"app.{ZONE}")
    stage.down(two)
    stage.until_published(one)
    stage.until_published(one, name=f"app.{ZONE}")


def test_a_retired_address_is_taken_out_although_it_answers(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.up(one, two)
    stage.publish(one, two)
    stage.member(one, retired=[two])
    stage.until_published(one)


def test_an_address_that_a_hand_took_out_is_not_put_back(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    stage.emulator.zones.remove(ZONE, "A", two)
    daemon.until(lambda m: m.labels("target_up", "target") == {one, three}, "it is forgotten")
    daemon.until_cycles(2)
    assert stage.values() == sorted((one, three))
