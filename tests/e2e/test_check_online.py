"""`check --online`: every line of the audit, against the emulator and its faults."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dnsbalancer_exporter.emulator import Emulator
from dnsbalancer_exporter.emulator.dns import NameServer
from tests.e2e.daemon import environment
from tests.e2e.stage import LOGIN, PASSWORD, PROJECT, ZONE, Stage, fresh_addresses, verb
from tests.needed import need_icmp, need_root, program, unavailable

WITHOUT = {"PYTHONPATH": str(Path(__file__).parent / "without_dnspython")}
CHECK = f"_dnsbalancer-check.{ZONE}"


class Audit:
    """An audit that was run as a command; ``lines`` are its findings with their advice."""

    def __init__(self, config: Path, *flags: str, environ: dict[str, str] | None = None) -> None:
        done = verb("check", "--online", str(config), *flags, environ=environ)
        assert done.stderr == ""
        assert PASSWORD not in done.stdout
        self.status = done.returncode
        self.lines = done.stdout.replace("\n         -> ", " -> ").splitlines()

    def only(self, verdict: str, check: str, *texts: str) -> None:
        """There is exactly one such finding of the check that has all the texts."""
        found = [
            line
            for line in self.lines
            if line.startswith(f"{verdict:8} {check}: ") and all(text in line for text in texts)
        ]
        assert len(found) == 1, "\n".join(self.lines)

    def problems(self) -> list[str]:
        return [line for line in self.lines if line.startswith("problem ")]


@pytest.fixture
def good(stage: Stage) -> Stage:
    """Two hosts up and published."""
    stage.up(*stage.hosts[:2])
    stage.publish(*stage.hosts[:2])
    return stage


def audited(stage: Stage, *flags: str, **keys: object) -> Audit:
    """An audit for the first host, which asks the emulator's name server."""
    resolver = "{}:{}".format(*stage.emulator.dns_address)
    return Audit(stage.config(stage.hosts[0], **{"resolvers": [resolver], **keys}), *flags)


def test_when_all_is_well_no_line_is_a_problem_and_nothing_is_written(good: Stage) -> None:
    one, two = good.hosts[:2]
    found = audited(good)
    assert found.status == 0
    assert found.problems() == []
    host, port = good.emulator.dns_address
    for check, *texts in (
        ("configuration", "config.yaml", f"is good: member of {ZONE}"),
        ("state_dir", "can be made by this user"),
        ("port", "is free"),
        ("login", good.emulator.auth_url, "the token is valid for 3600 s"),
        ("login", "clock: agrees with the cloud's"),
        ("zone", f"{ZONE}: is in the project and can be listed: 3 A records"),
        ("records", f"{ZONE} A: holds {one}, {two}"),
        ("records", f"has our own address {one}"),
        ("promise", "within 2 s (1 s if", "within 60 s more: 62 s in all"),
        ("name servers", f"{host}:{port} {ZONE} A: serves what the API says"),
        ("targets", f"{one}: own address, tcp {one} port {good.port}: answers in "),
        ("targets", f"{two}: target, tcp {two} port {good.port}: answers in "),
    ):
        found.only("ok", check, *texts)
    found.only("note", "rights", "the login has owner", "--write-test")
    found.only("note", "negative cache", "for 86400 s (SOA minimum)", "at most 3600 s")
    assert {e.operation for e in good.emulator.journal.entries()} == {
        "auth_token",
        "list_zones",
        "list_records",
    }
    assert good.asked("auth_token") == 1


def test_as_json_it_is_the_same(good: Stage) -> None:
    found = audited(good, "--json")
    document = json.loads("\n".join(found.lines))
    assert found.status == 0
    assert document["problems"] is False
    assert document["findings"][0].keys() == {"check", "verdict", "where", "what", "advice"}
    login = [f for f in document["findings"] if f["check"] == "login"]
    assert [(f["verdict"], f["advice"]) for f in login] == [("ok", None)] * 2


def test_a_wrong_configuration_is_2_and_nobody_is_asked(good: Stage) -> None:
    config = good.config(good.hosts[0], port="eighty")
    done = verb("check", "--online", "--json", str(config))
    assert (done.returncode, done.stdout) == (2, "")
    assert "config.port" in done.stderr
    assert good.operations() == []


@pytest.mark.parametrize("flag", ["--write-test", "--json"])
def test_flags_of_the_audit_without_it_are_2(good: Stage, flag: str) -> None:
    done = verb("check", flag, str(good.config(good.hosts[0])))
    assert done.returncode == 2
    assert "--online" in done.stderr
    assert good.operations() == []


