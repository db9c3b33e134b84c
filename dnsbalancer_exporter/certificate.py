"""When a certificate expires: what `ssl` reads and tells neither a server of its own one, nor a
client that does not verify of the other's.

A walk over DER to the second time of `Validity` (RFC 5280, 4.1); OpenSSL has judged the rest.
"""

from __future__ import annotations

import calendar
import re
import ssl
import time

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_EXPLICIT_VERSION = 0xA0


def not_after(pem: bytes) -> float:
    """The Unix time at which the first certificate in ``pem`` expires; ValueError if unreadable."""
    block = _BLOCK.search(pem)
    if block is None:
        raise ValueError("no certificate")
    return not_after_der(ssl.PEM_cert_to_DER_cert(block[0].decode("ascii")))


def not_after_der(der: bytes) -> float:
    """The Unix time at which a certificate expires; ValueError if it cannot be read."""
    try:
        _, certificate, _ = _element(der)
        _, body, _ = _element(certificate)
        tag, _, rest = _element(body)
        if tag == _EXPLICIT_VERSION:
            _, _, rest = _element(rest)  # the serial number
        for _ in ("signature", "issuer"):
            _, _, rest = _element(rest)
        _, validity, _ = _element(rest)
        _, _, rest = _element(validity)
        return _time(*_element(rest)[:2])
    except IndexError:
        raise ValueError("a certificate that ends too early") from None


def _element(der: bytes) -> tuple[int, bytes, bytes]:
    """The tag and the content of the first element, and what follows it."""
    tag, length, start = der[0], der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start], "big")
    return tag, der[start : start + length], der[start + length :]


def _time(tag: int, text: bytes) -> float:
    digits = text.decode("ascii")
    if tag == _UTC_TIME:
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    elif tag != _GENERALIZED_TIME:
        raise ValueError("a time of another kind")
    return calendar.timegm(time.strptime(digits, "%Y%m%d%H%M%SZ"))
