"""What a cycle costs when nothing happens, and who waits for whom."""

from __future__ import annotations

from tests.e2e.stage import ZONE, Stage, black_hole


def test_a_quiet_cycle_is_one_get_and_nothing_else(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three, interval=1)
    stage.emulator.journal.clear()
    before = daemon.metrics().value("cycles_total")
    after = daemon.until_cycles(4).value("cycles_total")
    daemon.terminate()
    assert daemon.wait() == 0
    assert before is not None
    assert after is not None
    asked = stage.operations()
    assert set(asked) == {"list_records"}
    # The journal was cleared, and the daemon ended, within a cycle or between two.
    assert after - before - 1 <= len(asked) <= after - before + 2


def test_every_cycle_is_one_get_from_the_start_on(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    stage.emulator.faults.add("list_records:slow:seconds=30")  # the next one is not answered

    def still() -> bool:
        return stage.emulator.journal.entries()[-1].fate == "pending"

    seen = daemon.until(lambda _: still(), "a list that is not answered")
    assert stage.asked("auth_token") == 1
    assert stage.asked("list_zones") == 1
    assert stage.writes() == 0
    lists = seen.value("api_requests_total", operation="list_records")
    assert stage.asked("list_records") in {lists, (lists or 0) + 1}
    assert seen.value("cycles_total") == lists


def test_two_families_are_two_gets_per_cycle(stage: Stage) -> None:
    one = stage.hosts[0]
    stage.managed = {(ZONE, "a"), (ZONE, "aaaa")}
    stage.up(one)
    stage.open("::1", stage.port)
    stage.publish(one, "::1")
    daemon = stage.run(stage.config(one, own_ip=[one, "::1"]))
    daemon.until_healthy(2)
    paths = [entry.path for entry in stage.requests("list_records")]
    kinds = [path.rstrip("/").rpartition("/")[2] for path in paths]
    pairs = zip(kinds[::2], kinds[1::2], strict=False)
    assert set(pairs) == {("a", "aaaa")}
    assert stage.writes() == 0


def test_pools_that_share_a_zone_read_it_once(stage: Stage) -> None:
    one = stage.hosts[0]
    stage.managed = {(ZONE, "a"), (f"app.{ZONE}", "a")}
    stage.up(one)
    stage.publish(one)
    stage.publish(one, name="app")
    pools = [{"record": "@", "name": "apex"}, {"record": "app", "name": "app"}]
    config = stage.config(one, pools=pools)
    daemon = stage.run(config)
    daemon.until_value(1, "pool_targets_healthy", pool="apex")
    daemon.until_value(1, "pool_targets_healthy", pool="app")
    first = stage.asked("list_records")
    seen = daemon.until_more("cycles_total", 4, pool="app")
    assert stage.asked("list_records") - first <= 8  # not two for each of at least four
    assert seen.value("cycle_failures_total") == 0


def test_a_target_that_swallows_packets_delays_no_other(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three, probe_timeout=30)
    stage.down(three)
    with black_hole(three, stage.port):
        stage.down(two)
        stage.until_published(one, three)
        state = {t["address"]: t["health"] for t in daemon.status()["pools"][0]["targets"]}
        assert state[three] == "up"  # nothing is known of it yet: its probe is still on its way
        daemon.terminate()
        assert daemon.wait() == 0


def test_a_target_that_swallows_packets_is_withdrawn_too(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    stage.down(three)
    with black_hole(three, stage.port):
        stage.until_published(one, two)
        labels = {"target": three, "reason": "timeout"}
        assert (daemon.metrics().value("probe_failures_total", **labels) or 0) >= 1
