"""From text to value: one small function per kind of value.

Each raises Wrong, whose text says what would be right and never repeats what was written: the
password may have been written on the wrong line.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import TypeVar

from dnsbalancer_exporter.config.told import UNITS, Told, duration_text
from dnsbalancer_exporter.names import canonical_address, parsed_address
from dnsbalancer_exporter.vote import OBSERVER

T = TypeVar("T")


class Wrong(Exception):
    """A value that cannot be used; the text says what would be right."""


# --- numbers ------------------------------------------------------------------------------

_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?) ?(ms|s|m|h|d)?")


def number_text(value: float) -> str:
    """A number of seconds for people: ``180``, ``0.5``; never ``1.8e+02``."""
    return f"{value:.12g}"


def duration(low: float, high: float) -> Told[float]:
    """Seconds, as a number or as ``500ms``, ``2s``, ``2m``, ``1h``, ``1d``, within the bounds."""

    def convert(text: str) -> float:
        match = _DURATION.fullmatch(text.strip().lower())
        if match is None:
            raise Wrong("must be a duration: seconds, or a number with `ms`, `s`, `m`, `h` or `d`")
        value = float(Fraction(match[1]) * UNITS[match[2] or ""])
        if not low <= value <= high:
            raise Wrong(f"must be from {number_text(low)} to {number_text(high)} seconds")
        return value

    return Told(convert, "duration", duration_text(low), duration_text(high))


def number(low: float, high: float) -> Told[float]:
    """A number, whole or with a decimal point, within the bounds."""

    def convert(text: str) -> float:
        match = re.fullmatch(r"[0-9]{1,12}(?:\.[0-9]{1,9})?", text.strip())
        if match is None or not low <= float(match[0]) <= high:
            raise Wrong(f"must be a number from {number_text(low)} to {number_text(high)}")
        return float(match[0])

    return Told(convert, "number", number_text(low), number_text(high))


def whole_seconds(low: int, high: int) -> Told[int]:
    """A duration that is a whole number of seconds."""
    seconds = duration(low, high)

    def convert(text: str) -> int:
        value = seconds(text)
        if value != int(value):
            raise Wrong("must be a whole number of seconds")
        return int(value)

    return Told(convert, "duration", seconds.least, seconds.most)


def whole(low: int, high: int) -> Told[int]:
    """A whole number within the bounds."""

    def convert(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text.strip()) or not low <= int(text) <= high:
            raise Wrong(f"must be a whole number from {low} to {high}")
        return int(text)

    return Told(convert, "whole number", str(low), str(high))


# --- words --------------------------------------------------------------------------------

_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def flag(text: str) -> bool:
    """True or false, in YAML's old spellings."""
    value = _FLAGS.get(text.strip().lower())
    if value is None:
        raise Wrong("must be `true` or `false`")
    return value


def choice(values: Mapping[str, T], *, others: Mapping[str, str] | None = None) -> Told[T]:
    """One of the words, in any case; ``others`` has its own sentence for some wrong ones."""
    *first, last = (f"`{word}`" for word in values)
    right = f"must be {', '.join(first)} or {last}"

    def convert(text: str) -> T:
        word = text.strip().lower()
        if word not in values:
            raise Wrong((others or {}).get(word, right))
        return values[word]

    return Told(convert, "word", words=tuple(values))


def plain(text: str) -> str:
    """A text of one line."""
    if not text.isprintable() or not text.strip():
        raise Wrong("must be text of one line, without control characters")
    return text


def label(text: str) -> str:
    """A name that people give: it becomes a label in metrics."""
    if not text.isprintable() or text != text.strip() or not 0 < len(text) <= 200:
        raise Wrong("must be a name of 1 to 200 characters on one line")
    return text


def observer(text: str) -> str:
    """What an observer is called in its votes."""
    name = text.strip()
    if not OBSERVER.fullmatch(name):
        raise Wrong(
            "must be a word of 1 to 63 letters, digits, dots, colons, hyphens or underscores"
        )
    return name


def path(text: str) -> str:
    """An absolute path: a daemon has no folder of its own to start from."""
    if not text.startswith("/") or not text.isprintable():
        raise Wrong("must be an absolute path: begin it with `/`")
    return text


