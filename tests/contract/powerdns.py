"""A real PowerDNS with a zone example.com, on loopback, and a way to it that loses answers."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import requests

from dnsbalancer_exporter.model import Secret
from dnsbalancer_exporter.provider import Driver, PowerDns, RecordSets, Wire
from dnsbalancer_exporter.report import ApiCall
from tests.contract.relay import Relay
from tests.contract.running import Running
from tests.contract.stages import sets
from tests.e2e.stage import free_port
from tests.needed import program

KEY = "key-of-the-test"
SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")

CONFIGURATION = """\
launch=gsqlite3
gsqlite3-database={folder}/zones.db
socket-dir={folder}
local-address=127.0.0.1
local-port={dns}
webserver=yes
webserver-address=127.0.0.1
webserver-port={web}
webserver-allow-from=127.0.0.0/8
api=yes
api-key={key}
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
security-poll-suffix=
"""


class Server(Running):
    """A running PowerDNS: ``url`` is its web server's, ``dns`` its DNS port."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.dns, web = free_port("127.0.0.1"), free_port("127.0.0.1")
        self.url = f"http://127.0.0.1:{web}/"
        words = {"folder": folder, "dns": self.dns, "web": web, "key": KEY}
        (folder / "pdns.conf").write_text(CONFIGURATION.format(**words))
        database = ["sqlite3", str(folder / "zones.db")]
        subprocess.run([program("sqlite3"), database[1]], input=SCHEMA.read_bytes(), check=True)
        where = f"--config-dir={folder}"
        for words_ in (
            ("create-zone", "example.com", "ns1.example.com"),
            ("add-record", "example.com", "ns1", "A", "3600", "127.0.0.1"),
        ):
            command = [program("pdnsutil"), where, *words_]
            subprocess.run(command, check=True, capture_output=True)
        command = [program("pdns_server"), where, "--guardian=no", "--daemon=no"]
        super().__init__(command, folder / "log", lambda: requests.get(self.url, timeout=1))

    def patch(self, name: str, kind: str, ttl: int, *contents: str, disabled: str = "") -> None:
        """Have a record set by hand."""
        records = [{"content": c, "disabled": c == disabled} for c in contents]
        rrset = {
            "name": name,
            "type": kind,
            "ttl": ttl,
            "changetype": "REPLACE",
            "records": records,
        }
        answer = requests.patch(
            f"{self.url}api/v1/servers/localhost/zones/example.com.",
            json={"rrsets": [rrset]},
            headers={"X-API-Key": KEY},
            timeout=10,
        )
        assert answer.status_code == 204, answer.text

    def contents(self, name: str, kind: str) -> list[tuple[str, bool]]:
        """What a record set holds, and whether it is disabled, sorted."""
        answer = requests.get(
            f"{self.url}api/v1/servers/localhost/zones/example.com.",
            headers={"X-API-Key": KEY},
            timeout=10,
        )
        sets = [s for s in answer.json()["rrsets"] if (s["name"], s["type"]) == (name, kind)]
        return sorted((r["content"], r["disabled"]) for s in sets for r in s["records"])


def powerdns(folder: Path) -> Server:
    """A server that runs while it is entered."""
    return Server(folder / "powerdns")


class OverPowerDns:
    """A server and drivers that reach it by a relay."""

    ids_are_shared = False

    def __init__(self, server: Server) -> None:
        self.server = server
        self.calls: list[ApiCall] = []
        self.relay = Relay(server.url)

    def driver(self, key: str = KEY) -> Driver:
        wire = Wire(meter=self.calls.append, clock=time.monotonic, verify="/none")
        url = f"{self.relay.url}api/v1/servers/localhost/"
        return RecordSets(PowerDns(url=url, key=Secret(key), wire=wire), write_budget=10.0)

    def add(self, *texts: str, ttl: int = 60) -> None:
        for (name, kind), contents in sets(texts).items():
            there = [content for content, _ in self.server.contents(name, kind)]
            self.server.patch(name, kind, ttl, *there, *contents)

    def lose(self) -> None:
        self.relay.losing += 1

    def close(self) -> None:
        self.relay.close()
