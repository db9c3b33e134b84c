"""The http and https probes against a real nginx."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

import pytest

from dnsbalancer_exporter import __version__
from dnsbalancer_exporter.model import (
    HttpTerms,
    Outcome,
    ProbeReason,
    ProbeResult,
    ProbeSpec,
    Protocol,
)
from dnsbalancer_exporter.probe import Engine
from tests.certificates import Authority
from tests.e2e.stage import free_port, until
from tests.needed import program

pytestmark = pytest.mark.real

HOST = "www.example.com"
EXPIRES = (datetime.now(timezone.utc) + timedelta(days=30)).replace(microsecond=0)
CONFIG = """\
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log info;
events {{ worker_connections 64; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{plain} default_server; return 421; }}
    server {{
        listen 127.0.0.1:{plain};
        listen 127.0.0.1:{tls} ssl;
        server_name {host};
        ssl_certificate {folder}/crt;
        ssl_certificate_key {folder}/key;
        location = / {{ return 200 "all is fine"; }}
        location = /moved {{ return 301 https://192.0.2.1/; }}
        location = /closed {{ return 444; }}
        location / {{ return 503; }}
    }}
}}
"""


class Nginx(NamedTuple):
    """A running nginx, and the file with the authority that it shows a certificate of."""

    folder: Path
    plain: int
    tls: int

    def probe(self, protocol: Protocol, terms: HttpTerms) -> ProbeResult:
        port = self.tls if protocol is Protocol.HTTPS else self.plain
        terms = replace(terms, host=HOST, ca_file=str(self.folder / "ca"))
        spec = ProbeSpec(protocol, "127.0.0.1", port, 20.0, terms)
        return asyncio.run(Engine(time.monotonic).probe(spec))

    def log(self, name: str) -> str:
        return (self.folder / name).read_text()


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Nginx]:
    authority = Authority()
    authority.write(tmp_path / "ca")
    authority.issue(tmp_path / "crt", tmp_path / "key", HOST, not_after=EXPIRES)
    found = Nginx(tmp_path, free_port("127.0.0.1"), free_port("127.0.0.1"))
    text = CONFIG.format(folder=tmp_path, plain=found.plain, tls=found.tls, host=HOST)
    (tmp_path / "nginx.conf").write_text(text)
    command = [program("nginx"), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    with subprocess.Popen([*command, "-e", str(tmp_path / "error.log")]) as process:
        try:
            until((tmp_path / "pid").exists, "nginx runs")
            ready = HttpTerms(host=HOST)
            until(lambda: found.probe(Protocol.HTTP, ready).reason is None, "nginx answers")
            yield found
        finally:
            process.terminate()


@pytest.mark.parametrize("protocol", [Protocol.HTTP, Protocol.HTTPS])
@pytest.mark.parametrize(
    ("terms", "reason", "detail"),
    [
        (HttpTerms(), None, ""),
        (HttpTerms("HEAD"), None, ""),
        (HttpTerms(body="is fine"), None, ""),
        (HttpTerms(path="/moved"), None, ""),
        (
            HttpTerms(path="/moved", statuses=((200, 299),)),
            ProbeReason.STATUS,
            "301, expected 200-299",
        ),
        (HttpTerms(path="/x?y=z"), ProbeReason.STATUS, "503, expected 200-399"),
        (
            HttpTerms(path="/closed"),
            ProbeReason.INVALID_RESPONSE,
            "the connection ended without an answer",
        ),
    ],
)
def test_what_nginx_answers(
    nginx: Nginx, protocol: Protocol, terms: HttpTerms, reason: ProbeReason | None, detail: str
) -> None:
    result = nginx.probe(protocol, terms)
    assert (result.reason, result.detail) == (reason, detail)
    expires = EXPIRES.timestamp() if protocol is Protocol.HTTPS else None
    assert result.certificate_expires == expires
    asked = f'"{terms.method} {terms.path} HTTP/1.1"'
    agent = f'"dnsbalancer_exporter/{__version__}"'
    until(lambda: asked in nginx.log("access.log") and agent in nginx.log("access.log"), "a line")


def test_probes_leave_no_complaint_in_its_log(nginx: Nginx) -> None:
    for _ in range(5):
        assert nginx.probe(Protocol.HTTP, HttpTerms()).outcome is Outcome.SUCCESS
        assert nginx.probe(Protocol.HTTPS, HttpTerms()).outcome is Outcome.SUCCESS
    until(lambda: nginx.log("access.log").count(" 200 ") >= 11, "all are in the log")
    complaints = [line for line in nginx.log("error.log").splitlines() if " client " in line]
    assert complaints == []


def test_each_protocol_on_the_port_of_the_other(nginx: Nginx) -> None:
    swapped = nginx._replace(plain=nginx.tls, tls=nginx.plain)
    plain = swapped.probe(Protocol.HTTP, HttpTerms())
    assert (plain.reason, plain.detail) == (ProbeReason.STATUS, "400, expected 200-399")
    tls = swapped.probe(Protocol.HTTPS, HttpTerms())
    assert (tls.reason, tls.detail) == (
        ProbeReason.TLS,
        "what answers does not speak TLS: is it `http`?",
    )
