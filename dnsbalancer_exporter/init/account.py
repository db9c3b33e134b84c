"""The account at the provider: does it let us in, which zones are there, what does a name hold?"""

from __future__ import annotations

from dnsbalancer_exporter.clock import clock
from dnsbalancer_exporter.config import Api
from dnsbalancer_exporter.errors import ApiReason, ProviderError
from dnsbalancer_exporter.model import Record
from dnsbalancer_exporter.names import RecordType, address_order
from dnsbalancer_exporter.provider import ListsZones, LogsIn, connect

BUDGET = 20.0
"""Seconds for one request with all its retries."""

NEXT_LOGIN = "; the next login is tried"
"""Where a refusal goes on to what a daemon does: here, another answer may be tried at once."""


class LoginRefused(ProviderError):
    """The account, password or project is wrong; too many of these may lock the account."""


class Account:
    """What init asks of the provider; nothing is written. Methods raise ProviderError."""

    def __init__(self, api: Api) -> None:
        self._driver = connect(api, meter=lambda _: None, clock=clock)

    def log_in(self) -> bool:
        """Try the login once, if the driver has one by itself; raises LoginRefused."""
        if not isinstance(self._driver, LogsIn):
            return False
        try:
            self._driver.log_in(BUDGET)
        except ProviderError as error:
            if error.reason is not ApiReason.AUTH:
                raise
            text = str(error).partition(NEXT_LOGIN)[0]
        else:
            return True
        raise LoginRefused(ApiReason.AUTH, text)

    def zones(self) -> tuple[str, ...] | None:
        """The names of all zones; None if the provider does not tell."""
        return self._driver.zones(BUDGET) if isinstance(self._driver, ListsZones) else None

    def held(self, zone: str, names: tuple[str, ...]) -> tuple[Record, ...]:
        """The address records of some names, the way that people read them."""
        listed = (
            record
            for type_ in (RecordType.A, RecordType.AAAA)
            for record in self._driver.list_records(zone, type_, BUDGET)
            if record.name in names
        )
        return tuple(sorted(listed, key=lambda r: (names.index(r.name), address_order(r.value))))
