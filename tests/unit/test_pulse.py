"""The watchdog is fed while the daemon does its work, and not merely while its loop turns."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dnsbalancer_exporter.notify import Notifier
from dnsbalancer_exporter.pulse import SLACK, Pulse

WRITE = 20.0
SILENCE = SLACK + 3 * WRITE


class Systemd:
    """What systemd would hear, and the clock and the watch of the daemon that speaks."""

    def __init__(self, path: Path, watchdog_usec: str = "20000") -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)
        self.now = 1000.0
        self.late = 0.0
        environ = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": watchdog_usec}
        self.pulse = Pulse(Notifier(environ), lambda: self.late, lambda: self.now)

    def heard(self) -> list[str]:
        """Everything since the last time, line by line."""
        lines: list[str] = []
        with contextlib.suppress(BlockingIOError):
            while True:
                lines += self._socket.recv(4096).decode().split("\n")
        return lines

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    systemd = Systemd(tmp_path / "notify")
    yield systemd
    systemd.close()


def begin(systemd: Systemd) -> None:
    async def begun() -> None:
        systemd.pulse.begin(WRITE)

    asyncio.run(begun())


def test_it_lives_as_long_as_a_cycle_may_take_without_a_sign(systemd: Systemd) -> None:
    begin(systemd)
    systemd.now += SILENCE - 1
    assert systemd.pulse.alive()
    systemd.now += 2
    assert not systemd.pulse.alive()


def test_every_sign_gives_it_more_time(systemd: Systemd) -> None:
    begin(systemd)
    for _ in range(5):
        systemd.now += SILENCE - 1
        systemd.pulse.sign()
    assert systemd.pulse.alive()


def test_a_zone_loop_that_waits_for_its_interval_is_not_overdue(systemd: Systemd) -> None:
    begin(systemd)
    systemd.pulse.sign(idle=3600.0)
    systemd.now += 3600.0
    assert systemd.pulse.alive()
    systemd.now += SILENCE
    assert not systemd.pulse.alive()


def test_probes_that_are_long_overdue_are_no_life(systemd: Systemd) -> None:
    begin(systemd)
    systemd.late = SLACK - 1
    assert systemd.pulse.alive()
    systemd.late = SLACK + 1
    assert not systemd.pulse.alive()


def test_the_watchdog_is_fed_while_it_lives_and_only_then(systemd: Systemd) -> None:
    async def story() -> None:
        systemd.pulse.begin(WRITE)
        feeding = asyncio.ensure_future(systemd.pulse.feed())
        fed: list[str] = []
        while fed.count("WATCHDOG=1") < 3:
            await asyncio.sleep(0)
            fed += systemd.heard()
        systemd.now += SILENCE + 1
        await asyncio.sleep(0)
        systemd.heard()
        for _ in range(4):
            await asyncio.sleep(0.01)
        assert systemd.heard() == []
        systemd.pulse.sign()
        fed = []
        while not fed:
            await asyncio.sleep(0.001)
            fed = systemd.heard()
        assert fed[0] == "WATCHDOG=1"
        feeding.cancel()

    asyncio.run(story())


def test_ready_is_said_once_and_a_status_each_time(systemd: Systemd) -> None:
    for _ in range(2):
        systemd.pulse.ready()
        systemd.pulse.say("2 of 2 targets up")
    assert systemd.heard() == ["READY=1", "STATUS=2 of 2 targets up", "STATUS=2 of 2 targets up"]


def test_it_is_ready_even_if_the_first_pass_does_not_end(
    systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dnsbalancer_exporter.pulse.READY_SECONDS", 0.01)

    async def story() -> list[str]:
        systemd.pulse.begin(WRITE)
        said: list[str] = []
        while not said:
            await asyncio.sleep(0.005)
            said = systemd.heard()
        return said

    assert asyncio.run(story()) == ["READY=1", "STATUS=waiting for the API's first answer"]


def test_a_reload_is_told_with_its_time(systemd: Systemd) -> None:
    systemd.pulse.reloading()
    systemd.pulse.reloaded()
    begun, moment, ended = systemd.heard()
    assert (begun, ended) == ("RELOADING=1", "READY=1")
    assert moment.startswith("MONOTONIC_USEC=")
