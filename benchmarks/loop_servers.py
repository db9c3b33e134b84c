"""The other contenders of benchmarks/loop.py, each with one name, at the bridge of the lab:
gdnsd and PowerDNS, which probe and answer by themselves.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import dns.exception

from dnsbalancer_exporter.model import Timing
from tests.contract.powerdns import SCHEMA
from tests.contract.running import Running
from tests.e2e.lab import PORT
from tests.e2e.stage import free_port
from tests.e2e.watcher import answer
from tests.needed import program

GDNSD = """\
options => {{ listen => [ {address}:{port} ], run_dir => "{folder}/run",
  state_dir => "{folder}/state", udp_threads => 1, tcp_threads => 1, min_ttl => 1 }}
service_types => {{ application => {{ plugin => tcp_connect, port => {application}, {checks} }} }}
plugins => {{ multifo => {{ service_types => application, loop => {{ {targets} }} }} }}
"""
GDNSD_ZONE = """\
@ 60 SOA ns1 hostmaster 1 3600 600 86400 60
@ 3600 NS ns1
ns1 3600 A {address}
@ {ttl} DYNA multifo!loop
"""
PDNS = """\
launch=gsqlite3
gsqlite3-database={folder}/zones.db
socket-dir={folder}
local-address={address}
local-port={port}
enable-lua-records=yes
lua-health-checks-interval={interval}
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
security-poll-suffix=
"""
LUA = "A \"ifportup({port}, {{{targets}}}, {{selector='all', timeout={timeout}}})\""


@dataclass(frozen=True, slots=True)
class Setting:
    """How all of them are set, in seconds; ``gdnsd`` are the options of its service type.

    PowerDNS knows an interval and a timeout: one failure is enough for it.
    """

    name: str
    ttl: int
    ours: Timing
    gdnsd: dict[str, int]
    pdns_interval: int
    pdns_timeout: int

    def keys(self) -> dict[str, float]:
        """The keys of our configuration."""
        names = ("interval", "fast_interval", "probe_timeout", "fall", "rise")
        return {name: getattr(self.ours, name) for name in names}


class Server(Running):
    """A name server with one name, which is its whole zone."""

    def __init__(
        self, zone: str, where: tuple[str, int], command: Sequence[str], folder: Path
    ) -> None:
        self.zone, self.where = zone, where
        super().__init__(command, folder / "log", self.values)

    def values(self) -> list[str]:
        """What it answers, without any cache."""
        return values(self.zone, self.where)


def values(zone: str, where: tuple[str, int]) -> list[str]:
    """What a name server answers; nothing if it does not."""
    try:
        return answer(where[1], name=zone, address=where[0])
    except (OSError, dns.exception.DNSException):
        return []


def gdnsd(folder: Path, address: str, hosts: Sequence[str], setting: Setting) -> Server:
    zone, port = "gdnsd.test", free_port(address)
    for name in ("zones", "run", "state"):
        (folder / name).mkdir(parents=True)
    words = {
        "checks": ", ".join(f"{key} => {value}" for key, value in setting.gdnsd.items()),
        "targets": ", ".join(f"t{number} => {host}" for number, host in enumerate(hosts)),
    }
    text = GDNSD.format(folder=folder, address=address, port=port, application=PORT, **words)
    (folder / "config").write_text(text)
    (folder / "zones" / zone).write_text(GDNSD_ZONE.format(address=address, ttl=setting.ttl))
    command = [program("gdnsd"), "-c", str(folder), "start"]
    return Server(zone, (address, port), command, folder)


def powerdns(folder: Path, address: str, hosts: Sequence[str], setting: Setting) -> Server:
    zone, port = "pdns.test", free_port(address)
    folder.mkdir(parents=True)
    text = PDNS.format(folder=folder, address=address, port=port, interval=setting.pdns_interval)
    (folder / "pdns.conf").write_text(text)
    database = [program("sqlite3"), str(folder / "zones.db")]
    subprocess.run(database, input=SCHEMA.read_bytes(), check=True)
    targets = ", ".join(f"'{host}'" for host in hosts)
    record = LUA.format(port=PORT, targets=targets, timeout=setting.pdns_timeout)
    where = f"--config-dir={folder}"
    for words in (
        ("create-zone", zone, f"ns1.{zone}"),
        ("add-record", zone, "@", "LUA", str(setting.ttl), record),
    ):
        command = [program("pdnsutil"), where, *words]
        subprocess.run(command, check=True, capture_output=True)
    command = [program("pdns_server"), where, "--guardian=no", "--daemon=no"]
    return Server(zone, (address, port), command, folder)
