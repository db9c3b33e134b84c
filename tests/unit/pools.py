"""Members and witnesses of one name, and targets in each health, for who plans and who acts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dnsbalancer_exporter.model import (
    Health,
    HealthState,
    Pool,
    ProbeSpec,
    Protocol,
    Target,
    Timing,
)

NAME = "example.com"
A, B, C, D, E = (f"192.0.2.{n}" for n in range(1, 6))
SPEC = ProbeSpec(Protocol.TCP, A, 80, 2.0)
TIMING = Timing(interval=180.0, fast_interval=1.0)

UNKNOWN = HealthState()
UP = HealthState(Health.UP, successes=2, succeeded_at=990.0, proven=True)
DOWN = HealthState(Health.DOWN, failures=3, failing_since=900.0, proven=True)


def target(address: str) -> Target:
    return Target(address, address, replace(SPEC, address=address))


def pool(*own: str, listed: tuple[str, ...] = (), **changes: Any) -> Pool:
    """A member whose own addresses are ``own``."""
    made = Pool(
        "p",
        "example.com",
        (NAME,),
        member=True,
        own=tuple(map(target, own or (A,))),
        probe=SPEC,
        listed=tuple(map(target, listed)),
        timing=TIMING,
    )
    return replace(made, **changes)


def witness(*listed: str, **changes: Any) -> Pool:
    """A witness at E."""
    return pool(E, listed=listed, member=False, **changes)
