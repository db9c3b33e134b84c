"""Opening a socket that may send echo requests, and teaching it what not to tell us.

icmplib creates the socket; sending and receiving are ours, because its send() calls getaddrinfo
and two setsockopt per packet, its receive() blocks or makes a task per packet, and both hide the
errno that tells our fault from the target's.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import icmplib

from dnsbalancer_exporter.probe.echo import DIALECTS

ADVICE = (
    "neither a datagram nor a raw ICMP socket is allowed: add the process's group to "
    'net.ipv4.ping_group_range (sysctl -w net.ipv4.ping_group_range="0 2147483647") '
    "or give it CAP_NET_RAW (systemd: AmbientCapabilities=CAP_NET_RAW)"
)

SO_TIMESTAMPNS = 35
"""Linux, asm-generic/socket.h; the socket module has no name for it. Also its cmsg type."""

_CREATE: Mapping[int, Callable[..., Any]] = {
    socket.AF_INET: icmplib.ICMPv4Socket,
    socket.AF_INET6: icmplib.ICMPv6Socket,
}

# Refusals that a raw socket may not share: no right, or a kernel without datagram ICMP.
_TRY_RAW = (errno.EACCES, errno.EPERM, errno.EPROTONOSUPPORT, errno.EPROTOTYPE)

# The default of 208 KiB holds 256 replies and loses the rest of a burst, which looks like a dead
# target; and as many requests, which dead targets on our own link hold while ARP asks for them.
# The kernel cuts this down to net.core.?mem_max without a word; see icmp.DRAIN_EVERY.
_BUFFER = 4 << 20


class PingSocket(NamedTuple):
    """A non-blocking ICMP socket. ``owner`` is icmplib's object, which closes ``sock``."""

    owner: Any
    sock: socket.socket
    raw: bool


OpenPing = Callable[[int], PingSocket]
"""Opens a ping socket of a family; raises OSError."""


def open_ping(family: int) -> PingSocket:
    """A datagram socket if we may, else a raw one, else OSError with what to do about it.

    The datagram socket first: it needs no capability, and sees only its own replies.
    """
    for raw in (False, True):
        try:
            owner = _CREATE[family](privileged=raw)
        except icmplib.ICMPSocketError as error:
            cause = error.__context__
            if not isinstance(cause, OSError):
                raise
            if cause.errno not in _TRY_RAW:
                raise cause from None
            continue
        try:
            owner.sock.settimeout(0)
            _tune(owner.sock, family, raw=raw)
        except BaseException:
            owner.close()
            raise
        return PingSocket(owner, owner.sock, raw)
    raise PermissionError(errno.EACCES, ADVICE)


class PingReserve:
    """Ping sockets opened while that was allowed, to be used when it is not any more.

    A process that starts as root and becomes somebody else makes one before. A family that cannot
    be opened now is tried again when it is asked for.
    """

    def __init__(self) -> None:
        self._kept: dict[int, PingSocket] = {}
        for family in _CREATE:
            with contextlib.suppress(OSError, icmplib.ICMPSocketError):
                self._kept[family] = open_ping(family)

    def open(self, family: int) -> PingSocket:
        """As `open_ping`; closing what it gives leaves the reserve as it is."""
        kept = self._kept.get(family)
        if kept is None:
            return open_ping(family)
        twin = kept.sock.dup()
        return PingSocket(twin, twin, kept.raw)


def _tune(sock: socket.socket, family: int, *, raw: bool) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
    if sys.platform != "linux":
        return
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    if raw:
        sock.setsockopt(*_FILTER[family], _filter(family))


# (level, option): SOL_RAW and ICMP_FILTER of linux/icmp.h, ICMPV6_FILTER of linux/icmpv6.h
_FILTER: Mapping[int, tuple[int, int]] = {
    socket.AF_INET: (255, 1),
    socket.AF_INET6: (socket.IPPROTO_ICMPV6, 1),
}


def _filter(family: int) -> bytes:
    """A bit map of the types that a raw socket does not want: all but replies and errors."""
    dialect = DIALECTS[family]
    words = [0xFFFFFFFF] * (1 if family == socket.AF_INET else 8)
    for kind in (dialect.reply, *dialect.errors):
        words[kind // 32] &= ~(1 << kind % 32)
    return struct.pack(f"={len(words)}I", *words)
