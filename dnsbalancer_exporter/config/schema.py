"""The schema: all rows, where each may stand, and the reference that is written from them."""

from __future__ import annotations

from dnsbalancer_exporter.config import pool_keys, top_keys
from dnsbalancer_exporter.config.http_keys import HTTP
from dnsbalancer_exporter.config.sections import Key, Level

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
    pool_keys.RETIRED,
    pool_keys.PROTOCOL,
    pool_keys.PORT,
    HTTP,
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
    pool_keys.RESOLVERS,
    top_keys.LOCK,
    top_keys.LISTEN,
    top_keys.WEB_CONFIG_FILE,
    top_keys.STATE_DIR,
    top_keys.LOG_LEVEL,
    top_keys.LOG_FORMAT,
    top_keys.POOLS,
    pool_keys.NAME,
)
"""Every key, in the order of the reference. Those of a target, a probe or a lock are told there."""

TOP = tuple(key for key in KEYS if key.level is not Level.POOL)
IN_POOL = tuple(key for key in KEYS if key.level is not Level.TOP)

_LATER = dict.fromkeys(
    ("quorum", "targets_file", "api_rate"),
    "is not supported by this version: remove it",
)
NOT_AT_TOP = _LATER | {
    key.name: "belongs to an entry of `pools`: move it there"
    for key in KEYS
    if key.level is Level.POOL
}
NOT_IN_POOL = _LATER | {
    key.name: "belongs to the top level, it is the same for all pools: move it there"
    for key in KEYS
    if key.level is Level.TOP
}

_STANDS = {Level.TOP: "top", Level.POOL: "pool", Level.BOTH: "top, pool"}


def reference_table() -> str:
    """The keys as a Markdown table, for docs/configuration.md."""
    rows = ["| key | where | default | meaning |", "| --- | --- | --- | --- |"]
    for key in KEYS:
        default = f"`{key.default}`" if key.default else key.otherwise
        stands_in = default or ("required" if key.required else "none")
        rows.append(f"| `{key.name}` | {_STANDS[key.level]} | {stands_in} | {key.doc} |")
    return "\n".join(rows) + "\n"
