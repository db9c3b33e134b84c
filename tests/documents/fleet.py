"""Three machines with a real systemd in three zones, and the provider: where pages are followed.

The machines are booted in the networks of the end-to-end lab. What a page says of the reader's own
world (addresses, login, the provider's URLs) is put into that of the test, and what a command
prints is put back.
"""

from __future__ import annotations

import contextlib
import functools
import re
import subprocess
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from tests.documents.workstation import Workstation
from tests.e2e.lab import Lab
from tests.e2e.stage import PASSWORD, until
from tests.packaging.machine import Machine, booted

if TYPE_CHECKING:
    from typing_extensions import Self

ADDRESS = "203.0.113.1{}"
"""The pages' addresses, less their last digit: the machines in order, the witness last."""

APPLICATION = """\
[Unit]
Description=An application of the reader's
[Service]
ExecStart=/usr/bin/python3 -m http.server 80 --directory /srv
[Install]
WantedBy=multi-user.target
"""
PREAMBLE = "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; cd /root\n"
OURS = re.compile("is plain http: the login travels|is not a public address: clients outside")
"""Notes that come of the test's own URLs and addresses."""

RESTORED = {"url": "https://mcs.mail.ru/public-dns/", "auth_url": "https://infra.mail.ru:3535/v3/"}
UNIT = "/etc/systemd/system/nginx.service"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class Fleet(Lab):
    """Machines 1 to ``count``, each with an application on port 80 that `systemctl` calls nginx."""

    def __init__(self, folder: Path, base: Path, files: Path, count: int) -> None:
        super().__init__(folder, count)
        self.machines: list[Machine] = []
        self._base = base
        self.files = files
        self.workstation = Workstation(folder / "workstation")
        self.places: list[tuple[str, str]] = []
        self._booted = contextlib.ExitStack()

    def __enter__(self) -> Self:
        super().__enter__()
        for number, host in enumerate(self.hosts, 1):
            namespace = f"--network-namespace-path=/run/netns/{self.inside(host)[3]}"
            folder = self.folder / f"machine-{number}"
            made = booted(self._base, folder, *self.files.iterdir(), network=namespace)
            self.machines.append(self._booted.enter_context(made))
        for machine in self.machines:
            machine.run("cp /opt/* ~root")
            machine.put("~root/.ssh/authorized_keys", self.workstation.key, 0o600)
            machine.put(UNIT, APPLICATION)
            machine.run("systemctl daemon-reload; systemctl start nginx")
        return self

    def __exit__(self, *details: object) -> None:
        self._booted.close()
        self.workstation.close()
        super().__exit__(*details)

    # --- between the page and the test -----------------------------------------------------

    def _pairs(self) -> list[tuple[str, str]]:
        api = [(RESTORED["auth_url"], self.emulator.auth_url), (RESTORED["url"], self.emulator.url)]
        return [
            *((ADDRESS.format(i), host) for i, host in enumerate(self.hosts, 1)),
            *api,
            *self.places,
        ]

    def into(self, text: str, number: int) -> str:
        """The page's text for the machine ``number``; 0 is the workstation."""
        if number:
            own = ADDRESS.format(number)
            first = re.escape(ADDRESS.format(1))
            text = re.sub(rf'(own[_-]ip:? "?){first}\b', rf"\g<1>{own}", text)
        for page, test in self._pairs():
            text = re.sub(rf"{re.escape(page)}(?!\d)", test, text)
        text = text.replace("123456example", PASSWORD).replace("sleep 60", "sleep 1")
        # the provider's own URLs are what the page need not say
        here = f"--url {self.emulator.url} --auth-url {self.emulator.auth_url}"
        text = text.replace("dnsbalancer init ", f"dnsbalancer init {here} ")
        host, port = self.emulator.dns_address
        text = re.sub(r"\bdig (?!@)", f"dig @{host} -p {port} ", text)
        return text if number else self.workstation.into(text)

    def out_of(self, text: str) -> str:
        """What a command has printed, in the page's words."""
        for page, test in self._pairs():
            text = re.sub(rf"{re.escape(test)}(?!\d)", page, text)
        kept = [line for line in text.splitlines() if not OURS.search(line)]
        return "\n".join(kept).replace(str(self.workstation.folder), "")

    # --- what a mark tells to do -----------------------------------------------------------

    def numbers(self, where: str) -> list[int]:
        """Which machines a mark names; 0 is the workstation."""
        every = list(range(1, len(self.machines) + 1))
        known = {"workstation": [0], "machine": [1], "machines": every}
        return known.get(where) or [int(where.removeprefix("machine "))]

    def do(self, number: int, script: str) -> subprocess.CompletedProcess[str]:
        """Run a block to its end."""
        script = self.into(script, number)
        if number:
            return self.machines[number - 1].try_(PREAMBLE + script)
        return self.workstation.do(script)

    def begin(self, number: int, script: str) -> None:
        """Start a block that goes on; what it prints is in a file."""
        machine = self.machines[number - 1]
        machine.put("/run/background.sh", PREAMBLE + self.into(script, number))
        machine.run(
            "systemd-run --quiet --unit=background -p StandardOutput=file:/run/background.out"
            " sh /run/background.sh"
        )

    def end(self) -> None:
        """End what goes on, as Ctrl-C does."""
        for machine in self.machines:
            machine.try_("systemctl kill -s INT background && systemctl stop background")

    def write(self, number: int, path: str, text: str) -> None:
        """Write a block to a file."""
        text = self.into(text, number).rstrip("\n")
        if number:
            # an owner and a mode that are there already stay
            self.machines[number - 1].put("/run/block", text)
            folder = Path(path).parent
            self.machines[number - 1].run(f"mkdir -p {folder}; cat /run/block > {path}")
        else:
            self.workstation.write(path, text + "\n")

    def serve_files(self) -> str:
        """Serve the package to the machines; the URL."""
        hub = self.emulator.dns_address[0]
        handler = functools.partial(_Quiet, directory=str(self.files))
        server = ThreadingHTTPServer((hub, 0), handler)
        self._booted.callback(server.server_close)
        self._booted.callback(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://{hub}:{server.server_port}/"

    def until_answered(self) -> None:
        """Wait until every application answers."""
        script = "curl -sf -o /dev/null http://127.0.0.1/"
        until(lambda: all(m.try_(script).returncode == 0 for m in self.machines), "they answer")
