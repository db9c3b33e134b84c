"""Access: what a connection meets, made from `web_config_file`: TLS, users, headers.

Always made anew and then put in the place of the old one: a certificate that fails to load into a
context that is in use leaves that context broken for all who come.
"""

from __future__ import annotations

import os
import ssl
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dnsbalancer_exporter import plain_file
from dnsbalancer_exporter.certificate import not_after
from dnsbalancer_exporter.config import (
    ClientCertificate,
    TlsTerms,
    TlsVersion,
    WebConfig,
    parse_web,
    problem_of_oserror,
)
from dnsbalancer_exporter.errors import ConfigError
from dnsbalancer_exporter.export.users import Users, bcrypt_check

Stamp = tuple[int, ...]
"""What tells that a file is another one than it was; empty for one that is gone."""

_VERSIONS = {
    TlsVersion.TLS12: ssl.TLSVersion.TLSv1_2,
    TlsVersion.TLS13: ssl.TLSVersion.TLSv1_3,
}
_VERIFY = {
    ClientCertificate.NOTHING: ssl.CERT_NONE,
    ClientCertificate.IF_GIVEN: ssl.CERT_OPTIONAL,
    ClientCertificate.REQUIRED: ssl.CERT_REQUIRED,
}


@dataclass(frozen=True, slots=True)
class Access:
    """What a connection meets. ``context`` None: plain HTTP; ``users`` None: open to all.

    ``expiry`` is the Unix time at which our certificate expires; ``stamps`` are those of all files
    that this was read from, taken before they were read; ``notes`` are worth a warning.
    """

    context: ssl.SSLContext | None = None
    users: Users | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    expiry: float | None = None
    stamps: Mapping[str, Stamp] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


OPEN = Access()
"""Without `web_config_file`."""


def read_access(file: str) -> Access:
    """The access that ``file`` describes; ConfigError with every problem, also of what it names."""
    files = _Files()
    try:
        return _access(parse_web(files.read(file), file, files.read), files)
    except OSError as error:  # of the file itself, or of one that went away while we were reading
        raise ConfigError(str(error.filename or file), (problem_of_oserror(error),)) from None


def _access(web: WebConfig, files: _Files) -> Access:
    tls, notes = web.tls, web.notes
    if tls and Path(tls.key_file).stat().st_mode & stat.S_IROTH:
        notes += (f"{tls.key_file} is a private key and can be read by everybody: chmod 0640",)
    return Access(
        context=_context(web, tls) if tls else None,
        users=_users(web),
        headers=web.headers,
        expiry=_expiry(web, files.read(tls.cert_file)) if tls else None,
        stamps=files.stamps,
        notes=notes,
    )


class _Files:
    """Reads files and keeps the stamp that each had when it was first opened."""

    def __init__(self) -> None:
        self.stamps: dict[str, Stamp] = {}

    def read(self, file: str) -> bytes:
        with Path(file).open("rb") as stream:
            self.stamps.setdefault(file, _stamp(os.fstat(stream.fileno())))
            return stream.read(plain_file.LARGEST + 1)


def stamp(file: str) -> Stamp:
    """The stamp of a file as it is now."""
    try:
        return _stamp(Path(file).stat())
    except OSError:
        return ()


def _stamp(found: os.stat_result) -> Stamp:
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _users(web: WebConfig) -> Users | None:
    if not web.users:
        return None
    try:
        return Users(web.users, bcrypt_check())
    except ImportError:
        message = "needs bcrypt, which is not installed: pip install 'dnsbalancer-exporter[auth]'"
        raise web.wrong("basic_auth_users", message) from None


def _context(web: WebConfig, terms: TlsTerms) -> ssl.SSLContext:
    """A context of its own for these terms; ConfigError if OpenSSL will not have them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[terms.min_version]
    context.maximum_version = _VERSIONS[terms.max_version]
    context.options |= ssl.OP_NO_RENEGOTIATION
    if not terms.prefer_server_ciphers:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if terms.ciphers:
        context.set_ciphers(":".join(terms.ciphers))
    context.set_alpn_protocols(["http/1.1"])
    context.verify_mode = _VERIFY[terms.client_certificate]
    try:
        # A password stops OpenSSL from asking the terminal for one.
        context.load_cert_chain(terms.cert_file, terms.key_file, password="")
    except ssl.SSLError as error:
        raise _why_no_pair(web, terms, error) from None
    except OSError as error:
        raise web.wrong("tls_server_config.key_file", str(error)) from None
    if terms.client_ca_file:
        try:
            context.load_verify_locations(terms.client_ca_file)
        except OSError:
            message = f"{terms.client_ca_file} holds a certificate that cannot be read"
            raise web.wrong("tls_server_config.client_ca_file", message) from None
    return context


def _why_no_pair(web: WebConfig, terms: TlsTerms, error: ssl.SSLError) -> ConfigError:
    if error.reason == "KEY_VALUES_MISMATCH":
        message = f"{terms.key_file} is not the key of the certificate in {terms.cert_file}"
        return web.wrong("tls_server_config.key_file", message)
    reason = (error.reason or "unreadable").replace("_", " ").lower()
    message = f"{terms.cert_file} and {terms.key_file} cannot be used by OpenSSL: {reason}"
    return web.wrong("tls_server_config.cert_file", message)


def _expiry(web: WebConfig, pem: bytes) -> float:
    try:
        return not_after(pem)
    except ValueError:
        message = "holds a certificate whose end cannot be read"
        raise web.wrong("tls_server_config.cert_file", message) from None
