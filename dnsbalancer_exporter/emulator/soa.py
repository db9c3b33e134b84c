"""What the provider accepts in a zone, and what a new zone has without being told.

field            default             accepted
---------------  ------------------  ----------------------------------------------------
zone             (required)          letters, digits, "-" and "."; a dot within, at most 63
soa_primary_dns  ns1.mcs.mail.ru     host name
soa_admin_email  admin@dns.mail.ru   5..255 characters with an "@"
soa_serial       1                   0..2^63-1, on create only (see put_serial)
soa_refresh      86400               60..2147483647
soa_retry        7200                60..2147483647, less than soa_refresh
soa_expire       3600000             60..2147483647, more than both together
soa_ttl          86400               60..2147483647
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from dnsbalancer_exporter.emulator.rules import (
    SECONDS,
    Check,
    Value,
    hostname,
    integer,
    invalid,
    refuse_keys,
    string,
)
from dnsbalancer_exporter.emulator.switches import Switches

NAME_SERVERS = ("ns1.mcs.mail.ru", "ns2.mcs.mail.ru")
"""The content of the two NS records that a new zone has, with a ttl of 86400."""

_ZONE_NAME = re.compile(r"(?=.{1,63}\Z)(?![-.])[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(?<![-.0-9])\Z")


def zone_name(value: object, switches: Switches) -> str:
    """The name of a new zone."""
    text = string(value)
    if text.endswith(".") and switches.zone_trailing_dot == "strip":
        text = text[:-1]
    if not _ZONE_NAME.match(text):
        raise invalid(f"{value!r} is not a zone name.")
    return text


def _email(value: object, _: Switches) -> Value:
    text = string(value)
    if not 5 <= len(text) <= 255 or not text.isascii() or "@" not in text[1:-1]:
        raise invalid(f"{value!r} is not an e-mail address.")
    return text


def _serial(value: object, _: Switches) -> Value:
    return integer(value, range(2**63))


def _time(value: object, _: Switches) -> Value:
    return integer(value, SECONDS)


SOA: Mapping[str, tuple[Value, Check]] = {
    "soa_primary_dns": (NAME_SERVERS[0], hostname),
    "soa_admin_email": ("admin@dns.mail.ru", _email),
    "soa_serial": (1, _serial),
    "soa_refresh": (86400, _time),
    "soa_retry": (7200, _time),
    "soa_expire": (3600000, _time),
    "soa_ttl": (86400, _time),
}


def check_zone(
    body: Mapping[str, object], switches: Switches, old: Mapping[str, Value] | None = None
) -> dict[str, Value]:
    """The fields of a zone, in wire order; without ``old`` it is a create and needs a name."""
    fixed = set() if old is None else {"zone"}
    if old is not None and switches.put_serial == "reject":
        fixed.add("soa_serial")
    if fixed & set(body):
        raise invalid(f"{', '.join(sorted(fixed & set(body)))}: cannot be changed.")
    refuse_keys(set(body) - set(SOA) - {"zone"}, switches)
    if old is None and "zone" not in body:
        raise invalid("zone: missing.")
    given = {**{name: default for name, (default, _) in SOA.items()}, **(old or {}), **body}
    fields = {name: check(given[name], switches) for name, (_, check) in SOA.items()}
    if switches.soa_rules == "on":
        _check_times(fields)
    fields["zone"] = zone_name(given["zone"], switches)
    return fields


def _check_times(fields: Mapping[str, Value]) -> None:
    refresh, retry, expire = (int(fields[f"soa_{n}"]) for n in ("refresh", "retry", "expire"))
    if not (retry < refresh and expire > refresh + retry):
        raise invalid("soa_retry < soa_refresh and soa_expire > soa_refresh + soa_retry, please.")
