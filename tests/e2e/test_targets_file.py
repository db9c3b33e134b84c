"""`targets_file`: what a generator writes is in use soon, and what it spoils changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.daemon import Daemon
from tests.e2e.stage import Stage, until, verb, write


def inventory(stage: Stage, *hosts: str, name: str = "targets.json") -> Path:
    """The file, as a good generator writes it: elsewhere, and renamed."""
    file = stage.folder / name
    new = file.with_suffix(".new")
    new.write_text(json.dumps(hosts))
    new.replace(file)
    return file


def witness(stage: Stage, *hosts: str) -> tuple[Daemon, Path]:
    """A witness of ``hosts``, which are up and published, and its file."""
    file = inventory(stage, *hosts)
    stage.up(*hosts)
    stage.publish(*hosts)
    daemon = stage.witness(targets_file=str(file))
    daemon.until_healthy(len(hosts))
    return daemon, file


def test_a_target_that_is_added_is_published_and_one_that_left_stays_in_the_zone(
    stage: Stage,
) -> None:
    one, two, three = stage.hosts[:3]
    stage.up(three)
    daemon, _ = witness(stage, one, two)
    inventory(stage, one, three)
    stage.until_published(one, two, three)
    daemon.until_value(1, "record_foreign")
    seen = daemon.metrics()
    assert seen.labels("target_up", "target") == {one, three}
    assert seen.value("config_reloads_total") == 0
    assert seen.value("targets_file_targets") == 2


def test_a_spoilt_file_changes_nothing_and_is_said_everywhere(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon, file = witness(stage, one, two, three)
    writes = stage.writes()
    file.write_text(file.read_text()[:9])
    daemon.until_value(0, "targets_file_last_load_successful")
    daemon.until_logged("event=targets_file_refused")
    (pool,) = daemon.status()["pools"]
    assert "not valid JSON" in pool["targets_file"]["problem"]
    assert pool["verdict"]["level"] == "attention"
    assert "not valid JSON" in daemon.get("/").text
    said = verb("status", "--state-dir", str(daemon.keys()["state_dir"])).stdout
    assert "targets_file is refused" in said
    daemon.until_cycles(3)
    assert daemon.metrics().value("pool_targets_healthy") == 3
    assert stage.writes() == writes
    inventory(stage, one, two, three)
    daemon.until_value(1, "targets_file_last_load_successful")
    assert daemon.log.count("event=targets_file_refused") == 1


def test_a_list_that_is_too_short_waits_for_a_reload(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon, _ = witness(stage, one, two, three)
    inventory(stage, one)
    daemon.until_value(0, "targets_file_last_load_successful")
    assert daemon.metrics().value("pool_targets") == 3
    daemon.reload()
    daemon.until_value(1, "pool_targets")
    daemon.until_value(1, "targets_file_last_load_successful")
    assert stage.values() == sorted((one, two, three))


def test_at_the_start_a_bad_file_is_a_configuration_error(stage: Stage) -> None:
    one = stage.hosts[0]
    file = inventory(stage, one, "nonsense")
    config = stage.config(one, targets_file=str(file), is_self_maintenance=False)
    done = verb("check", str(config))
    assert done.returncode == 2
    assert f"{file}: [1]: must be an IP address" in done.stdout + done.stderr
    inventory(stage, one)
    good = verb("check", str(config))
    assert good.returncode == 0, good.stderr
    assert f"1 targets of {file}" in good.stdout


def test_a_bad_file_at_a_reload_refuses_the_reload(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    daemon, file = witness(stage, one, two)
    file.unlink()
    write(daemon.config, {**daemon.keys(), "min_records": 2})
    daemon.reload()
    daemon.until_logged("event=reload_failed")
    until(lambda: daemon.metrics().value("pool_min_records") == 1, "the old configuration")
    assert daemon.metrics().value("pool_targets") == 2
