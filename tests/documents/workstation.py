"""Where a page's reader sits: a folder with a key for ssh, and what Debian has for monitoring.

Paths below /etc and /var are in the folder. There is no systemd: `systemctl` is a script that
starts Prometheus with the page's configuration, and has nothing to do for anything else.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from tests.e2e.lab import command
from tests.e2e.stage import free_port
from tests.needed import PATH, program

PLACES = re.compile(r"(?<![\w:.])/(?=(etc|var/lib)/(prometheus|grafana)\b)")
SHARED = "-o ControlMaster=auto -o ControlPersist=60s"
DEADLINE = 900.0
"""Seconds after which a command is held to hang; no measure of speed."""

SSH = """\
IdentityFile {key}
User root
StrictHostKeyChecking no
UserKnownHostsFile /dev/null
LogLevel ERROR
"""
SYSTEMCTL = """\
#!/bin/sh
[ "$*" = "restart prometheus" ] || exit 0
cd {folder}
[ ! -e prometheus.pid ] || kill "$(cat prometheus.pid)"
setsid {prometheus} --config.file={folder}/etc/prometheus/prometheus.yml \
    --storage.tsdb.path={folder}/tsdb --web.listen-address={address} >>prometheus.log 2>&1 &
echo $! >prometheus.pid
"""

OPENSTACK = """\
#!/bin/sh
# server create --user-data FILE ... NAME-N: the machine N is there and meets its data only now
for name; do :; done
address=$(grep 'own_ip:' "$4" | tr -dc '0-9.')
ssh -F {folder}/ssh_config "$address" "
    mkdir -p /var/lib/cloud/seed/nocloud && cd /var/lib/cloud/seed/nocloud
    cat > user-data && echo instance-id: $name > meta-data
    echo 'locale: false' > /etc/cloud/cloud.cfg.d/90-small.cfg
    cloud-init init --local && cloud-init init
    cloud-init modules --mode=config && cloud-init modules --mode=final" < "$4"
"""
CLOUD_INIT = """\
#!/bin/sh
# schema --config-file FILE, where cloud-init is installed
ssh -F {folder}/ssh_config {machine} "cat > $3; cloud-init schema --config-file $3" < "$3"
"""


class Workstation:
    """The reader's own machine; its files are in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._address = f"127.0.0.1:{free_port('127.0.0.1')}"
        (folder / "bin").mkdir(parents=True)
        self._sockets = tempfile.mkdtemp()  # their paths must be short
        key = folder / "id"
        command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
        self.key = key.with_suffix(".pub").read_text()
        (folder / "ssh_config").write_text(SSH.format(key=key))

    def watch(self) -> None:
        """Have Prometheus."""
        self._give("systemctl", SYSTEMCTL, prometheus=program("prometheus"), address=self._address)

    def command_cloud(self, machine: str) -> None:
        """Have a cloud, whose machines are there, and cloud-init, which is on ``machine``."""
        self._give("openstack", OPENSTACK)
        self._give("cloud-init", CLOUD_INIT, machine=machine)

    def _give(self, name: str, script: str, **values: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(script.format(folder=self.folder, **values))
        path.chmod(0o755)

    def into(self, text: str) -> str:
        """A page's text for here."""
        text = text.replace("127.0.0.1:9090", self._address)
        text = PLACES.sub(f"{self.folder}/", text)
        return re.sub(r"\b(ssh|scp) (?=[\w'\"])", rf"\1 -F {self.folder}/ssh_config ", text)

    def do(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script; its output has standard error in it."""
        return subprocess.run(
            ["sh", "-euc", script],
            cwd=self.folder,
            env={
                "PATH": f"{self.folder}/bin:{PATH}",
                "HOME": str(self.folder),
                "LANG": "C.UTF-8",
                "ANSIBLE_SSH_ARGS": f"-F {self.folder}/ssh_config {SHARED}",
                "ANSIBLE_PIPELINING": "1",
                "ANSIBLE_SSH_CONTROL_PATH_DIR": self._sockets,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=DEADLINE,
        )

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        target = self.folder / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def close(self) -> None:
        """End what was started."""
        shutil.rmtree(self._sockets, ignore_errors=True)
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((self.folder / "prometheus.pid").read_text()), signal.SIGKILL)
