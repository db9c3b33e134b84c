"""The login against a real Keystone: what it says, not what we think that it says."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from dnsbalancer_exporter.errors import ApiReason, ProviderError
from dnsbalancer_exporter.model import Secret
from dnsbalancer_exporter.provider import Keystone, Wire
from dnsbalancer_exporter.provider.documented import inner_objects, json_object, text
from dnsbalancer_exporter.provider.wire import Answer, Call, Service
from dnsbalancer_exporter.report import ApiCall
from tests.contract.identity import LOGIN, PASSWORD
from tests.contract.identity import Keystone as Cloud
from tests.contract.openstack import Designate

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("openstack")]

BUDGET = 30.0


@dataclass
class Client:
    """A login, and what was asked of the API: ``logins`` counts the attempts to log in."""

    cloud: Cloud
    project: str
    password: str = PASSWORD
    calls: list[ApiCall] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.wire = Wire(meter=self.calls.append, clock=time.monotonic, verify="/none", read=60.0)
        self.keystone = Keystone(
            auth_url=self.cloud.url,
            login=LOGIN,
            password=Secret(self.password),
            project_id=self.project,
            user_domain="users",
            wire=self.wire,
        )

    @property
    def logins(self) -> int:
        return sum(call.operation == "auth_token" for call in self.calls)

    def projects(self) -> list[str]:
        """Ask with the token what only its owner may ask."""
        url = f"{self.cloud.url}auth/projects"
        service, ok = Service("keystone", {}), frozenset((200,))
        call = Call(service, "list_zones", "list the projects", "GET", url, ok)
        return self.keystone.exchange(call, _names, time.monotonic() + BUDGET)


def _names(answer: Answer) -> list[str]:
    return [text(item, "name") for item in inner_objects(json_object(answer.body), "projects")]


@pytest.fixture
def cloud(openstack: Designate) -> Cloud:
    return openstack.identity


@contextlib.contextmanager
def tokens_that_live(cloud: Cloud, seconds: int) -> Iterator[None]:
    cloud.expire_after(seconds)
    cloud.service.restart()
    try:
        yield
    finally:
        cloud.expire_after(3600)
        cloud.service.restart()


def test_a_login(cloud: Cloud) -> None:
    client = Client(cloud, cloud.project)
    login = client.keystone.log_in(time.monotonic() + BUDGET)
    assert login is not None
    assert 3500 < login.life <= 3600
    assert "member" in login.roles
    assert client.projects() == ["failover"]
    assert client.logins == 1


@pytest.mark.parametrize("wrong", ["password", "project", "role"])
def test_a_login_that_is_refused_is_not_repeated_at_once(cloud: Cloud, wrong: str) -> None:
    project = {"project": "0" * 32, "role": cloud.foreign}.get(wrong, cloud.project)
    password = "no-password-of-anybody" if wrong == "password" else PASSWORD
    client = Client(cloud, project, password)
    for _ in range(3):
        with pytest.raises(ProviderError) as caught:
            client.keystone.log_in(time.monotonic() + BUDGET)
        assert caught.value.reason is ApiReason.AUTH
        assert "check `login`, `password`, `user_domain` and `project_id`" in str(caught.value)
        assert password not in str(caught.value)
    assert client.logins == 1


def test_a_token_that_lives_for_seconds_is_renewed(cloud: Cloud) -> None:
    with tokens_that_live(cloud, 12):  # a busy machine takes some of them to hand it over
        client = Client(cloud, cloud.project)
        assert client.projects() == ["failover"]
        expires_at = client.keystone.expires_at
        assert expires_at is not None
        time.sleep(max(0.0, expires_at + 0.5 - time.monotonic()))
        assert client.projects() == ["failover"]
    assert client.logins == 2
    assert all(call.reason is None for call in client.calls), "none was sent with a dead token"


def test_a_revoked_token_is_replaced(cloud: Cloud) -> None:
    client = Client(cloud, cloud.project)
    assert client.projects() == ["failover"]
    cloud.revoke_all()
    assert client.projects() == ["failover"]
    assert client.logins == 2
    assert [call.status for call in client.calls if call.reason is ApiReason.AUTH] == [401]


def test_a_keystone_that_restarts_costs_nothing_but_the_time(cloud: Cloud) -> None:
    client = Client(cloud, cloud.project)
    assert client.projects() == ["failover"]
    other = Client(cloud, cloud.project)
    cloud.service.stop()
    try:
        with pytest.raises(ProviderError) as caught:
            other.keystone.log_in(time.monotonic() + BUDGET)
        assert caught.value.reason is ApiReason.CONNECTION
    finally:
        cloud.service.start()
    assert client.projects() == ["failover"]
    assert client.logins == 1, "the token is as good as before"
    assert other.projects() == ["failover"], "no login was refused, so none has to wait"
