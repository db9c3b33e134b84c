"""The keys of a pool: in an entry of ``pools``, or at the top level for every pool."""

from __future__ import annotations

from dataclasses import dataclass

from dnsbalancer_exporter.config import values
from dnsbalancer_exporter.config.sections import Key, Level, Place, items, scalar
from dnsbalancer_exporter.config.targets import (
    addresses,
    own_addresses,
    protocol,
    retired_addresses,
)
from dnsbalancer_exporter.config.yaml_text import Items, Node, Text
from dnsbalancer_exporter.model import Closing, Mode, NameServer


@dataclass(frozen=True, slots=True)
class NameEntry:
    """A record's name as written, and where; what it is in full depends on the zone."""

    place: Place
    line: int
    text: str


def _records(node: Node, place: Place) -> tuple[NameEntry, ...] | None:
    found = [(node, place)]
    if isinstance(node, Items):
        found = list(items(node, place, "names in the zone", least=1))
    read = scalar(values.record_name)
    entries = [(at, item.line, read(item, at)) for item, at in found]
    return tuple(NameEntry(at, line, text) for at, line, text in entries if text)


def _as_is(node: Node, _place: Place) -> Node:
    """The node itself: what it must be depends on other keys."""
    return node


def _resolvers(node: Node, place: Place) -> tuple[NameServer, ...] | None:
    if isinstance(node, Text) and node.text.strip().lower() == "off":
        return ()
    read = scalar(values.server)
    entries = [(at, item.line, read(item, at)) for item, at in items(node, place, WHO, least=1)]
    found: list[NameServer] = []
    for at, line, entry in entries:
        if entry in found:
            at.problem(line, f"{NameServer(*entry)} is listed already: keep one")
        elif entry:
            found.append(NameServer(*entry))
    return tuple(found)


WHO = "addresses (`address`, `address:port`, `[IPv6]:port`), or `off`"

NAME = Key(
    "name",
    scalar(values.label),
    "The pool's name in metrics and on the page.",
    otherwise="the FQDN of its first record",
    level=Level.POOL,
)
ZONE = Key(
    "zone",
    scalar(values.zone),
    "The zone that is watched and written, such as `example.com`.",
    required=True,
)
RECORD = Key(
    "record",
    _records,
    "The name in the zone, or a list of names with one verdict.",
    kind="name or list",
    default="@",
)
MEMBER = Key(
    "is_self_maintenance",
    scalar(values.flag),
    "`true` for a member, whose `own_ip` is a target; `false` for a witness, which watches others.",
    required=True,
)
OWN_IP = Key(
    "own_ip",
    own_addresses,
    "The public address of this machine, or `{address, probe}`, or a list with one per family.",
    kind="address, mapping or list",
    otherwise="required for a member, and for a witness without `targets`",
)
PROTOCOL = Key(
    "protocol",
    protocol,
    "How targets are probed: `tcp`, `icmp`, `http` or `https`.",
    required=True,
)
PORT: Key[Node] = Key(
    "port",
    _as_is,
    "The port that is probed; ignored for `icmp`.",
    kind="whole number",
    otherwise="required for `tcp`; 80 for `http`, 443 for `https`",
)
TCP_CLOSE = Key(
    "tcp_close",
    scalar(values.choice({close.value: close for close in Closing})),
    "How a `tcp` probe parts: by `reset` before the handshake is complete, so that nothing stays "
    "behind and the application never hears of it (Linux), or in order, by `fin`.",
    default="reset",
)
INTERVAL = Key(
    "interval",
    scalar(values.duration(0.1, 86400)),
    "Between checks of a settled target and between reads of a quiet zone.",
    default="180",
)
TIMEOUT = Key(
    "timeout",
    scalar(values.duration(0.1, 86400)),
    "The published name of `interval`: seconds between checks, not the deadline of a probe.",
    otherwise="`interval`",
    synonym_of="interval",
)
PROBE_TIMEOUT = Key(
    "probe_timeout",
    scalar(values.duration(0.01, 60)),
    "The deadline of one probe.",
    default="2",
)
FAST_INTERVAL = Key(
    "fast_interval",
    scalar(values.duration(0.01, 3600)),
    "Between probes while a result is being confirmed; at most `interval`.",
    default="1",
)
FALL = Key(
    "fall",
    scalar(values.whole(1, 100)),
    "Failed probes in a row after which a target is down.",
    default="3",
)
RISE = Key(
    "rise",
    scalar(values.whole(1, 100)),
    "Successful probes in a row after which a target is up.",
    default="2",
)
TARGETS = Key(
    "targets",
    addresses(least=1),
    "A list of IP addresses or `{address, probe, name}`; only these, and a member's own, are ours.",
    kind="list",
    otherwise="what the record set holds",
)
TARGETS_FILE = Key(
    "targets_file",
    scalar(values.file),
    "Instead of `targets`: a YAML or JSON file with such a list, for generated inventories; a "
    "relative path begins in the configuration's folder. It is read again when it changes.",
    otherwise="none",
)
RETIRED = Key(
    "retired",
    retired_addresses,
    "A list of IP addresses that were ours and must go.",
    kind="list",
    otherwise="none",
)
LONGEST_TTL = 2147483647
"""Seconds (RFC 2181, 8)."""

TTL = Key(
    "ttl",
    scalar(values.whole_seconds(1, LONGEST_TTL)),
    "The TTL of records that we create, unless their siblings have another; with `vkcloudns` no "
    "less than 60.",
    default="60",
)
MIN_RECORDS = Key(
    "min_records",
    scalar(values.whole(1, 500)),
    "The floor: a withdrawal leaves at least so many records.",
    default="1",
)
MAX_WITHDRAWALS = Key(
    "max_withdrawals",
    scalar(values.whole(1, 500)),
    "Withdrawals per cycle at most.",
    otherwise="half of the set, rounded down, at least 1",
)
REMEMBER = Key(
    "remember",
    scalar(values.duration(0, 30 * 86400)),
    "How long a withdrawn learned target stays a target.",
    default="24h",
)
REFERENCE = Key(
    "reference",
    addresses(least=0),
    "Addresses outside the pool, as in `targets`, that tell whether we are the isolated one.",
    kind="list",
    otherwise="none",
)
MODE = Key(
    "mode",
    scalar(values.choice({mode.value: mode for mode in Mode})),
    "`enforce`, or `observe`: never writes.",
    default="enforce",
)
RESOLVERS = Key(
    "resolvers",
    _resolvers,
    "Who is asked whether DNS serves what the API says: a list of addresses, with `:port` if it is "
    "not 53, or `off`; needs the extra `dns`.",
    kind="list or `off`",
    otherwise="the zone's own name servers",
)
