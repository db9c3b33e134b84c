"""SIGHUP: a good change is swapped in between cycles, a bad file changes nothing and is said."""

from __future__ import annotations

import pytest

from tests.e2e.daemon import Daemon
from tests.e2e.stage import Stage, free_port, until, write


def reload(daemon: Daemon, **keys: object) -> None:
    """Change keys of the file, and have it read again."""
    write(daemon.config, {**daemon.keys(), **keys})
    daemon.reload()


def reloaded(daemon: Daemon, **keys: object) -> None:
    """The same, and wait until it is in use."""
    reload(daemon, **keys)
    daemon.until_logged("event=reload ")


def test_a_target_that_is_added_is_probed_and_published(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    stage.up(three)
    daemon = stage.steady(one, two, targets=[one, two])
    before = daemon.metrics()
    reload(daemon, targets=[one, two, three])
    stage.until_published(one, two, three)
    seen = daemon.metrics()
    for host in (one, two):
        probes = [m.value("probes_total", target=host) or 0 for m in (before, seen)]
        assert probes[0] <= probes[1], "the counters of what did not change survive"
        assert seen.value("target_transitions_total", target=host, to="up") == 1
    assert seen.value("config_last_reload_successful") == 1
    assert seen.value("config_reloads_total") == 1
    assert seen.value("config_hash") != before.value("config_hash")


def test_a_target_that_is_removed_is_left_in_the_zone_and_its_series_go(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three, targets=[one, two, three])
    reload(daemon, targets=[one, two])
    seen = daemon.until(lambda m: m.labels("target_up", "target") == {one, two}, "it is gone")
    assert not [s for f in seen.families for s in f.samples if three in s.labels.values()]
    daemon.until_value(1, "record_foreign")
    stage.down(three)
    daemon.until_cycles(3)
    assert stage.values() == sorted((one, two, three))
    assert stage.writes() == 0


def test_a_target_that_is_retired_by_a_reload_is_taken_out(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three, targets=[one, two, three])
    reload(daemon, targets=[one, two], retired=[three])
    stage.until_published(one, two)


def test_a_port_that_changed_is_probed_from_then_on(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    port = free_port(one, two)
    stage.open(one, port)
    reload(daemon, port=port)
    stage.until_published(one)
    seen = daemon.metrics()
    assert seen.labels("target_info", "port") == {str(port)}
    assert (seen.value("probes_total", target=one) or 0) > 2


BAD = {
    "unknown key": {"intervall": 5},
    "wrong value": {"port": 0},
    "missing key": {"zone": ""},
}


@pytest.mark.parametrize("keys", BAD.values(), ids=BAD)
def test_a_bad_file_leaves_the_old_configuration_in_use(
    stage: Stage, keys: dict[str, object]
) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    good = daemon.keys()
    (key,) = keys
    reload(daemon, **keys, fall="never")
    daemon.until_logged("config.fall")
    seen = daemon.metrics()
    assert seen.value("config_last_reload_successful") == 0
    assert seen.value("config_reload_failures_total") == 1
    problems = [line for line in daemon.log.splitlines() if "event=reload_failed" in line]
    assert any(f"config.{key}" in line for line in problems)
    assert any("config.fall" in line for line in problems)
    said = daemon.status()["config_problems"]
    assert [line for line in said if f"config.{key}" in line] != []
    assert "the configuration is refused" in daemon.get("/").text
    stage.down(two)
    stage.until_published(one, three)
    write(daemon.config, good)
    daemon.reload()
    daemon.until_value(1, "config_last_reload_successful")
    assert daemon.status()["config_problems"] == []


def test_a_file_that_is_gone_leaves_the_old_configuration_in_use(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    aside = daemon.config.with_suffix(".aside")
    daemon.config.rename(aside)
    daemon.reload()
    daemon.until_logged("event=reload_failed")
    aside.rename(daemon.config)
    assert daemon.metrics().value("config_last_reload_successful") == 0
    stage.down(two)
    stage.until_published(one)


def test_the_web_port_moves_with_a_reload(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    old = daemon.keys()["listen"]
    reloaded(daemon, listen=f"{one}:{free_port(one)}")
    seen = daemon.until_value(2, "pool_targets_healthy")
    assert seen.value("web_listening") == 1
    write(daemon.config, {**daemon.keys(), "listen": old})
    until(lambda: not answers(daemon), "the old port is closed")


def answers(daemon: Daemon) -> bool:
    try:
        daemon.get("/-/healthy")
    except ConnectionRefusedError:
        return False
    return True


def test_a_pool_that_is_removed_takes_its_series_along_and_leaves_its_zone(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.managed = {("example.com", "a"), ("app.example.com", "a")}
    stage.up(one, two)
    stage.publish(one, two)
    stage.publish(one, two, name="app")
    pools = [{"record": "@", "name": "apex"}, {"record": "app", "name": "app"}]
    daemon = stage.run(stage.config(one, pools=pools))
    daemon.until_value(2, "pool_targets_healthy", pool="apex")
    daemon.until_value(2, "pool_targets_healthy", pool="app")
    reload(daemon, pools=pools[:1])
    seen = daemon.until(lambda m: m.labels("pool_targets", "pool") == {"apex"}, "it is gone")
    left = [s for f in seen.families for s in f.samples if s.labels.get("pool") == "app"]
    assert not left
    daemon.until_value(2, "pool_targets_healthy", pool="apex")
    assert stage.writes() == 0
    reload(daemon, pools=pools)
    daemon.until_value(2, "pool_targets_healthy", pool="app")


def test_reloads_in_a_row_end_with_the_last(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    for number in range(10):
        reload(daemon, fall=3 + number % 2, ttl=60 + number)
    daemon.until(lambda m: (m.value("config_reloads_total") or 0) >= 1, "a reload")
    # A file that is read while it is written is refused; the last reload reads a whole one.
    daemon.until_value(1, "config_last_reload_successful")
    daemon.until_cycles(2)
    assert daemon.metrics().value("pool_targets_healthy") == 3
    assert stage.writes() == 0
