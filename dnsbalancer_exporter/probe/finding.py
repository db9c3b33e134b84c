"""What a probe found, and whose fault an errno is."""

from __future__ import annotations

import errno
import os
import socket
import typing
from collections.abc import Callable, Mapping
from typing import NamedTuple

from dnsbalancer_exporter.model import Outcome, ProbeReason, ProbeSpec


class Finding(NamedTuple):
    """A ProbeResult before the engine adds the times; ``duration`` None: measured by the engine.

    ``reason`` is None exactly for SUCCESS. ``duration`` is in seconds, ``certificate_expires`` in
    Unix time, None if no certificate was seen.
    """

    outcome: Outcome
    reason: ProbeReason | None = None
    detail: str = ""
    duration: float | None = None
    certificate_expires: float | None = None


@typing.runtime_checkable
class Prober(typing.Protocol):
    """One protocol's probes, each a coroutine: for protocols of several steps.

    A prober is built without I/O and serves one event loop.
    """

    async def probe(self, spec: ProbeSpec) -> Finding:
        """One attempt that ends within ``spec.timeout`` seconds."""
        ...

    def close(self) -> None:
        """Give back what the probes share; what still runs ends as an ERROR."""
        ...


Done = Callable[[Finding], None]
"""Told what a probe found."""


class Cancellable(typing.Protocol):
    """A probe that is on its way."""

    def cancel(self) -> object:
        """End it; nothing is told any more. No harm is done if it has ended."""
        ...


class Starter(typing.Protocol):
    """One protocol's probes where tens of thousands a second must be possible: no task for each."""

    def begin(self, spec: ProbeSpec, done: Done) -> Cancellable:
        """One attempt; ``done`` is told within ``spec.timeout`` seconds, never before we return."""
        ...

    def close(self) -> None:
        """Give back what the probes share; what still runs ends as an ERROR."""
        ...


CLOSED = Finding(Outcome.ERROR, ProbeReason.INTERNAL, "the prober was closed")
TIMED_OUT = Finding(Outcome.FAILURE, ProbeReason.TIMEOUT)


class Verdict(NamedTuple):
    """An outcome other than SUCCESS, and its reason."""

    outcome: Outcome
    reason: ProbeReason


_REFUSED = Verdict(Outcome.FAILURE, ProbeReason.REFUSED)
_RESET = Verdict(Outcome.FAILURE, ProbeReason.RESET)
_TIMEOUT = Verdict(Outcome.FAILURE, ProbeReason.TIMEOUT)
_UNREACHABLE = Verdict(Outcome.FAILURE, ProbeReason.UNREACHABLE)
_NO_ROUTE = Verdict(Outcome.ERROR, ProbeReason.NO_ROUTE)
_PERMISSION = Verdict(Outcome.ERROR, ProbeReason.PERMISSION)
_RESOURCES = Verdict(Outcome.ERROR, ProbeReason.RESOURCES)
_INTERNAL = Verdict(Outcome.ERROR, ProbeReason.INTERNAL)

# An errno means one thing when the call itself returns it (*now*: socket, connect, sendto; our
# kernel decided before a packet left) and may mean another as SO_ERROR (*later*: something came
# back, as a rule an ICMP error that Linux has translated: icmp_err_convert[], icmpv6_err_convert).
BLAME: Mapping[int, tuple[Verdict, Verdict]] = {
    # A RST for our SYN. Never ours; over loopback it may be there before connect() returns.
    errno.ECONNREFUSED: (_REFUSED, _REFUSED),
    # A RST after the handshake (EPIPE: after their FIN): it took the connection and dropped it.
    errno.ECONNRESET: (_RESET, _RESET),
    errno.EPIPE: (_RESET, _RESET),
    # The kernel gave up on its SYNs before we did.
    errno.ETIMEDOUT: (_TIMEOUT, _TIMEOUT),
    # Now: our routing table has no way. Later: a router, or ARP on the last link, says so.
    errno.EHOSTUNREACH: (_NO_ROUTE, _UNREACHABLE),
    errno.ENETUNREACH: (_NO_ROUTE, _UNREACHABLE),
    errno.EHOSTDOWN: (_NO_ROUTE, _UNREACHABLE),
    # Now: a local firewall, LSM or "prohibit" route. Later: ICMPv6 "administratively prohibited".
    errno.EACCES: (_PERMISSION, _UNREACHABLE),
    errno.EPERM: (_PERMISSION, _PERMISSION),
    # Later: "protocol unreachable", "source route failed", ICMPv6 "parameter problem".
    errno.ENOPROTOOPT: (_INTERNAL, _UNREACHABLE),
    errno.EOPNOTSUPP: (_INTERNAL, _UNREACHABLE),
    errno.EPROTO: (_INTERNAL, _UNREACHABLE),
    # Our interface is down, the family is off here, or a "blackhole" route (EINVAL).
    errno.ENETDOWN: (_NO_ROUTE, _NO_ROUTE),
    errno.EAFNOSUPPORT: (_NO_ROUTE, _NO_ROUTE),
    errno.EINVAL: (_NO_ROUTE, _INTERNAL),
    # IPv6: no address of ours to send from, or no port (connect(2)); the first is far more common.
    errno.EADDRNOTAVAIL: (_NO_ROUTE, _NO_ROUTE),
    errno.EADDRINUSE: (_RESOURCES, _RESOURCES),
    # No descriptors, no memory, a full send buffer or interface queue.
    errno.EMFILE: (_RESOURCES, _RESOURCES),
    errno.ENFILE: (_RESOURCES, _RESOURCES),
    errno.ENOBUFS: (_RESOURCES, _RESOURCES),
    errno.ENOMEM: (_RESOURCES, _RESOURCES),
    errno.EAGAIN: (_RESOURCES, _RESOURCES),
}

# IPv4 says "no address of ours" as ENETUNREACH: what is left is that all local ports are taken.
BLAME_IPV4: Mapping[int, tuple[Verdict, Verdict]] = {
    **BLAME,
    errno.EADDRNOTAVAIL: (_RESOURCES, _RESOURCES),
}

_UNKNOWN = (_INTERNAL, _INTERNAL)  # what we do not understand is not held against a target


def refused_now(error: OSError, family: int) -> Finding:
    """What an error means that a system call returned at once."""
    table = BLAME_IPV4 if family == socket.AF_INET else BLAME
    verdict, _ = table.get(error.errno or 0, _UNKNOWN)
    return Finding(*verdict, detail=error.strerror or str(error))


def reported_later(number: int) -> Finding:
    """What an errno means that SO_ERROR brought after the call had been accepted."""
    _, verdict = BLAME.get(number, _UNKNOWN)
    return Finding(*verdict, detail=os.strerror(number))


def family_of(address: str) -> socket.AddressFamily:
    """AF_INET or AF_INET6; raises OSError for a text that is no address.

    Without this check the socket module would look a name up in the DNS, and block the loop.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    socket.inet_pton(family, address)
    return family
