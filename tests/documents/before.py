"""What the reader of a page has before the first step."""

from __future__ import annotations

import shutil

from tests.documents.checkers import TWELVE
from tests.documents.fleet import Fleet
from tests.documents.pages import DOCS, blocks
from tests.needed import program
from tests.repo.generated import ROOT

CONFIGURATION = "config:\n" + "".join(f'    {key}: "{value}"\n' for key, value in TWELVE.items())
CONFIGURATION += "    timeout: 5\n"
PASSWORD = '    password: "123456example"\n'
UNIT = next(block.text for block in blocks(DOCS / "article.md") if block.language == "ini")
TARGETS = '    targets: ["203.0.113.11", "203.0.113.12", "203.0.113.13"]\n'
"""Without the list, who reads the zone after a peer's withdrawal may forget the address."""
STAND_IN = "#!/bin/sh\nexec sleep infinity"
"""In the place of the published tool, which is not to be had here."""


def bare(fleet: Fleet) -> None:
    """Machines with an application, and nothing else."""
    fleet.until_answered()


def running(fleet: Fleet, more: str = "") -> None:
    """The package on every machine, members that see each other, all published."""
    bare(fleet)
    for number, machine in enumerate(fleet.machines, 1):
        machine.run("dpkg -i ~root/dnsbalancer_*_all.deb")
        fleet.write(number, "/etc/dnsbalancer/config.yaml", CONFIGURATION + more)
        machine.put("/etc/dnsbalancer/password", fleet.into("123456example", number), 0o600)
        machine.run("systemctl enable --now dnsbalancer")
    fleet.until_published(*fleet.hosts)
    for machine in fleet.machines:
        machine.until(f"dnsbalancer status | grep '{len(fleet.hosts)} of {len(fleet.hosts)} up'")


def published(fleet: Fleet) -> None:
    """The published tool, installed by its article."""
    bare(fleet)
    fleet.publish(*fleet.hosts)
    for number, machine in enumerate(fleet.machines, 1):
        machine.put("/usr/local/bin/dnsbalancer", STAND_IN, 0o755)
        machine.put("/etc/systemd/system/dnsbalancer.service", UNIT)
        fleet.write(number, "/etc/dnsbalancer/config.yaml", CONFIGURATION + PASSWORD)
        machine.run("systemctl daemon-reload; systemctl enable --now dnsbalancer")


def watched(fleet: Fleet) -> None:
    """The package on every machine, and Prometheus on the workstation."""
    running(fleet, TARGETS)
    fleet.workstation.watch()


def played(fleet: Fleet) -> None:
    """A checkout with the package in dist/, and Ansible."""
    bare(fleet)
    program("ansible-playbook")
    folder = fleet.workstation.folder
    shutil.copytree(ROOT / "packaging/ansible", folder / "packaging/ansible")
    shutil.copytree(fleet.files, folder / "dist")


def clouded(fleet: Fleet) -> None:
    """New machines that cloud-init has not met, and a place that has the package."""
    bare(fleet)
    fleet.places.append(("https://files.example.com/", fleet.serve_files()))
    fleet.workstation.command_cloud(fleet.hosts[0])
