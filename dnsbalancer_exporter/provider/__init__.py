"""The way to a zone: drivers for DNS providers, one file each, and how one is chosen.

A driver is synchronous and safe to share between threads. It gives and takes canonical names and
addresses (names.py), raises ProviderError and its kin (errors.py) and nothing else, and no secret
is in any text of it. A new driver is a class and a line in DRIVERS; tests/contract/ must hold, and
docs/drivers.md walks through one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from dnsbalancer_exporter.model import Create, Record, Secret
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.provider import dns_wire
from dnsbalancer_exporter.provider.designate import Designate
from dnsbalancer_exporter.provider.keystone import Keystone, Login
from dnsbalancer_exporter.provider.powerdns import PowerDns
from dnsbalancer_exporter.provider.rfc2136 import Rfc2136
from dnsbalancer_exporter.provider.sets import RecordSets, RecordSetsWithLogin
from dnsbalancer_exporter.provider.vkcloud import WRITE_BUDGET, VkCloud
from dnsbalancer_exporter.provider.wire import Meter, Wire
from dnsbalancer_exporter.trust import trust

__all__ = [
    "DRIVERS",
    "WRITE_BUDGET",
    "Account",
    "Designate",
    "Driver",
    "Exchanging",
    "Keystone",
    "ListsZones",
    "Login",
    "LogsIn",
    "Meter",
    "PowerDns",
    "RecordSets",
    "RecordSetsWithLogin",
    "Rfc2136",
    "VkCloud",
    "Wire",
    "connect",
    "unusable",
]

Sleep = Callable[[float], None]


class Driver(Protocol):
    """What a provider can do for us. Every method raises ProviderError."""

    def list_records(
        self,
        zone: str,
        type: RecordType,
        budget: float,
    ) -> tuple[Record, ...]:
        """All records of ``type`` in ``zone``, sorted by name, value, id.

        ``budget`` is in seconds, for all attempts together. An answer that is not understood is
        an error, never a shorter list; so is a zone that is not there (NOT_FOUND).
        """
        ...

    def create_record(self, zone: str, create: Create) -> Record:
        """Create one record: one attempt. The result is what the provider stored.

        Raises Conflict if it says that there is one, AnswerLost if it may be there now; after
        any other ProviderError it is not.
        """
        ...

    def delete_record(self, zone: str, record: Record) -> None:
        """Delete one record by its id: one attempt. An id that is not there is done.

        Raises AnswerLost if it may be gone now; after any other ProviderError it is still there.
        """
        ...


@runtime_checkable
class Exchanging(Protocol):
    """What a driver has beyond `Driver` if its provider can compare and swap: then withdrawals
    need no lock. A whole-set PUT without a condition is not enough: it loses updates.
    """

    def delete_records(self, zone: str, seen: tuple[Record, ...], gone: tuple[Record, ...]) -> None:
        """In one step, delete ``gone`` if their record set holds exactly ``seen``.

        Raises Conflict, and has done nothing, if it does not; else as `delete_record`.
        """
        ...


@runtime_checkable
class LogsIn(Protocol):
    """A driver whose login can be looked at by itself; not every provider has one."""

    def log_in(self, budget: float) -> Login | None:
        """Log in, if that is not done yet, within ``budget`` seconds; raises ProviderError."""
        ...

    @property
    def token_expires_at(self) -> float | None:
        """When the login in use expires, on the clock given to `connect`; None without one.

        Never waits, and raises nothing.
        """
        ...


@runtime_checkable
class ListsZones(Protocol):
    """A driver that can tell which zones the account has; not every provider lets one ask."""

    def zones(self, budget: float) -> tuple[str, ...]:
        """The names of all zones, canonical and sorted, within ``budget`` seconds."""
        ...


class Account(Protocol):
    """The login details, as config.Api has them; what a driver does not need is empty.

    ``auth_url`` ends in ``/v3/``; ``ca_file`` None is the system's store.
    """

    @property
    def driver(self) -> str: ...  # noqa: D102 - as in the configuration, all of them
    @property
    def url(self) -> str: ...  # noqa: D102
    @property
    def auth_url(self) -> str: ...  # noqa: D102
    @property
    def login(self) -> str: ...  # noqa: D102
    @property
    def password(self) -> Secret: ...  # noqa: D102
    @property
    def project_id(self) -> str: ...  # noqa: D102
    @property
    def user_domain(self) -> str: ...  # noqa: D102
    @property
    def ca_file(self) -> str | None: ...  # noqa: D102
    @property
    def tsig_algorithm(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Means:
    """What a driver is given to work with; see `connect`."""

    meter: Meter
    clock: Callable[[], float]
    environ: Mapping[str, str]
    sleep: Sleep
    write_budget: float


def _wire(account: Account, means: Means) -> Wire:
    verify = trust(account.ca_file, means.environ)
    return Wire(meter=means.meter, clock=means.clock, verify=verify)


def _keystone(account: Account, wire: Wire) -> Keystone:
    return Keystone(
        auth_url=account.auth_url,
        login=account.login,
        password=account.password,
        project_id=account.project_id,
        user_domain=account.user_domain,
        wire=wire,
    )


def _vkcloud(account: Account, means: Means) -> Driver:
    wire = _wire(account, means)
    return VkCloud(
        url=account.url,
        keystone=_keystone(account, wire),
        wire=wire,
        sleep=means.sleep,
        write_budget=means.write_budget,
    )


def _designate(account: Account, means: Means) -> Driver:
    wire = _wire(account, means)
    sets = Designate(url=account.url, keystone=_keystone(account, wire), wire=wire)
    return RecordSetsWithLogin(sets, sleep=means.sleep, write_budget=means.write_budget)


def _powerdns(account: Account, means: Means) -> Driver:
    sets = PowerDns(url=account.url, key=account.password, wire=_wire(account, means))
    return RecordSets(sets, sleep=means.sleep, write_budget=means.write_budget)


def _rfc2136(account: Account, means: Means) -> Driver:
    wire = dns_wire.DnsWire(
        account.url,
        account.login,
        account.password,
        account.tsig_algorithm,
        meter=means.meter,
        clock=means.clock,
    )
    return Rfc2136(wire=wire, sleep=means.sleep, write_budget=means.write_budget)


DRIVERS: Mapping[str, Callable[[Account, Means], Driver]] = MappingProxyType(
    {"vkcloudns": _vkcloud, "designate": _designate, "powerdns": _powerdns, "rfc2136": _rfc2136}
)
"""By the canonical name of the configuration key ``driver``."""


def unusable(driver: str) -> str:
    """Why a driver cannot be used in this installation; empty if it can."""
    return {"rfc2136": dns_wire.MISSING}.get(driver, "")


def connect(
    account: Account,
    *,
    meter: Meter,
    clock: Callable[[], float],
    environ: Mapping[str, str] = os.environ,
    sleep: Sleep = time.sleep,
    write_budget: float = WRITE_BUDGET,
) -> Driver:
    """The driver that ``account`` names; nothing is sent before it is first used.

    ``write_budget`` is the longest time in seconds that a write may take, a login before it
    included. ``meter`` is told of every attempt, from the calling thread; ``clock`` is monotonic,
    in seconds. Raises KeyError for a driver that is not in DRIVERS; one that is `unusable` fails.
    """
    means = Means(meter, clock, environ, sleep, write_budget)
    return DRIVERS[account.driver](account, means)
