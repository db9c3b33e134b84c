"""Keystone v3, as much of it as a password login needs: ``POST .../v3/auth/tokens``.

    who asks                                          gets
    ------------------------------------------------  ------------------------------------
    login, password, user domain ``users`` (id or     201, the token in X-Subject-Token, a
    name), scope by project id                        body with roles, catalog, expires_at
    the same without a scope                          201, a token that opens nothing
    method ``token`` with a token that is valid       201, a new one; the old one stays valid
    a wrong login, password or domain                 401
    another project, or one by name                   scope_code (401)
    a method that we do not have                      401
    no JSON, or not of that shape                     400

Errors are stock Keystone's. A token is valid for token_ttl seconds; new ones do not end old ones.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone

from dnsbalancer_exporter.emulator.calls import Answer, Call
from dnsbalancer_exporter.emulator.switches import SwitchBoard

PATHS = ("/v3/auth/tokens", "/identity/v3/auth/tokens")

_TITLES = {
    400: ("Bad Request", "Expecting to find auth in request body."),
    401: ("Unauthorized", "The request you have made requires authentication."),
    403: ("Forbidden", "You are not authorized to perform the requested action."),
    404: ("Not Found", "Could not find project."),
    405: ("Method Not Allowed", "The method is not allowed for the requested URL."),
    429: ("Too Many Requests", "Too many requests."),
    500: ("Internal Server Error", "An unexpected error prevented the server from answering."),
    503: ("Service Unavailable", "The service is unavailable."),
}


@dataclass(frozen=True, slots=True)
class Account:
    """Who may log in, and to which project."""

    login: str
    password: str = field(repr=False)
    project_id: str


@dataclass(frozen=True, slots=True)
class _Token:
    methods: tuple[str, ...]
    issued: float
    expires: float
    scoped: bool


class _Refusal(Exception):
    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(str(status))


def keystone_error(status: int) -> Answer:
    """An error as stock Keystone words it."""
    title, message = _TITLES.get(status, ("Error", "An error."))
    error = {"error": {"code": status, "message": message, "title": title}}
    return Answer(status, json.dumps(error).encode())


class Keystone:
    """Issues tokens for one account and knows which are valid. Safe to call from any thread."""

    def __init__(
        self,
        account: Account,
        catalog_url: Callable[[], str],
        board: SwitchBoard,
        clock: Callable[[], float],
    ) -> None:
        self._account = account
        self._catalog_url = catalog_url
        self._board = board
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: dict[str, _Token] = {}

    def answer(self, call: Call) -> Answer:
        """The answer to a request for a token."""
        if call.method != "POST":
            return keystone_error(405)
        try:
            auth = _dict(_dict(json.loads(call.body)), "auth")
            methods = self._identify(_dict(auth, "identity"))
            scoped = self._scope(auth.get("scope"))
        except _Refusal as refusal:
            return keystone_error(refusal.status)
        except ValueError:
            return keystone_error(400)
        return self._issue(methods, scoped=scoped)

    def valid(self, text: str) -> bool:
        """Whether a token opens the project now."""
        with self._lock:
            token = self._tokens.get(text)
        return token is not None and token.scoped and self._clock() < token.expires

    def expire_all(self) -> None:
        """Forget all tokens."""
        with self._lock:
            self._tokens.clear()

    def _identify(self, identity: dict[str, object]) -> tuple[str, ...]:
        methods = identity.get("methods")
        if methods == ["password"]:
            user = _dict(_dict(identity, "password"), "user")
            domain = _dict(user, "domain")
            known = "users" in {str(domain.get("id")), str(domain.get("name"))}
            account = (self._account.login, self._account.password)
            if not known or (user.get("name"), user.get("password")) != account:
                raise _Refusal(401)
            return ("password",)
        if methods == ["token"]:
            if not self.valid(str(_dict(identity, "token").get("id"))):
                raise _Refusal(401)
            return ("token",)
        raise _Refusal(401 if isinstance(methods, list) else 400)

    def _scope(self, scope: object) -> bool:
        if scope is None:
            return False
        if not isinstance(scope, dict):
            raise _Refusal(400)
        if _dict(scope, "project").get("id") != self._account.project_id:
            raise _Refusal(self._board.current.scope_code)
        return True

    def _issue(self, methods: tuple[str, ...], *, scoped: bool) -> Answer:
        now, ttl = self._clock(), self._board.current.token_ttl
        token = _Token(methods, now, now + ttl, scoped)
        text = "gAAAAA" + secrets.token_urlsafe(129)
        with self._lock:
            self._tokens = {t: old for t, old in self._tokens.items() if now < old.expires}
            self._tokens[text] = token
        body = json.dumps({"token": self._shown(token)}).encode()
        return Answer(201, body, headers=(("X-Subject-Token", text), ("Vary", "X-Auth-Token")))

    def _shown(self, token: _Token) -> dict[str, object]:
        users = {"id": "users", "name": "users"}
        user = {"id": "0" * 32, "name": self._account.login, "domain": users}
        shown: dict[str, object] = {
            "methods": list(token.methods),
            "user": {**user, "password_expires_at": None},
            "audit_ids": [secrets.token_urlsafe(16)],
            "issued_at": _iso(token.issued),
            "expires_at": _iso(token.expires),
        }
        if token.scoped:
            name = self._board.current.role
            project = {"id": self._account.project_id, "name": "mcs0000000000", "domain": users}
            shown |= {"project": project, "roles": [{"id": "1" * 32, "name": name}]}
            shown["catalog"] = [self._service()]
        return shown

    def _service(self) -> dict[str, object]:
        region = {"region": "RegionOne", "region_id": "RegionOne"}
        endpoint = {"id": "3" * 32, "interface": "public", **region, "url": self._catalog_url()}
        return {"id": "2" * 32, "type": "publicdns", "name": "publicdns", "endpoints": [endpoint]}


def _dict(value: object, key: str | None = None) -> dict[str, object]:
    inner = value.get(key) if isinstance(value, dict) and key is not None else value
    if not isinstance(inner, dict):
        raise _Refusal(400)
    return inner


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
