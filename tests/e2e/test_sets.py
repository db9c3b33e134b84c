"""The whole daemon on a real provider whose unit is a record set: PowerDNS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.powerdns import KEY, Server, powerdns
from tests.e2e.stage import ZONE, Stage, until, verb
from tests.e2e.typist import typing
from tests.e2e.watcher import answer, fail_and_return, members

pytestmark = pytest.mark.real

OFF = "192.0.2.99"
"""An address of the name that the operator has disabled."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with powerdns(tmp_path) as server:
        yield server


def keys(server: Server, key: str = KEY) -> dict[str, object]:
    login = dict.fromkeys(("login", "auth_url", "project_id"))
    return {"driver": "powerdns", "url": server.url, "password": key, **login}


def test_three_members_fail_over_and_return(stage: Stage, server: Server) -> None:
    hosts = stage.hosts[:3]
    server.patch(f"www.{ZONE}.", "A", 300, "192.0.2.80")
    server.patch(f"{ZONE}.", "TXT", 300, '"v=spf1 -all"')
    server.patch(f"{ZONE}.", "A", 60, hosts[0], OFF, disabled=OFF)
    daemons = members(stage, server.dns, keys(server), *hosts)
    fail_and_return(stage, server.dns, daemons, *hosts)
    assert server.contents(f"www.{ZONE}.", "A") == [("192.0.2.80", False)]
    assert server.contents(f"{ZONE}.", "TXT") == [('"v=spf1 -all"', False)], "no lock, no change"
    assert (OFF, True) in server.contents(f"{ZONE}.", "A"), "what is disabled stays disabled"


def test_a_wrong_key_is_said_and_the_daemon_stays(stage: Stage, server: Server) -> None:
    stage.up(stage.hosts[0])
    daemon = stage.member(stage.hosts[0], **keys(server, "key-of-somebody-else"))
    daemon.until_value(0, "api_up")
    until(lambda: "check `password`: it is the server's `api-key`" in daemon.log, "it is said")
    assert "key-of-somebody-else" not in daemon.log
    assert answer(server.dns) == []


def test_the_audit_knows_powerdns(stage: Stage, server: Server) -> None:
    stage.up(stage.hosts[0])
    config = stage.config(stage.hosts[0], **keys(server))
    found = verb("check", "--online", "--write-test", str(config))
    assert "a record was created and deleted" in found.stdout, found.stdout
    assert found.returncode == 0, found.stdout
    assert answer(server.dns, "TXT") == []


NEEDED = {
    "designate": ["--auth-url", "--login", "--password-file", "--project-id", "--url"],
    "powerdns": ["--password-file", "--url"],
}
"""What no preset answers: the packages' configuration has the URLs of one provider."""


@pytest.mark.parametrize("driver", NEEDED)
def test_init_takes_no_other_clouds_url(tmp_path: Path, driver: str) -> None:
    flags = ["--driver", driver, "--zone", ZONE, "--own-ip", "192.0.2.1", "--port", "80"]
    found = verb("init", str(tmp_path / "config.yaml"), *flags)
    assert found.returncode == 2
    assert [line.split()[2] for line in found.stderr.splitlines()] == NEEDED[driver]


def test_init_leads_to_a_daemon_on_powerdns(stage: Stage, server: Server, tmp_path: Path) -> None:
    one, file = stage.hosts[0], tmp_path / "config.yaml"
    stage.up(one)
    given = ["init", "--driver", "powerdns", "--own-ip", one, "--port", str(stage.port)]
    given += ["--listen", f"{one}:{stage.web_port(one)}", "--resolver", "off", str(file)]
    state = {"STATE_DIRECTORY": str(tmp_path / "state")}
    with typing(tmp_path, *given, environ=state) as person:
        person.answers(URL_of_the=server.url, Password="not-the-key", Zone=ZONE)
        person.answers(Name_in_the_zone="")
        person.sees("check `password`: it is the server's `api-key`")
        person.answers(Password=KEY)
        person.sees(f"{ZONE} holds no address")
        person.answers(Addresses_of_all="", Probe_them="", Time_between="500ms", Keep_the="")
        person.sees(f"wrote {file}")
        assert person.ends() == 0
    assert KEY not in person.screen + person.printed
    stage.run(file, state)
    until(lambda: answer(server.dns) == [one], "it is published")
