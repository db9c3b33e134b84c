"""The acceptance test's story (tests/acceptance) on Debian 13, with all its promises kept.

`make acceptance` plays it on Debian 12.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.machine import booted
from tests.packaging.rehearsal import (
    OTHER,
    OWN,
    fails_over,
    installed,
    pid,
    until_active_again,
    until_published,
)

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("trixie")]


def test_the_article_on_three_machines_one_cut_off_one_without_power(
    file: Path, trixie: Path
) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tests.acceptance", file, trixie],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=600,
    )
    print(told.stdout)
    assert told.returncode == 0
    assert told.stdout.endswith("ACCEPTED\n")
    assert told.stdout.count("  kept  ") == 9


def test_the_package_is_at_home_there(trixie: Path, files: list[Path], tmp_path: Path) -> None:
    """With Python 3.13, and a systemd that knows backoff: from the installation to the purge."""
    with booted(trixie, tmp_path / "m", *files) as machine:
        installed(lambda *_: machine, files)
        assert "Python 3.13" in machine.run("python3 --version")
        assert machine.run("systemd-analyze verify --man=no dnsbalancer.service") == ""
        fails_over(machine)
        old = pid(machine)
        machine.run(f"kill -KILL {old}")
        until_active_again(machine, old)
        until_published(machine, OWN, OTHER)
        machine.run("systemctl reload dnsbalancer; dpkg -P dnsbalancer")
        assert machine.run("find /etc /usr /var /lib -xdev -name '*dnsbalancer*'") == ""
