"""Signed DNS messages to one name server, over TCP: transfers and updates, and the verdict on them.

Needs dnspython, the extra `dns`; MISSING says so where it is not there.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from dnsbalancer_exporter.errors import AnswerLost, ApiReason, Conflict, ProviderError
from dnsbalancer_exporter.model import Secret
from dnsbalancer_exporter.report import ApiCall

MISSING = ""
"""Why no name server can be spoken to; empty if all is well."""

try:
    import dns.exception
    import dns.message
    import dns.name
    import dns.query
    import dns.rcode
    import dns.tsig
    import dns.update
    import dns.xfr
    import dns.zone
except ImportError:
    MISSING = "dnspython is not installed: pip install 'dnsbalancer-exporter[dns]'"

T = TypeVar("T")

CONNECT_SECONDS = 3.0
"""How long a connection may take."""

_BY_RCODE = {
    # RFC 2136, 2.2: what is wrong, and what to do about it
    "NXRRSET": (ApiReason.CONFLICT, "the record set has been written since it was read"),
    "YXRRSET": (ApiReason.CONFLICT, "the record set has been written since it was read"),
    "REFUSED": (ApiReason.AUTH, "check that the key may transfer and update the zone"),
    "NOTAUTH": (ApiReason.NOT_FOUND, "the name server does not serve this zone: check `zone`"),
    "NOTZONE": (ApiReason.NOT_FOUND, "the name is not in this zone: check `zone` and `record`"),
    "NOTIMP": (ApiReason.CLIENT_ERROR, "the name server takes no dynamic updates"),
    "FORMERR": (ApiReason.CLIENT_ERROR, "the name server does not understand the message"),
}


class _Unsent(Exception):
    """An attempt that ended before anything was sent."""


class DnsWire:
    """Speaks to the name server ``url``, ``dns://HOST:PORT``; ``meter`` is told of each attempt.

    Messages are signed with the key ``name``, whose ``secret`` is in base64 (RFC 8945).
    ``clock`` is monotonic, in seconds; deadlines are on it.
    """

    def __init__(
        self,
        url: str,
        name: str,
        secret: Secret,
        algorithm: str,
        *,
        meter: Callable[[ApiCall], None],
        clock: Callable[[], float],
    ) -> None:
        parts = urlsplit(url)
        self.clock = clock
        self._place = (parts.hostname or "", parts.port or 53)
        self._key = (name, secret, algorithm)
        self._meter = meter

    def transfer(self, zone: dns.zone.Zone, deadline: float) -> None:
        """Bring a copy up to date. Raises ProviderError: the copy is then worth nothing."""

        def work() -> None:
            address, port = self._address()
            query, _ = dns.xfr.make_query(zone)
            query.use_tsig(self._signature())
            left = max(0.1, deadline - self.clock())
            dns.query.inbound_xfr(address, zone, query, port, timeout=left, lifetime=left)

        self._attempt("list_records", f"transfer the zone {zone.origin}", work, write=False)

    def update(
        self, operation: str, subject: str, update: dns.update.UpdateMessage, deadline: float
    ) -> None:
        """Send one UPDATE, once.

        Raises Conflict if its prerequisite is not met, AnswerLost if it may have been executed.
        """

        def work() -> None:
            update.use_tsig(self._signature())
            with self._connected(deadline) as connection:
                left = max(0.1, deadline - self.clock())
                answer = dns.query.tcp(update, self._place[0], left, sock=connection)
            if answer.rcode() != dns.rcode.NOERROR:
                raise dns.xfr.TransferError(answer.rcode())  # type: ignore[no-untyped-call]

        self._attempt(operation, subject, work, write=True)

    def _attempt(
        self, operation: str, subject: str, work: Callable[[], None], *, write: bool
    ) -> None:
        started = self.clock()
        error: ProviderError | None = None
        try:
            work()
        except Exception as what:  # noqa: BLE001 - whatever dnspython meets is the server's doing
            error = _verdict(subject, what, write=write)
        with contextlib.suppress(Exception):
            reason = error.reason if error else None
            self._meter(ApiCall(operation, self.clock() - started, 0, reason))
        if error:
            raise error

    def _signature(self) -> dns.tsig.Key:
        name, secret, algorithm = self._key
        return dns.tsig.Key(name, secret.reveal(), algorithm)

    def _address(self) -> tuple[str, int]:
        """The server's address; its name is looked up each time, it may move."""
        host, port = self._place
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise _Unsent(f"cannot look up {host}: {error.strerror}") from None
        return str(found[0][4][0]), port

    def _connected(self, deadline: float) -> socket.socket:
        left = min(CONNECT_SECONDS, deadline - self.clock())
        if left <= 0:
            raise _Unsent("no time was left to send it")
        try:
            connection = socket.create_connection(self._place, left)
        except OSError as error:
            said = error.strerror or "no connection in time"
            raise _Unsent(f"cannot connect to {self._place[0]}: {said}") from None
        connection.settimeout(0)
        return connection


def _verdict(subject: str, error: Exception, *, write: bool) -> ProviderError:
    """What an exception means; no text of it holds a secret (the key's name is none)."""
    said = f"rfc2136: cannot {subject}: "
    if isinstance(error, _Unsent):
        return ProviderError(ApiReason.CONNECTION, f"{said}{error}; not sent")
    if isinstance(error, (dns.tsig.PeerError, dns.tsig.BadSignature, dns.tsig.BadTime)):
        advice = (
            "check `login` (the key's name), `password` (its secret), `tsig_algorithm`, the clock, "
            "and that the key may transfer and update the zone"  # Knot DNS says BADKEY for that
        )
        return ProviderError(ApiReason.AUTH, f"{said}{type(error).__name__}: {advice}")
    if isinstance(error, dns.xfr.TransferError):
        code = dns.rcode.to_text(error.rcode)
        reason, advice = _BY_RCODE.get(code, (ApiReason.SERVER_ERROR, "see the server's log"))
        if reason is ApiReason.CONFLICT:
            return Conflict(f"{said}{advice}")
        if reason is not ApiReason.SERVER_ERROR or not write:
            return ProviderError(reason, f"{said}{code}: {advice}")
        return _lost(reason, f"{said}{code}: {advice}")
    if isinstance(error, (dns.exception.Timeout, TimeoutError)):
        reason, why = ApiReason.TIMEOUT, "no answer in time"
    elif isinstance(error, (OSError, EOFError)):
        why = getattr(error, "strerror", None) or "the connection was closed"
        reason = ApiReason.CONNECTION
    else:
        # An answer that is not signed is a FormError, too: it may be anybody's.
        why = f"the answer is not understood, or not signed ({type(error).__name__})"
        reason = ApiReason.INVALID_RESPONSE
    return _lost(reason, said + why) if write else ProviderError(reason, said + why)


def _lost(reason: ApiReason, said: str) -> AnswerLost:
    return AnswerLost(
        reason, f"{said}; it may have taken effect, the next read of the zone will tell"
    )
