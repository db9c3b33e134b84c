"""What a block of each language must fulfil. A checker gives what is wrong; "" is good."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import hcl2
import promql_parser
import yaml

from dnsbalancer_exporter.config import parse
from dnsbalancer_exporter.config.schema import TOP
from dnsbalancer_exporter.config.web_file import parse_web
from dnsbalancer_exporter.errors import ConfigError
from tests.documents.commands import known, ours
from tests.needed import program
from tests.repo.generated import ROOT

Checker = Callable[[str], str]

TWELVE = {
    "url": "https://mcs.mail.ru/public-dns/",
    "auth_url": "https://infra.mail.ru:3535/v3/",
    "login": "example@test",
    "project_id": "777e19938fe947666d5d3be5c00053d7",
    "zone": "example.com",
    "own_ip": "203.0.113.11",
    "is_self_maintenance": "true",
    "driver": "vkcloudns",
    "protocol": "tcp",
    "port": "80",
}
"""What is put around a block that shows only some keys of a configuration."""

ENVIRONMENT = {**os.environ, "ANSIBLE_ROLES_PATH": str(ROOT / "packaging/ansible/roles")}
PEM = b"-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n"


def tool(name: str, *arguments: str, text: str, file: str = "block", silent: bool = False) -> str:
    """Run a tool on a file with ``text``, its path in the place of {}; what it finds fault with.

    A ``silent`` one finds fault with what it says anything of, whatever its status.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / file
        path.write_text(text)
        words = [argument.replace("{}", str(path)) for argument in arguments]
        done = subprocess.run(
            [program(name), *words], capture_output=True, text=True, check=False, env=ENVIRONMENT
        )
    return done.stdout + done.stderr if done.returncode or silent else ""


# --- YAML, by the keys at its top ---------------------------------------------------------


def _beside(path: str) -> bytes:
    """What a configuration names: a list of targets, or a password."""
    return b'["198.51.100.1", "198.51.100.2"]' if path.endswith(".json") else b"p4ss"


def _configuration(text: str) -> str:
    environ = {"DNSBALANCER_PASSWORD": "p4ss"}
    try:
        parse(text.encode(), "block", environ, _beside)
    except ConfigError as error:
        return str(error)
    return ""


def _some_keys(text: str) -> str:
    given = yaml.load(text, yaml.BaseLoader)
    return _configuration(yaml.safe_dump({"config": {**TWELVE, **given}}))


def _web(text: str) -> str:
    try:
        parse_web(text.encode(), "/etc/dnsbalancer/web.yaml", lambda _: PEM)
    except ConfigError as error:
        return str(error)
    return ""


def _prometheus(text: str) -> str:
    return tool("promtool", "check", "config", "--syntax-only", "{}", text=text)


def _rules(text: str) -> str:
    return tool("promtool", "check", "rules", "{}", text=text)


def _alertmanager(text: str) -> str:
    return tool("amtool", "check-config", "{}", text=text)


def _inventory(text: str) -> str:
    return tool("ansible-inventory", "--list", "-i", "{}", text=text, file="inventory.yaml")


def _play(text: str) -> str:
    return tool("ansible-playbook", "--syntax-check", "-i", "localhost,", "{}", text=text)


def _cloud(text: str) -> str:
    return "" if text.startswith("#cloud-config\n") else "the first line must be #cloud-config"


def _provisioning(text: str) -> str:
    """Grafana's own files: Debian has no Grafana to ask."""
    wanted = {"datasources": {"name", "type", "url"}, "providers": {"name", "type", "options"}}
    document = yaml.safe_load(text)
    (kind,) = set(document) - {"apiVersion"}
    lacking = [e for e in document[kind] if not wanted[kind] <= set(e)]
    return f"{lacking} lacks one of {wanted[kind]}" if lacking else ""


YAML: tuple[tuple[frozenset[str], Checker], ...] = (
    (frozenset({"config"}), _configuration),
    (frozenset(key.name for key in TOP), _some_keys),
    (frozenset({"tls_server_config", "http_server_config", "basic_auth_users"}), _web),
    (frozenset({"global", "scrape_configs", "rule_files", "alerting"}), _prometheus),
    (frozenset({"groups"}), _rules),
    (frozenset({"global", "route", "receivers", "inhibit_rules"}), _alertmanager),
    (frozenset({"apiVersion", "datasources"}), _provisioning),
    (frozenset({"apiVersion", "providers"}), _provisioning),
    (frozenset({"all"}), _inventory),
    (frozenset({"dnsbalancer"}), _inventory),
)
"""Who judges a mapping: the first row that has all of its keys."""


def _list(document: list[Mapping[str, Any]]) -> Checker | None:
    """Who judges a list: plays, or targets for Prometheus."""
    if all("hosts" in entry for entry in document):
        return _play
    if all(set(entry) <= {"targets", "labels"} for entry in document):
        return lambda _: ""
    return None


def check_yaml(text: str) -> str:
    """Judge YAML by what it is for."""
    if text.startswith("#cloud-config"):
        return _cloud(text)
    document = yaml.safe_load(text)
    if isinstance(document, list):
        checker = _list(document)
    else:
        keys = {key for key in document if not key.startswith("dnsbalancer_")}
        checker = next((check for row, check in YAML if keys <= row), None)
    return checker(text) if checker else "nobody knows these keys: add a row to YAML"


# --- the other languages ------------------------------------------------------------------


def check_sh(text: str) -> str:
    """Judge commands: the shell's grammar, shellcheck, and our own parser for our own command."""
    wrong = [" ".join(words) for words in ours(text) if not known(words)]
    if wrong:
        return f"dnsbalancer does not know: {wrong}"
    # SC2164: who types `cd` sees whether it failed
    arguments = ("--shell=sh", "--severity=warning", "--exclude=SC2164", "{}")
    return tool("shellcheck", *arguments, text=text)


def check_unit(text: str) -> str:
    """Judge a unit; what it starts is not here."""
    text = re.sub(r"(?m)^(Exec\w+)=\S+", r"\1=/bin/true", text)
    if "[Unit]" not in text:  # a drop-in
        text = f"[Service]\nExecStart=/bin/true\n{text}"
    arguments = ("verify", "--man=no", "{}")
    return tool("systemd-analyze", *arguments, text=text, file="block.service", silent=True)


def check_json(text: str) -> str:
    """Judge JSON by its grammar."""
    json.loads(text)
    return ""


def check_python(text: str) -> str:
    """Judge Python by its grammar; tests/contract/toy.py runs it."""
    compile(text, "block", "exec")
    return ""


def check_promql(text: str) -> str:
    """Judge expressions for Prometheus, one a line."""
    for line in text.splitlines():
        promql_parser.parse(line)
    return ""


def check_nft(text: str) -> str:
    """Judge a rule set of nftables."""
    return tool("nft", "--check", "--file", "{}", text=text)


def check_hcl(text: str) -> str:
    """Judge Terraform's language by its grammar: Debian has no Terraform to ask."""
    hcl2.loads(text)
    return ""


def check_text(_: str) -> str:
    """What a program prints is compared where the command is run."""
    return ""


CHECKERS: Mapping[str, Checker] = {
    "yaml": check_yaml,
    "sh": check_sh,
    "ini": check_unit,
    "json": check_json,
    "python": check_python,
    "promql": check_promql,
    "nft": check_nft,
    "hcl": check_hcl,
    "text": check_text,
}
"""The languages that a block may have."""
