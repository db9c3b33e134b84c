"""A real Keystone on loopback, from PyPI."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import requests

from tests.contract.running import Running
from tests.e2e.stage import free_port
from tests.needed import unavailable

PACKAGES = ("keystone==30.0.0", "designate==23.0.0", "waitress==3.0.2")
ADMIN = "admin-of-the-test"
LOGIN, PASSWORD = "example@test", "p4ss-of-the-cloud"
HOST = "127.0.0.1"

KEYSTONE = """\
[DEFAULT]
log_file = {folder}/keystone.log
[database]
connection = sqlite:///{folder}/keystone.db
[token]
expiration = {life}
[fernet_tokens]
key_repository = {folder}/fernet
[credential]
key_repository = {folder}/credential
[cache]
enabled = false
[identity]
password_hash_rounds = 4
"""

SERVE_KEYSTONE = """\
import os, sys
os.environ["OS_KEYSTONE_CONFIG_DIR"] = "{folder}"
sys.argv = ["keystone"]  # the application reads it when it is imported
from keystone.wsgi.api import application
import waitress
waitress.serve(application, host="127.0.0.1", port={port}, threads=4)
"""


def environment(cache: Path) -> Path:
    """A virtual environment with Keystone and Designate, made once."""
    venv = cache / "openstack"
    ready = venv / ("ready-" + "-".join(PACKAGES).replace("=", ""))
    if not ready.exists():
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(venv)],
            [str(venv / "bin/pip"), "install", "-q", "--disable-pip-version-check", *PACKAGES],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                unavailable(f"{' '.join(command)}: {done.stderr[-500:]}")
        ready.touch()
    return venv


def serving(venv: Path, script: Path, url: str) -> Running:
    """A script of the environment that answers HTTP at ``url``."""
    command = [str(venv / "bin/python"), str(script)]
    log = script.with_suffix(".log")
    return Running(command, log, lambda: requests.get(url, timeout=2), signal.SIGKILL)


def token(url: str, user: Mapping[str, object], project: Mapping[str, object]) -> str:
    """Log in by hand at the Keystone at ``url``."""
    identity = {"methods": ["password"], "password": {"user": user}}
    body = {"auth": {"identity": identity, "scope": {"project": project}}}
    answer = requests.post(url + "auth/tokens", json=body, timeout=30)
    assert answer.status_code == 201, answer.text
    return answer.headers["X-Subject-Token"]


def _make_keys(folder: Path) -> None:
    """A repository of keys, as `keystone-manage fernet_setup` makes it in a few seconds each."""
    folder.mkdir(parents=True, mode=0o700)
    for number in ("0", "1"):
        (folder / number).write_bytes(base64.urlsafe_b64encode(os.urandom(32)))


class Keystone:
    """A running Keystone with the domain `users`, a user whose name is an address, two projects.

    ``project`` is one that the user has a role in, ``foreign`` one in which he has none.
    """

    def __init__(self, venv: Path, folder: Path, life: int = 3600) -> None:
        for name in ("fernet", "credential"):
            _make_keys(folder / name)
        self.venv, self._folder, port = venv, folder, free_port(HOST)
        self.url = f"http://{HOST}:{port}/v3/"
        self.expire_after(life)
        (folder / "serve.py").write_text(SERVE_KEYSTONE.format(folder=folder, port=port))
        self.service = serving(venv, folder / "serve.py", self.url)
        self._bootstrap()
        self.service.start()
        domain = {"id": "default"}
        admin = {"name": "admin", "domain": domain, "password": ADMIN}
        self._admin = token(self.url, admin, {"name": "admin", "domain": domain})
        self.project, self.foreign = self._people()

    def expire_after(self, seconds: int) -> None:
        """How long tokens live, from the next start on."""
        text = KEYSTONE.format(folder=self._folder, life=seconds)
        (self._folder / "keystone.conf").write_text(text)

    def revoke_all(self) -> None:
        """End every token of the user's, as changing a password does; one made later is good."""
        user = {"user": {"enabled": False}}
        for enabled in (False, True):
            user["user"]["enabled"] = enabled
            self.admin("PATCH", f"users/{self.user}", user)
        time.sleep(1.5)  # it counts in seconds: a token of the same one is revoked with the others

    def admin(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Do something as the administrator."""
        headers = {"X-Auth-Token": self._admin}
        answer = requests.request(method, self.url + path, json=body, headers=headers, timeout=30)
        assert answer.ok, answer.text
        return answer.json() if answer.content else {}

    def make(self, kind: str, **fields: object) -> str:
        """Create something; its id."""
        return str(self.admin("POST", f"{kind}s", {kind: fields})[kind]["id"])

    def grant(self, project: str, user: str, role: str) -> None:
        """Give a user a role in a project."""
        roles = {r["name"]: r["id"] for r in self.admin("GET", "roles")["roles"]}
        self.admin("PUT", f"projects/{project}/users/{user}/roles/{roles[role]}")

    def _bootstrap(self) -> None:
        manage = [
            str(self.venv / "bin/keystone-manage"),
            f"--config-file={self._folder}/keystone.conf",
        ]
        urls = [f"--bootstrap-{kind}-url={self.url}" for kind in ("public", "internal", "admin")]
        for words in (
            ["db_sync"],
            ["bootstrap", f"--bootstrap-password={ADMIN}", "--bootstrap-region-id=One", *urls],
        ):
            environ = {**os.environ, "PYTHONWARNINGS": "ignore"}
            subprocess.run([*manage, *words], check=True, capture_output=True, env=environ)

    def _people(self) -> tuple[str, str]:
        domain = self.make("domain", name="users")
        project = self.make("project", name="failover", domain_id=domain)
        foreign = self.make("project", name="foreign", domain_id=domain)
        self.user = self.make("user", name=LOGIN, domain_id=domain, password=PASSWORD)
        self.grant(project, self.user, "member")
        return project, foreign


@contextlib.contextmanager
def keystone(cache: Path, folder: Path, life: int = 3600) -> Iterator[Keystone]:
    made = Keystone(environment(cache), folder / "keystone", life)
    try:
        yield made
    finally:
        made.service.stop()
