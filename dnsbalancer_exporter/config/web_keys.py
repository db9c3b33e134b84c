"""The keys of `web_config_file`, which has the format of Prometheus's exporter-toolkit.

The subset that `promtool check web-config` of release 2.42 knows, so that one file serves every
exporter of a machine. What cannot be had here is refused with a sentence, never passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import TypeVar

from dnsbalancer_exporter.config import values
from dnsbalancer_exporter.config.sections import (
    EMPTY,
    Key,
    Place,
    Section,
    items,
    read_section,
    scalar,
)
from dnsbalancer_exporter.config.values import Wrong
from dnsbalancer_exporter.config.yaml_text import Empty, Node, Table
from dnsbalancer_exporter.model import Secret

T = TypeVar("T")


class ClientCertificate(Enum):
    """What a client must show."""

    NOTHING = "nothing"
    IF_GIVEN = "if_given"
    REQUIRED = "required"


class TlsVersion(Enum):
    """The versions that are spoken; by their order."""

    TLS12 = 12
    TLS13 = 13


def _word(
    words: Mapping[str, T], others: Mapping[str, str] | None = None
) -> Callable[[Node, Place], T | None]:
    """A reader of one of the words, in their own case: the toolkit knows no other."""
    *first, last = (f"`{word}`" for word in words)
    right = f"must be {', '.join(first)} or {last}" if first else f"must be {last}"

    def convert(text: str) -> T:
        if text not in words:
            raise Wrong((others or {}).get(text, right))
        return words[text]

    return scalar(convert)


# --- tls_server_config --------------------------------------------------------------------

_OLD = dict.fromkeys(("TLS10", "TLS11"), "is broken and not spoken here: `TLS12` or `TLS13`")
_VERSIONS = {version.name: version for version in TlsVersion}
_UNVERIFIED = (
    "would let in any certificate, whoever made it, and is not supported: "
    "`RequireAndVerifyClientCert` with `client_ca_file`"
)

CERT_FILE = Key(
    "cert_file", scalar(values.plain), "The certificate, and its chain, as PEM.", required=True
)
KEY_FILE = Key("key_file", scalar(values.plain), "The private key, as PEM.", required=True)
CLIENT_AUTH = Key(
    "client_auth_type",
    _word(
        {
            "NoClientCert": ClientCertificate.NOTHING,
            "RequestClientCert": ClientCertificate.NOTHING,
            "VerifyClientCertIfGiven": ClientCertificate.IF_GIVEN,
            "RequireAndVerifyClientCert": ClientCertificate.REQUIRED,
        },
        dict.fromkeys(("RequireAnyClientCert", "RequireClientCert"), _UNVERIFIED),
    ),
    "`NoClientCert`, `VerifyClientCertIfGiven` or `RequireAndVerifyClientCert`; `RequestClientCert`"
    " verifies nothing and is the same as the first.",
    default="NoClientCert",
)
CLIENT_CA_FILE = Key(
    "client_ca_file", scalar(values.plain), "The authorities of client certificates, as PEM."
)
MIN_VERSION = Key(
    "min_version", _word(_VERSIONS, _OLD), "`TLS12` or `TLS13`.", default=TlsVersion.TLS12.name
)
MAX_VERSION = Key(
    "max_version", _word(_VERSIONS, _OLD), "`TLS12` or `TLS13`.", default=TlsVersion.TLS13.name
)

_SUITES = {
    "TLS_AES_128_GCM_SHA256": "",
    "TLS_AES_256_GCM_SHA384": "",
    "TLS_CHACHA20_POLY1305_SHA256": "",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
"""The toolkit's names and OpenSSL's; those of TLS 1.3 are always on, and have none to be set."""


def _suite(text: str) -> str:
    if text not in _SUITES:
        raise Wrong(
            "is no suite that is offered here: one with ECDHE, and GCM or CHACHA20, such as "
            "`TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`"
        )
    return _SUITES[text]


def _suites(node: Node, place: Place) -> tuple[str, ...] | None:
    """OpenSSL's names of the suites of TLS 1.2 that are listed; None if one is wrong."""
    read = scalar(_suite)
    found = [read(item, at) for item, at in items(node, place, "cipher suites")]
    return None if None in found else tuple(name for name in found if name)


CIPHER_SUITES = Key(
    "cipher_suites",
    _suites,
    "The suites of TLS 1.2, by the toolkit's names; those of TLS 1.3 are always on.",
    otherwise="OpenSSL's",
)
PREFER_SERVER = Key(
    "prefer_server_cipher_suites",
    scalar(values.flag),
    "Whether our order of suites decides, or the client's.",
    default="true",
)

