"""The promise: how long a dead address may still be given to clients, as arithmetic.

    seconds at worst                              what passes
    --------------------------------------------  -----------------------------------------------
    `interval`                                    until the first probe after the death
    + `fall` x `probe_timeout`                    if packets are swallowed; 0 if they are refused
    + (`fall` - 1) x `fast_interval`              between the probes that confirm it
    = noticed
    + TTL                                         until the last cache has forgotten the record

The API's own time (two reads, the lock, a delete: a second or two) and the time until the name
servers serve it (`dnsbalancer_dns_visible_seconds`) come on top; with `quorum` the agreement, too:
seconds where a majority sees it, up to two leases where the dead one's own voice is missed. A name
that has ever been asked for while it was empty costs the SOA minimum instead of the TTL: law 1 is
there to prevent that.
"""

from __future__ import annotations

from dataclasses import dataclass

from dnsbalancer_exporter.model import Timing

LONG_TTL = 300
"""Seconds: above this the caches, not the probes, decide how long a failover takes."""

LONG_NEGATIVE_TTL = 3600
"""Seconds: above this a name that was empty for a moment is gone for more than an hour."""


@dataclass(frozen=True, slots=True)
class Promise:
    """Seconds at worst: until a death is noticed, and then until every cache has forgotten it."""

    noticed: float
    cached: float

    @property
    def total(self) -> float:
        """From the death to the last client that is given the dead address."""
        return self.noticed + self.cached


def worst(timing: Timing, ttl: float, *, silent: bool = True) -> Promise:
    """What ``timing`` and a TTL in seconds promise for a target that dies just after a probe.

    ``silent``: its packets are swallowed; else they are refused, and no probe waits.
    """
    waiting = timing.fall * timing.probe_timeout if silent else 0.0
    return Promise(timing.interval + waiting + (timing.fall - 1) * timing.fast_interval, ttl)
