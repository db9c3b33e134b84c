"""The emulator's account, and the records of its first zone, over the wire."""

from __future__ import annotations

from typing import Any

import requests

from dnsbalancer_exporter.emulator import Emulator


class Clock:
    """The emulator's time, moved by hand; in seconds since 1970."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class Api:
    """The record API of the first zone."""

    def __init__(self, stage: Emulator, http: requests.Session) -> None:
        self.stage = stage
        self.http = http
        self.root = stage.url + "v2/dns/"
        self.zone = self.root + stage.zones.list_zones()[0].uuid

    def create(self, kind: str, **fields: Any) -> requests.Response:
        return self.http.post(f"{self.zone}/{kind}/", json=fields)

    def list(self, kind: str) -> list[dict[str, Any]]:
        reply = self.http.get(f"{self.zone}/{kind}/")
        assert reply.status_code == 200
        return list(reply.json())


def auth(
    stage: Emulator,
    password: str | None = None,
    login: str | None = None,
    domain: dict[str, str] | None = None,
    scope: object = "ours",
) -> dict[str, Any]:
    """The body of a login; what is not given is as it should be."""
    user = {
        "name": login or stage.login,
        "domain": domain or {"name": "users"},
        "password": password or stage.password,
    }
    body: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": user}}}
    if scope is not None:
        ours = {"project": {"id": stage.project_id}}
        body["scope"] = ours if scope == "ours" else scope
    return {"auth": body}


def log_in(stage: Emulator, http: requests.Session) -> str:
    """Have the session carry a token; the token."""
    reply = http.post(stage.auth_url + "auth/tokens", json=auth(stage))
    http.headers["X-Auth-Token"] = token = reply.headers["X-Subject-Token"]
    return token
