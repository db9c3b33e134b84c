"""What name servers say, over real sockets: the emulator's, knot, and some that misbehave."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import pytest

from dnsbalancer_exporter import nameservers
from dnsbalancer_exporter.clock import clock
from dnsbalancer_exporter.emulator import Emulator
from dnsbalancer_exporter.model import NameServer, RecordSetKey
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.nameservers import NameServers, NameServersUnknown
from dnsbalancer_exporter.report import DnsReason, Served
from tests.contract.running import Running
from tests.e2e.stage import free_port
from tests.needed import program

APEX = RecordSetKey("example.com", RecordType.A)
Change = Callable[[dns.message.Message], "dns.message.Message | bytes | None"]


class Meter:
    def __init__(self) -> None:
        self.told: list[tuple[NameServer, DnsReason | None]] = []

    def __call__(self, server: NameServer, reason: DnsReason | None) -> None:
        self.told.append((server, reason))

    @property
    def reasons(self) -> list[DnsReason | None]:
        return [reason for _, reason in self.told]


def ask(
    server: NameServer,
    key: RecordSetKey = APEX,
    *,
    recursive: bool = False,
    meter: Meter | None = None,
) -> Served:
    async def main() -> Served:
        asking = NameServers(clock, meter or Meter())
        return await asking.served(server, key, recursive=recursive)

    return asyncio.run(main())


@contextmanager
def answering(change: Change) -> Iterator[tuple[NameServer, list[dns.message.Message]]]:
    """A UDP server that answers what ``change`` makes of the query; the queries."""
    queries: list[dns.message.Message] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as served:
        served.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                data, client = served.recvfrom(65535)
                if data == b"end":
                    return
                queries.append(dns.message.from_wire(data))
                answer = change(queries[-1])
                if answer is not None:
                    wire = answer if isinstance(answer, bytes) else answer.to_wire()
                    served.sendto(wire, client)

        thread = threading.Thread(target=serve)
        thread.start()
        address = served.getsockname()
        yield NameServer(*address), queries
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"end", address)
        thread.join()


def response(
    query: dns.message.Message, rcode: dns.rcode.Rcode = dns.rcode.NOERROR, flags: int = 0
) -> dns.message.Message:
    made = dns.message.make_response(query)
    made.set_rcode(rcode)
    made.flags |= flags
    return made


# --- the emulator ---------------------------------------------------------------------------


def test_a_record_set_is_its_addresses_in_order_and_its_ttl() -> None:
    records = ["@ A 127.0.0.12 90", "@ A 127.0.0.2 90", "@ AAAA 2001:db8::1 70"]
    with Emulator(records=records) as stage:
        server = NameServer(*stage.dns_address)
        said = ask(server)
        assert (said.addresses, said.ttl) == (("127.0.0.2", "127.0.0.12"), 90)
        assert said.authoritative
        assert said.reason is None
        six = ask(server, RecordSetKey("example.com", RecordType.AAAA))
        assert (six.addresses, six.ttl) == (("2001:db8::1",), 70)


def test_a_name_that_is_not_there_has_no_addresses_and_that_is_an_answer() -> None:
    with Emulator() as stage:
        server = NameServer(*stage.dns_address)
        for name in ("example.com", "nothing.example.com"):
            said = ask(server, RecordSetKey(name, RecordType.A))
            assert (said.addresses, said.reason) == ((), None), name


def test_what_a_cname_leads_to_is_not_the_record_set() -> None:
    with Emulator(records=["www CNAME example.com 60", "@ A 127.0.0.1 60"]) as stage:
        said = ask(NameServer(*stage.dns_address), RecordSetKey("www.example.com", RecordType.A))
        assert said.addresses == ()


def test_a_set_too_long_for_a_datagram_comes_by_tcp() -> None:
    addresses = [f"127.0.{n // 200}.{n % 200 + 1}" for n in range(300)]
    with Emulator(records=[f"@ A {address} 60" for address in addresses]) as stage:
        said = ask(NameServer(*stage.dns_address))
        assert set(said.addresses or ()) == set(addresses)


def test_the_negative_ttl_is_the_soas() -> None:
    async def main(server: NameServer) -> tuple[int | None, int | None]:
        asking = NameServers(clock, Meter())
        return (
            await asking.negative_ttl(server, "example.com", recursive=False),
            await asking.negative_ttl(server, "example.net", recursive=False),
        )

    with Emulator() as stage:
        assert asyncio.run(main(NameServer(*stage.dns_address))) == (86400, None)


# --- servers that misbehave -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason", "attempts"),
    [
        (lambda q: response(q, dns.rcode.REFUSED), DnsReason.REFUSED, 1),
        (lambda q: response(q, dns.rcode.NOTAUTH), DnsReason.REFUSED, 1),
        (lambda q: response(q, dns.rcode.SERVFAIL), DnsReason.SERVER_FAILURE, 1),
        (lambda q: response(q, dns.rcode.NOTIMP), DnsReason.INVALID, 1),
        (response, DnsReason.LAME, 1),
        (lambda q: response(q, flags=dns.flags.RA), DnsReason.LAME, 1),
        (lambda _: b"no message at all", DnsReason.INVALID, 1),
        (lambda _: None, DnsReason.TIMEOUT, 2),
    ],
    ids=["refused", "notauth", "servfail", "notimp", "lame", "cache", "garbage", "silent"],
)
def test_what_is_no_answer_has_a_reason(
    change: Change, reason: DnsReason, attempts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason is DnsReason.TIMEOUT:
        monkeypatch.setattr(nameservers, "SECONDS", 0.2)
    meter = Meter()
    with answering(change) as (server, queries):
        said = ask(server, meter=meter)
    assert (said.addresses, said.reason) == (None, reason)
    assert meter.told == [(server, reason)] * attempts
    assert len(queries) == attempts


def test_a_lost_datagram_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nameservers, "SECONDS", 0.5)
    answers = iter([None, True])
    meter = Meter()

    def change(query: dns.message.Message) -> dns.message.Message | None:
        return response(query, flags=dns.flags.AA) if next(answers) else None

    with answering(change) as (server, _):
        assert ask(server, meter=meter).addresses == ()
    assert meter.reasons == [DnsReason.TIMEOUT, None]


def test_an_address_that_no_packet_can_leave_for_is_unreachable() -> None:
    assert ask(NameServer("255.255.255.255")).reason is DnsReason.UNREACHABLE


@pytest.mark.parametrize("recursive", [False, True])
def test_only_resolvers_are_asked_to_recurse(recursive: bool) -> None:
    flags = dns.flags.RA if recursive else dns.flags.AA
    with answering(lambda query: response(query, flags=flags)) as (server, queries):
        said = ask(server, recursive=recursive)
    assert said.addresses == ()
    assert said.authoritative is not recursive
    assert [bool(query.flags & dns.flags.RD) for query in queries] == [recursive]


def test_only_a_few_questions_are_under_way_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nameservers, "SECONDS", 1.0)
    monkeypatch.setattr(nameservers, "ATTEMPTS", 1)
    seen: list[int] = []

    async def main(server: NameServer, queries: list[dns.message.Message]) -> None:
        asking = NameServers(clock, Meter())
        asked = [asyncio.ensure_future(_one(asking, server)) for _ in range(12)]
        await asyncio.sleep(0.5)
        seen.append(len(queries))
        await asyncio.gather(*asked)

    async def _one(asking: NameServers, server: NameServer) -> None:
        await asking.served(server, APEX, recursive=False)

    with answering(lambda _: None) as (server, queries):
        asyncio.run(main(server, queries))
        assert len(queries) == 12
    assert seen == [4]


# --- a real name server, and the way to it --------------------------------------------------

KNOT = """\
server:
    rundir: "{folder}"
    listen: "127.0.0.1@{port}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{folder}"
    journal-db-max-size: 16M
    kasp-db-max-size: 16M
    timer-db-max-size: 1M
    catalog-db-max-size: 16M
