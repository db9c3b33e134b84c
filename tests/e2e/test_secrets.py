"""The password: where it may come from, and where it and the tokens never show."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.e2e.daemon import Daemon
from tests.e2e.stage import PASSWORD, Stage, verb

TOKEN = "gAAAAA"
"""How the emulator's tokens begin, and Keystone's."""


@pytest.mark.parametrize("source", ["file", "environment", "credential"])
def test_the_password_may_come_from_elsewhere(stage: Stage, source: str) -> None:
    one = stage.hosts[0]
    stage.up(one)
    secrets = stage.folder / "secrets"
    secrets.mkdir()
    (secrets / "password").write_text(PASSWORD + "\n")
    keys: dict[str, object] = {"password": None}
    environ = {}
    if source == "file":
        keys["password_file"] = str(secrets / "password")
    elif source == "environment":
        environ["DNSBALANCER_PASSWORD"] = PASSWORD
    else:
        environ["CREDENTIALS_DIRECTORY"] = str(secrets)
    stage.run(stage.config(one, **keys), environ)
    stage.until_published(one)


def test_a_password_of_digits_and_one_of_signs_are_what_they_look_like(stage: Stage) -> None:
    config = stage.config(stage.hosts[0], password=123456)
    assert verb("check", str(config)).returncode == 0


def test_without_any_password_the_four_sources_are_named(stage: Stage) -> None:
    done = verb("run", "--config", str(stage.config(stage.hosts[0], password=None)))
    assert done.returncode == 2
    for source in ("password_file", "$DNSBALANCER_PASSWORD", "credential"):
        assert source in done.stderr


def shown(daemon: Daemon) -> dict[str, str]:
    """All that the daemon shows to anybody."""
    process = Path(f"/proc/{daemon.process.pid}")
    page = {path: daemon.get(path).text for path in ("/", "/metrics", "/api/v1/status", "/x")}
    control = {
        request: ask(daemon, request)
        for request in ('{"verb": "status"}', '{"verb": "explain", "address": "x"}', "nonsense")
    }
    return {
        **page,
        **control,
        "log": daemon.log,
        "cmdline": (process / "cmdline").read_text(),
        "comm": (process / "comm").read_text(),
        "state": "".join(
            p.read_text() for p in (daemon.folder / "state").rglob("*") if p.is_file()
        ),
    }


def ask(daemon: Daemon, request: str) -> str:
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(5)
        control.connect(str(next((daemon.folder / "state").glob("*.sock"))))
        control.sendall(request.encode() + b"\n")
        with control.makefile("rb") as lines:
            return lines.read().decode()


TROUBLES = {
    "all is well": "get_zone:slow",
    "logins are refused": "*:status:code=401",
    "the API repeats what it was told": "list_records:status:code=400:body=" + PASSWORD,
    "connections break": "*:reset",
    "answers are cut": "*:cut",
}


@pytest.mark.parametrize("fault", TROUBLES.values(), ids=TROUBLES)
@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_no_secret_shows_anywhere(stage: Stage, fault: str, form: str) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three, log_level="debug", log_format=form)
    stage.emulator.faults.add(fault)
    stage.down(two)
    daemon.until_down(two)
    well = fault == TROUBLES["all is well"]
    daemon.until(lambda m: well or m.value("api_request_failures_total"), "a failed request")
    for where, text in shown(daemon).items():
        assert PASSWORD not in text, where
        assert TOKEN not in text, where
    if form == "json":
        assert all("msg" in json.loads(line) for line in daemon.log.splitlines())


@pytest.mark.parametrize(
    ("key", "wrong"), [("login", {"password": "wrong"}), ("project_id", {"zone": "none.example"})]
)
def test_the_open_port_does_not_tell_what_the_machine_does(
    stage: Stage, key: str, wrong: dict[str, object]
) -> None:
    daemon = stage.run(stage.config(stage.hosts[0], **wrong))
    private = {"login": stage.emulator.login, "project_id": stage.emulator.project_id}
    daemon.until_logged("event=zone_error")
    for path in ("/", "/metrics", "/api/v1/status"):
        told = daemon.get(path).text
        assert not [word for word in private.values() if word in told], path
        assert path == "/metrics" or f"({key})" in told, path
    assert private[key] in ask(daemon, '{"verb": "status"}')
    assert private[key] in daemon.log


def test_no_secret_shows_in_what_is_said_of_a_bad_file(stage: Stage) -> None:
    config = stage.config(stage.hosts[0], port=PASSWORD, listen=PASSWORD, interval=PASSWORD)
    for name in ("check", "plan", "run"):
        done = verb(name, "--config", str(config))
        assert done.returncode == 2
        assert PASSWORD not in done.stderr + done.stdout
