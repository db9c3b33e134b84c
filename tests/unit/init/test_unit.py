"""The unit: the packages' own but for its command."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dnsbalancer_exporter.init import unit
from tests.repo.generated import ROOT

PACKAGED = (ROOT / "packaging/dnsbalancer.service").read_text()
DEFAULT = "/etc/dnsbalancer/config.yaml"


@pytest.mark.parametrize(
    ("command", "file", "line"),
    [
        (["/usr/bin/dnsbalancer"], DEFAULT, "/usr/bin/dnsbalancer"),
        (["/usr/local/bin/dnsbalancer"], DEFAULT, "/usr/local/bin/dnsbalancer"),
        (["/opt/py", "-m", "x"], "/srv/c.yaml", "/opt/py -m x --config /srv/c.yaml"),
        (['/opt/100% "$x"/d'], DEFAULT, '"/opt/100%% \\"$$x\\"/d"'),
    ],
)
def test_only_the_command_differs(command: list[str], file: str, line: str) -> None:
    text = unit.unit_text(command, file)
    assert text == PACKAGED.replace("ExecStart=/usr/bin/dnsbalancer\n", f"ExecStart={line}\n")


def test_what_a_service_cannot_see_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    here = unit.RUNNING.parent
    monkeypatch.setattr(unit, "RUNNING", here)
    monkeypatch.setattr(unit, "INSTALLED", ())
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert unit.obstacle(DEFAULT, ["/usr/local/bin/dnsbalancer"]) == ""
    for file, command in (
        (DEFAULT, [str(Path("/", "root", "dnsbalancer"))]),
        (DEFAULT, ["/usr/bin/python3", str(Path("/", "home", "me", "dnsbalancer"))]),
        ("/tmp/config.yaml", ["/usr/local/bin/dnsbalancer"]),
    ):
        assert "a service cannot see" in unit.obstacle(file, command)
    monkeypatch.setattr(unit, "INSTALLED", (here,))
    assert "its unit reads" in unit.obstacle("/srv/c.yaml", ["/usr/local/bin/dnsbalancer"])
    monkeypatch.setattr(os, "geteuid", lambda: 1)
    assert "only root" in unit.obstacle(DEFAULT, ["/usr/local/bin/dnsbalancer"])
    monkeypatch.setattr(unit, "RUNNING", here / "no such thing")
    assert "systemd does not run here" in unit.obstacle(DEFAULT, ["/usr/local/bin/dnsbalancer"])


def test_every_system_is_told_how_to_start_it(monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["/usr/local/bin/dnsbalancer"]
    assert "sysrc" in unit.by_hand(DEFAULT, command, "freebsd14")
    monkeypatch.setattr(unit, "RUNNING", unit.RUNNING.parent)
    monkeypatch.setattr(unit, "INSTALLED", (unit.RUNNING,))
    assert unit.by_hand(DEFAULT, command, "linux").endswith("systemctl enable --now dnsbalancer")
    said = unit.by_hand("/srv/my c.yaml", command, "linux")
    assert said.endswith("/usr/local/bin/dnsbalancer run --config '/srv/my c.yaml'")
