"""What a start may meet: the published file, busy ports, folders that cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.daemon import Daemon
from tests.e2e.stage import LOGIN, PASSWORD, PROJECT, ZONE, Stage, until, verb

PUBLISHED = """\
config:
    url: "{url}"
    auth_url: "{auth_url}"
    login: "{login}"
    password: "{password}"
    project_id: "{project_id}"
    zone: "{zone}"
    own_ip: "{own_ip}"
    is_self_maintenance: {member}
    driver: "{driver}"
    protocol: "tcp"
    port: {port}
    timeout: 180
"""
"""The published file, with the stage's values."""


def published(stage: Stage, own_ip: str, member: str = "true", driver: str = "vkcloudns") -> Path:
    config = stage.folder / "config.yaml"
    config.touch(mode=0o600)
    config.write_text(
        PUBLISHED.format(
            url=stage.emulator.url,
            auth_url=stage.emulator.auth_url,
            login=LOGIN,
            password=PASSWORD,
            project_id=PROJECT,
            zone=ZONE,
            own_ip=own_ip,
            member=member,
            driver=driver,
            port=stage.port,
        )
    )
    return config


def bare(stage: Stage, config: Path) -> Daemon:
    """The command as its unit starts it, with no arguments; the file is in the environment."""
    state = stage.folder / "state"
    environ = {"DNSBALANCER_CONFIG": str(config), "STATE_DIRECTORY": str(state)}
    daemon = Daemon(config, (), environ)
    stage.daemons.append(daemon)
    return daemon


@pytest.mark.xdist_group("demo")  # it listens on 0.0.0.0:9853, as the file has it
def test_the_published_file_runs_unchanged_as_a_member(stage: Stage) -> None:
    one = stage.hosts[0]
    stage.up(one)
    daemon = bare(stage, published(stage, one))
    stage.until_published(one)
    daemon.until_logged("event=record_create")
    daemon.terminate()
    assert daemon.wait() == 0
    assert stage.operations() == [
        "auth_token",
        "list_zones",
        "list_records",  # at once; then the own target was found UP:
        "list_records",
        "create_record",
        "list_records",
    ]


@pytest.mark.xdist_group("demo")
def test_the_published_file_writes_nothing_where_all_is_well(stage: Stage) -> None:
    one = stage.hosts[0]
    stage.up(one)
    stage.publish(one)
    daemon = bare(stage, published(stage, one))
    until(lambda: stage.asked("list_records") == 2, "one look at once and one when it is UP")
    daemon.terminate()
    assert daemon.wait() == 0
    assert stage.operations() == ["auth_token", "list_zones", "list_records", "list_records"]


@pytest.mark.xdist_group("demo")
@pytest.mark.parametrize("driver", ["vkclouddns", "vkcloudriver", "vkcloud"])
def test_the_published_file_runs_unchanged_as_a_witness(stage: Stage, driver: str) -> None:
    one, two = stage.hosts[:2]
    stage.up(one)
    stage.publish(one)
    daemon = bare(stage, published(stage, two, member="false", driver=driver))
    daemon.until_logged("event=target_up")
    daemon.terminate()
    assert daemon.wait() == 0
    assert stage.operations()[:3] == ["auth_token", "list_zones", "list_records"]
    assert set(stage.operations()[3:]) <= {"list_records"}


def test_endpoints_may_be_written_in_any_of_their_forms(stage: Stage) -> None:
    one = stage.hosts[0]
    stage.up(one)
    url = stage.emulator.url.rstrip("/") + "/v2/dns"
    auth_url = stage.emulator.auth_url.removesuffix("v3/")
    stage.member(one, url=url, auth_url=auth_url)
    stage.until_published(one)


def test_a_missing_file_ends_it_with_status_2_and_one_line(stage: Stage) -> None:
    missing = stage.folder / "missing.yaml"
    for environ, arguments in (
        ({}, ("run", "--config", str(missing))),
        ({}, ("--config", str(missing))),
        ({"DNSBALANCER_CONFIG": str(missing)}, ()),
    ):
        done = verb(*arguments, environ=environ)
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        assert str(missing) in done.stderr


def test_a_file_that_everybody_can_read_is_warned_about(stage: Stage) -> None:
    one = stage.hosts[0]
    config = stage.config(one)
    config.chmod(0o644)
    daemon = stage.run(config)
    daemon.until_logged("chmod")
    assert "event=config_note" in daemon.log


def test_two_daemons_on_one_state_folder_and_port_go_on_both(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.up(one)
    stage.publish(two)
    first = stage.member(one)
    first.until_value(1, "web_listening")
    stage.until_published(one)
    second = Daemon(first.config, ("run", "--config", str(first.config)), {})
    stage.daemons.append(second)
    second.until_logged("event=listen_failed")
    second.until_logged("event=control_failed")
    assert verb("status", "--config", str(first.config)).returncode == 0


def test_a_systemd_that_does_not_listen_is_no_trouble(stage: Stage) -> None:
    one = stage.hosts[0]
    stage.up(one)
    environ = {"NOTIFY_SOCKET": str(stage.folder / "nobody"), "WATCHDOG_USEC": "100000"}
    stage.run(stage.config(one), environ)
    stage.until_published(one)
