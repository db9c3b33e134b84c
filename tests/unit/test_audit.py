"""The audit goes on whatever one of its checks does; each check is tested end to end."""

from __future__ import annotations

import asyncio

import pytest

from dnsbalancer_exporter import audit
from dnsbalancer_exporter.audit.scene import Findings, NotKnown, Scene, note, ok
from dnsbalancer_exporter.errors import ApiReason, ProviderError
from tests.unit.config.samples import CONTRACT, load


async def _good(_: Scene) -> Findings:
    return [ok("here", "well"), note("there", "odd", "look")]


async def _unknown(_: Scene) -> Findings:
    raise NotKnown("no idea")


async def _refused(_: Scene) -> Findings:
    raise ProviderError(ApiReason.AUTH, "refused")


async def _broken(_: Scene) -> Findings:
    raise ZeroDivisionError("secret")


def run(monkeypatch: pytest.MonkeyPatch, *checks: audit.Check) -> tuple[audit.Audited, ...]:
    rows = tuple((check.__name__.strip("_"), check) for check in checks)
    monkeypatch.setattr(audit, "CHECKS", rows)
    return asyncio.run(audit.audit("file", load(CONTRACT), write=False))


def test_a_check_that_fails_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    found = run(monkeypatch, _broken, _refused, _unknown, _good)
    assert audit.of_audit(found).splitlines() == [
        "problem  broken: broken: the check itself failed (ZeroDivisionError)",
        "         -> this is a bug of dnsbalancer: please report it",
        "problem  refused: refused: refused",
        "note     unknown: unknown: not looked at: no idea",
        "ok       good: here: well",
        "note     good: there: odd",
        "         -> look",
    ]
    assert audit.has_problems(found)


def test_notes_are_no_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not audit.has_problems(run(monkeypatch, _good, _unknown))
