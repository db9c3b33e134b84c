"""Real name servers with a zone example.com that takes updates: BIND and Knot DNS."""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.tsig
import dns.update

from dnsbalancer_exporter.model import Secret
from dnsbalancer_exporter.provider import Driver, Rfc2136
from dnsbalancer_exporter.provider.dns_wire import DnsWire
from dnsbalancer_exporter.report import ApiCall
from tests.contract.running import Running
from tests.contract.stages import sets
from tests.e2e.stage import free_port
from tests.needed import program

KEY = "failover-key"
SECRET = "bm90IGEgcmVhbCBrZXksIGJ1dCBsb25nIGVub3VnaCE="
ALGORITHM = "hmac-sha256"
READER = "reader-key"
UPDATE = 5
"""The opcode (RFC 2136, 2.2)."""

ZONE = """\
$ORIGIN example.com.
$TTL 300
@ SOA ns1 hostmaster 1 3600 600 86400 60
@ NS ns1
ns1 3600 A 127.0.0.1
"""

BIND = """\
key "{key}" {{ algorithm {algorithm}; secret "{secret}"; }};
key "{reader}" {{ algorithm {algorithm}; secret "{secret}"; }};
options {{
  directory "{folder}"; pid-file "{folder}/named.pid"; session-keyfile "{folder}/session.key";
  listen-on port {port} {{ {address}; }}; listen-on-v6 {{ none; }};
  recursion no; dnssec-validation no; empty-zones-enable no; notify no; minimal-responses yes;
}};
controls {{ }};
zone "example.com" {{
  type primary; file "{folder}/zone"; allow-transfer {{ key "{key}"; key "{reader}"; }};
  update-policy {{ grant {key} zonesub A AAAA TXT; }};
}};
"""

KNOT = """\
server:
    rundir: "{folder}"
    listen: "{address}@{port}"
    udp-workers: 1
    tcp-workers: 2
    background-workers: 1
database:
    storage: "{folder}/db"
    journal-db-max-size: 8M
    kasp-db-max-size: 8M
    timer-db-max-size: 1M
key:
  - id: "{key}"
    algorithm: {algorithm}
    secret: "{secret}"
  - id: "{reader}"
    algorithm: {algorithm}
    secret: "{secret}"
acl:
  - id: writer
    key: "{key}"
    action: [transfer, update]
  - id: reader
    key: "{reader}"
    action: transfer
zone:
  - domain: example.com
    storage: "{folder}"
    file: zone
    acl: [writer, reader]
    zonefile-sync: -1
    zonefile-load: difference-no-serial
    journal-content: all
"""


class Kind(NamedTuple):
    """A name server: its program, its configuration, and how it is started."""

    program: str
    configuration: str
    options: tuple[str, ...]


KINDS = {
    "bind": Kind("named", BIND, ("-n", "1", "-4", "-g")),
    "knot": Kind("knotd", KNOT, ()),
}


class Primary(Running):
    """A running name server at ``address`` and ``port``."""

    def __init__(self, kind: Kind, folder: Path, address: str = "127.0.0.1") -> None:
        self.address = address
        self.port = free_port(address)
        self._folder = folder
        folder.mkdir()
        self._write_zone()
        words = {"key": KEY, "reader": READER, "secret": SECRET, "algorithm": ALGORITHM}
        configuration = kind.configuration.format(
            folder=folder, address=address, port=self.port, **words
        )
        (folder / "conf").write_text(configuration)
        command = [program(kind.program), "-c", str(folder / "conf"), *kind.options]
        super().__init__(command, folder / "log", self._is_there)

    def begin_anew(self) -> None:
        """Lose all that was written: the serial is that of the beginning."""
        self.stop()
        shutil.rmtree(self._folder / "db")
        (self._folder / "zone.jnl").unlink(missing_ok=True)
        self._write_zone()
        self.start()

    def keys(self) -> dict[str, object]:
        """What a daemon's configuration has to say of it."""
        return {
            "driver": "rfc2136",
            "url": f"dns://{self.address}:{self.port}",
            "login": KEY,
            "password": SECRET,
            "auth_url": None,
            "project_id": None,
        }

    def publish(self, ttl: int, *addresses: str) -> None:
        """Put addresses at the zone's own name, by hand."""
        update = dns.update.UpdateMessage("example.com.")
        for address in addresses:
            update.add("@", ttl, "A", address)
        self.send(update)

    def _write_zone(self) -> None:
        (self._folder / "db").mkdir()
        (self._folder / "zone").write_text(ZONE)

    def send(self, update: dns.update.UpdateMessage) -> None:
        """Have an update made that must succeed."""
        update.use_tsig(dns.tsig.Key(KEY, SECRET, ALGORITHM))
        answer = dns.query.tcp(update, self.address, 10, self.port)
        assert answer.rcode() == dns.rcode.NOERROR, dns.rcode.to_text(answer.rcode())

    def _is_there(self) -> bool:
        query = dns.message.make_query("example.com.", "SOA")
        try:
            return bool(dns.query.udp(query, self.address, 0.5, self.port).answer)
        except (OSError, dns.exception.DNSException):
            return False


def primary(kind: str, folder: Path, address: str = "127.0.0.1") -> Primary:
    """One of KINDS, that runs while it is entered."""
    return Primary(KINDS[kind], folder / kind, address)


class ByUpdates:
    """A name server and Rfc2136 drivers, each by a way on which answers can be lost."""

    ids_are_shared = False

    def __init__(self, server: Primary) -> None:
        self.server = server
        self.calls: list[ApiCall] = []
        self._ways = _Ways(server.port)

    def driver(self, key: str = KEY, secret: str = SECRET) -> Driver:
        wire = DnsWire(
            f"dns://127.0.0.1:{self._ways.port}",
            key,
            Secret(secret),
            ALGORITHM,
            meter=self.calls.append,
            clock=time.monotonic,
        )
        return Rfc2136(wire=wire, write_budget=3.0)

    def add(self, *texts: str, ttl: int = 60) -> None:
        update = dns.update.UpdateMessage("example.com.")
        for (name, kind), contents in sets(texts).items():
            for content in contents:
                update.add(name, ttl, kind, content)
        self.server.send(update)

    def lose(self) -> None:
        self._ways.lose()

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """Have nothing of what is sent arrive."""
        self._ways.silent = True
        yield
        self._ways.silent = False

    def relayed(self) -> int:
        """Bytes that came from the name server so far."""
        return self._ways.relayed

    def close(self) -> None:
        self._ways.close()


class _Ways:
    """A TCP relay to a name server that can keep the answer to the next update to itself."""

    def __init__(self, port: int) -> None:
        self._upstream = ("127.0.0.1", port)
        self._losing = 0
        self.silent = False
        self.relayed = 0
        self._mutex = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def lose(self) -> None:
        with self._mutex:
            self._losing += 1

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection(self._upstream) as up:
            asked = _message(client)
            while self.silent:
                time.sleep(0.05)
            up.sendall(asked)
            if self._loses(asked):
                _message(up)  # it has been done
                return
            while True:
                answer = _message(up)
                self.relayed += len(answer)
                client.sendall(answer)

    def _loses(self, asked: bytes) -> bool:
        is_update = asked[4] >> 3 & 15 == UPDATE
        with self._mutex:
            lost = is_update and self._losing > 0
            self._losing -= lost
        return lost


def _message(connection: socket.socket) -> bytes:
    """One message with its length before it (RFC 1035, 4.2.2)."""
    connection.settimeout(30)
    head = _exactly(connection, 2)
    return head + _exactly(connection, int.from_bytes(head, "big"))


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise ConnectionError
        data += more
    return data
