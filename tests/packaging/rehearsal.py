"""The main job on one machine: the emulated provider and applications beside the daemon."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from dnsbalancer_exporter import __version__
from tests.packaging.machine import Machine
from tests.repo.generated import ROOT

Boot = Callable[..., Machine]
"""The fixture that boots a machine with some files in /opt."""

CONFIG = "/etc/dnsbalancer/config.yaml"
SECRET = "/etc/dnsbalancer/password"
DEB = "dpkg -i /opt/dnsbalancer_{}_all.deb"

OWN, OTHER = "127.0.0.11", "127.0.0.12"
PORT = 8080
API_PORT = 8081
PASSWORD = "p4ss-of-the-machine"

PROVIDER = f"""
systemd-run --quiet --unit=provider /opt/dnsbalancer emulate --password {PASSWORD} \
    --listen 127.0.0.1:{API_PORT} --record '@ A {OTHER} 60' --record 'www A 192.0.2.80 300'
"""
INSIDE = "import boot; boot.install()\n"
"""What a script begins with that has the single file in PYTHONPATH: its modules are in archives."""

LOOKUP = f"""{INSIDE}
from dnsbalancer_exporter.emulator.lookup import lookup
print(*sorted(lookup(("127.0.0.1", 5353), "example.com", "A")))
"""

TEMPLATE = (ROOT / "packaging/config.yaml").read_text()
SCRAPE = """
from urllib.request import urlopen
print(urlopen("http://127.0.0.1:9853/metrics").read().decode())
"""


def start_app(machine: Machine, address: str) -> None:
    """Start an application."""
    serve = f"python3 -m http.server --directory /opt --bind {address} {PORT}"
    # The unit of one that was killed is unloaded a moment later.
    machine.until(f"systemd-run --quiet --collect --unit=app-{address} {serve}")


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


def fill_in(template: str, login: Mapping[str, object], **more: object) -> str:
    """A commented configuration with its values in their places, as an operator would."""
    values = {**login, "zone": "example.com", "own_ip": OWN, "port": PORT, "interval": 2, **more}
    for key, value in values.items():
        pattern = rf"(?m)^( +)#?{key}: .*$"
        template, count = re.subn(pattern, rf'\g<1>{key}: "{value}"', template)
        assert count == 1, f"{key} is there {count} times"
    return template


def with_targets(text: str) -> str:
    """A configuration that lists the two targets."""
    return re.sub(r"(?m)^( +)#targets: .*$", rf'\g<1>targets: ["{OWN}", "{OTHER}"]', text)


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


# --- the installed package ------------------------------------------------------------------


def configure(machine: Machine, **more: object) -> None:
    """Fill the installed configuration in, and give the password in a file of its own."""
    write_config(machine, with_targets(fill_in(TEMPLATE, begin(machine), **more)))


def write_config(machine: Machine, text: str) -> None:
    """Put this configuration into place."""
    machine.put("/run/filled", text)
    machine.run(f"cat /run/filled > {CONFIG}")  # owner and mode stay as installed
    machine.put(SECRET, PASSWORD, 0o600)


def installed(boot: Boot, files: list[Path], **more: object) -> Machine:
    """A machine with the package installed, configured and started."""
    machine = boot(*files)
    machine.run(DEB.format(__version__))
    configure(machine, **more)
    machine.run("dnsbalancer check && systemctl enable --now dnsbalancer")
    return machine


def pid(machine: Machine) -> int:
    """The daemon's process."""
    return int(machine.show("MainPID"))


def until_active_again(machine: Machine, old: int) -> None:
    """Wait until the daemon runs in another process than ``old``."""
    is_new = f"test $(systemctl show -P MainPID dnsbalancer) -ne {old}"
    machine.until(f"{is_new}; systemctl is-active dnsbalancer")


def metric(machine: Machine, name: str) -> float:
    """The value of a metric that has no labels."""
    machine.put("/run/scrape.py", SCRAPE)
    lines = machine.run("python3 /run/scrape.py").splitlines()
    (line,) = [line for line in lines if line.startswith(f"{name} ")]
    return float(line.split()[1])


def until_metric(machine: Machine, name: str, value: int) -> None:
    """Wait until such a metric has a value."""
    machine.put("/run/scrape.py", SCRAPE)
    machine.until(f"python3 /run/scrape.py | grep -E '^{name} {value}(\\.0)?$'")
