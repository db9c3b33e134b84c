"""The schema: all rows, where each may stand, and the reference that is written from them."""

from __future__ import annotations

from typing import NamedTuple

from dnsbalancer_exporter.config import pool_keys, targets, top_keys, values
from dnsbalancer_exporter.config.http_keys import HTTP, HTTP_KEYS
from dnsbalancer_exporter.config.quorum_keys import QUORUM, QUORUM_KEYS
from dnsbalancer_exporter.config.sections import Key, Level, Scalar
from dnsbalancer_exporter.config.told import Told

KEYS: tuple[Key[object], ...] = (
    top_keys.DRIVER,
    top_keys.URL,
    top_keys.AUTH_URL,
    top_keys.LOGIN,
    top_keys.PASSWORD,
    top_keys.PASSWORD_FILE,
    top_keys.PROJECT_ID,
    top_keys.USER_DOMAIN,
    top_keys.TSIG_ALGORITHM,
    top_keys.CA_FILE,
    pool_keys.ZONE,
    pool_keys.RECORD,
    pool_keys.OWN_IP,
    pool_keys.MEMBER,
    pool_keys.TARGETS,
    pool_keys.TARGETS_FILE,
    pool_keys.RETIRED,
    pool_keys.PROTOCOL,
    pool_keys.PORT,
    HTTP,
    pool_keys.TCP_CLOSE,
    pool_keys.TIMEOUT,
    pool_keys.INTERVAL,
    pool_keys.PROBE_TIMEOUT,
    pool_keys.FAST_INTERVAL,
    pool_keys.FALL,
    pool_keys.RISE,
    pool_keys.TTL,
    pool_keys.MIN_RECORDS,
    pool_keys.MAX_WITHDRAWALS,
    pool_keys.REMEMBER,
    pool_keys.REFERENCE,
    pool_keys.MODE,
    QUORUM,
    pool_keys.RESOLVERS,
    top_keys.LOCK,
    top_keys.API_RATE,
    top_keys.LISTEN,
    top_keys.WEB_CONFIG_FILE,
    top_keys.STATE_DIR,
    top_keys.LOG_LEVEL,
    top_keys.LOG_FORMAT,
    top_keys.POOLS,
    pool_keys.NAME,
)
"""Every key of the top level and of a pool, in the order of the reference."""

WITHIN: tuple[tuple[str, tuple[Key[object], ...]], ...] = (
    ("`targets`, `reference`", (targets.ADDRESS, targets.NAME, targets.PROBE)),
    ("`own_ip`", (targets.ADDRESS, targets.PROBE)),
    ("`probe`", (targets.PROBE_ADDRESS, targets.PROBE_PROTOCOL, targets.PROBE_PORT, HTTP)),
    ("`http`", HTTP_KEYS),
    ("`quorum`", QUORUM_KEYS),
    ("`lock`", (top_keys.LEASE, top_keys.MARGIN)),
)
"""The keys of a value that is itself a mapping, by the key that it is the value of."""

TOP = tuple(key for key in KEYS if key.level is not Level.POOL)
IN_POOL = tuple(key for key in KEYS if key.level is not Level.TOP)

NOT_AT_TOP = {
    key.name: "belongs to an entry of `pools`: move it there"
    for key in KEYS
    if key.level is Level.POOL
}
NOT_IN_POOL = {
    key.name: "belongs to the top level, it is the same for all pools: move it there"
    for key in KEYS
    if key.level is Level.TOP
}

_STANDS = {Level.TOP: "top", Level.POOL: "pool", Level.BOTH: "top, pool"}

_KINDS: dict[object, str] = {
    values.plain: "text",
    values.label: "text",
    values.observer: "text",
    values.project_id: "text",
    values.path: "absolute path",
    values.file: "path",
    values.flag: "yes or no",
    values.zone: "domain name",
    values.listen: "address and port",
    values.machine: "IP address",
}
"""What the converters take that have no bounds to tell."""


class Row(NamedTuple):
    """One key in the reference. ``key`` is the row of the schema; ``kind`` a word for its values,
    ``least``, ``most`` and ``words`` which of them, as written in a file.
    """

    key: Key[object]
    where: str
    kind: str
    least: str = ""
    most: str = ""
    words: tuple[str, ...] = ()


def reference() -> tuple[Row, ...]:
    """The keys of the top level and of pools. KeyError: a key does not say its `kind`."""
    return tuple(_row(key, _STANDS[key.level]) for key in KEYS)


def reference_within() -> tuple[Row, ...]:
    """The keys of mappings that are values of others."""
    return tuple(_row(key, where) for where, keys in WITHIN for key in keys)


def _row(key: Key[object], where: str) -> Row:
    convert = key.read.convert if isinstance(key.read, Scalar) else None
    if isinstance(convert, Told):
        return Row(key, where, convert.kind, convert.least, convert.most, convert.words)
    return Row(key, where, key.kind or _KINDS[convert])
