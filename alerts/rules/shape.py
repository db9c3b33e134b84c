"""The shape of an alert."""

from __future__ import annotations

from typing import NamedTuple


class Alert(NamedTuple):
    """One alert. ``wait`` is Prometheus's `for`, empty for none; ``why`` goes into the file.

    ``fleet`` is the expression over all daemons, or `same`; without it the daemons for which
    ``expr`` is true are counted. ``fleet_description`` goes with it.
    """

    name: str
    severity: str
    wait: str
    why: str
    summary: str
    description: str
    expr: str
    fleet_description: str
    fleet: str = ""
    fleet_severity: str = ""


class Group(NamedTuple):
    """Alerts that are evaluated together."""

    name: str
    alerts: tuple[Alert, ...]
