"""The name servers, asked by dnspython and by hand."""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Iterator

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest

from dnsbalancer_exporter.emulator import Emulator
from tests.unit.emulator.account import Clock

RECORDS = [
    "@ A 127.0.0.11 60",
    "@ A 127.0.0.12 60",
    "@ AAAA ::1 60",
    '@ TXT "some text" 300',
    "@ MX 10 mail.example.com 300",
    "www CNAME example.com 60",
    "out CNAME www.example.net 60",
    "gone CNAME nothing.example.com 60",
    "loop CNAME loop.example.com 60",
    "deep.down A 127.0.0.13 60",
    "*.wild A 127.0.0.14 60",
    "there.wild TXT x 60",
    "_sip._udp SRV 1 2 5060 sip.example.com 60",
    "example.org A 127.0.0.99 60",
]


@pytest.fixture(scope="module")
def stage() -> Iterator[Emulator]:
    zones = ["example.com", "sub.example.com", "example.org"]
    with Emulator(zones=zones, records=RECORDS, clock=Clock()) as running:
        yield running


def ask(stage: Emulator, query: dns.message.Message, *, tcp: bool = False) -> dns.message.Message:
    host, port = stage.dns_address
    return (dns.query.tcp if tcp else dns.query.udp)(query, host, port=port, timeout=5)


def shown(rrsets: list[dns.rrset.RRset]) -> list[str]:
    return sorted(text for rrset in rrsets for text in rrset.to_text().splitlines())


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize(
    ("name", "kind", "answers"),
    [
        (
            "example.com",
            "A",
            ["example.com. 60 IN A 127.0.0.11", "example.com. 60 IN A 127.0.0.12"],
        ),
        ("example.com", "AAAA", ["example.com. 60 IN AAAA ::1"]),
        ("example.com", "TXT", ['example.com. 300 IN TXT "some text"']),
        ("example.com", "MX", ["example.com. 300 IN MX 10 mail.example.com."]),
        (
            "example.com",
            "NS",
            [
                "example.com. 86400 IN NS ns1.mcs.mail.ru.",
                "example.com. 86400 IN NS ns2.mcs.mail.ru.",
            ],
        ),
        (
            "_sip._udp.example.com",
            "SRV",
            ["_sip._udp.example.com. 60 IN SRV 1 2 5060 sip.example.com."],
        ),
        (
            "www.example.com",
            "AAAA",
            ["example.com. 60 IN AAAA ::1", "www.example.com. 60 IN CNAME example.com."],
        ),
        ("www.example.com", "CNAME", ["www.example.com. 60 IN CNAME example.com."]),
        ("out.example.com", "A", ["out.example.com. 60 IN CNAME www.example.net."]),
        ("any.wild.example.com", "A", ["any.wild.example.com. 60 IN A 127.0.0.14"]),
        ("a.b.wild.example.com", "A", ["a.b.wild.example.com. 60 IN A 127.0.0.14"]),
        ("example.org", "A", ["example.org. 60 IN A 127.0.0.99"]),
    ],
)
def test_answers(stage: Emulator, name: str, kind: str, answers: list[str], tcp: bool) -> None:
    reply = ask(stage, dns.message.make_query(name, kind), tcp=tcp)
    assert reply.rcode() == dns.rcode.NOERROR
    assert reply.flags & dns.flags.AA
    assert not reply.flags & dns.flags.RA
    assert shown(reply.answer) == sorted(answers)
    assert reply.authority == []


@pytest.mark.parametrize(
    ("name", "kind", "rcode", "zone"),
    [
        ("example.com", "CAA", dns.rcode.NOERROR, "example.com."),
        ("deep.down.example.com", "AAAA", dns.rcode.NOERROR, "example.com."),
        ("down.example.com", "A", dns.rcode.NOERROR, "example.com."),
        ("there.wild.example.com", "A", dns.rcode.NOERROR, "example.com."),
        ("wild.example.com", "A", dns.rcode.NOERROR, "example.com."),
        ("any.wild.example.com", "TXT", dns.rcode.NOERROR, "example.com."),
        ("nothing.example.com", "A", dns.rcode.NXDOMAIN, "example.com."),
        ("x.there.wild.example.com", "A", dns.rcode.NXDOMAIN, "example.com."),
        ("gone.example.com", "A", dns.rcode.NXDOMAIN, "example.com."),
        ("x.sub.example.com", "A", dns.rcode.NXDOMAIN, "sub.example.com."),
        ("sub.example.com", "A", dns.rcode.NOERROR, "sub.example.com."),
    ],
)
def test_nothing_there_comes_with_the_soa(
    stage: Emulator, name: str, kind: str, rcode: dns.rcode.Rcode, zone: str
) -> None:
    reply = ask(stage, dns.message.make_query(name, kind))
    (soa,) = reply.authority
    assert reply.rcode() == rcode
    assert (soa.name.to_text(), soa.rdtype, soa.ttl) == (zone, dns.rdatatype.SOA, 86400)


@pytest.mark.parametrize(
    ("name", "kind", "rdclass"),
    [
        ("example.net", "A", "IN"),
        (".", "NS", "IN"),
        ("notexample.com", "A", "IN"),
        ("version.bind", "TXT", "CH"),
        ("example.com", "A", "CH"),
    ],
)
def test_refused(stage: Emulator, name: str, kind: str, rdclass: str) -> None:
    query = dns.message.make_query(name, kind, rdclass)
    reply = ask(stage, query)
    assert reply.rcode() == dns.rcode.REFUSED
    assert (reply.answer, reply.authority) == ([], [])


