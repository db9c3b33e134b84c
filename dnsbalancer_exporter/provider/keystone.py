"""Keystone v3: a token for a login and a password, scoped to a project.

Source: the OpenStack Identity API v3, and VK Cloud's documentation of it (tokens live one hour).
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from typing import NamedTuple, TypeVar

from dnsbalancer_exporter.errors import ApiReason, ProviderError
from dnsbalancer_exporter.model import Secret
from dnsbalancer_exporter.provider.documented import JsonObject, inner, json_object, text
from dnsbalancer_exporter.provider.wire import Answer, Call, Service, Wire

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 60.0, 900.0
"""Seconds without a login after a refused one: accounts get locked."""

RENEWAL = 300.0
"""Seconds before its expiry that a token is renewed; of a short-lived one the last tenth."""

RENEWAL_PAUSE = 30.0
"""Seconds before another try to renew a token that is still valid."""

_REFUSED = frozenset((ApiReason.AUTH, ApiReason.CLIENT_ERROR, ApiReason.NOT_FOUND))
_TOKEN = re.compile(r"[!-~]{1,16384}")
_SERVICE = Service(
    "keystone",
    {
        400: "check `login`, `user_domain` and `project_id`",
        401: "check `login`, `password`, `user_domain` and `project_id`, and that the account has "
        "two-factor authentication and API access turned on",
        403: "check that the account has a role in the project `project_id`",
        404: "check `auth_url` and `project_id`",
    },
)


class Login(NamedTuple):
    """What a login gave: seconds that it lasts, when it was made by the cloud's clock, and roles.

    ``issued_at`` is Unix time; ``roles`` are names, none if the answer does not tell.
    """

    life: float
    issued_at: float
    roles: tuple[str, ...]


class _Grant(NamedTuple):
    """A token and what is known of it."""

    token: Secret
    login: Login


class Keystone:
    """Gives a valid token, logging in as seldom as possible. Safe to share between threads.

    ``auth_url`` ends in ``/v3/``. How long a token lives is taken from the answer alone and counted
    on the wire's monotonic clock: our wall clock need not be right.
    """

    def __init__(
        self,
        *,
        auth_url: str,
        login: str,
        password: Secret,
        project_id: str,
        user_domain: str,
        wire: Wire,
    ) -> None:
        self.project_id = project_id
        self._url = auth_url + "auth/tokens"
        self._login = login
        self._password = password
        self.secrets = (password,)
        self._domain = user_domain
        self._wire = wire
        self._lock = threading.Lock()
        self._token: Secret | None = None
        self._made: Login | None = None
        self._renew_at = self._expires_at = 0.0
        self._refusals = 0
        self._blocked_until = 0.0
        self._refusal = ""

    def token(self, deadline: float) -> Secret:
        """A token that is valid now, from a login made before ``deadline`` if need be.

        Raises ProviderError: AUTH if the login is refused or was so lately.
        """
        patience = max(0.0, min(deadline - self._wire.clock(), LONGEST_PAUSE))
        if not self._lock.acquire(timeout=patience):
            said = "keystone: another thread's login is not answered; will try again"
            raise ProviderError(ApiReason.TIMEOUT, said)
        try:
            return self._valid(deadline)
        finally:
            self._lock.release()

    def exchange(self, call: Call, understand: Callable[[Answer], T], deadline: float) -> T:
        """Send ``call`` with a token; a 401 was not executed, so one with a new token follows it.

        Raises what Wire.exchange raises.
        """
        token = self.token(deadline)
        call = replace(call, token=token, secrets=(token, *self.secrets))
        try:
            return self._wire.exchange(call, understand, deadline)
        except ProviderError as failure:
            if failure.reason is not ApiReason.AUTH:
                raise
        self.invalidate(token)
        token = self.token(deadline)
        call = replace(call, token=token, secrets=(token, *self.secrets))
        return self._wire.exchange(call, understand, deadline)

    def log_in(self, deadline: float) -> Login | None:
        """What the login behind a token that is valid now gave; raises ProviderError."""
        self.token(deadline)
        return self._made

    @property
    def expires_at(self) -> float | None:
        """When the token in use expires, on the wire's clock; None without one. Never waits."""
        return None if self._token is None else self._expires_at

    def invalidate(self, token: Secret) -> None:
        """Forget ``token``, which was answered with 401, unless it has been replaced already."""
        with self._lock:
            if self._token == token:
                self._token = None

    def _valid(self, deadline: float) -> Secret:
        token = self._token
        if token is not None and self._wire.clock() < self._renew_at:
            return token
        outcome = self._log_in(deadline)
        if isinstance(outcome, Secret):
            return outcome
        now = self._wire.clock()
        if token is not None and outcome.reason is not ApiReason.AUTH and now < self._expires_at:
            self._renew_at = min(now + RENEWAL_PAUSE, self._expires_at)
            return token
        raise outcome

    def _log_in(self, deadline: float) -> Secret | ProviderError:
        started = self._wire.clock()
        if started < self._blocked_until:
            return self._refused(self._blocked_until - started)
        try:
            grant = self._wire.exchange(self._call(), _grant, deadline)
        except ProviderError as failure:
            if failure.reason not in _REFUSED:
                return failure
            self._refusal = str(failure)
        else:
            life = grant.login.life
            self._expires_at = started + life
            self._token, self._made = grant.token, grant.login
            self._renew_at = self._expires_at - min(RENEWAL, life / 10)
            self._refusals = 0
            return grant.token
        pause = min(FIRST_PAUSE * 2 ** min(self._refusals, 10), LONGEST_PAUSE)
        self._refusals += 1
        self._blocked_until = self._wire.clock() + pause
        return self._refused(pause)

    def _refused(self, wait: float) -> ProviderError:
        said = f"{self._refusal}; the next login is tried in {math.ceil(wait)} s"
        return ProviderError(ApiReason.AUTH, said)

    def _call(self) -> Call:
        user = {
            "name": self._login,
            "domain": {"name": self._domain},
            "password": self._password.reveal(),
        }
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"id": self.project_id}}
        return Call(
            service=_SERVICE,
            operation="auth_token",
            subject=f"log in as {self._login!r}",
            method="POST",
            url=self._url,
            success=frozenset((200, 201)),
            body={"auth": {"identity": identity, "scope": scope}},
            secrets=(self._password,),
        )


def _grant(answer: Answer) -> _Grant:
    """Read a login's answer; ValueError if it is not a documented one."""
    token = answer.headers.get("X-Subject-Token", "")
    if not _TOKEN.fullmatch(token):
        raise ValueError("no usable X-Subject-Token header")
    content = inner(json_object(answer.body), "token")
    issued = _moment(content, "issued_at")
    life = (_moment(content, "expires_at") - issued).total_seconds()
    if life <= 0:
        raise ValueError("a token that expires before it is issued")
    return _Grant(Secret(token), Login(life, issued.timestamp(), _roles(content)))


def _roles(content: JsonObject) -> tuple[str, ...]:
    """Their names; they are only shown, so an odd list is none."""
    listed = content.get("roles")
    roles = listed if isinstance(listed, list) else []
    names = [role.get("name") for role in roles if isinstance(role, dict)]
    return tuple(name for name in names if isinstance(name, str) and name.isprintable())


def _moment(content: JsonObject, key: str) -> datetime:
    moment = datetime.fromisoformat(text(content, key).replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
