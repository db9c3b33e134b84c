"""IPv6, alone and beside IPv4: two record sets of one name."""

from __future__ import annotations

from tests.e2e.stage import ZONE, Stage, free_port

OTHER = "2001:db8::2"


def test_an_ipv6_record_set_is_watched_and_written(stage: Stage) -> None:
    stage.managed = {(ZONE, "aaaa")}
    stage.add_foreign(f"@ A {stage.hosts[1]} 60")
    port = free_port("::1")
    dead = {"address": OTHER, "probe": {"address": "::1", "port": free_port("::1")}}
    stage.publish(OTHER)
    stage.open("::1", port)
    daemon = stage.member("::1", port=port, targets=["::1", dead])
    stage.until_published("::1", kind="AAAA")
    assert stage.moves("AAAA") == [f"+{OTHER}", "+::1", f"-{OTHER}"]
    seen = daemon.until_cycles(2)
    assert seen.value("record_addresses_published", record_type="AAAA") == 1
    assert seen.labels("record_addresses_published", "record_type") == {"AAAA"}


def test_an_ipv6_own_address_is_canonical_whatever_its_spelling(stage: Stage) -> None:
    stage.managed = {(ZONE, "aaaa")}
    port = free_port("::1")
    stage.open("::1", port)
    daemon = stage.member("0:0:0:0:0:0:0:1", port=port)
    stage.until_published("::1", kind="AAAA")
    assert daemon.metrics().labels("target_up", "target") == {"::1"}


def test_two_families_are_two_record_sets_with_a_verdict_per_address(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.managed = {(ZONE, "a"), (ZONE, "aaaa")}
    stage.publish(two, OTHER)
    stage.up(one, two)
    stage.open("::1", stage.port)
    other = {"address": OTHER, "probe": {"address": two, "port": stage.port}}
    daemon = stage.run(stage.config(one, own_ip=[one, "::1"], targets=[two, other]))
    stage.until_published(one, two)
    stage.until_published("::1", OTHER, kind="AAAA")
    daemon.until_healthy(4)
    stage.down(one)
    stage.until_published(two)
    daemon.until_cycles(2)
    assert stage.values("AAAA") == sorted(("::1", OTHER))
    stage.down(two)  # and with it the probe of the other IPv6 address
    stage.until_published("::1", kind="AAAA")
    assert stage.values("A") == [two]
    assert daemon.until_value(1, "pool_fail_open").value("pool_available") == 1


def test_the_other_family_of_the_name_is_not_even_read(stage: Stage) -> None:
    one = stage.hosts[0]
    stage.add_foreign(f"@ AAAA {OTHER} 60")
    daemon = stage.steady(one)
    assert daemon.metrics().labels("target_up", "target") == {one}
    lists = [e.path for e in stage.emulator.journal.entries("list_records")]
    assert {path.rstrip("/").rpartition("/")[2] for path in lists} == {"a"}