def test_the_soa_and_the_negative_ttl_follow_the_zone() -> None:
    with Emulator() as stage:
        zone = stage.zones.list_zones()[0]
        stage.zones.update_zone(zone.uuid, {"soa_ttl": 300, "soa_admin_email": "a.b@example.com"})
        reply = ask(stage, dns.message.make_query("example.com", "SOA"))
        negative = ask(stage, dns.message.make_query("x.example.com", "A"))
    assert shown(reply.answer) == [
        "example.com. 300 IN SOA ns1.mcs.mail.ru. a\\.b.example.com. 3 86400 7200 3600000 300"
    ]
    assert negative.authority[0].ttl == 300


def test_any_gives_one_record_set(stage: Emulator) -> None:
    assert len(ask(stage, dns.message.make_query("example.com", "ANY")).answer) == 1


def test_a_loop_of_cnames_ends(stage: Emulator) -> None:
    reply = ask(stage, dns.message.make_query("loop.example.com", "A"))
    assert {rrset.rdtype for rrset in reply.answer} == {dns.rdatatype.CNAME}


def test_the_question_comes_back_in_its_own_letters(stage: Emulator) -> None:
    reply = ask(stage, dns.message.make_query("eXaMpLe.CoM", "A"))
    assert reply.question[0].name.to_text() == "eXaMpLe.CoM."
    assert len(reply.answer[0]) == 2


@pytest.mark.parametrize(
    ("payload", "truncated"), [(None, True), (512, True), (1232, False), (65535, False)]
)
def test_what_is_too_long_is_truncated_and_comes_by_tcp(
    payload: int | None, truncated: bool
) -> None:
    lines = [f"@ A 127.0.1.{n} 60" for n in range(40)]
    with Emulator(records=lines) as stage:
        query = dns.message.make_query("example.com", "A")
        query.use_edns(-1 if payload is None else 0, payload=payload or 0)
        by_udp, by_tcp = ask(stage, query), ask(stage, query, tcp=True)
    assert bool(by_udp.flags & dns.flags.TC) is truncated
    assert by_udp.edns == (-1 if payload is None else 0)
    assert len(by_udp.answer[0]) == 40 if not truncated else by_udp.answer == []
    assert len(by_tcp.answer[0]) == 40


def test_an_edns_version_of_the_future(stage: Emulator) -> None:
    query = dns.message.make_query("example.com", "A")
    query.use_edns(7)
    assert ask(stage, query).rcode() == dns.rcode.BADVERS


def test_publication_takes_its_time() -> None:
    clock = Clock()
    with Emulator(records=["@ A 127.0.0.1 60"], clock=clock) as stage:
        stage.switches.set(publication_delay=10)
        clock.now += 60
        stage.zones.add("@ A 127.0.0.2 60")
        counts = []
        for step in (9.0, 2.0):
            clock.now += step
            counts.append(len(ask(stage, dns.message.make_query("example.com", "A")).answer[0]))
    assert counts == [1, 2]


# --- broken messages ------------------------------------------------------------------------------

QUESTION = b"\x07example\x03com\x00\x00\x01\x00\x01"


def head(questions: int = 1, flags: int = 0, additional: int = 0) -> bytes:
    return struct.pack("!6H", 4711, flags, questions, 0, 0, additional)


@pytest.mark.parametrize(
    ("message", "rcode"),
    [
        (b"", None),
        (b"\x00" * 11, None),
        (head(flags=0x8000) + QUESTION, None),
        (head(), 1),
        (head(0), 1),
        (head(2) + QUESTION * 2, 1),
        (head() + QUESTION[:-1], 1),
        (head() + b"\x07exam", 1),
        (head() + b"\xc0\x0c\x00\x01\x00\x01", 1),
        (head() + b"\x3f" + b"x" * 63, 1),
        (head() + (b"\x3f" + b"x" * 63) * 5 + b"\x00\x00\x01\x00\x01", 1),
        (head(additional=1) + QUESTION, 1),
        (head(additional=1) + QUESTION + b"\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x09", 1),
        (head(flags=0x2000) + QUESTION, 4),
        (head(flags=0x2800) + QUESTION, 4),
        (head() + QUESTION, 0),
        (head() + QUESTION + b"and more", 0),
        (head() + b"\x03a.b" + QUESTION, 3),
        (head() + b"\x03\xff\xfe\x00" + QUESTION, 3),
    ],
)
def test_broken_messages(stage: Emulator, message: bytes, rcode: int | None) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.connect(stage.dns_address)
        sock.send(message)
        # The probe behind it shows that the server lives, and that nothing came before it.
        sock.send(struct.pack("!H", 1) + head()[2:] + QUESTION)
        replies = [sock.recv(4096)]
        if rcode is not None:
            replies.append(sock.recv(4096))
    assert replies[-1][:2] == b"\x00\x01"
    assert rcode is None or (replies[0][:2], replies[0][3] & 0xF) == (b"\x12\x67", rcode)


def test_noise_does_no_harm(stage: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    noise = random.Random(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(stage.dns_address)
        for number in range(500):
            message = bytearray(head(additional=1) + QUESTION + b"\x00\x00\x29\x10" + b"\x00" * 7)
            for _ in range(noise.randrange(1, 6)):
                message[noise.randrange(len(message))] = noise.randrange(256)
            sock.send(message[: noise.randrange(40, len(message) + 1)])
            if number % 50 == 49:  # more would not fit into the socket's buffer
                assert ask(stage, dns.message.make_query("example.com", "A")).rcode() == 0
    assert caplog.records == []


def test_a_tcp_connection_serves_many_queries(stage: Emulator) -> None:
    with socket.create_connection(stage.dns_address, timeout=5) as sock:
        for kind in ("A", "AAAA", "NS"):
            query = dns.message.make_query("example.com", kind)
            dns.query.send_tcp(sock, query)
            reply, _ = dns.query.receive_tcp(sock)
            assert query.is_response(reply)
