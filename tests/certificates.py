"""Certificates of an authority of our own, as files."""

from __future__ import annotations

import ssl
from datetime import datetime
from pathlib import Path

import trustme


class Authority:
    """Issues certificates, and gives clients that trust it."""

    def __init__(self) -> None:
        self._ca = trustme.CA()

    def write(self, path: Path) -> Path:
        """The authority itself, as PEM."""
        path.write_bytes(self._ca.cert_pem.bytes())
        return path

    def issue(self, cert: Path, key: Path, *names: str, not_after: datetime | None = None) -> None:
        """Write a new certificate for ``names``, and its key."""
        made = self._ca.issue_cert(*names, not_after=not_after)
        cert.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
        key.write_bytes(made.private_key_pem.bytes())

    def server(self, *names: str, not_after: datetime | None = None) -> ssl.SSLContext:
        """A server with a new certificate for ``names``."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*names, not_after=not_after).configure_cert(context)
        return context

    def client(self, *names: str) -> ssl.SSLContext:
        """A client that trusts us; with ``names``, one that shows a certificate of ours."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._ca.configure_trust(context)
        if names:
            self._ca.issue_cert(*names).configure_cert(context)
        return context
