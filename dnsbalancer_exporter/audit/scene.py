"""What the checks of an audit share: what they may ask, what is known, and how they say it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from dnsbalancer_exporter.config import Config
from dnsbalancer_exporter.errors import DnsBalancerError
from dnsbalancer_exporter.model import NameServer, Pool, Record, RecordSetKey
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.nameservers import NameServers
from dnsbalancer_exporter.probe import Engine
from dnsbalancer_exporter.provider.threaded import Threaded

BUDGET = 20.0
"""Seconds for one request to the provider with all its retries."""


class Verdict(Enum):
    """OK; NOTE, worth a thought; PROBLEM, something that will not work as configured."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of an audit: where it was looked, what was found, and what to do about it."""

    verdict: Verdict
    where: str
    what: str
    advice: str = ""

    def shown(self, check: str) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "check": check,
            "verdict": self.verdict.value,
            "where": self.where,
            "what": self.what,
            "advice": self.advice or None,
        }


Findings = Iterable[Finding]


def ok(where: str, what: str) -> Finding:
    """All is well."""
    return Finding(Verdict.OK, where, what)


def note(where: str, what: str, advice: str = "") -> Finding:
    """It works, and may not be meant."""
    return Finding(Verdict.NOTE, where, what, advice)


def problem(where: str, what: str, advice: str = "") -> Finding:
    """It will not work."""
    return Finding(Verdict.PROBLEM, where, what, advice)


class NotKnown(DnsBalancerError):
    """What a check needs could not be had, which another line says already."""


@dataclass(slots=True)
class Scene:
    """A configuration and the world. ``write``: a TXT record may be created and deleted.

    ``login_works`` is None before the login was tried; a second attempt at a refused one would only
    bring the account nearer to being locked.
    """

    file: str
    config: Config
    provider: Threaded
    engine: Engine
    name_servers: NameServers
    write: bool
    login_works: bool | None = None
    lists: dict[tuple[str, RecordType], tuple[Record, ...]] = field(default_factory=dict)
    found: dict[str, tuple[NameServer, ...]] = field(default_factory=dict)

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones of all pools, each once."""
        return tuple(dict.fromkeys(pool.zone for pool in self.config.pools))

    def types(self, zone: str) -> tuple[RecordType, ...]:
        """The record types that are managed in a zone."""
        types = {t for pool in self.config.pools if pool.zone == zone for t in pool.types}
        return tuple(t for t in RecordType if t in types)

    def need_login(self) -> None:
        """Raise NotKnown if the login does not work."""
        if self.login_works is False:
            raise NotKnown("the login does not work")

    def record_sets(self, pool: Pool) -> dict[RecordSetKey, tuple[Record, ...]]:
        """A pool's record sets by the API; raises NotKnown if the zone could not be read."""
        if any((pool.zone, type_) not in self.lists for type_ in pool.types):
            raise NotKnown(f"the zone {pool.zone} could not be read")
        return {
            RecordSetKey(name, type_): tuple(
                record for record in self.lists[pool.zone, type_] if record.name == name
            )
            for name in pool.records
            for type_ in pool.types
        }


Check = Callable[[Scene], Awaitable[Findings]]


def by_pool(check: Callable[[Scene, Pool], Awaitable[Findings]]) -> Check:
    """A check of every pool; what is not known of one hides nothing of another."""

    async def one(scene: Scene, pool: Pool) -> Findings:
        try:
            return await check(scene, pool)
        except NotKnown as why:
            return [note(pool.name, f"not looked at: {why}")]

    async def every(scene: Scene) -> Findings:
        return [finding for pool in scene.config.pools for finding in await one(scene, pool)]

    return every


def title(key: RecordSetKey) -> str:
    """A record set as a finding's ``where``."""
    return f"{key.name} {key.type.value}"
