"""Where the command looks for things, and whom it becomes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dnsbalancer_exporter import startup
from dnsbalancer_exporter.errors import ConfigError, DnsBalancerError
from dnsbalancer_exporter.privileges import become
from tests.unit.config.samples import CONTRACT, changed

ETC, LOCAL = startup.DEFAULT_CONFIG, startup.LOCAL_CONFIG


@pytest.mark.parametrize(
    ("platform", "there", "wanted"),
    [
        ("linux", {ETC, LOCAL}, ETC),
        ("linux", {LOCAL}, ETC),
        ("freebsd14", {ETC, LOCAL}, LOCAL),
        ("freebsd14", {LOCAL}, LOCAL),
        ("freebsd14", {ETC}, ETC),
        ("freebsd14", set(), LOCAL),
    ],
)
def test_where_the_configuration_is_looked_for(platform: str, there: set[str], wanted: str) -> None:
    assert startup.default_config(platform, there.__contains__) == wanted


def test_a_verb_finds_the_password_where_the_service_has_it_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(startup, "CREDENTIALS", {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    config = tmp_path / "config.yaml"
    config.write_text(changed("password"))
    with pytest.raises(ConfigError, match="is missing: give `password`"):
        startup.load(str(config), {})
    (tmp_path / "password").write_text("p4ss\n")
    assert startup.load(str(config), {}).api.password.reveal() == "p4ss"
    (tmp_path / "own").mkdir()
    (tmp_path / "own/password").write_text("the service's")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path / "own")}
    assert startup.load(str(config), environ).api.password.reveal() == "the service's"
    config.write_text(CONTRACT)
    assert startup.load(str(config), {}).api.password.reveal() == "123456example"


def test_a_user_that_does_not_exist_is_named() -> None:
    with pytest.raises(DnsBalancerError, match="there is no user 'nobody-of-this-name'"):
        become("nobody-of-this-name")


def test_as_many_files_may_be_open_as_the_system_allows() -> None:
    script = """
import resource
from dnsbalancer_exporter.startup import take_descriptors
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 512))
take_descriptors()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["512", "512"]
