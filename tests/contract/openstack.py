"""A real Designate on loopback, from PyPI, that serves by BIND and logs in at a real Keystone.

All of Designate runs in one process, without message broker and database server. Two things differ
from an installation: the transport of its parts (`fake:/`, within the process), and transactions
that begin IMMEDIATE, since SQLite has one writer at a time.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import requests

from dnsbalancer_exporter.model import Secret
from dnsbalancer_exporter.provider import Designate as Records
from dnsbalancer_exporter.provider import Driver, RecordSetsWithLogin, Wire
from dnsbalancer_exporter.provider import Keystone as Login
from dnsbalancer_exporter.report import ApiCall
from tests.contract.identity import (
    ADMIN,
    HOST,
    LOGIN,
    PASSWORD,
    Keystone,
    keystone,
    serving,
    token,
)
from tests.contract.relay import Relay
from tests.contract.running import SECONDS, Running
from tests.contract.stages import sets
from tests.e2e.stage import free_port, until
from tests.needed import program

BIND = """\
include "{folder}/rndc.key";
options {{
  directory "{folder}"; pid-file "{folder}/named.pid"; session-keyfile "{folder}/session.key";
  listen-on port {dns} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  allow-new-zones yes; request-ixfr no; recursion no; minimal-responses yes; dnssec-validation no;
  notify no; allow-notify {{ 127.0.0.1; }}; empty-zones-enable no;
}};
controls {{ inet 127.0.0.1 port {rndc} allow {{ 127.0.0.1; }} keys {{ "rndc-key"; }}; }};
"""

DESIGNATE = """\
[DEFAULT]
host = here
state_path = {folder}/state
transport_url = fake:/
network_api = fake
quota_zone_records = 5000
[storage:sqlalchemy]
connection = sqlite:///{folder}/designate.db
[service:api]
api_base_uri = http://127.0.0.1:{api}/
auth_strategy = keystone
enable_api_v2 = True
api_paste_config = {folder}/api-paste.ini
[service:mdns]
listen = 127.0.0.1:{mdns}
[service:worker]
poll_timeout = 2
poll_retry_interval = 1
poll_max_retries = 3
poll_delay = 1
[producer_task:increment_serial]
interval = 1
[producer_task:delayed_notify]
interval = 1
[producer_task:worker_periodic_recovery]
interval = 10
[keystone_authtoken]
auth_type = password
auth_url = {keystone}
www_authenticate_uri = {keystone}
username = designate
password = {password}
project_name = service
user_domain_name = Default
project_domain_name = Default
[oslo_concurrency]
lock_path = {folder}/state
[oslo_messaging_notifications]
driver = noop
"""

SERVE_DESIGNATE = """\
import os, sys
os.environ["OS_DESIGNATE_CONFIG_DIR"] = "{folder}"
sys.argv = ["designate", "--config-file", "{folder}/designate.conf"]
from oslo_service import backend
backend.init_backend(backend.BackendType.THREADING)
from sqlalchemy import engine, event

@event.listens_for(engine.Engine, "before_cursor_execute", retval=True)
def _immediate(connection, cursor, statement, parameters, context, many):
    if statement == "BEGIN" and connection.dialect.name == "sqlite":
        statement = "BEGIN IMMEDIATE"
    return statement, parameters

import designate.conf
designate.conf.CONF.import_group("keystone_authtoken", "keystonemiddleware.auth_token")
from designate.wsgi.api import application
from designate.central import service as central
from designate.worker import service as worker
from designate.producer import service as producer
from designate.mdns import service as mdns
for module in (central, worker, mdns, producer):
    module.Service().start()
