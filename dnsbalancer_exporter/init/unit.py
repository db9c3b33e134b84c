"""The systemd service: is there a unit, and if not, the one that the packages have."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from dnsbalancer_exporter.errors import DnsBalancerError
from dnsbalancer_exporter.init.files import Document, write
from dnsbalancer_exporter.init.sheet import embedded
from dnsbalancer_exporter.startup import DEFAULT_CONFIG

NAME = "dnsbalancer.service"
OURS = Path("/etc/systemd/system", NAME)
INSTALLED = (OURS, Path("/usr/lib/systemd/system", NAME), Path("/lib/systemd/system", NAME))
RUNNING = Path("/run/systemd/system")
HIDDEN = ("home", "root", "run/user", "tmp", "var/tmp")
"""Folders in / of which ProtectHome and PrivateTmp show the service nothing."""

BESIDE = (
    (Path("/etc/sysusers.d/dnsbalancer.conf"), "sysusers.conf"),
    (Path("/etc/sysctl.d/50-dnsbalancer.conf"), "sysctl.conf"),
)
"""What the unit rests on: a group that may read the configuration, and leave to ping."""

PLAIN = re.compile(r"[\w/.:@=+-]+", re.ASCII)


class NoService(DnsBalancerError):
    """The service was asked for and cannot be had; the text says why, and what to do."""


def is_installed() -> bool:
    """A unit of this name is there, the packages' or somebody's own."""
    return any(path.exists() for path in INSTALLED)


def obstacle(file: str, command: Sequence[str]) -> str:
    """Why no service can be offered for this configuration; empty if one can."""
    if not RUNNING.is_dir():
        return "systemd does not run here"
    if os.geteuid() != 0:
        return "only root can start a service"
    if is_installed():
        return "" if file == DEFAULT_CONFIG else f"its unit reads {DEFAULT_CONFIG}, not {file}"
    for path in (*command[:1], *command[1:2], file):
        if any(Path(path).is_relative_to(Path("/", folder)) for folder in HIDDEN):
            return f"a service cannot see {path}: put it elsewhere, programs into /usr/local/bin"
    return ""


def by_hand(file: str, command: Sequence[str], platform: str = sys.platform) -> str:
    """How the daemon is started later, without us."""
    if platform.startswith("freebsd"):
        script = "packaging/freebsd/dnsbalancer of the sources into /usr/local/etc/rc.d"
        return f"to start it: {script}, sysrc dnsbalancer_enable=YES, service dnsbalancer start"
    if RUNNING.is_dir() and is_installed() and file == DEFAULT_CONFIG:
        return "to start it, now and at boot: systemctl enable --now dnsbalancer"
    return f"to start it: {shlex.join([*command, 'run', '--config', file])}"


def own_command() -> tuple[str, ...]:
    """The command that this process was started as, with absolute paths."""
    begun = Path(sys.argv[0]).resolve()
    if begun.name == "__main__.py":
        return (sys.executable, "-m", __name__.partition(".")[0])
    return (str(begun),) if os.access(begun, os.X_OK) else (sys.executable, str(begun))


def unit_text(command: Sequence[str], file: str) -> str:
    """The packages' unit for another command, and another configuration if it is another."""
    words = [*command, *(("--config", file) if file != DEFAULT_CONFIG else ())]
    line = "ExecStart=" + " ".join(map(_quoted, words))
    text, count = re.subn(r"(?m)^ExecStart=.*$", lambda _: line, embedded("dnsbalancer.service"))
    if count != 1:
        raise ValueError("the unit has one ExecStart")
    return text


def _quoted(word: str) -> str:
    """A word of ExecStart; systemd would expand `%` and `$`."""
    if PLAIN.fullmatch(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def install(command: Sequence[str], file: str) -> list[Path]:
    """Write unit, group and sysctl, and put the latter two into force; what was written."""
    beside = [Document(path, embedded(name), 0o644, over=True) for path, name in BESIDE]
    documents = [Document(OURS, unit_text(command, file), 0o644), *beside]
    write(documents)
    _run("systemd-sysusers", str(BESIDE[0][0]))
    _run("sysctl", "-q", "-e", "-p", str(BESIDE[1][0]))
    return [document.path for document in documents]


def start() -> None:
    """Enable and start the service; one that runs is restarted: only so it gets a new password."""
    _run("systemctl", "daemon-reload")
    _run("systemctl", "enable", NAME)
    _run("systemctl", "restart", NAME)


def _run(*words: str) -> None:
    found = shutil.which(words[0], path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if found is None:
        raise NoService(f"{words[0]} is not there")
    done = subprocess.run(  # noqa: S603 - fixed words, no shell
        [found, *words[1:]], check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        raise NoService(f"`{' '.join(words)}` failed: {done.stderr.strip() or done.returncode}")
