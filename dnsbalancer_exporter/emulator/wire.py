"""DNS messages on the wire (RFC 1035, RFC 6891), as much as an authoritative server needs.

Queries are read without trust: what is no query at all gives None, what is broken gives a Query
with rcode FORMERR. Names are lower-case text without a final dot; the question goes back as it
came, so a resolver that mixes letter cases finds its own. Answers point to the question's name and
are not compressed otherwise.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace

A, NS, CNAME, SOA, MX, TXT, AAAA, SRV, OPT, AXFR, ANY = 1, 2, 5, 6, 15, 16, 28, 33, 41, 252, 255
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, BADVERS = 0, 1, 2, 3, 4, 5, 16
IN = 1

UDP_SIZE = 1232
"""The largest datagram that we send, and offer to take (the value of DNS flag day 2020)."""


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked. ``rcode`` is already known if the message is broken or out of scope.

    ``size`` is the sender's EDNS payload size, None without EDNS.
    """

    id: int
    flags: int
    name: str = ""
    type: int = 0
    cls: int = IN
    question: bytes = b""
    size: int | None = None
    rcode: int = NOERROR


@dataclass(frozen=True, slots=True)
class ResourceRecord:
    """One record of an answer; ``data`` is encoded, ``target`` the name in it, if any."""

    name: str
    type: int
    ttl: int
    data: bytes
    target: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    rcode: int = NOERROR
    answers: tuple[ResourceRecord, ...] = ()
    authority: tuple[ResourceRecord, ...] = ()
    authoritative: bool = True


class _Broken(ValueError):
    """The message ends too early or has what may not be there."""


def read_query(message: bytes) -> Query | None:
    """The query in a message; None if it is too short for a header, or an answer."""
    if len(message) < 12:
        return None
    ident, flags, questions, answers, authority, additional = struct.unpack_from("!6H", message)
    if flags & 0x8000:
        return None
    query = Query(ident, flags)
    if flags >> 11 & 0xF:
        return replace(query, rcode=NOTIMP)
    if questions != 1:
        return replace(query, rcode=FORMERR)
    try:
        name, offset = _read_name(message, 12)
        kind, cls = _unpack("!2H", message, offset)
        query = replace(query, name=name, type=kind, cls=cls, question=message[12 : offset + 4])
        return _read_edns(query, message, offset + 4, answers + authority + additional)
    except _Broken:
        return replace(query, rcode=FORMERR)


def _unpack(shape: str, message: bytes, offset: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(shape, message, offset)
    except struct.error:
        raise _Broken from None


def _read_name(message: bytes, offset: int) -> tuple[str, int]:
    """The name at an offset and the offset behind it; a question has no pointers."""
    labels: list[str] = []
    start = offset
    while True:
        (length,) = _unpack("!B", message, offset)
        offset += 1
        if length == 0:
            return ".".join(labels).lower(), offset
        label = message[offset : offset + length]
        offset += length
        if length > 63 or len(label) < length or offset - start > 254:
            raise _Broken
        labels.append(label.decode("latin-1").replace(".", "\\."))


def skip_name(message: bytes, offset: int) -> int:
    """The offset behind a name that may end in a pointer."""
    while True:
        (length,) = _unpack("!B", message, offset)
        if length >= 0xC0:
            return offset + 2
        offset += 1 + length
        if length == 0:
            return offset


def _read_edns(query: Query, message: bytes, offset: int, records: int) -> Query:
    for _ in range(records):
        owner = offset
        offset = skip_name(message, offset)
        kind, size, ttl, length = _unpack("!HHIH", message, offset)
        offset += 10 + length
        if offset > len(message):
            raise _Broken
        if kind != OPT:
            continue
        if query.size is not None or message[owner] != 0:
            raise _Broken
        version = ttl >> 16 & 0xFF
        query = replace(query, size=size, rcode=BADVERS if version else NOERROR)
    return query


# --- writing ----------------------------------------------------------------------------


def label_data(text: str) -> bytes:
    """One label; what may stand in it is not ours to judge, but it has 63 bytes."""
    raw = text.encode()[:63]
    return bytes((len(raw),)) + raw


def name_data(name: str) -> bytes:
    """A name, uncompressed."""
    return b"".join(label_data(label) for label in name.split(".") if label) + b"\0"


def address_data(text: str) -> bytes:
    """An address."""
    return ipaddress.ip_address(text).packed


def text_data(text: str) -> bytes:
    """A text in strings of at most 255 bytes."""
    raw = text.encode()
    parts = [raw[i : i + 255] for i in range(0, len(raw), 255)] or [b""]
    return b"".join(bytes((len(part),)) + part for part in parts)


def numbers_data(*numbers: int) -> bytes:
    """Numbers of 16 bits."""
    return struct.pack(f"!{len(numbers)}H", *numbers)


def write_reply(query: Query, reply: Reply, limit: int) -> bytes:
    """The message; without any record and with TC set if it would be longer than ``limit``."""
    flags = 0x8000 | query.flags & 0x7900 | reply.rcode & 0xF
    if reply.authoritative:
        flags |= 0x0400
    opt = _opt(reply.rcode) if query.size is not None else b""
    body = _section(query, reply.answers) + _section(query, reply.authority)
    counts = (len(reply.answers), len(reply.authority))
    if 12 + len(query.question) + len(body) + len(opt) > limit:
        flags |= 0x0200
        body, counts = b"", (0, 0)
    head = struct.pack("!6H", query.id, flags, bool(query.question), *counts, bool(opt))
    return head + query.question + body + opt


def datagram_limit(query: Query) -> int:
    """How long a reply over UDP may be."""
    return 512 if query.size is None else max(512, min(query.size, UDP_SIZE))


def _section(query: Query, records: Sequence[ResourceRecord]) -> bytes:
    written = []
    for record in records:
        owner = b"\xc0\x0c" if record.name == query.name else name_data(record.name)
        fixed = struct.pack("!HHIH", record.type, IN, record.ttl, len(record.data))
        written.append(owner + fixed + record.data)
    return b"".join(written)


def _opt(rcode: int) -> bytes:
    return b"\0" + struct.pack("!HHIH", OPT, UDP_SIZE, rcode >> 4 << 24, 0)
