"""The whole daemon on a real OpenStack: Keystone, Designate, and BIND that serves it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.identity import LOGIN, PASSWORD
from tests.contract.openstack import Designate
from tests.e2e.stage import Stage, until, verb
from tests.e2e.watcher import answer, fail_and_return, members

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("openstack")]


@pytest.fixture
def keys(openstack: Designate) -> Iterator[dict[str, object]]:
    yield {
        "driver": "designate",
        "url": openstack.url,
        "auth_url": openstack.identity.url,
        "login": LOGIN,
        "password": PASSWORD,
        "project_id": openstack.identity.project,
    }
    openstack.forget()


def test_three_members_fail_over_and_return(
    stage: Stage, openstack: Designate, keys: dict[str, object]
) -> None:
    hosts = stage.hosts[:3]
    daemons = members(stage, openstack.dns, keys, *hosts)
    fail_and_return(stage, openstack.dns, daemons, *hosts)


def test_a_token_that_is_revoked_costs_no_failover(
    stage: Stage, openstack: Designate, keys: dict[str, object]
) -> None:
    one, two = stage.hosts[:2]
    members(stage, openstack.dns, keys, one, two)
    openstack.identity.revoke_all()
    stage.down(two)
    until(lambda: answer(openstack.dns) == [one], "the dead one is out", 60)


def test_the_audit_knows_designate(stage: Stage, keys: dict[str, object]) -> None:
    stage.up(stage.hosts[0])
    config = stage.config(stage.hosts[0], **keys)
    found = verb("check", "--online", "--write-test", str(config))
    assert "a record was created and deleted" in found.stdout, found.stdout
    assert found.returncode == 0, found.stdout