# --- the account ----------------------------------------------------------------------------


def test_a_wrong_password_is_tried_once_and_the_other_checks_go_on(good: Stage) -> None:
    found = audited(good, password="not-the-password")
    assert found.status == 1
    found.only("problem", "login", "HTTP 401", "check `login`, `password`")
    for check in ("zone", "rights", "records", "promise", "name servers"):
        found.only("note", check, "not looked at: ")
    assert len(found.problems()) == 1
    assert len([line for line in found.lines if " targets: " in line]) == 1
    assert good.asked("auth_token") == 1
    assert not [line for line in found.lines if "not-the-password" in line]


def test_an_api_where_nobody_listens_is_a_problem(good: Stage) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    found = audited(good, auth_url=url + "v3/")
    assert found.status == 1
    found.only("problem", "login", url)


def test_a_zone_that_is_not_in_the_project_is_a_problem(good: Stage) -> None:
    found = audited(good, zone="example.net")
    assert found.status == 1
    found.only("problem", "zone", "example.net", "check `zone` and `project_id`")
    found.only("note", "records", "not looked at: the zone example.net could not be read")
    found.only("note", "name servers", "not looked at")


@pytest.mark.parametrize("code", [403, 500])
def test_a_list_that_is_refused_is_a_problem(good: Stage, code: int) -> None:
    good.emulator.faults.add(f"list_records:status:code={code}")
    found = audited(good)
    assert found.status == 1
    found.only("problem", "zone", f"HTTP {code}")


def test_of_two_pools_one_with_a_zone_that_is_not_there_hides_nothing_of_the_other(
    good: Stage,
) -> None:
    pools = [{"zone": "example.net"}, {"zone": ZONE}]
    found = audited(good, zone=None, pools=pools)
    found.only("problem", "zone", "example.net")
    found.only("ok", "zone", f"{ZONE}: is in the project")
    found.only("note", "records", "example.net: not looked at")
    found.only("ok", "records", f"{ZONE} A: holds ")


def test_a_viewer_may_not_write_and_its_role_says_so(good: Stage) -> None:
    good.emulator.switches.set(role="viewer")
    found = audited(good)
    assert found.status == 1
    found.only("problem", "rights", "viewer, which may only read", "network administrator")


def test_who_only_observes_needs_no_rights(good: Stage) -> None:
    good.emulator.switches.set(role="viewer")
    found = audited(good, mode="observe")
    assert found.status == 0
    found.only("ok", "rights", "nothing is ever written")


def test_a_write_test_creates_and_deletes_one_txt_record(good: Stage) -> None:
    found = audited(good, "--write-test")
    assert found.status == 0
    found.only("ok", "rights", f"{CHECK}: a record was created and deleted")
    assert good.emulator.zones.history(CHECK, "TXT")[-1] == ()
    assert len(good.emulator.zones.history(CHECK, "TXT")) == 2
    assert (good.asked("create_record"), good.asked("delete_record")) == (1, 1)


def test_a_write_test_of_a_viewer_is_a_problem(good: Stage) -> None:
    good.emulator.switches.set(role="viewer")
    found = audited(good, "--write-test")
    assert found.status == 1
    found.only("problem", "rights", CHECK, "HTTP 403")


def test_a_write_test_whose_answer_is_lost_leaves_nothing_behind(good: Stage) -> None:
    good.emulator.faults.add("create_record:lost:times=1")
    assert audited(good, "--write-test").status == 0
    assert good.emulator.zones.values(CHECK, "TXT") == ()


def test_a_write_test_removes_what_an_earlier_one_left(good: Stage) -> None:
    good.emulator.faults.add("delete_record:status:code=403:times=1")
    found = audited(good, "--write-test")
    assert found.status == 1
    found.only("problem", "rights", "HTTP 403", "the record is left over: delete it by hand")
    assert len(good.emulator.zones.values(CHECK, "TXT")) == 1
    assert audited(good, "--write-test").status == 0
    assert good.emulator.zones.values(CHECK, "TXT") == ()


def test_a_token_that_lives_short_is_noted(good: Stage) -> None:
    good.emulator.switches.set(token_ttl=120)
    found = audited(good)
    found.only("note", "login", "valid for 120 s", "for an hour")


