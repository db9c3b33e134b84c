"""The way to a zone: drivers for DNS providers, one file each, and how one is chosen.

A driver is synchronous and safe to share between threads. It gives and takes canonical names and
addresses (names.py), raises ProviderError and its kin (errors.py) and nothing else, and no secret
is in any text of it. A new driver is a class and a line in DRIVERS; tests/contract/ must hold.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from dnsbalancer_exporter.model import Create, Record, Secret
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.provider.keystone import Keystone, Login
from dnsbalancer_exporter.provider.trust import trust
from dnsbalancer_exporter.provider.vkcloud import WRITE_BUDGET, VkCloud
from dnsbalancer_exporter.provider.wire import Meter, Wire

__all__ = [
    "DRIVERS",
    "WRITE_BUDGET",
    "Account",
    "Driver",
    "Exchanging",
    "Keystone",
    "Login",
    "LogsIn",
    "Meter",
    "VkCloud",
    "Wire",
    "connect",
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


class Account(Protocol):
    """The login details, as config.Api has them.

    ``url`` ends in ``/v2/dns/``, ``auth_url`` in ``/v3/``; ``ca_file`` None is the system's store.
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


def _vkcloud(account: Account, wire: Wire, sleep: Sleep, write_budget: float) -> Driver:
    keystone = Keystone(
        auth_url=account.auth_url,
        login=account.login,
        password=account.password,
        project_id=account.project_id,
        user_domain=account.user_domain,
        wire=wire,
    )
    return VkCloud(
        url=account.url, keystone=keystone, wire=wire, sleep=sleep, write_budget=write_budget
    )


DRIVERS: Mapping[str, Callable[[Account, Wire, Sleep, float], Driver]] = MappingProxyType(
    {"vkcloudns": _vkcloud}
)
"""By the canonical name of the configuration key ``driver``."""


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
    included. ``meter`` is told of every HTTP attempt, from the calling thread; ``clock`` is
    monotonic, in seconds. Raises KeyError for a driver that is not in DRIVERS.
    """
    wire = Wire(meter=meter, clock=clock, verify=trust(account.ca_file, environ))
    return DRIVERS[account.driver](account, wire, sleep, write_budget)