from designate.manage.pool import PoolCommands
PoolCommands().update("{folder}/pools.yaml", False)
import waitress
waitress.serve(application, host="127.0.0.1", port={api}, threads=4)
"""


class Designate:
    """A running Designate with the zone example.com, served by BIND at port ``dns``."""

    def __init__(self, identity: Keystone, folder: Path) -> None:
        (folder / "state").mkdir(parents=True)
        self.identity, self._folder = identity, folder
        self._token = ""
        ports = {name: free_port(HOST) for name in ("dns", "rndc", "api", "mdns")}
        self.dns = ports["dns"]
        self.url = f"http://{HOST}:{ports['api']}/v2/"
        self._register()
        words = {
            "folder": folder,
            "keystone": identity.url,
            "password": ADMIN,
            **ports,
        }
        self._write(words, ports)
        venv = identity.venv
        manage = [str(venv / "bin/designate-manage"), f"--config-file={folder}/designate.conf"]
        subprocess.run([*manage, "database", "sync"], check=True, capture_output=True)
        bind = [program("named"), "-c", str(folder / "named.conf"), "-n", "1", "-4", "-g"]
        self._bind = Running(bind, folder / "bind.log", lambda: True)
        self._bind.start()
        self.service = serving(venv, folder / "serve.py", self.url.removesuffix("v2/"))

    def start(self) -> None:
        self.service.start()
        self.zone = self.ask(
            "POST", "zones", {"name": "example.com.", "email": "a@example.com", "ttl": 300}
        )["id"]
        zone = f"zones/{self.zone}"
        until(lambda: self.ask("GET", zone)["status"] == "ACTIVE", "the zone", SECONDS)

    def forget(self) -> None:
        """Drop what tests have written; by the API it would be a request for each set."""
        ours = "SELECT id FROM recordsets WHERE type IN ('A', 'AAAA', 'TXT')"
        with contextlib.closing(sqlite3.connect(self._folder / "designate.db", timeout=60)) as held:
            held.execute("BEGIN IMMEDIATE")
            held.execute(f"DELETE FROM records WHERE recordset_id IN ({ours})")
            held.execute(f"DELETE FROM recordsets WHERE id IN ({ours})")
            held.commit()

    def close(self) -> None:
        self.service.stop()
        self._bind.stop()

    def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Do something by hand, as the user."""
        self._token = self._token or self._log_in()
        headers = {"X-Auth-Token": self._token}
        answer = requests.request(method, self.url + path, json=body, headers=headers, timeout=60)
        if answer.status_code == 401:  # a test has revoked it
            self._token = ""
            return self.ask(method, path, body)
        assert answer.ok, f"{answer.status_code} {answer.text}"
        return answer.json() if answer.content else {}

    def _log_in(self) -> str:
        user = {"name": LOGIN, "domain": {"name": "users"}, "password": PASSWORD}
        return token(self.identity.url, user, {"id": self.identity.project})

    def _register(self) -> None:
        identity = self.identity
        project = identity.make("project", name="service", domain_id="default")
        user = identity.make("user", name="designate", domain_id="default", password=ADMIN)
        for role in ("admin", "service"):
            identity.grant(project, user, role)
        service = identity.make("service", type="dns", name="designate")
        where = self.url.removesuffix("v2/")
        identity.make(
            "endpoint", interface="public", service_id=service, region_id="One", url=where
        )

    def _write(self, words: Mapping[str, object], ports: Mapping[str, int]) -> None:
        folder = self._folder
        rndc = [program("rndc-confgen"), "-a", "-c", str(folder / "rndc.key"), "-k", "rndc-key"]
        subprocess.run(rndc, check=True, capture_output=True)
        (folder / "named.conf").write_text(BIND.format(**words))
        (folder / "designate.conf").write_text(DESIGNATE.format(**words))
        (folder / "serve.py").write_text(SERVE_DESIGNATE.format(**words))
        paste = self.identity.venv / "etc/designate/api-paste.ini"
        (folder / "api-paste.ini").write_text(paste.read_text())
        options = {
            "host": HOST,
            "port": ports["dns"],
            "rndc_host": HOST,
            "rndc_port": ports["rndc"],
            "rndc_key_file": str(folder / "rndc.key"),
        }
        masters = [{"host": HOST, "port": ports["mdns"]}]
        target = {"type": "bind9", "description": "BIND", "masters": masters, "options": options}
        pool = {
            "name": "default",
            "description": "BIND",
            "attributes": {},
            "ns_records": [{"hostname": "ns1.example.test.", "priority": 1}],
            "nameservers": [{"host": HOST, "port": ports["dns"]}],
            "targets": [target],
        }
        (folder / "pools.yaml").write_text(json.dumps([pool]))


class OverDesignate:
    """A Designate and drivers that reach it by a relay; ``clean`` leaves nothing of a test."""

    ids_are_shared = False

    def __init__(self, cloud: Designate) -> None:
        self.cloud = cloud
        self.calls: list[ApiCall] = []
        self.relay = Relay(cloud.url.removesuffix("v2/"))

    def driver(self, password: str = PASSWORD) -> Driver:
        wire = Wire(meter=self.calls.append, clock=time.monotonic, verify="/none", read=60.0)
        identity = Login(
            auth_url=self.cloud.identity.url,
            login=LOGIN,
            password=Secret(password),
            project_id=self.cloud.identity.project,
            user_domain="users",
            wire=wire,
        )
        sets = Records(url=f"{self.relay.url}v2/", keystone=identity, wire=wire)
        return RecordSetsWithLogin(sets, write_budget=60.0)

    def add(self, *texts: str, ttl: int = 60) -> None:
        path = f"zones/{self.cloud.zone}/recordsets"
        held = {(s["name"], s["type"]): s for s in self._sets()}
        for (name, kind), contents in sets(texts).items():
            there = held.get((name, kind))
            if there:
                body: dict[str, object] = {"records": [*there["records"], *contents]}
                self.cloud.ask("PUT", f"{path}/{there['id']}", body)
            else:
                body = {"name": name, "type": kind, "ttl": ttl, "records": contents}
                self.cloud.ask("POST", path, body)

    def lose(self) -> None:
        self.relay.losing += 1

    def clean(self) -> None:
        """Have the zone empty at once: Designate has what it knows in its database alone."""
        self.relay.close()
        self.cloud.forget()

    def _sets(self) -> list[Any]:
        path = f"zones/{self.cloud.zone}/recordsets?limit=1000"
        found: list[Any] = self.cloud.ask("GET", path)["recordsets"]
        return [s for s in found if s["type"] in {"A", "AAAA", "TXT"}]


@contextlib.contextmanager
def designate(cache: Path, folder: Path) -> Iterator[Designate]:
    with keystone(cache, folder) as identity:
        made = Designate(identity, folder / "designate")
        try:
            made.start()
            yield made
        finally:
            made.close()