zone:
  - domain: example.com
    file: "{folder}/zone"
"""
ZONE = """\
$ORIGIN example.com.
@ 7200 SOA ns1.example.com. admin.example.com. 1 3600 600 86400 1800
@ 3600 NS ns1.example.com.
@ 3600 NS ns2.example.com.
@ 3600 NS nowhere.example.com.
@ 3600 NS unroutable.example.com.
unroutable 3600 A 255.255.255.255
ns1 3600 A 127.0.0.21
ns2 3600 A 127.0.0.22
ns2 3600 AAAA ::1
@ 60 A 192.0.2.1
@ 60 A 192.0.2.2
{many}
"""


@pytest.fixture(scope="module")
def knot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NameServer]:
    """Knot DNS with a zone, on loopback."""
    folder, port = tmp_path_factory.mktemp("knot"), free_port("127.0.0.1")
    many = "\n".join(f"many 60 A 198.51.100.{n}" for n in range(1, 200))
    (folder / "zone").write_text(ZONE.format(many=many))
    (folder / "knot.conf").write_text(KNOT.format(folder=folder, port=port))
    server = NameServer("127.0.0.1", port)
    command = [program("knotd"), "-c", str(folder / "knot.conf")]
    with Running(command, folder / "log", lambda: ask(server).reason is None):
        yield server


@pytest.mark.real
@pytest.mark.xdist_group("knot")
def test_knot_is_understood(knot: NameServer, tmp_path: Path) -> None:
    said = ask(knot)
    assert (said.addresses, said.ttl) == (("192.0.2.1", "192.0.2.2"), 60)
    assert said.authoritative
    assert len(ask(knot, RecordSetKey("many.example.com", RecordType.A)).addresses or ()) == 199
    assert ask(knot, RecordSetKey("no.example.com", RecordType.A)).addresses == ()
    assert ask(knot, RecordSetKey("example.net", RecordType.A)).reason is DnsReason.REFUSED

    async def negative() -> int | None:
        return await NameServers(clock, Meter()).negative_ttl(knot, "example.com", recursive=False)

    assert asyncio.run(negative()) == 1800


def finding(server: NameServer) -> NameServers:
    """Asks ``server`` the way, where the machine's own resolver would be asked."""

    def system() -> dns.asyncresolver.Resolver:
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = [server.address], server.port
        return resolver

    return NameServers(clock, Meter(), system)


