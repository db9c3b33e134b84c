"""The story: the article on three machines, one cut off, one without power, both back."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.request import urlopen

from dnsbalancer_exporter.emulator.lookup import lookup
from tests.acceptance.cloud import PASSWORD, Cloud
from tests.acceptance.visitors import Visitors
from tests.e2e.stage import ZONE
from tests.packaging import article
from tests.packaging.machine import Machine

APP_PORT = 80
TIMEOUT = 10
"""The article's key: seconds between two checks. Everything else is a default."""

STEP_SECONDS = 90.0
"""Seconds after which a step is held not to happen; no measure of speed."""

APPLICATION = f"""\
[Service]
ExecStart=/usr/bin/python3 -m http.server --directory /var/empty {APP_PORT}
[Install]
WantedBy=multi-user.target
"""
CONNECT = f"import socket, sys; socket.create_connection((sys.argv[1], {APP_PORT}))"


class Vm(NamedTuple):
    """A machine, the address that is published for it, and the gateway of its zone."""

    name: str
    machine: Machine
    address: str
    gateway: str


class StepFailed(Exception):
    """A step of the story did not happen in time."""


@dataclass(frozen=True)
class Promise:
    """Something that must hold after the story."""

    text: str
    kept: bool


class Story:
    """Tells what happens, each line with the seconds since the beginning."""

    def __init__(self, cloud: Cloud, vms: Sequence[Vm]) -> None:
        self._began = time.monotonic()
        self._cloud = cloud
        self._vms = vms

    def tell(self, text: str) -> None:
        """Print one line of it."""
        print(f"{time.monotonic() - self._began:6.1f} s  {text}", flush=True)

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for something, and tell how long it took; raises StepFailed."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > STEP_SECONDS:
                raise StepFailed(f"{what}: not within {STEP_SECONDS:.0f} s\n{self._journals()}")
            time.sleep(0.05)
        self.tell(f"   {what}, after {time.monotonic() - began:.1f} s")

    def until_published(self, what: str, *vms: Vm) -> None:
        """Wait until DNS has the addresses of these machines and no others."""
        wanted = {vm.address for vm in vms}
        self.until(lambda: self._dns() == wanted, f"{what}: {ZONE} is {', '.join(sorted(wanted))}")

    def _dns(self) -> frozenset[str]:
        return lookup(self._cloud.provider.dns_address, ZONE)

    def _journals(self) -> str:
        running = [vm for vm in self._vms if vm.machine.init]
        return "\n".join(f"--- {vm.name}\n{vm.machine.journal()}" for vm in running)

    # --- what happens ---------------------------------------------------------------------

    def play(self) -> list[Promise]:
        """All of it; raises StepFailed."""
        one, two, three = self._vms
        self._begin()
        self.until_published("all three are published", one, two, three)
        with Visitors(self._cloud.provider.dns_address, ZONE, APP_PORT) as visitors:
            self.until(self._all_see_all, "each daemon sees all three up")
            self.tell(f"{two.name} is cut off: nothing gets out of its zone, nor into it")
            self._cloud.cut_off(two.gateway)
            self.until_published("its record is gone", one, three)
            believes = f"{two.name} believes that the others are dead"
            self.until(lambda: _holds_down(two, one, three), believes)
            self.tell(f"{three.name} loses its power")
            three.machine.power_off()
            self.until_published("its record is gone", one)
            self.tell(f"{two.name} has its network again")
            self._cloud.heal()
            self.until_published("its record is back", one, two)
            self.tell(f"{three.name} has its power again, and is booted")
            self._switch_on(three)
            self.until_published("its record is back", one, two, three)
            self.until(self._all_see_all, "each daemon sees all three up")
            self.tell("that was the story")
        return self._judged(visitors)

    def _begin(self) -> None:
        self._cloud.open(*(vm.gateway for vm in self._vms))
        self.tell(f"a cloud of three zones behind one router; {ZONE} has no address yet")
        for vm in self._vms:
            self._switch_on(vm)
        for vm in self._vms:
            vm.machine.until_booted()
            vm.machine.put("/etc/systemd/system/application.service", APPLICATION)
            vm.machine.run("mkdir -p /var/empty; systemctl enable --now application")
            self.tell(f"{vm.name} is booted: {vm.address}, {_system(vm)}, an application")
        for vm in self._vms:
            vm.machine.until(f"python3 -c '{CONNECT}' {vm.address}")
        provider = self._cloud.provider
        login = {name: getattr(provider, name) for name in ("url", "auth_url", "login")}
        login |= {"password": PASSWORD, "project_id": provider.project_id}
        for vm in self._vms:
            article.follow(vm.machine, {**login, "own_ip": vm.address}, TIMEOUT)
        self.tell(f"the article is followed on each, with its twelve keys (timeout: {TIMEOUT})")

    def _switch_on(self, vm: Vm) -> None:
        vm.machine.switch_on()
        self._cloud.plug_in(vm.machine, vm.address, vm.gateway)

    def _all_see_all(self) -> bool:
        return all(_healthy(vm) == len(self._vms) for vm in self._vms)

    # --- what is made of it ---------------------------------------------------------------

    def _judged(self, visitors: Visitors) -> list[Promise]:
        _, two, three = (vm.address for vm in self._vms)
        writes = self._cloud.written()
        states, moves = self._cloud.states(), self._cloud.moves()
        self.tell(
            f"{visitors.visits} visits; {visitors.second} were served by another address than the "
            f"first they tried; at most {visitors.longest:.1f} s from one served to the next"
        )
        self.tell(f"{writes['a']} requests to change the name, {writes['txt']} for its lock")
        return [
            Promise(f"the name was never empty: {len(states)} states", () not in states),
            Promise("DNS answered every visitor", not visitors.unanswered + visitors.empty),
            Promise("every visitor was served by some address", not visitors.turned_away),
            Promise(
                "each machine published itself, once",
                sorted(moves[:3]) == sorted(f"+{vm.address}" for vm in self._vms),
            ),
            Promise(
                "then only the two that were gone went, and came back",
                moves[3:] == [f"-{two}", f"-{three}", f"+{two}", f"+{three}"],
            ),
            Promise("nobody else's record was touched", self._cloud.foreign_stands()),
            Promise("one request for each change", writes["a"] == len(moves)),
            Promise("no daemon ended by itself", not any(map(_restarts, self._vms))),
            Promise("the password is in no journal", not any(map(_tells, self._vms))),
        ]


def _system(vm: Vm) -> str:
    said = vm.machine.run('. /etc/os-release; echo "$PRETTY_NAME"; systemctl --version')
    debian, systemd, *_ = said.splitlines()
    return f"{debian}, {' '.join(systemd.split()[:2])}"


def _healthy(vm: Vm) -> float:
    """How many targets a machine's daemon holds UP, by its metrics; 0 while it does not answer."""
    try:
        with urlopen(f"http://{vm.address}:9853/metrics", timeout=5) as page:
            text = page.read().decode()
    except OSError:
        return 0.0
    lines = [
        line for line in text.splitlines() if line.startswith("dnsbalancer_pool_targets_healthy")
    ]
    return sum(float(line.split()[-1]) for line in lines)


def _holds_down(vm: Vm, *others: Vm) -> bool:
    """Whether a machine's daemon has said of all these that they are down."""
    down = [line for line in vm.machine.journal().splitlines() if "event=target_down" in line]
    return all(any(other.address in line for line in down) for other in others)


def _restarts(vm: Vm) -> int:
    return int(vm.machine.show("NRestarts"))


def _tells(vm: Vm) -> bool:
    return PASSWORD in vm.machine.run("journalctl --no-pager")
