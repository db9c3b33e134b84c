"""The rehearsal stage: the provider's APIs, its name servers and sample applications, on loopback.

    with Emulator(zones=["example.com"], records=["@ A 127.0.0.11 60"]) as stage:
        ...  # point a client at stage.auth_url and stage.url, dig at stage.dns_address
        stage.faults.add("create_record:lost:times=1")
        stage.switches.set(slash="lenient")

It knows nothing of the daemon: what it does comes from the provider's published contract, and where
that is silent there is a switch (switches.py). What can go wrong is ordered as faults (faults.py).
From outside the same is done at ``/_emulator/`` (control.py).
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence

from dnsbalancer_exporter.emulator.api import ApiServer, Provider
from dnsbalancer_exporter.emulator.apps import SampleApp
from dnsbalancer_exporter.emulator.control import ControlDesk
from dnsbalancer_exporter.emulator.dns import NameServer
from dnsbalancer_exporter.emulator.faults import Fault, Faults, parse_fault
from dnsbalancer_exporter.emulator.journal import Entry, Journal
from dnsbalancer_exporter.emulator.keystone import Account, Keystone
from dnsbalancer_exporter.emulator.publicdns import PublicDns
from dnsbalancer_exporter.emulator.serving import Address, Running
from dnsbalancer_exporter.emulator.stored import RecordLine, StoredRecord, Zone, parse_record
from dnsbalancer_exporter.emulator.switches import SwitchBoard, Switches
from dnsbalancer_exporter.emulator.zones import Snapshot, ZoneStore

__all__ = [
    "Emulator",
    "Entry",
    "Fault",
    "Faults",
    "Journal",
    "RecordLine",
    "SampleApp",
    "StoredRecord",
    "SwitchBoard",
    "Switches",
    "Zone",
    "ZoneStore",
    "parse_fault",
    "parse_record",
]


class Emulator:
    """Owns the zones, both APIs and the name servers.

    Wrong zones, records, faults or switches are a ValueError at construction, a busy port an
    OSError at start. Port 0 is any free one; the addresses are known after the start. It may be
    stopped and started again: the ports, the zones, the tokens and the journal stay. ``dns=None``
    does without name servers. ``clock`` gives seconds since the epoch; tokens, delays and the age
    of lists go by it.
    """

    def __init__(  # noqa: PLR0913 - all that there is to say about a stage, by name
        self,
        *,
        listen: Address = ("127.0.0.1", 0),
        dns: Address | None = ("127.0.0.1", 0),
        zones: Sequence[str] = ("example.com",),
        records: Sequence[str] = (),
        login: str = "operator@example.com",
        password: str = "rehearsal",  # noqa: S107 - opens nothing but this stage
        project_id: str = "0123456789abcdef0123456789abcdef",
        faults: Sequence[Fault | str] = (),
        switches: Mapping[str, object] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.login = login
        self.password = password
        self.project_id = project_id
        self.switches = SwitchBoard(Switches().changed(switches or {}))
        self.zones = ZoneStore(self.switches, _project_uuid(project_id), clock)
        for zone in zones:
            self.zones.create_zone({"zone": zone})
        for line in records:
            self.zones.add(line)
        self.faults = Faults()
        self.faults.add(*faults)
        self.journal = Journal()
        account = Account(login, password, project_id)
        keystone = Keystone(account, lambda: self.url.rstrip("/"), self.switches, clock)
        self._provider = Provider(
            keystone=keystone,
            public_dns=PublicDns(self.zones, self.switches, keystone.valid),
            faults=self.faults,
            journal=self.journal,
            board=self.switches,
            clock=clock,
            stopping=threading.Event(),
        )
        self._desk = ControlDesk(self.zones, self.switches, self.faults, self.journal)
        self._listen = listen
        self._dns = dns
        self._api_server: Running | None = None
        self._name_server: NameServer | None = None

    def start(self) -> None:
        """Listen. Does nothing if it does already."""
        if self._api_server is not None:
            return
        self._provider.stopping.clear()
        if self._dns is not None:
            self._name_server = NameServer(self._dns, self._published)
            self._dns = self._name_server.address
        try:
            self._api_server = Running(ApiServer(self._listen, self._provider, self._desk))
        except OSError:
            self.stop()
            raise
        self._listen = self._api_server.address

    def stop(self) -> None:
        """Close all sockets, end all connections and waits; within a second."""
        self._provider.stopping.set()
        for server in (self._api_server, self._name_server):
            if server is not None:
                server.stop()
        self._api_server = self._name_server = None

    def __enter__(self) -> Emulator:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The Public DNS endpoint, as it is written in a configuration."""
        return f"http://{_reachable(self._listen)}/public-dns/"

    @property
    def auth_url(self) -> str:
        """The Keystone endpoint, as it is written in a configuration."""
        return f"http://{_reachable(self._listen)}/v3/"

    @property
    def control_url(self) -> str:
        """The director's desk (control.py)."""
        return f"http://{_reachable(self._listen)}/_emulator/"

    @property
    def dns_address(self) -> Address:
        """Where the name servers listen, UDP and TCP."""
        if self._dns is None:
            raise ValueError("this emulator has no name servers")
        return self._dns

    def _published(self) -> Snapshot:
        return self.zones.snapshot(self.switches.current.publication_delay)


def _project_uuid(project_id: str) -> str:
    """The form with dashes in which the DNS API shows a project; odd ids stay as they are."""
    try:
        return str(uuid.UUID(project_id))
    except ValueError:
        return project_id


def _reachable(address: Address) -> str:
    """HOST:PORT for a URL; a client cannot connect to "any address", but to its loopback."""
    host, port = address
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
