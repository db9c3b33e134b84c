"""The keys of the top level only: the login, the lock, and what belongs to the process."""

from __future__ import annotations

from dataclasses import dataclass

from dnsbalancer_exporter.config import urls, values
from dnsbalancer_exporter.config.sections import (
    EMPTY,
    Key,
    Level,
    Place,
    items,
    read_section,
    scalar,
)
from dnsbalancer_exporter.config.yaml_text import Empty, Node, Table
from dnsbalancer_exporter.model import LockTerms, Secret

LEASE = Key(
    "lease",
    scalar(values.duration(5, 3600)),
    "How long a lock is valid.",
    default="60",
)
MARGIN = Key(
    "margin",
    scalar(values.duration(1, 3600)),
    "The longest time that a DELETE may take, shorter than the lease.",
    default="20",
)


def _lock(node: Node, place: Place) -> LockTerms | None:
    if not isinstance(node, Table):
        words = {"zone": LockTerms(), "off": LockTerms(enabled=False)}
        return scalar(values.choice(words))(node, place)
    section = read_section(node, place, (LEASE, MARGIN))
    lease, margin = (section.find(LEASE), section.find(MARGIN)) if section else (None, None)
    if section is None or lease is None or margin is None:
        return None
    if margin >= lease:
        section.problem(
            MARGIN,
            f"must be shorter than the lease: {values.number_text(margin)} s is not less than "
            f"{values.number_text(lease)} s",
        )
    return LockTerms(lease=lease, margin=margin)


@dataclass(frozen=True, slots=True)
class PoolEntry:
    """An entry of ``pools``, read when the top level is known."""

    place: Place
    node: Node


def _pools(node: Node, place: Place) -> tuple[PoolEntry, ...] | None:
    if isinstance(node, Empty):
        place.problem(node.line, EMPTY)
        return ()
    return tuple(PoolEntry(at, item) for item, at in items(node, place, "pools", least=1))


def _secret(text: str) -> Secret:
    return Secret(values.secret(text))


# --- the login and the process: the top level only ----------------------------------------

_DRIVERS = {
    **dict.fromkeys(("vkcloudns", "vkclouddns", "vkcloudriver", "vkcloud"), "vkcloudns"),
    **{name: name for name in ("designate", "powerdns", "rfc2136")},
}
_ALGORITHMS = ("hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-sha224", "hmac-sha1")
_LEVELS = {word: word for word in ("debug", "info", "warning", "error")}

DRIVER = Key(
    "driver",
    scalar(values.choice(_DRIVERS)),
    "The provider: `vkcloudns` (`vkclouddns`, `vkcloudriver` and `vkcloud` are the same), "
    "`designate`, `powerdns` or `rfc2136`.",
    level=Level.TOP,
    required=True,
)
URL = Key(
    "url",
    scalar(values.plain),
    "Where the provider's DNS API is; for `rfc2136` the name server, `dns://HOST:PORT`.",
    kind="URL",
    level=Level.TOP,
    required=True,
)
AUTH_URL = Key(
    "auth_url",
    scalar(urls.endpoint("/v3/", ("/v3/auth/tokens", "/v3"))),
    "The URL of Keystone, with or without `v3`.",
    otherwise="required by `vkcloudns`, `designate`",
    level=Level.TOP,
)
LOGIN = Key(
    "login",
    scalar(values.plain),
    "The user's name in Keystone; for `rfc2136` the name of the TSIG key.",
    otherwise="required but by `powerdns`",
    level=Level.TOP,
)
PASSWORD = Key(
    "password",
    scalar(_secret),
    "The user's password; the API's key for `powerdns`; the TSIG key's secret in base64 for "
    "`rfc2136`.",
    kind="text",
    otherwise="`password_file`, else `$DNSBALANCER_PASSWORD`, else the systemd credential "
    "`password`; one of them is required",
    level=Level.TOP,
)
PASSWORD_FILE = Key(
    "password_file",
    scalar(values.path),
    "The absolute path of a file that holds the password and nothing else.",
    level=Level.TOP,
)
PROJECT_ID = Key(
    "project_id",
    scalar(values.project_id),
    "The id of the project that owns the zone.",
    otherwise="required by `vkcloudns`, `designate`",
    level=Level.TOP,
)
USER_DOMAIN = Key(
    "user_domain", scalar(values.plain), "The user's domain.", default="users", level=Level.TOP
)
TSIG_ALGORITHM = Key(
    "tsig_algorithm",
    scalar(values.choice({word: word for word in _ALGORITHMS})),
    "The TSIG key's algorithm, for `rfc2136`.",
    default="hmac-sha256",
    level=Level.TOP,
)
CA_FILE = Key(
    "ca_file",
    scalar(values.path),
    "The absolute path of a PEM file with the authorities to trust.",
    otherwise="the system's",
    level=Level.TOP,
)
LOCK = Key(
    "lock",
    _lock,
    "How withdrawals of several writers are kept apart: `zone`, `off`, or `{lease, margin}`.",
    kind="word or mapping",
    default="zone",
    level=Level.TOP,
)
API_RATE = Key(
    "api_rate",
    scalar(values.number(0.1, 100)),
    "Writes to the provider's API per second, from 0.1 to 100, of the whole process: after a burst "
    "of five they wait, withdrawals of dead targets least. Reads never do.",
    default="2",
    level=Level.TOP,
)
LISTEN = Key(
    "listen",
    scalar(values.listen),
    "The address and port of `/metrics` and the status page; `[::]:9853` is IPv6 and IPv4.",
    default="0.0.0.0:9853",
    level=Level.TOP,
)
WEB_CONFIG_FILE = Key(
    "web_config_file",
    scalar(values.path),
    "The absolute path of a file with TLS and users of that port, see [web.md](web.md).",
    otherwise="plain HTTP, open to all",
    level=Level.TOP,
)
STATE_DIR = Key(
    "state_dir",
    scalar(values.path),
    "The absolute path of the folder for drains, memory and the control socket.",
    otherwise="`$STATE_DIRECTORY`, else `/var/lib/dnsbalancer`",
    level=Level.TOP,
)
LOG_LEVEL = Key(
    "log_level",
    scalar(values.choice(_LEVELS)),
    "`debug`, `info`, `warning` or `error`.",
    default="info",
    level=Level.TOP,
)
LOG_FORMAT = Key(
    "log_format",
    scalar(values.choice({"logfmt": "logfmt", "json": "json"})),
    "`logfmt` or `json`.",
    default="logfmt",
    level=Level.TOP,
)
POOLS = Key(
    "pools",
    _pools,
    "A list of pools; an entry inherits what it does not set.",
    kind="list",
    otherwise="one pool, from the keys of the top level",
    level=Level.TOP,
)
