"""What a machine may do to the daemon: stop it, fill its disk, set its clock, take its network."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnsbalancer_exporter import __version__
from tests.packaging import article
from tests.packaging.machine import Machine
from tests.packaging.rehearsal import (
    API_PORT,
    CONFIG,
    DEB,
    LOOKUP,
    OTHER,
    OWN,
    PASSWORD,
    PORT,
    TEMPLATE,
    Boot,
    begin,
    fails_over,
    fill_in,
    installed,
    pid,
    start_app,
    stop_app,
    until_active_again,
    until_metric,
    until_published,
    write_config,
)

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("machine")]

SAVED = "dnsbalancer_state_last_save_successful"
STATE = "/var/lib/private/dnsbalancer"
DROP_IN = "/etc/systemd/system/dnsbalancer.service.d/test.conf"

DESK = """
import json, sys
from urllib.request import Request, urlopen
url, method, body = "http://127.0.0.1:8081/_emulator/" + sys.argv[1], *sys.argv[2:4]
with urlopen(Request(url, body.encode() or None, method=method)) as answer:
    for entry in json.load(answer):
        print(entry.get("operation"), *entry.get("path", "").split("/"))
"""
"""The director's desk of the emulated provider; prints a journal's requests, word by word."""


def order(machine: Machine, fault: str) -> None:
    """Have the provider fail in some way."""
    machine.put("/run/desk.py", DESK)
    machine.run(f"python3 /run/desk.py faults POST {fault}")


def until_asked(machine: Machine, operation: str, type_: str) -> None:
    """Wait until the provider has been asked for this, about a type of record."""
    machine.put("/run/desk.py", DESK)
    machine.until(f"python3 /run/desk.py journal GET '' | grep {operation} | grep -w {type_}")


def logins(machine: Machine) -> int:
    """How often somebody has logged in."""
    machine.put("/run/desk.py", DESK)
    return machine.run("python3 /run/desk.py journal GET ''").count("auth_token")


# --- killed and stopped -------------------------------------------------------------------


def test_killed_in_the_middle_of_a_withdrawal_it_finishes_it(boot: Boot, files: list[Path]) -> None:
    """The DELETE takes effect when who sent it is dead, and the lock is left behind."""
    machine = installed(boot, files)
    machine.run(f"sed -i 's/ #lock: .*/ lock: {{lease: 5, margin: 2}}/' {CONFIG}")
    machine.run("systemctl restart dnsbalancer")
    until_published(machine, OWN, OTHER)
    order(machine, "delete_record:slow:type=A:seconds=3:times=1")
    stop_app(machine, OTHER)
    until_asked(machine, "delete_record", "a")
    old = pid(machine)
    machine.run(f"kill -KILL {old}")
    until_active_again(machine, old)
    until_published(machine, OWN)
    machine.run(f"systemctl reset-failed app-{OTHER} || true")
    start_app(machine, OTHER)
    until_published(machine, OWN, OTHER)


def test_stopped_and_continued_it_goes_on(boot: Boot, file: Path) -> None:
    """With the published unit, which has no watchdog."""
    machine = boot(file)
    login = begin(machine)
    article.follow(machine, {**login, "password": PASSWORD, "own_ip": OWN, "port": 8080}, timeout=2)
    until_published(machine, OWN, OTHER)
    old = pid(machine)
    machine.run(f"kill -STOP {old}")
    stop_app(machine, OTHER)
    machine.run(f"sleep 8; kill -CONT {old}")
    until_published(machine, OWN)
    until_metric(machine, "dnsbalancer_loop_stood_still_total", 1)
    assert (pid(machine), machine.show("NRestarts")) == (old, "0")


# --- a full disk --------------------------------------------------------------------------


def test_a_full_disk_stops_neither_a_start_nor_a_failover(boot: Boot, files: list[Path]) -> None:
    machine = installed(boot, files)
    machine.run("systemctl stop dnsbalancer")
    machine.run(f"mount -t tmpfs -o size=64k tmpfs {STATE}; cat /dev/zero > {STATE}/all || true")
    machine.run("systemctl start dnsbalancer")
    until_metric(machine, SAVED, 0)
    fails_over(machine)
    said = machine.run("journalctl -u dnsbalancer -o cat")
    assert said.count("event=state_failed") == 1
    assert "No space left on device" in said
    machine.run(f"rm {STATE}/all")
    until_metric(machine, SAVED, 1)
    machine.run(f"test -s {STATE}/state.json")
    assert machine.show("NRestarts") == "0"


# --- a wrong clock ------------------------------------------------------------------------

FAKETIME = """
[Service]
Environment=LD_PRELOAD=%s FAKETIME_TIMESTAMP_FILE=/run/wrong FAKETIME_NO_CACHE=1
Environment=FAKETIME_DONT_FAKE_MONOTONIC=1
"""


def test_a_clock_that_is_years_off_and_is_set_changes_nothing(
    boot: Boot, files: list[Path]
) -> None:
    """One login is enough, though by this clock every token has expired, or never does."""
    machine = installed(boot, files)
    library = machine.run("ls /usr/lib/*/faketime/libfaketimeMT.so.1")
    machine.put(DROP_IN, FAKETIME % library)
    machine.put("/run/wrong", "-3650d")
    machine.run("systemctl daemon-reload; systemctl restart dnsbalancer")
    year = int(machine.run("date +%Y")) - 10
    machine.until(f"journalctl -u dnsbalancer -o cat | grep time={year}-")
    before = logins(machine)
    until_published(machine, OWN, OTHER)
    for wrong in ("+3650d", "-1d"):
        machine.put("/run/wrong", wrong)
        fails_over(machine)
    assert logins(machine) == before
    assert machine.show("NRestarts") == "0"


# --- no network, no DNS -------------------------------------------------------------------

CLOUD = "10.9.0.1"
RESOLVER = "10.9.0.53"
MEMBER, PEER = "10.9.0.11", "10.9.0.12"
NETWORK = f"""
ip netns add cloud
ip -n cloud link add cloud0 type bridge
for a in {CLOUD} {RESOLVER} {PEER}; do ip -n cloud address add $a/24 dev cloud0; done
ip -n cloud link set lo up; ip -n cloud link set cloud0 up
in_cloud() {{ name=$1; shift; systemd-run -q --unit=$name ip netns exec cloud "$@"; }}
in_cloud provider /opt/dnsbalancer emulate --listen 0.0.0.0:{API_PORT} --password {PASSWORD} \\
    --dns {CLOUD}:5353 --record '@ A {PEER} 60'
