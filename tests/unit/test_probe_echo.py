"""The ICMP codec, on bytes: RFC 792, RFC 4443."""

from __future__ import annotations

import socket
import struct

import pytest

from dnsbalancer_exporter.probe.echo import Heard, likely_token, parse_reply, request

V4, V6 = socket.AF_INET, socket.AF_INET6
TOKEN = b"\x01token\xff\x00"


def ipv4(payload: bytes, *, options: bytes = b"", protocol: int = 1, version: int = 4) -> bytes:
    words = 5 + len(options) // 4
    first = version << 4 | words
    size = words * 4 + len(payload)
    header = struct.pack("!BBHHHBBH", first, 0, size, 7, 0, 64, protocol, 0)
    return header + bytes([10, 0, 0, 2, 10, 0, 0, 1]) + options + payload


def ipv6(payload: bytes, *, protocol: int = 58, version: int = 6) -> bytes:
    return struct.pack("!IHBB", version << 28, len(payload), protocol, 64) + bytes(32) + payload


def reply(family: socket.AddressFamily, *, kind: int | None = None, code: int = 0) -> bytes:
    answer = {V4: 0, V6: 129}[family] if kind is None else kind
    return bytes([answer, code]) + request(family, TOKEN, 1, 2)[2:]


def error(family: socket.AddressFamily, kind: int, code: int = 1, quoted: int = 512) -> bytes:
    wrap = {V4: ipv4, V6: ipv6}[family]
    return bytes([kind, code, 0, 0, 0, 0, 0, 0]) + wrap(request(family, TOKEN, 1, 2))[:quoted]


@pytest.mark.parametrize("family", [V4, V6])
def test_request_is_64_bytes_with_the_token_first_and_a_good_checksum(
    family: socket.AddressFamily,
) -> None:
    for sequence in (0, 1, 0xFFFF):
        packet = request(family, TOKEN, 0xFFFF, sequence)
        assert (len(packet), packet[8:16]) == (64, TOKEN)
        total = sum(struct.unpack("!32H", packet))
        assert ((total & 0xFFFF) + (total >> 16)) in (0xFFFF, 0x1FFFE)  # ones' complement zero
        bare = request(family, TOKEN, 0xFFFF, sequence, checksum=False)
        assert bare == packet[:2] + bytes(2) + packet[4:]


@pytest.mark.parametrize(
    ("packet", "family", "raw"),
    [
        (reply(V4), V4, False),
        (ipv4(reply(V4)), V4, True),
        (ipv4(reply(V4), options=bytes(12)), V4, True),
        (ipv4(reply(V4), options=bytes(40)), V4, True),
        (reply(V6), V6, False),
        (reply(V6), V6, True),
        (reply(V4)[:16], V4, False),
    ],
)
def test_echo_reply_gives_the_token(packet: bytes, family: socket.AddressFamily, raw: bool) -> None:
    assert parse_reply(packet, family, raw=raw) == Heard(TOKEN, "")
    plain = not (raw and family == V4 and packet[0] != 0x45)
    assert (likely_token(packet, family, raw=raw) == TOKEN) is plain


@pytest.mark.parametrize(
    ("packet", "family", "raw", "says"),
    [
        (error(V4, 3), V4, False, "destination unreachable (code 1)"),
        (ipv4(error(V4, 3, code=13)), V4, True, "destination unreachable (code 13)"),
        (ipv4(error(V4, 11, code=0)), V4, True, "time exceeded (code 0)"),
        (error(V6, 1, code=3), V6, True, "destination unreachable (code 3)"),
        (error(V6, 3, code=0), V6, False, "time exceeded (code 0)"),
        (error(V4, 3, quoted=20 + 16), V4, False, "destination unreachable (code 1)"),
    ],
)
def test_error_gives_the_token_of_the_request_that_it_quotes(
    packet: bytes, family: socket.AddressFamily, raw: bool, says: str
) -> None:
    assert parse_reply(packet, family, raw=raw) == Heard(TOKEN, says)
    assert likely_token(packet, family, raw=raw) == b""


@pytest.mark.parametrize(
    ("packet", "family", "raw"),
    [
        pytest.param(request(V4, TOKEN, 1, 2), V4, False, id="a request"),
        pytest.param(request(V6, TOKEN, 1, 2), V6, True, id="a v6 request"),
        pytest.param(reply(V4, code=1), V4, False, id="a reply with a code"),
        pytest.param(reply(V4, kind=14), V4, False, id="a timestamp reply"),
        pytest.param(reply(V4, kind=129), V4, False, id="the other family's reply"),
        pytest.param(ipv4(reply(V4), protocol=17), V4, True, id="not ICMP"),
        pytest.param(ipv4(reply(V4), version=6), V4, True, id="not IPv4"),
        pytest.param(b"\x41" + ipv4(reply(V4))[1:], V4, True, id="a header of 4 bytes"),
        pytest.param(error(V4, 3, quoted=28), V4, False, id="quotes 8 bytes: no token"),
        pytest.param(error(V4, 5), V4, False, id="a redirect"),
        pytest.param(error(V6, 2), V6, False, id="packet too big"),
        pytest.param(
            bytes([3, 1]) + bytes(6) + ipv4(reply(V4)), V4, False, id="quotes a reply, not ours"
        ),
        pytest.param(
            bytes([3, 3]) + bytes(6) + ipv4(bytes(64), protocol=17), V4, False, id="quotes UDP"
        ),
        pytest.param(
            bytes([1, 4]) + bytes(6) + ipv6(bytes(64), protocol=17), V6, False, id="quotes UDP (v6)"
        ),
        pytest.param(
            bytes([1, 4]) + bytes(6) + ipv6(request(V6, TOKEN, 1, 2), version=4),
            V6,
            False,
            id="quotes no IPv6",
        ),
    ],
)
def test_what_is_not_for_us(packet: bytes, family: socket.AddressFamily, raw: bool) -> None:
    assert parse_reply(packet, family, raw=raw) is None


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize(
    ("packet", "family", "needed"),
    [
        (ipv4(reply(V4)), V4, 20 + 16),
        (ipv4(error(V4, 3)), V4, 20 + 8 + 20 + 16),
        (reply(V6), V6, 16),
        (error(V6, 1), V6, 8 + 40 + 16),
    ],
)
def test_truncated_packets_are_nobodys(
    packet: bytes, family: socket.AddressFamily, needed: int, raw: bool
) -> None:
    if family == V4 and not raw:
        packet, needed = packet[20:], needed - 20
    for size in range(needed):
        assert parse_reply(packet[:size], family, raw=raw) is None
    assert parse_reply(packet[:needed], family, raw=raw) is not None
