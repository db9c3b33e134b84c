"""Names and addresses in their one canonical spelling.

A name is a lower-case FQDN without a final dot; an address is what ``ipaddress`` prints.
"""

from __future__ import annotations

import ipaddress
from enum import Enum
from functools import lru_cache


class RecordType(Enum):
    """The record types that are read or written; a target's family decides between A and AAAA."""

    A = "A"
    AAAA = "AAAA"
    TXT = "TXT"


def parsed_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IP address that ``text`` is.

    Raises ValueError if it is none, or has a zone index such as ``%eth0``.
    """
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        raise ValueError(f"{text!r} has a zone index")
    return address


def canonical_address(text: str) -> str:
    """The one spelling of an IP address (RFC 5952 for IPv6); ValueError as above."""
    return str(parsed_address(text))


def address_type(address: str) -> RecordType:
    """A for an IPv4 address, AAAA for an IPv6 address."""
    return RecordType.AAAA if ":" in address else RecordType.A


@lru_cache(maxsize=65536)
def address_order(address: str) -> tuple[int, int]:
    """A sort key: IPv4 before IPv6, then by number."""
    parsed = ipaddress.ip_address(address)
    return parsed.version, int(parsed)


def fqdn(name: str, zone: str) -> str:
    """The canonical FQDN of ``name`` in ``zone``.

    ``@``, the empty name and the zone's own name are the apex; ``www``, ``www.`` and
    ``www.example.com.`` are the same name in ``example.com``. Case and a final dot do not count.
    """
    zone = zone.rstrip(".").lower()
    name = name.rstrip(".").lower()
    if name in ("", "@", zone):
        return zone
    return name if name.endswith("." + zone) else f"{name}.{zone}"


def relative(name: str, zone: str) -> str:
    """The form in which a name is sent to a provider: ``@`` for the apex, else without zone."""
    absolute = fqdn(name, zone)
    zone = zone.rstrip(".").lower()
    return "@" if absolute == zone else absolute[: -len(zone) - 1]
