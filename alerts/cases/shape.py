"""The shape of a case, and short words for its series."""

from __future__ import annotations

from typing import NamedTuple

FOR_LONG = 400
"""More samples than any case looks at."""


class Series(NamedTuple):
    """A series by its name without the prefix, its values in promtool's notation, and labels."""

    name: str
    values: str
    labels: dict[str, str]


class Case(NamedTuple):
    """What fires ``at`` a moment; each entry is an alert and its labels, as `Name label=value`.

    ``fires`` is about single daemons, ``fleet`` about the fleet. At ``not_yet`` the fault is there
    and its alert still waits.
    """

    alert: str
    says: str
    series: tuple[Series, ...]
    at: str
    fires: tuple[str, ...] = ()
    fleet: tuple[str, ...] = ()
    not_yet: str = ""


def s(name: str, values: str | int, *, pool: str = "web", **labels: str) -> Series:
    """A series of pool ``pool``; a number stays what it is."""
    text = f"{values}x{FOR_LONG}" if isinstance(values, int) else values
    named = {"pool": pool} if pool else {}
    return Series(name, text, {**named, **labels})


def down(values: str, target: str = "t1", **labels: str) -> Series:
    """Whether a target is held DOWN."""
    return s("target_state", values, target=target, state="down", **labels)


def up(values: str, instance: str = "a") -> Series:
    """Whether an instance is scraped."""
    return Series("up", values, {"instance": instance})


def errors(name: str, values: str | int, **labels: str) -> Series:
    """A counter of the process."""
    return s(name, values, pool="", **labels)


TARGET = {"target": "t1"}
SET = {"dns_zone": "example.com", "record": "example.com", "record_type": "A"}
PROBE = {**TARGET, "probe": "tcp"}
INFO = {**PROBE, "address": "192.0.2.1"}
