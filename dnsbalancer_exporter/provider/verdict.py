"""What the network did to an attempt: why it failed, and whether it may have been executed."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import requests
from urllib3 import exceptions as urllib3

from dnsbalancer_exporter.errors import ApiReason

VERDICTS: tuple[tuple[type[BaseException], ApiReason, bool, str], ...] = (
    # the first class that is found in an error's chain; True: the request may have been executed
    (ssl.SSLCertVerificationError, ApiReason.TLS, False, "no trust in the certificate of"),
    (urllib3.NewConnectionError, ApiReason.CONNECTION, False, "cannot connect to"),
    (urllib3.ConnectTimeoutError, ApiReason.TIMEOUT, False, "connecting took too long:"),
    (urllib3.ProxyError, ApiReason.CONNECTION, False, "cannot connect through the proxy to"),
    (requests.exceptions.Timeout, ApiReason.TIMEOUT, True, "no answer in time from"),
    (urllib3.ReadTimeoutError, ApiReason.TIMEOUT, True, "no answer in time from"),
    (ssl.SSLError, ApiReason.TLS, True, "TLS failed with"),
    (requests.exceptions.ContentDecodingError, ApiReason.INVALID_RESPONSE, True, "bad body from"),
    (requests.exceptions.ChunkedEncodingError, ApiReason.CONNECTION, True, "answer cut off by"),
    (ConnectionError, ApiReason.CONNECTION, True, "connection broken by"),
    (requests.exceptions.ConnectionError, ApiReason.CONNECTION, True, "connection broken with"),
    (ValueError, ApiReason.CLIENT_ERROR, False, "the URL cannot be used:"),
    (BaseException, ApiReason.CONNECTION, True, "no understood answer from"),
)

_HANDSHAKE = frozenset(
    (
        "NO_CERTIFICATE_OR_CRL_FOUND",  # in our own bundle
        "WRONG_VERSION_NUMBER",
        "UNSUPPORTED_PROTOCOL",
        "TLSV1_ALERT_PROTOCOL_VERSION",
    )
)
"""TLS errors that come before any request; after others it may have been sent."""


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and all that it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def verdict(links: tuple[BaseException, ...]) -> tuple[ApiReason, bool, str]:
    """The reason, whether the request may have been executed, and the words for it."""
    for kind, reason, lost, text in VERDICTS:
        for link in links:
            if isinstance(link, kind):
                early = isinstance(link, ssl.SSLError) and link.reason in _HANDSHAKE
                return reason, lost and not early, text
    raise AssertionError  # the table ends with BaseException


def why(links: tuple[BaseException, ...]) -> tuple[str, ...]:
    """The system's own words, if any; never the text of requests, which may show the request."""
    for link in reversed(links):
        if isinstance(link, ssl.SSLCertVerificationError):
            return (link.verify_message,)
        if isinstance(link, OSError) and link.strerror:
            return (link.strerror,)
    return ()
