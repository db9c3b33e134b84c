"""The packages and the published way, on machines with a real systemd."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnsbalancer_exporter import __version__
from tests.packaging import article
from tests.packaging.machine import Machine
from tests.packaging.rehearsal import (
    CONFIG,
    DEB,
    OTHER,
    OWN,
    PASSWORD,
    SECRET,
    Boot,
    begin,
    configure,
    fails_over,
    installed,
    metric,
    pid,
    until_active_again,
    until_published,
    withdraws,
)

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("machine")]

RPM = "rpm -U --force --nodeps --force-debian /opt/dnsbalancer-{}-1.noarch.rpm"


def test_the_installed_service_fails_over(boot: Boot, files: list[Path]) -> None:
    machine = installed(boot, files)
    fails_over(machine)
    machine.until("systemctl show -P StatusText dnsbalancer | grep -x '2 of 2 targets up'")
    assert OTHER in machine.run("dnsbalancer status")
    assert PASSWORD not in machine.run("journalctl -u dnsbalancer; systemctl show dnsbalancer")
    assert machine.run(f"stat -c '%U:%G %a' {CONFIG}") == "root:dnsbalancer 640"
    owner = machine.run(f"ps -o user= -p {pid(machine)}")
    assert owner not in {"root", "nobody"}
    warnings = machine.run("journalctl -u dnsbalancer -p warning -o cat")
    assert "event=target_down" in warnings
    assert "event=target_up" not in warnings
    assert metric(machine, "process_start_time_seconds") > 1.6e9


def test_it_can_ping_without_a_capability(boot: Boot, files: list[Path]) -> None:
    machine = installed(boot, files, protocol="icmp")
    until_published(machine, OWN, OTHER)
    machine.until("systemctl show -P StatusText dnsbalancer | grep -x '2 of 2 targets up'")
    status = machine.run(f"cat /proc/{pid(machine)}/status")
    assert "CapBnd:\t0000000000000000" in status


def test_the_unit_is_well_formed_and_hardened(boot: Boot, files: list[Path]) -> None:
    machine = boot(*files)
    machine.run(DEB.format(__version__))
    said = machine.try_("systemd-analyze verify --man=no dnsbalancer.service").stdout
    newer = ("Unknown key 'RestartSteps'", "Unknown key 'RestartMaxDelaySec'")
    assert [line for line in said.splitlines() if not any(n in line for n in newer)] == []
    machine.run("systemd-analyze security --threshold=15 --no-pager dnsbalancer.service")


def test_until_it_is_filled_in_it_says_what_is_missing(boot: Boot, files: list[Path]) -> None:
    machine = boot(*files)
    assert "Fill in" in machine.run(DEB.format(__version__))
    assert machine.try_("systemctl is-enabled dnsbalancer").stdout.strip() == "disabled"
    assert machine.try_("systemctl start dnsbalancer").returncode != 0
    said = machine.run("journalctl -u dnsbalancer -p err -o cat")
    for key in ("login", "password", "project_id", "zone", "own_ip"):
        assert f"config.{key}: " in said
    configure(machine)
    until_active_again(machine, 0)


def test_without_a_provider_it_is_ready_all_the_same(boot: Boot, files: list[Path]) -> None:
    machine = boot(*files)
    machine.run(DEB.format(__version__))
    configure(machine)
    machine.run("systemctl stop provider")
    machine.run("systemctl start dnsbalancer")
    assert (machine.show("ActiveState"), machine.show("NRestarts")) == ("active", "0")


def test_killed_it_returns(boot: Boot, files: list[Path]) -> None:
    machine = installed(boot, files)
    for _ in range(3):
        old = pid(machine)
        machine.run(f"kill -KILL {old}")
        until_active_again(machine, old)
    assert machine.show("NRestarts") == "3"
    fails_over(machine)


def test_a_daemon_that_hangs_is_killed_by_the_watchdog(boot: Boot, files: list[Path]) -> None:
    machine = installed(boot, files)
    quick = "[Service]\nWatchdogSec=2\nTimeoutAbortSec=1"
    machine.put("/etc/systemd/system/dnsbalancer.service.d/quick.conf", quick)
    machine.run("systemctl daemon-reload; systemctl restart dnsbalancer")
    old = pid(machine)
    machine.run(f"kill -STOP {old}")
    until_active_again(machine, old)
    assert "Watchdog timeout" in machine.run("journalctl -u dnsbalancer -o cat")
    fails_over(machine)


def test_a_reload_takes_a_good_file_and_refuses_a_bad_one(boot: Boot, files: list[Path]) -> None:
    machine = installed(boot, files)
    old = pid(machine)
    machine.run(f"sed -i 's/ interval: .*/ interval: 3/' {CONFIG}; systemctl reload dnsbalancer")
    machine.until("journalctl -u dnsbalancer -o cat | grep event=reload")
    machine.run(f"sed -i 's/ interval: .*/ interval: 0/' {CONFIG}")
    machine.run("systemctl reload dnsbalancer")
    machine.until("systemctl show -P StatusText dnsbalancer | grep 'was refused'")
    assert "config.interval" in machine.run("journalctl -u dnsbalancer -p err -o cat")
    assert pid(machine) == old
    fails_over(machine)


@pytest.mark.parametrize("install", [DEB, RPM], ids=["deb", "rpm"])
def test_an_upgrade_restarts_what_runs_and_keeps_the_configuration(
    boot: Boot, files: list[Path], install: str
) -> None:
    machine = boot(*files)
    machine.run(install.format(__version__))
    configure(machine)
    machine.run("systemctl enable --now dnsbalancer")
    look = f"cat {CONFIG}; stat -c '%U:%G %a' {CONFIG}"
    before, old = machine.run(look), pid(machine)
    assert before.endswith("root:dnsbalancer 640")
    machine.run(install.format("9.9.9"))
    until_active_again(machine, old)
    assert machine.run(look) == before
    fails_over(machine)
    machine.run("systemctl stop dnsbalancer")
    machine.run(install.format("9.9.9"))
    assert machine.try_("systemctl is-active dnsbalancer").stdout.strip() == "inactive"


def test_removed_it_stops_and_purged_nothing_is_left(boot: Boot, files: list[Path]) -> None:
    machine = installed(boot, files)
    machine.run("dpkg -r dnsbalancer")
    assert machine.try_("systemctl is-active dnsbalancer").returncode != 0
    assert machine.run(f"ls {CONFIG} {SECRET}")
    machine.run("dpkg -P dnsbalancer")
    places = "/etc /usr /var /lib"
    assert machine.run(f"find {places} -xdev -name '*dnsbalancer*'") == ""


def test_an_erased_rpm_leaves_only_the_configuration(boot: Boot, files: list[Path]) -> None:
    machine = boot(*files)
    machine.run(RPM.format(__version__))
    configure(machine)
    machine.run("systemctl enable --now dnsbalancer")
    machine.run("rpm -e dnsbalancer")
    assert machine.try_("systemctl is-active dnsbalancer").returncode != 0
    assert machine.run("find /etc/systemd /usr -xdev -name '*dnsbalancer*'") == ""
    assert machine.run(f"ls {CONFIG}")


def test_the_article_word_for_word(boot: Boot, file: Path) -> None:
    machine = boot(file)
    login = begin(machine)
    article.follow(machine, {**login, "password": PASSWORD, "own_ip": OWN, "port": 8080}, timeout=2)
    withdraws(machine)
    assert machine.run(f"ps -o user= -p {pid(machine)}") == "root"
    old = pid(machine)
    machine.run(f"kill -KILL {old}")
    until_active_again(machine, old)


# --- init ---------------------------------------------------------------------------------


def init(machine: Machine, command: str, login: dict[str, str], *more: str) -> str:
    """What `init` says when all is given by flags, and the service is wanted."""
    keys = {**login, "zone": "example.com", "own-ip": OWN, "target": OTHER, "port": "8080"}
    keys |= {"interval": "2", "resolver": "off"}
    flags = " ".join(f"--{key.replace('_', '-')} {value}" for key, value in keys.items())
    given = f"{flags} {' '.join(more)} --unit"
    return machine.run(f"DNSBALANCER_PASSWORD={PASSWORD} {command} init {given} 2>&1")


def test_init_fills_in_what_the_package_installed_and_starts_it(
    boot: Boot, files: list[Path]
) -> None:
    machine = boot(*files)
    machine.run(DEB.format(__version__))
    said = init(machine, "dnsbalancer", begin(machine))
    assert PASSWORD not in said
    assert "ok       port: 0.0.0.0:9853: is taken, and a daemon of this configuration" in said
    assert machine.run(f"stat -c '%U:%G %a' {CONFIG}") == "root:dnsbalancer 640"
    assert machine.run("systemctl is-enabled dnsbalancer") == "enabled"
    assert machine.run("ls /etc/dnsbalancer") == "config.yaml"
    fails_over(machine)


def test_init_brings_the_unit_of_the_single_file(boot: Boot, files: list[Path]) -> None:
    machine = boot(*files)
    command = "/usr/local/bin/dnsbalancer"
    machine.run(f"cp /opt/dnsbalancer {command}")
    login = begin(machine)
    init(machine, command, login, "--password-apart")
    shown = machine.run("systemctl show -P FragmentPath -P User dnsbalancer")
    assert set(shown.split()) == {"/etc/systemd/system/dnsbalancer.service", "dnsbalancer-daemon"}
    look = f"stat -c '%U:%G %a' {CONFIG} {SECRET}"
    assert machine.run(look).splitlines() == ["root:dnsbalancer 640", "root:root 600"]
    assert PASSWORD not in machine.run(f"cat {CONFIG}")
    fails_over(machine)
    old = pid(machine)
    said = init(machine, command, login, "--password-apart", "--force")
    assert f"kept {CONFIG}." in said
    assert f"kept {SECRET}." in said
    assert pid(machine) != old
    until_published(machine, OWN, OTHER)
