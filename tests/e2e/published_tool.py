"""What the published tool does, by its documentation: no lock, no votes, one probe decides.

    python -m tests.e2e.published_tool URL AUTH_URL LOGIN PASSWORD PROJECT ZONE OWN PORT

Each second it reads the A records of the zone's own name, deletes those that do not answer at once
while another one does, and creates its own if that is missing.
"""

from __future__ import annotations

import socket
import sys
import time
from typing import Any

import requests

SECONDS = 10.0


def token(auth_url: str, login: str, password: str, project: str) -> str:
    user = {"name": login, "domain": {"id": "users"}, "password": password}
    identity = {"methods": ["password"], "password": {"user": user}}
    body = {"auth": {"identity": identity, "scope": {"project": {"id": project}}}}
    answer = requests.post(f"{auth_url.rstrip('/')}/auth/tokens", json=body, timeout=SECONDS)
    answer.raise_for_status()
    return answer.headers["X-Subject-Token"]


def answers(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((address, port)) == 0


def main(url: str, auth_url: str, *login: str) -> None:
    *credentials, zone, own, port = login
    api = requests.Session()
    api.headers["X-Auth-Token"] = token(auth_url, *credentials)
    base = f"{url.rstrip('/')}/v2/dns/"
    zones: list[dict[str, Any]] = api.get(base, timeout=SECONDS).json()
    (found,) = [z for z in zones if z["zone"].rstrip(".") == zone]
    records = f"{base}{found['uuid']}/a/"
    while True:
        listed = api.get(records, timeout=SECONDS).json()
        present = {r["ipv4"]: r for r in listed if r["name"] in {"", "@"}}
        alive = {address for address in present if answers(address, int(port))}
        for address in sorted(present.keys() - alive) if alive else ():
            api.delete(records + present[address]["uuid"], timeout=SECONDS)
        if own not in present:
            record = {"name": "", "ipv4": own, "ttl": 60}
            api.post(records, json=record, timeout=SECONDS)
        time.sleep(1.0)


if __name__ == "__main__":
    main(*sys.argv[1:])
