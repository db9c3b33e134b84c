"""The published article: what it tells an operator to write on each machine, and to type."""

from __future__ import annotations

from collections.abc import Mapping

from tests.packaging.machine import Machine

CONFIG = """\
config:
    url: "{url}"
    auth_url: "{auth_url}"
    login: "{login}"
    password: "{password}"
    project_id: "{project_id}"
    zone: "{zone}"
    own_ip: "{own_ip}"
    is_self_maintenance: true
    driver: "vkcloudns"
    protocol: "tcp"
    port: {port}
    timeout: {timeout}
"""
"""Its twelve keys, in its order."""

UNIT = """\
[Unit]
Description=dnsbalancer
After=network.target
[Service]
Type=simple
ExecStart=/usr/local/bin/dnsbalancer
Restart=always
[Install]
WantedBy=multi-user.target
"""
"""Its unit of ten lines."""


def follow(machine: Machine, values: Mapping[str, object], timeout: int = 180) -> None:
    """Do what it says, in its order; the file that is put into place lies in /opt."""
    text = CONFIG.format(**{"zone": "example.com", "port": 80, **values}, timeout=timeout)
    machine.run("cp /opt/dnsbalancer /usr/local/bin/")
    machine.put("/etc/dnsbalancer/config.yaml", text)
    machine.put("/etc/systemd/system/dnsbalancer.service", UNIT)
    for command in ("daemon-reload", "start dnsbalancer", "enable dnsbalancer"):
        machine.run(f"systemctl {command}")
