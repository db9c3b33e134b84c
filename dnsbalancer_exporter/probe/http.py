"""The http and https probes: does it give the answer that it should?

One request on a connection of its own, to the target's address and no other: names are never
resolved and redirects not followed. Why not a library or threads: docs/adr/0017.
"""

from __future__ import annotations

import asyncio
import ssl

from dnsbalancer_exporter import __version__
from dnsbalancer_exporter.model import HttpTerms, Outcome, ProbeReason, ProbeSpec, Protocol
from dnsbalancer_exporter.probe.finding import Finding
from dnsbalancer_exporter.probe.http_answer import BODY_LIMIT, Incoming, Invalid
from dnsbalancer_exporter.probe.http_line import Line, Patience, Settled, failed
from dnsbalancer_exporter.probe.http_trust import Contexts, expiry, fault

_HEADERS = f"User-Agent: dnsbalancer_exporter/{__version__}\r\nAccept: */*\r\nConnection: close"
_ANYTHING = HttpTerms()


class HttpProber:
    """Probes by HTTP/1.1, over TLS for https; TLS contexts are made once and shared."""

    def __init__(self) -> None:
        self._contexts = Contexts()
        self._turn = asyncio.Lock()

    async def probe(self, spec: ProbeSpec) -> Finding:
        """SUCCESS if status and body are as they should be, within ``spec.timeout`` in all."""
        patience = Patience(spec.timeout)
        line = Line(patience)
        expires = None
        try:
            await line.connect(spec.address, spec.port)
            if spec.protocol is Protocol.HTTPS:
                expires = await self._secure(line, spec, patience)
            finding = await _asked(line, spec)
        except Settled as settled:
            finding = settled.finding
        except Invalid as invalid:
            finding = Finding(Outcome.FAILURE, ProbeReason.INVALID_RESPONSE, str(invalid))
        finally:
            line.close()
        known = finding.certificate_expires
        return finding._replace(
            duration=patience.used, certificate_expires=expires if known is None else known
        )

    def close(self) -> None:
        """Nothing to give back: every probe closes its own connection."""

    async def _secure(self, line: Line, spec: ProbeSpec, patience: Patience) -> float | None:
        """Shake hands; when the certificate expires. Raises Settled."""
        terms = spec.http or _ANYTHING
        host = terms.host or spec.address
        try:
            await line.secure(await self._contexts.of(terms), host, self._turn)
        except ssl.SSLCertVerificationError as error:
            refused = Finding(Outcome.FAILURE, ProbeReason.TLS, fault(error, host))
        else:
            return expiry(line.certificate())
        expires = await self._expiry_of_refused(spec, host, patience)
        raise Settled(refused._replace(certificate_expires=expires))

    async def _expiry_of_refused(
        self, spec: ProbeSpec, host: str, patience: Patience
    ) -> float | None:
        """When a certificate expires that was refused, which `ssl` does not show.

        It takes a second connection, within the same budget; for its own sake nothing fails.
        """
        line = Line(patience)
        try:
            await line.connect(spec.address, spec.port)
            await line.secure(self._contexts.credulous(), host, self._turn)
            return expiry(line.certificate())
        except Settled:
            return None
        finally:
            line.close()


async def _asked(line: Line, spec: ProbeSpec) -> Finding:
    """Send the request and judge the answer. Raises Settled or Invalid."""
    terms = spec.http or _ANYTHING
    text = f"{terms.method} {terms.path} HTTP/1.1\r\nHost: {spec.authority}\r\n{_HEADERS}\r\n\r\n"
    await line.send(text.encode("ascii"))
    incoming = Incoming(line.receive)
    head = await incoming.head()
    if not any(low <= head.status <= high for low, high in terms.statuses):
        wanted = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in terms.statuses)
        raise failed(ProbeReason.STATUS, f"{head.status}, expected {wanted}")
    if terms.body and not await incoming.body_holds(head, terms.body.encode()):
        where = f"the first {BODY_LIMIT // 1024} kB of the body"
        raise failed(ProbeReason.BODY, f"{head.status}, and the text is not in {where}")
    return Finding(Outcome.SUCCESS)
