"""A look at the zone as the world sees it: one A or AAAA question, by UDP (RFC 1035)."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import struct

from dnsbalancer_exporter.emulator.wire import name_data, skip_name

KINDS = {"A": 1, "AAAA": 28}
SECONDS = 2.0


def lookup(server: tuple[str, int], name: str, kind: str = "A") -> frozenset[str]:
    """The addresses that ``server`` gives for ``name``; raises OSError if it does not answer."""
    ident = secrets.randbits(16)
    header = struct.pack("!6H", ident, 0, 1, 0, 0, 0)
    question = name_data(name) + struct.pack("!2H", KINDS[kind], 1)
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asked:
        asked.settimeout(SECONDS)
        asked.connect(server)
        asked.send(header + question)
        answer = asked.recv(65535)
    if len(answer) < 12 or struct.unpack_from("!H", answer)[0] != ident:
        raise OSError(f"{server[0]}:{server[1]} answered another question")
    return frozenset(_addresses(answer, 12 + len(question), KINDS[kind]))


def _addresses(answer: bytes, offset: int, wanted: int) -> list[str]:
    (count,) = struct.unpack_from("!H", answer, 6)
    found = []
    for _ in range(count):
        offset = skip_name(answer, offset)
        kind, _class, _ttl, length = struct.unpack_from("!HHIH", answer, offset)
        offset += 10
        if kind == wanted:
            found.append(str(ipaddress.ip_address(answer[offset : offset + length])))
        offset += length
    return found
