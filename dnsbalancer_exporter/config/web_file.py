"""From the bytes of `web_config_file` to a WebConfig, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from dnsbalancer_exporter.config.files import why_unread
from dnsbalancer_exporter.config.sections import Key, Ledger, Place, Section, read_section
from dnsbalancer_exporter.config.web_keys import (
    CERT_FILE,
    CIPHER_SUITES,
    CLIENT_AUTH,
    CLIENT_CA_FILE,
    HEADERS_KEY,
    HTTP,
    KEY_FILE,
    MAX_VERSION,
    MIN_VERSION,
    PREFER_SERVER,
    TLS,
    TOP,
    TOP_ELSEWHERE,
    USERS,
    ClientCertificate,
    TlsVersion,
)
from dnsbalancer_exporter.config.yaml_text import Unreadable, read_yaml
from dnsbalancer_exporter.errors import ConfigError, Problem
from dnsbalancer_exporter.model import Secret

Read = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class TlsTerms:
    """How TLS is spoken. Paths are absolute; ``ciphers`` are OpenSSL's names, empty: its own."""

    cert_file: str
    key_file: str
    client_certificate: ClientCertificate
    client_ca_file: str | None
    min_version: TlsVersion
    max_version: TlsVersion
    ciphers: tuple[str, ...]
    prefer_server_ciphers: bool


@dataclass(frozen=True, slots=True)
class WebConfig:
    """What `web_config_file` says: TLS (None: plain HTTP), users with their hashes, headers.

    ``lines`` are those of the keys; ``notes`` are worth a warning.
    """

    file: str
    tls: TlsTerms | None
    users: Mapping[str, Secret]
    headers: Mapping[str, str]
    lines: Mapping[str, int]
    notes: tuple[str, ...]

    def wrong(self, key: str, message: str) -> ConfigError:
        """The error for a key whose value turned out to be no good when it was used."""
        return ConfigError(self.file, (Problem(self.lines.get(key, 0), key, message),))


def parse_web(data: bytes, file: str, read: Read) -> WebConfig:
    """What ``data`` says; ``read`` gives the bytes of the files that it names.

    Raises ConfigError with every problem. No message repeats a hash, or a user's name. A file that
    is empty is refused: it may be half written, and must not be taken for `no password`.
    """
    ledger = Ledger()
    top = _top(data, ledger)
    tls = _tls_terms(top, PurePosixPath(file).parent, read) if top else None
    if top is None or ledger.problems:
        raise ConfigError(file, tuple(ledger.problems))
    section = top.find(TLS)
    http = top.find(HTTP)
    users = top.find(USERS) or {}
    if users and section is None:
        top.note(USERS, "without `tls_server_config` the passwords travel in the clear")
    lines = {**top.lines}
    lines |= {
        f"{TLS.name}.{name}": line for name, line in (section.lines if section else {}).items()
    }
    return WebConfig(
        file=file,
        tls=tls,
        users=users,
        headers=(http.find(HEADERS_KEY) or {}) if http else {},
        lines=lines,
        notes=tuple(f"{file}: {note}" for note in sorted(ledger.notes)),
    )


def _top(data: bytes, ledger: Ledger) -> Section | None:
    names = ", ".join(f"`{key.name}`" for key in TOP)
    try:
        root = read_yaml(data, must_hold=f"one of {names}")
    except Unreadable as error:
        ledger.problems.add(error.problem)
        return None
    section = read_section(root, Place("", ledger), TOP, elsewhere=TOP_ELSEWHERE)
    if section and not section.lines and not ledger.problems:
        ledger.problems.add(Problem(root.line, "", f"is empty: it must hold one of {names}"))
    return section


def _tls_terms(top: Section, folder: PurePosixPath, read: Read) -> TlsTerms | None:
    section = top.find(TLS)
    if section is None:
        return None
    cert = _pem(section, CERT_FILE, folder, read)
    key = _pem(section, KEY_FILE, folder, read)
    client_ca = _pem(section, CLIENT_CA_FILE, folder, read)
    shown = section.find(CLIENT_AUTH)
    oldest, newest = section.find(MIN_VERSION), section.find(MAX_VERSION)
    suites = section.find(CIPHER_SUITES)
    _check_client(section, shown)
    if oldest and newest and newest.value < oldest.value:
        section.problem(MAX_VERSION, f"is older than `min_version`, which is {oldest.name}")
    if suites == () and oldest is TlsVersion.TLS12:
        section.problem(
            CIPHER_SUITES, "names no suite of TLS 1.2: add one, or set `min_version: TLS13`"
        )
    if not (cert and key and shown and oldest and newest):
        return None
    return TlsTerms(
        cert, key, shown, client_ca, oldest, newest, suites or (), section.need(PREFER_SERVER)
    )


def _check_client(section: Section, shown: ClientCertificate | None) -> None:
    """An authority that is not asked for, or a demand that nobody could meet, is a mistake."""
    if shown is ClientCertificate.NOTHING and section.gives(CLIENT_CA_FILE):
        section.problem(
            CLIENT_CA_FILE,
            "is not used unless `client_auth_type` is `RequireAndVerifyClientCert` or "
            "`VerifyClientCertIfGiven`",
        )
    if shown in (ClientCertificate.IF_GIVEN, ClientCertificate.REQUIRED):
        section.require(CLIENT_CA_FILE)


_PEM = {
    CERT_FILE.name: (b"-----BEGIN CERTIFICATE-----", "a certificate"),
    KEY_FILE.name: (b"PRIVATE KEY-----", "a private key"),
    CLIENT_CA_FILE.name: (b"-----BEGIN CERTIFICATE-----", "a certificate"),
}


def _pem(section: Section, key: Key[str], folder: PurePosixPath, read: Read) -> str | None:
    """The path of a PEM file, as it is to be opened; None if it is not given, or no good."""
    given = section.find(key)
    if given is None:
        return None
    path = str(folder / given)
    mark, what = _PEM[key.name]
    try:
        data = read(path)
    except OSError as error:
        section.problem(key, f"{path} {why_unread(error)}")
        return None
    if mark not in data:
        section.problem(key, f"{path} holds no PEM block with {what}")
        return None
    if key is KEY_FILE and b"ENCRYPTED" in data:
        section.problem(key, f"{path} is encrypted, and nobody is there to type its passphrase")
        return None
    return path
