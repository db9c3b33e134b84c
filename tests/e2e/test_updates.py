"""The whole daemon on a real name server that takes dynamic updates: BIND and Knot DNS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dns.update
import pytest

from tests.contract.primaries import KEY, KINDS, SECRET, Primary, primary
from tests.e2e.stage import ZONE, Stage, until, verb
from tests.e2e.watcher import answer, fail_and_return, members

pytestmark = pytest.mark.real


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Primary]:
    with primary(request.param, tmp_path) as server:
        yield server


def test_three_members_fail_over_and_return(stage: Stage, server: Primary) -> None:
    hosts = stage.hosts[:3]
    foreign = dns.update.UpdateMessage(ZONE + ".")
    foreign.add("www", 300, "A", "192.0.2.80")
    foreign.add(ZONE + ".", 300, "TXT", '"v=spf1 -all"')
    server.send(foreign)
    daemons = members(stage, server.port, server.keys(), *hosts)
    fail_and_return(stage, server.port, daemons, *hosts)
    assert answer(server.port, "TXT") == ["v=spf1 -all"], "no lock, nothing foreign touched"


def test_a_quiet_fleet_writes_nothing(stage: Stage, server: Primary) -> None:
    for daemon in members(stage, server.port, server.keys(), *stage.hosts[:3]):
        before = daemon.until_cycles(1)
        after = daemon.until_cycles(5)
        for operation in ("create_record", "delete_record"):
            asked = [m.value("api_requests_total", operation=operation) for m in (before, after)]
            assert asked[0] == asked[1]


def test_a_name_server_that_is_away_stops_nothing(stage: Stage, server: Primary) -> None:
    one, two = hosts = stage.hosts[:2]
    daemons = members(stage, server.port, server.keys(), *hosts)
    server.stop()
    daemons[0].until_value(0, "api_up")
    stage.down(two)
    daemons[0].until_value(1, "pool_targets_healthy")
    server.start()
    until(lambda: answer(server.port) == [one], "the dead one is out, now that it can be")


def test_a_wrong_key_is_said_and_the_daemon_stays(stage: Stage, server: Primary) -> None:
    wrong = {**server.keys(), "password": "d3Jvbmcgc2VjcmV0LCBidXQgb2YgZ29vZCBsZW5ndGg="}
    stage.up(stage.hosts[0])
    daemon = stage.member(stage.hosts[0], **wrong)
    daemon.until_value(0, "api_up")
    until(lambda: "check `login` (the key's name)" in daemon.log, "it is said")
    assert "d3Jvbmcg" not in daemon.log
    assert answer(server.port) == []


def test_the_audit_knows_name_servers(stage: Stage, server: Primary) -> None:
    stage.up(stage.hosts[0])
    config = stage.config(stage.hosts[0], **server.keys())
    found = verb("check", "--online", "--write-test", str(config))
    assert f"dns://127.0.0.1:{server.port}" in found.stdout
    assert "a record was created and deleted" in found.stdout, found.stdout
    assert found.returncode == 0, found.stdout
    assert answer(server.port, "TXT") == []


def test_init_asks_for_what_a_name_server_needs_and_no_more(
    stage: Stage, server: Primary, tmp_path: Path
) -> None:
    one, file = stage.hosts[0], tmp_path / "config.yaml"
    stage.up(one)
    flags = ["--driver", "rfc2136", "--zone", ZONE, "--own-ip", one, "--port", str(stage.port)]
    given = ["init", str(file), *flags, "--listen", f"{one}:{stage.web_port(one)}"]
    missing = verb(*given)
    assert missing.returncode == 2
    assert [line.split()[2] for line in missing.stderr.splitlines()] == [
        *("--login", "--password-file", "--url"),
    ]
    given += ["--url", f"dns://127.0.0.1:{server.port}", "--login", KEY, "--resolver", "off"]
    environ = {"DNSBALANCER_PASSWORD": SECRET, "STATE_DIRECTORY": str(tmp_path / "state")}
    done = verb(*given, environ=environ)
    assert done.returncode == 0, done.stderr + done.stdout
    assert SECRET not in done.stderr + done.stdout
    stage.run(file, environ)
    until(lambda: answer(server.port) == [one], "it is published")
