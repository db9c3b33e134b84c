"""Who may ask: `Authorization: Basic` against bcrypt hashes.

A check costs a core for some 60 ms, by design. So one runs at a time, only a few may wait for it,
and a password that was right is remembered: a flood of wrong ones delays no scrape. An unknown
user costs as much as a wrong password, so that the time does not tell who exists.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import importlib
import secrets
import threading
from collections.abc import Callable, Mapping

from dnsbalancer_exporter.model import Secret

Check = Callable[[bytes, bytes], bool]

WAITING = 8
"""Checks that may wait for the one that runs; whoever comes then is told to come again."""

BCRYPT_BYTES = 72
"""What bcrypt reads of a password. Go's takes no notice of the rest, Python's newest refuses it."""

_KEY = secrets.token_bytes(32)


class Busy(Exception):
    """Too many passwords wait for their check."""


def bcrypt_check() -> Check:
    """Bcrypt's own check; ImportError if the extra is not installed."""
    check: Check = importlib.import_module("bcrypt").checkpw
    return check


class Users:
    """The users of one configuration: names with bcrypt hashes. Thread-safe."""

    def __init__(self, hashes: Mapping[str, Secret], check: Check) -> None:
        self._hashes = {name: secret.reveal().encode() for name, secret in hashes.items()}
        self._check = check
        # Nobody's hash, as dear as the dearest: what an unknown user is compared with.
        self._nobody = b"$2b$%s$" % max(h[4:6] for h in self._hashes.values()) + b"." * 53
        self._right: dict[str, bytes] = {}
        self._running = threading.Lock()
        self._places = threading.BoundedSemaphore(1 + WAITING)

    def knows(self, authorization: str) -> bool:
        """Whether the header's value names a user and the right password; raises Busy."""
        given = _credentials(authorization)
        if given is None:
            return False
        name, password = given
        hashed = self._hashes.get(name)
        seal = _seal(name, hashed or self._nobody, password)
        if hmac.compare_digest(self._right.get(name, b""), seal):
            return True
        if not self._places.acquire(blocking=False):
            raise Busy
        try:
            with self._running:
                right = self._matches(password, hashed or self._nobody)
        finally:
            self._places.release()
        if hashed is None or not right:
            return False
        self._right[name] = seal
        return True

    def _matches(self, password: bytes, hashed: bytes) -> bool:
        try:
            return self._check(password[:BCRYPT_BYTES], hashed)
        except ValueError:  # a zero byte, which older releases refuse
            return False


def _credentials(authorization: str) -> tuple[str, bytes] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (name.decode(), password) if colon else None
    except (binascii.Error, ValueError):
        return None


def _seal(name: str, hashed: bytes, password: bytes) -> bytes:
    """What is kept of a right password: it tells nothing, and no other parts would give it."""
    parts = (name.encode(), hashed, password)
    told = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.new(_KEY, told, hashlib.sha256).digest()
