"""The main job on one machine: the emulated provider and applications beside the daemon."""

from __future__ import annotations

import re

from tests.packaging.machine import Machine

OWN, OTHER = "127.0.0.11", "127.0.0.12"
PORT = 8080
PASSWORD = "p4ss-of-the-machine"

PROVIDER = f"""
systemd-run --quiet --unit=provider /opt/dnsbalancer emulate --password {PASSWORD} \
    --record '@ A {OTHER} 60' --record 'www A 192.0.2.80 300'
"""
LOOKUP = """
from dnsbalancer_exporter.emulator.lookup import lookup
print(*sorted(lookup(("127.0.0.1", 5353), "example.com", "A")))
"""


def start_app(machine: Machine, address: str) -> None:
    """Start an application."""
    serve = f"python3 -m http.server --directory /opt --bind {address} {PORT}"
    machine.run(f"systemd-run --quiet --collect --unit=app-{address} {serve}")


def stop_app(machine: Machine, address: str) -> None:
    """Kill an application."""
    machine.run(f"kill -KILL $(systemctl show -P MainPID app-{address})")


def begin(machine: Machine) -> dict[str, str]:
    """Start the provider and two applications; the login that it wants."""
    machine.run(PROVIDER)
    machine.until("journalctl -u provider -o cat | grep -q ^dns:")
    said = machine.run("journalctl -u provider -o cat")
    for address in (OWN, OTHER):
        start_app(machine, address)
    return dict(re.findall(r"^(url|auth_url|login|project_id): (\S+)$", said, re.MULTILINE))


def fill_in(template: str, login: dict[str, str], **more: object) -> str:
    """A commented configuration with its values in their places, as an operator would."""
    values = {**login, "zone": "example.com", "own_ip": OWN, "port": PORT, "interval": 2, **more}
    for key, value in values.items():
        pattern = rf"(?m)^( +)#?{key}: .*$"
        template, count = re.subn(pattern, rf'\g<1>{key}: "{value}"', template)
        assert count == 1, f"{key} is there {count} times"
    return re.sub(r"(?m)^( +)#targets: .*$", rf'\g<1>targets: ["{OWN}", "{OTHER}"]', template)


def until_published(machine: Machine, *addresses: str) -> None:
    """Wait until DNS has exactly these addresses."""
    machine.put("/run/lookup.py", LOOKUP)
    wanted = " ".join(sorted(addresses))
    machine.until(f'test "$(PYTHONPATH=/opt/dnsbalancer python3 /run/lookup.py)" = "{wanted}"')


def withdraws(machine: Machine) -> None:
    """See half of the main job: an application dies, and its record goes."""
    until_published(machine, OWN, OTHER)
    stop_app(machine, OTHER)
    until_published(machine, OWN)


def fails_over(machine: Machine) -> None:
    """See the main job: an application dies and its record goes; it is back, and its record is."""
    withdraws(machine)
    machine.run(f"systemctl reset-failed app-{OTHER} || true")
    start_app(machine, OTHER)
    until_published(machine, OWN, OTHER)
