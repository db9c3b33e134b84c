"""Whom an https probe trusts, and what is wrong with a certificate, in words."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Mapping
from functools import partial

from dnsbalancer_exporter.certificate import not_after_der
from dnsbalancer_exporter.model import HttpTerms, Outcome, ProbeReason
from dnsbalancer_exporter.probe.finding import Finding
from dnsbalancer_exporter.probe.http_line import Settled
from dnsbalancer_exporter.threads import Late, NoThread, aside
from dnsbalancer_exporter.trust import trust

Stamp = tuple[int, int, int]

LOADING = 10.0
"""Seconds that the loading of a bundle may take."""


class Contexts:
    """One TLS context for each bundle of authorities, and one that trusts everybody.

    Loading a bundle costs tens of milliseconds, so a thread does it, and a megabyte, so it is
    shared. A bundle whose file has been replaced is loaded again, which each probe looks after.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._bundles: dict[str | None, str] = {}
        self._loaded: dict[str, tuple[Stamp, ssl.SSLContext]] = {}
        self._credulous: ssl.SSLContext | None = None
        self._loading = asyncio.Lock()

    async def of(self, terms: HttpTerms) -> ssl.SSLContext:
        """The context that a probe wants. Raises Settled: the fault is ours."""
        if not terms.verify:
            return self.credulous()
        bundle = self._bundles.get(terms.ca_file)
        if bundle is None:
            bundle = self._bundles[terms.ca_file] = trust(terms.ca_file, self._environ)
        try:
            async with self._loading:
                return await self._verifying(bundle)
        except OSError as error:
            why = error.strerror or "it is no PEM file"
        except (Late, NoThread):
            why = "the disk or the machine is too busy"
        text = f"the authorities in {bundle} cannot be loaded: {why}"
        raise Settled(Finding(Outcome.ERROR, ProbeReason.INTERNAL, text))

    async def _verifying(self, bundle: str) -> ssl.SSLContext:
        found = os.stat(bundle)  # noqa: PTH116 - three times as fast, at each probe
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        known = self._loaded.get(bundle)
        if known is None or known[0] != stamp:
            context = await aside(partial(_verifying, bundle), LOADING)
            known = self._loaded[bundle] = (stamp, context)
        return known[1]

    def credulous(self) -> ssl.SSLContext:
        """The context that encrypts and verifies nothing."""
        if self._credulous is None:
            self._credulous = _client()
            self._credulous.check_hostname = False
            self._credulous.verify_mode = ssl.CERT_NONE
        return self._credulous


def _client() -> ssl.SSLContext:
    """Not create_default_context(): what it adds depends on the version of Python."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _verifying(bundle: str) -> ssl.SSLContext:
    context = _client()
    context.load_verify_locations(bundle)
    return context


def expiry(der: bytes | None) -> float | None:
    """When a certificate expires, in Unix time; None if there is none, or it is unreadable."""
    try:
        return not_after_der(der) if der else None
    except ValueError:
        return None


_UNTRUSTED = (
    "the certificate's issuer is not trusted here: does the server send the whole chain? For a "
    "private authority give `ca_file`"
)
_FAULTS = {  # by X509_V_ERR_*, see verify(1ssl)
    9: "the certificate is not valid yet",
    10: "the certificate has expired",
    18: "the certificate is self-signed",
    19: _UNTRUSTED,
    20: _UNTRUSTED,
    21: _UNTRUSTED,
    62: "the certificate is not for {host}",
    64: "the certificate is not for {host}",
}


def fault(error: ssl.SSLCertVerificationError, host: str) -> str:
    """What is wrong with a certificate that was shown for ``host``."""
    text = _FAULTS.get(error.verify_code) or f"the certificate is refused: {error.verify_message}"
    return text.format(host=host)