@pytest.mark.parametrize(("hours", "text"), [(-1, "ahead of"), (1, "behind")])
def test_a_clock_that_is_wrong_is_noted(stage: Stage, hours: int, text: str) -> None:
    with Emulator(
        login=LOGIN,
        password=PASSWORD,
        project_id=PROJECT,
        clock=lambda: time.time() + 3600 * hours,
    ) as cloud:
        found = audited(stage, url=cloud.url, auth_url=cloud.auth_url, resolvers="off")
    found.only("note", "login", f"clock: is 3600 s {text} the cloud's", "NTP")


# --- the records ----------------------------------------------------------------------------


def test_an_empty_name_and_a_missing_own_address_are_noted(stage: Stage) -> None:
    stage.up(stage.hosts[0])
    found = audited(stage)
    assert found.status == 0
    found.only("note", "records", f"{ZONE} A: holds no address")
    found.only("note", "records", f"has not our own address {stage.hosts[0]}")
    found.only("ok", "name servers", "serves nothing, as the API has")


def test_duplicates_strangers_and_ttls_are_noted(good: Stage) -> None:
    one, two, three = good.hosts[:3]
    good.up(three)
    good.emulator.switches.set(uniqueness="off")
    good.publish(two)
    good.publish(three, ttl=900)
    found = audited(good, targets=[one, two])
    found.only("note", "records", f"{ZONE} A: holds {two} 2 times")
    found.only("note", "records", f"{three} is foreign", "`targets`", "`retired`")
    found.only("note", "records", "different TTLs: 60, 900 s")
    found.only("note", "records", "has a TTL of 900 s", "set it to 60 s")
    found.only("note", "promise", "within 900 s more: 902 s in all", "the TTL decides")


# --- DNS ------------------------------------------------------------------------------------


def test_a_name_server_that_serves_something_else_is_a_problem(good: Stage) -> None:
    one, two = good.hosts[:2]
    with Emulator(records=[f"@ A {one} 60"]) as stale:
        resolver = "{}:{}".format(*stale.dns_address)
        found = audited(good, resolvers=[resolver, "{}:{}".format(*good.emulator.dns_address)])
    assert found.status == 1
    found.only("problem", "name servers", resolver, f"serves {one}; the API says {one}, {two}")
    found.only("ok", "name servers", "serves what the API says")


def test_name_servers_that_refuse_or_are_silent_are_problems(good: Stage) -> None:
    with (
        Emulator(zones=["example.net"]) as other,
        closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as silent,
    ):
        silent.bind(("127.0.0.1", 0))
        resolvers = ["{}:{}".format(*a) for a in (other.dns_address, silent.getsockname())]
        found = audited(good, resolvers=resolvers)
    assert found.status == 1
    found.only("problem", "name servers", resolvers[0], "refuses to answer for this name")
    found.only("problem", "name servers", resolvers[1], "did not answer", "port 53")
    found.only("note", "negative cache", "no name server tells the SOA minimum")


def test_a_short_negative_ttl_is_fine(good: Stage) -> None:
    ((zone, _),) = good.emulator.zones.snapshot()
    good.emulator.zones.update_zone(zone.uuid, {"soa_ttl": 300})
    audited(good).only("ok", "negative cache", "for 300 s")


def test_with_resolvers_off_nobody_is_asked_and_that_is_said(good: Stage) -> None:
    found = audited(good, resolvers="off")
    assert found.status == 0
    found.only("note", "name servers", "DNS was not asked: `resolvers` is off")
    assert not [line for line in found.lines if " negative cache: " in line]


def test_without_dnspython_the_dns_part_is_skipped_and_says_what_to_install(good: Stage) -> None:
    config = good.config(good.hosts[0], resolvers=None)
    found = Audit(config, environ=WITHOUT)
    assert found.status == 0
    found.only("note", "name servers", "pip install 'dnsbalancer-exporter[dns]'")
    found.only("ok", "targets", "own address")


@pytest.fixture
def port_53(stage: Stage) -> Iterator[str]:
    """An address where the zone's name server and the machine's resolver are one, on port 53."""
    address = fresh_addresses(9)[-1]
    mount = ["unshare", "--mount", "mount", "--bind", "/etc/resolv.conf", "/etc/resolv.conf"]
    try:
        server = NameServer((address, 53), stage.emulator.zones.snapshot)
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        unavailable(f"needs root, for port 53 and a resolv.conf of its own: {error}")
    yield address
    server.stop()


