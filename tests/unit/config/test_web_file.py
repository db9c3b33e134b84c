"""The file with TLS and users: what it may say, and everything that is wrong with it at once."""

from __future__ import annotations

import re

import pytest

from dnsbalancer_exporter.config import ClientCertificate, TlsVersion, WebConfig, parse_web
from dnsbalancer_exporter.errors import ConfigError

HASH = "$2y$10$" + "abcdefghijklmnopqrstuv" + "0123456789ABCDEFGHIJKLMNOPQRSTU"
PEM = {
    "/etc/dnsbalancer/tls.crt": b"-----BEGIN CERTIFICATE-----",
    "/etc/dnsbalancer/tls.key": b"-----BEGIN EC PRIVATE KEY-----",
    "/etc/dnsbalancer/locked.key": b"-----BEGIN ENCRYPTED PRIVATE KEY-----",
    "/srv/ca.pem": b"-----BEGIN CERTIFICATE-----",
}
PAIR = "tls_server_config:\n  cert_file: tls.crt\n  key_file: tls.key\n"


def load(text: str) -> WebConfig:
    def read(path: str) -> bytes:
        if path not in PEM:
            raise FileNotFoundError(path)
        return PEM[path]

    return parse_web(text.encode(), "/etc/dnsbalancer/web.yml", read)


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert caught.value.file == "/etc/dnsbalancer/web.yml"
    return [str(problem) for problem in caught.value.problems]


def test_a_pair_alone_has_defaults() -> None:
    web = load(PAIR)
    assert web.tls
    assert (web.tls.cert_file, web.tls.key_file) == (
        "/etc/dnsbalancer/tls.crt",
        "/etc/dnsbalancer/tls.key",
    )
    assert web.tls.client_certificate is ClientCertificate.NOTHING
    assert (web.tls.min_version, web.tls.max_version) == (TlsVersion.TLS12, TlsVersion.TLS13)
    assert web.tls.ciphers == ()
    assert web.tls.prefer_server_ciphers
    assert (web.users, web.headers, web.notes) == ({}, {}, ())


def test_everything_at_once() -> None:
    web = load(
        PAIR
        + """\
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: /srv/ca.pem
  min_version: TLS12
  max_version: TLS12
  prefer_server_cipher_suites: false
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]
http_server_config:
  http2: true
  headers:
    Strict-Transport-Security: max-age=31536000
    X-Frame-Options: deny
basic_auth_users:
"""
        + f"  prometheus: {HASH}\n"
    )
    assert web.tls
    assert web.tls.client_certificate is ClientCertificate.REQUIRED
    assert web.tls.client_ca_file == "/srv/ca.pem"
    assert web.tls.max_version is TlsVersion.TLS12
    assert web.tls.ciphers == ("ECDHE-RSA-AES128-GCM-SHA256",)
    assert not web.tls.prefer_server_ciphers
    assert web.headers == {
        "Strict-Transport-Security": "max-age=31536000",
        "X-Frame-Options": "deny",
    }
    assert {name: hashed.reveal() for name, hashed in web.users.items()} == {"prometheus": HASH}


def test_passwords_in_the_clear_are_noted() -> None:
    (note,) = load(f"basic_auth_users: {{a: {HASH}}}").notes
    assert "in the clear" in note