in_cloud peer python3 -m http.server --directory /opt --bind {PEER} {PORT}
systemd-run -q --unit=application python3 -m http.server --directory /opt {PORT}
"""
"""A cloud beside the machine, with the provider and a peer: nobody has plugged it in yet."""

PLUG_IN = f"""
ip link add eth0 type veth peer name port netns cloud
ip -n cloud link set port master cloud0 up
ip address add {MEMBER}/24 dev eth0; ip link set eth0 up
"""
MUTE = f"""
import socket, time
mute = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); mute.bind(("{RESOLVER}", 53))
time.sleep(1e6)
"""
"""A resolver that takes every question and answers none."""

SPEAKS = f"""
systemctl stop mute
systemd-run -q --unit=resolver ip netns exec cloud /opt/dnsbalancer emulate \\
    --listen 127.0.0.1:9 --dns {RESOLVER}:53 --record 'api A {CLOUD} 60'
"""


def until_in_dns(machine: Machine, *addresses: str) -> None:
    """Wait until the provider's name servers have exactly these."""
    look = LOOKUP.replace("127.0.0.1", CLOUD)
    machine.put("/run/lookup.py", look)
    ask = "PYTHONPATH=/opt/dnsbalancer ip netns exec cloud python3 /run/lookup.py"
    machine.until(f'test "$({ask})" = "{" ".join(addresses)}"')


def unplugged(boot: Boot, files: list[Path], host: str) -> Machine:
    """A machine that was configured to find the provider at ``host``, and booted again: it has no
    network, and a cloud beside it.
    """
    machine = boot(*files)
    machine.run(DEB.format(__version__))
    url = f"http://{host}:{API_PORT}"
    login = {"login": "operator@example.com", "project_id": "0123456789abcdef0123456789abcdef"}
    urls = {"url": f"{url}/public-dns/", "auth_url": f"{url}/v3/"}
    write_config(machine, fill_in(TEMPLATE, {**login, **urls}, own_ip=MEMBER))
    machine.put("/etc/resolv.conf", f"nameserver {RESOLVER}")
    machine.run("systemctl enable dnsbalancer; sync")
    machine.power_off()
    machine.boot()
    machine.run(NETWORK)
    return machine


def is_up(machine: Machine) -> bool:
    """Whether the daemon runs, has not been started again, and answers."""
    machine.run("dnsbalancer status")
    return (machine.show("ActiveState"), machine.show("NRestarts")) == ("active", "0")


def test_without_a_network_at_boot_it_waits_for_one(boot: Boot, files: list[Path]) -> None:
    machine = unplugged(boot, files, CLOUD)
    assert is_up(machine)
    machine.until("systemctl show -P StatusText dnsbalancer | grep 'cannot be reached\\|unreach'")
    machine.run(PLUG_IN)
    until_in_dns(machine, MEMBER, PEER)
    assert is_up(machine)
    assert "event=record_delete" not in machine.run("journalctl -u dnsbalancer -o cat")


def test_a_resolver_that_does_not_answer_holds_nothing_up(boot: Boot, files: list[Path]) -> None:
    machine = unplugged(boot, files, "api.example.com")
    machine.put("/run/mute.py", MUTE)
    machine.run("systemd-run -q --unit=mute ip netns exec cloud python3 /run/mute.py")
    machine.run(PLUG_IN)
    machine.run("systemctl restart dnsbalancer")
    assert is_up(machine)
    machine.run("systemctl restart --no-block dnsbalancer")
    machine.run(SPEAKS)
    until_in_dns(machine, MEMBER, PEER)
    assert is_up(machine)
    assert "timed out" not in machine.run("journalctl -u dnsbalancer -o cat _PID=1")
