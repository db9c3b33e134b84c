"""docs/security.md: the numbers in it are the code's, and the unit's score is what systemd says."""

from __future__ import annotations

import re
import subprocess

import pytest

from dnsbalancer_exporter import control
from dnsbalancer_exporter.provider import keystone, wire
from dnsbalancer_exporter.provider.complaint import LIMIT
from dnsbalancer_exporter.trust import VARIABLES
from tests.needed import program
from tests.repo.generated import ROOT

PAGES = pytest.mark.parametrize("page", ["docs/security.md", "docs/ru/security.md"])
UNIT = ROOT / "packaging/dnsbalancer.service"


@PAGES
def test_the_numbers_are_the_codes(page: str) -> None:
    text = (ROOT / page).read_text()
    attempt = wire.Wire(meter=lambda _: None, clock=lambda: 0.0, verify="")
    assert (wire.MAX_BODY, LIMIT) == (16 * 2**20, 200)
    assert int(attempt._connect + attempt._read) == 13
    assert (keystone.FIRST_PAUSE, keystone.LONGEST_PAUSE) == (60.0, 15 * 60.0)
    assert all(f"`${name}`" in text for name in VARIABLES)
    assert f"`state_dir/{control.NAME}`" in text
    for number in ("16 ", " 13 ", " 200 ", " 15"):
        assert number in text


@PAGES
def test_the_units_score_is_what_systemd_says(page: str) -> None:
    told = re.search(r" (\d\.\d)[^\n]*\(systemd (\d+)\)", (ROOT / page).read_text())
    assert told
    command = [program("systemd-analyze"), "security", "--offline=yes", "--no-pager", str(UNIT)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Overall exposure level[^:]*: (\d\.\d)", said)
    assert found
    version = subprocess.run([command[0], "--version"], capture_output=True, text=True, check=True)
    if version.stdout.startswith(f"systemd {told[2]} "):
        assert found[1] == told[1]
    assert float(found[1]) <= 1.5


@PAGES
def test_the_five_libraries_of_the_page_are_those_that_are_required(page: str) -> None:
    project = (ROOT / "pyproject.toml").read_text()
    required = re.search(r"\ndependencies = \[(.*?)\]", project, re.DOTALL)
    assert required
    names = re.findall(r'"([\w-]+)>=', required[1])
    assert len(names) == 5
    assert [name for name in names if name not in (ROOT / page).read_text()] == []


@PAGES
def test_the_places_of_the_password_are_those_of_the_unit_and_the_packages(page: str) -> None:
    text, unit = (ROOT / page).read_text(), UNIT.read_text()
    assert "LoadCredential=password:/etc/dnsbalancer/password" in unit
    assert "`/etc/dnsbalancer/password`" in text
    assert "LimitCORE=0" in unit
    for script in ("deb-postinst", "rpm-post"):
        assert "-o root -g dnsbalancer -m 0640" in (ROOT / "packaging/scripts" / script).read_text()