def file(text: str) -> str:
    """A path, absolute or from where the file that names it is."""
    if not text.isprintable() or text.endswith("/"):
        raise Wrong("must be the path of a file")
    return text


def secret(text: str) -> str:
    """A password: anything but line ends, which a file or a YAML block leaves at its end."""
    stripped = text.rstrip("\r\n")
    if not stripped:
        raise Wrong("is empty: give the password")
    if any(c in "\r\n\0" for c in stripped) or any("\ud800" <= c <= "\udfff" for c in stripped):
        raise Wrong("must be one line of UTF-8 text")
    return stripped


def project_id(text: str) -> str:
    """32 hexadecimal digits, with or without dashes; another cloud's id is taken as it is."""
    bare = text.replace("-", "")
    if re.fullmatch(r"[0-9a-fA-F]{32}", bare):
        return bare
    if not re.fullmatch(r"[!-~]+", text):
        raise Wrong("must be the project's id: 32 hexadecimal digits, without blanks")
    return text


# --- the network --------------------------------------------------------------------------


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return parsed_address(text.strip())
    except ValueError:
        pass
    raise Wrong("must be an IP address, such as `192.0.2.10` or `2001:db8::10`")


def address(text: str) -> str:
    """An IP address in its canonical spelling."""
    return str(_parsed(text))


def machine(text: str) -> str:
    """The address of one machine: neither unspecified, nor multicast, nor broadcast, nor mapped."""
    parsed = _parsed(text)
    canonical = str(parsed)
    if parsed.is_unspecified or parsed.is_multicast or canonical == "255.255.255.255":
        raise Wrong(
            "must be the address of one machine, not an unspecified, multicast or broadcast one"
        )
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        raise Wrong(f"must be written as an IPv4 address: `{parsed.ipv4_mapped}`")
    return canonical


_NAME = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
)


def zone(text: str) -> str:
    """A domain name, lower-case and without a final dot."""
    name = text.strip().lower().removesuffix(".")
    if not name.isascii():
        raise Wrong("must be in ASCII: write an international name in its `xn--` form")
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise Wrong("must be a domain name, such as `example.com`")
    return name


def record_name(text: str) -> str:
    """``@``, a name in the zone, or ``*`` before one; a final dot has a meaning and is kept."""
    name = text.strip().lower()
    bare = name.removesuffix(".")
    if bare in ("@", "*"):
        return bare
    try:
        zone(bare.removeprefix("*."))
    except Wrong as wrong:
        if "xn--" in str(wrong):
            raise
        raise Wrong('must be `"@"` or a name in the zone, such as `www` or `"*.app"`') from None
    return name


_LISTEN = re.compile(r"(?:(?P<host>[0-9.]+|\[[0-9a-fA-F:.]+\]|localhost)?:)?(?P<port>[0-9]{1,5})")


def listen(text: str) -> tuple[str, int]:
    """``address:port``; ``:port`` and ``port`` mean every IPv4 address of the machine."""
    match = _LISTEN.fullmatch(text.strip().lower())
    try:
        if match is not None and 1 <= int(match["port"]) <= 65535:
            host = (match["host"] or "0.0.0.0").strip("[]")  # noqa: S104  the documented default
            host = "127.0.0.1" if host == "localhost" else canonical_address(host)
            return host, int(match["port"])
    except ValueError:
        pass
    raise Wrong("must be an address and a port, such as `0.0.0.0:9853`, `[::]:9853` or `:9853`")


_SERVER = re.compile(
    r"\[(?P<v6>[0-9a-f:.]+)\](?::(?P<v6_port>[0-9]{1,5}))?|(?P<v4>[0-9.]+)(?::(?P<v4_port>[0-9]{1,5}))?"
)


def server(text: str) -> tuple[str, int]:
    """The address of a name server and its port, 53 if none is given."""
    bare = text.strip().lower()
    match = _SERVER.fullmatch(bare)
    host, port = bare, "53"
    if match is not None:
        host = match["v6"] or match["v4"]
        port = match["v6_port"] or match["v4_port"] or port
    if not 1 <= int(port) <= 65535:
        raise Wrong("must have a port from 1 to 65535")
    try:
        return machine(host), int(port)
    except Wrong:
        pass
    raise Wrong("must be an IP address, `address:port` or `[IPv6 address]:port`")
