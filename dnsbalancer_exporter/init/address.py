"""Which address is this machine's own? Hints only: behind a NAT nothing here knows it."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

DISCARD = 9
"""A port to connect a UDP socket to: that sends nothing, and tells the source address."""


class Hint(NamedTuple):
    """What is known of our own address: a proposal, empty if none is good, and why."""

    proposal: str
    why: str


def own_address(published: Iterable[str], url: str) -> Hint:
    """The first of ``published`` that is one of this machine's, else what it goes out with."""
    for address in published:
        if is_local(address):
            return Hint(address, f"{address} is in the zone, and is an address of this machine")
    out = _way_out(urlsplit(url).hostname or "")
    if not out:
        return Hint("", "no address was found out: give the one that clients reach")
    if not ipaddress.ip_address(out).is_global:
        sentence = "which is not public: give the address that clients reach, not this one"
        return Hint("", f"this machine goes out with {out}, {sentence}")
    return Hint(out, f"this machine goes out with {out}: is that also how clients reach it?")


def is_local(address: str) -> bool:
    """Whether an interface of this machine has the address."""
    try:
        with _udp(address) as tried:
            tried.bind((address, 0))
    except OSError:
        return False
    return True


def _way_out(host: str) -> str:
    """The source address of packets to ``host``; empty if there is no way."""
    try:
        found = socket.getaddrinfo(host, DISCARD, type=socket.SOCK_DGRAM)
        with socket.socket(found[0][0], socket.SOCK_DGRAM) as tried:
            tried.connect(found[0][4])
            return str(tried.getsockname()[0]).partition("%")[0]
    except (OSError, UnicodeError):
        return ""


def _udp(address: str) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