TLS = "tls_server_config."
BAD = {
    "": "is empty: it must hold one of",
    "{}": "is empty: it must hold one of",
    "[a]": "line 1: must be a mapping",
    "tls_server: {}": "line 1: tls_server: unknown key; did you mean `tls_server_config`?",
    "rate_limit: {interval: 1s}": "line 1: rate_limit: is not supported here",
    "basic_auth_users: {}": "line 1: basic_auth_users: has no user",
    "basic_auth_users:": "line 1: basic_auth_users: is empty",
    "basic_auth_users: [a]": "line 1: basic_auth_users: must be a mapping",
    "basic_auth_users: {a: hunter2}": "basic_auth_users[0]: must be a bcrypt hash",
    f"basic_auth_users: {{a: {HASH}x}}": "basic_auth_users[0]: must be a bcrypt hash",
    f"basic_auth_users: {{a: {HASH.replace('10', '31')}}}": "must have a cost from 4 to 15",
    f"basic_auth_users: {{'a:b': {HASH}}}": "must be a user's name without a colon",
    f"basic_auth_users: {{a: {HASH}, a: {HASH}}}": "[1]: is the same user again",
    "http_server_config: {headers: {X-Other: a}}": "X-Other: unknown key",
    "http_server_config: {headers: {X-Frame-Options: all}}": "must be `deny` or `sameorigin`",
    "http_server_config: {headers: {X-Content-Type-Options: x}}": "must be `nosniff`",
    'http_server_config: {headers: {X-XSS-Protection: "1\\r\\nA: b"}}': "one line of ASCII",
    "tls_server_config: {cert_file: tls.crt}": f"{TLS}key_file: is missing: the private key",
    "tls_server_config: {key_file: tls.key}": f"{TLS}cert_file: is missing: the certificate",
    PAIR + "  cert: x": f"{TLS}cert: is not supported here: put it into a file",
    PAIR.replace("tls.crt", "no.crt"): (
        f"line 2: {TLS}cert_file: /etc/dnsbalancer/no.crt does not exist"
    ),
    PAIR.replace("tls.crt", "tls.key"): f"{TLS}cert_file: /etc/dnsbalancer/tls.key holds no PEM",
    PAIR.replace("tls.key", "tls.crt"): f"{TLS}key_file: /etc/dnsbalancer/tls.crt holds no PEM",
    PAIR.replace("tls.key", "locked.key"): f"{TLS}key_file: /etc/dnsbalancer/locked.key is encr",
    PAIR + "  client_ca_file: /srv/ca.pem": f"{TLS}client_ca_file: is not used unless",
    PAIR + "  client_auth_type: VerifyClientCertIfGiven": f"{TLS}client_ca_file: is missing",
    PAIR + "  client_auth_type: RequireAnyClientCert": "would let in any certificate",
    PAIR + "  client_auth_type: require": f"{TLS}client_auth_type: must be `NoClientCert`, `Requ",
    PAIR + "  min_version: TLS10": "is broken and not spoken here",
    PAIR + "  min_version: 1.2": "must be `TLS12` or `TLS13`",
    PAIR + "  min_version: TLS13\n  max_version: TLS12": "is older than `min_version`",
    PAIR + "  cipher_suites: [RC4]": f"{TLS}cipher_suites[0]: is no suite that is offered here",
    PAIR + "  cipher_suites: [TLS_AES_128_GCM_SHA256]": "names no suite of TLS 1.2",
    PAIR + "  curve_preferences: [X25519]": f"{TLS}curve_preferences: is not supported here",
    PAIR + "  client_allowed_sans: [a]": f"{TLS}client_allowed_sans: is not supported here",
}


@pytest.mark.parametrize(("text", "expected"), BAD.items(), ids=range(len(BAD)))
def test_what_is_refused(text: str, expected: str) -> None:
    (found,) = problems(text)
    assert expected in found
    if text not in ("", "{}", "[a]"):
        assert re.match(r"line [0-9]+: [a-z_.A-Z0-9\[\]-]+: ", found)


def test_every_problem_is_told_at_once_and_none_repeats_a_hash_or_a_name() -> None:
    found = problems(
        "tls_server_config:\n  cert_file: no.crt\n  min_version: TLS9\n"
        "basic_auth_users:\n  hunter2: $2y$10$secret\nother: 1\n"
    )
    lines = [text.split(":")[0] for text in found]
    assert lines == ["line 2", "line 2", "line 3", "line 5", "line 6"]
    assert "hunter2" not in "".join(found)
    assert "secret" not in "".join(found)