TLS_KEYS: tuple[Key[object], ...] = (
    CERT_FILE,
    KEY_FILE,
    CLIENT_AUTH,
    CLIENT_CA_FILE,
    MIN_VERSION,
    MAX_VERSION,
    CIPHER_SUITES,
    PREFER_SERVER,
)
_INLINE = "is not supported here: put it into a file and name that in `{}_file`"
_TLS_ELSEWHERE = {
    **{name: _INLINE.format(name) for name in ("cert", "key", "client_ca")},
    "client_allowed_sans": "is not supported here: give clients an authority of their own",
    "curve_preferences": "is not supported here: OpenSSL's order is used; remove it",
}


def _tls(node: Node, place: Place) -> Section | None:
    section = read_section(node, place, TLS_KEYS, elsewhere=_TLS_ELSEWHERE)
    if section:
        section.require(CERT_FILE, KEY_FILE)
    return section


# --- http_server_config -------------------------------------------------------------------


def _header(text: str) -> str:
    if not re.fullmatch(r"[ -~]{1,4096}", text):
        raise Wrong("must be a header's value: one line of ASCII")
    return text


HEADERS: tuple[Key[str], ...] = (
    Key("Content-Security-Policy", scalar(_header), "Replaces ours."),
    Key(
        "X-Frame-Options",
        _word({"deny": "deny", "sameorigin": "sameorigin"}),
        "`deny` or `sameorigin`.",
    ),
    Key("X-Content-Type-Options", _word({"nosniff": "nosniff"}), "`nosniff`."),
    Key("X-XSS-Protection", scalar(_header), "For old browsers."),
    Key("Strict-Transport-Security", scalar(_header), "For how long browsers insist on TLS."),
)


def _headers(node: Node, place: Place) -> Mapping[str, str] | None:
    section = read_section(node, place, HEADERS)
    if section is None:
        return None
    found = ((key.name, section.find(key)) for key in HEADERS)
    return {name: value for name, value in found if value}


HEADERS_KEY = Key("headers", _headers, "Headers that every answer carries.")
HTTP2 = Key("http2", scalar(values.flag), "Read and not used: HTTP/1.1 is spoken.", default="true")


def _http(node: Node, place: Place) -> Section | None:
    return read_section(node, place, (HTTP2, HEADERS_KEY))


# --- basic_auth_users ---------------------------------------------------------------------

_HASH = re.compile(r"\$2[aby]\$(?P<cost>[0-9]{2})\$[./A-Za-z0-9]{53}")
COSTS = range(4, 16)
"""What a bcrypt hash may cost: 2**15 rounds take about two seconds, for each wrong password."""


def _hash(text: str) -> Secret:
    match = _HASH.fullmatch(text)
    if match is None:
        raise Wrong("must be a bcrypt hash, which `htpasswd -nBC 10 USER` prints after the colon")
    if int(match["cost"]) not in COSTS:
        raise Wrong(f"must have a cost from {COSTS[0]} to {COSTS[-1]}: hash the password anew")
    return Secret(text)


def _users(node: Node, place: Place) -> Mapping[str, Secret] | None:
    if not isinstance(node, Table):
        wrong = "must be a mapping: `user: bcrypt hash` lines"
        place.problem(node.line, EMPTY if isinstance(node, Empty) else wrong)
        return None
    if not node.entries:
        place.problem(node.line, "has no user: add one, or remove the key")
    users: dict[str, Secret] = {}
    read = scalar(_hash)
    for number, entry in enumerate(node.entries):
        at = place.item(number)  # never by its name: it may be a password on the wrong side
        if ":" in entry.key or not entry.key.isprintable():
            at.problem(entry.line, "must be a user's name without a colon")
        elif entry.key in users:
            at.problem(entry.line, "is the same user again: keep one")
        else:
            hashed = read(entry.node, at)
            if hashed:
                users[entry.key] = hashed
    return users


TLS = Key("tls_server_config", _tls, "The certificate, and what clients must show.")
HTTP = Key("http_server_config", _http, "Headers of every answer.")
USERS = Key("basic_auth_users", _users, "Names and bcrypt hashes of those who may ask.")
TOP: tuple[Key[object], ...] = (TLS, HTTP, USERS)
TOP_ELSEWHERE = {
    "rate_limit": "is not supported here: connections are limited by their number; remove it"
}
