"""What the provider accepts in a record, and the form in which it keeps it.

    name     given as                             kept as
    -------  -----------------------------------  -------------------------------
    apex     "@", "" or no name at all            "@"
    apex     "example.com", "example.com."        "example.com"
    www      "www", "www."                        "www"
    www      "www.example.com[.]"                 "www.example.com"
    any      "*", "*.sub" (not for MX and NS)     as given, if wildcards=allow

    type     fields between name and ttl          value
    -------  -----------------------------------  -------------------------------
    a        ipv4                                 dotted quad
    aaaa     ipv6                                 kept compressed, in lower case
    cname    content                              host name of two labels or more
    mx       priority, content                    0..65535, host name
    ns       content                              host name
    srv      priority, weight, port, host         0..65535, host name
    txt      content                              at most txt_max characters

Whatever does not fit is Refused with 400. Numbers are JSON integers, never text or booleans.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping

from dnsbalancer_exporter.emulator.switches import Switches
from dnsbalancer_exporter.names import fqdn

Value = str | int
Check = Callable[[object, Switches], Value]

SECONDS = range(60, 2147483648)
"""What a ttl and the SOA's times may be."""

_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\Z")
_HOST_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")


class Refused(ValueError):
    """The provider says no: a status, the error type that its framework has for it, a text."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        self.status = status
        self.kind = kind
        super().__init__(message)


def invalid(message: str) -> Refused:
    """A refusal of what a request says."""
    return Refused(400, "ValidationErrorException", message)


def conflict(message: str) -> Refused:
    """A refusal because of what the zone holds."""
    return Refused(409, "ConflictRecords", message)


def unknown(what: str) -> Refused:
    """A refusal because there is no such thing."""
    return Refused(404, "RecordNotFound", f"{what} not found.")


def json_object(body: bytes) -> dict[str, object]:
    """The JSON object in a request body."""
    try:
        value = json.loads(body)
    except ValueError:
        raise Refused(400, "ParseError", "Can't parse the request body.") from None
    if not isinstance(value, dict):
        raise Refused(400, "ParseError", "The request body is not an object.")
    return value


def string(value: object) -> str:
    """``value`` if it is text."""
    if not isinstance(value, str):
        raise invalid(f"{value!r} is not a string.")
    return value


def integer(value: object, allowed: range) -> int:
    """``value`` if it is a whole number within ``allowed``; True and 60.0 are not."""
    if type(value) is not int or value not in allowed:
        raise invalid(f"{value!r} is not an integer of {allowed.start}..{allowed.stop - 1}.")
    return value


def _ipv4(value: object, _: Switches) -> Value:
    try:
        return str(ipaddress.IPv4Address(string(value)))
    except ipaddress.AddressValueError:
        raise invalid(f"{value!r} is not an IPv4 address.") from None


def _ipv6(value: object, _: Switches) -> Value:
    text = string(value)
    try:
        if "%" not in text:
            return str(ipaddress.IPv6Address(text))
    except ipaddress.AddressValueError:
        pass
    raise invalid(f"{value!r} is not an IPv6 address.")


def hostname(value: object, switches: Switches) -> str:
    """A host name of two labels or more, without a final dot unless the switch says keep."""
    kept = text = string(value)
    if text.endswith(".") and switches.target_trailing_dot != "reject":
        text = text[:-1]
        kept = text if switches.target_trailing_dot == "strip" else kept
    shape = _LABEL if switches.target_underscore == "allow" else _HOST_LABEL
    labels = text.split(".")
    if len(labels) < 2 or len(text) > 253 or not all(map(shape.match, labels)):
        raise invalid(f"{value!r} is not a host name.")
    return kept


def _number(value: object, _: Switches) -> Value:
    return integer(value, range(65536))


def _txt(value: object, switches: Switches) -> Value:
    text = string(value)
    if switches.txt_max is not None and len(text) > switches.txt_max:
        raise invalid(f"The content is longer than {switches.txt_max} characters.")
    if switches.txt_charset == "ascii" and not (text.isascii() and text.isprintable()):
        raise invalid("The content has characters that are not printable ASCII.")
    return text


KINDS: Mapping[str, Mapping[str, Check]] = {
    "a": {"ipv4": _ipv4},
    "aaaa": {"ipv6": _ipv6},
    "cname": {"content": hostname},
    "mx": {"priority": _number, "content": hostname},
    "ns": {"content": hostname},
    "srv": {"priority": _number, "weight": _number, "port": _number, "host": hostname},
    "txt": {"content": _txt},
}
"""The seven types by their path segment, and the checks of their fields in wire order."""


def record_name(value: object, kind: str, zone: str, switches: Switches) -> str:
    """The form in which the provider keeps a record's name."""
    text = string(value)
    if switches.name_case == "fold":
        text = text.lower()
    text = text[:-1] if len(text) > 1 and text.endswith(".") else text
    if text in {"", "@"}:
        text = "@"
    elif not _is_name(text, kind, switches):
        raise invalid(f"{value!r} is not a record name.")
    full = fqdn(text, zone)
    if len(full) > 253:
        raise invalid(f"{value!r} is too long.")
    if kind == "srv" and not full.startswith("_"):
        raise invalid("The name of an SRV record is _service._proto[.name].")
    return text


def _is_name(text: str, kind: str, switches: Switches) -> bool:
    labels = text.split(".")
    if labels[0] == "*" and switches.wildcards == "allow" and kind not in {"mx", "ns"}:
        labels = labels[1:]
    if kind == "srv" and [label[:1] for label in labels[:2]] != ["_", "_"]:
        return False
    return all(map(_LABEL.match, labels))


def check_record(
    kind: str,
    zone: str,
    body: Mapping[str, object],
    switches: Switches,
    old: Mapping[str, Value] | None = None,
) -> dict[str, Value]:
    """The fields of a record, in wire order: those of ``body``, and of ``old`` where it is silent.

    Without ``old`` it is a create: the fields of the type are required, the name is the apex
    unless given, the ttl has a default.
    """
    given: dict[str, object] = {"name": "@", "ttl": switches.default_ttl, **(old or {}), **body}
    checks = KINDS[kind]
    allowed = {"name", *checks, "ttl"}
    refuse_keys(set(body) - allowed, switches)
    missing = [field for field in checks if field not in given]
    if missing:
        raise invalid(f"{', '.join(missing)}: missing.")
    fields: dict[str, Value] = {"name": record_name(given["name"], kind, zone, switches)}
    fields.update((field, check(given[field], switches)) for field, check in checks.items())
    fields["ttl"] = integer(given["ttl"], SECONDS)
    return fields


def refuse_keys(keys: set[str], switches: Switches) -> None:
    """Refuse the keys that the provider does not know, if it is so minded."""
    if keys and switches.unknown_keys == "reject":
        raise invalid(f"{', '.join(sorted(keys))}: unknown.")
