"""`python -m tests.acceptance FILE [ROOT]`: play the story with the single file FILE.

ROOT is a Debian to boot; without one it is laid out. It ends with 0 if all promises were kept, 1 if
not, and 2 if it cannot be played here: it needs root.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.acceptance.cloud import Cloud
from tests.acceptance.story import StepFailed, Story, Vm
from tests.packaging import machine

VMS = (
    ("192.0.2.11", "192.0.2.1"),
    ("198.51.100.12", "198.51.100.1"),
    ("203.0.113.13", "203.0.113.1"),
)
"""Addresses of three machines, and the gateways of their zones."""

APART = "DNSBALANCER_ACCEPTANCE_APART"
"""Set in the environment of the process that has a network of its own."""


def main(file: Path, root: Path | None) -> int:
    """Play the story and print it."""
    why = machine.why_not()
    if why:
        print(f"the acceptance test cannot be run here: {why}")
        return 2
    if APART in os.environ:
        if root is None:
            sys.exit("in a network of its own no Debian can be laid out: say where one is")
        return _play(file, root)
    with tempfile.TemporaryDirectory() as folder:
        if root is None:
            print("a small Debian is laid out first: half a minute", flush=True)
            root = Path(folder) / "debian"
            machine.lay_out(root)  # before the network is left
        # A network and mounts of its own, which are gone with it, whatever ends it.
        apart = ["unshare", "--net", "--mount", "--propagation", "private", sys.executable]
        command = [*apart, "-m", "tests.acceptance", str(file), str(root)]
        return subprocess.run(command, env={**os.environ, APART: "1"}, check=False).returncode


def _play(file: Path, root: Path) -> int:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cloud = Cloud()
        stack.callback(cloud.provider.stop)
        vms = []
        for number, (address, gateway) in enumerate(VMS, 1):
            place = machine.built(root, folder / str(number), file)
            vms.append(Vm(f"machine {number}", stack.enter_context(place), address, gateway))
        return _told(Story(cloud, vms))


def _told(story: Story) -> int:
    try:
        promises = story.play()
    except StepFailed as failed:
        print(f"\nNOT ACCEPTED: {failed}")
        return 1
    print()
    for promise in promises:
        print(f"  {'kept  ' if promise.kept else 'BROKEN'}  {promise.text}")
    accepted = all(promise.kept for promise in promises)
    print(f"\n{'ACCEPTED' if accepted else 'NOT ACCEPTED'}")
    return 0 if accepted else 1


if __name__ == "__main__":
    if len(sys.argv) not in {2, 3}:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2:] else None))
