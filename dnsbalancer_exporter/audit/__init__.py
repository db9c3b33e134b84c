"""The audit: `check --online`. Is all as a failover needs it to be, seen from this machine?

    CHECKS       one row each, in order; a check is a small function that gives findings
    scene        what they share
    machine account records servers reach     the checks, by what they look at

A check that fails, or that needs what could not be had, is itself a finding and stops no other.
Nothing is written to the zone unless the caller says so.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from dnsbalancer_exporter.audit import account, machine, reach, records, servers
from dnsbalancer_exporter.audit.scene import (
    Check,
    Finding,
    NotKnown,
    Scene,
    Verdict,
    note,
    problem,
)
from dnsbalancer_exporter.clock import clock
from dnsbalancer_exporter.config import Config
from dnsbalancer_exporter.errors import DnsBalancerError
from dnsbalancer_exporter.nameservers import NameServers
from dnsbalancer_exporter.probe import Engine
from dnsbalancer_exporter.provider import connect
from dnsbalancer_exporter.provider.threaded import Threaded

__all__ = ["CHECKS", "Audited", "Check", "audit", "has_problems", "of_audit", "of_audit_json"]

CHECKS: tuple[tuple[str, Check], ...] = (
    ("configuration", machine.configuration),
    ("state_dir", machine.state_dir),
    ("port", machine.port),
    ("login", account.login),
    ("zone", account.zone),
    ("rights", account.rights),
    ("records", records.records),
    ("promise", records.promise),
    ("name servers", servers.name_servers),
    ("negative cache", servers.negative_ttl),
    ("targets", reach.targets),
)
"""By the name that is printed. Later ones use what `login` and `zone` found out."""


class Audited(NamedTuple):
    """A finding and the check that it is of."""

    check: str
    finding: Finding


async def audit(file: str, config: Config, *, write: bool) -> tuple[Audited, ...]:
    """Run every check on ``config``, which was read from ``file``.

    ``write``: a TXT record may be created and deleted in each zone.
    """
    engine = Engine(clock)
    driver = connect(config.api, meter=lambda _: None, clock=clock)
    provider = Threaded(driver, config.lock.margin)
    name_servers = NameServers(clock, lambda *_: None)
    scene = Scene(file, config, provider, engine, name_servers, write)
    try:
        found: list[Audited] = []
        for name, check in CHECKS:
            found += [Audited(name, finding) for finding in await _findings(name, check, scene)]
        return tuple(found)
    finally:
        engine.close()


async def _findings(name: str, check: Check, scene: Scene) -> tuple[Finding, ...]:
    try:
        return tuple(await check(scene))
    except NotKnown as why:
        return (note(name, f"not looked at: {why}"),)
    except (DnsBalancerError, OSError) as error:
        return (problem(name, str(error)),)
    except Exception as bug:  # noqa: BLE001 - the other checks may tell why
        text = f"the check itself failed ({type(bug).__name__})"
        return (problem(name, text, "this is a bug of dnsbalancer: please report it"),)


def has_problems(audited: tuple[Audited, ...]) -> bool:
    """Whether one of the findings is a problem."""
    return any(each.finding.verdict is Verdict.PROBLEM for each in audited)


def of_audit(audited: tuple[Audited, ...]) -> str:
    """The audit as lines: verdict, check, where, what; and what to do, below it."""
    lines = []
    for check, finding in audited:
        lines.append(f"{finding.verdict.value:8} {check}: {finding.where}: {finding.what}")
        if finding.advice:
            lines.append(f"{'':8} -> {finding.advice}")
    return "\n".join(lines)


def of_audit_json(audited: tuple[Audited, ...]) -> str:
    """The audit as JSON."""
    findings = [each.finding.shown(each.check) for each in audited]
    return json.dumps({"problems": has_problems(audited), "findings": findings}, indent=1)
