"""What stands between a record and a user: a recursive resolver, and a client that asks it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import dns.asyncquery
import dns.exception
import dns.message
import dns.query
import dns.rcode

from tests.contract.running import Running
from tests.e2e.stage import free_port
from tests.needed import program

if TYPE_CHECKING:
    from typing_extensions import Self

UNBOUND = """\
server:
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: "{folder}/pid"
  use-syslog: no
  interface: 127.0.0.1@{port}
  num-threads: 1
  do-ip6: no
  do-not-query-localhost: no
  module-config: "iterator"
  rrset-roundrobin: yes
  local-zone: "test." nodefault
"""
STUB = """\
stub-zone:
  name: "{zone}"
  stub-addr: {address}@{port}
"""

PAUSE = 0.1
"""Seconds between requests."""

PATIENCE = 1.0
"""Seconds after which a client gives up a request."""


class Resolver(Running):
    """unbound on loopback as it is installed, with ``zones`` at the name servers given for them.

    It caches what they say for as long as they say.
    """

    def __init__(self, folder: Path, zones: Mapping[str, tuple[str, int]]) -> None:
        self.port = free_port("127.0.0.1")
        self._zones = zones
        folder.mkdir()
        stubs = [STUB.format(zone=z, address=a, port=p) for z, (a, p) in zones.items()]
        text = UNBOUND.format(folder=folder, port=self.port) + "".join(stubs)
        (folder / "conf").write_text(text)
        command = [program("unbound"), "-d", "-c", str(folder / "conf")]
        super().__init__(command, folder / "log", self._is_there)

    def _is_there(self) -> bool:
        query = dns.message.make_query(next(iter(self._zones)), "SOA")
        try:
            return bool(dns.query.udp(query, "127.0.0.1", 0.5, self.port).answer)
        except (OSError, dns.exception.DNSException):
            return False


class Request(NamedTuple):
    """One request: when it was begun (monotonic), of which name, by which address, and its end.

    Without an address ``outcome`` is what the resolver said instead of one.
    """

    at: float
    name: str
    address: str
    outcome: str


SERVED, REFUSED, SILENT = "served", "refused", "silent"


class Client:
    """Requests each of ``names`` ten times a second while the context lasts, and keeps nothing.

    Each request asks the resolver, and the first address that it names; who fails does not try
    another one. ``done`` may be read at any time.
    """

    def __init__(self, resolver: Resolver, port: int, names: Iterable[str]) -> None:
        self.done: list[Request] = []
        self._resolver = resolver
        self._port = port
        self._names = tuple(names)
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def since(self, moment: float, name: str = "") -> list[Request]:
        """The requests that were begun since then (for a name), in order of their beginnings."""
        return sorted(r for r in [*self.done] if r.at >= moment and name in ("", r.name))

    def failed(self, moment: float, name: str = "") -> list[Request]:
        """Those of them that were not served."""
        return [r for r in self.since(moment, name) if r.outcome != SERVED]

    async def _run(self) -> None:
        running: set[asyncio.Task[None]] = set()
        began = time.monotonic()
        while not self._over.is_set():
            running |= {asyncio.create_task(self._request(name)) for name in self._names}
            running = {task for task in running if not task.done()}
            turns = (time.monotonic() - began) // PAUSE + 1
            await asyncio.sleep(began + turns * PAUSE - time.monotonic())
        await asyncio.gather(*running)

    async def _request(self, name: str) -> None:
        at = time.monotonic()
        address, outcome = await self._resolve(name)
        if address:
            try:
                outcome = await asyncio.wait_for(_visit(address, self._port), PATIENCE)
            except asyncio.TimeoutError:
                outcome = SILENT
            except OSError:
                outcome = REFUSED
        self.done.append(Request(at, name, address, outcome))

    async def _resolve(self, name: str) -> tuple[str, str]:
        query = dns.message.make_query(name, "A")
        try:
            answer = await dns.asyncquery.udp(query, "127.0.0.1", 10, self._resolver.port)
        except (OSError, dns.exception.DNSException) as error:
            return "", type(error).__name__
        addresses = [str(rdata) for rrset in answer.answer for rdata in rrset]
        return (addresses or [""])[0], dns.rcode.to_text(answer.rcode())


async def _visit(address: str, port: int) -> str:
    reader, writer = await asyncio.open_connection(address, port, family=socket.AF_INET)
    try:
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        answer = await reader.read()
    finally:
        writer.close()
    return SERVED if answer.endswith(f"{address}\n".encode()) else REFUSED