@pytest.mark.real
@pytest.mark.xdist_group("knot")
def test_the_name_servers_of_a_zone_are_found(knot: NameServer) -> None:
    async def main() -> tuple[NameServer, ...]:
        return await finding(knot).find("example.com")

    found = [str(server) for server in asyncio.run(main())]
    assert found[:2] == ["127.0.0.21:53", "127.0.0.22:53"]
    assert found[2:] in ([], ["[::1]:53"])  # as the machine has IPv6 or not


def test_name_servers_that_cannot_be_found_are_an_error_that_says_what_to_do() -> None:
    async def main(server: NameServer, zone: str) -> None:
        await finding(server).find(zone)

    records = ["example.org NS ns.example.org 60", "ns.example.org AAAA 2001:db8::53 60"]
    with Emulator(zones=["example.com", "example.org"], records=records) as stage:
        server = NameServer(*stage.dns_address)
        for zone in ("example.net", "no.example.com", "example.com"):
            with pytest.raises(NameServersUnknown, match="`resolvers`"):
                asyncio.run(main(server, zone))


def test_as_text_a_name_server_is_address_and_port() -> None:
    assert str(NameServer("192.0.2.1")) == "192.0.2.1:53"
    assert str(NameServer("2001:db8::1", 5353)) == "[2001:db8::1]:5353"
