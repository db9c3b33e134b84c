"""A password full of signs, looked for on a whole machine: it is only where it was put."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from dnsbalancer_exporter import __version__
from tests.packaging.machine import Machine
from tests.packaging.rehearsal import (
    CONFIG,
    DEB,
    INSIDE,
    OTHER,
    OWN,
    SECRET,
    TEMPLATE,
    Boot,
    fill_in,
    pid,
    start_app,
    stop_app,
    until_active_again,
    until_published,
    with_targets,
    write_config,
)

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("machine")]

PASSWORD = """p4ss $(id) `id` ${HOME} %n%s \\n '"; & | < > ! # * ? ~ ~root \\ end"""
FORMS = {
    "as it is": PASSWORD,
    "in JSON": json.dumps(PASSWORD)[1:-1],
    "as repr": repr(PASSWORD)[1:-1],
    "in a URL": quote(PASSWORD),
    "in base64": base64.b64encode(PASSWORD.encode()).decode()[:40],
}
CREDENTIAL = "/run/credentials/dnsbalancer.service/password"

PROVIDER = f"""{INSIDE}
import signal
from dnsbalancer_exporter.emulator import Emulator
password = open("/run/provider/password").read()
places = dict(listen=("127.0.0.1", 8081), dns=("127.0.0.1", 5353))
Emulator(**places, records=["@ A {OTHER} 60"], password=password).start()
signal.pause()
"""

READABLE = """
from pathlib import Path
for process in Path("/proc").glob("[0-9]*"):
    for name in ("cmdline", "environ", "comm", "status"):
        try:
            print((process / name).read_bytes().replace(bytes(1), b"\\n").decode(errors="replace"))
        except OSError:
            pass
"""
SHOWN = f"""
journalctl -o export --no-pager --all
systemctl show --all dnsbalancer; systemctl cat dnsbalancer; systemctl status -l dnsbalancer || true
systemctl show-environment; ps auxeww
python3 /run/readable.py
for path in / /metrics /api/v1/status /x; do python3 /run/get.py $path; done
dnsbalancer status; dnsbalancer status --json; dnsbalancer explain {OWN}; dnsbalancer check
dnsbalancer check --online || true; dnsbalancer plan || true
"""
GET = """
import sys
from urllib.error import HTTPError
from urllib.request import urlopen
try:
    print(urlopen("http://127.0.0.1:9853" + sys.argv[1]).read().decode())
except HTTPError as error:
    print(error.read().decode())
"""
SEARCH = """
import os, sys
from pathlib import Path
wanted = open("/run/provider/password").read().encode()
for top in ("/etc", "/opt", "/root", "/run", "/tmp", "/usr", "/var"):
    for folder, _, names in os.walk(top):
        for path in (Path(folder, name) for name in names):
            if path.is_file() and not path.is_symlink() and wanted in path.read_bytes():
                print(f"{path} {path.stat().st_mode & 0o777:o}")
"""
"""Every file that has it, and its mode."""


def begun(boot: Boot, files: list[Path]) -> Machine:
    """The installed service with this password in its file, and a provider that wants it."""
    machine = boot(*files)
    machine.run(DEB.format(__version__))
    for name, text in (("readable", READABLE), ("get", GET), ("search", SEARCH)):
        machine.put(f"/run/{name}.py", text)
    machine.put("/run/provider.py", PROVIDER)
    machine.put("/run/provider/line", PASSWORD, 0o600)
    machine.run("chmod 700 /run/provider; cd /run/provider; tr -d '\\n' < line > password")
    machine.run("cd /run/provider; chmod 600 password; rm line")
    provide = "-p Environment=PYTHONPATH=/opt/dnsbalancer python3 /run/provider.py"
    machine.run(f"systemd-run -q --unit=provider {provide}")
    for address in (OWN, OTHER):
        start_app(machine, address)
    url = "http://127.0.0.1:8081"
    login = {"login": "operator@example.com", "project_id": "0123456789abcdef0123456789abcdef"}
    urls = {"url": f"{url}/public-dns/", "auth_url": f"{url}/v3/", "log_level": "debug"}
    write_config(machine, with_targets(fill_in(TEMPLATE, {**login, **urls})))
    machine.put(SECRET, PASSWORD, 0o600)
    machine.run("systemctl enable --now dnsbalancer")
    return machine


def test_a_password_of_signs_shows_nowhere(boot: Boot, files: list[Path]) -> None:
    machine = begun(boot, files)
    until_published(machine, OWN, OTHER)  # it was understood
    stop_app(machine, OTHER)
    until_published(machine, OWN)
    for signal in ("ABRT", "SEGV"):
        old = pid(machine)
        machine.run(f"kill -{signal} {old}")
        until_active_again(machine, old)
    shown = machine.run(SHOWN)
    assert "Fatal Python error: Aborted" in shown  # a traceback was among it
    assert "auth_token" in shown
    assert {form for form, text in FORMS.items() if text in shown} == set()
    found = machine.run("python3 /run/search.py").splitlines()
    assert sorted(found) == [f"{SECRET} 600", f"{CREDENTIAL} 400", "/run/provider/password 600"]
    assert machine.run(f"stat -c '%U:%G %a' {CONFIG}") == "root:dnsbalancer 640"
    nobody = machine.try_(f"setpriv --reuid=65534 --clear-groups --regid=65534 cat {CONFIG}")
    assert nobody.returncode != 0
