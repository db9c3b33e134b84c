"""ICMP echo on the wire (RFC 792, RFC 4443): bytes in, bytes out, nothing else.

Ours are told by a random token at the start of the payload. Not by identifier and sequence: a
datagram socket's identifier is rewritten by the kernel, a raw socket sees everybody's replies,
and 16 bits repeat.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

TOKEN_SIZE = 8
_HEADER = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence
# With token and padding a payload of 56 bytes, ping's own size, that no firewall finds odd.
_REQUEST = struct.Struct(f"!BBHHH{TOKEN_SIZE}s48x")
_WORDS = struct.Struct("!32H")  # the same 64 bytes


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between the two: message types, and how an IP header is walked over.

    ``errors`` are the types that quote the packet which they are about, with their names.
    """

    request: int
    reply: int
    errors: Mapping[int, str]
    protocol: int
    protocol_at: int


DIALECTS: Mapping[int, Dialect] = {
    socket.AF_INET: Dialect(8, 0, {3: "destination unreachable", 11: "time exceeded"}, 1, 9),
    socket.AF_INET6: Dialect(128, 129, {1: "destination unreachable", 3: "time exceeded"}, 58, 6),
}


_REPLIES = {family: bytes([dialect.reply, 0]) for family, dialect in DIALECTS.items()}
_PLAIN_HEADER = 20  # bytes of an IPv4 header without options


class Heard(NamedTuple):
    """An answer to one of our requests; ``error`` is empty for an echo reply."""

    token: bytes
    error: str


def request(
    family: int, token: bytes, identifier: int, sequence: int, *, checksum: bool = True
) -> bytes:
    """An echo request that carries ``token``.

    Only a raw IPv4 socket needs the ``checksum``: in all other cases the kernel computes it.
    """
    kind = DIALECTS[family].request
    packet = _REQUEST.pack(kind, 0, 0, identifier, sequence, token)
    if not checksum:
        return packet
    total = sum(_WORDS.unpack(packet))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return _REQUEST.pack(kind, 0, ~total & 0xFFFF, identifier, sequence, token)


def likely_token(packet: bytes, family: int, *, raw: bool) -> bytes:
    """Where the token is in nearly every packet: in an echo reply, after an IP header without
    options where there is one. Empty if it is something else, or garbage: `parse_reply` knows.
    """
    at = _PLAIN_HEADER if raw and family == socket.AF_INET else 0
    token_at = at + _HEADER.size
    if packet[at : at + 2] != _REPLIES[family]:
        return b""
    return packet[token_at : token_at + TOKEN_SIZE]


def parse_reply(packet: bytes, family: int, *, raw: bool) -> Heard | None:
    """The token of an echo reply, or of the request that an error quotes; None: not for us.

    An error that quotes only the eight bytes that RFC 792 demands holds no token, and is None.
    """
    dialect = DIALECTS[family]
    # of all combinations, only a raw IPv4 socket is given the IP header (Linux)
    message = _payload(packet, family) if raw and family == socket.AF_INET else packet
    if len(message) < _HEADER.size + TOKEN_SIZE:
        return None
    kind, code = message[0], message[1]
    if kind == dialect.reply and code == 0:
        return Heard(_token(message), "")
    if kind in dialect.errors:
        quoted = _payload(message[_HEADER.size :], family)
        if len(quoted) >= _HEADER.size + TOKEN_SIZE and quoted[0] == dialect.request:
            return Heard(_token(quoted), f"{dialect.errors[kind]} (code {code})")
    return None


def _token(message: bytes) -> bytes:
    return message[_HEADER.size : _HEADER.size + TOKEN_SIZE]


def _payload(packet: bytes, family: int) -> bytes:
    """The ICMP message in an IP packet; empty if there is none.

    IPv4: IHL counts 32-bit words, options included. IPv6: we send no extension headers, so a
    quoted packet that has some is not ours.
    """
    dialect = DIALECTS[family]
    if len(packet) <= dialect.protocol_at or packet[dialect.protocol_at] != dialect.protocol:
        return b""
    version, words = packet[0] >> 4, packet[0] & 0x0F
    if family == socket.AF_INET6:
        return packet[40:] if version == 6 else b""
    return packet[words * 4 :] if version == 4 and words >= 5 else b""
