"""Probes: can a target be reached from here, and if not, whose fault is that?

``Engine.probe`` takes a ProbeSpec and gives a ProbeResult; it touches the network and nothing else.
"""

from __future__ import annotations

from dnsbalancer_exporter.probe.engine import PROBERS, Builders, Engine, with_reserve

__all__ = ["PROBERS", "Builders", "Engine", "with_reserve"]