@pytest.mark.real
def test_by_default_the_zones_own_name_servers_are_found_and_asked(
    good: Stage, port_53: str
) -> None:
    good.add_foreign("@ NS ns1.example.com 300", f"ns1 A {port_53} 300")
    resolv_conf = good.folder / "resolv.conf"
    resolv_conf.write_text(f"nameserver {port_53}\n")
    config = good.config(good.hosts[0], resolvers=None)
    script = f'mount --bind "{resolv_conf}" /etc/resolv.conf && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", script, "sh", sys.executable, "-m"]
    command += ["dnsbalancer_exporter", "check", "--online", str(config)]
    done = subprocess.run(
        command, env=environment({}), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{port_53}:53 {ZONE} A: serves what the API says" in done.stdout


def test_name_servers_that_cannot_be_found_are_a_problem(good: Stage) -> None:
    found = audited(good, resolvers=None, zone="example.invalid")
    assert found.status == 1
    found.only("problem", "name servers", "example.invalid", "list `resolvers`")
    assert not [line for line in found.lines if " negative cache: " in line]


# --- targets and the machine ----------------------------------------------------------------


def test_targets_that_do_not_answer_are_problems_and_references_notes(good: Stage) -> None:
    one, two, three, four = good.hosts[:4]
    good.publish(three)
    good.down(one)
    found = audited(good, reference=[{"address": four, "name": "gateway"}])
    assert found.status == 1
    found.only("problem", "targets", f"{one}: own address", "refused", "own_ip: {address: A")
    found.only("problem", "targets", f"{three}: target", "refused", "does it listen")
    found.only("note", "targets", f"gateway {four}: reference", "refused")
    found.only("ok", "targets", two)
    assert len(found.problems()) == 2


def test_a_probe_of_its_own_makes_the_own_address_reachable(good: Stage) -> None:
    one, two = good.hosts[:2]
    good.down(one)
    found = audited(good, own_ip={"address": one, "probe": two})
    found.only("ok", "targets", f"{one}: own address, tcp {two} port {good.port}: answers")


def test_a_witness_has_targets_only(good: Stage) -> None:
    one, two = good.hosts[:2]
    found = audited(good, is_self_maintenance=False)
    assert found.status == 0
    found.only("ok", "configuration", f"witness of {ZONE}")
    for host in (one, two):
        found.only("ok", "targets", f"{host}: target")


@pytest.mark.real
def test_without_the_right_to_ping_it_says_what_to_do(good: Stage) -> None:
    need_root()  # for a network in which nobody may ping
    program("unshare")
    config = good.config(good.hosts[0], protocol="icmp", port=None)
    script = 'ip link set lo up && exec setpriv --bounding-set=-net_raw "$@"'
    command = ["unshare", "--net", "sh", "-ec", script, "sh", sys.executable, "-m"]
    command += ["dnsbalancer_exporter", "check", "--online", str(config)]
    done = subprocess.run(
        command, env=environment({}), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "problem  targets: ping: this user may not" in done.stdout, done.stdout
    assert "net.ipv4.ping_group_range" in done.stdout


def test_who_may_ping_is_told_so(good: Stage) -> None:
    need_icmp()
    found = audited(good, protocol="icmp", port=None)
    assert found.status == 0
    found.only("ok", "targets", "ping: this user may")
    found.only("ok", "targets", f"{good.hosts[0]}: own address, icmp {good.hosts[0]}: answers")


def test_a_folder_that_cannot_be_made_is_a_problem(good: Stage) -> None:
    (good.folder / "file").touch(mode=0o755)
    found = audited(good, state_dir=str(good.folder / "file" / "state"))
    assert found.status == 1
    found.only("problem", "state_dir", "cannot be written", "StateDirectory=")


def test_a_port_that_somebody_else_has_is_a_problem(good: Stage) -> None:
    found = audited(good, listen="{}:{}".format(*good.apps[good.hosts[1]].address))
    assert found.status == 1
    found.only("problem", "port", "is taken, and not by a daemon", "give another `listen`")


def test_an_address_that_is_not_of_this_machine_is_a_problem(good: Stage) -> None:
    found = audited(good, listen="192.0.2.1:9853")
    assert found.status == 1
    found.only("problem", "port", "cannot be opened", "give another `listen`")


def test_beside_a_running_daemon_the_port_is_its_own(good: Stage) -> None:
    daemon = good.member(good.hosts[0])
    daemon.until_healthy(2)
    found = Audit(daemon.config)
    assert found.status == 0
    found.only("ok", "port", "a daemon of this configuration answers")
    found.only("ok", "state_dir", "can be written by this user")
