"""How the provider behaves where its contract does not know: one field, one open question.

A switch is a field of Switches; its allowed values stand beside it and the first one is the
default. Strict first, except where the evidence leans the other way (the default is then what the
contract infers). Switches are set by name and text, ``slash=lenient``, and may be changed while the
emulator runs: a request sees the values of the moment when it arrives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

Setting = str | int | float | None


def _choice(*values: str | int) -> Any:
    def parse(text: str) -> Setting:
        for value in values:
            if str(value) == text:
                return value
        raise ValueError(f"{text!r} is none of {', '.join(map(str, values))}")

    return field(default=values[0], metadata={"parse": parse})


def _count(default: int, *, none: bool = False) -> Any:
    def parse(text: str) -> Setting:
        if none and text == "none":
            return None
        if not text.isdecimal():
            raise ValueError(f"{text!r} is not a whole number" + (" or none" if none else ""))
        return int(text)

    return field(default=default, metadata={"parse": parse})


def _seconds(default: float) -> Any:
    def parse(text: str) -> Setting:
        return seconds(text)

    return field(default=default, metadata={"parse": parse})


def seconds(text: str) -> float:
    """The number of seconds that ``text`` says; ValueError if it is none, or negative."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ValueError(f"{text!r} is not a number of seconds")
    return value


@dataclass(frozen=True, slots=True)
class Switches:
    """The provider's behaviour, one answer per question that its contract leaves open."""

    # the way in
    slash: str = _choice("strict", "lenient")
    token_ttl: float = _seconds(3600.0)
    scope_code: int = _choice(401, 403, 404)  # a project that is not ours, at Keystone
    role: str = _choice("owner", "viewer")
    viewer_code: int = _choice(403, 401)
    error_style: str = _choice("ra", "empty", "html")
    delete_code: int = _choice(204, 202)
    unknown_keys: str = _choice("reject", "ignore")
    unknown_filters: str = _choice("reject", "ignore")

    # records
    uniqueness: str = _choice("on", "spelling", "off")  # spelling: "@" and the FQDN differ
    name_case: str = _choice("keep", "fold")
    wildcards: str = _choice("allow", "reject")
    target_trailing_dot: str = _choice("reject", "strip", "keep")
    target_underscore: str = _choice("reject", "allow")
    txt_max: int | None = _count(255, none=True)
    txt_charset: str = _choice("ascii", "any")
    cname_rules: str = _choice("full", "apex", "off")
    rrset_ttl: str = _choice("any", "equal")
    default_ttl: int = _count(86400)
    quota: int = _count(500)
    quota_a: int = _count(750)
    quota_code: int = _choice(409, 403, 400)

    # zones
    quota_zones: int = _count(100)
    zone_trailing_dot: str = _choice("reject", "strip")
    zone_delete: str = _choice("cascade", "refuse")
    soa_rules: str = _choice("on", "off")  # retry < refresh, expire > refresh + retry
    put_serial: str = _choice("reject", "allow")
    status_flow: str = _choice("pending", "active", "no_mcs_ns")
    publication_delay: float = _seconds(0.0)  # from the API to the name servers

    def changed(self, changes: Mapping[str, object]) -> Switches:
        """These switches with some set anew; ValueError names an unknown switch or value."""
        parsers: dict[str, Callable[[str], Setting]] = {
            f.name: f.metadata["parse"] for f in fields(self)
        }
        values: dict[str, Any] = {}
        for name, value in changes.items():
            if name not in parsers:
                known = ", ".join(sorted(parsers))
                raise ValueError(f"unknown switch {name!r}; there are {known}")
            try:
                values[name] = parsers[name]("none" if value is None else str(value))
            except ValueError as error:
                raise ValueError(f"switch {name}: {error}") from None
        return replace(self, **values)


class SwitchBoard:
    """Where the switches of a running emulator are read and set."""

    def __init__(self, current: Switches) -> None:
        self.current = current

    def set(self, **changes: object) -> Switches:
        """Set switches by name; all of them or, with a ValueError, none."""
        self.current = self.current.changed(changes)
        return self.current
