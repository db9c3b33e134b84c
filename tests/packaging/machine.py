"""A machine with a real systemd: a Debian root booted by systemd-nspawn, with a network of its own.

The root is laid out once; each machine has an overlay over it, so that every test has a new one.
Nothing of the host is changed: its cgroups are shown to the container from a private mount
namespace, as cgroup v2 only, whatever the host has.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

PACKAGES = (
    "ca-certificates,dbus,init-system-helpers,iproute2,libfaketime,procps,python3,rpm,systemd-sysv"
)
BOOT = """
umount -R /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
exec systemd-nspawn --quiet --register=no --keep-unit -D "$0" -b "$1" --console=pipe
"""
PRIVATELY = ("unshare", "--mount", "--propagation", "private")
ALONE = "--private-network"
BOOT_SECONDS = 60.0
DEADLINE = 90.0
"""Seconds after which a machine is held to hang; no measure of speed."""

TOOLS = ("mmdebstrap", "systemd-nspawn", "nsenter", "unshare")


def why_not() -> str:
    """Why no machine can be booted here; empty if nothing is known against it."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if os.getuid() != 0:
        return "only root can boot a machine"
    return f"without {', '.join(missing)} no machine can be booted" if missing else ""


def lay_out(root: Path, suite: str = "bookworm", more: str = "") -> None:
    """Install a small Debian in ``root``, with ``more`` packages."""
    root.mkdir()
    packages = f"--include={PACKAGES}{more and ','}{more}"
    command = ["mmdebstrap", "--quiet", "--variant=minbase", packages, suite]
    said = subprocess.run(
        [*command, str(root)], capture_output=True, text=True, check=False, cwd="/"
    )
    assert said.returncode == 0, f"mmdebstrap: {said.stderr}"
    (root / "etc/machine-id").write_text("")


class Machine:
    """A machine over the root ``root``, off until `boot`; the commands of `run` are a shell's.

    ``network`` is nspawn's option: one of its own, or a namespace that is there.
    """

    def __init__(self, root: Path, console: Path, network: str = ALONE) -> None:
        self.root = root
        self._network = network
        self.init = 0
        self._console = console
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._enter: list[str] = []

    # --- power ----------------------------------------------------------------------------

    def boot(self) -> None:
        """Switch it on and wait until it is up."""
        self.switch_on()
        self.until_booted()

    def until_booted(self) -> None:
        """Wait until its systemd has started what is enabled."""
        self.until("systemctl is-system-running --wait | grep -E 'running|degraded'")

    def switch_on(self) -> None:
        """Switch it on; ``init`` is its first process then, and whose network can be wired."""
        with self._console.open("ab") as console:
            self._nspawn = subprocess.Popen(
                [*PRIVATELY, "sh", "-ec", BOOT, self.root, self._network],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )
        self.init = _init_of(self._nspawn, self._console)
        self._enter = ["nsenter", "-t", str(self.init), *["-m", "-p", "-n", "-u", "-i", "-C"]]

    def power_off(self) -> None:
        """Take its power away: all that runs inside is dead at once, and may be booted again."""
        if self.init:
            _end(self.init)
            self.init = 0
        if self._nspawn:
            self._nspawn.kill()
            self._nspawn.wait()

    # --- inside ---------------------------------------------------------------------------

    def try_(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script inside, whatever becomes of it; its output has standard error in it."""
        return subprocess.run(
            [*self._enter, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "sh", "-euc", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=DEADLINE,
        )

    def run(self, script: str) -> str:
        """Run a script inside and give its output; it must succeed."""
        done = self.try_(script)
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{self.journal()}"
        return done.stdout.strip()

    def until(self, script: str) -> None:
        """Wait until a script succeeds."""
        end = time.monotonic() + DEADLINE
        while self.try_(script).returncode:
            assert time.monotonic() < end, f"not in time: {script}\n{self.journal()}"
            time.sleep(0.1)

    def show(self, name: str, unit: str = "dnsbalancer") -> str:
        """A property of a unit."""
        return self.run(f"systemctl show -P {name} {unit}")

    def journal(self) -> str:
        """The end of the daemon's journal, and of its unit's."""
        return self.try_("journalctl --no-pager -o short -n 60 -u dnsbalancer").stdout

    def put(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file."""
        # Through the machine: the layers of a mounted overlay are not to be changed.
        self.run(f"mkdir -p {Path(path).parent}; umask 077; cat > {path} <<'END'\n{text}\nEND\n")
        self.run(f"chmod {mode:o} {path}")


@contextlib.contextmanager
def built(base: Path, folder: Path, *files: Path, network: str = ALONE) -> Iterator[Machine]:
    """A machine over the root ``base``, with ``files`` in /opt; what it writes is in ``folder``."""
    upper, work, root = (folder / name for name in ("upper", "work", "root"))
    for path in (upper, work, root):
        path.mkdir(parents=True)
    (upper / "opt").mkdir()
    for file in files:
        shutil.copy(file, upper / "opt")
    layers = f"lowerdir={base},upperdir={upper},workdir={work}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, root], check=True)
    machine = Machine(root, folder / "console", network)
    try:
        yield machine
    finally:
        machine.power_off()
        subprocess.run(["umount", root], check=True)


@contextlib.contextmanager
def booted(base: Path, folder: Path, *files: Path, network: str = ALONE) -> Iterator[Machine]:
    """The same, switched on."""
    with built(base, folder, *files, network=network) as machine:
        machine.boot()
        yield machine


def _end(init: int) -> None:
    """Kill the container's first process, and with it all that runs inside."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(init, signal.SIGKILL)
    end = time.monotonic() + BOOT_SECONDS
    while Path(f"/proc/{init}").exists() and time.monotonic() < end:
        time.sleep(0.02)


def _init_of(nspawn: subprocess.Popen[bytes], console: Path) -> int:
    """The container's first process."""
    end = time.monotonic() + BOOT_SECONDS
    children = Path(f"/proc/{nspawn.pid}/task/{nspawn.pid}/children")
    while time.monotonic() < end and nspawn.poll() is None:
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    return int(child)
        time.sleep(0.05)
    raise AssertionError(f"the machine did not boot: {console.read_text(errors='replace')}")
