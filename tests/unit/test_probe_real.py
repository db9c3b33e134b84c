"""Probes where the machine itself is different: other rights, other limits, another network.

Each case is a process of its own, most of them in a private network namespace.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.needed import need_root, unavailable

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("icmp")]

PRELUDE = """
import asyncio, os, resource, socket, sys, time
from dnsbalancer_exporter.model import ProbeSpec, Protocol
from dnsbalancer_exporter.probe import Engine

async def probe_all(*specs, before=lambda: None):
    engine = Engine(time.monotonic)
    before()
    for protocol, address, port in specs:
        result = await engine.probe(ProbeSpec(Protocol(protocol), address, port, 1.0))
        reason = result.reason.value if result.reason else "-"
        print(result.outcome.value, reason, result.detail, sep="|")
    engine.close()
"""


def run(script: str, *, setup: str = "", namespace: bool = False) -> list[list[str]]:
    """The lines that ``script`` prints, split at bars. ``setup`` is shell, run before it."""
    python = [sys.executable, "-W", "error", "-c", PRELUDE + script]
    command = ["sh", "-ec", setup + '\nexec "$@"', "sh", *python]
    if namespace:
        isolate = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "-r"]
        probe = subprocess.run([*isolate, "ip", "link"], capture_output=True, check=False)
        if probe.returncode:
            unavailable("needs a network namespace of its own: unshare and ip do not work here")
        command = [*isolate, *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return [line.split("|") for line in done.stdout.splitlines()]


def test_without_right_the_error_says_what_to_do() -> None:
    need_root()
    said = run(
        """
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
asyncio.run(probe_all(("icmp", "127.0.0.1", 0), ("icmp", "::1", 0), ("icmp", "127.0.0.1", 0)))
""",
        setup='sysctl -qw net.ipv4.ping_group_range="1 0"; ip link set lo up',
        namespace=True,
    )
    assert [line[:2] for line in said] == [["error", "permission"]] * 3
    for line in said:
        assert 'sysctl -w net.ipv4.ping_group_range="0 2147483647"' in line[2]
        assert "AmbientCapabilities=CAP_NET_RAW" in line[2]


def test_a_right_given_later_is_found_without_a_restart() -> None:
    need_root()
    said = run(
        """
async def main():
    engine = Engine(time.monotonic)
    for _ in range(2):
        result = await engine.probe(ProbeSpec(Protocol.ICMP, "127.0.0.1", 0, 1.0))
        print(result.outcome.value)
        os.seteuid(0)
    engine.close()
os.seteuid(65534)
asyncio.run(main())
""",
        setup='sysctl -qw net.ipv4.ping_group_range="1 0"; ip link set lo up',
        namespace=True,
    )
    assert said == [["error"], ["success"]]


def test_a_datagram_socket_needs_no_capability() -> None:
    need_root()
    said = run(
        """
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
from dnsbalancer_exporter.probe.ping_socket import open_ping
opened = open_ping(socket.AF_INET)
print("raw" if opened.raw else "dgram")
opened.owner.close()
asyncio.run(probe_all(("icmp", "127.0.0.1", 0), ("icmp", "127.0.0.77", 0), ("icmp", "::1", 0)))
""",
        setup='sysctl -qw net.ipv4.ping_group_range="0 2147483647"; ip link set lo up',
        namespace=True,
    )
    assert said == [["dgram"]] + [["success", "-", ""]] * 3


def test_no_route_is_ours() -> None:
    said = run(
        """
asyncio.run(probe_all(
    ("tcp", "192.0.2.1", 80), ("tcp", "127.0.0.1", 80), ("tcp", "2001:db8::1", 80),
    ("icmp", "192.0.2.1", 0), ("icmp", "2001:db8::1", 0),
))
""",
        namespace=True,
    )
    assert [line[:2] for line in said] == [["error", "no_route"]] * 5


@pytest.mark.parametrize(
    ("route", "tcp", "icmp"),
    [
        ("unreachable", ["error", "no_route"], ["error", "no_route"]),
        ("prohibit", ["error", "permission"], ["error", "permission"]),
        ("blackhole", ["error", "no_route"], ["error", "no_route"]),
    ],
)
def test_a_route_that_refuses_is_ours(route: str, tcp: list[str], icmp: list[str]) -> None:
    said = run(
        'asyncio.run(probe_all(("tcp", "192.0.2.1", 80), ("icmp", "192.0.2.1", 0)))',
        setup=f"ip link set lo up; ip route add {route} 192.0.2.0/24",
        namespace=True,
    )
    assert [line[:2] for line in said] == [tcp, icmp]


def test_a_silent_neighbour_is_the_targets_fault() -> None:
    """ARP finds nobody: reported by our own kernel, but after the packet was accepted."""
    said = run(
        """
async def main():
    engine = Engine(time.monotonic)
    specs = [ProbeSpec(protocol, "192.0.2.9", 80, 10.0) for protocol in Protocol]
    for result in await asyncio.gather(*map(engine.probe, specs)):
        print(result.outcome.value, result.reason.value, sep="|")
    engine.close()
asyncio.run(main())
""",
        setup="""
ip link set lo up
ip link add here type veth peer name there
ip addr add 192.0.2.1/24 dev here; ip link set here up; ip link set there up
sysctl -qw net.ipv4.neigh.here.mcast_solicit=1
""",
        namespace=True,
    )
    assert said == [["failure", "unreachable"]] * 4


def test_a_machine_out_of_ports_blames_itself() -> None:
    said = run(
        """
with socket.create_server(("127.0.0.1", 80)), socket.create_connection(("127.0.0.1", 80)):
    asyncio.run(probe_all(("tcp", "127.0.0.1", 80)))
""",
        setup='ip link set lo up; sysctl -qw net.ipv4.ip_local_port_range="45000 45000"',
        namespace=True,
    )
    assert [line[:2] for line in said] == [["error", "resources"]]


def test_a_connection_to_itself_is_nobody_listening() -> None:
    said = run(
        'asyncio.run(probe_all(("tcp", "127.0.0.1", 45000)))',
        setup='ip link set lo up; sysctl -qw net.ipv4.ip_local_port_range="45000 45000"',
        namespace=True,
    )
    assert said == [["failure", "refused", "connected to itself: nothing listens there"]]


def test_out_of_descriptors_is_ours() -> None:
    said = run(
        """
def exhaust():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    try:
        while True:
            os.dup(0)
    except OSError:
        pass
asyncio.run(probe_all(
    ("tcp", "127.0.0.1", 1), ("icmp", "127.0.0.1", 0), ("icmp", "::1", 0), before=exhaust
))
"""
    )
    assert [line[0] for line in said] == ["error"] * 3
    # without the right to a raw socket, that is what the kernel says first
    allowed = [["resources"], ["resources", "permission"], ["resources", "permission"]]
    assert all(line[1] in reasons for line, reasons in zip(said, allowed, strict=True))
    if os.geteuid() == 0:
        assert [line[1] for line in said] == ["resources"] * 3
