"""How a daemon begins and ends, and what it lives through: signals, systemd, ports, folders."""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stage import Stage, black_hole, free_port, until, verb


class Systemd:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, path: Path) -> None:
        self.address = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.setblocking(False)
        self._lines: list[str] = []

    def told(self) -> list[str]:
        """All lines up to now."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._lines += self._socket.recv(65536).decode().split("\n")
        return self._lines

    def until(self, line: str, times: int = 1) -> None:
        until(lambda: self.told().count(line) >= times, f"{line} told {times} times")

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    with contextlib.closing(Systemd(tmp_path / "notify")) as systemd:
        yield systemd


# --- the end ----------------------------------------------------------------------------


def test_sigterm_ends_it_while_the_api_hangs_and_a_probe_is_swallowed(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    with black_hole(three, stage.port):
        stage.up(one, two)
        stage.publish(one, two, three)
        stage.emulator.faults.add("list_records:slow:seconds=30:skip=1")
        daemon = stage.member(one, probe_timeout="20s")
        until(lambda: stage.asked("list_records") >= 2, "a read that hangs")
        daemon.terminate()
        assert daemon.wait() == 0
    assert stage.values() == sorted((one, two, three))
    assert stage.writes() == 0
    assert "event=stop" in daemon.log


@pytest.mark.parametrize("operation", ["auth_token", "list_zones", "create_record"])
def test_sigterm_ends_it_whatever_hangs(stage: Stage, operation: str) -> None:
    one = stage.hosts[0]
    stage.up(one)
    stage.emulator.faults.add(f"{operation}:slow:seconds=30")
    daemon = stage.member(one)
    until(lambda: stage.asked(operation), "a request that hangs")
    daemon.terminate()
    assert daemon.wait() == 0


def test_sigterm_at_once_after_the_start_ends_it_and_the_zone_stays(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.up(one, two)
    stage.publish(one, two)
    for delay in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5):
        daemon = stage.member(one)
        daemon.may_end_with = {0, -15}  # before the daemon has begun it is Python that ends
        time.sleep(delay)
        daemon.terminate()
        daemon.wait()
        assert daemon.returncode == (0 if "event=begin" in daemon.log else daemon.returncode)
    assert stage.values() == sorted((one, two))


def test_sigterm_after_the_first_line_of_the_log_ends_it_well(stage: Stage) -> None:
    daemon = stage.member(stage.hosts[0])
    daemon.until_logged("event=begin")
    daemon.terminate()
    assert daemon.wait() == 0
    assert daemon.log.count("event=stop") == 1


def test_sigterm_together_with_sighup_ends_it(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGHUP, signal.SIGCONT):
        daemon.process.send_signal(number)  # both are there when it goes on
    try:
        assert daemon.wait() == 0
    finally:
        if daemon.returncode is None:
            daemon.kill()
            daemon.may_end_with = {-9}


# --- systemd ----------------------------------------------------------------------------


def test_systemd_is_told_that_it_is_ready_though_the_api_fails(
    stage: Stage, systemd: Systemd
) -> None:
    one, two = stage.hosts[:2]
    stage.up(one, two)
    stage.emulator.faults.add("*:status:code=403")
    config = stage.config(one)
    daemon = stage.run(config, {"NOTIFY_SOCKET": systemd.address})
    systemd.until("READY=1")
    assert stage.emulator.journal.entries()  # not before the first pass
    assert daemon.returncode is None
    assert "WATCHDOG=1" not in systemd.told()
    daemon.terminate()
    assert daemon.wait() == 0
    assert systemd.told().count("STOPPING=1") == 1
    assert systemd.told().count("READY=1") == 1


def test_systemd_is_not_told_ready_before_the_first_pass_has_ended(
    stage: Stage, systemd: Systemd
) -> None:
    one = stage.hosts[0]
    stage.emulator.faults.add("list_records:slow:seconds=4:times=1")
    daemon = stage.run(stage.config(one), {"NOTIFY_SOCKET": systemd.address})
    until(lambda: stage.asked("list_records"), "the first read")
    assert "READY=1" not in systemd.told()
    systemd.until("READY=1")
    assert daemon.returncode is None


def test_systemd_is_told_of_a_reload(stage: Stage, systemd: Systemd) -> None:
    daemon = stage.run(stage.config(stage.hosts[0]), {"NOTIFY_SOCKET": systemd.address})
    systemd.until("READY=1")
    daemon.reload()
    systemd.until("READY=1", 2)
    told = systemd.told()
    at = told.index("RELOADING=1")
    assert told[at + 1].startswith("MONOTONIC_USEC=")
    assert "READY=1" in told[at:]


def test_the_watchdog_is_fed_while_the_api_hangs(stage: Stage, systemd: Systemd) -> None:
    one, two = stage.hosts[:2]
    stage.up(one, two)
    stage.emulator.faults.add("*:slow:seconds=30")
    environ = {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "400000"}
    stage.run(stage.config(one), environ)
    until(lambda: stage.asked("auth_token"), "a request that hangs")
    fed = systemd.told().count("WATCHDOG=1")
    systemd.until("WATCHDOG=1", fed + 5)


def test_an_abstract_socket_of_systemd_is_reached(stage: Stage) -> None:
    name = f"dnsbalancer-{stage.port}-{stage.hosts[0]}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(f"\0{name}")
        systemd.settimeout(25)
        stage.run(stage.config(stage.hosts[0]), {"NOTIFY_SOCKET": f"@{name}"})
        while b"READY=1" not in systemd.recv(4096).splitlines():
            pass  # its status comes first


# --- what it lives through --------------------------------------------------------------


def test_a_busy_port_is_said_and_opened_when_it_is_free(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    stage.up(one, two)
    stage.publish(one, two, three)
    port = free_port(one)
    config = stage.config(one, listen=f"{one}:{port}")
    with socket.socket() as other:
        other.bind((one, port))
        other.listen(0)
        daemon = stage.run(config)
        daemon.until_logged("event=listen_failed")
        stage.until_published(one, two)
        status = verb("status", "--config", str(config))
        assert status.returncode == 0, status.stderr
        assert one in status.stdout
    daemon.until_value(1, "web_listening")


def test_a_state_folder_that_is_a_file_is_said_and_the_daemon_goes_on(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    place = stage.folder / "state"
    place.write_text("not a folder")
    daemon = stage.steady(one, two, three, state_dir=str(place))
    daemon.until_logged("event=control_failed")
    stage.down(three)
    stage.until_published(one, two)
    status = verb("status", "--config", str(daemon.config))
    assert status.returncode == 1
    assert "no daemon answers" in status.stderr
    assert place.read_text() == "not a folder"


def test_the_control_socket_is_for_its_owner_and_gone_at_the_end(stage: Stage) -> None:
    daemon = stage.member(stage.hosts[0])
    path = daemon.folder / "state" / "control.sock"
    until(path.exists, "the control socket")
    assert path.stat().st_mode & 0o777 == 0o600
    daemon.terminate()
    daemon.wait()
    assert not path.exists()


def test_a_control_socket_of_a_killed_daemon_is_taken_over(stage: Stage) -> None:
    config = stage.config(stage.hosts[0])
    first = stage.run(config)
    until((first.folder / "state" / "control.sock").exists, "the control socket")
    first.kill()
    first.may_end_with = {-9}
    second = stage.run(config)
    asked = ("status", "--config", str(config))
    until(lambda: verb(*asked).returncode == 0, "the second daemon answers")
    assert second.returncode is None


NO_CONFIGURATIONS = {
    "nothing": None,
    "an empty file": b"",
    "a binary file": b"\x7fELF\x02\x01\x00\xff",
    "no mapping": b"- 1\n- 2\n",
    "an open bracket": b"config: {zone: [",
}


@pytest.mark.parametrize("content", NO_CONFIGURATIONS.values(), ids=NO_CONFIGURATIONS)
@pytest.mark.parametrize("name", ["run", "check", "plan"])
def test_what_is_no_configuration_is_one_message_and_status_2(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    path = tmp_path / "config.yaml"
    if content is not None:
        path.write_bytes(content)
    ended = verb(name, "--config", str(path))
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert ended.stderr.startswith(f"{path}: ")
    assert ended.stdout == ""


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    ended = verb("run", "--config", str(tmp_path))
    assert ended.returncode == 2
    assert ended.stderr == f"{tmp_path}: is a folder: give the path of a file\n"
